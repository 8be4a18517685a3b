//! Who asks, who renders, and who is paid.

use kernel::{Draft, FlawCode, Flaws};
use registry::{Principal, PrincipalKind, Site};

use crate::request::NewContact;
use crate::{Facts, Named, NewAuthorization, Party};

/// AUT-09: a caller with several sites says for which one a request is; a system client always does.
pub(super) fn site(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    caller: &Principal,
    flaws: &mut Flaws,
) -> Option<Site> {
    let unnamed = matches!(draft.site_id, Some(None));
    if unnamed && (facts.site.is_none() || caller.kind == PrincipalKind::System) {
        let detail = "Must name one of your sites; GET /v1/me lists them.";
        flaws.broken("AUT-09", "/site_id", FlawCode::SiteRequired, detail);
        return None;
    }
    facts.site.clone()
}

/// AUT-09, AUT-11: who asks is known and practises at the site, and someone can be called about it.
pub(super) fn refer_from(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    caller: &Principal,
    flaws: &mut Flaws,
) -> Option<Party> {
    let named = draft.requesting_provider.as_ref()?.as_ref();
    let provider = match named {
        // Its absence, and that of the site, are flaws already.
        Some(it) => it.npi.as_ref().and_then(|_| match &facts.requesting {
            None => {
                let detail = "Is not a provider known to the plan.";
                flaws.broken("AUT-11", "/requesting_provider/npi", FlawCode::UnknownProvider, detail);
                None
            }
            Some(_) if facts.affiliated == Some(false) => {
                let detail = "Must be affiliated with the submitting site on the start date.";
                flaws.broken("AUT-09", "/requesting_provider/npi", FlawCode::NotAffiliated, detail);
                None
            }
            Some(known) => Some((known.npi.clone(), known.name.clone())),
        }),
        None => facts.site.as_ref().map(|site| match &facts.requesting {
            Some(known) => (known.npi.clone(), known.name.clone()),
            None => (site.npi.clone(), site.name.clone()),
        }),
    };
    let sent = named.map_or(Some(None), |it| it.contact.as_ref().map(Option::as_ref));
    let contact = match (sent?, &caller.contact) {
        (Some(sent), _) => self::contact(sent),
        (None, Some(own)) => Some((own.name.clone(), own.phone.clone())),
        (None, None) => {
            let detail = "Must be given, since your profile has no contact.";
            flaws.broken("AUT-11", "/requesting_provider/contact", FlawCode::Required, detail);
            None
        }
    };
    let ((npi, name), (contact_name, contact_phone)) = (provider?, contact?);
    Some(Party { npi, name, contact_name, contact_phone })
}

/// AUT-11: who will render the service is known; and who is paid for it.
pub(super) fn refer_to(
    draft: &Draft<NewAuthorization>,
    facts: &Facts,
    flaws: &mut Flaws,
) -> Option<(Party, Named)> {
    let sent = draft.servicing_provider.as_ref()?;
    sent.npi.as_ref()?;
    let Some(known) = &facts.servicing else {
        let detail = "Is not a provider known to the plan.";
        flaws.broken("AUT-11", "/servicing_provider/npi", FlawCode::UnknownProvider, detail);
        return None;
    };
    let (contact_name, contact_phone) = contact(sent.contact.as_ref()?)?;
    let (npi, name) = known.pay_to.clone();
    let party = Party { npi: known.npi.clone(), name: known.name.clone(), contact_name, contact_phone };
    Some((party, Named { npi, name }))
}

fn contact(sent: &Draft<NewContact>) -> Option<(String, kernel::Phone)> {
    Some((sent.name.as_ref()?.to_string(), sent.phone.clone()?))
}
