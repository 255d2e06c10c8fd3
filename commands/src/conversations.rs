//! The parts of the account's catalogues that decisions about a conversation need, read from their streams.

use crate::Commands;
use crate::customers::Identifiers;
use crate::execute::{CommandError, Context, LoadError, Outcome, Read};
use domain::conversation::{Assignee, ChannelState, Conversation, Message, Opening, Rejection};
use event_schemas::catalogue::{
    AccountSettings, BusinessCalendar, CalendarDefined, CatalogueKind, Channel, SlaPolicy, Team,
};
use event_schemas::conversation::SlaApplied;
use event_schemas::message::{Priority, SenderType};
use event_schemas::{
    AccountId, CalendarId, CatalogueEvent, ChannelId, ConversationId, Events, SlaPolicyId, StreamId, TeamId,
    UserId, Version,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::time::Duration;

/// The number of events that are read at once.
const PAGE: usize = 1000;

/// The conversation that an agent or another program begins.
#[derive(Clone, Debug)]
pub struct Begin {
    pub channel: Channel,
    pub contact_identifier: String,
    pub display_name: Option<String>,
    pub subject: Option<String>,
    pub priority: Priority,
    pub labels: BTreeSet<String>,
    pub metadata: Map<String, Value>,
    /// The first message. Its id is chosen when the conversation is opened. `None` when there is none.
    pub message: Option<Message>,
    /// Whether another program answers as the conversation's bot from the beginning.
    pub answered_by_program: bool,
}

impl Commands {
    /// The account's channel of this id, as it is stored: [`Commands::opened`] opens its credentials. `None` when it has
    /// none.
    pub async fn channel(&self, account: AccountId, id: ChannelId) -> Result<Option<Channel>, LoadError> {
        let channels = self.catalogue::<Channel>(account).current().await?;
        Ok(channels.state.get(id).cloned())
    }

    /// The account's channel of this id, at most one second old, for webhooks.
    pub(crate) async fn recent_channel(
        &self,
        account: AccountId,
        id: ChannelId,
    ) -> Result<Option<Channel>, LoadError> {
        self.catalogue::<Channel>(account).find_recent(|channels| channels.get(id).cloned()).await
    }

    /// The state of a conversation's channel, for messages of agents.
    pub async fn channel_state(
        &self,
        account: AccountId,
        stream: &StreamId,
    ) -> Result<ChannelState, LoadError> {
        let loaded = self.conversations.cached(stream).await?;
        let Ok(conversation) = loaded.state.opened() else {
            return Ok(ChannelState { is_enabled: false, reply_window: None });
        };
        let channel = self.channel(account, conversation.channel_id).await?;
        Ok(ChannelState {
            is_enabled: channel.is_some_and(|channel| channel.is_enabled),
            reply_window: self.providers.reply_window(conversation.channel_type, SenderType::Agent),
        })
    }

    /// For how long an agent can take a reply back before it is sent.
    pub async fn undo_send(&self, account: AccountId) -> Result<Duration, LoadError> {
        let settings = self.catalogue::<AccountSettings>(account).recent().await?;
        let seconds = settings.state.get(account).map_or(0, |settings| settings.undo_send_seconds);
        Ok(Duration::from_secs(seconds.into()))
    }

    pub async fn knows_team(&self, account: AccountId, id: TeamId) -> Result<bool, LoadError> {
        let teams = self.catalogue::<Team>(account).current().await?;
        Ok(teams.state.get(id).is_some())
    }

    /// An agent with their name in the account. The name is `None` when they are not registered in it.
    pub async fn assignee(&self, account: AccountId, id: UserId) -> Result<Assignee, LoadError> {
        let agent = self.agents.current(&StreamId::agent(id)).await?;
        Ok(Assignee { id, name: agent.state.in_account(account).name().map(str::to_owned) })
    }

    /// The SLA policy for a conversation on this channel, with its calendar, both at most one second old:
    /// every new conversation needs one, and policies seldom change.
    pub async fn sla_for(
        &self,
        account: AccountId,
        channel: ChannelId,
        team: Option<TeamId>,
    ) -> Result<Option<SlaApplied>, LoadError> {
        let policies = self.catalogue::<SlaPolicy>(account).recent().await?;
        match domain::sla::choose(policies.state.iter(), channel, team) {
            Some(policy) => self.with_calendar(account, policy.clone()).await.map(Some),
            None => Ok(None),
        }
    }

    /// The policy of this id, with its calendar. `None` when the account has no such policy.
    pub async fn sla_of_policy(
        &self,
        account: AccountId,
        policy: SlaPolicyId,
    ) -> Result<Option<SlaApplied>, LoadError> {
        let policies = self.catalogue::<SlaPolicy>(account).current().await?;
        match policies.state.get(policy) {
            Some(policy) => self.with_calendar(account, policy.clone()).await.map(Some),
            None => Ok(None),
        }
    }

    async fn with_calendar(&self, account: AccountId, policy: SlaPolicy) -> Result<SlaApplied, LoadError> {
        let calendar = match policy.calendar_id {
            None => None,
            Some(id) => {
                let calendars = self.catalogue::<BusinessCalendar>(account);
                match calendars.find_recent(|calendars| calendars.get(id).cloned()).await? {
                    Some(calendar) => Some(calendar),
                    // A calendar in use cannot be retired, but earlier versions let it be. Without its calendar
                    // the policy would count every hour.
                    None => self.retired_calendar(account, id).await?,
                }
            }
        };
        Ok(SlaApplied { policy, calendar })
    }

    /// The outcome of an earlier request with the same key, in whichever conversation it was.
    pub async fn begun_before(
        &self,
        context: &Context,
    ) -> Result<Option<Outcome<Conversation>>, CommandError<Rejection>> {
        match self.conversations.stream_of_key(context).await? {
            Some(stream) if stream.as_conversation().is_some() => {
                self.conversations.answered_before(&stream, context).await
            }
            Some(_) => Err(CommandError::KeyReused),
            None => Ok(None),
        }
    }

    /// A retired calendar as it was last defined.
    async fn retired_calendar(
        &self,
        account: AccountId,
        id: CalendarId,
    ) -> Result<Option<BusinessCalendar>, LoadError> {
        let stream = StreamId::catalogue(CatalogueKind::Calendars, account);
        let (mut last, mut from) = (None, Version::FIRST);
        loop {
            let page = self.store.read_stream(&stream, from, PAGE).await;
            let page = page.map_err(|error| LoadError::of(&stream, error))?;
            for recorded in &page {
                let event =
                    CatalogueEvent::decode(&recorded.event_type, recorded.schema_version, &recorded.data);
                if let Ok(CatalogueEvent::CalendarDefined(CalendarDefined { calendar })) = event
                    && calendar.id == id
                {
                    last = Some(calendar);
                }
            }
            match page.last() {
                Some(end) if page.len() == PAGE => from = end.version.next(),
                Some(_) | None => return Ok(last),
            }
        }
    }

    /// Opens a contact's conversation on a channel, unless one is open, and adds the labels and the first
    /// message. All events are in one append, so that nothing is stored when a part is refused.
    pub async fn begin(
        &self,
        begin: &Begin,
        context: &Context,
    ) -> Result<(ConversationId, Outcome<Conversation>), CommandError<Rejection>> {
        let kind = begin.channel.channel_type;
        let of = Identifiers { account: context.account, kind };
        let customer = self.customer(of, std::slice::from_ref(&begin.contact_identifier), Read::Log).await?;
        let display_name = begin.display_name.clone().or_else(|| customer.display_name().map(str::to_owned));
        for _ in 0..16 {
            let found = self.current_of_customer(of, begin.channel.id, &customer.names, Read::Log).await?;
            let current = found.current;
            let mut command = domain::conversation::Begin {
                opening: Opening {
                    account_id: context.account,
                    channel_id: begin.channel.id,
                    channel_type: kind,
                    contact_id: customer.contact_id,
                    contact_identifier: current.identifier.clone(),
                    display_name: display_name.clone(),
                    ordinal: current.ordinal,
                    subject: begin.subject.clone(),
                    priority: begin.priority,
                    language: None,
                    metadata: begin.metadata.clone(),
                    sla: self.sla_for(context.account, begin.channel.id, None).await?,
                },
                labels: begin.labels.clone(),
                message: None,
                answered_by_program: begin.answered_by_program,
            };
            // The message's id is derived from its index among the events, so that a repeated request finds
            // all of them by its key.
            let message_id = context.message_id_at(&self.clock, command.events_before_message());
            command.message = begin.message.clone().map(|message| message.with_id(message_id));
            let id = command.opening.conversation_id();
            match self.conversations.execute(&current.stream, &command, context).await {
                Ok(outcome) => {
                    self.continue_begun(of, begin.channel.id, &customer.names, context).await?;
                    return Ok((id, outcome));
                }
                Err(CommandError::Rejected(Rejection::Closed)) => {
                    self.current_conversations.set_closed(
                        begin.channel.id,
                        &current.identifier,
                        current.ordinal,
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Err(CommandError::Contended)
    }

    /// The current conversation of a contact on a channel, which a refusal to open another one names.
    pub async fn current_conversation(
        &self,
        account: AccountId,
        channel: &Channel,
        identifier: &str,
    ) -> Result<ConversationId, LoadError> {
        let of = Identifiers { account, kind: channel.channel_type };
        let customer = self.customer(of, &[identifier.to_owned()], Read::Cached).await?;
        let found = self.current_of_customer(of, channel.id, &customer.names, Read::Cached).await?;
        Ok(found.current.id)
    }
}
