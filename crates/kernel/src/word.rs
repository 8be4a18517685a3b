/// Declares text of a fixed form: its pattern is the check of the reader, of the database and of the contract.
///
/// `if` adds a check that a pattern can't do; `as` rewrites what passed into its one canonical form.
#[macro_export]
macro_rules! word {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident = $form:literal, $meaning:literal, like $example:literal
        $(, if $check:expr)? $(, as $canon:expr)?;
    ) => {
        $(#[doc = $doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord,
            $crate::hidden::serde::Serialize, $crate::hidden::serde::Deserialize,
            $crate::hidden::diesel::expression::AsExpression, $crate::hidden::diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = $crate::hidden::diesel::sql_types::Text)]
        #[serde(try_from = "String")]
        $vis struct $name(String);

        impl $name {
            #[doc = concat!("Reads ", $meaning, "; none where the text is of another form.")]
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                static FORM: ::std::sync::LazyLock<$crate::hidden::Regex> =
                    ::std::sync::LazyLock::new(|| $crate::hidden::form($form));
                let right = FORM.is_match(text) $(&& ($check)(text))?;
                right.then(|| {
                    let text = text.to_owned();
                    $(let text: String = ($canon)(text);)?
                    Self(text)
                })
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::ops::Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or(concat!("not ", $meaning))
            }
        }

        impl $crate::Read for $name {
            type Draft = Self;
            fn read(json: &$crate::Json<'_>, at: $crate::At<'_>, flaws: &mut $crate::Flaws) -> Option<Self> {
                $crate::hidden::word(json, at, flaws, Self::parse, $meaning)
            }
            fn whole(draft: Self) -> Option<Self> {
                Some(draft)
            }
            fn schema() -> $crate::hidden::Schema {
                $crate::hidden::Ref::from_schema_name(stringify!($name)).into()
            }
            fn schemas(into: &mut Vec<(String, $crate::hidden::Schema)>) {
                into.push((stringify!($name).to_owned(), <Self as $crate::hidden::PartialSchema>::schema()));
            }
        }

        impl $crate::hidden::PartialSchema for $name {
            fn schema() -> $crate::hidden::Schema {
                $crate::hidden::text_of(&[$($doc),*], $form, $example)
            }
        }

        impl $crate::hidden::ToSchema for $name {}

        $crate::text_column!($name);
    };
}
