//! A database that lasts as long as the test that asked for it.

use tempfile::TempDir;

/// SQLite: a file in a folder of its own.
pub struct Sqlite;

impl Sqlite {
    /// An empty place for a SQLite database; nothing is created in it yet.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn temp() -> TempDatabase {
        let folder = tempfile::Builder::new()
            .prefix("boatyard-sqlite-")
            .tempdir()
            .expect("a temporary folder for SQLite");
        let path = folder.path().join("boatyard.db");
        TempDatabase {
            url: path.to_str().expect("a UTF-8 path").to_owned(),
            _hold: Hold::Folder(folder),
        }
    }
}

/// An empty database; dropping it removes it.
pub struct TempDatabase {
    url: String,
    _hold: Hold,
}

impl TempDatabase {
    /// What to hand to `Store::open`: a file's path, or `postgres://…`.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn on_server(server: &str, name: String) -> Self {
        TempDatabase {
            url: with_database(server, &name),
            _hold: Hold::Server {
                server: server.to_owned(),
                name,
            },
        }
    }
}

/// What ends the database when it goes.
enum Hold {
    Folder(#[allow(dead_code, reason = "held for its drop")] TempDir),
    Server { server: String, name: String },
}

impl Drop for Hold {
    fn drop(&mut self) {
        let Hold::Server { server, name } = self else {
            return;
        };
        let (server, name) = (server.clone(), name.clone());
        // The test's own runtime may be the one that is running this drop, so it cannot be waited on.
        let dropper = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime?.block_on(async {
                let command = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                command_on(&server, &command)
                    .await
                    .map_err(std::io::Error::other)
            })
        });
        // A database left behind goes with its cluster.
        if let Ok(Err(error)) = dropper.join() {
            eprintln!("a test database could not be dropped: {error}");
        }
    }
}

/// Runs one command on a connection of its own.
pub(crate) async fn command_on(server: &str, command: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await?;
    let driver = tokio::spawn(connection);
    let done = client.batch_execute(command).await;
    drop(client);
    // The connection ends once its client is gone; its own error would repeat the command's.
    let _ = driver.await;
    done
}

/// `server` with another database in its path; whatever follows a `?` stays.
fn with_database(server: &str, name: &str) -> String {
    let (base, query) = match server.split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (server, String::new()),
    };
    let authority_start = base.find("://").map_or(0, |at| at + 3);
    let end = base[authority_start..]
        .find('/')
        .map_or(base.len(), |at| authority_start + at);
    format!("{}/{name}{query}", &base[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_database_takes_the_place_of_the_servers_own() {
        let same = "postgres://u@%2Ftmp%2Fx:5432/t1";
        assert_eq!(
            with_database("postgres://u@%2Ftmp%2Fx:5432/postgres", "t1"),
            same
        );
        assert_eq!(with_database("postgres://u@%2Ftmp%2Fx:5432", "t1"), same);
        assert_eq!(
            with_database("postgres://h/a?x=1", "t1"),
            "postgres://h/t1?x=1"
        );
    }
}
