//! An account with a history: typical conversations, appended directly to a log.
//!
//! The older conversations are closed and the newest are open; three in five of the open ones are assigned.

use crate::progress::ProgressLine;
use event_schemas::bot::{BotSettings, BotSettingsDefined};
use event_schemas::catalogue::{CatalogueKind, Channel, ChannelDefined, Secret};
use event_schemas::contact::ContactSeen;
use event_schemas::conversation::{
    AssignStrategy, Assigned, Closed, ConversationOpened, MessageDispatched, MessageReceived, MessageSent,
};
use event_schemas::message::{ChannelType, Content, Priority, SenderType};
use event_schemas::{
    AccountId, Actor, CatalogueEvent, ChannelId, Clock, ContactEvent, ContactIdentifierId, ConversationEvent,
    ConversationId, EventId, Events, MessageId, Metadata, Position, Recorded, StreamId, Timestamp, UserId,
    Version,
};
use event_store::EventStore;
use serde_json::Map;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// The number of events that are appended at once.
const BATCH: usize = 8_000;

/// The time between the beginnings of two conversations.
pub const INTERVAL: Duration = Duration::from_secs(10);
/// How long a conversation lasts.
const LENGTH: Duration = Duration::from_secs(600);

/// The ids of the account, its channel and its agents.
#[derive(Clone, Debug)]
pub struct Desk {
    pub account: AccountId,
    pub channel: ChannelId,
    pub app_secret: String,
    pub agents: Vec<UserId>,
}

impl Desk {
    pub const PHONE_NUMBER_ID: &str = "100200300";

    pub fn new(clock: &Clock) -> Self {
        Self::with_agents(clock, 50)
    }

    pub fn with_agents(clock: &Clock, agents: u64) -> Self {
        Self {
            account: AccountId(clock.fresh_id()),
            channel: ChannelId(clock.fresh_id()),
            app_secret: clock.fresh_id().simple().to_string(),
            agents: (0..agents).map(|_| UserId(clock.fresh_id())).collect(),
        }
    }

    pub fn phone(customer: u64) -> String {
        format!("2519{customer:08}")
    }

    /// The first conversation of a customer.
    pub fn conversation(&self, customer: u64) -> ConversationId {
        ConversationId::of(self.channel, &Self::phone(customer), 0)
    }

    /// Appends the channel and the conversations, of which `open` are open. Returns the number of events.
    pub async fn seed(
        &self,
        store: &Arc<dyn EventStore>,
        clock: &Clock,
        conversations: u64,
        open: u64,
    ) -> anyhow::Result<u64> {
        let mut line = ProgressLine::start("events written");
        let (began, _) = self.period(clock, conversations);
        let mut events = self.settings(began).to_vec();
        let mut written = 0;
        let mut writing = tokio::spawn(async { anyhow::Ok(()) });
        for customer in 0..conversations {
            let at = began + INTERVAL * u32::try_from(customer).unwrap_or(u32::MAX);
            let is_open = customer + open >= conversations;
            self.add_conversation(&mut events, customer, is_open, is_open && customer % 5 >= 3, at);
            if events.len() >= BATCH || customer + 1 == conversations {
                let batch = std::mem::take(&mut events);
                written += batch.len() as u64;
                // While a batch is written, the next one is generated.
                writing.await??;
                let store = Arc::clone(store);
                writing = tokio::spawn(async move {
                    store.import(batch).await?;
                    Ok(())
                });
                line.show(written, 0);
            }
        }
        writing.await??;
        line.finish(written);
        Ok(written)
    }

    /// When the first of these conversations begins, and how long each lasts. They are in the past, so that later events
    /// are not dated before them.
    pub fn period(&self, clock: &Clock, conversations: u64) -> (Timestamp, Duration) {
        let all = INTERVAL * u32::try_from(conversations).unwrap_or(u32::MAX);
        (clock.now() - all - LENGTH, LENGTH)
    }

    /// The channel and the bot's settings.
    pub fn settings(&self, at: Timestamp) -> [Recorded; 2] {
        [self.channel_defined(at), self.expiry_disabled(at)]
    }

    pub fn agent_of(&self, customer: u64) -> UserId {
        self.agents[customer as usize % self.agents.len()]
    }

    /// Disables expiry, because the open conversations are old and would all expire at once.
    fn expiry_disabled(&self, at: Timestamp) -> Recorded {
        let bot_settings = BotSettings { expire_after_seconds: None, ..BotSettings::usual(self.account) };
        let stream = StreamId::catalogue(CatalogueKind::BotSettings, self.account);
        let event = CatalogueEvent::from(BotSettingsDefined { bot_settings });
        self.recorded(&stream, 0, &event, Actor::system("bench"), at)
    }

    fn channel_defined(&self, at: Timestamp) -> Recorded {
        let secret = |text: &str| Secret(text.to_owned());
        let channel = Channel {
            id: self.channel,
            channel_type: ChannelType::WhatsApp,
            name: "WhatsApp".to_owned(),
            credentials: [
                ("phone_number_id", secret(Self::PHONE_NUMBER_ID)),
                ("access_token", secret("bench")),
                ("app_secret", secret(&self.app_secret)),
                ("verify_token", secret("bench")),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            base_url: None,
            is_enabled: true,
        };
        let stream = StreamId::catalogue(CatalogueKind::Channels, self.account);
        let event = CatalogueEvent::from(ChannelDefined { channel });
        self.recorded(&stream, 0, &event, Actor::system("bench"), at)
    }

    /// Adds the events of a customer's conversation. One that waits has no agent.
    pub fn add_conversation(
        &self,
        events: &mut Vec<Recorded>,
        customer: u64,
        open: bool,
        waits: bool,
        at: Timestamp,
    ) {
        let phone = Self::phone(customer);
        let name = format!("Customer {customer}");
        let identifier_id = ContactIdentifierId::of(self.account, "whatsapp", &phone);
        let contact_id = identifier_id.own_contact();
        let seen = ContactEvent::from(ContactSeen {
            identifier_id,
            contact_id,
            channel_type: ChannelType::WhatsApp,
            identifier: phone.clone(),
            display_name: Some(name.clone()),
        });
        events.push(self.recorded(&StreamId::contact(identifier_id), 0, &seen, Actor::contact(), at));

        let conversation_id = self.conversation(customer);
        let stream = StreamId::conversation(conversation_id);
        let mut version = 0;
        let mut record = |event: ConversationEvent, actor: Actor, seconds: u64| {
            let at = at + Duration::from_secs(seconds);
            events.push(self.recorded(&stream, version, &event, actor, at));
            version += 1;
        };
        let opened = ConversationOpened {
            conversation_id,
            account_id: self.account,
            channel_id: self.channel,
            channel_type: ChannelType::WhatsApp,
            contact_id,
            contact_identifier: phone,
            display_name: Some(name),
            ordinal: 0,
            subject: None,
            priority: Priority::ALL[customer as usize % Priority::ALL.len()],
            language: None,
            metadata: Map::new(),
        };
        record(opened.into(), Actor::contact(), 0);
        let provider_id = format!("wamid.past.{customer}");
        let received = MessageReceived {
            message_id: EventId::reported(self.channel, &provider_id, "received").into(),
            provider_message_id: Some(provider_id),
            body: Content::text(format!("Hello, my order {customer} has not arrived yet. Where is it?")),
            reply_to: None,
            sent_at: at,
            metadata: Map::new(),
        };
        record(received.into(), Actor::contact(), 0);
        if waits {
            return;
        }
        let agent = self.agent_of(customer);
        let assigned = Assigned {
            assignee_id: Some(agent),
            assignee_name: Some("An agent".to_owned()),
            team_id: None,
            strategy: Some(AssignStrategy::Claimed),
            route_by: None,
            assigned_by: Some(agent),
            reason: None,
            decision: None,
            offer_id: None,
            overridden: None,
        };
        record(assigned.into(), Actor::user(agent, None), 60);
        if open {
            return;
        }
        let message_id = MessageId(EventId::caused(self.account, &format!("answer {customer}"), 0).0);
        let sent = MessageSent {
            message_id,
            to: None,
            sender_type: SenderType::Agent,
            sender_id: Some(agent),
            sender_name: Some("An agent".to_owned()),
            body: Content::text("It left our house this morning and will be with you tomorrow."),
            template: None,
            in_reply_to: None,
            in_reply_to_provider_id: None,
            metadata: Map::new(),
            scheduled_at: None,
        };
        record(sent.into(), Actor::user(agent, None), 90);
        let dispatched = MessageDispatched {
            message_id,
            provider_message_id: format!("wamid.answer.{customer}"),
            time: at + Duration::from_secs(91),
        };
        record(dispatched.into(), Actor::system("outbound-delivery"), 91);
        record(Closed { reason: None }.into(), Actor::user(agent, None), LENGTH.as_secs());
    }

    pub fn recorded(
        &self,
        stream: &StreamId,
        version: u64,
        event: &impl Events,
        actor: Actor,
        at: Timestamp,
    ) -> Recorded {
        let clock = Clock::System;
        Recorded {
            // The log assigns the position.
            position: Position::at(0),
            stream: stream.clone(),
            version: Version(version),
            id: clock.event_id(),
            event_type: Cow::Borrowed(event.event_type()),
            schema_version: event.schema_version(),
            recorded_at: at,
            metadata: Metadata {
                account_id: self.account,
                actor,
                correlation_id: clock.fresh_id(),
                causation_id: None,
                traceparent: None,
                request: None,
                credential: None,
                occurred_at: at,
            },
            data: event.encode(),
        }
    }
}
