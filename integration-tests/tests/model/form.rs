//! How a request must be written, by `openapi.yaml`: what can be read of it, and what can't.

use chrono::NaiveDate;
use serde_json::Value;

use super::read::{
    Code, Field, Flaws, day, diagnosis, field, items, member, needed, npi, object, one_of, phone, procedure,
    site, text, word,
};

/// A provider, as a request names it.
pub(super) struct Party {
    pub(super) npi: Option<String>,
    pub(super) contact: Field<()>,
}

pub(super) struct Line {
    pub(super) kind: Option<String>,
    pub(super) code: Option<String>,
    pub(super) modifiers: Option<Vec<String>>,
    pub(super) units: Option<i64>,
}

/// What can be read of a request.
pub(super) struct Form {
    pub(super) site: Field<String>,
    pub(super) member: Option<String>,
    pub(super) service: Option<String>,
    pub(super) urgency: Field<String>,
    pub(super) urgency_reason: Field<String>,
    pub(super) asks: Field<Party>,
    pub(super) serves: Option<String>,
    pub(super) diagnoses: Vec<Option<String>>,
    pub(super) lines: Vec<Line>,
    pub(super) start: Option<NaiveDate>,
    pub(super) end: Option<NaiveDate>,
    pub(super) remarks: Field<String>,
}

fn contact(flaws: &mut Flaws, it: &Value, at: &str) -> Result<(), Code> {
    let map = object(flaws, it, at, "AUT-11", &["name", "phone"]).ok_or("")?;
    needed(flaws, (map, at), "name", "AUT-11", text(1, 100));
    needed(flaws, (map, at), "phone", "AUT-11", word(phone));
    Ok(())
}

fn party(flaws: &mut Flaws, it: &Value, at: &str) -> Result<Party, Code> {
    let map = object(flaws, it, at, "AUT-11", &["npi", "contact"]).ok_or("")?;
    let npi = needed(flaws, (map, at), "npi", "AUT-11", word(npi));
    Ok(Party { npi, contact: field(flaws, (map, at), "contact", "AUT-11", contact) })
}

fn line(flaws: &mut Flaws, it: &Value, at: &str) -> Result<Line, Code> {
    let map = object(flaws, it, at, "AUT-17", &["code_type", "code", "modifiers", "units"]).ok_or("")?;
    let own = (map, at);
    let kind = needed(flaws, own, "code_type", "AUT-17", one_of(&["revenue", "hcpcs", "cpt"]));
    let any = |it: &str| ["revenue", "hcpcs", "cpt"].iter().any(|kind| procedure(kind, it));
    let code = needed(flaws, own, "code", "AUT-17", word(any));
    let code = code.map(|it| if it.len() == 3 { format!("0{it}") } else { it });
    let code = code.filter(|it| {
        let right = kind.as_ref().is_none_or(|kind| procedure(kind, it));
        if !right {
            flaws.say(&format!("{at}/code"), "format", "AUT-17");
        }
        right
    });
    let modifier =
        word(|it| it.len() == 2 && it.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit()));
    let modifiers = field(flaws, own, "modifiers", "AUT-17", |flaws, it, at| {
        let all = items(flaws, it, at, "AUT-17", 0..=4, modifier)?;
        all.into_iter().collect::<Option<Vec<_>>>().ok_or("")
    });
    let units = needed(flaws, own, "units", "AUT-18", |_, it, _| match (it.as_i64(), it.as_f64()) {
        (Some(it), _) => Some(it).filter(|it| (1..=9_999).contains(it)).ok_or("range"),
        (None, Some(it)) if it.fract() == 0.0 => Err("range"),
        _ => Err("type"),
    });
    let modifiers = match modifiers {
        Field::Absent => Some(Vec::new()),
        Field::Broken => None,
        Field::Given(it) => Some(it),
    };
    Ok(Line { kind, code, modifiers, units })
}

const NAMES: [&str; 13] = [
    "type",
    "site_id",
    "member_id",
    "requested_service",
    "urgency",
    "urgency_reason",
    "requesting_provider",
    "servicing_provider",
    "diagnoses",
    "lines",
    "start_date",
    "end_date",
    "remarks",
];

impl Form {
    /// Reads a body as far as it can be; not at all where it is no object.
    pub(super) fn read(body: &Value, services: &[&str], flaws: &mut Flaws) -> Option<Self> {
        let own = (object(flaws, body, "", "-", &NAMES)?, "");
        needed(flaws, own, "type", "AUT-01", one_of(&["home_health_care"]));
        let code = word(diagnosis);
        let form = Self {
            site: field(flaws, own, "site_id", "AUT-09", word(site)),
            member: needed(flaws, own, "member_id", "AUT-11", word(member)),
            service: needed(flaws, own, "requested_service", "AUT-13", one_of(services)),
            urgency: field(flaws, own, "urgency", "FED-01", one_of(&["standard", "expedited"])),
            urgency_reason: field(flaws, own, "urgency_reason", "FED-01", text(1, 255)),
            asks: field(flaws, own, "requesting_provider", "AUT-11", party),
            serves: needed(flaws, own, "servicing_provider", "AUT-11", |flaws, it, at| {
                let party = party(flaws, it, at)?;
                if matches!(party.contact, Field::Absent) {
                    flaws.say(&format!("{at}/contact"), "required", "AUT-11");
                }
                Ok(party.npi)
            })
            .flatten(),
            diagnoses: needed(flaws, own, "diagnoses", "AUT-16", |flaws, it, at| {
                items(flaws, it, at, "AUT-16", 1..=6, code)
            })
            .unwrap_or_default(),
            lines: needed(flaws, own, "lines", "AUT-17", |flaws, it, at| {
                items(flaws, it, at, "AUT-17", 1..=50, line)
            })
            .unwrap_or_default()
            .into_iter()
            .map(|it| it.unwrap_or(Line { kind: None, code: None, modifiers: None, units: None }))
            .collect(),
            start: needed(flaws, own, "start_date", "AUT-20", day),
            end: needed(flaws, own, "end_date", "AUT-20", day),
            remarks: field(flaws, own, "remarks", "AUT-22", text(0, 255)),
        };
        Some(form)
    }
}
