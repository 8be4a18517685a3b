//! What is wrong with a body, and where.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

crate::codes! {
    /// What is wrong with a field.
    pub enum FlawCode {
        /// It must be given.
        Required = "required",
        /// There is no such field.
        Unknown = "unknown",
        /// It is of another JSON type.
        Type = "type",
        /// It is not of the form that it must have.
        Format = "format",
        /// It has too few or too many characters.
        Length = "length",
        /// It has too few or too many items.
        Items = "items",
        /// It is too small or too large.
        Range = "range",
        /// It is none of the values that there are; `detail` lists them.
        OneOf = "one-of",
        /// It must be left out here.
        NotApplicable = "not-applicable",
        /// The end is before the start.
        BeforeStart = "before-start",
        /// The caller has several sites, or is a system client, and must name one.
        SiteRequired = "site-required",
        /// The plan has no such member.
        UnknownMember = "unknown-member",
        /// The member's coverage has ended.
        Terminated = "terminated",
        /// The member's coverage has not begun.
        NotYetEffective = "not-yet-effective",
        /// The member is not covered on a requested day.
        NotCovered = "not-covered",
        /// The plan knows no such provider.
        UnknownProvider = "unknown-provider",
        /// The provider does not practise at the site on the start date.
        NotAffiliated = "not-affiliated",
        /// There is no such code.
        UnknownCode = "unknown-code",
        /// The code is not valid on the start date.
        NotValidOnDate = "not-valid-on-date",
        /// The code is a heading, which can't be billed.
        NotBillable = "not-billable",
        /// The service does not take the code or the modifiers; `detail` names those that it takes.
        NotForService = "not-for-service",
        /// The code is of another discipline, which is a request of its own.
        OtherDiscipline = "other-discipline",
        /// The code is taken only alongside another service, which the member does not have for these dates.
        NotAlongside = "not-alongside",
        /// The service is for members of another product.
        NotForProduct = "not-for-product",
        /// It is beyond the member's benefit: a request by fax; `detail` has the number.
        BeyondBenefit = "beyond-benefit",
        /// There is no such line, or it is named twice.
        NoSuchLine = "no-such-line",
        /// There is no such revision.
        NoSuchRevision = "no-such-revision",
        /// The parts do not come to the outcome that is named.
        NotTheOutcome = "not-the-outcome",
        /// The plan knows no such user.
        UnknownUser = "unknown-user",
        /// The plan has no such site.
        UnknownSite = "unknown-site",
    }
}

/// One broken field, as a problem document lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Flaw {
    /// Where it is (RFC 6901).
    #[schema(example = "/lines/0/units")]
    pub pointer: String,
    /// What is wrong.
    pub code: FlawCode,
    /// The rule that the field breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "AUT-18")]
    pub rule: Option<Cow<'static, str>>,
    /// What is wrong, in a sentence for people that never quotes what was sent.
    #[schema(value_type = String, example = "Must be 1 to 9999.")]
    pub detail: Cow<'static, str>,
}

/// Everything that is wrong with a body, in the order of its fields.
#[derive(Debug, Default, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Flaws(Vec<Flaw>);

impl Flaws {
    /// How many are kept: enough for any honest body, too few to make a large answer from.
    pub const MOST: usize = 100;

    /// Adds a flaw. Its rule is the one that its field names.
    pub fn add(&mut self, at: impl Display, code: FlawCode, detail: impl Into<Cow<'static, str>>) {
        if self.0.len() < Self::MOST {
            let (pointer, detail) = (at.to_string(), detail.into());
            self.0.push(Flaw { pointer, code, rule: None, detail });
        }
    }

    /// Adds a flaw that breaks a rule of its own.
    pub fn broken(
        &mut self,
        rule: impl Into<Cow<'static, str>>,
        at: impl Display,
        code: FlawCode,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.ruled(rule, |flaws| flaws.add(at, code, detail));
    }

    /// Does `work`, and gives `rule` to the flaws it adds that name none; an empty one is none.
    pub fn ruled<T>(&mut self, rule: impl Into<Cow<'static, str>>, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.0.len();
        let done = work(self);
        let rule = rule.into();
        if before < self.0.len() && !rule.is_empty() {
            // That a field is unknown breaks no rule of the field that it is in.
            for flaw in self.0[before..].iter_mut().filter(|flaw| flaw.code != FlawCode::Unknown) {
                flaw.rule.get_or_insert_with(|| rule.clone());
            }
        }
        done
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each flaw, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Flaw> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Flaws {
    type Item = &'a Flaw;
    type IntoIter = std::slice::Iter<'a, Flaw>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A place in a body. It lives on the stack, and becomes text only where something is wrong.
#[derive(Debug, Clone, Copy)]
pub enum At<'a> {
    /// The whole body.
    Root,
    /// A member of an object.
    Member(&'a At<'a>, &'a str),
    /// An item of a list.
    Item(&'a At<'a>, usize),
}

impl Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Root => Ok(()),
            At::Item(parent, index) => write!(f, "{parent}/{index}"),
            At::Member(parent, name) => {
                write!(f, "{parent}/")?;
                name.chars().try_for_each(|letter| match letter {
                    '~' => f.write_str("~0"),
                    '/' => f.write_str("~1"),
                    letter => f.write_char(letter),
                })
            }
        }
    }
}
