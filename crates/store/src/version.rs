//! Whether anything changed since, told for less than it costs to ask again. What was read before is
//! good for exactly as long as the database is the same, whoever writes to it.

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::sync::Arc;

use crate::sql::Database;
use crate::{Store, StoreError};

/// The database as it is. Another value means that something may have been written meanwhile, by this
/// process or another one; nothing else can be told from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(Mark);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mark {
    Number(i64),
    Text(Arc<str>),
}

/// PostgreSQL's snapshot says which transactions can be seen. No transaction that wrote has ended
/// between two equal ones. They count for the whole server, so the writes of others make them
/// differ, too. Its start is part of it because a server that was restored from a backup counts
/// from an older number.
const SNAPSHOT: &str =
    "SELECT pg_postmaster_start_time()::text || ' ' || pg_current_snapshot()::text";

impl Store {
    /// The database's version now. SQLite tells it without a word to anybody, PostgreSQL in one
    /// question.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn version(&self) -> Result<Version, StoreError> {
        if let Database::Sqlite(db) = &*self.db {
            return Ok(Version(Mark::Number(db.version()?)));
        }
        let mut session = self.db.read().await?;
        let snapshot = session.row(SNAPSHOT, [], |row| row.get::<String>(0));
        let text = snapshot.await?;
        let text = text.ok_or_else(|| StoreError::corrupt("a database without a snapshot"))?;
        Ok(Version(Mark::Text(text.into())))
    }
}

/// Keeps what was made from the database, for as long as the database is the same. The values that
/// were not asked for lately go when there are too many.
pub struct Remembered<V> {
    values: Cache<String, (Version, V), Weight<V>>,
}

#[derive(Clone)]
struct Weight<V>(fn(&V) -> usize);

impl<V> Weighter<String, (Version, V)> for Weight<V> {
    fn weight(&self, key: &String, value: &(Version, V)) -> u64 {
        (key.len() + (self.0)(&value.1)) as u64
    }
}

impl<V: Clone> Remembered<V> {
    /// Keeps about `values` values of at most `bytes` bytes altogether, keys included; `size` tells
    /// one's.
    #[must_use]
    pub fn new(values: usize, bytes: u64, size: fn(&V) -> usize) -> Self {
        Remembered {
            values: Cache::with_weighter(values, bytes, Weight(size)),
        }
    }

    /// The value that was made under this key when the database was the same.
    pub fn get(&self, key: &str, now: &Version) -> Option<V> {
        let (made, value) = self.values.get(key)?;
        (made == *now).then_some(value)
    }

    /// Keeps a value. `before` is the version from before it was made: what is written while it is
    /// being made then counts as a change.
    pub fn put(&self, key: String, before: Version, value: V) {
        self.values.insert(key, (before, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: i64) -> Version {
        Version(Mark::Number(number))
    }

    #[test]
    fn a_value_is_good_for_its_version_only() {
        let remembered = Remembered::new(10, 1000, String::len);
        remembered.put("key".into(), version(1), "value".to_owned());
        assert_eq!(remembered.get("key", &version(1)).as_deref(), Some("value"));
        assert_eq!(remembered.get("key", &version(2)), None);
        assert_eq!(remembered.get("other", &version(1)), None);
    }

    #[test]
    fn too_much_is_not_kept() {
        let remembered = Remembered::new(10, 1000, String::len);
        for n in 0..100 {
            remembered.put(n.to_string(), version(1), "x".repeat(100));
        }
        let kept = (0..100).filter(|n| remembered.get(&n.to_string(), &version(1)).is_some());
        assert!(kept.count() <= 10);
    }
}
