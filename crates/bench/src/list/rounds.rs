//! Load in rounds: in each, every page once from Boatyard and once from the bare handler.

use super::cases::{Case, Way};
use super::changes::{A_SECOND, Changes};
use crate::api::Api;
use crate::bare::Bare;
use crate::effort::Effort;
use crate::report::{Aim, Section};
use crate::server::Server;
use crate::stats::median;
use crate::wrk::{CONNECTIONS, Load, Wrk};

const SHARE_OF_BARE: f64 = 0.6;
const DEEPEST_TO_FIRST: f64 = 1.2;

/// Both sides of one case in one round.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    boatyard: Load,
    bare: Load,
}

/// For each case, its rounds.
pub(super) async fn run(
    server: &Server,
    api: &Api,
    cases: &[Case],
    effort: &Effort,
) -> anyhow::Result<Vec<Vec<Pair>>> {
    let mut answers = Vec::new();
    for case in cases {
        answers.push(api.bytes(&case.path).await?);
    }
    let bare = Bare::start(&answers).await?;
    let wrk = Wrk::new()?;
    let token = server.token()?;
    let mut measured: Vec<Vec<Pair>> = cases.iter().map(|_| Vec::new()).collect();
    // The first round warms up, and is forgotten.
    for round in 0..=effort.list_rounds {
        let seconds = if round == 0 { 1 } else { effort.list_seconds };
        for (index, case) in cases.iter().enumerate() {
            let url = format!("http://{}{}", server.host(), case.path);
            let pages = match case.way {
                Way::Walk(pages) => Some(pages),
                Way::Again | Way::WhileChanging => None,
            };
            // The bare handler is measured with the changes' own work on the cores, too.
            let _changes = (case.way == Way::WhileChanging).then(|| Changes::begin(api));
            let pair = Pair {
                boatyard: wrk.load(&url, Some(&token), pages, seconds).await?,
                bare: wrk.load(&bare.url(index), None, pages, seconds).await?,
            };
            if round > 0 {
                measured[index].push(pair);
            }
        }
    }
    Ok(measured)
}

/// The table, and the aims that SQLite has.
pub(super) fn section(
    cases: &[Case],
    measured: &[Vec<Pair>],
    effort: &Effort,
    database: &str,
) -> Section {
    let rows = cases.iter().zip(measured);
    let aims = if database == "SQLite" {
        aims(cases, measured)
    } else {
        Vec::new()
    };
    Section {
        title: "",
        how: format!(
            "100 builds a page over {database}, {CONNECTIONS} connections kept alive, {} rounds of \
             {} s; the rate limit is off. The bare handler is axum with the same bytes in memory, in \
             a process of its own. Each figure is the median of the rounds; the ratio is the median \
             of the rounds' ratios of answers a second. Changing means {A_SECOND} writes a second, as \
             of a hundred builds that run; one after the other means through more pages than are kept, so \
             that every answer is made anew.",
            effort.list_rounds, effort.list_seconds
        ),
        columns: vec![
            "builds",
            "page",
            "answers/s",
            "p50 ms",
            "p99 ms",
            "bare: answers/s",
            "p50 ms",
            "p99 ms",
            "ratio",
        ],
        rows: rows.map(|(case, pairs)| row(case, pairs)).collect(),
        aims,
    }
}

fn row(case: &Case, pairs: &[Pair]) -> Vec<String> {
    let middle = |figure: fn(&Pair) -> f64| median(&pairs.iter().map(figure).collect::<Vec<_>>());
    vec![
        case.builds.to_string(),
        case.page.to_owned(),
        format!("{:.0}", middle(|pair| pair.boatyard.throughput)),
        format!("{:.2}", middle(|pair| pair.boatyard.p50)),
        format!("{:.2}", middle(|pair| pair.boatyard.p99)),
        format!("{:.0}", middle(|pair| pair.bare.throughput)),
        format!("{:.2}", middle(|pair| pair.bare.p50)),
        format!("{:.2}", middle(|pair| pair.bare.p99)),
        format!("{:.2}", share_of_bare(pairs)),
    ]
}

fn share_of_bare(pairs: &[Pair]) -> f64 {
    let ratios = pairs
        .iter()
        .map(|pair| pair.boatyard.throughput / pair.bare.throughput);
    median(&ratios.collect::<Vec<_>>())
}

fn aims(cases: &[Case], measured: &[Vec<Pair>]) -> Vec<Aim> {
    let both = cases.iter().zip(measured);
    let with_aim: Vec<(&Case, &Vec<Pair>)> =
        both.filter(|(case, _)| case.way == Way::Again).collect();
    let worst = with_aim.iter().map(|(_, pairs)| share_of_bare(pairs));
    let worst = worst.fold(f64::INFINITY, f64::min);
    let mut aims = vec![Aim {
        what: "list of builds against the bare handler, worst page".into(),
        figure: format!("{worst:.2}"),
        aim: format!("at least {SHARE_OF_BARE}"),
        reached: worst >= SHARE_OF_BARE,
    }];
    let Some(((shortest, first), others)) = with_aim.split_first() else {
        return aims;
    };
    let longest = cases.iter().map(|case| case.builds).max();
    let deepest = |case: &Case| Some(case.builds) == longest && case.page.starts_with("deepest");
    for (case, pairs) in others.iter().filter(|(case, _)| deepest(case)) {
        // How many times the first page's cost: the inverse of how many a second.
        let ratios = first.iter().zip(pairs.iter());
        let ratios =
            ratios.map(|(first, deep)| first.boatyard.throughput / deep.boatyard.throughput);
        let ratio = median(&ratios.collect::<Vec<_>>());
        aims.push(Aim {
            what: format!(
                "cost of the {} of {} builds, to the first of {}",
                case.page, case.builds, shortest.builds
            ),
            figure: format!("{ratio:.2}"),
            aim: format!("at most {DEEPEST_TO_FIRST}"),
            reached: ratio <= DEEPEST_TO_FIRST,
        });
    }
    aims
}
