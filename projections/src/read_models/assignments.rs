//! Who had a conversation from when until when, and who decided it.

use event_schemas::conversation::{AssignStrategy, Assigned};
use event_schemas::routing::{Decision, Ineligible};
use event_schemas::{TeamId, Timestamp, UserId, Version};
use follower::runner::DecodedEvent;
use follower::table::Json;

follower::table! {
    pub struct AssignmentRow in "assignments" key (conversation_no: i64, version: Version) {
        assignee_id: Option<UserId>,
        assignee_name: Option<String>,
        team_id: Option<TeamId>,
        strategy: Json<AssignStrategy>,
        assigned_by: Option<UserId>,
        reason: Option<String>,
        /// Who could have had it and who could not, when Verbatim chose.
        decision: Option<Json<Decision>>,
        /// What a supervisor insisted in spite of.
        in_spite_of: Option<Json<Ineligible>>,
        from_at: Timestamp,
        /// None: it holds.
        until_at: Option<Timestamp>,
    }
}

impl AssignmentRow {
    pub fn begun(conversation_no: i64, assigned: &Assigned, happened: &DecodedEvent) -> Self {
        let ordered = assigned.route_by.map(AssignStrategy::from);
        // What the API has always shown where nobody named a strategy.
        let strategy = assigned.strategy.or(ordered).unwrap_or(AssignStrategy::LeastBusy);
        Self {
            conversation_no,
            version: happened.version,
            assignee_id: assigned.assignee_id,
            assignee_name: assigned.assignee_name.clone(),
            team_id: assigned.team_id,
            strategy: Json(strategy),
            assigned_by: assigned.assigned_by,
            reason: assigned.reason.clone(),
            decision: assigned.decision.clone().map(Json),
            in_spite_of: assigned.in_spite_of.map(Json),
            from_at: happened.metadata.occurred_at,
            until_at: None,
        }
    }
}
