//! Databases for tests. The store's promise is that SQLite and PostgreSQL behave the same, so one
//! test body runs over both; this crate makes that a one-word affair and cleans up afterwards. And what
//! to put into them.
//!
//! ```
//! testkit::for_each_store! {
//!     async fn a_store_has_an_address(url: &str) {
//!         assert!(!url.is_empty());
//!     }
//! }
//! # fn main() {}
//! ```

mod cluster;
mod database;
mod own;
mod samples;
mod story;

pub use cluster::Postgres;
pub use database::{Sqlite, TempDatabase};
pub use own::OwnPostgres;
pub use samples::{build_request, project, service, team, vault};
pub use story::{tell_over_postgres, tell_over_sqlite};
