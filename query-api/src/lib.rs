//! The read side over HTTP: the current state, the events, and the state at any earlier time. A query changes nothing.

mod agents;
mod audit;
mod catalogues;
mod contacts;
mod conversation;
mod conversations;
mod events;
mod growth;
mod history;
mod live;
mod params;
mod past_inbox;
mod problem;
mod queue;
mod rejections;
mod response;
mod scheduled_messages;
mod schemas;
mod search;
mod snapshot;
mod state;
mod stream_tokens;
mod views;
mod why;

pub use growth::Growth;
pub use state::QueryState;

use aide::axum::ApiRouter;
use axum::middleware::{from_fn, from_fn_with_state};
use gate::Places;
use gate::places::give_back;

/// The groups of routes in the API's description that the commands do not have.
pub const TAGS: &[(&str, &str)] = &[("events", "All events of the account, in pages or as a live stream.")];

/// All routes of queries. Each file of routes has one line here. `places` are those of the queries of each account.
pub fn router(state: QueryState, places: Places) -> ApiRouter {
    ApiRouter::new()
        .merge(conversations::routes())
        .merge(conversation::routes())
        .merge(search::routes())
        .merge(history::routes())
        .merge(why::routes())
        .merge(events::routes())
        .merge(stream_tokens::routes())
        .merge(contacts::routes())
        .merge(catalogues::routes())
        .merge(views::routes())
        .merge(agents::routes())
        .merge(queue::routes())
        .merge(rejections::routes())
        .merge(audit::routes())
        .merge(scheduled_messages::routes())
        .merge(schemas::routes())
        .layer(from_fn(gate::answer_position))
        .layer(from_fn_with_state(places, give_back))
        .with_state(state)
}
