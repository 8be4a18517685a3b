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
    ("list_users", None, include_str!("examples/list_users.json")),
    ("get_user", None, include_str!("examples/get_user.json")),
    (
        "create_user",
        Some(include_str!("examples/create_user.request.json")),
        include_str!("examples/create_user.json"),
    ),
    (
        "grant_role",
        Some(include_str!("examples/grant_role.request.json")),
        include_str!("examples/grant_role.json"),
    ),
    (
        "approve_grant",
        Some(include_str!("examples/approve_grant.request.json")),
        include_str!("examples/approve_grant.json"),
    ),
    (
        "withdraw_grant",
        Some(include_str!("examples/withdraw_grant.request.json")),
        include_str!("examples/withdraw_grant.json"),
    ),
    (
        "disable_user",
        Some(include_str!("examples/disable_user.request.json")),
        include_str!("examples/disable_user.json"),
    ),
    (
        "enable_user",
        Some(include_str!("examples/enable_user.request.json")),
        include_str!("examples/enable_user.json"),
    ),
    ("list_delegations", None, include_str!("examples/list_delegations.json")),
    (
        "record_delegation",
        Some(include_str!("examples/record_delegation.request.json")),
        include_str!("examples/record_delegation.json"),
    ),
    (
        "end_delegation",
        Some(include_str!("examples/end_delegation.request.json")),
        include_str!("examples/end_delegation.json"),
    ),
    ("list_deadlines", None, include_str!("examples/list_deadlines.json")),
    ("list_jobs", None, include_str!("examples/list_jobs.json")),
    ("list_trail", None, include_str!("examples/list_trail.json")),
    (
        "search_trail",
        Some(include_str!("examples/search_trail.request.json")),
        include_str!("examples/search_trail.json"),
    ),
    (
        "create_webhook",
        Some(include_str!("examples/create_webhook.request.json")),
        include_str!("examples/create_webhook.json"),
    ),
    ("list_webhooks", None, include_str!("examples/list_webhooks.json")),
    ("get_webhook", None, include_str!("examples/get_webhook.json")),
    (
        "change_webhook",
        Some(include_str!("examples/change_webhook.request.json")),
        include_str!("examples/change_webhook.json"),
    ),
    (
        "test_webhook",
        Some(include_str!("examples/test_webhook.request.json")),
        include_str!("examples/test_webhook.json"),
    ),
    ("list_webhook_deliveries", None, include_str!("examples/list_webhook_deliveries.json")),
    ("list_events", None, include_str!("examples/list_events.json")),
    (
        "rotate_webhook",
        Some(include_str!("examples/rotate_webhook.request.json")),
        include_str!("examples/rotate_webhook.json"),
    ),
    (
        "replay_webhook",
        Some(include_str!("examples/replay_webhook.request.json")),
        include_str!("examples/replay_webhook.json"),
    ),
    (
        "disable_webhook",
        Some(include_str!("examples/disable_webhook.request.json")),
        include_str!("examples/disable_webhook.json"),
    ),
    (
        "enable_webhook",
        Some(include_str!("examples/enable_webhook.request.json")),
        include_str!("examples/enable_webhook.json"),
    ),
    ("list_emergency_accesses", None, include_str!("examples/list_emergency_accesses.json")),
    ("get_emergency_access", None, include_str!("examples/get_emergency_access.json")),
    (
        "review_emergency_access",
        Some(include_str!("examples/review_emergency_access.request.json")),
        include_str!("examples/review_emergency_access.json"),
    ),
    (
        "open_emergency_access",
        Some(include_str!("examples/open_emergency_access.request.json")),
        include_str!("examples/open_emergency_access.json"),
    ),
];

/// What an operation answers by another status than the usual one: its id, the status, the answer's body.
pub const ANSWERS: &[(&str, &str, &str)] =
    &[("create_authorization", "202", include_str!("examples/create_authorization.202.json"))];
