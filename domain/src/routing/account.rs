//! The routing state of one account: the waiting conversations, the agents, and the actions that are due.

mod apply;
mod plan;
mod reconcile;

use crate::agent::{Agent, Requirements, ineligibility};
use crate::catalogue::{BotRules, Queues, Teams};
use crate::conversation::Wait;
use crate::lifecycle::Lifecycle;
use crate::pace::Pace;
use event_schemas::bot::BotRule;
use event_schemas::conversation::AssignStrategy;
use event_schemas::message::{ChannelType, Priority, Status};
use event_schemas::routing::{Decision, Queue, RoutingStrategy};
use event_schemas::{AccountId, ConversationId, OfferId, TeamId, Timestamp, UserId, Version};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Something to be done. Each names the version of the conversation it was decided on, and is carried out at
/// that version or not at all.
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
    /// The offer is over: its time is, or who was asked has gone.
    Lapse { conversation: ConversationId, version: Version, offer: OfferId },
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
        /// How long it may take.
        wait: Option<Duration>,
    },
    /// The team's queue is full.
    Overflow {
        conversation: ConversationId,
        version: Version,
        to: TeamId,
        strategy: AssignStrategy,
        /// The strategy that was ordered for this conversation. `None` when the queue says how.
        route_by: Option<RoutingStrategy>,
    },
    /// The agent went offline and stays so.
    ReturnToQueue { conversation: ConversationId, version: Version, agent: UserId },
    /// A conversation has an agent who has no place for it: the place is counted.
    Count { conversation: ConversationId, version: Version, agent: UserId },
    /// A place is kept for what is not the agent's.
    Free { conversation: ConversationId, place: Version, agent: UserId },
    /// An assignment was interrupted between the reservation and the conversation.
    Drop { conversation: ConversationId, version: Version, agent: UserId },
}

impl RoutingAction {
    pub fn conversation(&self) -> ConversationId {
        match self {
            Self::Assign { conversation, .. }
            | Self::Offer { conversation, .. }
            | Self::Lapse { conversation, .. }
            | Self::Queue { conversation, .. }
            | Self::Overflow { conversation, .. }
            | Self::ReturnToQueue { conversation, .. }
            | Self::Count { conversation, .. }
            | Self::Free { conversation, .. }
            | Self::Drop { conversation, .. } => *conversation,
        }
    }

    /// The agent whom the action concerns. `None` when it concerns several or none.
    pub fn agent(&self) -> Option<UserId> {
        match self {
            Self::Assign { agent, .. }
            | Self::ReturnToQueue { agent, .. }
            | Self::Count { agent, .. }
            | Self::Free { agent, .. }
            | Self::Drop { agent, .. } => Some(*agent),
            Self::Offer { .. } | Self::Lapse { .. } | Self::Queue { .. } | Self::Overflow { .. } => None,
        }
    }
}

/// A conversation that is not closed.
#[derive(Clone, Debug)]
pub(super) struct RoutedConversation {
    version: Version,
    lifecycle: Lifecycle,
    priority: Priority,
    labels: BTreeSet<String>,
    /// From the bot's classification.
    topics: BTreeSet<String>,
    requirements: Requirements,
    wait: Wait,
}

impl RoutedConversation {
    /// The agent who works on it.
    fn holder(&self) -> Option<UserId> {
        self.lifecycle.holder()
    }

    fn line(&self, id: ConversationId) -> Option<QueueKey> {
        Some(QueueKey { priority: Reverse(self.priority.rank()), since: self.wait.since?, id })
    }
}

/// A place in the line: the oldest of the highest priority is first.
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
    cases: HashMap<ConversationId, RoutedConversation>,
    waiting: BTreeSet<QueueKey>,
    /// The agents of the last round-robin turns, for each team and for conversations without one.
    turns: BTreeMap<Option<TeamId>, UserId>,
    /// How quickly each team's queue moves.
    paces: BTreeMap<Option<TeamId>, Pace>,
    /// The time of each agent's last assignment or offer in this account.
    offered: HashMap<UserId, Timestamp>,
    open_offers: BTreeSet<ConversationId>,
    /// Places whose conversation has not said yet whose it is.
    unsettled: BTreeSet<(UserId, ConversationId)>,
    /// Since when an agent who left conversations behind has been offline is the agent's to say; these are
    /// looked at until they are back or have none.
    gone: BTreeSet<UserId>,
    changed_agents: BTreeSet<UserId>,
    changed_cases: BTreeSet<ConversationId>,
    /// Whether each could be given something when last looked at.
    could: HashMap<UserId, bool>,
    /// Moments at which a conversation is to be looked at again.
    later: BTreeSet<(Timestamp, ConversationId)>,
}

impl AccountRouting {
    pub(super) fn of(account: AccountId) -> Self {
        Self {
            account,
            members: BTreeSet::new(),
            teams: Teams::default(),
            queues: Queues::default(),
            bot_rules: BotRules::default(),
            cases: HashMap::new(),
            waiting: BTreeSet::new(),
            turns: BTreeMap::new(),
            paces: BTreeMap::new(),
            offered: HashMap::new(),
            open_offers: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            gone: BTreeSet::new(),
            changed_agents: BTreeSet::new(),
            changed_cases: BTreeSet::new(),
            could: HashMap::new(),
            later: BTreeSet::new(),
        }
    }

    /// The queue whose rules count for a team.
    pub fn queue_of(&self, team: Option<TeamId>) -> Option<&Queue> {
        let of = |team: Option<TeamId>| self.queues.iter().find(|queue| queue.team_id == team);
        of(team).or_else(|| of(None))
    }

    /// `true` when capacity counts in this account: it has a queue.
    pub fn routes(&self) -> bool {
        self.queues.iter().next().is_some()
    }

    /// `true` when agents are ever looked for: a queue says how, or a bot rule does.
    pub fn finds_agents(&self) -> bool {
        let says_how = |rule: &BotRule| rule.actions.assign_strategy.is_some();
        self.routes() || self.bot_rules.iter().any(says_how)
    }

    /// The conversations that wait for a team, first to last.
    pub fn line_of(&self, team: Option<TeamId>) -> impl Iterator<Item = ConversationId> {
        let of_team =
            move |id: &ConversationId| self.cases.get(id).is_some_and(|case| case.lifecycle.team_id == team);
        self.waiting.iter().map(|line| line.id).filter(of_team)
    }

    fn strategy_for(&self, case: &RoutedConversation) -> Option<RoutingStrategy> {
        let usual = self.queue_of(case.lifecycle.team_id).map(|queue| queue.strategy);
        case.wait.strategy.or(usual)
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

    /// Whether the bot still has the first word.
    fn is_the_bots(&self, case: &RoutedConversation) -> Option<Timestamp> {
        let untouched = self.has_a_bot()
            && !case.wait.handed_off
            && case.wait.strategy.is_none()
            && case.lifecycle.status == Status::Open;
        case.wait.since.filter(|_| untouched).map(|since| since + super::BOT_PATIENCE)
    }

    fn has_a_bot(&self) -> bool {
        self.bot_rules.iter().any(|rule| rule.is_active)
    }

    /// `true` when an action may have come due since the last planning.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.next_moment().is_some_and(|moment| moment <= now)
            || !self.waiting.is_empty()
            || !self.unsettled.is_empty()
            || !self.gone.is_empty()
    }

    pub(super) fn next_moment(&self) -> Option<Timestamp> {
        self.later.first().map(|(moment, _)| *moment)
    }

    pub(super) fn again(&mut self, step: &RoutingAction) {
        self.changed_cases.insert(step.conversation());
        self.changed_agents.extend(step.agent());
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

/// How long an agent who went offline keeps the conversations. `None` for good.
fn keeps_for(queue: Option<&Queue>) -> Option<Duration> {
    use event_schemas::routing::WhenOffline;
    let queue = queue.filter(|queue| queue.when_offline == WhenOffline::GiveBack)?;
    Some(Duration::from_secs(queue.give_back_seconds.into()))
}

/// Whether this agent could be given anything at all.
fn could_take(agent: &Agent, promised: u32, now: Timestamp) -> bool {
    let anything = Requirements { channel_type: ChannelType::Api, topics: Vec::new(), language: None };
    match ineligibility(agent, agent.active() + promised, &anything, now) {
        None => true,
        Some(reason) => {
            reason == event_schemas::routing::Ineligible::Channel
                && agent.active() + promised < agent.preferences().max_concurrent_conversations
        }
    }
}
