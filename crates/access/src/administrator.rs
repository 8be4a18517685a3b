use ::store::Tx;
use kernel::{OneLine, TrailAction};
use registry::{PrincipalKind, Role, User};

use crate::change::{Change, Terms};
use crate::create::fresh;
use crate::rules::keys;
use crate::{Error, Login};

/// Makes the first and the second administrator of the plan, for whoever runs the service; from then on two administrators make
/// others (S-10). None once there are two.
///
/// # Errors
/// [`Error::UserExists`] if the login is taken.
pub fn add_administrator(
    tx: &mut Tx<'_>,
    login: &Login,
    name: &OneLine<1, 100>,
) -> Result<Option<User>, Error> {
    tx.lock(&keys([None], login))?;
    if registry::user_of_login(tx.db()?, login)?.is_some() {
        return Err(Error::UserExists);
    }
    if registry::administrators(tx, None)?.len() >= 2 {
        return Ok(None);
    }
    let user = fresh(tx, login.to_string(), name.to_string(), PrincipalKind::Staff)?;
    let mut change = Change::new(tx, user);
    let role = Role::PlanAdministrator;
    let terms = Terms { role, site_id: None, first_on: None, last_on: None, at_once: true, paper: None };
    change.add(tx, terms, "system")?;
    change.record(tx, TrailAction::UserCreate, None, None).map(Some)
}
