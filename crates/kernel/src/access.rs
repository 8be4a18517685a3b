use crate::codes;

codes! {
    /// What a caller may do, as a token and a role name it; `<resource>:<action>`, no wildcards.
    pub enum Scope {
        /// See authorizations.
        AuthorizationsRead = "authorizations:read",
        /// Ask for one.
        AuthorizationsCreate = "authorizations:create",
        /// Close one.
        AuthorizationsClose = "authorizations:close",
    }
}
