//! What streams are called on the server, and which of them a reader wants to hear of.

use crate::Filter;
use event_schemas::{EventId, StreamId};
use eventstore::SubscriptionFilter;

/// The names of one log on a server.
#[derive(Debug)]
pub struct Names {
    /// Before the name of each stream of events.
    events: String,
    /// Before what this engine keeps beside them. Never a beginning of `events`, nor the other way round.
    beside: String,
}

impl Names {
    /// Of the log of that name, or of the only one.
    pub fn new(log: Option<&str>) -> Self {
        match log {
            Some(log) => Self { events: format!("{log}."), beside: format!("{log}/") },
            None => Self { events: String::new(), beside: String::new() },
        }
    }

    /// Whether nothing else may be on the server.
    pub fn alone(&self) -> bool {
        self.events.is_empty()
    }

    pub fn stream(&self, stream: &StreamId) -> String {
        format!("{}{stream}", self.events)
    }

    pub fn read(&self, name: &str) -> Option<StreamId> {
        name.strip_prefix(&self.events).map(StreamId::named)
    }

    /// The stream that says where the event of this id is.
    pub fn id(&self, id: EventId) -> String {
        format!("{}id-{id}", self.beside)
    }

    /// The stream that says whose the log is.
    pub fn owner(&self) -> String {
        format!("{}verbatim", self.beside)
    }

    /// Every event of this log. What the server writes for itself, and what this engine keeps beside the
    /// events, has a type that begins with `$`.
    pub fn everything(&self) -> SubscriptionFilter {
        if self.alone() {
            SubscriptionFilter::on_event_type().exclude_system_events()
        } else {
            SubscriptionFilter::on_stream_name().add_prefix(&self.events)
        }
    }

    /// What of a filter the server can do; the rest is looked at here. None: nothing.
    pub fn narrowed(&self, filter: &Filter) -> Option<SubscriptionFilter> {
        if self.alone() && !filter.event_types.is_empty() {
            let types = filter.event_types.iter();
            return Some(types.fold(SubscriptionFilter::on_event_type(), |all, name| all.add_prefix(name)));
        }
        if filter.categories.is_empty() {
            return None;
        }
        let kinds = filter.categories.iter();
        Some(kinds.fold(SubscriptionFilter::on_stream_name(), |all, kind| {
            all.add_prefix(format!("{}{}", self.events, kind.as_str()))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_among_others_keeps_to_its_own_streams() {
        let names = Names::new(Some("desk"));
        let stream = StreamId::named("conversation-1");
        assert_eq!(names.stream(&stream), "desk.conversation-1");
        assert_eq!(names.read("desk.conversation-1"), Some(stream));
        assert_eq!(names.read("other.conversation-1"), None);
        assert_eq!(names.read(&names.id(EventId::from_u128(1))), None);
    }
}
