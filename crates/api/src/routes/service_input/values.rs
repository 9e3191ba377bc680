//! What the value of a field tells beside itself.

use serde::{Deserialize, Deserializer};

/// Tells a field that is `null`, which takes a value back, from one that is not there.
pub(in super::super) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
