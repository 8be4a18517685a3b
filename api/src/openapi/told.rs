//! What the service itself sends: events, to webhooks.

use serde_json::{Value, json};

/// The section `webhooks` of the contract.
pub(super) fn webhooks() -> Value {
    let header = |name: &str, about: &str, example: &str| {
        let schema = json!({"type": "string"});
        json!({"name": name, "in": "header", "required": true, "description": about, "schema": schema, "example": example})
    };
    let about = "Sent to each active webhook whose types and sites the event is of, at least once, and in the order of its \
        subject's events. Answer within 15 seconds, with an empty body, and do the work later; a redirect isn't followed. \
        Verify one signature, refuse what is older than five minutes, and know a repeat by `webhook-id`.";
    let event: Value = serde_json::from_str(include_str!("../examples/list_events.json")).expect("JSON");
    let answer = |about: &str| json!({"description": about});
    json!({"event": {"post": {
        "operationId": "receive_event",
        "tags": ["webhooks"],
        "summary": "Be told of an event",
        "description": about,
        "security": [],
        "parameters": [
            header("webhook-id", "The event's id, the same each time it is sent.", "evt_0198c1f2a4b37c10a1b2c3d4e5f60761"),
            header("webhook-timestamp", "When this attempt was made, in seconds since 1970.", "1764601200"),
            header(
                "webhook-signature",
                "Signatures of `{webhook-id}.{webhook-timestamp}.{body}`, separated by spaces (Standard Webhooks): `v1,` by the \
                 webhook's secret (HMAC-SHA256), `v1a,` by its key (Ed25519).",
                "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
            ),
        ],
        "requestBody": {
            "description": "The event.",
            "required": true,
            "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/EventBody"},
                "example": event["data"][0],
            }},
        },
        "responses": {
            "2XX": answer("It was taken."),
            "410": answer("Nothing is wanted any more: the webhook is disabled."),
            "429": answer("Too much at the moment: it is sent again after as many seconds as `Retry-After` says, a day at most."),
            "503": answer("Not at the moment: it is sent again after as many seconds as `Retry-After` says, a day at most."),
            "default": answer("Anything else, or nothing within 15 seconds: it is sent again, ten times over three days."),
        },
    }}})
}
