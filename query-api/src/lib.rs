//! The read side over HTTP: how things stand, what happened, and how it was at any moment. A query changes
//! nothing.

mod agents;
mod answer;
mod asking;
mod catalogues;
mod contacts;
mod conversation;
mod conversations;
mod events;
mod history;
mod queue;
mod rejections;
mod schemas;
mod snapshot;
mod story;

pub use asking::QueryState;

use aide::axum::ApiRouter;

/// How the routes are grouped in the API's description, beside the groups of the commands.
pub const TAGS: &[(&str, &str)] = &[("events", "Everything that happened, and the stream of what happens.")];

/// Every route that answers a question.
pub fn router(state: QueryState) -> ApiRouter {
    ApiRouter::new()
        .merge(conversations::routes())
        .merge(conversation::routes())
        .merge(history::routes())
        .merge(events::routes())
        .merge(contacts::routes())
        .merge(catalogues::routes())
        .merge(agents::routes())
        .merge(queue::routes())
        .merge(rejections::routes())
        .merge(schemas::routes())
        .with_state(state)
}
