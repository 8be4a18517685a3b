use actix_web::get;
use kernel::{Npi, Phone, PrincipalId, Scope, SiteId};
use registry::{PrincipalKind, Role};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Problem;
use crate::caller::{Anyone, Caller};
use crate::reply::Reply;

/// Who calls, and what they may do.
#[derive(Serialize, ToSchema)]
struct Me {
    id: PrincipalId,
    kind: PrincipalKind,
    role: Role,
    /// The caller's name.
    name: String,
    /// Whom to call about the caller's requests, where a request doesn't say (AUT-11).
    #[schema(required = true)]
    contact: Option<MyContact>,
    /// The sites for which the caller may act (AUT-09); of the plan's own staff, none.
    sites: Vec<MySite>,
    /// What both the token and the caller's role permit.
    scopes: Vec<Scope>,
}

/// A person or a desk.
#[derive(Serialize, ToSchema)]
struct MyContact {
    /// Its name.
    name: String,
    phone: Phone,
}

/// A site granted to the caller.
#[derive(Serialize, ToSchema)]
struct MySite {
    id: SiteId,
    /// Its name.
    name: String,
    npi: Npi,
}

/// Who am I, and what may I do
///
/// The caller as the plan has them on record: the sites for which requests may be sent (AUT-09), the contact that a
/// request takes where it names none (AUT-11), and the scopes.
#[utoipa::path(tag = "callers", security(("bearer" = [])), responses((status = 200, description = "The caller.", body = Me)))]
#[get("/v1/me")]
pub(crate) async fn get_me(caller: Caller<Anyone>) -> Result<Reply, Problem> {
    let it = &*caller.principal;
    let contact = it.contact.clone().map(|it| MyContact { name: it.name, phone: it.phone });
    let site = |it: &registry::Site| MySite { id: it.id.clone(), name: it.name.clone(), npi: it.npi.clone() };
    Ok(Reply::of(&Me {
        id: it.id.clone(),
        kind: it.role.kind(),
        role: it.role,
        name: it.name.clone(),
        contact,
        sites: it.sites.iter().map(site).collect(),
        scopes: caller.scopes().to_vec(),
    })?)
}
