//! Which problems an operation can meet.

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{RefOr, Required};

/// The form of an operation, from which it follows which problems it can meet.
pub(crate) struct Form {
    path: String,
    id: String,
    pub(crate) body: bool,
    pub(crate) parameters: Vec<(ParameterIn, String)>,
    /// Whether it does nothing without an `If-Match`.
    versioned: bool,
}

impl Form {
    pub(crate) fn of(operation: &Operation, path: &str) -> Self {
        let parameter = |it: &RefOr<Parameter>| match it {
            RefOr::T(it) => Some((it.parameter_in.clone(), it.name.clone())),
            RefOr::Ref(_) => None,
        };
        let required = |it: &RefOr<Parameter>| matches!(it, RefOr::T(it) if it.name == "If-Match" && it.required == Required::True);
        Self {
            versioned: operation.parameters.iter().flatten().any(required),
            path: path.to_owned(),
            id: operation.operation_id.clone().unwrap_or_default(),
            body: operation.request_body.is_some(),
            parameters: operation.parameters.iter().flatten().filter_map(parameter).collect(),
        }
    }

    pub(crate) fn takes(&self, name: &str) -> bool {
        self.parameters.iter().any(|it| it.1 == name)
    }

    /// Whether it changes what someone may do.
    fn changes_access(&self) -> bool {
        self.body && ["/v1/users", "/v1/delegations"].iter().any(|it| self.path.starts_with(it))
    }

    fn meets_of_webhooks(&self, slug: &str) -> bool {
        let among = |ids: [&str; 2]| ids.contains(&self.id.as_str());
        match slug {
            "webhook-not-found" => self.path.starts_with("/v1/webhooks/{id}"),
            "webhook-limit" => among(["create_webhook", "enable_webhook"]),
            "webhook-disabled" => among(["test_webhook", "replay_webhook"]),
            "webhook-changed" => self.takes("If-Match"),
            "webhook-unchanged" => among(["disable_webhook", "enable_webhook"]),
            other => unreachable!("openapi.rs doesn't say which operations meet {other}"),
        }
    }

    pub(crate) fn meets(&self, slug: &str) -> bool {
        let v1 = self.path.starts_with("/v1/");
        let token = self.id == "create_token";
        let secured = v1 && !token;
        match slug {
            "internal" => true,
            "invalid-parameter" => !self.path.starts_with("/problems/"),
            "not-ready" => self.path.ends_with("ready"),
            "route-not-found" => self.path.starts_with("/problems/") || self.path == "/metrics",
            "unauthenticated" | "no-emergency-access" => secured,
            "database-unavailable" => v1,
            "invalid-client"
            | "invalid-request"
            | "unsupported-grant-type"
            | "invalid-scope"
            | "unauthorized-client" => token,
            "wrong-host" => !self.path.starts_with("/healthz/") && self.path != "/metrics",
            "too-many-requests" => !self.path.starts_with("/healthz/"),
            "not-permitted" => {
                let anyone = [
                    "get_me",
                    "list_services",
                    "list_procedure_codes",
                    "list_diagnosis_codes",
                    "list_trail",
                    "search_trail",
                    "list_emergency_accesses",
                    "get_emergency_access",
                ];
                secured && !anyone.contains(&self.id.as_str())
            }
            "unreadable-body" | "body-too-large" | "request-timeout" => self.body,
            "not-json" | "invalid-body" => self.body && !token,
            "outcome-unknown" | "storage-full" => self.takes("Idempotency-Key") || token || self.versioned,
            "idempotency-key-required"
            | "idempotency-key-invalid"
            | "idempotency-key-reused"
            | "idempotency-in-flight" => self.takes("Idempotency-Key"),
            "if-match-required" => self.versioned,
            "if-match-invalid" => self.takes("If-Match"),
            "authorization-action-not-permitted" | "authorization-changed" => {
                self.takes("If-Match") && self.path.starts_with("/v1/authorizations/")
            }
            "authorization-not-found" => self.path.starts_with("/v1/authorizations/{id}"),
            "client-not-found" => self.path.starts_with("/v1/clients/{id}"),
            "client-changed" => self.id == "replace_client_keys",
            slug if slug.starts_with("webhook-") => self.meets_of_webhooks(slug),
            "clinician-only" | "action-not-yours" | "beyond-benefit" | "own-request" => {
                self.id == "decide_authorization"
            }
            "trail-unavailable" => {
                let shows = ["/v1/authorizations", "/v1/members", "/v1/trail", "/v1/emergency-access"];
                shows.iter().any(|it| self.path.starts_with(it)) && self.id != "open_emergency_access"
            }
            "step-up-required" => {
                let others = [
                    "open_emergency_access",
                    "review_emergency_access",
                    "decide_authorization",
                    "create_client",
                    "replace_client_keys",
                    "disable_client",
                ];
                others.contains(&self.id.as_str()) || self.changes_access()
            }
            "user-not-found" => self.path.starts_with("/v1/users/{id}"),
            "delegation-not-found" => self.path.starts_with("/v1/delegations/{id}"),
            "grant-not-found" => self.path.contains("{grant_id}"),
            "grant-action-not-permitted" => self.path.contains("{grant_id}") || self.id == "end_delegation",
            "role-not-grantable" => {
                ["create_user", "grant_role", "withdraw_grant"].contains(&self.id.as_str())
            }
            "plan-only" => {
                ["create_user", "approve_grant", "disable_user", "enable_user"].contains(&self.id.as_str())
            }
            "second-person-required" => self.id == "approve_grant",
            "agents-do-not-delegate" => self.id == "record_delegation",
            "grant-exists" => ["create_user", "grant_role", "record_delegation"].contains(&self.id.as_str()),
            "user-exists" => self.id == "create_user",
            "last-administrator" => ["withdraw_grant", "disable_user"].contains(&self.id.as_str()),
            "user-unchanged" => ["disable_user", "enable_user"].contains(&self.id.as_str()),
            "own-grant" | "user-changed" => self.changes_access(),
            "emergency-access-not-found" => self.path.starts_with("/v1/emergency-access/{id}"),
            "no-emergencies" | "emergency-access-unreviewed" => self.id == "open_emergency_access",
            "own-emergency" | "not-a-reviewer" | "emergency-access-reviewed" => {
                self.id == "review_emergency_access"
            }
            "site-not-permitted" => {
                let lists =
                    ["list_authorizations", "search_authorizations", "list_users", "list_delegations"];
                let grants =
                    ["create_user", "grant_role", "withdraw_grant", "record_delegation", "end_delegation"];
                ["create_authorization", "create_webhook", "change_webhook"].contains(&self.id.as_str())
                    || lists.iter().chain(&grants).any(|it| self.id == *it)
            }
            "day-turned" | "request-overtaken" => self.id == "create_authorization",
            // Of the server itself, before there is an operation.
            "malformed-request" | "origin-not-permitted" | "headers-too-large" | "method-not-allowed" => {
                false
            }
            other => unreachable!("openapi.rs doesn't say which operations meet {other}"),
        }
    }
}
