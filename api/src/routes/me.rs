use actix_web::get;
use actix_web::web::Data;
use kernel::{Npi, PrincipalId, Scope, SiteId};
use registry::{Access, PrincipalKind, Role};
use serde::Serialize;
use store::Rx;
use utoipa::ToSchema;

use super::party_body::ContactBody;
use crate::caller::{Anyone, Caller};
use crate::contract::Contract;
use crate::reply::Reply;
use crate::{Problem, State};

/// Who calls, and what they may do.
#[derive(Serialize, ToSchema)]
struct Me {
    id: PrincipalId,
    kind: PrincipalKind,
    /// The caller's name.
    name: String,
    /// Whom to call about the caller's requests, where a request doesn't say (AUT-11).
    #[schema(required = true)]
    contact: Option<ContactBody>,
    /// The roles in force, at the plan or at any site.
    roles: Vec<Role>,
    /// The sites for which the caller may act, with the roles at each (AUT-09); of the plan's own staff, none.
    sites: Vec<MySite>,
    /// What both the token and the caller's roles permit.
    scopes: Vec<Scope>,
    /// The operations, by their `operationId`, that these scopes open. Some of them only the plan's own people do, whatever the scope;
    /// and of a thing, its `actions` say what may be done now.
    operations: Vec<String>,
}

/// A site granted to the caller.
#[derive(Serialize, ToSchema)]
struct MySite {
    id: SiteId,
    /// Its name.
    name: String,
    npi: Npi,
    /// The caller's roles there.
    roles: Vec<Role>,
}

/// Who am I, and what may I do
///
/// The caller as the plan has them on record: the sites for which requests may be sent (AUT-09), the contact that a
/// request takes where it names none (AUT-11), the roles, the scopes, and the operations that they open: enough to draw a menu.
#[utoipa::path(tag = "callers", security(("bearer" = [])), responses((status = 200, description = "The caller.", body = Me)))]
#[get("/v1/me")]
pub(crate) async fn get_me(
    state: Data<State>,
    contract: Data<Contract>,
    caller: Caller<Anyone>,
) -> Result<Reply, Problem> {
    let me = |_: &mut Rx<'_>, who: &Access, contract: Data<Contract>| Reply::of(&Me::new(who, &contract));
    state.read(&caller, Ok(contract), me).await
}

impl Me {
    fn new(who: &Access, contract: &Contract) -> Self {
        let it = &*who.principal;
        let mut roles: Vec<_> = it.grants.iter().map(|it| it.role).collect();
        roles.sort_unstable();
        roles.dedup();
        let mut sites = Vec::<MySite>::new();
        for grant in &it.grants {
            let Some(site) = &grant.site else { continue };
            match sites.last_mut().filter(|it| it.id == site.id) {
                Some(same) => same.roles.push(grant.role),
                None => sites.push(MySite {
                    id: site.id.clone(),
                    name: site.name.clone(),
                    npi: site.npi.clone(),
                    roles: vec![grant.role],
                }),
            }
        }
        Self {
            id: it.id.clone(),
            kind: it.kind,
            name: it.name.clone(),
            contact: it.contact.clone().map(|it| ContactBody { name: it.name, phone: it.phone }),
            roles,
            sites,
            scopes: who.scopes.to_vec(),
            operations: contract.open_to(|scope| who.may(scope)),
        }
    }
}
