//! Decides on the server and the token. A token is only ever sent to the server it was given for:
//! to that of its context, or to one that was named together with it.

use super::contexts::{Context, Contexts};
use super::local;
use crate::args::Connection;
use crate::client::is_loopback;
use crate::environment::Environment;
use crate::error::CliError;
use url::Url;

/// Where the token came from, for error messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `--token`
    Flag,
    /// `BOATYARD_TOKEN`
    Environment,
    /// A remembered context.
    Context(String),
    /// The data folder of a server on this machine.
    DataFolder,
}

/// The decision.
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) token: String,
    pub(crate) origin: Origin,
    /// Default for `--project`.
    pub(crate) project: Option<String>,
    /// Default for `--service`.
    pub(crate) service: Option<String>,
}

impl Target {
    pub(crate) fn resolve(
        asked: &Connection,
        environment: &Environment,
    ) -> Result<Target, CliError> {
        let contexts = Contexts::load(environment)?;
        let chosen = choose(asked, environment, &contexts)?;
        let host = asked
            .host
            .clone()
            .or_else(|| {
                asked
                    .context
                    .is_none()
                    .then(|| environment.host.clone())
                    .flatten()
            })
            .or_else(|| chosen.map(|(_, context)| context.host.clone()));
        let host = match host {
            Some(host) => host,
            None => local::host(environment)?,
        };
        let (token, origin) = token(asked, environment, chosen, &host)?;
        let from_context = |pick: fn(&Context) -> &Option<String>| {
            chosen.and_then(|(_, context)| pick(context).clone())
        };
        Ok(Target {
            host,
            token,
            origin,
            project: environment
                .project
                .clone()
                .or_else(|| from_context(|c| &c.project)),
            service: environment
                .service
                .clone()
                .or_else(|| from_context(|c| &c.service)),
        })
    }
}

type Chosen<'a> = Option<(&'a String, &'a Context)>;

/// The context that speaks for the server in question, if there is one.
fn choose<'a>(
    asked: &Connection,
    environment: &Environment,
    contexts: &'a Contexts,
) -> Result<Chosen<'a>, CliError> {
    let name = asked.context.as_ref().or(match asked.host {
        Some(_) => None,
        None => environment.context.as_ref(),
    });
    if let Some(name) = name {
        contexts.named(name)?;
        return Ok(contexts.contexts.get_key_value(name));
    }
    match asked.host.as_ref().or(environment.host.as_ref()) {
        Some(host) => Ok(contexts
            .current()
            .into_iter()
            .chain(&contexts.contexts)
            .find(|(_, context)| same_host(&context.host, host))),
        None if environment.data_dir_named => Ok(None),
        None => Ok(contexts.current()),
    }
}

fn token(
    asked: &Connection,
    environment: &Environment,
    chosen: Chosen<'_>,
    host: &str,
) -> Result<(String, Origin), CliError> {
    if let Some(token) = &asked.token {
        return Ok((token.clone(), Origin::Flag));
    }
    // Naming a context is more specific than a variable that lies around.
    if let (None, Some(token)) = (&asked.context, &environment.token) {
        return Ok((token.clone(), Origin::Environment));
    }
    if let Some((name, context)) = chosen.filter(|(_, c)| same_host(&c.host, host)) {
        return Ok((context.token.clone(), Origin::Context(name.clone())));
    }
    let on_loopback = url(host).is_some_and(|url| is_loopback(&url));
    let here = on_loopback || local::file_naming(environment, host).is_some();
    if here && let Some(token) = local::administrators_token(environment)? {
        return Ok((token, Origin::DataFolder));
    }
    Err(CliError::NotLoggedIn(format!(
        "not logged in at {host}\n\
         hint: run `boatyard login --host {host}`, or set BOATYARD_TOKEN; on the server's own \
         machine, BOATYARD_DATA_DIR may say where `boatyard serve` keeps its data"
    )))
}

fn url(host: &str) -> Option<Url> {
    let with_scheme = if host.contains("://") {
        host.into()
    } else {
        format!("http://{host}")
    };
    Url::parse(&with_scheme).ok()
}

pub(crate) fn same_host(one: &str, other: &str) -> bool {
    let plain = |host| url(host).map(|u| u.as_str().trim_end_matches('/').to_owned());
    plain(one).is_some_and(|one| Some(one) == plain(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Home {
            Home(tempfile::tempdir().unwrap())
        }

        fn environment(&self) -> Environment {
            Environment {
                config_dir: Some(self.0.path().join("config")),
                data_dir: Some(self.0.path().join("data")),
                ..Environment::default()
            }
        }

        /// The data folder of a server that runs for as long as the returned file is kept.
        fn served(&self) -> std::fs::File {
            let data = self.0.path().join("data");
            std::fs::create_dir_all(&data).unwrap();
            std::fs::write(data.join("admin.token"), "byt_admin\n").unwrap();
            let lock = std::fs::File::create(data.join("lock")).unwrap();
            lock.lock().unwrap();
            lock
        }

        fn says_address(&self, text: &str) {
            let file = self.0.path().join("data/server.address");
            std::fs::write(file, format!("{text}\n")).unwrap();
        }

        fn with_contexts(self) -> Home {
            let context = |host: &str, token: &str| Context {
                host: host.into(),
                token: token.into(),
                project: Some(format!("{token}-project")),
                service: None,
            };
            let mut contexts = Contexts {
                current: Some("work".into()),
                ..Contexts::default()
            };
            contexts
                .contexts
                .insert("work".into(), context("https://work.example", "work"));
            contexts
                .contexts
                .insert("home".into(), context("http://home.example:8484", "home"));
            contexts.save(&self.environment()).unwrap();
            self
        }
    }

    fn resolve(home: &Home, asked: Connection, with: impl FnOnce(&mut Environment)) -> Target {
        let mut environment = home.environment();
        with(&mut environment);
        Target::resolve(&asked, &environment).unwrap()
    }

    fn host(host: &str) -> Connection {
        Connection {
            host: Some(host.into()),
            ..Connection::default()
        }
    }

    #[test]
    fn the_current_context_is_used_until_something_else_is_said() {
        let home = Home::new().with_contexts();
        let target = resolve(&home, Connection::default(), |_| {});
        assert_eq!(
            (target.host.as_str(), target.token.as_str()),
            ("https://work.example", "work")
        );
        assert_eq!(target.project.as_deref(), Some("work-project"));

        let asked = Connection {
            context: Some("home".into()),
            ..Connection::default()
        };
        let target = resolve(&home, asked, |e| e.token = Some("stray".into()));
        assert_eq!(target.token, "home");
        assert_eq!(target.origin, Origin::Context("home".into()));

        let target = resolve(&home, Connection::default(), |e| {
            e.project = Some("p".into())
        });
        assert_eq!(target.project.as_deref(), Some("p"));
    }

    #[test]
    fn a_contexts_token_never_goes_to_another_server() {
        let home = Home::new().with_contexts();
        let asked = host("https://elsewhere.example");
        let refused = Target::resolve(&asked, &home.environment());
        assert!(matches!(refused, Err(CliError::NotLoggedIn(_))));

        let target = resolve(&home, host("http://home.example:8484/"), |_| {});
        assert_eq!(target.token, "home");
        let target = resolve(&home, Connection::default(), |e| {
            e.host = Some("http://home.example:8484".into());
        });
        assert_eq!(target.token, "home");
    }

    #[test]
    fn on_the_servers_machine_no_login_is_needed() {
        let home = Home::new();
        let refused = Target::resolve(&Connection::default(), &home.environment());
        assert!(
            refused
                .err()
                .unwrap()
                .to_string()
                .contains("boatyard login")
        );

        let _lock = home.served();
        let target = resolve(&home, Connection::default(), |_| {});
        assert_eq!(
            (target.host.as_str(), target.token.as_str()),
            (local::DEFAULT_HOST, "byt_admin")
        );
        assert_eq!(target.origin, Origin::DataFolder);
        let refused = Target::resolve(&host("http://10.1.2.3:8484"), &home.environment());
        assert!(
            refused.is_err(),
            "the administrator's token stays on its machine"
        );
    }

    #[test]
    fn the_server_of_the_data_folder_is_found_on_any_port() {
        let home = Home::new();
        let _lock = home.served();
        for address in ["http://127.0.0.1:9999", "http://10.1.2.3:8484"] {
            home.says_address(address);
            let target = resolve(&home, Connection::default(), |_| {});
            assert_eq!(
                (target.host.as_str(), target.token.as_str()),
                (address, "byt_admin")
            );
        }
        let target = resolve(&home, host("http://127.0.0.1:1"), |_| {});
        assert_eq!(target.host, "http://127.0.0.1:1", "what is said wins");

        home.says_address("rubbish here");
        let refused = Target::resolve(&Connection::default(), &home.environment());
        let text = refused.err().unwrap().to_string();
        assert!(text.contains("server.address holds no address"), "{text}");
    }

    #[test]
    fn whoever_took_a_killed_servers_port_gets_no_token() {
        let home = Home::new();
        let lock = home.served();
        let refused = |asked: Connection| {
            let refused = Target::resolve(&asked, &home.environment());
            refused.err().unwrap().to_string()
        };
        drop(lock);
        let usual_place = refused(Connection::default());
        home.says_address("http://127.0.0.1:9999");
        let as_written = refused(Connection::default());
        let as_said = refused(host("http://127.0.0.1:9999"));
        let folder = home.environment().data_dir.unwrap();
        let text = format!(
            "no server of the data folder {} is running",
            folder.display()
        );
        for refused in [&usual_place, &as_written, &as_said] {
            assert!(refused.starts_with(&text), "{refused}");
            assert!(refused.contains("`boatyard serve`"), "{refused}");
        }
        std::fs::remove_file(folder.join("lock")).unwrap();
        assert_eq!(refused(Connection::default()), as_written);

        let told = |e: &mut Environment| e.token = Some("mine".into());
        let target = resolve(&home, host("http://127.0.0.1:9999"), told);
        assert_eq!(target.token, "mine", "what is said goes where it is said");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_whose_lock_cannot_be_looked_at_is_not_believed() {
        let home = Home::new();
        drop(home.served());
        home.says_address("http://127.0.0.1:9999");
        let lock = home.environment().data_dir.unwrap().join("lock");
        std::fs::remove_file(&lock).unwrap();
        // Not even root opens a link that leads to itself.
        std::os::unix::fs::symlink(&lock, &lock).unwrap();
        for asked in [Connection::default(), host("http://127.0.0.1:9999")] {
            let refused = Target::resolve(&asked, &home.environment()).err().unwrap();
            assert!(
                matches!(&refused, CliError::File { path, .. } if *path == lock),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_data_folder_that_was_named_comes_before_what_is_remembered() {
        let home = Home::new().with_contexts();
        let _lock = home.served();
        home.says_address("http://127.0.0.1:9999");
        let target = resolve(&home, Connection::default(), |e| e.data_dir_named = true);
        assert_eq!(target.host, "http://127.0.0.1:9999");
        assert_eq!(target.origin, Origin::DataFolder);
        let target = resolve(&home, Connection::default(), |_| {});
        assert_eq!(target.origin, Origin::Context("work".into()));
    }

    #[test]
    fn an_unknown_context_names_the_known_ones() {
        let home = Home::new().with_contexts();
        let asked = Connection {
            context: Some("wrok".into()),
            ..Connection::default()
        };
        let error = Target::resolve(&asked, &home.environment())
            .err()
            .unwrap()
            .to_string();
        assert_eq!(
            error,
            "no context `wrok`; there are: home, work (did you mean `work`?)"
        );
    }
}
