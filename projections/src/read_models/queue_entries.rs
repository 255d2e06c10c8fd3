//! The conversations that wait for an agent, and the pace of each queue.

use super::inbox::ConversationRow;
use crate::queries::rows;
use domain::pace::Pace;
use event_schemas::conversation::Offered;
use event_schemas::message::Priority;
use event_schemas::{
    AccountId, AssignmentEvent, BotEvent, ConversationEvent, ConversationId, DetailsEvent, LifecycleEvent,
    OfferId, RoutingEvent, TeamId, Timestamp, UserId,
};
use follower::db::{AssertSqlSafe, DbError, Readers};
use follower::runner::DecodedEvent;
use follower::table::{Columns, Json, Row, Values};
use std::time::Duration;
use uuid::Uuid;

follower::table! {
    /// A conversation that waits in a queue or is offered to agents.
    pub struct QueueEntryRow in "queue_entries" key (conversation_seq: i64) {
        conversation_id: ConversationId,
        account_id: AccountId,
        team_id: Option<TeamId>,
        priority: Priority,
        queued_since: Timestamp,
        /// `None` while the conversation is being offered and was never queued.
        queued_at: Option<Timestamp>,
        offer_id: Option<OfferId>,
        offered_to: Json<Vec<UserId>>,
        offer_until: Option<Timestamp>,
    }
}

follower::table! {
    /// How quickly conversations leave a team's queue. The nil team is the queue of conversations without a team.
    pub struct PaceRow in "queue_paces" key (account_id: AccountId, team_id: TeamId) {
        last_left_at: Timestamp,
        /// The average time between two conversations that leave the queue, in microseconds.
        gap: Option<i64>,
    }
}

/// The team id of the queue of conversations without a team.
pub const NO_TEAM: TeamId = TeamId(Uuid::nil());

impl PaceRow {
    pub fn pace(&self) -> Pace {
        let gap = self.gap.and_then(|gap| u64::try_from(gap).ok()).map(Duration::from_micros);
        Pace { last_left_at: Some(self.last_left_at), gap }
    }

    /// The pace after a conversation has left the queue.
    pub fn left(before: Option<&Self>, account_id: AccountId, team_id: TeamId, at: Timestamp) -> Self {
        let mut pace = before.map(Self::pace).unwrap_or_default();
        pace.left(at);
        let gap = pace.gap.and_then(|gap| i64::try_from(gap.as_micros()).ok());
        Self { account_id, team_id, last_left_at: at, gap }
    }
}

/// The change of a conversation's queue entry.
pub enum QueueChange {
    Unchanged,
    Waiting(QueueEntryRow),
    /// An agent was assigned, so the conversation leaves the queue of this team.
    Assigned(Option<TeamId>),
    Removed,
}

impl QueueEntryRow {
    /// Whether an event can change a queue entry.
    pub fn concerns(event: &ConversationEvent) -> bool {
        use ConversationEvent as E;
        match event {
            E::Routing(
                RoutingEvent::Queued(_)
                | RoutingEvent::Offered(_)
                | RoutingEvent::OfferDeclined(_)
                | RoutingEvent::OfferExpired(_),
            )
            | E::Assignment(AssignmentEvent::Assigned(_))
            | E::Bot(BotEvent::BotEngaged(_))
            | E::Lifecycle(
                LifecycleEvent::MarkedPending(_)
                | LifecycleEvent::Resolved(_)
                | LifecycleEvent::Closed(_)
                | LifecycleEvent::Expired(_),
            )
            | E::Details(DetailsEvent::PriorityChanged(_)) => true,
            E::Routing(RoutingEvent::LeadNotified(_) | RoutingEvent::QueueTimedOut(_))
            | E::Assignment(AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_))
            | E::Bot(
                BotEvent::BotContextCollected(_)
                | BotEvent::BotContextRemoved(_)
                | BotEvent::InfoRequested(_)
                | BotEvent::HandoffRequested(_),
            )
            | E::Lifecycle(LifecycleEvent::ConversationOpened(_) | LifecycleEvent::Reopened(_))
            | E::Details(
                DetailsEvent::LabelsChanged(_)
                | DetailsEvent::SubjectChanged(_)
                | DetailsEvent::DisplayNameChanged(_)
                | DetailsEvent::LanguageDetected(_)
                | DetailsEvent::SeenByAgent(_),
            )
            | E::Message(_)
            | E::Delivery(_)
            | E::Sla(_)
            | E::Automation(_)
            | E::Schedule(_) => false,
        }
    }

    /// The change of the queue entry by an event. `conversation` is the row after the event.
    pub fn after(
        before: Option<&Self>,
        conversation: &ConversationRow,
        event: &ConversationEvent,
        decoded: &DecodedEvent,
    ) -> QueueChange {
        use ConversationEvent as E;
        let changed = |change: &dyn Fn(&mut Self)| match before {
            Some(before) => {
                let mut row = before.clone();
                change(&mut row);
                QueueChange::Waiting(row)
            }
            None => QueueChange::Unchanged,
        };
        match event {
            E::Routing(RoutingEvent::Queued(queued)) => {
                let mut row = Self::since(conversation, queued.queued_since);
                row.queued_at = Some(decoded.metadata.occurred_at);
                QueueChange::Waiting(row)
            }
            E::Routing(RoutingEvent::Offered(offered)) => {
                let new = || Self::since(conversation, offered.queued_since);
                let mut row = before.cloned().unwrap_or_else(new);
                row.offer(Some(offered));
                QueueChange::Waiting(row)
            }
            E::Routing(RoutingEvent::OfferDeclined(declined)) => changed(&|row| {
                row.offered_to.0.retain(|agent| *agent != declined.agent_id);
                if row.offered_to.0.is_empty() {
                    row.offer(None);
                }
            }),
            E::Routing(RoutingEvent::OfferExpired(_)) => changed(&|row| row.offer(None)),
            E::Details(DetailsEvent::PriorityChanged(change)) => changed(&|row| row.priority = change.new),
            E::Assignment(AssignmentEvent::Assigned(assigned)) if assigned.assignee_id.is_none() => {
                changed(&|row| row.team_id = assigned.team_id)
            }
            E::Assignment(AssignmentEvent::Assigned(_)) => {
                before.map_or(QueueChange::Unchanged, |row| QueueChange::Assigned(row.team_id))
            }
            E::Bot(BotEvent::BotEngaged(_))
            | E::Lifecycle(
                LifecycleEvent::MarkedPending(_)
                | LifecycleEvent::Resolved(_)
                | LifecycleEvent::Closed(_)
                | LifecycleEvent::Expired(_),
            ) => before.map_or(QueueChange::Unchanged, |_| QueueChange::Removed),
            E::Routing(RoutingEvent::LeadNotified(_) | RoutingEvent::QueueTimedOut(_))
            | E::Details(
                DetailsEvent::LabelsChanged(_)
                | DetailsEvent::SubjectChanged(_)
                | DetailsEvent::DisplayNameChanged(_)
                | DetailsEvent::LanguageDetected(_)
                | DetailsEvent::SeenByAgent(_),
            )
            | E::Assignment(AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_))
            | E::Bot(
                BotEvent::BotContextCollected(_)
                | BotEvent::BotContextRemoved(_)
                | BotEvent::InfoRequested(_)
                | BotEvent::HandoffRequested(_),
            )
            | E::Lifecycle(LifecycleEvent::ConversationOpened(_) | LifecycleEvent::Reopened(_))
            | E::Message(_)
            | E::Delivery(_)
            | E::Sla(_)
            | E::Automation(_)
            | E::Schedule(_) => QueueChange::Unchanged,
        }
    }

    fn since(conversation: &ConversationRow, queued_since: Timestamp) -> Self {
        Self {
            conversation_seq: conversation.seq,
            conversation_id: conversation.id,
            account_id: conversation.account_id,
            team_id: conversation.team_id,
            priority: conversation.priority,
            queued_since,
            queued_at: None,
            offer_id: None,
            offered_to: Json(Vec::new()),
            offer_until: None,
        }
    }

    fn offer(&mut self, offered: Option<&Offered>) {
        self.offer_id = offered.map(|offered| offered.offer_id);
        self.offered_to = Json(offered.map(|offered| offered.agent_ids.clone()).unwrap_or_default());
        self.offer_until = offered.map(|offered| offered.until);
    }
}

/// An entry of a queue, and its position in its team's queue, from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueEntry {
    pub row: QueueEntryRow,
    pub position: u32,
}

/// The queue entries of an account or of one of its teams, the oldest of the highest priority first.
pub async fn list(
    readers: &Readers,
    account: AccountId,
    team: Option<TeamId>,
) -> Result<Vec<QueueEntry>, DbError> {
    let mut values = Values::default().with(&account);
    let of_team = match team {
        Some(team) => {
            values.put(&team);
            "and team_id = $2"
        }
        None => "",
    };
    let sql = format!(
        "select {}, row_number() over (
             partition by team_id order by priority desc, queued_since, conversation_id) as position
         from queue_entries where account_id = $1 {of_team}
         order by priority desc, queued_since, conversation_id",
        QueueEntryRow::COLUMNS.join(", ")
    );
    let found = readers.fetch_all(AssertSqlSafe(sql), values).await?;
    let width = QueueEntryRow::COLUMNS.len();
    found
        .iter()
        .map(|row| {
            let position: i64 = Columns::after(row, width).take()?;
            Ok(QueueEntry {
                row: QueueEntryRow::take(row)?,
                position: u32::try_from(position).unwrap_or(u32::MAX),
            })
        })
        .collect()
}

/// The paces of an account's queues.
pub async fn paces(readers: &Readers, account: AccountId) -> Result<Vec<PaceRow>, DbError> {
    rows(readers, "where account_id = $1 order by team_id", Values::default().with(&account)).await
}
