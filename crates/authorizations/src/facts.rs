//! What the plan knows about a request, asked before anything is locked.

use ::store::Rx;
use chrono::NaiveDate;
use kernel::{DiagnosisCode, Draft, Period, Scope};
use registry::{Access, Diagnosis, Member, Provider, Site};

use crate::{Balance, Error, NewAuthorization, Policies, Policy, Service, store};

/// What the plan knows about a request, as far as the request can be read.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The day of receipt in the plan's zone.
    pub today: NaiveDate,
    /// The submitting site: the one named, or the caller's only one (AUT-09).
    pub site: Option<Site>,
    /// The member.
    pub member: Option<Member>,
    /// The requesting provider: the one named, or the site's own.
    pub requesting: Option<Provider>,
    /// Whether the requesting provider practises at the site on the start date; none where that can't be known.
    pub affiliated: Option<bool>,
    /// The servicing provider.
    pub servicing: Option<Provider>,
    /// The first day of service, if it can be read.
    pub start: Option<NaiveDate>,
    /// What is known of the diagnosis codes, whenever it holds.
    pub diagnoses: Vec<Diagnosis>,
    /// What is left of the benefit, where it has a limit (AUT-06).
    pub balance: Option<Balance>,
    /// The services that the member has for overlapping dates, of those that a code must be alongside (AUT-17); none where
    /// that can't be known.
    pub alongside: Option<Vec<Service>>,
}

impl Facts {
    /// Asks what is known about `draft`, sent by `caller`, as far as the policy of today needs it.
    ///
    /// # Errors
    /// [`Error::SiteNotPermitted`] where the site named isn't the caller's.
    pub fn gather(
        rx: &mut Rx<'_>,
        caller: &Access,
        draft: &Draft<NewAuthorization>,
        policies: &Policies,
    ) -> Result<Self, Error> {
        let today = rx.today();
        let site = site(rx, caller, draft)?;
        let service = draft.requested_service.map_or("", Service::as_str);
        let member =
            draft.member_id.as_ref().map(|id| registry::member(rx, id, service)).transpose()?.flatten();
        let start = draft.start_date;

        let named = draft.requesting_provider.iter().flatten().find_map(|it| it.npi.as_ref());
        let left_out = matches!(draft.requesting_provider, Some(None));
        let implied = site.as_ref().filter(|_| left_out).map(|it| &it.npi);
        let requesting = named.or(implied);
        let servicing = draft.servicing_provider.as_ref().and_then(|it| it.npi.as_ref());
        let npis: Vec<_> = requesting.into_iter().chain(servicing).collect();
        let providers = if npis.is_empty() { Vec::new() } else { registry::providers(rx, &npis)? };
        let provider = |npi: &_| providers.iter().find(|it| it.npi == *npi).cloned();

        let affiliated = match (requesting, &site, start) {
            (Some(npi), Some(site), _) if *npi == site.npi => Some(true),
            (Some(npi), Some(site), Some(start)) => Some(registry::is_affiliated(rx, npi, &site.id, start)?),
            _ => None,
        };
        let codes: Vec<_> = draft.diagnoses.iter().flatten().flatten().collect();
        let diagnoses = if codes.is_empty() { Vec::new() } else { registry::diagnoses(rx, &codes)? };
        let balance = match (&member, draft.requested_service, start) {
            (Some(member), Some(service), Some(start)) => Balance::limited(rx, member, service, start)?,
            _ => None,
        };
        let alongside = alongside(rx, draft, policies.on(today))?;
        Ok(Self {
            today,
            balance,
            alongside,
            member,
            requesting: requesting.and_then(provider),
            affiliated,
            servicing: servicing.and_then(provider),
            start,
            diagnoses,
            site,
        })
    }

    /// The code as it is on the start date, if it is one then; as it was last, where that date can't be known.
    #[must_use]
    pub fn diagnosis(&self, code: &DiagnosisCode) -> Option<&Diagnosis> {
        let then = |it: &&Diagnosis| it.code == *code && self.start.is_none_or(|start| it.holds(start));
        self.diagnoses.iter().rfind(then)
    }
}

/// The submitting site (AUT-09): the one named, if the caller may ask for it; else the caller's only one.
fn site(rx: &mut Rx<'_>, caller: &Access, draft: &Draft<NewAuthorization>) -> Result<Option<Site>, Error> {
    let scope = caller.scope(Scope::AuthorizationsCreate);
    let mut sites = caller.principal.sites(Scope::AuthorizationsCreate);
    match &draft.site_id {
        // The plan's own people ask for any site.
        Some(Some(named)) if scope.sites().is_none() => {
            registry::site(rx, named)?.map(Some).ok_or(Error::SiteNotPermitted)
        }
        Some(Some(named)) => {
            sites.find(|it| it.id == *named).cloned().map(Some).ok_or(Error::SiteNotPermitted)
        }
        Some(None) => Ok(sites.next().filter(|_| sites.next().is_none()).cloned()),
        None => Ok(None),
    }
}

/// The services that codes of the draft must be alongside, as far as the member has them (AUT-17).
fn alongside(
    rx: &mut Rx<'_>,
    draft: &Draft<NewAuthorization>,
    policy: &Policy,
) -> Result<Option<Vec<Service>>, Error> {
    let (Some(member), Some(service)) = (&draft.member_id, draft.requested_service) else { return Ok(None) };
    let dates = draft.start_date.zip(draft.end_date).and_then(|(start, end)| Period::new(start, end));
    let Some(dates) = dates else { return Ok(None) };
    let sent =
        draft.lines.iter().flatten().flatten().filter_map(|it| Some((it.code_type?, it.code.as_ref()?)));
    let rules = policy.service(service);
    let mut wanted: Vec<_> =
        sent.flat_map(|(set, code)| rules.takes(set, code)).filter_map(|it| it.alongside).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut found = Vec::new();
    if !wanted.is_empty() {
        rx.about(member)?;
    }
    for it in wanted {
        if store::has_overlapping(rx, member, it, dates)? {
            found.push(it);
        }
    }
    Ok(Some(found))
}
