//! The projection that derives the table of timers from the log.

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

/// Decides which conversations have a timer and when it is due.
pub trait TimerSource: Send + Sync + 'static {
    /// The name of these timers in log lines.
    const NAME: &'static str;
    /// The name of the checkpoint in the tables. With another name the log is read from its beginning.
    const CHECKPOINT: &'static str;
    const TABLE: TimerTable;
    /// How long the follower waits at the end of the log before it reads the next page. Every timer of this kind must be
    /// longer.
    const PACE: Duration;
    /// Whether [`TimerSource::effect_of`] needs `has_timer`. The ids of all conversations with a timer are then kept in
    /// memory. Otherwise `has_timer` is always true.
    const KNOWS_TIMERS: bool = true;

    /// The events to read.
    fn about(&self) -> Filter;

    /// The conversation whose timer the event may change. `None` when it is about no conversation. The rows of a source
    /// that is not about conversations have ids of its own.
    fn subject_of(&self, event: &DecodedEvent) -> Option<ConversationId> {
        event.stream.as_conversation()
    }

    /// The effect of an event on the timer of its conversation.
    fn effect_of(&self, event: &DecodedEvent, has_timer: bool) -> TimerEffect;

    /// The moment at which the timer that the event sets is due. The source returns [`Moment::Unknown`] instead of an
    /// error that a retry cannot fix.
    fn moment_of(&mut self, event: &DecodedEvent)
    -> impl Future<Output = Result<Moment, FollowError>> + Send;

    /// The account's settings changed. The source must drop its cached values of them.
    fn settings_changed(&mut self, _account: AccountId) {}

    /// The source must drop all cached values.
    fn reset(&mut self) {}
}

/// The effect of an event on the timer of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerEffect {
    None,
    /// The timer is due at [`TimerSource::moment_of`] this event. When a page has several such events of a conversation,
    /// the last one counts.
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
    /// No moment is known now. The row stays, because an event or a setting may change that.
    Open,
    /// The conversation needs no timer.
    Never,
    /// The moment cannot be computed. The row stays as it is.
    Unknown,
}

/// Writes the rows of a source.
pub struct TimerProjection<S> {
    source: S,
    rows: TimerRows,
    clock: Clock,
    waker: Arc<Waker>,
    /// The conversations that have a row. `None` until they are read from the table.
    known: Option<HashSet<ConversationId>>,
    /// The earliest moment in this page.
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
        let id = self.source.subject_of(event);
        let has_timer = match (&self.known, id) {
            (Some(known), Some(id)) => known.contains(&id),
            (None, _) | (_, None) => true,
        };
        self.source.effect_of(event, has_timer)
    }

    /// Writes the rows of a page. A row that is the same as before is written too, because the worker may have changed
    /// it meanwhile.
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
                    self.note_moment(at);
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

    fn note_moment(&mut self, at: Timestamp) {
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
            match (self.effect_of(event), self.source.subject_of(event)) {
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
                    // Events before the change are written with the settings before it.
                    self.write(tx, std::mem::take(&mut changes)).await?;
                    self.source.settings_changed(account);
                    let now = self.clock.now();
                    self.rows.all_due(tx, account, now).await?;
                    self.note_moment(now);
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
