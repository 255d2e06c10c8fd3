//! The parts of an account's routing state as JSON.

use super::{AccountRouting, RoutedConversation};
use crate::catalogue::{BotRules, Queues, Teams};
use crate::pace::Pace;
use event_schemas::{ConversationId, TeamId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
struct KeptCatalogues<'r> {
    teams: Cow<'r, Teams>,
    queues: Cow<'r, Queues>,
    bot_rules: Cow<'r, BotRules>,
}

#[derive(Serialize, Deserialize)]
struct KeptTurns {
    turns: Vec<(Option<TeamId>, UserId)>,
    paces: Vec<(Option<TeamId>, Pace)>,
    offered: BTreeMap<UserId, Timestamp>,
}

impl AccountRouting {
    pub(in crate::routing) fn catalogues_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&KeptCatalogues {
            teams: Cow::Borrowed(&self.teams),
            queues: Cow::Borrowed(&self.queues),
            bot_rules: Cow::Borrowed(&self.bot_rules),
        })
    }

    pub(in crate::routing) fn turns_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&KeptTurns {
            turns: self.turns.iter().map(|(team, agent)| (*team, *agent)).collect(),
            paces: self.paces.iter().map(|(team, pace)| (*team, *pace)).collect(),
            offered: self.offered.iter().map(|(agent, at)| (*agent, *at)).collect(),
        })
    }

    pub(in crate::routing) fn conversation_ids(&self) -> impl Iterator<Item = ConversationId> {
        self.conversations.keys().copied()
    }

    pub(in crate::routing) fn conversation_json(
        &self,
        id: ConversationId,
    ) -> Option<serde_json::Result<String>> {
        self.conversations.get(&id).map(serde_json::to_string)
    }

    pub(in crate::routing) fn restore_catalogues(&mut self, json: &str) -> serde_json::Result<()> {
        let KeptCatalogues { teams, queues, bot_rules } = serde_json::from_str(json)?;
        self.teams = teams.into_owned();
        self.queues = queues.into_owned();
        self.bot_rules = bot_rules.into_owned();
        Ok(())
    }

    pub(in crate::routing) fn restore_turns(&mut self, json: &str) -> serde_json::Result<()> {
        let KeptTurns { turns, paces, offered } = serde_json::from_str(json)?;
        self.turns = turns.into_iter().collect();
        self.paces = paces.into_iter().collect();
        self.offered = offered.into_iter().collect();
        Ok(())
    }

    pub(in crate::routing) fn restore_conversation(
        &mut self,
        id: ConversationId,
        json: &str,
    ) -> serde_json::Result<()> {
        let routed: RoutedConversation = serde_json::from_str(json)?;
        self.waiting.extend(routed.queue_key(id));
        if routed.wait.offer.is_some() {
            self.open_offers.insert(id);
        }
        self.changed_agents.extend(routed.holder());
        self.changed_conversations.insert(id);
        self.conversations.insert(id, routed);
        Ok(())
    }

    /// Forgets all conversations and their effects, because they are folded again from the beginning.
    pub(in crate::routing) fn forget_conversations(&mut self) -> Vec<ConversationId> {
        let fresh = Self::of(self.account);
        self.waiting = fresh.waiting;
        self.turns = fresh.turns;
        self.paces = fresh.paces;
        self.offered = fresh.offered;
        self.open_offers = fresh.open_offers;
        self.changed_conversations = fresh.changed_conversations;
        self.timers = fresh.timers;
        self.conversations.drain().map(|(id, _)| id).collect()
    }
}
