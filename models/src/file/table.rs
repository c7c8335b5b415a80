//! The declaration of a table of the file format: one entry per key, from which come the struct and what it says.

macro_rules! table {
    (
        $(#[doc = $doc:literal])+
        pub struct $name:ident $(<$param:ident>)? = $title:literal $(($short:ident))? {
            $(
                $(#[doc = $meaning:literal])+
                $key:ident : $ty:ty = $default:tt $($text:literal)?
                $(or $word:literal)? $(of $unit:ident)?
                $([$standing:ident $source:literal $date:literal])?
                $(in $bounds:expr)?
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
    };
}

macro_rules! one_of {
    (
        $(#[doc = $doc:literal])+
        pub enum $name:ident = $title:literal {
            $(
                $(#[doc = $meaning:literal])+
                $key:ident : $variant:ident ($ty:ty) $(of $unit:ident)? $(in $bounds:expr)?
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
    };
}

pub(crate) use {choice, one_of, table};
