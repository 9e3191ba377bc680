//! One story, told twice: the same test body as two named tests.

use crate::{Postgres, Sqlite};

/// Writes each `async fn name(url: &str) { … }` as two tests, `name::sqlite` and
/// `name::postgres`, each over an empty database of its own.
#[macro_export]
macro_rules! for_each_store {
    ($( $(#[$meta:meta])* async fn $name:ident($url:ident: &str) $body:block )+) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "a story may need nothing of its surroundings")]
            use super::*;

            async fn story($url: &str) $body

            #[test]
            fn sqlite() {
                $crate::tell_over_sqlite(async |url: &str| story(url).await);
            }

            #[test]
            fn postgres() {
                $crate::tell_over_postgres(async |url: &str| story(url).await);
            }
        }
    )+ };
}

/// Runs a story over a new SQLite file.
///
/// # Panics
/// When the story does, or when there is no place for the file.
pub fn tell_over_sqlite(story: impl AsyncFnOnce(&str)) {
    runtime().block_on(async {
        let database = Sqlite::temp();
        story(database.url()).await;
    });
}

/// Runs a story over a new database of the shared PostgreSQL cluster.
///
/// # Panics
/// When the story does, or when the cluster cannot be started.
pub fn tell_over_postgres(story: impl AsyncFnOnce(&str)) {
    let cluster = Postgres::shared();
    runtime().block_on(async {
        let database = cluster.database().await;
        story(database.url()).await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a test needs a runtime")
}
