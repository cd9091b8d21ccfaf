//! Values that are written as one JSON string and own no memory: read without a copy in between.

use serde::de;
use std::{fmt, marker::PhantomData, str::FromStr};

/// Reads whatever has a written form.
pub(crate) struct Written<T>(pub(crate) PhantomData<T>);

impl<T: FromStr<Err = String>> de::Visitor<'_> for Written<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Stores these types as what `as_str` gives and `parse` takes.
macro_rules! written {
    ($($type:ty),*) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                deserializer.deserialize_str($crate::written::Written(std::marker::PhantomData))
            }
        }
    )*};
}
pub(crate) use written;
