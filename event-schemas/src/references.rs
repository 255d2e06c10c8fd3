//! The references of catalogue items to other items of the account.
//!
//! They are declared here once. An item that is defined may refer only to items that exist, and an item to which
//! another refers cannot be retired.

use crate::automation::Action;
use crate::catalogue::*;
use uuid::Uuid;

/// A reference of an item to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The path of the field that names the other item: `actions[0].team_id`.
    pub field: String,
    /// The kind of the other item.
    pub kind: CatalogueKind,
    pub id: Uuid,
}

impl Reference {
    fn to<T: Item>(field: impl Into<String>, id: T::Id) -> Self {
        Self { field: field.into(), kind: T::KIND, id: id.into() }
    }

    /// The members of a list, each with its index.
    fn to_each<T: Item>(field: &str, ids: &[T::Id]) -> Vec<Self> {
        ids.iter().enumerate().map(|(index, id)| Self::to::<T>(format!("{field}[{index}]"), *id)).collect()
    }
}

/// An item that can refer to others. Every kind says whether and how.
pub trait References {
    fn references(&self) -> Vec<Reference>;
}

macro_rules! refer_to_nothing {
    ($($Item:ty),+) => {
        $(impl References for $Item {
            fn references(&self) -> Vec<Reference> {
                Vec::new()
            }
        })+
    };
}

refer_to_nothing!(Channel, Team, CannedResponse, BusinessCalendar, BotSettings, AccountSettings);
// The filter of a view keeps no item from being retired: most views can be changed by their creators alone.
refer_to_nothing!(SavedView);

impl References for SlaPolicy {
    fn references(&self) -> Vec<Reference> {
        let mut all = Reference::to_each::<Channel>("channel_ids", &self.channel_ids);
        all.extend(Reference::to_each::<Team>("team_ids", &self.team_ids));
        all.extend(self.calendar_id.map(|id| Reference::to::<BusinessCalendar>("calendar_id", id)));
        all
    }
}

impl References for BotRule {
    fn references(&self) -> Vec<Reference> {
        let reply = self.actions.reply_template_id;
        let reply = reply.map(|id| Reference::to::<CannedResponse>("actions.reply_template_id", id));
        let team = self.actions.assign_team_id;
        let team = team.map(|id| Reference::to::<Team>("actions.assign_team_id", id));
        reply.into_iter().chain(team).collect()
    }
}

impl References for HandoffRule {
    fn references(&self) -> Vec<Reference> {
        self.target_team_id.map(|id| Reference::to::<Team>("target_team_id", id)).into_iter().collect()
    }
}

impl References for Queue {
    fn references(&self) -> Vec<Reference> {
        [("team_id", self.team_id), ("overflow_team_id", self.overflow_team_id)]
            .into_iter()
            .filter_map(|(field, team)| Some(Reference::to::<Team>(field, team?)))
            .collect()
    }
}

impl References for Macro {
    fn references(&self) -> Vec<Reference> {
        of_actions(&self.actions)
    }
}

impl References for AutomationRule {
    fn references(&self) -> Vec<Reference> {
        let teams = self.conditions.team_ids.as_deref().unwrap_or_default();
        let mut all = Reference::to_each::<Team>("conditions.team_ids", teams);
        all.extend(of_actions(&self.actions));
        all
    }
}

fn of_actions(actions: &[Action]) -> Vec<Reference> {
    let reference = |(index, action): (usize, &Action)| {
        let at = |field: &str| format!("actions[{index}].{field}");
        match action {
            Action::Reply { canned_response_id, .. } => {
                Some(Reference::to::<CannedResponse>(at("canned_response_id"), (*canned_response_id)?))
            }
            Action::AssignTeam { team_id } => Some(Reference::to::<Team>(at("team_id"), *team_id)),
            Action::Route { team_id, .. } => Some(Reference::to::<Team>(at("team_id"), (*team_id)?)),
            Action::AssignAgent { .. }
            | Action::Unassign { .. }
            | Action::AddLabels { .. }
            | Action::RemoveLabels { .. }
            | Action::SetPriority { .. }
            | Action::Note { .. }
            | Action::Snooze { .. }
            | Action::Resolve { .. }
            | Action::Reopen { .. }
            | Action::Webhook { .. } => None,
        }
    };
    actions.iter().enumerate().filter_map(reference).collect()
}
