//! What running builds do to the database while lists are read: small changes, all the time.

use crate::api::Api;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Changes a second: what heartbeats and phases of a hundred running builds come to.
pub(super) const A_SECOND: u32 = 20;

/// Changes something that no list shows, until it is dropped.
pub(super) struct Changes {
    _task: JoinSet<()>,
}

impl Changes {
    pub(super) fn begin(api: &Api) -> Changes {
        let api = api.clone();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / A_SECOND);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for number in 0_u64.. {
                ticks.tick().await;
                let body = json!({"description": format!("change {number}")});
                let changed = api.call(Method::PATCH, "/v1/projects/bench", Some(body));
                if let Err(error) = changed.await {
                    eprintln!("a change was refused: {error:#}");
                }
            }
        });
        Changes { _task: task }
    }
}
