//! The alarms of the clocks, and their events.

use super::micros::moment;
use event_schemas::conversation::{SlaBreached, SlaWarned};
use event_schemas::message::SlaMetric;
use event_schemas::{ConversationEvent, MessageId, Timestamp};
use serde::{Deserialize, Serialize};

/// The kind of an alarm: a deadline is near, or has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    Warning,
    Breach,
}

impl AlarmKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Breach => "breach",
        }
    }
}

/// A warning or a breach that becomes an event: its metric, its deadline and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Alarm {
    #[serde(rename = "m")]
    pub metric: SlaMetric,
    #[serde(rename = "k")]
    pub kind: AlarmKind,
    /// The number of this metric's clock in the conversation, from 1.
    #[serde(rename = "g")]
    pub generation: u32,
    /// The customer's message that started this clock. `None` when the opening did.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<MessageId>,
    /// How often this clock's warning was withdrawn, so that the next warning is a different alarm.
    #[serde(rename = "w", default)]
    pub rearmed: u32,
    /// When the alarm is due: a breach at the deadline, a warning before.
    #[serde(rename = "a", with = "moment")]
    pub at: Timestamp,
    #[serde(rename = "d", with = "moment")]
    pub due_at: Timestamp,
}

impl Alarm {
    /// The event to append. It is dated `at`.
    pub fn event(&self, detected_at: Timestamp) -> ConversationEvent {
        let Self { metric, at, due_at, .. } = *self;
        match self.kind {
            AlarmKind::Warning => SlaWarned { metric, warn_at: at, due_at, detected_at }.into(),
            AlarmKind::Breach => SlaBreached { metric, due_at, detected_at }.into(),
        }
    }

    /// The name of the alarm within its conversation. Every process that finds the alarm computes the same
    /// name.
    pub fn name(&self) -> String {
        let Self { metric, kind, generation, rearmed, due_at, .. } = self;
        let (metric, kind, due_at) = (metric.as_str(), kind.as_str(), due_at.as_micros());
        format!("sla/{metric}/{kind}/{generation}.{rearmed}/{due_at}")
    }
}
