//! What the value of a field tells beside itself.

use crate::edge::Problems;
use serde::{Deserialize, Deserializer};

/// Tells a field that is `null`, which takes a value back, from one that is not there.
pub(in super::super) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// The value of two fields that say the same: the first one's, else the second one's. Where they
/// differ the second is refused, since one of the two would be lost.
pub(super) fn either<T: PartialEq>(
    (first, value): (&str, Option<T>),
    (second, other): (&str, Option<T>),
    problems: &mut Problems,
) -> Option<T> {
    if value.is_some() && other.is_some() && value != other {
        problems.add(
            second,
            format!("says something else than `{first}`; give one of them"),
        );
    }
    value.or(other)
}
