//! The causes of rules in an event.

use commands::rule_causes;
use domain::automation::Cause;
use event_schemas::Event;
use follower::DecodedEvent;

/// The causes in an event, each with a name that is the same whenever the event is read.
pub(super) fn causes(event: &DecodedEvent) -> Vec<(Cause, String)> {
    let Event::Conversation(of_conversation) = &event.event else { return Vec::new() };
    rule_causes(of_conversation, event.id, &event.stream, &event.metadata)
}
