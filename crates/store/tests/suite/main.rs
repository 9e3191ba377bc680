//! The store's promises, told over SQLite and PostgreSQL alike.

mod builds;
mod names;
mod place;
mod tokens;
mod transitions;
