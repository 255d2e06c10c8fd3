//! The catalogue item that decided, in the version that was in force then.

use crate::problem::log_unavailable;
use crate::state::QueryState;
use event_schemas::automation::{Action, MacroVisibility};
use event_schemas::catalogue::{CatalogueKind, Macro};
use event_schemas::cloud_event::without_path;
use event_schemas::message::SenderType;
use event_schemas::{
    ActionEvent, Actor, BotEvent, CatalogueEvent, CloudEvent, ConversationEvent, Events, MessageEvent,
    Position, SlaEvent, StreamId, Timestamp, Version,
};
use gate::{Agent, Problem};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// A rule, a macro or a policy as it was defined when it decided.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RuleInForce {
    /// The kind of catalogue item: `automation_rules`, `bot_rules`, `handoff_rules`, `macros` or `sla_policies`.
    kind: CatalogueKind,
    id: Uuid,
    pub name: Option<String>,
    /// The catalogue's version at the definition.
    pub version: Version,
    pub defined_at: Timestamp,
    pub defined_by: Actor,
    /// The item as it was defined, without secrets.
    definition: Value,
}

/// The item that an event of a conversation names as its reason.
pub fn named_by(event: &ConversationEvent) -> Option<(CatalogueKind, Uuid)> {
    use ConversationEvent as E;
    match event {
        E::Automation(ActionEvent::AutomationRan(ran)) => {
            Some((CatalogueKind::AutomationRules, ran.rule_id.0))
        }
        E::Automation(ActionEvent::MacroRan(ran)) => Some((CatalogueKind::Macros, ran.macro_id.0)),
        E::Bot(BotEvent::BotEngaged(engaged)) => engaged.rule_id.map(|id| (CatalogueKind::BotRules, id.0)),
        E::Bot(BotEvent::HandoffRequested(handoff)) => {
            let rule = handoff.handoff_rule_id.map(|id| (CatalogueKind::HandoffRules, id.0));
            rule.or(handoff.rule_id.map(|id| (CatalogueKind::BotRules, id.0)))
        }
        E::Message(MessageEvent::MessageSent(sent)) if sent.sender_type == SenderType::Bot => {
            sent.sender_id.map(|id| (CatalogueKind::BotRules, id.0))
        }
        E::Sla(SlaEvent::SlaApplied(applied)) => Some((CatalogueKind::SlaPolicies, applied.policy.id.0)),
        E::Automation(
            ActionEvent::ChangeUndone(_)
            | ActionEvent::BulkActionRan(_)
            | ActionEvent::WebhookRequested(_)
            | ActionEvent::WebhookDelivered(_)
            | ActionEvent::WebhookFailed(_),
        )
        | E::Bot(
            BotEvent::BotContextCollected(_) | BotEvent::BotContextRemoved(_) | BotEvent::InfoRequested(_),
        )
        | E::Sla(SlaEvent::SlaRemoved(_) | SlaEvent::SlaWarned(_) | SlaEvent::SlaBreached(_))
        | E::Message(_)
        | E::Delivery(_)
        | E::Lifecycle(_)
        | E::Assignment(_)
        | E::Routing(_)
        | E::Details(_)
        | E::Schedule(_) => None,
    }
}

/// The number of events that are read at once.
const PAGE: usize = 500;

/// The item as it was defined at a position of the log. `None` when it was not, or when the caller may not see it.
pub async fn in_force(
    state: &QueryState,
    caller: &Agent,
    (kind, id): (CatalogueKind, Uuid),
    at: Position,
) -> Result<Option<RuleInForce>, Problem> {
    let stream = StreamId::catalogue(kind, caller.account);
    let (mut found, mut from) = (None, Version::FIRST);
    loop {
        let page = state.store.read_stream(&stream, from, PAGE).await.map_err(log_unavailable)?;
        for recorded in page.iter().take_while(|recorded| recorded.position <= at) {
            let Ok(event) = CatalogueEvent::of(recorded) else { continue };
            if event.item_id() == id && event.item().is_some() && may_see(caller, &event) {
                found = Some(recorded.clone());
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE && last.position <= at => from = last.version.next(),
            Some(_) | None => break,
        }
    }
    Ok(found.map(|recorded| {
        let definition = definition(caller, CloudEvent::of(&recorded, &state.schemas_url).data);
        RuleInForce {
            kind,
            id,
            name: definition["name"].as_str().map(str::to_owned),
            version: recorded.version,
            defined_at: recorded.metadata.occurred_at,
            defined_by: recorded.metadata.actor,
            definition,
        }
    }))
}

/// Whether the caller may see the item. Only its creator sees a personal macro.
fn may_see(caller: &Agent, event: &CatalogueEvent) -> bool {
    let CatalogueEvent::MacroDefined(defined) = event else { return true };
    let Macro { visibility, created_by, .. } = &defined.defined;
    *visibility == MacroVisibility::Everyone || *created_by == caller.user
}

/// The item in the data of its event. Only administrators see whole addresses of webhooks.
fn definition(caller: &Agent, mut data: Value) -> Value {
    let item = data.as_object_mut().and_then(|data| data.values_mut().next()).map(Value::take);
    let mut item = item.unwrap_or_default();
    let actions = item.get_mut("actions").and_then(Value::as_array_mut);
    for action in actions.into_iter().flatten().filter(|_| !caller.role.is_administrator()) {
        if let Ok(Action::Webhook { url }) = serde_json::from_value::<Action>(action.clone()) {
            action["url"] = without_path(&url).into();
        }
    }
    item
}
