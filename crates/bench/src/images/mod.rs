//! From a commit to an image that can be pulled: Boatyard against a shell script that clones,
//! builds and pushes with the same engine, to the same kind of registry.

pub(crate) mod repository;
mod script;

use crate::api::Service;
use crate::effort::Effort;
use crate::report::{Aim, Section};
use crate::server::Server;
use crate::stats::median;
use repository::Repository;
use script::Script;
use std::path::Path;
use std::time::Instant;

/// What is built, and how much of the script's time it may take.
const CASES: [(&str, f64); 3] = [
    ("cold: nothing is there", 1.05),
    ("warm: nothing changed", 0.9),
    ("warm: one file changed", 0.9),
];

/// Seconds that both sides took for one case of one round.
#[derive(Clone, Copy)]
struct Pair {
    boatyard: f64,
    script: f64,
}

/// Builds the bundled sample.
pub(crate) async fn of_the_sample(program: &Path, effort: &Effort) -> anyhow::Result<Section> {
    measure(program, effort, "the sample repository", Repository::sample).await
}

/// Builds on Debian's image, which comes from the mirror that `BOATYARD_REGISTRY_MIRRORS` names.
pub(crate) async fn on_debian(program: &Path, effort: &Effort) -> anyhow::Result<Section> {
    measure(
        program,
        effort,
        "a repository on Debian",
        Repository::debian,
    )
    .await
}

async fn measure(
    program: &Path,
    effort: &Effort,
    name: &'static str,
    repository: fn() -> anyhow::Result<Repository>,
) -> anyhow::Result<Section> {
    let mut measured: [Vec<Pair>; 3] = Default::default();
    for number in 0..effort.image_rounds {
        let round = Round::new(program, repository()?).await?;
        let script_first = number % 2 == 1;
        for (case, pairs) in measured.iter_mut().enumerate() {
            if case == 2 {
                round.repository.change()?;
            }
            pairs.push(round.pair(script_first).await?);
        }
    }
    Ok(section(name, &measured, effort))
}

/// New servers, repositories and storages: nothing of an earlier round is left.
struct Round {
    repository: Repository,
    boatyard: Server,
    service: Service,
    script: Script,
    /// The registry that the script pushes to: a second Boatyard that builds nothing.
    _registry: Server,
}

impl Round {
    async fn new(program: &Path, repository: Repository) -> anyhow::Result<Round> {
        let boatyard = Server::start(program, &[]).await?;
        let service = boatyard.api()?.service("app", repository.path()).await?;
        let registry = Server::start(program, &[]).await?;
        let other = registry.api()?.service("app", repository.path()).await?;
        Ok(Round {
            script: Script::new(&registry, &other.image)?,
            repository,
            boatyard,
            service,
            _registry: registry,
        })
    }

    async fn pair(&self, script_first: bool) -> anyhow::Result<Pair> {
        if script_first {
            let script = self.by_script().await?;
            let boatyard = self.by_boatyard().await?;
            return Ok(Pair { boatyard, script });
        }
        let boatyard = self.by_boatyard().await?;
        let script = self.by_script().await?;
        Ok(Pair { boatyard, script })
    }

    async fn by_boatyard(&self) -> anyhow::Result<f64> {
        let began = Instant::now();
        self.service.build().await?;
        let took = began.elapsed();
        self.boatyard.rests().await?;
        Ok(took.as_secs_f64())
    }

    async fn by_script(&self) -> anyhow::Result<f64> {
        let took = self.script.build(&self.repository).await?;
        Ok(took.as_secs_f64())
    }
}

fn section(name: &'static str, measured: &[Vec<Pair>; 3], effort: &Effort) -> Section {
    let mut rows = Vec::new();
    let mut aims = Vec::new();
    for ((case, most), pairs) in CASES.into_iter().zip(measured) {
        let middle =
            |figure: fn(&Pair) -> f64| median(&pairs.iter().map(figure).collect::<Vec<_>>());
        let ratio = middle(|pair| pair.boatyard / pair.script);
        rows.push(vec![
            case.to_owned(),
            format!("{:.2}", middle(|pair| pair.boatyard)),
            format!("{:.2}", middle(|pair| pair.script)),
            format!("{ratio:.2}"),
        ]);
        aims.push(Aim {
            what: format!("build of {name}, {case}, to the script"),
            figure: format!("{ratio:.2}"),
            aim: format!("at most {most}"),
            reached: ratio <= most,
        });
    }
    Section {
        title: name,
        how: format!(
            "Seconds from the trigger to SUCCESS, when the image can be pulled, against `git clone \
             --depth 1`, `buildah bud --layers` and `buildah push` in a shell script, to the same kind \
             of registry; {} rounds, each with new servers and storages. Medians; the ratio is the \
             median of the rounds' ratios.",
            effort.image_rounds
        ),
        columns: vec!["case", "Boatyard s", "script s", "ratio"],
        rows,
        aims,
    }
}
