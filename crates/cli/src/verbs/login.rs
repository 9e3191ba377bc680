//! `boatyard login`

use crate::args::{Format, Login};
use crate::client::{Client, is_loopback};
use crate::connect::contexts::{Context, Contexts};
use crate::connect::{for_person, local_host, same_host};
use crate::console::Console;
use crate::error::CliError;
use crate::render::{self, Cell, Sheet};
use serde_json::json;
use url::Url;

pub(super) async fn login(args: Login, console: &mut Console) -> Result<(), CliError> {
    let environment = &console.environment;
    let host = match args.host.as_ref().or(environment.host.as_ref()) {
        Some(host) => host.clone(),
        None => local_host(environment)?,
    };
    let token = token(&args, console, &host)?;
    let client = Client::new(&host, &token).map_err(plain_failure)?;
    let host = client.host().to_owned();
    let name = args.name.clone().unwrap_or_else(|| default_name(&host));
    let mut contexts = Contexts::load(&console.environment)?;
    let before = contexts.contexts.get(&name);
    let same = before.is_some_and(|context| same_host(&context.host, &host));
    if before.is_some() && !same && !args.replace {
        return Err(CliError::Usage(format!(
            "the context `{name}` is of another server; give --override to replace it, \
             or another --name"
        )));
    }
    check(&client).await?;
    let kept = before.filter(|_| same).cloned();
    let (project, service) = kept.map(|c| (c.project, c.service)).unwrap_or_default();
    let context = Context {
        host: host.clone(),
        token,
        project,
        service,
    };
    contexts.contexts.insert(name.clone(), context);
    contexts.current = Some(name.clone());
    contexts.save(&console.environment)?;
    report(console, args.shown.output, &name, &host)
}

fn token(args: &Login, console: &mut Console, host: &str) -> Result<String, CliError> {
    let given = args
        .token
        .clone()
        .or_else(|| console.environment.token.clone());
    let token = match given {
        Some(token) => token,
        None => console.ask_secret(&format!("Token for {host}: "))?,
    };
    let token = token.trim();
    if token.is_empty() {
        return Err(CliError::Usage(
            "no token: give --token, set BOATYARD_TOKEN, or pass it on standard input".to_owned(),
        ));
    }
    Ok(token.to_owned())
}

async fn check(client: &Client) -> Result<(), CliError> {
    match client.check_login().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let hint = match error.api() {
                Some(refusal) if refusal.status == 401 => {
                    "\nhint: `boatyard serve` printed an administrator's token at its first start \
                     and keeps it in admin.token in its data folder; \
                     `boatyard admin token create` makes others on the server's machine"
                }
                Some(_) => "",
                None => "\nhint: is the address right, and the server running (`boatyard serve`)?",
            };
            Err(CliError::Call {
                explanation: format!("{}{hint}", for_person(&error.to_string())),
                source: error,
            })
        }
    }
}

fn plain_failure(source: crate::client::ClientError) -> CliError {
    CliError::Call {
        explanation: source.to_string(),
        source,
    }
}

fn default_name(host: &str) -> String {
    match Url::parse(host) {
        Ok(url) if !is_loopback(&url) => url.host_str().unwrap_or("local").to_owned(),
        _ => "local".to_owned(),
    }
}

fn report(console: &mut Console, format: Format, name: &str, host: &str) -> Result<(), CliError> {
    if host.starts_with("http://") && default_name(host) != "local" {
        console
            .note("warning: the token travels unencrypted; use https:// if the server has it")?;
    }
    let data = json!({ "name": name, "host": host });
    render::show(console, format, data, |data, _| {
        let text = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
        let mut sheet = Sheet::new(&[], "");
        let line = format!(
            "logged in at {} as context `{}`",
            text("host"),
            text("name")
        );
        sheet.row(vec![Cell::new(line)]);
        Ok(sheet)
    })
}
