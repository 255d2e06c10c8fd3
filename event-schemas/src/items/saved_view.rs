//! Lists of conversations that agents keep: a filter and an order, under a name.

use super::{item, yes};
use crate::message::words;
use crate::view_filter::ViewFilter;
use crate::{SavedViewId, UserId};

words! {
    /// The users who see a view.
    ViewVisibility {
        Everyone = "everyone",
        /// Only its creator.
        Personal = "personal",
    }
}

words! {
    /// By what a view is sorted. Conversations without a value come last in either direction.
    ViewSort {
        LastMessage = "last_message_at",
        Created = "created_at",
        Priority = "priority",
        Unanswered = "unanswered_since",
        SlaDue = "sla_due_at",
    }
}

fn by_last_message() -> ViewSort {
    ViewSort::LastMessage
}

item! {
    one: "a view", all: "The views that you see, by name", tag: "conversations", order: name;

    /// A list of conversations that agents keep: a filter and an order, under a name.
    pub struct SavedView: SavedViewSpec {
        id id: SavedViewId,
        /// Unique among the views for everyone, or among its creator's own.
        pub name: String,
        /// The users who see it.
        pub visibility: ViewVisibility,
        creator created_by: UserId,
        pub filter: ViewFilter,
        pub sort_by: ViewSort => #[serde(default = "by_last_message")],
        /// The newest, the most urgent or the latest first.
        pub descending: bool => #[serde(default = "yes")],
    }
}
