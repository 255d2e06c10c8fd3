//! The SLA timers of each conversation: the metric, the deadline and the state.

use crate::queries::{Cursor, ListError, Listed, Page, list_of, rows};
use domain::sla::{Clocks, Timer, TimerState};
use event_schemas::message::SlaMetric;
use event_schemas::{AccountId, ConversationId, SlaPolicyId, Timestamp};
use follower::db::{AssertSqlSafe, DbError, Readers};
use follower::table::{Column, Json, Row, Values};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

follower::table! {
    /// An SLA timer of a conversation.
    #[derive(Serialize, JsonSchema)]
    #[schemars(rename = "SlaTimer")]
    pub struct SlaTimerRow in "sla_timers" key (#[serde(skip)] conversation_seq: i64, metric: SlaMetric) {
        #[serde(skip)]
        account_id: AccountId,
        policy_id: SlaPolicyId,
        /// The number of this run of the clock in the conversation, from 1.
        generation: u32,
        /// `running`, `paused`, `met`, `breached` or `cancelled`.
        state: String,
        started_at: Timestamp,
        /// `null` while the clock is paused.
        due_at: Option<Timestamp>,
        warn_at: Option<Timestamp>,
        warned: bool,
        // The column has microseconds.
        /// The business time that is left, in seconds. `null` while the clock is not paused.
        #[serde(rename = "remaining_seconds", serialize_with = "as_seconds")]
        #[schemars(with = "Option<f64>")]
        remaining: Option<i64>,
        /// The time at which the target was met or cancelled.
        ended_at: Option<Timestamp>,
    }
}

follower::table! {
    /// The state of a conversation's clocks. The row is removed when no event can change it any more.
    pub struct ClocksRow in "sla_clocks" key (conversation_seq: i64) {
        clocks: Json<Clocks>,
    }
}

fn as_seconds<S: Serializer>(micros: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    micros.map(|micros| micros as f64 / 1e6).serialize(serializer)
}

impl SlaTimerRow {
    pub fn of(conversation_seq: i64, account_id: AccountId, policy_id: SlaPolicyId, timer: &Timer) -> Self {
        let (remaining, ended_at) = match timer.state {
            TimerState::Running => (None, None),
            TimerState::Paused { remaining } => {
                (Some(i64::try_from(remaining.as_micros()).unwrap_or(i64::MAX)), None)
            }
            TimerState::Met { at } | TimerState::Cancelled { at } => (None, Some(at)),
            TimerState::Breached { met_at } => (None, met_at),
        };
        Self {
            conversation_seq,
            metric: timer.metric,
            account_id,
            policy_id,
            generation: timer.generation,
            state: timer.state.as_str().to_owned(),
            started_at: timer.started_at,
            due_at: timer.due_at,
            warn_at: timer.warn_at,
            warned: timer.warned,
            remaining,
            ended_at,
        }
    }
}

/// The SLA timers of a conversation.
pub async fn of_conversation(
    readers: &Readers,
    account: AccountId,
    id: ConversationId,
) -> Result<Vec<SlaTimerRow>, DbError> {
    let values = Values::default().with(&id).with(&account);
    rows(readers, "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) order by metric", values).await
}

/// Marks the cursors of the list of running timers, together with the metric of the last one.
const LIST: u32 = list_of(SlaTimerRow::TABLE);

/// A running timer and its conversation.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "RunningSlaTimer")]
pub struct RunningTimer {
    pub conversation_id: ConversationId,
    #[serde(flatten)]
    pub timer: SlaTimerRow,
}

/// The timers whose target is not met yet, the next deadline first.
pub async fn running(readers: &Readers, page: Page) -> Result<Listed<RunningTimer>, ListError> {
    // Two timers of a conversation can be due at once, so the cursor says which of them was shown.
    let last = page
        .after
        .and_then(|cursor| SlaMetric::ALL.into_iter().find(|metric| LIST + *metric as u32 == cursor.list));
    let list = page.after.filter(|_| last.is_some()).map_or(LIST, |cursor| cursor.list);
    let after = page.after.map(|cursor| cursor.of_list(list)).transpose()?;
    let wanted = page.limit.get() as i64 + 1;
    let values = Values::default()
        .with(&page.account)
        .with(&wanted)
        .with(&after.map_or(i64::MIN, |cursor| cursor.key))
        .with(&after.map_or(0, |cursor| cursor.id.as_u128() as i64))
        .with(&last.map_or(String::new(), |metric| metric.as_str().to_owned()));
    let columns =
        SlaTimerRow::COLUMNS.iter().map(|column| format!("t.{column}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "select {columns}, c.id from sla_timers t cross join conversations c
         where t.account_id = $1 and t.due_at is not null and t.ended_at is null
           and t.state in ('running', 'breached') and (t.due_at, t.conversation_seq, t.metric) > ($3, $4, $5)
           and c.seq = t.conversation_seq
         order by t.due_at, t.conversation_seq, t.metric limit 0 + $2"
    );
    let found = readers.fetch_all(AssertSqlSafe(sql), values).await?;
    let found = found.iter().map(|row| {
        let conversation_id = ConversationId::take(row, SlaTimerRow::COLUMNS.len())?;
        Ok(RunningTimer { conversation_id, timer: SlaTimerRow::take(row)? })
    });
    Ok(Listed::of(found.collect::<Result<_, DbError>>()?, page.limit, |row: &RunningTimer| {
        let due_at = row.timer.due_at.map_or(i64::MAX, |due_at| due_at.as_micros());
        let seq = uuid::Uuid::from_u128(row.timer.conversation_seq as u128);
        Cursor::new(LIST + row.timer.metric as u32, false, due_at, seq)
    }))
}
