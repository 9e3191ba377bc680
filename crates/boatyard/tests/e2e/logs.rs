//! Logs: ranges with filters, in both directions, while the build runs and after.

use crate::harness::{Place, Repository, Server};
use serde_json::Value;

const STEPS: &str = "RUN for i in 1 2 3 4 5 6 7 8 9; do echo line-$i; done";

async fn texts(place: &Place, query: &str) -> Vec<String> {
    let answer = place
        .api
        .get(&format!("{}/build-logs?{query}", place.path()))
        .await;
    let lines = answer.data().as_array().unwrap().clone();
    lines
        .iter()
        .map(|line| line["log"].as_str().unwrap().to_owned())
        .collect()
}

testkit::for_each_store! {
    async fn a_range_is_filtered_limited_and_turned_around(url: &str) {
        let server = Server::with().database(url).start().await;
        let repository = Repository::with_steps(STEPS);
        let place = Place::new(&server, &repository).await;
        let id = place.build().await;
        place.reaches(&id, "SUCCESS").await;
        let printed = r"regexIncludes=^line-%5Cd$";
        let nine = texts(&place, &format!("queryType=range&buildId={id}&{printed}")).await;
        assert_eq!(nine, (1..=9).map(|i| format!("line-{i}")).collect::<Vec<_>>());
        let last = texts(&place, &format!("buildId={id}&{printed}&direction=backward&lineLimit=2")).await;
        assert_eq!(last, ["line-9", "line-8"]);
        let without = texts(&place, &format!("buildId={id}&textNotIncludes=line-")).await;
        assert!(!without.is_empty() && without.iter().all(|line| !line.contains("line-")));
        let newest = texts(&place, "textIncludes=line-3").await;
        assert!(!newest.is_empty(), "without an id, the newest build's");
        let answer = place.api.get(&format!("{}/build-logs?buildId={id}", place.path())).await;
        let lines = answer.data().as_array().unwrap().clone();
        let time = |line: &Value| line["ts"].as_str().unwrap().to_owned();
        assert!(lines.iter().map(time).is_sorted());
        assert_eq!(lines[0]["containerId"], id.as_str());
        let middle = time(&lines[lines.len() / 2]);
        let later = texts(&place, &format!("buildId={id}&startTime={middle}")).await;
        assert!(later.len() < lines.len() && !later.is_empty());
        let none = texts(&place, &format!("buildId={id}&endTime=2020-01-01T00:00:00Z")).await;
        assert!(none.is_empty());
        for bad in ["regexIncludes=(", "startTime=noon", "lineLimit=0", "direction=up",
            "textIncludes=a&textNotIncludes=b", "queryType=guess", "duration=-1"] {
            place.api.get(&format!("{}/build-logs?{bad}", place.path())).await.refusal(400);
        }
    }
}
