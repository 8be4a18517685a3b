use ::store::{Key, Locks, Rx, Tx};
use chrono::NaiveDate;
use kernel::{
    Draft, FlawCode, Flaws, OneLine, Phone, PrincipalId, Read, Scope, SiteId, TrailAction, body, broken,
    codes, fresh_id, word,
};
use registry::{Access, Contact, PrincipalKind, Role, User};
use validator::ValidationError;

use crate::Error;
use crate::change::{Change, Terms};
use crate::grant::{check_terms, fits_reach, is_site};
use crate::rules::{below_ceiling, grantable, keys, not_own, of_plan, permitted, plan_only};

word! {
    /// A user's login: the `sub` of their tokens. What begins with `cli_` is a program's.
    pub struct Login = "^[!-9;-~]{1,255}$", "1 to 255 visible ASCII characters, no colon among them, that don't begin with cli_",
        like "a.rivera@riverside.example", if of_no_program;
}

fn of_no_program(login: &str) -> bool {
    !login.starts_with("cli_")
}

codes! {
    /// What a user is to the plan.
    pub enum UserKind {
        /// A person at a provider's site, or one who acts for it.
        Person = "person",
        /// A person of the plan.
        Staff = "staff",
    }
}

impl From<UserKind> for PrincipalKind {
    fn from(it: UserKind) -> Self {
        match it {
            UserKind::Person => Self::Person,
            UserKind::Staff => Self::Staff,
        }
    }
}

body! {
    /// Whom to call about a user's requests, where a request doesn't say.
    pub struct NewUserContact {
        /// A person or a desk.
        name: OneLine<1, 100> => "AUT-11",
        /// With the area code (E.164).
        phone: Phone => "AUT-11",
    }
}

body! {
    /// Someone new, with or without a first role.
    pub struct NewUser where role_of_kind, site_of_role, role_of_site, chief_of_staff {
        /// The `sub` of their tokens. If a person has it already, only the role is added.
        login: Login => "AUT-09",
        /// First and last name.
        name: OneLine<1, 100> => "AUT-09",
        /// Whom to call about their requests.
        contact: Option<NewUserContact> => "AUT-11",
        /// What they are to the plan; only the plan makes staff.
        kind: UserKind => "AUT-09",
        /// Of staff: whose report they are.
        reports_to: Option<PrincipalId> => "AUT-09",
        /// A user who is the same human being under another login; the plan says so, and no one decides twice under two names.
        same_person_as: Option<PrincipalId> => "AUT-09",
        /// The site of the first role; required of a site's administrator.
        site_id: Option<SiteId> => "AUT-09",
        /// The first role; required of a site's administrator.
        role: Option<Role> => "AUT-09",
    }
}

fn role_of_kind(it: &Draft<NewUser>) -> Result<(), ValidationError> {
    match (it.role.flatten(), it.kind) {
        (Some(role), Some(kind)) if role.kind() != kind.into() => {
            Err(broken("AUT-09", "/role", FlawCode::OneOf, "Must be a role for users of this kind."))
        }
        _ => Ok(()),
    }
}

fn site_of_role(it: &Draft<NewUser>) -> Result<(), ValidationError> {
    fits_reach(it.role.flatten(), it.site_id.as_ref().map(Option::is_some))
}

fn role_of_site(it: &Draft<NewUser>) -> Result<(), ValidationError> {
    match (it.role, &it.site_id) {
        (Some(None), Some(Some(_))) => {
            Err(broken("AUT-09", "/role", FlawCode::Required, "Must be given with a site."))
        }
        _ => Ok(()),
    }
}

fn chief_of_staff(it: &Draft<NewUser>) -> Result<(), ValidationError> {
    match (it.kind, &it.reports_to) {
        (Some(UserKind::Person), Some(Some(_))) => Err(broken(
            "AUT-09",
            "/reports_to",
            FlawCode::NotApplicable,
            "Must be left out: it is for staff.",
        )),
        _ => Ok(()),
    }
}

/// A new user without a flaw, or a further role of one who is there.
#[derive(Debug, Clone)]
pub struct ToCreate {
    /// Who has the login already.
    there: Option<PrincipalId>,
    login: Login,
    name: String,
    contact: Option<Contact>,
    kind: PrincipalKind,
    reports_to: Option<PrincipalId>,
    /// The human being, where they have another login on record.
    same_person: Option<String>,
    first: Option<(Role, Option<SiteId>)>,
}

/// What a new user is read against.
pub struct Facts {
    there: Option<PrincipalId>,
    /// Whether whom they report to, if it is said, is one of the plan's people.
    is_chief: bool,
    /// The human being, where they have another login on record.
    person: Option<String>,
    is_site: bool,
    of_plan: bool,
    today: NaiveDate,
}

impl ToCreate {
    /// What a new user needs to know: who has the login, whom they report to, who is the same person, and whether there is such
    /// a site.
    ///
    /// # Errors
    /// What is above the caller's ceiling, so that who may not add someone learns nothing else of it.
    pub fn gather(rx: &mut Rx<'_>, caller: &Access, draft: &Draft<NewUser>) -> Result<Facts, Error> {
        let given = |id: &Option<Option<PrincipalId>>| id.clone().flatten();
        let (chief, same) = (given(&draft.reports_to), given(&draft.same_person_as));
        let site = draft.site_id.as_ref().and_then(Option::as_ref);
        if draft.kind == Some(UserKind::Staff) || same.is_some() {
            plan_only(caller)?;
        }
        draft.role.flatten().map_or(Ok(()), |it| grantable(caller, it))?;
        site.map_or(Ok(()), |it| permitted(caller, it))?;
        let of_plan = of_plan(caller);
        let mut find = |id: Option<PrincipalId>| {
            // Only the plan names others.
            let id = id.filter(|_| of_plan);
            id.map(|it| registry::user(rx.db(), &it)).transpose().map(Option::flatten)
        };
        let is_chief = chief.is_none() || find(chief)?.is_some_and(|it| it.kind == PrincipalKind::Staff);
        let person = find(same)?.filter(|it| it.kind != PrincipalKind::System).map(|it| it.person);
        let login = draft.login.as_ref();
        let there = login.map(|it| registry::user_of_login(rx.db(), it)).transpose()?.flatten();
        let (there, is_site) = (there.map(|it| it.id), is_site(rx, site)?);
        Ok(Facts { there, is_chief, person, is_site, of_plan, today: rx.today() })
    }

    /// Adds what the rules say of it; what it comes to.
    pub fn check(draft: &Draft<NewUser>, facts: Facts, flaws: &mut Flaws) -> Option<Self> {
        let mut wrong = |at: &str, code, detail: &'static str| flaws.broken("AUT-09", at, code, detail);
        if !facts.of_plan && draft.role == Some(None) && draft.site_id == Some(None) {
            let detail = "Must be given: a site's administrator adds its people with their first role.";
            wrong("/site_id", FlawCode::Required, detail);
            wrong("/role", FlawCode::Required, detail);
        }
        if facts.of_plan && !facts.is_chief {
            wrong("/reports_to", FlawCode::UnknownUser, "The plan has no such person of its own.");
        }
        if facts.person.is_none() && matches!(draft.same_person_as, Some(Some(_))) {
            wrong("/same_person_as", FlawCode::UnknownUser, "The plan knows no such person.");
        }
        check_terms("AUT-09", facts.is_site, None, facts.today, flaws);
        let it = NewUser::whole(draft.clone())?;
        Some(Self {
            there: facts.there,
            login: it.login,
            name: it.name.to_string(),
            contact: it.contact.map(|it| Contact { name: it.name.to_string(), phone: it.phone }),
            kind: it.kind.into(),
            reports_to: it.reports_to,
            same_person: facts.person,
            first: it.role.map(|role| (role, it.site_id)),
        })
    }
}

impl Locks for ToCreate {
    fn keys(&self) -> Vec<Key> {
        let site = self.first.as_ref().map(|it| it.1.as_ref());
        keys(site, self.there.as_deref().unwrap_or(&self.login))
    }
}

/// Adds a user with their first role, if they have one; where a person has the login already, the role alone, so that sites of two
/// organizations share a person.
///
/// # Errors
/// [`Error::PlanOnly`] of staff and of one human being under two logins, what [`crate::grant`] refuses, [`Error::UserExists`], or
/// [`Error::Changed`] if someone just took the login.
pub fn create(tx: &mut Tx<'_>, caller: &Access, it: ToCreate) -> Result<User, Error> {
    if it.kind == PrincipalKind::Staff || it.same_person.is_some() {
        plan_only(caller)?;
    }
    if let Some((role, site)) = &it.first {
        below_ceiling(caller, *role, site.as_ref())?;
    } else {
        plan_only(caller)?;
    }
    tx.lock(&it.keys())?;
    let there = registry::user_of_login(tx.db()?, &it.login)?;
    if there.as_ref().map(|it| &it.id) != it.there.as_ref() {
        return Err(Error::Changed);
    }
    let first = it.first.clone();
    let (mut change, action) = if let Some(there) = there {
        let both = there.kind == PrincipalKind::Person && it.kind == PrincipalKind::Person;
        if !both || first.is_none() || it.same_person.is_some() {
            return Err(Error::UserExists);
        }
        not_own(caller, &there)?;
        (Change::of(tx, &there.id)?, TrailAction::UserGrant)
    } else {
        let user = it.user(tx)?;
        not_own(caller, &user)?;
        (Change::new(tx, user), TrailAction::UserCreate)
    };
    let site = first.as_ref().and_then(|it| it.1.clone());
    if let Some((role, site_id)) = first {
        let at_once = !of_plan(caller);
        let terms = Terms { role, site_id, first_on: None, last_on: None, at_once, paper: None };
        change.add(tx, terms, &caller.principal.id)?;
    }
    let user = change.record(tx, action, site.as_ref(), None)?;
    user.seen(&caller.scope(Scope::UsersGrant)).ok_or(Error::NotFound)
}

impl ToCreate {
    fn user(self, tx: &Tx<'_>) -> Result<User, Error> {
        fresh(tx, self.login.to_string(), self.name, self.kind).map(|it| User {
            person: self.same_person.unwrap_or(it.person),
            contact: self.contact,
            reports_to: self.reports_to,
            ..it
        })
    }
}

/// Someone new, who has no version yet.
pub(crate) fn fresh(tx: &Tx<'_>, login: String, name: String, kind: PrincipalKind) -> Result<User, Error> {
    let id = PrincipalId::parse(&fresh_id("usr", tx.now()));
    let id = id.ok_or_else(|| crate::error::broken("an id of another form"))?;
    Ok(User {
        kind,
        login,
        person: id.to_string(),
        id,
        name,
        contact: None,
        reports_to: None,
        active: true,
        version: 0,
        created_at: tx.now(),
        grants: Vec::new(),
    })
}
