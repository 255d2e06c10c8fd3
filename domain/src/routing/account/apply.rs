//! What a desk remembers of what happens.

use super::{AccountRouting, RoutedConversation};
use crate::aggregate::Evolve;
use crate::lifecycle::Lifecycle;
use crate::routing::{Requirements, Wait};
use event_schemas::catalogue::CatalogueKind;
use event_schemas::conversation::{AssignStrategy, ConversationOpened};
use event_schemas::message::Status;
use event_schemas::{CatalogueEvent, ConversationEvent, ConversationId, Timestamp, Version};
use serde_json::Value;
use std::collections::BTreeSet;

impl AccountRouting {
    pub(in crate::routing) fn apply_catalogue(&mut self, event: &CatalogueEvent, at: Timestamp) {
        self.teams.evolve(event, at);
        self.queues.evolve(event, at);
        self.bot_rules.evolve(event, at);
        if matches!(event.kind(), CatalogueKind::Teams | CatalogueKind::Queues) {
            // Everything may be somebody else's now; and what somebody holds may have to be counted.
            self.changed_cases.extend(self.cases.keys());
        }
    }

    pub(in crate::routing) fn apply(
        &mut self,
        id: ConversationId,
        version: Version,
        event: &ConversationEvent,
        at: Timestamp,
    ) {
        if let ConversationEvent::ConversationOpened(opening) = event {
            self.cases.insert(id, RoutedConversation::opened(opening, version));
        }
        let Some(case) = self.cases.get_mut(&id) else { return };
        let (before, held_by) = (case.line(id), case.holder());
        let (was_queued, team) = (case.wait.queued, case.lifecycle.team_id);
        case.remember(version, event, at);
        let (after, held) = (case.line(id), case.holder());
        let (offered, is_closed) = (case.wait.offer.is_some(), case.lifecycle.status == Status::Closed);
        if before != after {
            if let Some(line) = before {
                self.waiting.remove(&line);
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
            self.cases.remove(&id);
            self.changed_cases.remove(&id);
        } else {
            self.changed_cases.insert(id);
        }
    }

    fn remember_turns(&mut self, event: &ConversationEvent, at: Timestamp) {
        match event {
            ConversationEvent::Assigned(assigned) => {
                let Some(agent) = assigned.assignee_id else { return };
                self.offered.insert(agent, at);
                if assigned.strategy == AssignStrategy::RoundRobin && assigned.decision.is_some() {
                    self.turns.insert(assigned.team_id, agent);
                }
            }
            ConversationEvent::Offered(offered) => {
                let [agent] = &*offered.agent_ids else { return };
                self.offered.insert(*agent, at);
                if offered.strategy == AssignStrategy::RoundRobin {
                    self.turns.insert(offered.team_id, *agent);
                }
            }
            _nothing_to_do_with_turns => {}
        }
    }
}

impl RoutedConversation {
    fn opened(opening: &ConversationOpened, version: Version) -> Self {
        Self {
            version,
            lifecycle: Lifecycle::default(),
            priority: opening.priority,
            labels: BTreeSet::new(),
            topics: BTreeSet::new(),
            requirements: Requirements {
                channel_type: opening.channel_type,
                topics: Vec::new(),
                language: opening.language.clone(),
            },
            wait: Wait::default(),
        }
    }

    fn remember(&mut self, version: Version, event: &ConversationEvent, at: Timestamp) {
        self.version = version;
        self.lifecycle.evolve(event);
        self.wait.evolve(&self.lifecycle, event, at);
        match event {
            ConversationEvent::PriorityChanged(change) => self.priority = change.new,
            ConversationEvent::LabelsChanged(change) => {
                self.labels.retain(|label| !change.removed.contains(label));
                self.labels.extend(change.added.iter().cloned());
            }
            ConversationEvent::BotContextCollected(collected) => {
                let topics = ["topic", "intent"].iter().filter_map(|name| collected.fields.get(*name));
                self.topics.extend(topics.filter_map(Value::as_str).map(str::to_owned));
            }
            ConversationEvent::LanguageDetected(detected) => {
                self.requirements.language = Some(detected.language.clone());
            }
            _no_matter_to_whom => return,
        }
        self.requirements.topics = self.labels.union(&self.topics).cloned().collect();
    }
}
