//! The events that agents send.

use super::{Agents, Connected, MOST_CONVERSATIONS, unavailable};
use crate::presence::PresenceReport;
use crate::push::{Offset, Room};
use crate::soft_state::Doer;
use event_schemas::ConversationId;
use gate::{Caller, Problem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;

const NAMES: &str = "`conversation:join`, `conversation:leave`, `conversation:typing:start`, \
                     `conversation:typing:stop`, `agent:status`";

#[derive(Deserialize)]
struct Join {
    conversation_id: ConversationId,
    after: Option<String>,
}

#[derive(Deserialize)]
struct InConversation {
    conversation_id: ConversationId,
}

#[derive(Deserialize)]
struct Status {
    status: PresenceReport,
}

impl Agents {
    /// Handles an event of a client. The answer is sent when the client asked for one.
    pub(super) async fn event(
        &self,
        connected: &mut Connected,
        name: &str,
        argument: Option<&RawValue>,
    ) -> Result<Value, Problem> {
        let caller = connected.caller.clone();
        match name {
            "conversation:join" => self.join(connected, read(name, argument)?).await,
            "conversation:leave" => {
                let InConversation { conversation_id } = read(name, argument)?;
                self.leave(connected, conversation_id);
                Ok(json!({}))
            }
            "conversation:typing:start" | "conversation:typing:stop" => {
                let InConversation { conversation_id } = read(name, argument)?;
                self.typing(connected, conversation_id, name.ends_with(":start")).await
            }
            "agent:status" => {
                let Status { status } = read(name, argument)?;
                (self.reports.report)(caller, status).await
            }
            _ => Err(Problem::unreadable(format!("There is no event `{name}`, expected one of {NAMES}."))),
        }
    }

    /// The client gets the messages of the conversation from now on, and first those that it missed.
    async fn join(&self, connected: &Connected, join: Join) -> Result<Value, Problem> {
        self.must_exist(&connected.caller, join.conversation_id).await?;
        if connected.client.conversations() >= MOST_CONVERSATIONS {
            return Err(Problem::unreadable(format!(
                "A client is in at most {MOST_CONVERSATIONS} conversations: leave one first."
            )));
        }
        let of = connected.doer(join.conversation_id);
        let room = Room::Conversation(of.account, of.conversation);
        let was_in = connected.client.is_in(room);
        let position = match join.after {
            None => self.hub.enter(&connected.client, room),
            Some(after) => self.join_after(connected, room, &after).await?,
        };
        if !was_in {
            self.soft.views(of);
        }
        Ok(json!({ "position": position }))
    }

    async fn join_after(
        &self,
        connected: &Connected,
        room: Room,
        after: &str,
    ) -> Result<event_schemas::Position, Problem> {
        let mut after: Offset =
            after.parse().map_err(|_| Problem::unreadable("`after` must be a position.").field("after"))?;
        let (mut missed, mut events) = (Vec::new(), 0);
        while !self.hub.reaches(after) {
            let (page, count, through) =
                self.read_log(&connected.caller, after).await.map_err(|_| unavailable())?;
            missed.extend(page.into_iter().filter(|push| push.rooms.contains(&room)).map(Arc::new));
            events += count;
            after = through;
            if events > self.hub.limits.longest_gap {
                return Err(too_much());
            }
        }
        self.hub.enter_after(&connected.client, room, missed, after).ok_or_else(too_much)
    }

    fn leave(&self, connected: &Connected, conversation: ConversationId) {
        let of = connected.doer(conversation);
        if self.hub.leave(&connected.client, Room::Conversation(of.account, conversation)) {
            self.soft.stops_viewing(of);
        }
    }

    /// An agent who sees a conversation may type into it.
    async fn typing(
        &self,
        connected: &Connected,
        conversation: ConversationId,
        is_typing: bool,
    ) -> Result<Value, Problem> {
        let of = connected.doer(conversation);
        if !connected.client.is_in(Room::Conversation(of.account, conversation)) {
            self.must_exist(&connected.caller, conversation).await?;
        }
        self.soft.types(of, is_typing, &connected.client);
        Ok(json!({}))
    }

    async fn must_exist(&self, caller: &Caller, conversation: ConversationId) -> Result<(), Problem> {
        match self.find(caller, conversation).await? {
            true => Ok(()),
            false => Err(Problem::not_found("conversation")),
        }
    }
}

impl Connected {
    pub(super) fn doer(&self, conversation: ConversationId) -> Doer {
        Doer { account: self.caller.account, conversation, user: self.caller.user }
    }
}

fn read<T: DeserializeOwned>(name: &str, argument: Option<&RawValue>) -> Result<T, Problem> {
    serde_json::from_str(argument.map_or("null", RawValue::get))
        .map_err(|error| Problem::unreadable(format!("the argument of `{name}` cannot be read: {error}")))
}

fn too_much() -> Problem {
    Problem::unreadable("Too much was missed since `after`: fetch the messages and join without it.")
        .field("after")
}
