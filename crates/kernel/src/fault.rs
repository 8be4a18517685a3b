//! Why a request could not be carried out, in terms free of any transport.

/// The class of a fault, from which a transport picks its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What was sent can't be read.
    Malformed,
    /// The caller sees the thing, and may not do this.
    Forbidden,
    /// There is no such thing, or not for this caller.
    NotFound,
    /// The thing's present state forbids it.
    Conflict,
    /// The thing changed since the caller read it.
    Stale,
    /// A rule is broken that the caller could have checked.
    Invalid,
    /// Nothing is wrong with the request: a connection, a lock, a queue or a disk failed. Try again.
    Unavailable,
    /// The service itself is wrong.
    Internal,
}

/// A fault as its table has it, for the pages that explain each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultRow {
    /// The class.
    pub kind: Kind,
    /// The stable name, as in `/problems/<slug>`.
    pub slug: &'static str,
    /// The rule of `docs/rules.md` that causes it; empty where none does.
    pub rule: &'static str,
    /// What is told, with the places to fill in.
    pub message: &'static str,
    /// What it means, in Markdown.
    pub about: &'static str,
}

/// An error that is a row of a [`faults!`](crate::faults) table.
pub trait Fault: std::error::Error {
    /// Its row.
    fn row(&self) -> FaultRow;
    /// What the caller may do instead, where its state is the obstacle.
    fn allowed_actions(&self) -> Option<&[&'static str]> {
        None
    }
}

/// Declares an error as a table: variant, class, slug, rule, message; then the errors of others that it may wrap.
///
/// A last field after `;` holds the actions that are permitted instead.
#[macro_export]
macro_rules! faults {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $variant:ident $(( $($field:ident: $kind:ty),+ $(; $allowed:ident)? ))?
                    => $class:ident, $slug:literal, $rule:literal, $message:literal;
            )*
        } $(or { $($(#[$inner_doc:meta])* $wrap:ident($inner:ty),)+ })?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        $vis enum $name {
            $($(#[doc = $doc])* $variant $(($($kind),+ $(, $crate::allowed_type!($allowed))?))?,)*
            $($($(#[$inner_doc])* $wrap($inner),)+)?
        }

        impl $name {
            /// Every row of this table, in order.
            pub const ROWS: &[$crate::FaultRow] = &[$($crate::FaultRow {
                kind: $crate::Kind::$class, slug: $slug, rule: $rule, message: $message,
                about: concat!($($doc),*).trim_ascii(),
            },)*];
        }

        impl $crate::Fault for $name {
            fn row(&self) -> $crate::FaultRow {
                match self {
                    $(Self::$variant { .. } => $crate::FaultRow {
                        kind: $crate::Kind::$class, slug: $slug, rule: $rule, message: $message,
                        about: concat!($($doc),*).trim_ascii(),
                    },)*
                    $($(Self::$wrap(it) => it.row(),)+)?
                }
            }
            fn allowed_actions(&self) -> Option<&[&'static str]> {
                match self {
                    $($($(Self::$variant(.., $allowed) => Some($allowed),)?)?)*
                    $($(Self::$wrap(it) => it.allowed_actions(),)+)?
                    _ => None,
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    $(Self::$variant $(($($field),+ $(, $allowed)?))? => {
                        $($(let _ = $field;)+ $(let _ = $allowed;)?)?
                        write!(f, $message)
                    })*
                    $($(Self::$wrap(it) => ::std::fmt::Display::fmt(it, f),)+)?
                }
            }
        }

        impl ::std::error::Error for $name {}

        $($(impl From<$inner> for $name {
            fn from(it: $inner) -> Self { Self::$wrap(it) }
        })+)?
    };
}

/// The type of the last field of a row of [`faults!`] that names one.
#[doc(hidden)]
#[macro_export]
macro_rules! allowed_type {
    ($name:ident) => { Vec<&'static str> };
}
