//! How events change the routing state of an account.

use super::{AccountRouting, RoutedConversation};
use crate::agent::Requirements;
use crate::aggregate::Evolve;
use crate::conversation::Wait;
use crate::lifecycle::Lifecycle;
use event_schemas::catalogue::CatalogueKind;
use event_schemas::conversation::{AssignStrategy, ConversationOpened};
use event_schemas::message::Status;
use event_schemas::{
    AssignmentEvent, BotEvent, CatalogueEvent, ConversationEvent, ConversationId, DetailsEvent,
    LifecycleEvent, RoutingEvent, Timestamp, Version,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl AccountRouting {
    pub(in crate::routing) fn apply_catalogue(&mut self, event: &CatalogueEvent, at: Timestamp) {
        self.teams.evolve(event, at);
        self.queues.evolve(event, at);
        self.bot_rules.evolve(event, at);
        if matches!(event.kind(), CatalogueKind::Teams | CatalogueKind::Queues) {
            // Another queue may count for any conversation now, and assigned ones may need a reservation.
            self.changed_conversations.extend(self.conversations.keys());
        }
    }

    pub(in crate::routing) fn apply(
        &mut self,
        id: ConversationId,
        version: Version,
        event: &ConversationEvent,
        at: Timestamp,
    ) {
        if let ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(opened)) = event {
            self.conversations.insert(id, RoutedConversation::new(opened, version));
        }
        let Some(routed) = self.conversations.get_mut(&id) else { return };
        let (before, held_by) = (routed.queue_key(id), routed.holder());
        let (was_queued, team) = (routed.wait.queued, routed.lifecycle.team_id);
        routed.apply(version, event, at);
        let (after, held) = (routed.queue_key(id), routed.holder());
        let (offered, is_closed) = (routed.wait.offer.is_some(), routed.lifecycle.status == Status::Closed);
        if before != after {
            if let Some(key) = before {
                self.waiting.remove(&key);
            }
            self.waiting.extend(after);
        }
        if offered {
            self.open_offers.insert(id);
        } else {
            self.open_offers.remove(&id);
        }
        if was_queued && held.is_some() {
            self.paces.entry(team).or_default().left(at);
        }
        self.changed_agents.extend(held_by.into_iter().chain(held));
        self.remember_turns(event, at);
        if is_closed {
            self.conversations.remove(&id);
            self.changed_conversations.remove(&id);
        } else {
            self.changed_conversations.insert(id);
        }
    }

    fn remember_turns(&mut self, event: &ConversationEvent, at: Timestamp) {
        use ConversationEvent as E;
        match event {
            E::Assignment(AssignmentEvent::Assigned(assigned)) => {
                let Some(agent) = assigned.assignee_id else { return };
                self.offered.insert(agent, at);
                if assigned.strategy == Some(AssignStrategy::RoundRobin) && assigned.decision.is_some() {
                    self.turns.insert(assigned.team_id, agent);
                }
            }
            E::Routing(RoutingEvent::Offered(offered)) => {
                let [agent] = &*offered.agent_ids else { return };
                self.offered.insert(*agent, at);
                if offered.strategy == AssignStrategy::RoundRobin {
                    self.turns.insert(offered.team_id, *agent);
                }
            }
            E::Assignment(AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_))
            | E::Routing(
                RoutingEvent::Queued(_)
                | RoutingEvent::OfferDeclined(_)
                | RoutingEvent::OfferExpired(_)
                | RoutingEvent::LeadNotified(_)
                | RoutingEvent::QueueTimedOut(_),
            )
            | E::Message(_)
            | E::Delivery(_)
            | E::Lifecycle(_)
            | E::Sla(_)
            | E::Bot(_)
            | E::Automation(_)
            | E::Schedule(_)
            | E::Details(_) => {}
        }
    }
}

impl RoutedConversation {
    fn new(opened: &ConversationOpened, version: Version) -> Self {
        Self {
            version,
            lifecycle: Lifecycle::default(),
            priority: opened.priority,
            labels: BTreeSet::new(),
            topics: BTreeMap::new(),
            requirements: Requirements {
                channel_type: opened.channel_type,
                topics: Vec::new(),
                language: opened.language.clone(),
            },
            wait: Wait::default(),
        }
    }

    fn apply(&mut self, version: Version, event: &ConversationEvent, at: Timestamp) {
        use ConversationEvent as E;
        self.version = version;
        self.lifecycle.evolve(event);
        self.wait.evolve(&self.lifecycle, event, at);
        match event {
            E::Details(event) => self.apply_details(event),
            E::Bot(BotEvent::BotContextCollected(collected)) => {
                for name in ["topic", "intent"] {
                    if let Some(topic) = collected.fields.get(name).and_then(Value::as_str) {
                        self.topics.insert(name.to_owned(), topic.to_owned());
                    }
                }
            }
            E::Bot(BotEvent::BotContextRemoved(removed)) => {
                self.topics.retain(|name, _| !removed.fields.iter().any(|removed| removed == name));
            }
            E::Bot(BotEvent::BotEngaged(_) | BotEvent::InfoRequested(_) | BotEvent::HandoffRequested(_))
            | E::Message(_)
            | E::Delivery(_)
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Automation(_)
            | E::Schedule(_) => return,
        }
        self.requirements.topics = {
            let mut topics = self.labels.clone();
            topics.extend(self.topics.values().cloned());
            topics.into_iter().collect()
        };
    }

    fn apply_details(&mut self, event: &DetailsEvent) {
        match event {
            DetailsEvent::PriorityChanged(change) => self.priority = change.new,
            DetailsEvent::LabelsChanged(change) => {
                self.labels.retain(|label| !change.removed.contains(label));
                self.labels.extend(change.added.iter().cloned());
            }
            DetailsEvent::LanguageDetected(detected) => {
                self.requirements.language = Some(detected.language.clone());
            }
            DetailsEvent::SubjectChanged(_)
            | DetailsEvent::DisplayNameChanged(_)
            | DetailsEvent::SeenByAgent(_) => {}
        }
    }
}
