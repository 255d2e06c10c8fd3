//! The routing state of one account: the waiting conversations, the agents, and the actions that are due.

mod apply;
mod kept;
mod plan;
mod reconcile;

use crate::agent::{Agent, Requirements, ineligibility};
use crate::catalogue::{BotRules, Queues, Teams};
use crate::conversation::{Overflow, Wait};
use crate::lifecycle::Lifecycle;
use crate::pace::Pace;
use event_schemas::bot::BotRule;
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::{ChannelType, Priority, Status};
use event_schemas::routing::{Decision, Queue, RoutingStrategy};
use event_schemas::{AccountId, ConversationId, OfferId, TeamId, Timestamp, UserId, Version};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// An action of routing. Each contains the version of the conversation at which it was planned, and is
/// executed at that version or not at all.
#[derive(Clone, Debug, PartialEq)]
pub enum RoutingAction {
    Assign {
        conversation: ConversationId,
        version: Version,
        agent: UserId,
        team: Option<TeamId>,
        strategy: AssignStrategy,
        decision: Decision,
        lead: Option<UserId>,
    },
    Offer {
        conversation: ConversationId,
        version: Version,
        agents: Vec<UserId>,
        team: Option<TeamId>,
        strategy: AssignStrategy,
        until: Timestamp,
        decision: Decision,
        lead: Option<UserId>,
    },
    /// The offer has expired, or no agent to whom it was made is available any more.
    ExpireOffer { conversation: ConversationId, version: Version, offer: OfferId },
    Queue {
        conversation: ConversationId,
        version: Version,
        team: Option<TeamId>,
        position: u32,
        queued_since: Timestamp,
        decision: Option<Decision>,
        lead: Option<UserId>,
        /// The message to the customer.
        announcement: Option<String>,
        /// The expected wait. `None` when it is unknown.
        wait: Option<Duration>,
    },
    /// The team's queue is full: the conversation goes to another team.
    Overflow { conversation: ConversationId, version: Version, overflow: Overflow },
    /// The conversation has waited in its queue for as long as the queue allows. `overflow` is `None` when the queue
    /// names no other team.
    TimeOut {
        conversation: ConversationId,
        version: Version,
        team: Option<TeamId>,
        overflow: Option<Overflow>,
    },
    /// The agent has been offline for too long.
    ReturnToQueue { conversation: ConversationId, version: Version, agent: UserId },
    /// The conversation is assigned to an agent without a reservation: capacity is reserved for it.
    Count { conversation: ConversationId, version: Version, agent: UserId },
    /// Capacity is reserved for a conversation that is not assigned to the agent. `reserved_at` is the
    /// version of the conversation in the reservation.
    Release { conversation: ConversationId, reserved_at: Version, agent: UserId },
    /// An assignment was interrupted between the reservation and the conversation.
    Drop { conversation: ConversationId, version: Version, agent: UserId },
}

impl RoutingAction {
    pub fn conversation(&self) -> ConversationId {
        match self {
            Self::Assign { conversation, .. }
            | Self::Offer { conversation, .. }
            | Self::ExpireOffer { conversation, .. }
            | Self::Queue { conversation, .. }
            | Self::Overflow { conversation, .. }
            | Self::TimeOut { conversation, .. }
            | Self::ReturnToQueue { conversation, .. }
            | Self::Count { conversation, .. }
            | Self::Release { conversation, .. }
            | Self::Drop { conversation, .. } => *conversation,
        }
    }

    /// The agent whom the action concerns. `None` when it concerns several or none.
    pub fn agent(&self) -> Option<UserId> {
        match self {
            Self::Assign { agent, .. }
            | Self::ReturnToQueue { agent, .. }
            | Self::Count { agent, .. }
            | Self::Release { agent, .. }
            | Self::Drop { agent, .. } => Some(*agent),
            Self::Offer { .. }
            | Self::ExpireOffer { .. }
            | Self::Queue { .. }
            | Self::Overflow { .. }
            | Self::TimeOut { .. } => None,
        }
    }
}

/// A conversation that is not closed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RoutedConversation {
    version: Version,
    lifecycle: Lifecycle,
    priority: Priority,
    labels: BTreeSet<String>,
    /// From the bot's classification.
    topics: BTreeMap<String, String>,
    requirements: Requirements,
    wait: Wait,
}

impl RoutedConversation {
    /// The agent to whom the conversation is assigned.
    fn holder(&self) -> Option<UserId> {
        self.lifecycle.holder()
    }

    fn queue_key(&self, id: ConversationId) -> Option<QueueKey> {
        Some(QueueKey { priority: Reverse(self.priority.rank()), since: self.wait.since?, id })
    }
}

/// The position of a conversation among those that wait: the oldest of the highest priority is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct QueueKey {
    priority: Reverse<i64>,
    since: Timestamp,
    id: ConversationId,
}

/// The routing state of one account.
#[derive(Clone, Debug)]
pub struct AccountRouting {
    account: AccountId,
    members: BTreeSet<UserId>,
    teams: Teams,
    queues: Queues,
    bot_rules: BotRules,
    conversations: HashMap<ConversationId, RoutedConversation>,
    waiting: BTreeSet<QueueKey>,
    /// The agents of the last round-robin turns, for each team and for conversations without one.
    turns: BTreeMap<Option<TeamId>, UserId>,
    /// How quickly each team's queue moves.
    paces: BTreeMap<Option<TeamId>, Pace>,
    /// The time of each agent's last assignment or offer in this account.
    offered: HashMap<UserId, Timestamp>,
    open_offers: BTreeSet<ConversationId>,
    /// Reservations whose conversations have not been assigned yet.
    unsettled: BTreeSet<(UserId, ConversationId)>,
    /// The agents who went offline and still have conversations. They are checked in each round until they
    /// are back or have none.
    offline: BTreeSet<UserId>,
    changed_agents: BTreeSet<UserId>,
    changed_conversations: BTreeSet<ConversationId>,
    /// Whether each agent could take a conversation in the last round.
    was_available: HashMap<UserId, bool>,
    /// The times at which conversations are checked again.
    timers: BTreeSet<(Timestamp, ConversationId)>,
}

impl AccountRouting {
    pub(super) fn of(account: AccountId) -> Self {
        Self {
            account,
            members: BTreeSet::new(),
            teams: Teams::default(),
            queues: Queues::default(),
            bot_rules: BotRules::default(),
            conversations: HashMap::new(),
            waiting: BTreeSet::new(),
            turns: BTreeMap::new(),
            paces: BTreeMap::new(),
            offered: HashMap::new(),
            open_offers: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            offline: BTreeSet::new(),
            changed_agents: BTreeSet::new(),
            changed_conversations: BTreeSet::new(),
            was_available: HashMap::new(),
            timers: BTreeSet::new(),
        }
    }

    /// The queue of a team, or else that of conversations without a team.
    pub fn queue_of(&self, team: Option<TeamId>) -> Option<&Queue> {
        let of = |team: Option<TeamId>| self.queues.iter().find(|queue| queue.team_id == team);
        of(team).or_else(|| of(None))
    }

    /// `true` when capacity counts in this account: it has a queue.
    pub fn routes(&self) -> bool {
        self.queues.iter().next().is_some()
    }

    /// `true` when routing assigns agents in this account: it has a queue, or a bot rule that names a
    /// strategy.
    pub fn finds_agents(&self) -> bool {
        let names_strategy = |rule: &BotRule| rule.actions.assign_strategy.is_some();
        self.routes() || self.bot_rules.iter().any(names_strategy)
    }

    /// The conversations that wait for a team, first to last.
    pub fn waiting_for(&self, team: Option<TeamId>) -> impl Iterator<Item = ConversationId> {
        let of_team = move |id: &ConversationId| {
            self.conversations.get(id).is_some_and(|routed| routed.lifecycle.team_id == team)
        };
        self.waiting.iter().map(|key| key.id).filter(of_team)
    }

    fn strategy_for(&self, routed: &RoutedConversation) -> Option<RoutingStrategy> {
        let usual = self.queue_of(routed.lifecycle.team_id).map(|queue| queue.strategy);
        routed.wait.strategy.or(usual)
    }

    fn pool(&self, team: Option<TeamId>) -> Vec<UserId> {
        match team.and_then(|team| self.teams.get(team)) {
            Some(team) => {
                let members: BTreeSet<_> = team.member_ids.iter().copied().collect();
                members.intersection(&self.members).copied().collect()
            }
            None => self.members.iter().copied().collect(),
        }
    }

    fn belongs(&self, agent: UserId, team: Option<TeamId>) -> bool {
        self.members.contains(&agent)
            && team.and_then(|team| self.teams.get(team)).is_none_or(|team| team.member_ids.contains(&agent))
    }

    /// Until when routing leaves the conversation to the bot. `None` when it does not.
    fn bot_until(&self, routed: &RoutedConversation) -> Option<Timestamp> {
        let untouched = self.has_bot()
            && !routed.wait.handed_off
            && routed.wait.strategy.is_none()
            && routed.lifecycle.status == Status::Open;
        routed.wait.since.filter(|_| untouched).map(|since| since + super::BOT_TIMEOUT)
    }

    fn has_bot(&self) -> bool {
        self.bot_rules.iter().any(|rule| rule.is_active)
    }

    /// `true` when an action may have come due since the last planning.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.next_moment().is_some_and(|moment| moment <= now)
            || !self.waiting.is_empty()
            || !self.unsettled.is_empty()
            || !self.offline.is_empty()
    }

    pub(super) fn next_moment(&self) -> Option<Timestamp> {
        self.timers.first().map(|(moment, _)| *moment)
    }

    pub(super) fn retry(&mut self, action: &RoutingAction) {
        self.changed_conversations.insert(action.conversation());
        self.changed_agents.extend(action.agent());
    }

    pub(super) fn agent_changed(&mut self, user: UserId) {
        self.members.insert(user);
        self.changed_agents.insert(user);
    }

    pub(super) fn capacity_reserved(&mut self, user: UserId, conversation: ConversationId) {
        self.changed_agents.insert(user);
        self.unsettled.insert((user, conversation));
    }
}

/// How long an agent who went offline keeps the conversations. `None` when they keep them for ever.
fn return_delay(queue: Option<&Queue>) -> Option<Duration> {
    use event_schemas::routing::WhenOffline;
    let queue = queue.filter(|queue| queue.when_offline == WhenOffline::GiveBack)?;
    Some(Duration::from_secs(queue.give_back_seconds.into()))
}

/// Whether there is a conversation that the agent could take now.
fn is_available(agent: &Agent, planned: u32, now: Timestamp) -> bool {
    let none = Requirements { channel_type: ChannelType::Api, topics: Vec::new(), language: None };
    match ineligibility(agent, agent.active() + planned, &none, now) {
        None => true,
        Some(reason) => {
            reason == event_schemas::routing::Ineligible::Channel
                && agent.active() + planned < agent.preferences().max_concurrent_conversations
        }
    }
}
