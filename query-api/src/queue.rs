//! The conversations that wait for an agent: their positions and expected waits.

use crate::live::{Listener, live_response, wants_stream};
use crate::problem::{no_tables, tables_unavailable};
use crate::response::List;
use crate::state::{Fresh, FreshOnDemand, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use aide::openapi::MediaType;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use event_schemas::message::Priority;
use event_schemas::{AccountId, ConversationId, OfferId, Position, TeamId, Timestamp, UserId};
use follower::ReadView;
use futures::stream;
use gate::{Agent, Authenticator, Json, Problem, Query};
use projections::read_models::queue_entries::{self, NO_TEAM, PaceRow, QueueEntry, paces};
use projections::{Tables, read_models};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/queue",
            get_with(queue, |op| {
                op.id("listQueued")
                    .tag("queues")
                    .summary("The conversations that wait for an agent, with their positions and expected waits, per team")
                    .description(
                        "The conversation with the highest priority is first, and among equal ones the oldest. An \
                         expected wait is the position times the average time between two assignments of the queue. \
                         It is unknown until two conversations have been assigned. With `Accept: text/event-stream` the \
                         response goes on: an event `queue` has the whole list, now and whenever it has changed, at \
                         most once a second. The event's id is the position that the tables then held. \
                         The stream ends when your token ends, after an event `expiring`.",
                    )
                    .response_with::<200, Json<List<QueuedConversation>>, _>(|mut response| {
                        response.inner().content.insert("text/event-stream".to_owned(), MediaType::default());
                        response
                    })
            }),
        )
        .api_route(
            "/v1/queue/teams",
            get_with(teams, |op| {
                op.id("listQueueLengths").tag("queues").summary("The number of waiting conversations per team, and their expected wait")
            }),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct QueueParams {
    /// Only the conversations that wait for this team.
    #[serde(default)]
    team_id: Option<TeamId>,
}

/// A conversation that waits for an agent.
#[derive(Debug, Serialize, JsonSchema)]
struct QueuedConversation {
    conversation_id: ConversationId,
    team_id: Option<TeamId>,
    priority: Priority,
    /// The position in its team's queue, from 1.
    position: u32,
    queued_since: Timestamp,
    /// `null` while the conversation is being offered and was never queued.
    queued_at: Option<Timestamp>,
    /// `null` when too few conversations were assigned lately to estimate it.
    expected_wait_seconds: Option<u64>,
    /// `null` when the conversation is not being offered.
    offer: Option<Offer>,
}

/// The agents to whom the conversation is offered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenOffer")]
struct Offer {
    id: OfferId,
    agent_ids: Vec<UserId>,
    until: Timestamp,
}

fn expected_wait(paces: &[PaceRow], team: Option<TeamId>, position: u32) -> Option<u64> {
    let pace = paces.iter().find(|row| row.team_id == team.unwrap_or(NO_TEAM))?;
    pace.pace().expected(position).map(|wait| wait.as_secs())
}

async fn queue(
    State(state): State<QueryState>,
    Agent(caller): Agent,
    authenticator: Authenticator,
    fresh: FreshOnDemand,
    headers: HeaderMap,
    Query(QueueParams { team_id }): Query<QueueParams>,
) -> Result<Response, Problem> {
    if wants_stream(&headers) {
        fresh.wait(&state).await?;
        let changes = Changes { tables: state.tables.clone(), account: caller.account, team_id, shown: None };
        let changes = stream::unfold(changes, |mut changes| async { Some((changes.next().await, changes)) });
        return Ok(live_response(changes, &state, Listener { authenticator, caller }));
    }
    let tables = fresh.view(&state).await?;
    waiting(&tables, caller.account, team_id).await.map(IntoResponse::into_response)
}

/// The queue of an account, whenever it has changed.
struct Changes {
    tables: Tables,
    account: AccountId,
    team_id: Option<TeamId>,
    /// The list that was sent last, and the position of the tables at which it was read.
    shown: Option<(String, Option<Position>)>,
}

/// How often the queue is compared with what was sent.
const PERIOD: Duration = Duration::from_secs(1);

impl Changes {
    async fn next(&mut self) -> SseEvent {
        loop {
            // Without an event in between no queue has changed.
            if let Some((_, at)) = &self.shown {
                tokio::time::sleep(PERIOD).await;
                if self.tables.position().await.is_ok_and(|position| position == *at) {
                    continue;
                }
            }
            match self.read().await {
                Ok((text, position)) => {
                    let is_new = self.shown.as_ref().is_none_or(|(shown, _)| *shown != text);
                    self.shown = Some((text.clone(), position));
                    if is_new {
                        let id = position.unwrap_or(Position::at(0)).to_string();
                        return SseEvent::default().event("queue").id(id).data(text);
                    }
                }
                Err(error) => {
                    tracing::warn!(status = %error.status(), "the queue cannot be read for a stream");
                    tokio::time::sleep(PERIOD).await;
                }
            }
        }
    }

    async fn read(&self) -> Result<(String, Option<Position>), Problem> {
        let tables = self.tables.db().map_err(no_tables)?.view(read_models::NAME).await;
        let tables = tables.map_err(tables_unavailable)?;
        let Json(list) = waiting(&tables, self.account, self.team_id).await?;
        Ok((serde_json::to_string(&list).unwrap_or_default(), tables.position()))
    }
}

async fn waiting(
    tables: &ReadView,
    account: AccountId,
    team_id: Option<TeamId>,
) -> Result<Json<List<QueuedConversation>>, Problem> {
    let entries =
        queue_entries::list(tables.readers(), account, team_id).await.map_err(tables_unavailable)?;
    let paces = paces(tables.readers(), account).await.map_err(tables_unavailable)?;
    Ok(List::whole(entries, |QueueEntry { row, position }| QueuedConversation {
        conversation_id: row.conversation_id,
        team_id: row.team_id,
        priority: row.priority,
        position,
        queued_since: row.queued_since,
        queued_at: row.queued_at,
        expected_wait_seconds: expected_wait(&paces, row.team_id, position),
        offer: row.offer_id.zip(row.offer_until).map(|(id, until)| Offer {
            id,
            agent_ids: row.offered_to.0,
            until,
        }),
    }))
}

/// The queue of a team.
#[derive(Debug, Serialize, JsonSchema)]
struct QueueLength {
    /// `null` for conversations without a team.
    team_id: Option<TeamId>,
    waiting: u32,
    oldest_queued_since: Option<Timestamp>,
    /// The expected wait of a conversation with the lowest priority that is queued now.
    expected_wait_seconds: Option<u64>,
}

async fn teams(caller: Agent, Fresh(tables): Fresh) -> Result<Json<List<QueueLength>>, Problem> {
    let entries =
        queue_entries::list(tables.readers(), caller.account, None).await.map_err(tables_unavailable)?;
    let paces = paces(tables.readers(), caller.account).await.map_err(tables_unavailable)?;
    let mut lengths: BTreeMap<Option<TeamId>, (u32, Option<Timestamp>)> = BTreeMap::new();
    for QueueEntry { row, .. } in entries {
        let (count, oldest) = lengths.entry(row.team_id).or_default();
        *count += 1;
        *oldest = Some(oldest.map_or(row.queued_since, |oldest| oldest.min(row.queued_since)));
    }
    Ok(List::whole(lengths.into_iter().collect(), |(team_id, (waiting, oldest_queued_since))| QueueLength {
        team_id,
        waiting,
        oldest_queued_since,
        expected_wait_seconds: expected_wait(&paces, team_id, waiting + 1),
    }))
}
