//! A registry to probe, whichever it is, and small images to push to it.

mod debian;
mod docker;
mod image;
mod reply;
mod subject;

pub use docker::Docker;
pub use image::{Blob, IMAGE, INDEX, Image, index_of};
pub use reply::Reply;
pub use subject::Subject;

/// Writes each `async fn name(it: &Subject) { … }` as three tests: against `boatyard serve` over
/// SQLite and over PostgreSQL, and against Debian's docker-registry.
macro_rules! probes {
    ($( $(#[$meta:meta])* async fn $name:ident($it:ident: &Subject) $body:block )+) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "a probe may need nothing of its surroundings")]
            use super::*;

            async fn probe($it: &Subject) $body

            #[test]
            fn boatyard_over_sqlite() {
                testkit::tell_over_sqlite(async |url: &str| {
                    probe(&Subject::boatyard(url).await).await;
                });
            }

            #[test]
            fn boatyard_over_postgres() {
                testkit::tell_over_postgres(async |url: &str| {
                    probe(&Subject::boatyard(url).await).await;
                });
            }

            #[tokio::test]
            async fn debians_registry() {
                probe(&Subject::debian().await).await;
            }
        }
    )+ };
}
pub(super) use probes;
