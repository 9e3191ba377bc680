//! A row of either database, read by position.

use crate::StoreError;

/// A borrowed row.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The column at `index`, from 0.
    pub(crate) fn get<T: Column>(&self, index: usize) -> Result<T, StoreError> {
        T::read(self, index)
    }

    /// A column that holds JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        &self,
        index: usize,
    ) -> Result<T, StoreError> {
        let text: String = self.get(index)?;
        serde_json::from_str(&text).map_err(|e| StoreError::corrupt(format!("bad JSON: {e}")))
    }
}

/// A type that a column can be read as, the same from both databases.
pub(crate) trait Column: Sized {
    fn read(row: &Row<'_>, index: usize) -> Result<Self, StoreError>;
}

macro_rules! column {
    ($($ty:ty),+) => { $(
        impl Column for $ty {
            fn read(row: &Row<'_>, index: usize) -> Result<Self, StoreError> {
                match row {
                    Row::Sqlite(row) => Ok(row.get(index)?),
                    Row::Postgres(row) => Ok(row.try_get(index)?),
                }
            }
        }
    )+ };
}

column!(String, Option<String>, i64, Option<i64>, bool);
