//! `boatyard admin notifications`: what became of what integrations were to be told.

use super::{Place, time};
use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use store::{DeliveryEntry, DeliveryState};

/// Commands about notifications.
#[derive(Subcommand)]
pub enum NotificationsCommand {
    /// List deliveries, newest first: those that wait, were delivered or are dead
    List(ListDeliveries),
    /// List the deliveries that were given up
    Dead(ListDeliveries),
    /// Try a delivery again, as often as a new one
    #[command(
        after_help = "Examples:\n  boatyard admin notifications retry 0193a…\n  boatyard admin notifications retry --all"
    )]
    Retry(RetryDeliveries),
}

/// Which part of the list.
#[derive(Args)]
pub struct ListDeliveries {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    #[command(flatten)]
    shown: cli::Shown,
    #[command(flatten)]
    place: Place,
}

/// Which deliveries.
#[derive(Args)]
pub struct RetryDeliveries {
    /// Their ids, as the lists show them
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,
    /// Every one that was given up
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(command: NotificationsCommand) -> anyhow::Result<ExitCode> {
    match command {
        NotificationsCommand::List(args) => list(&args, None).await,
        NotificationsCommand::Dead(args) => list(&args, Some(DeliveryState::Dead)).await,
        NotificationsCommand::Retry(args) => retry(&args).await,
    }
}

async fn list(args: &ListDeliveries, state: Option<DeliveryState>) -> anyhow::Result<ExitCode> {
    let store = args.place.store().await?;
    let entries = store.deliveries(state, args.limit).await?;
    let columns = [
        ("ID", "id"),
        ("TEAM", "team"),
        ("INTEGRATION", "integration"),
        ("EVENT", "event"),
        ("STATE", "state"),
        ("TRIES", "tries"),
        ("HAPPENED", "createdAt"),
        ("NEXT TRY", "nextTryAt"),
        ("LAST ERROR", "lastError"),
    ];
    let console = &mut cli::Console::of_process();
    cli::show_list(
        console,
        &args.shown,
        entries.into_iter().map(row).collect(),
        &columns,
    )?;
    Ok(ExitCode::SUCCESS)
}

fn row(entry: DeliveryEntry) -> Value {
    let waits = entry.state == DeliveryState::Waiting;
    json!({
        "id": entry.id,
        "team": entry.team,
        "integration": entry.integration,
        "event": entry.event,
        "state": entry.state.as_str(),
        "tries": entry.tries,
        "createdAt": time(entry.created_at),
        "nextTryAt": waits.then(|| time(entry.due_at)),
        "endedAt": (!waits).then(|| time(entry.due_at)),
        "lastError": entry.last_error,
    })
}

async fn retry(args: &RetryDeliveries) -> anyhow::Result<ExitCode> {
    let store = args.place.store().await?;
    let mut count = 0;
    if args.all {
        count = store.retry_dead_deliveries().await?;
    }
    for id in &args.ids {
        if !store.retry_delivery(id).await? {
            bail!(
                "there is no delivery with the id `{id}` that was not delivered; `boatyard admin \
                 notifications list` shows them"
            );
        }
        count += 1;
    }
    let what = if count == 1 { "delivery" } else { "deliveries" };
    writeln!(std::io::stdout(), "Trying {count} {what} again.")?;
    Ok(ExitCode::SUCCESS)
}
