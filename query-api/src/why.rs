//! Why a part of a conversation is as it is: the event that decided, and what led to it.

mod deciding;
mod rule;

use crate::params::parsed;
use crate::problem::{log_unavailable, tables_unavailable};
use crate::snapshot::history;
use crate::state::{FreshOnDemand, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use deciding::{Cause, Field, cause, deciding};
use domain::history::PastEvent;
use event_schemas::routing::{Decision, Ineligible};
use event_schemas::{
    Actor, AssignmentEvent, ConversationEvent, ConversationId, EventId, Events, MessageEvent, MessageId,
    Position, Recorded, RoutingEvent, StreamId, Timestamp, UserId, summary,
};
use gate::{Agent, Json, Path, Problem, Query};
use projections::read_models::agents;
use rule::{RuleInForce, in_force, named_by};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new().api_route(
        "/v1/conversations/{id}/why",
        get_with(why, |op| {
            op.id("explainConversation")
                .tag("conversations")
                .summary("Why a part of a conversation is as it is")
                .description(
                    "The first step is the event that gave the part its present value; each further step is what led \
                     to the one before: the rule in the version that was in force, and the message or the act that \
                     began it. A decision of routing names the agents who could take the conversation, and why the \
                     others could not.",
                )
        }),
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WhyParams {
    field: Field,
    /// The label, with `field=labels`. Absent for the last change of any label.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    label: Option<String>,
}

/// The events that led to the present value of a part of a conversation.
#[derive(Debug, Serialize, JsonSchema)]
struct Explanation {
    field: Field,
    /// The steps in words, the deciding one first.
    sentence: String,
    /// Empty when no event has given the part a value.
    steps: Vec<Step>,
}

/// An event on the way to the present value.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExplanationStep")]
struct Step {
    sentence: String,
    event_id: EventId,
    /// The event's type.
    r#type: String,
    stream: StreamName,
    occurred_at: Timestamp,
    actor: Actor,
    /// The message that the event is about. `null` when it is about none.
    message_id: Option<MessageId>,
    /// The rule, macro or policy that decided, as it was defined then. `null` when none did, or when you may not see it.
    rule: Option<RuleInForce>,
    /// The decision of routing. `null` when routing did not decide.
    decision: Option<ExplainedDecision>,
}

/// The name of the event's stream.
type StreamName = String;

/// The agents who could take the conversation, best first, and the reasons of the others.
#[derive(Debug, Serialize, JsonSchema)]
struct ExplainedDecision {
    eligible: Vec<EligibleAgent>,
    not_eligible: Vec<IneligibleAgent>,
    /// The number of agents that are not listed here.
    not_named: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct EligibleAgent {
    user_id: UserId,
    /// `null` when the agent is not known any more.
    name: Option<String>,
    /// The number of conversations that the agent had.
    active: u32,
    idle_since: Option<Timestamp>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct IneligibleAgent {
    user_id: UserId,
    name: Option<String>,
    reason: Ineligible,
    /// The reason in words.
    sentence: String,
}

/// The most steps of an explanation.
const MOST_STEPS: usize = 16;

async fn why(
    State(state): State<QueryState>,
    caller: Agent,
    fresh: FreshOnDemand,
    Path(id): Path<ConversationId>,
    Query(params): Query<WhyParams>,
) -> Result<Json<Explanation>, Problem> {
    if params.label.is_some() && params.field != Field::Labels {
        return Err(Problem::unreadable("`label` belongs to `field=labels`.").field("label"));
    }
    let tables = fresh.view(&state).await?;
    let registered = agents::list(tables.readers(), caller.account).await.map_err(tables_unavailable)?;
    let names = registered.into_iter().map(|agent| (agent.user_id, agent.name)).collect();
    let explain = Explain { state: &state, caller: &caller, id, names };
    let (recorded, events) = history(&state, caller.account, id).await?;
    let steps = match deciding(&events, params.field, params.label.as_deref()) {
        Some(index) => explain.steps(&recorded, &events, index).await?,
        None => Vec::new(),
    };
    Ok(Json(Explanation { field: params.field, sentence: in_words(&steps), steps }))
}

fn in_words(steps: &[Step]) -> String {
    match steps {
        [] => "No event has given it a value.".to_owned(),
        steps => {
            let sentences: Vec<_> = steps.iter().map(|step| &*step.sentence).collect();
            format!("{}.", sentences.join(". Because: "))
        }
    }
}

/// The data that the explanation of a conversation needs.
struct Explain<'a> {
    state: &'a QueryState,
    caller: &'a Agent,
    id: ConversationId,
    names: HashMap<UserId, String>,
}

impl Explain<'_> {
    async fn steps(
        &self,
        recorded: &[Recorded],
        events: &[PastEvent],
        first: usize,
    ) -> Result<Vec<Step>, Problem> {
        let (mut steps, mut next) = (Vec::new(), Some(first));
        while let Some(index) = next.take().filter(|_| steps.len() < MOST_STEPS) {
            steps.push(self.step(&events[index], recorded[index].position).await?);
            match cause(events, index) {
                Some(Cause::Act(head)) => next = Some(head),
                Some(Cause::Event(id)) => match events[..index].iter().position(|past| past.id == id) {
                    Some(earlier) => next = Some(earlier),
                    None => steps.extend(self.elsewhere(id).await?),
                },
                None => {}
            }
        }
        Ok(steps)
    }

    async fn step(&self, past: &PastEvent, position: Position) -> Result<Step, Problem> {
        let rule = match named_by(&past.event) {
            Some(named) => in_force(self.state, self.caller, named, position).await?,
            None => None,
        };
        let decision = decision_of(&past.event).map(|decision| self.explained(decision));
        Ok(Step {
            sentence: sentence(past, rule.as_ref(), decision.as_ref()),
            event_id: past.id,
            r#type: past.event.event_type().to_owned(),
            stream: StreamId::conversation(self.id).to_string(),
            occurred_at: past.metadata.occurred_at,
            actor: past.metadata.actor.clone(),
            message_id: message_of(&past.event),
            rule,
            decision,
        })
    }

    /// A cause in another stream: that an agent came online, or that a rule changed.
    async fn elsewhere(&self, id: EventId) -> Result<Option<Step>, Problem> {
        let found = self.state.store.find(id).await.map_err(log_unavailable)?;
        let found = found.filter(|recorded| recorded.metadata.account_id == self.caller.account);
        Ok(found.map(|recorded| {
            let actor = recorded.metadata.actor;
            let who = actor.name.clone().unwrap_or_else(|| "Verbatim".to_owned());
            Step {
                sentence: format!("{who}: {}", in_plain_words(&recorded.event_type)),
                event_id: recorded.id,
                r#type: recorded.event_type.into_owned(),
                stream: recorded.stream.to_string(),
                occurred_at: recorded.metadata.occurred_at,
                actor,
                message_id: None,
                rule: None,
                decision: None,
            }
        }))
    }

    fn explained(&self, decision: &Decision) -> ExplainedDecision {
        let name = |user_id: &UserId| self.names.get(user_id).cloned();
        let eligible = decision.eligible.iter().map(|candidate| EligibleAgent {
            user_id: candidate.user_id,
            name: name(&candidate.user_id),
            active: candidate.active,
            idle_since: candidate.idle_since,
        });
        let not_eligible = decision.not_eligible.iter().flat_map(|(reason, users)| {
            users.iter().map(|user_id| {
                let name = name(user_id);
                let who = name.clone().unwrap_or_else(|| format!("Agent {user_id}"));
                let sentence = format!("{who}: {}.", reason.in_words());
                IneligibleAgent { user_id: *user_id, name, reason: *reason, sentence }
            })
        });
        ExplainedDecision {
            eligible: eligible.collect(),
            not_eligible: not_eligible.collect(),
            not_named: decision.not_named,
        }
    }
}

/// The event in one sentence, with the version of its rule and the numbers of its decision.
fn sentence(past: &PastEvent, rule: Option<&RuleInForce>, decision: Option<&ExplainedDecision>) -> String {
    let mut sentence = summary(&past.event, &past.metadata.actor);
    if let Some(rule) = rule {
        let by = rule.defined_by.name.as_deref().unwrap_or("a program");
        let name = rule.name.as_deref().unwrap_or_default();
        sentence +=
            &format!(" ('{name}' as {by} defined it at {}, version {})", rule.defined_at, rule.version);
    }
    if let Some(decision) = decision {
        let could = decision.eligible.len();
        let all = could + decision.not_eligible.len() + decision.not_named as usize;
        sentence += &format!(" (of the agents, {could} of {all} could take it)");
    }
    sentence
}

fn decision_of(event: &ConversationEvent) -> Option<&Decision> {
    if let ConversationEvent::Assignment(AssignmentEvent::Assigned(assigned)) = event {
        return assigned.decision.as_ref();
    }
    let ConversationEvent::Routing(event) = event else { return None };
    match event {
        RoutingEvent::Queued(queued) => queued.decision.as_ref(),
        RoutingEvent::Offered(offered) => Some(&offered.decision),
        RoutingEvent::OfferDeclined(_)
        | RoutingEvent::OfferExpired(_)
        | RoutingEvent::LeadNotified(_)
        | RoutingEvent::QueueTimedOut(_) => None,
    }
}

fn message_of(event: &ConversationEvent) -> Option<MessageId> {
    let ConversationEvent::Message(event) = event else { return None };
    match event {
        MessageEvent::MessageReceived(message) => Some(message.message_id),
        MessageEvent::MessageSent(message) => Some(message.message_id),
        MessageEvent::NoteAdded(note) => Some(note.message_id),
        MessageEvent::MessageEdited(edited) => Some(edited.message_id),
        MessageEvent::MessageRevoked(revoked) => Some(revoked.message_id),
        MessageEvent::ReactionChanged(reaction) => Some(reaction.message_id),
        MessageEvent::NoticeReceived(_) => None,
    }
}

/// `WentOnline` as `went online`.
fn in_plain_words(event_type: &str) -> String {
    let mut words = String::new();
    for letter in event_type.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
