//! What each operation is sent, and answers.

/// An operation's example, which the tests send and compare: its id, the request's body, the answer's body.
pub const EXAMPLES: &[(&str, Option<&str>, &str)] = &[
    (
        "create_authorization",
        Some(include_str!("examples/create_authorization.request.json")),
        include_str!("examples/create_authorization.json"),
    ),
    ("get_authorization", None, include_str!("examples/get_authorization.json")),
    ("list_authorizations", None, include_str!("examples/list_authorizations.json")),
    (
        "close_authorization",
        Some(include_str!("examples/close_authorization.request.json")),
        include_str!("examples/close_authorization.json"),
    ),
    (
        "search_members",
        Some(include_str!("examples/search_members.request.json")),
        include_str!("examples/search_members.json"),
    ),
    ("list_providers", None, include_str!("examples/list_providers.json")),
    ("list_diagnosis_codes", None, include_str!("examples/list_diagnosis_codes.json")),
    ("get_me", None, include_str!("examples/get_me.json")),
    (
        "search_authorizations",
        Some(include_str!("examples/search_authorizations.request.json")),
        include_str!("examples/search_authorizations.json"),
    ),
    (
        "decide_authorization",
        Some(include_str!("examples/decide_authorization.request.json")),
        include_str!("examples/decide_authorization.json"),
    ),
    (
        "get_eligibility",
        Some(include_str!("examples/get_eligibility.request.json")),
        include_str!("examples/get_eligibility.json"),
    ),
    ("list_services", None, include_str!("examples/list_services.json")),
    ("list_procedure_codes", None, include_str!("examples/list_procedure_codes.json")),
    ("get_policy", None, include_str!("examples/get_policy.json")),
    (
        "create_client",
        Some(include_str!("examples/create_client.request.json")),
        include_str!("examples/create_client.json"),
    ),
    ("list_clients", None, include_str!("examples/list_clients.json")),
    ("get_client", None, include_str!("examples/get_client.json")),
    (
        "replace_client_keys",
        Some(include_str!("examples/replace_client_keys.request.json")),
        include_str!("examples/replace_client_keys.json"),
    ),
    (
        "disable_client",
        Some(include_str!("examples/disable_client.request.json")),
        include_str!("examples/disable_client.json"),
    ),
];
