//! Random events of several days, generated from a seed. The same seed gives the same events.

#![allow(dead_code, reason = "two test binaries use this file, each another part of it")]

use event_schemas::agent::{AgentRegistered, Preferences, PreferencesChanged};
use event_schemas::catalogue::{
    CannedResponse, CannedResponseDefined, CannedResponseRetired, CatalogueKind, Channel, ChannelDefined,
    Secret, SlaPolicy, SlaPolicyDefined, SlaTargets, Team, TeamDefined, TeamRetired,
};
use event_schemas::contact::{ContactSeen, IdentifierLinked, IdentifierUnlinked};
use event_schemas::conversation::*;
use event_schemas::inbound::WebhookRejected;
use event_schemas::message::{ChannelType, Content, Priority, SenderType};
use event_schemas::*;
use event_store::{EventStore, Expected};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// Pseudo-random numbers from a seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

struct Conversation {
    id: ConversationId,
    stream: StreamId,
    account: AccountId,
    open: bool,
    resolved: bool,
    received: u32,
    outgoing: Vec<MessageId>,
    labels: Vec<String>,
    priority: Priority,
}

/// One append.
pub struct Append {
    pub stream: StreamId,
    pub events: Vec<NewEvent>,
}

pub struct Scenario {
    pub random: Random,
    now: Timestamp,
    pub accounts: Vec<AccountId>,
    pub agents: Vec<UserId>,
    pub teams: Vec<TeamId>,
    pub channels: Vec<ChannelId>,
    pub labels: Vec<String>,
    conversations: Vec<Conversation>,
    ids: u128,
    pub appends: Vec<Append>,
}

pub const START: Timestamp = Timestamp::from_secs(1_795_000_000);

impl Scenario {
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            now: START,
            accounts: (1..=2).map(|n| AccountId::from_u128(0xacc0 + n)).collect(),
            agents: (1..=4).map(|n| UserId::from_u128(0xa6e0 + n)).collect(),
            teams: (1..=3).map(|n| TeamId::from_u128(0x7ea0 + n)).collect(),
            channels: (1..=3).map(|n| ChannelId::from_u128(0xc4a0 + n)).collect(),
            labels: ["billing", "refund", "technical", "vip"].map(str::to_owned).to_vec(),
            conversations: Vec::new(),
            ids: u128::from(seed) << 64,
            appends: Vec::new(),
        }
    }

    fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::new_v5(&Uuid::nil(), &self.ids.to_be_bytes())
    }

    fn metadata(&self, account: AccountId) -> Metadata {
        Metadata {
            account_id: account,
            actor: Actor::system("scenario"),
            correlation_id: Uuid::from_u128(1),
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: self.now,
        }
    }

    pub fn record<E: Events>(
        &mut self,
        stream: StreamId,
        account: AccountId,
        events: impl IntoIterator<Item = E>,
    ) {
        let mut new = Vec::new();
        for event in events {
            let id = EventId(self.id());
            new.push(NewEvent::of(id, &event, self.metadata(account)));
        }
        self.appends.push(Append { stream, events: new });
    }

    /// Generates this many random steps.
    pub fn run(&mut self, steps: usize) -> &mut Self {
        for _ in 0..steps {
            let pause = self.random.below(90_000);
            // Some events have the same time.
            if self.random.chance(80) {
                self.now = self.now + Duration::from_millis(pause as u64);
            }
            match self.random.below(20) {
                0..3 => self.open(),
                3 | 4 => self.record_other_subject(),
                _ if self.conversations.is_empty() => self.open(),
                _ => self.advance(),
            }
        }
        self
    }

    pub fn open(&mut self) {
        let account = *self.random.pick(&self.accounts.clone());
        let channel = *self.random.pick(&self.channels.clone());
        let number = format!("2519{}", self.random.below(40));
        let ordinal = self.conversations.len() as u32;
        let id = ConversationId(self.id());
        let identifier = ContactIdentifierId::of(account, "whatsapp", &number);
        let name = self.random.chance(70).then(|| format!("Customer {number}"));
        self.record(
            StreamId::contact(identifier),
            account,
            [ContactEvent::from(ContactSeen {
                identifier_id: identifier,
                contact_id: identifier.own_contact(),
                channel_type: ChannelType::WhatsApp,
                identifier: number.clone(),
                display_name: name.clone(),
            })],
        );
        let priority = *self.random.pick(Priority::ALL);
        let stream = StreamId::conversation(id);
        let opened = ConversationOpened {
            conversation_id: id,
            account_id: account,
            channel_id: channel,
            channel_type: ChannelType::WhatsApp,
            contact_id: identifier.own_contact(),
            contact_identifier: number,
            display_name: name,
            ordinal,
            subject: None,
            priority,
            language: None,
            metadata: Default::default(),
        };
        let mut events = vec![ConversationEvent::from(opened)];
        if self.random.chance(60) {
            events.push(SlaApplied { policy: self.policy(), calendar: None }.into());
        }
        let received = self.received();
        events.push(received);
        self.record(stream.clone(), account, events);
        self.conversations.push(Conversation {
            id,
            stream,
            account,
            open: true,
            resolved: false,
            received: 1,
            outgoing: Vec::new(),
            labels: Vec::new(),
            priority,
        });
    }

    fn policy(&self) -> SlaPolicy {
        let targets = SlaTargets {
            first_response_seconds: Some(60),
            next_response_seconds: Some(120),
            resolution_seconds: Some(3600),
        };
        SlaPolicy {
            id: SlaPolicyId::from_u128(0x51a),
            name: "Quick".to_owned(),
            description: None,
            is_active: true,
            order: 0,
            channel_ids: Vec::new(),
            team_ids: Vec::new(),
            calendar_id: None,
            targets: [Priority::Normal, Priority::High, Priority::Urgent]
                .map(|priority| (priority, targets))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            warn_before_seconds: Some(20),
            pause_while_pending: true,
        }
    }

    /// A customer's message. Some come late, and then the provider gives the time at which they were said in seconds.
    fn received(&mut self) -> ConversationEvent {
        let id = self.id();
        let sent_at = match self.random.below(4) {
            0 => {
                Timestamp::from_secs(self.now.as_micros() / 1_000_000 - 1 - self.random.below(20_000) as i64)
            }
            _ => self.now,
        };
        MessageReceived {
            message_id: MessageId(id),
            provider_message_id: Some(format!("wamid.{id}")),
            body: Content::text("Good morning, I was charged twice for the same order and nobody answers"),
            reply_to: None,
            sent_at,
            metadata: Default::default(),
        }
        .into()
    }

    pub fn advance(&mut self) {
        // A recent conversation is likelier to continue.
        let count = self.conversations.len();
        let index = if self.random.chance(70) {
            count - 1 - self.random.below(count.min(6))
        } else {
            self.random.below(count)
        };
        let agent = *self.random.pick(&self.agents.clone());
        let team = *self.random.pick(&self.teams.clone());
        let (message, kind) = (MessageId(self.id()), self.random.below(24));
        let label = self.random.pick(&self.labels.clone()).clone();
        let priority = *self.random.pick(Priority::ALL);
        let received = self.received();
        let snooze = self.random.chance(50).then(|| self.now + Duration::from_secs(600));
        let (some, body) = (self.random.chance(50), self.random.below(2));
        let now = self.now;
        let report = self.conversations[index].outgoing.last().copied();
        let conversation = &mut self.conversations[index];
        let name = Some(format!("Agent {agent}"));
        let mut events: Vec<ConversationEvent> = Vec::new();
        if !conversation.open {
            return;
        }
        match kind {
            0..7 => {
                if conversation.resolved {
                    conversation.resolved = false;
                    events.push(Reopened { cause: ReopenCause::CustomerMessage, reason: None }.into());
                }
                conversation.received += 1;
                events.push(received);
            }
            7..12 => {
                conversation.outgoing.push(message);
                let text = ["We are looking into it.", "It was paid back  today.\nAnything else?"][body];
                events.push(
                    MessageSent {
                        message_id: message,
                        to: None,
                        sender_type: if some { SenderType::Agent } else { SenderType::Bot },
                        sender_id: some.then_some(agent),
                        sender_name: name,
                        body: Content::text(text),
                        template: None,
                        in_reply_to: None,
                        in_reply_to_provider_id: None,
                        metadata: Default::default(),
                        scheduled_at: None,
                    }
                    .into(),
                );
            }
            12 | 13 => {
                if let Some(message_id) = report {
                    let provider_message_id = format!("out.{message_id}");
                    events.push(match (body, some) {
                        (0, true) => MessageDispatched { message_id, provider_message_id, time: now }.into(),
                        (0, false) => MessageDelivered { message_id, provider_message_id, time: now }.into(),
                        (_, true) => MessageRead { message_id, provider_message_id, time: now }.into(),
                        (_, false) => MessageFailed {
                            message_id,
                            provider_message_id: None,
                            time: now,
                            code: "131047".to_owned(),
                            reason: "too late".to_owned(),
                        }
                        .into(),
                    });
                }
            }
            14 => events.push(
                NoteAdded {
                    message_id: message,
                    author_id: agent,
                    author_name: name,
                    content: "Called the bank".to_owned(),
                    mentions: vec![agent],
                }
                .into(),
            ),
            15 | 16 => events.push(
                Assigned {
                    assignee_id: (some || body == 0).then_some(agent),
                    assignee_name: (some || body == 0).then_some("Somebody".to_owned()),
                    team_id: (!some || body == 1).then_some(team),
                    strategy: Some(AssignStrategy::Manual),
                    route_by: None,
                    assigned_by: Some(agent),
                    reason: None,
                    decision: None,
                    offer_id: None,
                    overridden: None,
                }
                .into(),
            ),
            17 => events.push(
                Unassigned {
                    assignee_id: Some(agent),
                    team_id: some.then_some(team),
                    unassigned_by: None,
                    reason: None,
                }
                .into(),
            ),
            18 if !conversation.resolved => events.push(MarkedPending { until: snooze, reason: None }.into()),
            19 if !conversation.resolved => {
                conversation.resolved = true;
                events.push(Resolved { reason: None }.into());
            }
            20 if some && conversation.resolved => {
                conversation.open = false;
                events.push(Closed { reason: None }.into());
            }
            20 => events.push(
                BotContextCollected {
                    fields: json!({ "order": body }).as_object().cloned().unwrap_or_default(),
                }
                .into(),
            ),
            21 => {
                events.push(PriorityChanged { old: conversation.priority, new: priority }.into());
                conversation.priority = priority;
            }
            22 => {
                let there = conversation.labels.iter().position(|has| *has == label);
                let (added, removed) = match there {
                    Some(index) => (vec![], vec![conversation.labels.remove(index)]),
                    None => {
                        conversation.labels.push(label.clone());
                        (vec![label], vec![])
                    }
                };
                events.push(LabelsChanged { added, removed }.into());
            }
            _ => events.push(SeenByAgent { agent_id: agent, received: conversation.received }.into()),
        }
        let (stream, account) = (conversation.stream.clone(), conversation.account);
        if !events.is_empty() {
            self.record(stream, account, events);
        }
    }

    fn record_other_subject(&mut self) {
        let account = *self.random.pick(&self.accounts.clone());
        let agent = *self.random.pick(&self.agents.clone());
        let n = self.random.below(4);
        let salt = account.0.as_u128() << 8;
        match self.random.below(10) {
            0 => {
                let team = Team {
                    id: TeamId::from_u128(salt + n as u128),
                    name: format!("Team {n}"),
                    description: None,
                    lead_id: None,
                    member_ids: vec![agent],
                };
                self.record(
                    StreamId::catalogue(CatalogueKind::Teams, account),
                    account,
                    [CatalogueEvent::from(TeamDefined { team })],
                );
            }
            1 => self.record(
                StreamId::catalogue(CatalogueKind::Teams, account),
                account,
                [CatalogueEvent::from(TeamRetired { id: TeamId::from_u128(salt + n as u128) })],
            ),
            2 => {
                let canned_response = CannedResponse {
                    id: CannedResponseId::from_u128(salt + n as u128),
                    short_code: format!("/reply{n}"),
                    title: "Hello".to_owned(),
                    content: "Hello {{contact_name}}".to_owned(),
                    category: None,
                    created_by: Some(agent),
                };
                self.record(
                    StreamId::catalogue(CatalogueKind::CannedResponses, account),
                    account,
                    [CatalogueEvent::from(CannedResponseDefined { canned_response })],
                );
            }
            3 => self.record(
                StreamId::catalogue(CatalogueKind::CannedResponses, account),
                account,
                [CatalogueEvent::from(CannedResponseRetired {
                    id: CannedResponseId::from_u128(salt + n as u128),
                })],
            ),
            4 => {
                let channel = Channel {
                    id: ChannelId::from_u128(salt + n as u128),
                    channel_type: ChannelType::WhatsApp,
                    name: format!("Channel {n}"),
                    credentials: [("app_secret".to_owned(), Secret("hush".to_owned()))].into(),
                    base_url: None,
                    is_enabled: true,
                };
                self.record(
                    StreamId::catalogue(CatalogueKind::Channels, account),
                    account,
                    [CatalogueEvent::from(ChannelDefined { channel })],
                );
            }
            5 => {
                let sla_policy = SlaPolicy { id: SlaPolicyId::from_u128(salt + 1), ..self.policy() };
                self.record(
                    StreamId::catalogue(CatalogueKind::SlaPolicies, account),
                    account,
                    [CatalogueEvent::from(SlaPolicyDefined { sla_policy })],
                );
            }
            6 => self.record(
                StreamId::agent(agent),
                account,
                [AgentEvent::from(AgentRegistered {
                    account_id: account,
                    user_id: agent,
                    name: "Ana".to_owned(),
                    email: None,
                })],
            ),
            7 => {
                let preferences =
                    Preferences { max_concurrent_conversations: n as u32, ..Default::default() };
                self.record(
                    StreamId::agent(agent),
                    account,
                    [AgentEvent::from(PreferencesChanged {
                        user_id: agent,
                        account_id: Some(account),
                        preferences,
                    })],
                );
            }
            8 => {
                let number = format!("2519{}", self.random.below(40));
                let id = ContactIdentifierId::of(account, "whatsapp", &number);
                let event: ContactEvent = if self.random.chance(80) {
                    IdentifierLinked {
                        identifier_id: id,
                        contact_id: ContactId::from_u128(salt + n as u128),
                        channel_type: ChannelType::WhatsApp,
                        identifier: number,
                        display_name: Some("Kebede".to_owned()),
                        metadata: Default::default(),
                    }
                    .into()
                } else {
                    IdentifierUnlinked { identifier_id: id, contact_id: id.own_contact() }.into()
                };
                self.record(StreamId::contact(id), account, [event]);
            }
            _ => {
                let channel = *self.random.pick(&self.channels.clone());
                let rejected = WebhookRejected {
                    channel_id: channel,
                    channel_type: ChannelType::WhatsApp,
                    reason: "not JSON".to_owned(),
                    body: "{".to_owned(),
                    body_base64: None,
                };
                self.record(StreamId::inbound(channel), account, [InboundEvent::from(rejected)]);
            }
        }
    }

    /// Appends the generated events that are not appended yet.
    pub async fn write(&mut self, store: &dyn EventStore) {
        for append in self.appends.drain(..) {
            store
                .append(&append.stream, Expected::Any, append.events)
                .await
                .expect("the append should succeed");
        }
    }
}
