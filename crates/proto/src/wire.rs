//! Owns the serde glue that several types share: where the contract's language and ours read JSON differently.
//!
//! It must never know a single wire type.

use std::{borrow::Cow, fmt::Display, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Reads `null` as the zero value, as the contract's clients and servers do.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Tells whether a number is the zero that an optional member leaves out.
pub(crate) fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

/// Tells whether a flag is the `false` that an optional member leaves out.
pub(crate) const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Writes an absent id as the empty text and reads the empty text, or `null`, as absent.
pub(crate) mod maybe_id {
    use super::{Cow, Deserialize, Deserializer, Display, FromStr, Serializer, de};

    pub(crate) fn serialize<S, T>(id: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        T: AsRef<str>,
    {
        serializer.serialize_str(id.as_ref().map_or("", T::as_ref))
    }

    pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr<Err: Display>,
    {
        match Option::<Cow<'de, str>>::deserialize(deserializer)? {
            Some(text) if !text.is_empty() => text.parse().map(Some).map_err(de::Error::custom),
            _ => Ok(None),
        }
    }
}

/// Writes a floating-point number that is whole without a fraction (`0`, not `0.0`), as the contract's recordings have it.
pub(crate) mod number {
    use super::{Deserializer, Serialize, Serializer, nullable};

    /// Below this every whole number has its own `f64`, so the way through an integer loses nothing.
    const EXACT: f64 = 9_007_199_254_740_992.0;

    pub(crate) fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if number.fract() == 0.0 && number.abs() < EXACT {
            return serializer.serialize_i64(*number as i64);
        }
        number.serialize(serializer)
    }

    pub(crate) fn serialize_option<S: Serializer>(
        number: &Option<f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match number {
            Some(number) => serialize(number, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        nullable(deserializer)
    }
}

/// Defines an enum that is a fixed word on the wire.
///
/// With an `else` variant, a word that is not in the list is read as that variant; without one it is an error.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident($kind:literal) {
            $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)*
            $(; $(#[$other_meta:meta])* else $other:ident = $other_word:literal,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
            $($(#[$other_meta])* $other,)?
        }

        impl $name {
            /// All variants, in the order of their definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)* $(Self::$other,)?];

            /// Returns the word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                    $(Self::$other => $other_word,)?
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ParseWordError;

            fn from_str(word: &str) -> Result<Self, $crate::ParseWordError> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => $crate::wire::words!(@other $kind $(, $other)?),
                }
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::openapi::words(Self::ALL.iter().map(|word| word.as_str()))
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::id::deserialize_from_str(deserializer)
            }
        }
    };
    (@other $kind:literal, $other:ident) => { Ok(Self::$other) };
    (@other $kind:literal) => {
        Err($crate::ParseWordError::new($kind, Self::ALL.iter().map(|word| word.as_str())))
    };
}
pub(crate) use words;

/// Defines an enum that is a fixed number on the wire.
///
/// With an `else` variant, a number that is not in the list is read as that variant; without one it is an error.
macro_rules! codes {
    (
        $(#[$meta:meta])*
        pub enum $name:ident($kind:literal) {
            $($(#[$variant_meta:meta])* $variant:ident = $code:literal,)*
            $(; $(#[$other_meta:meta])* else $other:ident = $other_code:literal,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "i64", into = "i64")]
        pub enum $name {
            $($(#[$variant_meta])* $variant = $code,)*
            $($(#[$other_meta])* $other = $other_code,)?
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::openapi::codes([$($code,)*].into_iter())
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl From<$name> for i64 {
            fn from(code: $name) -> Self {
                code as Self
            }
        }

        impl TryFrom<i64> for $name {
            type Error = $crate::ParseWordError;

            fn try_from(code: i64) -> Result<Self, $crate::ParseWordError> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    _ => $crate::wire::codes!(@other $kind [$($code),*] $(, $other)?),
                }
            }
        }
    };
    (@other $kind:literal [$($code:literal),*], $other:ident) => { Ok(Self::$other) };
    (@other $kind:literal [$($code:literal),*]) => {
        Err($crate::ParseWordError::new($kind, [$(stringify!($code)),*]))
    };
}
pub(crate) use codes;
