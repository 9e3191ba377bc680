//! Garbage is collected while everybody goes on pushing: what was accepted stays whole, what
//! nothing refers to goes, files that the catalogue lost track of included.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod harness;

use boatyard_registry::GcReport;
use harness::{Image, Place};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// How often each pusher pushes: enough that every bad moment comes up.
const ROUNDS: usize = 40;

testkit::for_each_store! {
    /// Without any grace: whatever a collection can take, it takes at the worst moment. A push
    /// whose parts were taken is told so and sends them again; one that was accepted is kept.
    async fn what_was_accepted_while_collecting_stays_whole(url: &str) {
        let place = Place::open(url, Duration::ZERO).await;
        let over = AtomicBool::new(false);
        let collecting = async {
            let mut freed = 0;
            while !over.load(Ordering::Relaxed) {
                freed += place.collect().await.files;
                tokio::task::yield_now().await;
            }
            freed
        };
        let pushing = async {
            let pushers = (0..6).map(|number| pusher(&place, number));
            futures::future::join_all(pushers).await;
            over.store(true, Ordering::Relaxed);
        };
        let (freed, ()) = futures::future::join(collecting, pushing).await;
        assert!(freed > 0, "the collection had something to take");
        for number in 0..6 {
            let image = Image::of(&format!("{number}, the last"));
            place.pulls(&format!("shop/service-{number}"), "main", &image).await;
        }
        place.collect().await;
        let kept = 6 * Image::PARTS - 5;
        assert_eq!(place.files().await, kept, "what is shared is there once");
    }

    async fn a_deleted_repository_frees_what_no_other_needs(url: &str) {
        let place = Place::open(url, Duration::ZERO).await;
        let (web, api) = (Image::of("web"), Image::of("api"));
        place.push("shop/web", "main", &web).await;
        place.push("shop/web/cache", "main", &web).await;
        place.push("shop/web-2", "main", &api).await;
        place.push("shop_web", "main", &api).await;
        place.delete_service("shop", "web").await;
        let report = place.collect().await;
        assert_eq!(report.files, Image::PARTS - 1, "the shared layer stays");
        assert_eq!(place.files().await, Image::PARTS);
        place.pulls("shop/web-2", "main", &api).await;
        place.pulls("shop_web", "main", &api).await;
        assert_eq!(place.collect().await, GcReport::default());
    }

    async fn what_a_push_just_relied_on_is_left_alone(url: &str) {
        let place = Place::open(url, Duration::from_secs(3600)).await;
        let image = Image::of("half pushed");
        place.push_parts("shop/web", &image).await;
        assert_eq!(place.collect().await, GcReport::default());
        place.push("shop/web", "main", &image).await;
        place.pulls("shop/web", "main", &image).await;
    }

    /// A server that is killed between placing a file and noting it leaves a file nobody knows.
    async fn files_that_the_catalogue_does_not_know_go(url: &str) {
        let place = Place::open(url, Duration::from_secs(3600)).await;
        let image = Image::of("known");
        place.push("shop/web", "main", &image).await;
        place.leave_file(b"nobody knows me");
        place.leave_file(b"nor me");
        let refused = place.put_manifest("shop/empty", "main", &image).await;
        assert_eq!(refused, 400);
        let files = place.files().await;
        assert_eq!(files, Image::PARTS + 2);
        assert_eq!(place.collect().await.files, 2);
        assert_eq!(place.files().await, Image::PARTS);
        place.pulls("shop/web", "main", &image).await;
    }

    async fn an_upload_that_nobody_goes_on_with_goes(url: &str) {
        let place = Place::open(url, Duration::from_secs(3600)).await;
        let abandoned = place.begin_upload("shop/web").await;
        place.touch_uploads(SystemTime::now() - Duration::from_secs(2 * 24 * 3600));
        let fresh = place.begin_upload("shop/web").await;
        assert_eq!(place.collect().await.uploads, 1);
        assert_eq!(place.status(&abandoned).await, 404);
        assert_eq!(place.status(&fresh).await, 204);
    }

    /// A manifest that was refused is a file without a row as well.
    async fn a_refused_manifest_leaves_nothing(url: &str) {
        let place = Place::open(url, Duration::from_secs(3600)).await;
        let image = Image::of("incomplete");
        assert_eq!(place.put_manifest("shop/web", "main", &image).await, 400);
        place.collect().await;
        assert_eq!(place.files().await, 0);
    }
}

/// Pushes, looks, and deletes again, then leaves a last image. All pushers use the same few
/// contents, so that what one needs was just thrown away by another.
async fn pusher(place: &Place, number: usize) {
    let repository = format!("shop/service-{number}");
    for round in 0..ROUNDS {
        let image = Image::of(&format!("content {}", (number + round) % 3));
        place.push(&repository, "main", &image).await;
        place.pulls(&repository, "main", &image).await;
        place.delete(&repository, &image).await;
    }
    let last = Image::of(&format!("{number}, the last"));
    place.push(&repository, "main", &last).await;
}
