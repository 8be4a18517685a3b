//! What the trail is told of each call that changed nothing: who saw what, and who was refused what.

use std::sync::Arc;

use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, web::Data};
use store::{Actor, Note, Number};

use crate::contract::Contract;
use crate::frame::{self, Known, Refused};
use crate::reply::Shown;
use crate::{State, problem};

/// Notes what an answer shows, or why there is none; whether it may be given. An answer that shows members' data may not, if
/// no one could be told who saw it (L-03).
///
/// What was written has its entry already. A call beyond its rate is only counted: else a flood of them would fill the trail.
pub(crate) fn note(state: &State, answer: &ServiceResponse, request: &str) -> bool {
    let contract = answer.request().app_data::<Data<Contract>>();
    let Some(action) = contract.and_then(|it| it.told(answer.request())) else { return true };
    let extensions = answer.request().extensions();
    let shown = extensions.get::<Shown>();
    if shown.is_some_and(|it| it.recorded) || answer.status() == StatusCode::TOO_MANY_REQUESTS {
        return true;
    }
    let known = frame::known(answer.request());
    let known = known.as_ref();
    let path = answer.request().match_info().get("id").filter(|it| is_ours(it));
    let mut subjects = shown.map(|it| it.subjects.clone()).unwrap_or_default();
    let subject = if subjects.len() == 1 { subjects.pop() } else { path.map(str::to_owned) };
    let refused = extensions.get::<Refused>();
    let told = state.store.note(Note {
        actor: actor(known, request),
        action: action.to_owned(),
        subject: subject.unwrap_or_default(),
        site_id: shown.and_then(|it| it.site.clone()),
        outcome: refused.map_or_else(|| "read".to_owned(), |it| it.0.clone()),
        subjects,
        emergency: known.and_then(|it| it.emergency.clone()),
    });
    told || !answer.status().is_success() || known.is_none_or(|it| !it.phi)
}

/// Notes a call whose handler panicked, so that nothing is known of it but who asked for what.
pub(crate) fn fell(state: &State, action: &str, known: Option<&Known>, request: &str) {
    // Nothing is shown, so that it may go untold where there is no room.
    let _ = state.store.note(Note {
        actor: actor(known, request),
        action: action.to_owned(),
        subject: String::new(),
        site_id: None,
        outcome: problem::INTERNAL.slug.to_owned(),
        subjects: Vec::new(),
        emergency: known.and_then(|it| it.emergency.clone()),
    });
}

fn actor(known: Option<&Known>, request: &str) -> Actor {
    let id = known.map_or("anonymous", |it| it.id.as_deref().unwrap_or("unknown"));
    let client = known.map_or_else(|| "".into(), |it| Arc::clone(&it.client));
    Actor { id: id.into(), client, request: request.into(), of_service: false }
}

/// Whether it has the form of an id of ours; a path may hold anything.
pub(crate) fn is_ours(id: &str) -> bool {
    let framed = |it: &str| it.len() == 32 && it.bytes().all(|it| it.is_ascii_hexdigit());
    let prefixed = id.split_once('_').is_some_and(|it| (2..=4).contains(&it.0.len()) && framed(it.1));
    Number::parse(id).is_some() || prefixed
}
