//! `start service build --wait`: the whole way of a build at a person's terminal.

use crate::fake::Fake;
use crate::person::{Done, Person};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;

const START: &str = "boatyard start service build -p shop -s web --branch main --wait";

/// Waits until somebody follows the log.
async fn followed(fake: &Fake) {
    fake.until(|world| {
        world
            .calls
            .iter()
            .any(|call| call.contains("queryType=tail"))
    })
    .await;
}

/// Waits until the build was asked for so many times.
async fn asked(fake: &Fake, times: usize) {
    let is_build = |call: &&String| call.starts_with("GET") && call.contains("/build/joyous");
    fake.until(|world| world.calls.iter().filter(is_build).count() >= times)
        .await;
}

/// Starts a build that writes two lines and concludes like this.
async fn concluded(line: &str, status: &str, more: Value) -> Done {
    let fake = Fake::start().await;
    let person = Person::at(&fake);
    let (done, ()) = tokio::join!(person.types(line), async {
        followed(&fake).await;
        fake.moves("BUILDING", json!({}));
        fake.writes("STEP 1: FROM scratch");
        fake.writes("STEP 2: COPY . /");
        fake.moves(status, more);
    });
    done
}

fn success() -> Value {
    json!({
        "concluded": true,
        "success": true,
        "message": "Image successfully built",
        "registry": { "uri": "127.0.0.1:8484/shop/web:main" },
        "buildConcludedAt": 1_795_507_272,
    })
}

fn failure() -> Value {
    json!({
        "concluded": true,
        "success": false,
        "message": "RUN make failed with exit code 2",
        "buildConcludedAt": 1_795_507_272,
    })
}

#[tokio::test]
async fn a_success_shows_its_log_and_image_and_exits_0() {
    let done = concluded(START, "SUCCESS", success()).await;
    let notes: Vec<&str> = done.err.lines().collect();
    assert_eq!(notes[0], "build joyous-view-6290 of shop/web, branch main");
    assert_eq!(*notes.last().unwrap(), "[0s] SUCCESS");
    assert_eq!(
        done.well(),
        "\
STEP 1: FROM scratch
STEP 2: COPY . /
joyous-view-6290 SUCCESS after 1m 11s
  Image successfully built
  image: 127.0.0.1:8484/shop/web:main
"
    );
}

#[tokio::test]
async fn a_failure_says_why_and_exits_1() {
    for status in ["FAILURE", "ABORTED", "CRASHED", "SUBMISSION_FAILURE"] {
        let done = concluded(START, status, failure()).await;
        assert_eq!(done.code, ExitCode::from(1));
        assert!(
            done.out.ends_with(&format!(
                "joyous-view-6290 {status} after 1m 11s\n  RUN make failed with exit code 2\n"
            )),
            "{}",
            done.out
        );
    }
}

#[tokio::test]
async fn a_program_gets_the_build_alone_and_the_log_goes_beside() {
    let done = concluded(&format!("{START} -o json"), "SUCCESS", success()).await;
    assert!(done.err.contains("STEP 2: COPY . /\n"), "{}", done.err);
    let build: Value = serde_json::from_str(&done.well()).unwrap();
    assert_eq!(build["registry"]["uri"], "127.0.0.1:8484/shop/web:main");
}

#[tokio::test]
async fn a_server_that_goes_away_for_a_moment_changes_nothing() {
    let fake = Fake::start().await;
    fake.change(|world| world.breaks.push_back(1));
    let person = Person::at(&fake);
    let away = json!({ "status": 503, "message": "restarting", "id": "away" });
    let (done, ()) = tokio::join!(person.types(START), async {
        followed(&fake).await;
        fake.change(|world| world.refusals.extend([(503, away.clone()), (503, away)]));
        fake.writes("one");
        fake.writes("two");
        fake.until(|world| world.refusals.is_empty()).await;
        fake.writes("three");
        fake.moves("SUCCESS", success());
    });
    let shown = done.well();
    assert!(
        shown.starts_with("one\ntwo\nthree\njoyous-view-6290 SUCCESS"),
        "{shown}"
    );
}

#[tokio::test]
async fn stopping_to_wait_leaves_the_build_and_says_how_to_stop_it() {
    let fake = Fake::start().await;
    let person = Person::at(&fake);
    let (done, ()) = tokio::join!(person.types(START), async {
        followed(&fake).await;
        person.interrupt.notify_one();
    });
    assert_eq!(done.code, ExitCode::from(130));
    assert!(
        done.err.ends_with(
            "\
stopped waiting; joyous-view-6290 goes on
  follow it: boatyard get service build-logs --project shop --service web --build joyous-view-6290 --tail
  stop it:   boatyard abort service build --project shop --service web --build joyous-view-6290
"
        ),
        "{}",
        done.err
    );
    assert!(!fake.calls().iter().any(|call| call.starts_with("DELETE")));
}

#[tokio::test]
async fn a_build_that_cannot_start_exits_2() {
    let fake = Fake::start().await;
    let person = Person::at(&fake);
    let line = START.replace("-s web", "-s wed");
    assert!(
        person
            .types(&line)
            .await
            .failed()
            .contains("did you mean `web`?")
    );
}

#[tokio::test]
async fn a_build_that_waits_says_for_what() {
    let fake = Fake::start().await;
    let person = Person::at(&fake);
    let (done, ()) = tokio::join!(person.types(START), async {
        asked(&fake, 1).await;
        let held = json!({ "message": "The plan asks for 64 cores; this machine has 2" });
        fake.moves("UNSCHEDULABLE", held);
        asked(&fake, 2).await;
        fake.moves("FAILURE", failure());
    });
    assert_eq!(
        stood(&done),
        [
            "QUEUED: waits for its turn",
            "UNSCHEDULABLE: The plan asks for 64 cores; this machine has 2",
            "FAILURE",
        ]
    );
}

/// What was said about where the build stands, without when.
fn stood(done: &Done) -> Vec<&str> {
    let lines = done.err.lines().filter(|line| line.starts_with('['));
    lines.map(|line| line.split_once("] ").unwrap().1).collect()
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_said_once_and_so_is_its_return() {
    let fake = Fake::start().await;
    let person = Person::at(&fake);
    let away = json!({ "status": 503, "message": "restarting", "id": "away" });
    let (done, ()) = tokio::join!(person.types(START), async {
        followed(&fake).await;
        asked(&fake, 1).await;
        fake.change(|world| world.refusals.extend([(503, away.clone()), (503, away)]));
        fake.until(|world| world.refusals.is_empty()).await;
        fake.moves("SUCCESS", success());
    });
    for words in ["restarting; trying again\n", "the server answers again\n"] {
        assert_eq!(done.err.matches(words).count(), 1, "{}", done.err);
    }
}

#[tokio::test]
async fn what_was_logged_while_the_server_was_away_is_shown_before_the_result() {
    let fake = Fake::start().await;
    let person = Person::at(&fake);
    let away = json!({ "status": 503, "message": "restarting", "id": "away" });
    let (done, ()) = tokio::join!(person.types(START), async {
        followed(&fake).await;
        asked(&fake, 1).await;
        fake.change(|world| {
            world.stops = true;
            world
                .refusals
                .extend([(503, away.clone()), (503, away.clone()), (503, away)]);
        });
        fake.until(|world| world.refusals.is_empty()).await;
        fake.writes("tick 3");
        fake.writes("pushed");
        fake.change(|world| world.stops = false);
        fake.moves("SUCCESS", success());
    });
    assert!(done.out.contains("tick 3"), "{}{}", done.out, done.err);
    assert!(done.out.contains("pushed"), "{}{}", done.out, done.err);
}

/// Nobody asks for the status in this test but because of what the log says.
#[tokio::test]
async fn the_status_keeps_up_with_the_log() {
    let fake = Fake::start().await;
    let mut person = Person::at(&fake);
    person.patience.pace = |_| Duration::from_secs(24 * 3600);
    let (done, ()) = tokio::join!(person.types(START), async {
        followed(&fake).await;
        asked(&fake, 1).await;
        fake.moves("BUILDING", json!({}));
        fake.writes("==> Building /Dockerfile");
        asked(&fake, 2).await;
        fake.moves("SUCCESS", success());
    });
    assert_eq!(stood(&done)[1..], ["BUILDING", "SUCCESS"]);
    done.well();
}

#[tokio::test]
async fn a_server_that_stays_away_is_given_up_with_2() {
    let fake = Fake::start().await;
    let mut person = Person::at(&fake);
    person.patience.give_up = Duration::from_millis(300);
    let host = fake.host();
    let (done, ()) = tokio::join!(person.types(START), async {
        followed(&fake).await;
        asked(&fake, 1).await;
        drop(fake);
    });
    let text = done.failed();
    assert!(text.contains("; trying again\n"), "{text}");
    assert!(
        text.contains("the build may go on; see boatyard get"),
        "{text}"
    );
    assert!(
        text.contains(&format!("error: nothing answers at {host}")),
        "{text}"
    );
}
