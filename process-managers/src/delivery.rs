//! Outbound delivery: follows what is sent in conversations, hands it to the providers, and tells the log
//! what became of it.
//!
//! The outbox on disk remembers what is under way. An attempt is written down before the request goes out;
//! what is found under way after a crash, or whose answer never came, waits for a status that names it
//! before it is tried again. Messages of one conversation go out one after the other; each channel has a
//! lane of its own.

mod attempt;
mod follow;
mod lane;
mod outbox;
mod schedule;

pub use outbox::Outbox;
pub use schedule::Schedule;

use commands::Commands;
use event_schemas::{ChannelId, Clock, Timestamp};
use follow::Follow;
use follower::{Db, Runner, RunnerError, Watch};
use lane::Lane;
use outbox::Claimed;
use std::collections::HashMap;
use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How patient the delivery is.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub schedule: Schedule,
    /// Counted from when it was sent. What is older is never sent: after a restore, nobody wants last
    /// month's answers.
    pub give_up_after: Duration,
    /// How long a status may take that tells what nobody knows.
    pub grace: Duration,
    /// How many requests may be under way on one channel.
    pub per_channel: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            schedule: Schedule::default(),
            give_up_after: Duration::from_secs(24 * 3600),
            grace: Duration::from_secs(120),
            per_channel: 16,
        }
    }
}

impl Settings {
    fn is_too_late(&self, message: &Claimed, at: Timestamp) -> bool {
        message.attempts > self.schedule.attempts || at > message.queued_at + self.give_up_after
    }
}

/// What every lane needs.
struct Office {
    commands: Arc<Commands>,
    outbox: Outbox,
    settings: Settings,
    stop: CancellationToken,
}

impl Office {
    fn clock(&self) -> &Clock {
        &self.commands.clock
    }

    /// Waits before something is tried again, unless there is no time left for it.
    async fn pause(&self, wait: Duration) -> ControlFlow<()> {
        tokio::select! {
            () = self.stop.cancelled() => ControlFlow::Break(()),
            () = tokio::time::sleep(wait) => ControlFlow::Continue(()),
        }
    }
}

/// The process manager.
pub struct Delivery {
    commands: Arc<Commands>,
    outbox: Outbox,
    settings: Settings,
    runner: Runner<Follow>,
    bells: mpsc::UnboundedReceiver<ChannelId>,
}

impl Delivery {
    /// Takes up where it left off. `db` is the process managers' own; other tables may be in it.
    pub async fn open(commands: Arc<Commands>, db: Db, settings: Settings) -> Result<Self, RunnerError> {
        let outbox = Outbox::open(db).await?;
        let in_doubt = outbox.recover(commands.clock.now() + settings.grace).await?;
        if in_doubt > 0 {
            tracing::warn!(messages = in_doubt, "messages were under way when the process ended");
        }
        let (waker, bells) = mpsc::unbounded_channel();
        let follow = Follow::new(Arc::clone(&commands), waker);
        let runner = Runner::open(Arc::clone(&commands.store), outbox.db().clone(), follow).await?;
        Ok(Self { commands, outbox, settings, runner, bells })
    }

    /// What remains to be sent.
    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// How far the log has been followed.
    pub fn watch(&self) -> Watch {
        self.runner.watch()
    }

    /// Delivers until told to stop; then finishes the requests that are under way. Ends early only when an
    /// event cannot be read.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RunnerError> {
        let Self { commands, outbox, settings, runner, mut bells } = self;
        // The lanes end when the following does, whyever that is.
        let stop_lanes = stop.child_token();
        let office = Arc::new(Office { commands, outbox, settings, stop: stop_lanes.clone() });
        let mut lanes = Lanes { office: Arc::clone(&office), bells: HashMap::new(), tasks: JoinSet::new() };
        lanes.open_for_what_is_left().await;
        let mut gauge = tokio::time::interval(Duration::from_secs(5));
        let mut following = std::pin::pin!(runner.run(stop));
        let ended = loop {
            tokio::select! {
                ended = &mut following => break ended,
                Some(channel) = bells.recv() => lanes.ring(channel),
                Some(ended) = lanes.tasks.join_next() => lanes.ended(ended),
                _ = gauge.tick() => office.measure().await,
            }
        };
        stop_lanes.cancel();
        while lanes.tasks.join_next().await.is_some() {}
        ended
    }
}

impl Office {
    async fn measure(&self) {
        // A gauge that cannot be read keeps its last value.
        if let Ok(size) = self.outbox.len().await {
            metrics::gauge!("verbatim_outbox_messages").set(size as f64);
        }
    }
}

/// A lane for every channel that ever had something to send.
struct Lanes {
    office: Arc<Office>,
    bells: HashMap<ChannelId, Arc<Notify>>,
    tasks: JoinSet<ChannelId>,
}

impl Lanes {
    async fn open_for_what_is_left(&mut self) {
        loop {
            match self.office.outbox.channels().await {
                Ok(channels) => return channels.into_iter().for_each(|channel| self.ring(channel)),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "the outbox cannot be read; trying again");
                    if self.office.pause(attempt::HOUSE_TROUBLE).await.is_break() {
                        return;
                    }
                }
            }
        }
    }

    fn ring(&mut self, channel: ChannelId) {
        let waker = self.bells.entry(channel).or_insert_with(|| {
            let waker = Arc::new(Notify::new());
            let lane = Lane { channel, office: Arc::clone(&self.office), waker: Arc::clone(&waker) };
            self.tasks.spawn(lane.run());
            waker
        });
        waker.notify_one();
    }

    /// A lane ends by itself when all is being stopped, or by a fault of ours: then every lane is opened
    /// again as the log goes on.
    fn ended(&mut self, ended: Result<ChannelId, tokio::task::JoinError>) {
        if let Err(error) = ended {
            tracing::error!(error = &error as &dyn Error, "a lane broke off");
            self.bells.retain(|_, waker| Arc::strong_count(waker) > 1);
        }
    }
}
