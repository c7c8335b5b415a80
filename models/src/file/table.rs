//! The declaration of a table of the file format: one entry per key, from which come the struct, its reader and its
//! reference.
//!
//! Owns: the macros `table!`, `one_of!` and `choice!`.
//! Never: any key (those stand in `system.rs`, `scenario.rs`, `step.rs`, `value.rs` and `quantity.rs`).
//!
//! An entry reads
//!
//! ```text
//! /// what it means
//! key: Type = DEFAULT "what the default amounts to" or "word" of UNIT items 1..=9 [standing "source" "date"] in 0.0..=1.0,
//! ```
//!
//! where everything after `DEFAULT` may be left out. `DEFAULT` is `required`, `none` (the type is an `Option`),
//! `flatten` (the keys of another table stand among this one's) or what one would write in a file, which is then read
//! by the same reader. `or "word"` allows that word for "no end"; `of` is the unit of a quantity or ramp; `items`
//! bounds the length of a list or the number of named things; `in` bounds figures, those of a list each.
//! After the table's title `(key)` names the key that a value stands for which is written without a table, and
//! `check function` a rule over several keys of the table.

/// What follows the default of an entry, as a `Spec`.
macro_rules! spec {
    (
        $(word $word:literal)? $(unit $unit:ident)? $(one $one:literal)? $(items $least:literal $most:literal)?
        $(range $range:expr)?
    ) => {
        $crate::file::read::Spec {
            $(word: Some($word),)?
            $(unit: $crate::file::table::unit!($unit),)?
            $(one: $one,)?
            $(items: Some(($least, $most)),)?
            $(range: Some((*($range).start(), *($range).end())),)?
            ..$crate::file::read::Spec::NONE
        }
    };
}

macro_rules! unit {
    (time) => {
        $crate::file::read::Unit::Time
    };
    (count) => {
        $crate::file::read::Unit::Count
    };
    (rate) => {
        $crate::file::read::Unit::Rate
    };
}

/// Reads one entry, by the way its default is written.
macro_rules! read_key {
    (required, $key:expr, $ty:ty, $spec:expr, $fields:ident, $reader:ident) => {
        $fields.required::<$ty>($key, &$spec, $reader)
    };
    (none, $key:expr, $ty:ty, $spec:expr, $fields:ident, $reader:ident) => {
        Some($fields.optional::<$ty>($key, &$spec, $reader))
    };
    (flatten, $key:expr, $ty:ty, $spec:expr, $fields:ident, $reader:ident) => {
        <$ty as $crate::file::read::TableRead>::read_fields($fields, $reader)
    };
    ($default:tt, $key:expr, $ty:ty, $spec:expr, $fields:ident, $reader:ident) => {
        $fields.or_default::<$ty>($key, &$spec, stringify!($default), $reader)
    };
}

/// Describes one entry, by the way its default is written.
macro_rules! describe_key {
    (flatten, $key:expr, $ty:ty, $spec:expr, $text:expr, $meaning:expr, $standing:expr, $keys:ident) => {
        <$ty as $crate::file::read::TableRead>::describe($keys)
    };
    ($default:tt, $key:expr, $ty:ty, $spec:expr, $text:expr, $meaning:expr, $standing:expr, $keys:ident) => {
        $keys.push($crate::file::reference::KeyReference::new::<$ty>(
            $key,
            &$spec,
            stringify!($default),
            $text,
            $meaning,
            $standing,
        ))
    };
}

macro_rules! standing {
    () => {
        $crate::file::reference::Standing::Defined
    };
    (documented $source:literal $date:literal) => {
        $crate::file::reference::Standing::Documented {
            source: $source,
            date: $date,
        }
    };
    (measured $source:literal $date:literal) => {
        $crate::file::reference::Standing::Measured {
            source: $source,
            date: $date,
        }
    };
    (assumed $source:literal $date:literal) => {
        $crate::file::reference::Standing::Assumed {
            reason: $source,
            date: $date,
        }
    };
}

macro_rules! table {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident $(<$param:ident>)? = $title:literal $(($short:ident))? $(check $check:path)? {
            $(
                $(#[doc = $meaning:literal])+
                $key:ident : $ty:ty = $default:tt $($text:literal)?
                $(or $word:literal)? $(of $unit:ident)? $(items $least:literal ..= $most:literal)?
                $([$standing:ident $source:literal $date:literal])?
                $(in $range:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name $(<$param>)? {
            $(
                $(#[doc = $meaning])+
                pub $key: $ty,
            )*
        }

        impl $(<$param: $crate::file::read::Read>)? $crate::file::read::TableRead for $name $(<$param>)? {
            const TITLE: &'static str = $title;
            const SHORTHAND: Option<&'static str> = $crate::file::table::shorthand!($($short)?);
            const MEANING: &'static str = concat!($($doc),+);
            const ONE_KEY: bool = false;

            fn read_fields(
                fields: &mut $crate::file::read::Fields<'_>,
                reader: &mut $crate::file::read::Reader<'_>,
            ) -> Option<Self> {
                // Every key is read before any is missed: all mistakes at once.
                $(
                    let $key = $crate::file::table::read_key!(
                        $default,
                        $crate::file::read::key_name(stringify!($key)),
                        $ty,
                        $crate::file::table::spec!(
                            $(word $word)? $(unit $unit)? $(items $least $most)? $(range $range)?
                        ),
                        fields,
                        reader
                    );
                )*
                Some(Self { $($key: $key?,)* })
            }

            $(
                fn check(
                    &self,
                    fields: &$crate::file::read::Fields<'_>,
                    reader: &mut $crate::file::read::Reader<'_>,
                ) {
                    $check(self, fields, reader);
                }
            )?

            fn describe(keys: &mut Vec<$crate::file::reference::KeyReference>) {
                $(
                    $crate::file::table::describe_key!(
                        $default,
                        $crate::file::read::key_name(stringify!($key)),
                        $ty,
                        $crate::file::table::spec!(
                            $(word $word)? $(unit $unit)? $(items $least $most)? $(range $range)?
                        ),
                        concat!("" $(, $text)?),
                        concat!($($meaning),+),
                        $crate::file::table::standing!($($standing $source $date)?),
                        keys
                    );
                )*
            }

            fn nested(tables: &mut Vec<$crate::file::reference::TableReference>) {
                $( <$ty as $crate::file::read::Read>::tables(tables); )*
            }
        }

        impl $(<$param: $crate::file::read::Read>)? $crate::file::read::Read for $name $(<$param>)? {
            fn read(
                node: &$crate::file::Node,
                _: &$crate::file::read::Spec,
                reader: &mut $crate::file::read::Reader<'_>,
            ) -> Option<Self> {
                $crate::file::read::read_table(node, reader)
            }

            fn shape(_: &$crate::file::read::Spec) -> $crate::file::schema::Shape {
                $crate::file::schema::table_shape::<Self>()
            }

            fn type_text(_: &$crate::file::read::Spec) -> String {
                $crate::file::read::table_type_text::<Self>()
            }

            fn tables(tables: &mut Vec<$crate::file::reference::TableReference>) {
                $crate::file::reference::add_table::<Self>(tables);
            }
        }
    };
}

macro_rules! shorthand {
    () => {
        None
    };
    ($short:ident) => {
        Some(stringify!($short))
    };
}

macro_rules! one_of {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident = $title:literal {
            $(
                $(#[doc = $meaning:literal])+
                $key:ident : $variant:ident ($ty:ty)
                $(of $unit:ident)? $(or_one $one:literal)? $(items $least:literal ..= $most:literal)? $(in $range:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name {
            $(
                $(#[doc = $meaning])+
                $variant($ty),
            )*
        }

        impl $crate::file::read::TableRead for $name {
            const TITLE: &'static str = $title;
            const SHORTHAND: Option<&'static str> = None;
            const MEANING: &'static str = concat!($($doc),+);
            const ONE_KEY: bool = true;

            fn read_fields(
                fields: &mut $crate::file::read::Fields<'_>,
                reader: &mut $crate::file::read::Reader<'_>,
            ) -> Option<Self> {
                let mut found: Option<Self> = None;
                $(
                    if let Some(value) = fields.read::<$ty>(
                        $crate::file::read::key_name(stringify!($key)),
                        &$crate::file::table::spec!(
                            $(unit $unit)? $(one $one)? $(items $least $most)? $(range $range)?
                        ),
                        reader,
                    ) {
                        found = found.or(Some(Self::$variant(value)));
                    }
                )*
                fields.exactly_one(reader);
                found
            }

            fn describe(keys: &mut Vec<$crate::file::reference::KeyReference>) {
                $(
                    keys.push($crate::file::reference::KeyReference::new::<$ty>(
                        $crate::file::read::key_name(stringify!($key)),
                        &$crate::file::table::spec!(
                            $(unit $unit)? $(one $one)? $(items $least $most)? $(range $range)?
                        ),
                        "none",
                        "exactly one of these keys",
                        concat!($($meaning),+),
                        $crate::file::reference::Standing::Defined,
                    ));
                )*
            }

            fn nested(tables: &mut Vec<$crate::file::reference::TableReference>) {
                $( <$ty as $crate::file::read::Read>::tables(tables); )*
            }
        }

        impl $crate::file::read::Read for $name {
            fn read(
                node: &$crate::file::Node,
                _: &$crate::file::read::Spec,
                reader: &mut $crate::file::read::Reader<'_>,
            ) -> Option<Self> {
                $crate::file::read::read_table(node, reader)
            }

            fn shape(_: &$crate::file::read::Spec) -> $crate::file::schema::Shape {
                $crate::file::schema::table_shape::<Self>()
            }

            fn type_text(_: &$crate::file::read::Spec) -> String {
                $crate::file::read::table_type_text::<Self>()
            }

            fn tables(tables: &mut Vec<$crate::file::reference::TableReference>) {
                $crate::file::reference::add_table::<Self>(tables);
            }
        }
    };
}

macro_rules! choice {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident {
            $( $(#[doc = $meaning:literal])+ $variant:ident = $text:literal ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[doc = $meaning])+ $variant, )*
        }

        impl $name {
            /// Every choice, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As it is written in a file.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl $crate::file::read::Read for $name {
            fn read(
                node: &$crate::file::Node,
                _: &$crate::file::read::Spec,
                reader: &mut $crate::file::read::Reader<'_>,
            ) -> Option<Self> {
                $crate::file::read::read_choice(node, Self::ALL, Self::text, reader)
            }

            fn shape(_: &$crate::file::read::Spec) -> $crate::file::schema::Shape {
                $crate::file::schema::Shape::Words(Self::ALL.iter().map(|one| one.text()).collect())
            }

            fn type_text(_: &$crate::file::read::Spec) -> String {
                let texts: Vec<String> = Self::ALL.iter().map(|one| format!("\"{}\"", one.text())).collect();
                texts.join(", ")
            }
        }
    };
}

pub(crate) use {choice, describe_key, one_of, read_key, shorthand, spec, standing, table, unit};
