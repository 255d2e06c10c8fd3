//! The assignments of each conversation, with the time at which each began and ended, and the actor.

use crate::queries::rows;
use event_schemas::conversation::{AssignStrategy, Assigned};
use event_schemas::routing::{Decision, Ineligible};
use event_schemas::{AccountId, ConversationId, TeamId, Timestamp, UserId, Version};
use follower::db::{DbError, Readers};
use follower::runner::DecodedEvent;
use follower::table::{Json, Values};
use schemars::JsonSchema;
use serde::Serialize;

follower::table! {
    /// An assignment of a conversation to an agent, a team or both.
    #[derive(Serialize, JsonSchema)]
    #[schemars(rename = "Assignment")]
    pub struct AssignmentRow in "assignments"
        key (#[serde(skip)] conversation_seq: i64, #[serde(skip)] version: Version)
    {
        assignee_id: Option<UserId>,
        assignee_name: Option<String>,
        team_id: Option<TeamId>,
        strategy: Json<AssignStrategy>,
        assigned_by: Option<UserId>,
        reason: Option<String>,
        /// The candidates in their order, and for every other agent the reason why the agent was none. `null` when
        /// Verbatim did not choose the agent.
        decision: Option<Json<Decision>>,
        /// The reason against this agent that a supervisor overrode.
        overridden: Option<Json<Ineligible>>,
        #[serde(rename = "from")]
        from_at: Timestamp,
        /// `null` while the conversation has this assignment.
        #[serde(rename = "until")]
        until_at: Option<Timestamp>,
    }
}

impl AssignmentRow {
    /// The row of an assignment that begins with this event.
    pub fn begun(conversation_seq: i64, assigned: &Assigned, decoded: &DecodedEvent) -> Self {
        let ordered = assigned.route_by.map(AssignStrategy::from);
        // The API shows this strategy when the event names none.
        let strategy = assigned.strategy.or(ordered).unwrap_or(AssignStrategy::LeastBusy);
        Self {
            conversation_seq,
            version: decoded.version,
            assignee_id: assigned.assignee_id,
            assignee_name: assigned.assignee_name.clone(),
            team_id: assigned.team_id,
            strategy: Json(strategy),
            assigned_by: assigned.assigned_by,
            reason: assigned.reason.clone(),
            decision: assigned.decision.clone().map(Json),
            overridden: assigned.overridden.map(Json),
            from_at: decoded.metadata.occurred_at,
            until_at: None,
        }
    }
}

/// The assignments of a conversation, first to last.
pub async fn of_conversation(
    readers: &Readers,
    account: AccountId,
    id: ConversationId,
) -> Result<Vec<AssignmentRow>, DbError> {
    let values = Values::default().with(&id).with(&account);
    rows(readers, "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) order by version", values).await
}
