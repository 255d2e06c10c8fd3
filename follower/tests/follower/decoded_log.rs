//! The followers of one process share decoded events.

use crate::support::{Log, eventually};
use event_schemas::{Category, Position};
use event_store::Filter;
use follower::{
    Db, DecodedEvent, DecodedLog, FollowError, Projection, Runner, RunnerError, Sizes, Tx, Watch,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const FOLLOWERS: usize = 6;

/// Reads every event of conversations and writes nothing.
struct Reader(&'static str);

impl Projection for Reader {
    fn name(&self) -> &'static str {
        self.0
    }
    fn filter(&self) -> Filter {
        Filter::categories([Category::Conversation])
    }
    async fn project(&mut self, _: &[Arc<DecodedEvent>], _: &mut Tx) -> Result<(), FollowError> {
        Ok(())
    }
}

struct Followers {
    watches: Vec<Watch>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<Result<(), RunnerError>>>,
}

impl Followers {
    async fn start(log: &Log, decoded: &DecodedLog) -> Self {
        let (mut watches, mut tasks, stop) = (Vec::new(), Vec::new(), CancellationToken::new());
        for number in 0..FOLLOWERS {
            let path = log.folder.path().join(format!("{number}.db"));
            let db = Db::open(&path, Sizes::small(), "").await.unwrap();
            let runner = Runner::open(decoded.clone(), db, Reader("reader")).await.unwrap();
            watches.push(runner.watch());
            tasks.push(tokio::spawn(runner.run(stop.clone())));
        }
        Self { watches, stop, tasks }
    }

    async fn reach(&self, position: Option<Position>) {
        for watch in &self.watches {
            watch.wait_for(position.unwrap(), Duration::from_secs(20)).await.unwrap();
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_is_decoded_once_for_all_followers() {
    let log = Log::new().await;
    let decoded = DecodedLog::shared(Arc::clone(&log.store));
    // Some events are appended before the followers start, and some while they run.
    log.notes(1, 100).await;
    let followers = Followers::start(&log, &decoded).await;
    let last = log.notes(2, 100).await;
    followers.reach(last).await;
    assert_eq!(decoded.decodings(), 200);
    followers.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_one_follower_shares_no_events() {
    let log = Log::new().await;
    let alone = DecodedLog::from(Arc::clone(&log.store));
    let last = log.notes(1, 10).await;
    let followers = Followers::start(&log, &alone).await;
    followers.reach(last).await;
    eventually("each has decoded each event", || async { alone.decodings() == 10 * FOLLOWERS as u64 }).await;
    followers.stop().await;
}
