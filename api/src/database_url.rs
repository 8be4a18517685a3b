//! Where the database is, and how its secrets stay so.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A database's URL, whose password is never shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Url(pub String);

impl Url {
    /// The URL without user, password and parameters, any of which may be secret.
    fn shown(&self) -> String {
        let bare = |it: &str| it.split('?').next().unwrap_or_default().to_owned();
        match self.0.split_once("://") {
            // A password may hold a `?`, so that it goes first.
            Some((scheme, rest)) => {
                format!("{scheme}://{}", bare(rest.rsplit('@').next().unwrap_or_default()))
            }
            None => bare(&self.0),
        }
    }
}

impl Url {
    /// Who logs in, and the password where one is said.
    pub(crate) fn login(&self) -> (&str, Option<&str>) {
        let Some((_, rest)) = self.0.split_once("://") else { return ("", None) };
        let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let parameters = place.split_once('?').unwrap_or_default().1;
        let parameter = parameters.split('&').find_map(|it| it.strip_prefix("password="));
        match login.split_once(':') {
            Some((user, password)) => (user, parameter.or(Some(password))),
            None => (login, parameter),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.shown())
    }
}
