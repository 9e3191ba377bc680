//! Persistence behind one door: projects, services, builds with their queue and leases, tokens,
//! the registry's catalogue. SQLite and PostgreSQL, the same statements and the same suite.

mod error;
mod migrate;
mod sql;

pub use error::StoreError;
