//! The names of streams on the server, and the server's filters for readers.

use crate::Filter;
use event_schemas::{EventId, StreamId};
use eventstore::SubscriptionFilter;

/// The names of one log on a server.
#[derive(Debug)]
pub struct Names {
    /// The prefix of the name of each stream of events.
    event_prefix: String,
    /// The prefix of this engine's own streams. When the log has a name, neither prefix begins with the other.
    internal_prefix: String,
}

impl Names {
    /// The names of the log `log`, or of the server's only log when it is `None`.
    pub fn new(log: Option<&str>) -> Self {
        match log {
            Some(log) => Self { event_prefix: format!("{log}."), internal_prefix: format!("{log}/") },
            None => Self { event_prefix: String::new(), internal_prefix: String::new() },
        }
    }

    /// Whether the log has no name, so that the server must hold no other data.
    pub fn owns_server(&self) -> bool {
        self.event_prefix.is_empty()
    }

    pub fn of_stream(&self, stream: &StreamId) -> String {
        format!("{}{stream}", self.event_prefix)
    }

    pub fn stream_id(&self, name: &str) -> Option<StreamId> {
        name.strip_prefix(&self.event_prefix).map(StreamId::named)
    }

    /// The stream that holds the claims of an event's id.
    pub fn id_stream(&self, id: EventId) -> String {
        format!("{}id-{id}", self.internal_prefix)
    }

    /// The stream that marks the log as this program's and holds its format.
    pub fn marker(&self) -> String {
        format!("{}verbatim", self.internal_prefix)
    }

    /// The filter for every event of this log. The types of the server's own events, and of this engine's links,
    /// begin with `$`.
    pub fn all_events(&self) -> SubscriptionFilter {
        if self.owns_server() {
            SubscriptionFilter::on_event_type().exclude_system_events()
        } else {
            SubscriptionFilter::on_stream_name().add_prefix(&self.event_prefix)
        }
    }

    /// The part of a filter that the server can apply; the engine applies the rest. `None` when the server can
    /// apply nothing of it.
    pub fn narrowed(&self, filter: &Filter) -> Option<SubscriptionFilter> {
        if self.owns_server() && !filter.event_types.is_empty() {
            let types = filter.event_types.iter();
            return Some(types.fold(SubscriptionFilter::on_event_type(), |all, name| all.add_prefix(name)));
        }
        if filter.categories.is_empty() {
            return None;
        }
        let kinds = filter.categories.iter();
        Some(kinds.fold(SubscriptionFilter::on_stream_name(), |all, kind| {
            all.add_prefix(format!("{}{}", self.event_prefix, kind.as_str()))
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
        assert_eq!(names.of_stream(&stream), "desk.conversation-1");
        assert_eq!(names.stream_id("desk.conversation-1"), Some(stream));
        assert_eq!(names.stream_id("other.conversation-1"), None);
        assert_eq!(names.stream_id(&names.id_stream(EventId::from_u128(1))), None);
    }
}
