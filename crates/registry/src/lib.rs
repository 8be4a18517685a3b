//! Who and what exists: members and their coverage, sites, providers, code sets, and those who call.
//!
//! A fact of one domain reaches another only as a value or through this room. Every query on its tables is in its
//! `store`, `renders`, `entry`, `find_*`, `held`, `change_users` and `load_codes` modules; what can be said about the facts without asking the database is
//! beside each fact.

mod authorize;
mod change_users;
mod clients;
mod code_index;
pub mod demo;
mod diagnosis;
mod emergencies;
mod entry;
mod error;
mod find_clients;
mod find_codes;
mod find_members;
mod find_providers;
mod find_users;
mod fold;
mod held;
mod load_codes;
mod member;
mod principal;
mod procedure;
mod provider;
mod ranks;
mod release;
mod renders;
mod role;
mod rows;
mod schema;
mod store;
mod terms;
mod user;

pub use authorize::{Access, Credential, Denial, Needs, authorize};
pub use change_users::{change_grant, change_user, insert_grant, insert_user};
pub use clients::{
    Client, ClientError, ClientKeySource, Disabling, NewClient, NewKeys, ToAdd, ToDisable, ToRotate,
    add_client, disable_client, rotate_keys,
};
pub use code_index::CodeIndex;
pub use diagnosis::{Diagnosis, days};
pub use emergencies::{
    Emergency, EmergencyReason, Finding, emergencies, emergency, has_unreviewed, is_member, open_emergency,
    review_emergency,
};
pub use entry::{Entered, Entry};
pub use error::Error;
pub use find_clients::{client, client_keys, find_clients, keys_of, take_assertion};
pub use find_codes::{CodeStamp, code_index, code_stamp};
pub use find_members::{FoundMember, MemberPlace, MemberQuery, MemberSearch, find_members};
pub use find_providers::{FoundProvider, ProviderQuery, find_providers};
pub use find_users::{
    Delegation, UserFilter, administrators, find_delegations, find_users, holder, is_agent, user,
    user_of_login,
};
pub use fold::fold;
pub use held::{granted_at, scope_of, sites_of};
pub use load_codes::{Loaded, has_diagnosis_codes, load_first_release, load_release};
pub use member::{Benefit, Coverage, Ineligible, Member, Pcp, Standing};
pub use principal::{Contact, EmergencyId, GrantId, Granted, Principal, Site, SiteScope};
pub use procedure::{Procedure, Topic, procedures};
pub use provider::{Provider, ProviderKind};
pub use release::Release;
pub use renders::Renders;
pub use role::{PrincipalKind, Reach, Role};
pub use store::{benefits, diagnoses, has_a_hand_in, is_affiliated, member, providers, site};
pub use terms::CodeQuery;
pub use user::{Channel, Grant, User};
