//! The list of builds over HTTP, short and long history, at both ends, against the bare handler
//! with the same bytes.

mod cases;
mod changes;
mod rounds;

use crate::effort::Effort;
use crate::images::repository::Repository;
use crate::report::Section;
use crate::server::Server;
use anyhow::Context;
use cases::Case;
use std::path::Path;
use store::Store;

/// Builds in the service with the short history.
const SHORT_HISTORY: i64 = 1000;

/// The list over SQLite. The aims are for this one.
pub(crate) async fn over_sqlite(program: &Path, effort: &Effort) -> anyhow::Result<Section> {
    let server = Server::start(program, &[]).await?;
    let url = format!("sqlite:{}", server.data_dir().join("boatyard.db").display());
    let mut section = measure(server, &url, effort, "SQLite").await?;
    section.title = "The list of builds, over SQLite";
    Ok(section)
}

/// The list over PostgreSQL, in the tests' throw-away cluster.
pub(crate) async fn over_postgres(program: &Path, effort: &Effort) -> anyhow::Result<Section> {
    let cluster = tokio::task::block_in_place(testkit::Postgres::shared);
    let database = cluster.database().await;
    let url = database.url();
    let server = Server::start(program, &[("BOATYARD_DATABASE_URL", url)]).await?;
    let mut section = measure(server, url, effort, "PostgreSQL").await?;
    section.title = "The list of builds, over PostgreSQL";
    Ok(section)
}

async fn measure(
    mut server: Server,
    database: &str,
    effort: &Effort,
    name: &str,
) -> anyhow::Result<Section> {
    let histories = [("short", SHORT_HISTORY), ("long", effort.long_history)];
    for (service, builds) in histories {
        fill(&mut server, database, service, builds).await?;
    }
    let api = server.api()?;
    let mut cases = Vec::new();
    for (service, builds) in histories {
        cases.extend(Case::of_service(&api, service, builds).await?);
    }
    cases.extend(Case::of_restless_service("long", effort.long_history));
    let measured = rounds::run(&server, &api, &cases, effort).await?;
    server.stop()?;
    Ok(rounds::section(&cases, &measured, effort, name))
}

/// Makes a service with so many builds: one that was really built, and copies of it.
async fn fill(
    server: &mut Server,
    database: &str,
    service: &str,
    builds: i64,
) -> anyhow::Result<()> {
    let repository = Repository::sample()?;
    let built = server.api()?.service(service, repository.path()).await?;
    built.build().await?;
    // Nobody else writes meanwhile; and the server starts with a tidy database.
    server.stop()?;
    let store = Store::open(database, server.vault()?).await?;
    let project = store.project("default", "bench").await?;
    let project = project.context("the project is gone")?;
    let row = store.service(&project.uid, service).await?;
    let row = row.context("the service is gone")?;
    store.copy_newest_build(&row, builds - 1).await?;
    drop(store);
    server.launch().await?;
    Ok(())
}
