//! Fields of a service that are taken back, that contradict each other, that were never given.

use crate::harness::{Place, Repository, Server};
use serde_json::{Value, json};

async fn place(server: &Server) -> Place {
    let repository = Repository::with_steps("");
    Place::named(server, "shop", "web", &repository, json!({})).await
}

async fn patch(place: &Place, body: Value) -> crate::harness::Answer {
    let path = "/v1/projects/shop/services/build/web";
    place.api.call("PATCH", path, Some(body)).await
}

#[tokio::test]
async fn a_target_and_an_architecture_that_were_set_can_be_unset() {
    let server = Server::start().await;
    let place = place(&server).await;
    let set = json!({
        "buildConfiguration": {"dockerfileTarget": "release"},
        "infrastructure": {"architecture": "arm"},
    });
    let shown = async || place.api.get(&place.path()).await.data().clone();
    let kept = json!({"buildConfiguration": {}, "infrastructure": {}});
    for nothing in [json!(null), json!("")] {
        patch(&place, set.clone()).await.data();
        let same = patch(&place, kept.clone()).await.data().clone();
        assert_eq!(same["buildConfiguration"]["dockerfileTarget"], "release");
        assert_eq!(same["infrastructure"], json!({"architecture": "arm"}));
        let unset = json!({"buildConfiguration": {"dockerfileTarget": nothing}});
        patch(&place, unset).await.data();
        let shown = shown().await;
        assert_eq!(shown["buildConfiguration"].get("dockerfileTarget"), None);
        assert_eq!(shown["infrastructure"], json!({"architecture": "arm"}));
    }
    let unset = json!({"infrastructure": {"architecture": null}});
    patch(&place, unset).await.data();
    assert_eq!(shown().await.get("infrastructure"), None);
    let options = format!("{}/build-options", place.path());
    for nothing in [json!(null), json!("")] {
        patch(&place, set.clone()).await.data();
        let unset = json!({"dockerfile": {}, "dockerfileTarget": nothing});
        place.api.post(&options, unset).await.data();
        let shown = shown().await;
        assert_eq!(shown["buildConfiguration"].get("dockerfileTarget"), None);
    }
}

#[tokio::test]
async fn a_plan_and_sizes_that_were_set_are_taken_back_by_null() {
    let server = Server::start().await;
    let place = place(&server).await;
    let fresh = patch(&place, json!({})).await.data().clone();
    let parts = ["billing", "buildSettings", "buildConfiguration"];
    let storage = |size: Value| json!({"storage": {"ephemeralStorage": {"storageSize": size}}});
    let cache = |size: Value| json!({"dockerfile": {"buildkit": {"cacheStorageSize": size}}});
    let set = json!({
        "billing": {"buildPlan": "nf-compute-20"},
        "buildSettings": cache(json!(2048)),
        "buildConfiguration": storage(json!(32768)),
    });
    let nothing = Value::Null;
    for taken_back in [
        json!({"billing": {"buildPlan": null}, "buildSettings": cache(nothing.clone()),
            "buildConfiguration": storage(nothing.clone())}),
        json!({"billing": {"deploymentPlan": null},
            "buildSettings": {"dockerfile": {"buildkit": {"internalCacheStorage": null}},
                "storage": {"ephemeralStorage": null}}}),
        json!({"billing": {"buildPlan": null}, "buildSettings": cache(nothing.clone()),
            "buildConfiguration": {"storage": null}}),
    ] {
        let changed = patch(&place, set.clone()).await.data().clone();
        assert_eq!(changed["billing"]["buildPlan"], "nf-compute-20");
        assert_ne!(changed["buildSettings"], fresh["buildSettings"]);
        let now = patch(&place, taken_back).await.data().clone();
        for part in parts {
            assert_eq!(now[part], fresh[part]);
        }
    }
    // One of two fields that say the same says it; against the other it says something else.
    let both = json!({"billing": {"buildPlan": "nf-compute-20", "deploymentPlan": null}});
    assert_eq!(
        patch(&place, both).await.fields(),
        ["billing.deploymentPlan"]
    );
}

#[tokio::test]
async fn of_two_fields_that_say_the_same_the_second_may_not_say_something_else() {
    let server = Server::start().await;
    let place = place(&server).await;
    let storage = |size: u64| json!({"ephemeralStorage": {"storageSize": size}});
    let body = |second: bool| {
        let (plan, size, megabytes) = match second {
            true => ("nf-compute-50", 32768, 2048),
            false => ("nf-compute-20", 16384, 1024),
        };
        json!({
            "billing": {"buildPlan": "nf-compute-20", "deploymentPlan": plan},
            "buildSettings": {
                "storage": storage(16384),
                "dockerfile": {"buildkit": {
                    "useCache": false, "useInternalCache": second,
                    "cacheStorageSize": 1024, "internalCacheStorage": megabytes,
                }},
            },
            "buildConfiguration": {"storage": storage(size)},
        })
    };
    let before = place.api.get(&place.path()).await.data().clone();
    let refused = patch(&place, body(true)).await;
    assert_eq!(
        refused.fields(),
        [
            "billing.deploymentPlan",
            "buildSettings.dockerfile.buildkit.useInternalCache",
            "buildSettings.dockerfile.buildkit.internalCacheStorage",
            "buildConfiguration.storage.ephemeralStorage.storageSize",
        ]
    );
    assert!(
        refused.refusal(400).contains("`billing.buildPlan`"),
        "the other one is told"
    );
    assert_eq!(place.api.get(&place.path()).await.data(), &before);
    let taken = patch(&place, body(false)).await.data().clone();
    assert_eq!(taken["billing"]["buildPlan"], "nf-compute-20");
    assert_eq!(taken["buildConfiguration"]["storage"], storage(16384));
    // Each of them alone still says it.
    let alone = json!({"billing": {"deploymentPlan": "nf-compute-50"}});
    let taken = patch(&place, alone).await.data().clone();
    assert_eq!(taken["billing"]["buildPlan"], "nf-compute-50");
}

#[tokio::test]
async fn rules_that_nobody_gave_are_not_shown() {
    let server = Server::start().await;
    let place = place(&server).await;
    let rules = json!({
        "prRestrictions": ["feature/*"], "branchRestrictions": [], "pathIgnoreRules": ["*.md"],
        "isAllowList": false, "ciIgnoreFlagsEnabled": true, "ciIgnoreFlags": ["[skip ci]"],
    });
    let shown = async || {
        let service = place.api.get(&place.path()).await;
        let configuration = service.data()["buildConfiguration"].clone();
        let mut configuration = configuration.as_object().unwrap().clone();
        configuration.retain(|field, _| rules.get(field).is_some());
        Value::Object(configuration)
    };
    assert_eq!(shown().await, json!({}));
    patch(&place, json!({"buildConfiguration": rules}))
        .await
        .data();
    assert_eq!(shown().await, rules);
}
