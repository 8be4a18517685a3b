/// Declares a closed set of codes: one line per variant, shared by JSON, SQL, URLs and the contract.
#[macro_export]
macro_rules! codes {
    (
        $(#[doc = $about:literal])*
        $vis:vis enum $name:ident { $($(#[doc = $doc:literal])* $variant:ident = $code:literal,)+ }
    ) => {
        $(#[doc = $about])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            $crate::hidden::serde::Serialize, $crate::hidden::serde::Deserialize,
            $crate::hidden::diesel::expression::AsExpression, $crate::hidden::diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = $crate::hidden::diesel::sql_types::Text)]
        $vis enum $name { $($(#[doc = $doc])* #[serde(rename = $code)] $variant,)+ }

        impl $name {
            /// Every code, in the order of the declaration.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as it is written in JSON, in SQL and in URLs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// What the code means, in Markdown.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*).trim_ascii()),+ }
            }

            /// The variant that `code` names.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == code)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::Read for $name {
            type Draft = Self;
            fn read(json: &$crate::Json<'_>, at: $crate::At<'_>, flaws: &mut $crate::Flaws) -> Option<Self> {
                $crate::hidden::code(json, at, flaws, &[$((Self::$variant, $code)),+])
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
                $crate::hidden::one_of(&[$($about),*], &[$(($code, &[$($doc),*])),+])
            }
        }

        impl $crate::hidden::ToSchema for $name {}

        $crate::text_column!($name);
    };
}

/// Stores a type that has `as_str` and `parse` in a column of text.
#[doc(hidden)]
#[macro_export]
macro_rules! text_column {
    ($name:ident) => {
        const _: () = {
            use $crate::hidden::diesel::sql_types::Text;
            use $crate::hidden::diesel::{backend::Backend, deserialize, serialize};

            impl<DB: Backend> serialize::ToSql<Text, DB> for $name
            where
                str: serialize::ToSql<Text, DB>,
            {
                fn to_sql<'b>(&'b self, out: &mut serialize::Output<'b, '_, DB>) -> serialize::Result {
                    <str as serialize::ToSql<Text, DB>>::to_sql(self.as_str(), out)
                }
            }

            impl<DB: Backend> deserialize::FromSql<Text, DB> for $name
            where
                String: deserialize::FromSql<Text, DB>,
            {
                fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
                    let text = <String as deserialize::FromSql<Text, DB>>::from_sql(raw)?;
                    // The text may be PHI, so the error doesn't quote it.
                    Self::parse(&text).ok_or_else(|| concat!("a column holds no ", stringify!($name)).into())
                }
            }
        };
    };
}
