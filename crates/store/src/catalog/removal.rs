//! Taking whole repositories away, with the service or project they belong to.

use crate::StoreError;
use crate::sql::{Session, params};

/// Manifests before their tags, as everybody who takes something away. SQLite has one writer and
/// needs no locks.
const LOCK: &str = "SELECT 1 FROM manifests WHERE repository = $1
         OR substr(repository, 1, length(CAST($2 AS TEXT))) = $2
     ORDER BY repository, digest FOR UPDATE";

/// Not LIKE: names hold underscores, which it takes for any letter.
const DELETIONS: [&str; 4] = [
    "DELETE FROM tags WHERE repository = $1
         OR substr(repository, 1, length(CAST($2 AS TEXT))) = $2",
    "DELETE FROM manifest_references WHERE repository = $1
         OR substr(repository, 1, length(CAST($2 AS TEXT))) = $2",
    "DELETE FROM manifests WHERE repository = $1
         OR substr(repository, 1, length(CAST($2 AS TEXT))) = $2",
    "DELETE FROM repository_blobs WHERE repository = $1
         OR substr(repository, 1, length(CAST($2 AS TEXT))) = $2",
];

/// Removes everything that `name` and the repositories nested in it show; its content goes with
/// the next garbage collection. Row locks cannot keep out what is only just being pushed: the
/// registry holds pushes back meanwhile.
pub(crate) async fn remove_repositories(
    tx: &mut Session<'_>,
    name: &str,
) -> Result<(), StoreError> {
    let nested = format!("{name}/");
    if tx.locks_rows() {
        tx.rows(LOCK, params![name, &nested], |_| Ok(())).await?;
    }
    for statement in DELETIONS {
        tx.execute(statement, params![name, &nested]).await?;
    }
    Ok(())
}
