/// Declares a body: a struct, the type of each field being its constraint, and beside it the rule
/// that a broken one breaks.
///
/// It emits the struct, its `ToSchema`, and its [`Read`](crate::Read) with a
/// [`Draft`](crate::Draft) whose fields are all optional. The functions after `where` are rules
/// between fields: `validator` runs each on the draft, whatever else is broken.
#[macro_export]
macro_rules! body {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $name:ident $(where $($check:ident),+)? {
            $(
                $(#[doc = $doc:literal])*
                $field:ident: $kind:ty => $rule:literal,
            )+
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name {
            $($(#[doc = $doc])* pub $field: $kind,)+
        }

        const _: () = {
            use $crate::hidden::{self, PartialSchema, Ref, Schema, ToSchema};
            use $crate::{At, Draft, Flaws, Json, Read};

            const FIELDS: [(&str, &str); [$($rule),+].len()] =
                [$((hidden::bare(stringify!($field)), $rule)),+];

            /// What is known of it.
            #[derive(Debug, Clone, $crate::hidden::validator::Validate)]
            $($(#[validate(schema(function = $check, skip_on_field_errors = false))])+)?
            pub struct Partial {
                $($(#[doc = $doc])* pub $field: Option<Draft<$kind>>,)+
            }

            impl Read for $name {
                type Draft = Partial;
                fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Partial> {
                    let [$($field),+] = hidden::members(json, &FIELDS, at, flaws)?;
                    $(let $field = hidden::member::<$kind>(
                        $field, At::Member(&at, hidden::bare(stringify!($field))), $rule, flaws,
                    );)+
                    let draft = Partial { $($field),+ };
                    hidden::cross::<Self>($crate::hidden::validator::Validate::validate(&draft), at, flaws);
                    Some(draft)
                }
                fn whole(draft: Partial) -> Option<Self> {
                    Some(Self { $($field: Read::whole(draft.$field?)?),+ })
                }
                fn schema() -> Schema {
                    Ref::from_schema_name(stringify!($name)).into()
                }
                fn schemas(into: &mut Vec<(String, Schema)>) {
                    into.push((stringify!($name).to_owned(), <Self as PartialSchema>::schema()));
                    $(<$kind as Read>::schemas(into);)+
                }
                fn knows(pointer: &str) -> bool {
                    match hidden::part(pointer) {
                        None => true,
                        $(Some((name, rest)) if name == hidden::bare(stringify!($field)) => {
                            <$kind as Read>::knows(rest)
                        })+
                        Some(_) => false,
                    }
                }
            }

            impl PartialSchema for $name {
                fn schema() -> Schema {
                    hidden::object(&[$($about),*], vec![
                        $(hidden::property::<$kind>(stringify!($field), $rule, &[$($doc),*])),+
                    ], hidden::may_be_empty::<Self>())
                }
            }

            impl ToSchema for $name {
                fn schemas(into: &mut Vec<(String, Schema)>) {
                    <Self as Read>::schemas(into);
                }
            }
        };
    };
}
