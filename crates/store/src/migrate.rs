//! Migrations: forward only, numbered, the same files for both databases. Their checksums are kept
//! in the database: a file that was changed after it ran stops the server with an error.

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Runs what has not run yet, all of it or nothing, and refuses a history that differs from the files.
pub(crate) fn runner() -> refinery::Runner {
    embedded::migrations::runner()
        .set_abort_divergent(true)
        .set_abort_missing(true)
        // One commit is one wait for the disk.
        .set_grouped(true)
}
