//! The account, the actor, the cause and the key of a command.

use event_schemas::{
    AccountId, Actor, Clock, Credential, EventId, MessageId, Recorded, RequestHash, Timestamp, Version,
};
use uuid::Uuid;

/// The account, the actor, the cause and the key of a command.
#[derive(Clone, Debug)]
pub struct Context {
    pub account: AccountId,
    pub actor: Actor,
    pub correlation_id: Uuid,
    pub causation_id: Option<EventId>,
    pub traceparent: Option<String>,
    /// When the events occurred. `None` for now.
    pub occurred_at: Option<Timestamp>,
    /// The key by which a repeated request is recognised: an idempotency key, or the event that caused it.
    pub key: Option<String>,
    /// The request that the key belongs to. `None` when the key is not a client's.
    pub request: Option<RequestHash>,
    /// How the actor has proved who they are. `None` of what no request led to.
    pub credential: Option<Credential>,
    /// The version that the stream must have. `None` when the caller accepts any.
    pub if_match: Option<Version>,
}

impl Context {
    /// The context of a command without a cause, a key or a version.
    pub fn of(account: AccountId, actor: Actor, correlation_id: Uuid) -> Self {
        Self {
            account,
            actor,
            correlation_id,
            causation_id: None,
            traceparent: None,
            occurred_at: None,
            key: None,
            request: None,
            credential: None,
            if_match: None,
        }
    }

    /// The context of a command by Verbatim itself because of an event. A repetition for the same event
    /// changes nothing.
    pub fn because_of(cause: &Recorded, process: &str) -> Self {
        Self {
            causation_id: Some(cause.id),
            traceparent: cause.metadata.traceparent.clone(),
            key: Some(format!("{process}:{}", cause.id)),
            ..Self::of(cause.metadata.account_id, Actor::system(process), cause.metadata.correlation_id)
        }
    }

    /// The context of a command by Verbatim itself because a time has come. `cause` is the event since which it was
    /// to come. The events are dated at that
    /// time, and every process writes the same ones. The key identifies the timer and its time.
    pub fn in_time(
        account: AccountId,
        process: &str,
        key: String,
        at: Timestamp,
        cause: Option<EventId>,
    ) -> Self {
        let correlation_id = EventId::caused(account, &key, u32::MAX).0;
        Self {
            causation_id: cause,
            occurred_at: Some(at),
            key: Some(key),
            ..Self::of(account, Actor::system(process), correlation_id)
        }
    }

    /// The context of a further command of the request, on any version and with a key of its own.
    pub fn for_part(&self, part: &str) -> Self {
        let key = self.key.as_ref().map(|key| format!("{key}:{part}"));
        Self { key, if_match: None, ..self.clone() }
    }

    /// The id of a further message of the request, the same for each repetition.
    pub fn further_message_id(&self, clock: &Clock, part: &str) -> MessageId {
        match &self.key {
            Some(key) => EventId::caused(self.account, &format!("{key}:{part}"), 0).into(),
            None => clock.event_id().into(),
        }
    }

    /// The id of the message of this request, the same for each repetition.
    pub fn message_id(&self, clock: &Clock) -> MessageId {
        self.message_id_at(clock, 0)
    }

    /// The id of a message whose event comes after others of the same append.
    pub fn message_id_at(&self, clock: &Clock, index: u32) -> MessageId {
        match &self.key {
            Some(key) => EventId::caused(self.account, key, index).into(),
            None => clock.event_id().into(),
        }
    }
}
