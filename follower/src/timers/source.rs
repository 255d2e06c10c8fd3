//! From the log to the table of timers.

use super::table::{Entry, TimerRows, TimerTable};
use super::waker::Waker;
use crate::db::Tx;
use crate::decoded_log::DecodedEvent;
use crate::follow_error::FollowError;
use crate::runner::Projection;
use event_schemas::{AccountId, Clock, ConversationId, Timestamp};
use event_store::Filter;
use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Which conversations have a timer, and when it is due.
pub trait TimerSource: Send + Sync + 'static {
    /// Names these timers in log lines.
    const NAME: &'static str;
    /// The name of the checkpoint in the tables. Under another name the log is followed from its beginning.
    const CHECKPOINT: &'static str;
    const TABLE: TimerTable;
    /// How long events may gather before the table is written; no timer of this kind is shorter.
    const PACE: Duration;
    /// Whether [`TimerSource::effect_of`] needs to know which conversations have a timer. Their ids are then kept
    /// in memory; without it `has_timer` is always true.
    const KNOWS_TIMERS: bool = true;

    /// Which events to read.
    fn about(&self) -> Filter;

    /// The effect of an event on the timer of its conversation.
    fn effect_of(&self, event: &DecodedEvent, has_timer: bool) -> TimerEffect;

    /// When the timer that the event sets is due. An error that will not pass is turned into [`Moment::Unknown`] by
    /// the source.
    fn moment_of(&mut self, event: &DecodedEvent)
    -> impl Future<Output = Result<Moment, FollowError>> + Send;

    /// The account's settings changed: nothing that is remembered of them counts.
    fn settings_changed(&mut self, _account: AccountId) {}

    /// Nothing that is remembered counts.
    fn reset(&mut self) {}
}

/// The effect of an event on the timer of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerEffect {
    None,
    /// The timer is due at [`TimerSource::moment_of`] this event. Of several such events in one page the last counts.
    Set,
    /// The conversation has no timer any more.
    Cancel,
    /// The account's settings changed: all its timers are due now, and the handler finds their new moment.
    SettingsChanged,
}

/// When a timer is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    At(Timestamp),
    /// Nothing is due now; the row stays, because an event or a setting may change that.
    Open,
    /// The conversation needs no timer.
    Never,
    /// The moment cannot be computed. The row stays as it is.
    Unknown,
}

/// Keeps the rows of a source.
pub struct TimerProjection<S> {
    source: S,
    rows: TimerRows,
    clock: Clock,
    waker: Arc<Waker>,
    /// The conversations that have a row. `None` until they are read from the table.
    known: Option<HashSet<ConversationId>>,
    /// The first moment that this page brought.
    earliest: Option<Timestamp>,
}

/// The last effect of a page on a conversation.
enum Change<'p> {
    Set(&'p DecodedEvent),
    Cancel(AccountId),
}

impl<S: TimerSource> TimerProjection<S> {
    pub(super) fn new(source: S, rows: TimerRows, clock: Clock, waker: Arc<Waker>) -> Self {
        Self { source, rows, clock, waker, known: None, earliest: None }
    }

    fn effect_of(&self, event: &DecodedEvent) -> TimerEffect {
        let id = event.stream.as_conversation();
        let has_timer = match (&self.known, id) {
            (Some(known), Some(id)) => known.contains(&id),
            (None, _) | (_, None) => true,
        };
        self.source.effect_of(event, has_timer)
    }

    /// Rows are written even where they are the same as before: the worker may have changed them meanwhile.
    async fn write(
        &mut self,
        tx: &mut Tx,
        changes: BTreeMap<ConversationId, Change<'_>>,
    ) -> Result<(), FollowError> {
        let mut page = Vec::with_capacity(changes.len());
        for (id, change) in changes {
            let (account, moment) = match change {
                Change::Set(event) => (event.metadata.account_id, self.source.moment_of(event).await?),
                Change::Cancel(account) => (account, Moment::Never),
            };
            let entry = match moment {
                Moment::At(at) => {
                    self.comes(at);
                    Entry::Set(Some(at))
                }
                Moment::Open => Entry::Set(None),
                Moment::Never => {
                    self.known.iter_mut().for_each(|known| {
                        known.remove(&id);
                    });
                    Entry::Remove
                }
                Moment::Unknown => continue,
            };
            page.push((id, account, entry));
        }
        Ok(self.rows.write(tx, &page).await?)
    }

    fn comes(&mut self, at: Timestamp) {
        self.earliest = self.earliest.into_iter().chain([at]).min();
    }
}

impl<S: TimerSource> Projection for TimerProjection<S> {
    fn name(&self) -> &'static str {
        S::CHECKPOINT
    }

    fn filter(&self) -> Filter {
        self.source.about()
    }

    fn pace(&self) -> Duration {
        S::PACE
    }

    fn concerns(&self, event: &DecodedEvent) -> bool {
        let reads_the_table = S::KNOWS_TIMERS && self.known.is_none();
        reads_the_table || self.effect_of(event) != TimerEffect::None
    }

    async fn project(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), FollowError> {
        if S::KNOWS_TIMERS && self.known.is_none() {
            self.known = Some(self.rows.conversations(tx).await?);
        }
        let mut changes = BTreeMap::new();
        for event in page {
            let account = event.metadata.account_id;
            match (self.effect_of(event), event.stream.as_conversation()) {
                (TimerEffect::Set, Some(id)) => {
                    changes.insert(id, Change::Set(event));
                    self.known.iter_mut().for_each(|known| {
                        known.insert(id);
                    });
                }
                (TimerEffect::Cancel, Some(id)) => {
                    changes.insert(id, Change::Cancel(account));
                    self.known.iter_mut().for_each(|known| {
                        known.remove(&id);
                    });
                }
                (TimerEffect::SettingsChanged, _) => {
                    // What came before the change is written by the settings before it.
                    self.write(tx, std::mem::take(&mut changes)).await?;
                    self.source.settings_changed(account);
                    let now = self.clock.now();
                    self.rows.all_due(tx, account, now).await?;
                    self.comes(now);
                }
                (TimerEffect::None, _) | (TimerEffect::Set | TimerEffect::Cancel, None) => {}
            }
        }
        self.write(tx, changes).await
    }

    fn committed(&mut self) {
        if let Some(moment) = self.earliest.take() {
            self.waker.due_at(moment);
        }
    }

    fn reset(&mut self) {
        self.source.reset();
        (self.known, self.earliest) = (None, None);
    }
}
