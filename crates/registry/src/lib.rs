//! Who and what exists: members and their coverage, sites, providers, code sets, and those who call.
//!
//! A fact of one domain reaches another only as a value or through this room. Every query on its tables is in its
//! `store` and `renders` modules; what can be said about the facts without asking the database is beside each fact.

pub mod demo;
mod diagnosis;
mod error;
mod fold;
mod member;
mod principal;
mod procedure;
mod provider;
mod renders;
mod rows;
mod schema;
mod store;

pub use diagnosis::{Diagnosis, Release, days};
pub use error::Error;
pub use fold::fold;
pub use member::{Benefit, Coverage, Ineligible, Member, Pcp, Standing};
pub use principal::{Contact, Principal, PrincipalKind, Role, Site, SiteScope};
pub use procedure::{Procedure, Topic, procedures};
pub use provider::{Provider, ProviderKind};
pub use renders::Renders;
pub use store::{benefits, diagnoses, is_affiliated, load_diagnosis_codes, member, principal, providers};
