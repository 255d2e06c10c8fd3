//! Recording SLA warnings and breaches.

use super::{Conversation, Rejection};
use crate::aggregate::Decide;
use crate::sla::Alarm;
use event_schemas::{ConversationEvent, Timestamp};

/// Records that a deadline is near or has passed, if the alarm is still due and has no event yet.
#[derive(Clone, Debug)]
pub struct RaiseAlarm {
    pub alarm: Alarm,
}

impl Decide<Conversation> for RaiseAlarm {
    type Rejection = Rejection;

    fn decide(&self, state: &Conversation, now: Timestamp) -> Result<Vec<ConversationEvent>, Rejection> {
        // A conversation that was closed meanwhile can have missed a deadline before.
        let conversation = state.opened()?;
        if conversation.clocks.is_alarm_due(&self.alarm, now) {
            Ok(vec![self.alarm.event(now)])
        } else {
            Ok(Vec::new())
        }
    }
}
