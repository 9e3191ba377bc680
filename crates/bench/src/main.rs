//! `make bench`: real servers, real HTTP, real builds, measured against the plain alternatives.
//! Each part alternates between the two, so that a noisy machine is as noisy for both, and reports
//! medians of rounds. Nothing here runs in tests.

mod api;
mod bare;
mod document;
mod effort;
mod idle;
mod images;
mod list;
mod machine;
mod process;
mod report;
mod server;
mod stats;
mod trigger;
mod wrk;

use clap::{Args, Parser, Subcommand, ValueEnum};
use effort::Effort;
use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;

/// Measures Boatyard against the plain alternatives.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, and print the tables
    Run(RunArgs),
    /// Serve files and nothing else: what the list is measured against
    Bare(bare::BareArgs),
}

#[derive(Args)]
struct RunArgs {
    /// The release binary to measure
    #[arg(long, value_name = "FILE", default_value = "target/release/boatyard")]
    boatyard: PathBuf,
    /// A few short rounds over few builds, to see that it works; no figures to quote
    #[arg(long)]
    quick: bool,
    /// Only these parts
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// The document that a whole run puts its tables into, between two markers
    #[arg(long, value_name = "FILE", default_value = "docs/performance.md")]
    write: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The list of builds over SQLite
    List,
    /// The list of builds over PostgreSQL
    ListPostgres,
    /// From the trigger to a running worker
    Trigger,
    /// Images of the sample repository
    Sample,
    /// Images of a repository whose base image is Debian's, from a mirror
    Debian,
    /// Memory, start-up, size
    Idle,
}

fn main() -> anyhow::Result<ExitCode> {
    // reqwest finds the TLS provider here; nothing in the bench speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    // The same runtime as the server's: the bare handler runs on it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    match cli.command {
        Command::Bare(args) => runtime.block_on(bare::serve(args))?,
        Command::Run(args) => runtime.block_on(run(args))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn run(args: RunArgs) -> anyhow::Result<()> {
    let effort = if args.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let program = std::path::absolute(&args.boatyard)?;
    anyhow::ensure!(
        program.is_file(),
        "{} is not there: `make build` makes it",
        program.display()
    );
    let wanted = |part: Part| args.only.is_empty() || args.only.contains(&part);
    let mut report = Report::new(machine::describe());
    if wanted(Part::Idle) {
        report.add(idle::measure(&program, &effort).await?);
    }
    if wanted(Part::Trigger) {
        report.add(trigger::measure(&program, &effort).await?);
    }
    if wanted(Part::List) {
        report.add(list::over_sqlite(&program, &effort).await?);
    }
    if wanted(Part::ListPostgres) {
        report.add(list::over_postgres(&program, &effort).await?);
    }
    if wanted(Part::Sample) {
        report.add(images::of_the_sample(&program, &effort).await?);
    }
    if wanted(Part::Debian) {
        report.add(images::on_debian(&program, &effort).await?);
    }
    report.finish(machine::load());
    println!("{}", report.markdown());
    if args.quick || !args.only.is_empty() {
        return Ok(());
    }
    document::put(&args.write, &report.markdown())
}
