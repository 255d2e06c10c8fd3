//! Service level agreements: the applied policy, its warnings and its breaches.

use crate::ConversationEvent;
use crate::catalogue::{BusinessCalendar, SlaPolicy};
use crate::events::events;
use crate::message::SlaMetric;
use crate::{SlaPolicyId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Service level agreements: the applied policy, its warnings and its breaches.
    pub enum SlaEvent in ConversationEvent::Sla {
        SlaApplied = 1,
        SlaRemoved = 1,
        SlaWarned = 1,
        SlaBreached = 1,
    }
}

/// An SLA policy is applied. The event contains the whole policy and its calendar, so that a replay needs
/// nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlaApplied {
    pub policy: SlaPolicy,
    /// `None` when every hour counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<BusinessCalendar>,
}

/// No SLA policy applies any more: the running deadlines end. What was met or missed before stays so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlaRemoved {
    /// The policy that applied.
    pub policy_id: SlaPolicyId,
}

/// A deadline is near and not met yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlaWarned {
    pub metric: SlaMetric,
    pub warn_at: Timestamp,
    pub due_at: Timestamp,
    pub detected_at: Timestamp,
}

/// A deadline was missed. The event occurred at `due_at`, and was detected at `detected_at`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlaBreached {
    pub metric: SlaMetric,
    pub due_at: Timestamp,
    pub detected_at: Timestamp,
}
