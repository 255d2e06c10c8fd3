//! The simulated account: the real rules on real events, without storage.

use domain::agent::{
    EligibilityCheck, PresenceTimeouts, ReleaseCapacity, ReportPresence, ReportedPresence, ReserveCapacity,
};
use domain::conversation::{
    AcceptOffer, Assignee, Conversation, Enqueue, ExpireOffer, MakeOffer, Opening, Receive, Resolve, RouteTo,
};
use domain::routing::{RoutingAction, RoutingState};
use domain::{Decide, Evolve};
use event_schemas::agent::*;
use event_schemas::catalogue::{Weekday, WeeklyHours};
use event_schemas::message::{ChannelType, Content, Priority};
use event_schemas::routing::{Queue, QueueDefined};
use event_schemas::{
    AccountId, AgentEvent, ChannelId, ContactId, ConversationId, MessageId, OfferId, Timestamp, UserId,
    Version,
};
use serde_json::Map;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

pub const HERE: AccountId = AccountId::from_u128(1);
pub const ZONES: [&str; 4] = ["Africa/Addis_Ababa", "America/Sao_Paulo", "Asia/Kolkata", "Europe/Lisbon"];
const TOPICS: [&str; 3] = ["billing", "orders", "technical"];
const LANGUAGES: [&str; 3] = ["en", "am", "pt"];
const CHANNELS: [ChannelType; 3] = [ChannelType::WhatsApp, ChannelType::Sms, ChannelType::Email];

/// A small, repeatable source of random numbers (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }
    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
    fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        of.iter().filter(|_| self.one_in(2)).cloned().collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    Arrive(usize),
    Finish(ConversationId, UserId),
    Accept {
        conversation: ConversationId,
        offer: OfferId,
        agent: UserId,
    },
    SetAvailable(UserId, bool),
    Report(UserId, u8),
    /// A minute begins: an agent's working hours may begin with it.
    Minute,
}

pub struct World {
    pub now: Timestamp,
    pub midnight: Timestamp,
    pub routing: RoutingState,
    pub conversations: HashMap<ConversationId, (Conversation, Version)>,
    pub members: Vec<UserId>,
    lengths: Vec<u32>,
    inputs: BinaryHeap<Reverse<(Timestamp, u64, Input)>>,
    number: u64,
}

impl World {
    pub fn new(agents: usize, lengths: &[u32], chance: &mut Chance) -> Self {
        // Monday 5 January 2026 in UTC.
        let midnight = Timestamp::from_secs(1_767_571_200);
        let mut world = Self {
            now: midnight,
            midnight,
            routing: RoutingState::default(),
            conversations: HashMap::new(),
            members: (0..agents).map(|number| UserId::from_u128(0x1000 + number as u128)).collect(),
            lengths: lengths.to_vec(),
            inputs: BinaryHeap::new(),
            number: 0,
        };
        let queue = serde_json::json!({
            "id": "5f4e3d2c-1b0a-4c9d-8e7f-6a5b4c3d2e1f", "name": "All", "strategy": "least_busy"
        });
        let queue: Queue = serde_json::from_value(queue).unwrap();
        world.routing.apply_catalogue(HERE, &QueueDefined { queue }.into(), midnight);
        for user in world.members.clone() {
            world.add_agent(user, chance);
        }
        // Most conversations arrive around 10:00 and around 15:00.
        for index in 0..lengths.len() {
            let hour = if chance.one_in(3) { chance.below(24) } else { [10, 15][chance.below(2) as usize] };
            let second = hour * 3_600 + chance.below(7_200);
            world.at(second.min(86_000), Input::Arrive(index));
        }
        for minute in 0..24 * 60 {
            world.at(minute * 60, Input::Minute);
        }
        world
    }

    fn at(&mut self, second: u64, input: Input) {
        self.number += 1;
        self.inputs.push(Reverse((self.midnight + Duration::from_secs(second), self.number, input)));
    }

    fn after(&mut self, seconds: u64, input: Input) {
        self.number += 1;
        self.inputs.push(Reverse((self.now + Duration::from_secs(seconds), self.number, input)));
    }

    fn add_agent(&mut self, user_id: UserId, chance: &mut Chance) {
        let known = AgentRegistered { account_id: HERE, user_id, name: user_id.to_string(), email: None };
        self.apply_agent_event(user_id, known.into());
        let start = chance.below(24);
        let hours = AvailableHours {
            schedule: vec![WeeklyHours {
                days: vec![Weekday::Sun, Weekday::Mon],
                start: format!("{start:02}:{:02}", chance.below(60)),
                end: format!("{:02}:00", (start + 8) % 24),
            }],
            timezone: ZONES[chance.below(4) as usize].to_owned(),
        };
        let preferences = Preferences {
            available_channels: if chance.one_in(3) { chance.some(&CHANNELS) } else { Vec::new() },
            available_topics: chance.some(&TOPICS).into_iter().map(str::to_owned).collect(),
            available_hours: (!chance.one_in(5)).then_some(hours),
            leave: if chance.one_in(20) {
                vec![Leave { from: "2026-01-05".to_owned(), until: "2026-01-05".to_owned() }]
            } else {
                Vec::new()
            },
            languages: chance.some(&LANGUAGES).into_iter().map(str::to_owned).collect(),
            max_concurrent_conversations: 1 + chance.below(5) as u32,
            is_available: !chance.one_in(20),
            auto_accept: !chance.one_in(4),
            notification_preferences: NotificationPreferences::default(),
        };
        self.apply_agent_event(
            user_id,
            PreferencesChanged { user_id, account_id: Some(HERE), preferences }.into(),
        );
        for _ in 0..3 {
            let (second, on) = (chance.below(86_000), chance.one_in(2));
            self.at(second, Input::SetAvailable(user_id, on));
        }
        if chance.one_in(3) {
            for _ in 0..4 {
                let (second, reported) = (chance.below(86_000), chance.below(3) as u8);
                self.at(second, Input::Report(user_id, reported));
            }
        }
    }

    pub fn next(&mut self) -> Option<Input> {
        let Reverse((at, _, input)) = self.inputs.pop()?;
        self.now = at;
        (at < self.midnight + Duration::from_secs(86_400)).then_some(input)
    }

    pub fn apply_agent_event(&mut self, user: UserId, event: AgentEvent) {
        self.routing.apply_agent(user, &event, self.now);
    }

    fn decide(&mut self, id: ConversationId, command: &impl Decide<Conversation>) -> bool {
        let (conversation, version) = self.conversations.entry(id).or_default();
        let Ok(events) = command.decide(conversation, self.now) else { return false };
        for event in &events {
            let first = matches!(conversation, Conversation::NotOpened);
            conversation.evolve(event, self.now);
            *version = if first { Version::FIRST } else { version.next() };
            self.routing.apply_conversation(HERE, id, *version, event, self.now);
        }
        !events.is_empty()
    }

    fn decide_agent(
        &mut self,
        user: UserId,
        command: &impl Decide<domain::agent::Person, Rejection = domain::agent::Rejection>,
    ) -> bool {
        let events = command.decide(self.routing.person(user).unwrap(), self.now);
        let Ok(events) = events else { return false };
        events.iter().for_each(|event| self.apply_agent_event(user, event.clone()));
        true
    }

    /// Applies an input. Returns `false` when it was refused.
    pub fn apply(&mut self, input: &Input, chance: &mut Chance) -> bool {
        match input {
            Input::Minute => true,
            Input::Arrive(index) => self.arrive(*index, chance),
            Input::Finish(id, agent) => {
                let done = self.conversations[id].0.opened().unwrap().lifecycle.holder() == Some(*agent);
                done && self.decide(*id, &Resolve { reason: None })
            }
            Input::SetAvailable(user, on) => {
                let mut preferences = self.routing.agent(HERE, *user).unwrap().preferences().clone();
                preferences.is_available = *on;
                self.apply_agent_event(
                    *user,
                    PreferencesChanged { user_id: *user, account_id: Some(HERE), preferences }.into(),
                );
                true
            }
            Input::Report(user_id, reported) => {
                let reported = [ReportedPresence::Online, ReportedPresence::Away, ReportedPresence::Offline]
                    [usize::from(*reported)];
                let timeouts = PresenceTimeouts {
                    away_after: Duration::from_secs(7_200),
                    ..PresenceTimeouts::default()
                };
                self.decide_agent(
                    *user_id,
                    &ReportPresence { account_id: HERE, user_id: *user_id, reported, timeouts },
                )
            }
            Input::Accept { conversation, offer, agent } => {
                let (before, version) = &self.conversations[conversation];
                let command = AcceptOffer { offer_id: *offer, agent: Assignee { id: *agent, name: None } };
                // As on the write side, no capacity is reserved for a command that would be refused.
                if command.decide(before, self.now).map_or(true, |events| events.is_empty()) {
                    return false;
                }
                let version = *version;
                self.reserve_and(
                    *conversation,
                    version,
                    *agent,
                    EligibilityCheck::Capacity,
                    chance,
                    |world| world.decide(*conversation, &command),
                )
            }
        }
    }

    fn arrive(&mut self, index: usize, chance: &mut Chance) -> bool {
        let priority = Priority::ALL[chance.below(4) as usize];
        let channel_id = ChannelId::from_u128(7);
        let contact_identifier = format!("{index:06}");
        let id = ConversationId::of(channel_id, &contact_identifier, 0);
        let opening = Opening {
            account_id: HERE,
            channel_id,
            channel_type: CHANNELS[chance.below(3) as usize],
            contact_id: ContactId::from_u128(index as u128),
            contact_identifier,
            display_name: None,
            ordinal: 0,
            subject: None,
            priority,
            language: (!chance.one_in(3)).then(|| LANGUAGES[chance.below(3) as usize].to_owned()),
            metadata: Map::new(),
            sla: None,
        };
        let message = Receive {
            opening,
            message_id: MessageId::from_u128(index as u128),
            provider_message_id: None,
            body: Content::text("Hello"),
            reply_to: None,
            sent_at: self.now,
            metadata: Map::new(),
        };
        self.decide(id, &message);
        if chance.one_in(2) {
            let labels = [TOPICS[chance.below(3) as usize].to_owned()].into();
            self.decide(id, &domain::conversation::ChangeLabels { labels });
        }
        true
    }

    /// Reserves capacity, then executes the command.
    fn reserve_and(
        &mut self,
        id: ConversationId,
        version: Version,
        user_id: UserId,
        check: EligibilityCheck,
        chance: &mut Chance,
        then: impl FnOnce(&mut Self) -> bool,
    ) -> bool {
        let requirements = self.conversations[&id].0.opened().unwrap().requirements();
        let reserve = ReserveCapacity {
            account_id: HERE,
            user_id,
            conversation_id: id,
            conversation_version: version,
            requirements,
            check,
            forced: false,
        };
        if !self.decide_agent(user_id, &reserve) {
            return false;
        }
        if !then(self) {
            self.release(id, version, user_id);
            return false;
        }
        let turns = self.lengths[chance.below(self.lengths.len() as u64) as usize];
        let seconds = u64::from(turns) * (60 + chance.below(180));
        self.after(seconds, Input::Finish(id, user_id));
        true
    }

    fn release(&mut self, conversation_id: ConversationId, conversation_version: Version, user_id: UserId) {
        let command = ReleaseCapacity { account_id: HERE, user_id, conversation_id, conversation_version };
        self.decide_agent(user_id, &command);
    }

    pub fn plan(&mut self, chance: &mut Chance) -> Vec<RoutingAction> {
        let timeouts =
            PresenceTimeouts { away_after: Duration::from_secs(7_200), ..PresenceTimeouts::default() };
        for (user_id, ..) in self.routing.expired_presences(self.now) {
            self.decide_agent(
                user_id,
                &domain::agent::ExpirePresence { account_id: HERE, user_id, timeouts },
            );
        }
        self.routing.plan(self.now, chance.draw()).into_iter().map(|(_, action)| action).collect()
    }

    pub fn execute(&mut self, action: &RoutingAction, chance: &mut Chance) {
        match action.clone() {
            RoutingAction::Assign { conversation, version, agent, team, strategy, decision, lead } => {
                let assignee = Assignee { id: agent, name: None };
                let command = RouteTo { assignee, team_id: team, strategy, decision, lead };
                let done =
                    self.reserve_and(conversation, version, agent, EligibilityCheck::Full, chance, |world| {
                        world.decide(conversation, &command)
                    });
                assert!(done, "{action:?}");
            }
            RoutingAction::Offer { conversation, agents, team, strategy, until, decision, lead, .. } => {
                let offer = OfferId::from_u128(u128::from(chance.draw()));
                let [agent] = *agents else { panic!("{agents:?}") };
                let command =
                    MakeOffer { offer_id: offer, agents, team_id: team, strategy, until, decision, lead };
                assert!(self.decide(conversation, &command));
                self.after(1 + chance.below(45), Input::Accept { conversation, offer, agent });
            }
            RoutingAction::ExpireOffer { conversation, offer, .. } => {
                assert!(self.decide(conversation, &ExpireOffer { offer_id: offer }));
            }
            RoutingAction::Queue { conversation, team, position, decision, lead, .. } => {
                let reason = "no agent".to_owned();
                let command = Enqueue { team_id: team, position, reason, decision, lead };
                assert!(self.decide(conversation, &command));
            }
            RoutingAction::Release { conversation, reserved_at, agent } => {
                self.release(conversation, reserved_at, agent)
            }
            RoutingAction::Overflow { .. }
            | RoutingAction::TimeOut { .. }
            | RoutingAction::ReturnToQueue { .. }
            | RoutingAction::Count { .. }
            | RoutingAction::Drop { .. } => panic!("unexpected action: {action:?}"),
        }
    }

    /// The conversations that are neither assigned nor offered.
    pub fn waiting(&self) -> impl Iterator<Item = ConversationId> {
        let account = self.routing.account(HERE).unwrap();
        account.waiting_for(None).filter(|id| self.conversations[id].0.opened().unwrap().wait.offer.is_none())
    }

    pub fn holds(&self, id: ConversationId) -> Option<UserId> {
        self.conversations[&id].0.opened().ok()?.lifecycle.holder()
    }
}
