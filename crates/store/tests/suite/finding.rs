//! Filters of the list, alone and together, walked by page and by cursor.

use crate::place::{Place, new_build};
use domain::{Build, Status};
use store::{BuildFilter, Commit, Ending, NewBuild, Page};

const ONE: &str = "1111111aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OTHER: &str = "1111111bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

impl Place {
    async fn accept_like(&self, branch: &str, sha: &str, status: Option<Status>) -> Build {
        let mut new = NewBuild {
            sha: Some(sha.into()),
            ..new_build()
        };
        new.request.branch = Some(branch.into());
        let build = self.store.accept_build(&self.service, new).await.unwrap();
        if let Some(status) = status {
            let ending = Ending {
                status,
                reason: None,
                message: "it ended".into(),
                image: None,
                usage: None,
            };
            let ended = self.store.conclude_by_server(&build.uid, None, &ending);
            ended.await.unwrap();
        }
        build
    }

    /// The numbers of all builds like the filter, by cursor; the same by page.
    async fn like(&self, filter: &BuildFilter) -> Vec<i64> {
        let (mut by_cursor, mut by_page) = (Vec::new(), Vec::new());
        let mut before = i64::MAX;
        loop {
            let page = Page::Before(before);
            let rows = self.store.find_builds(&self.service, filter, page, 2);
            let rows = rows.await.unwrap();
            let Some(last) = rows.last() else { break };
            before = last.number;
            by_cursor.extend(rows.iter().map(|build| build.number));
            let page = Page::Skip(by_page.len() as i64);
            let rows = self.store.find_builds(&self.service, filter, page, 2);
            by_page.extend(rows.await.unwrap().iter().map(|build| build.number));
        }
        assert_eq!(by_page, by_cursor);
        by_cursor
    }
}

testkit::for_each_store! {
    async fn filters_choose_alone_and_together(url: &str) {
        let place = Place::new(url).await;
        let ended = Some(Status::Aborted);
        place.accept_like("main", ONE, ended).await;
        place.accept_like("main", OTHER, Some(Status::SubmissionFailure)).await;
        place.accept_like("dev", ONE, ended).await;
        place.accept_like("main", ONE, None).await;
        place.accept_like("main", OTHER, ended).await;
        let main = || BuildFilter { branch: Some("main".into()), ..BuildFilter::default() };
        assert_eq!(place.like(&BuildFilter::default()).await, [5, 4, 3, 2, 1]);
        assert_eq!(place.like(&main()).await, [5, 4, 2, 1]);
        let aborted = BuildFilter { statuses: vec![Status::Aborted], ..BuildFilter::default() };
        assert_eq!(place.like(&aborted).await, [5, 3, 1]);
        assert_eq!(place.like(&BuildFilter { statuses: aborted.statuses.clone(), ..main() }).await, [5, 1]);
        let queued = BuildFilter { statuses: vec![Status::Queued], ..main() };
        assert_eq!(place.like(&queued).await, [4]);
        let statuses = vec![Status::Queued, Status::Aborted, Status::Crashed];
        let several = BuildFilter { statuses, ..BuildFilter::default() };
        assert_eq!(place.like(&several).await, [5, 4, 3, 1]);
        let several = BuildFilter { branch: Some("main".into()), ..several };
        assert_eq!(place.like(&several).await, [5, 4, 1]);
        let one = BuildFilter { sha: Some(ONE.into()), ..main() };
        assert_eq!(place.like(&one).await, [4, 1]);
        assert_eq!(place.like(&BuildFilter { statuses: aborted.statuses, ..one }).await, [1]);
    }

    async fn the_beginning_of_a_commit_is_enough_where_it_is_the_only_one(url: &str) {
        let place = Place::new(url).await;
        place.accept_like("main", ONE, None).await;
        place.accept_like("main", ONE, None).await;
        place.accept_like("main", OTHER, None).await;
        let uid = &place.service.uid;
        let commit = |prefix: String| { let store = &place.store; async move { store.commit(uid, &prefix).await.unwrap() } };
        assert_eq!(commit(ONE[..8].to_owned()).await, Commit::One(ONE.into()));
        assert_eq!(commit(OTHER.to_owned()).await, Commit::One(OTHER.into()));
        assert_eq!(commit(ONE[..7].to_owned()).await, Commit::Several);
        assert_eq!(commit("1111112".to_owned()).await, Commit::Unknown);
    }

    async fn times_bound_the_list_on_both_sides(url: &str) {
        let place = Place::new(url).await;
        let mut times = Vec::new();
        for _ in 0..4 {
            let build = place.accept_like("main", ONE, None).await;
            times.push(build.created_at);
            // The next build gets another time.
            while jiff::Timestamp::now().as_millisecond() <= build.created_at {
                tokio::task::yield_now().await;
            }
        }
        let main = |after: Option<i64>, before: Option<i64>| BuildFilter {
            branch: Some("main".into()),
            created_after: after,
            created_before: before,
            ..BuildFilter::default()
        };
        assert_eq!(place.like(&main(Some(times[1]), None)).await, [4, 3]);
        assert_eq!(place.like(&main(None, Some(times[1]))).await, [1]);
        assert_eq!(place.like(&main(Some(times[0]), Some(times[3]))).await, [3, 2]);
        assert_eq!(place.like(&main(Some(times[3]), None)).await, [0i64; 0]);
        assert_eq!(place.like(&main(None, Some(times[3] + 1))).await, [4, 3, 2, 1]);
    }
}
