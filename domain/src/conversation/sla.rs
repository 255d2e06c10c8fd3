//! The SLA timers report a deadline.

use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use crate::sla::Alarm;
use event_schemas::{ConversationEvent, Timestamp};

/// A deadline comes near or has passed. It is written down only if that is still so and was not before.
#[derive(Clone, Debug)]
pub struct RaiseAlarm {
    pub alarm: Alarm,
}

impl Decide<Conversation> for RaiseAlarm {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        // A conversation that is closed meanwhile may still have missed something before.
        let conversation = state.opened()?;
        if conversation.clocks.is_alarm_due(&self.alarm, now) {
            Ok(vec![self.alarm.event(now)])
        } else {
            Ok(Vec::new())
        }
    }
}
