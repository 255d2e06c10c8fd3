//! The namespace `/agents`: the events that agents send.

use crate::argument::{no_such_event, read};
use crate::clients::{Clients, Connected};
use crate::presence::PresenceReport;
use crate::push::Room;
use crate::soft_state::Doer;
use event_schemas::ConversationId;
use gate::{Caller, Problem};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

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

impl Clients {
    /// Handles an event of an agent's client.
    pub(crate) async fn agent_event(
        &self,
        connected: &Connected,
        caller: &Caller,
        name: &str,
        argument: Option<&RawValue>,
    ) -> Result<Value, Problem> {
        match name {
            "conversation:join" => self.join(connected, caller, read(name, argument)?).await,
            "conversation:leave" => {
                let InConversation { conversation_id } = read(name, argument)?;
                self.leave(connected, caller, conversation_id);
                Ok(json!({}))
            }
            "conversation:typing:start" | "conversation:typing:stop" => {
                let InConversation { conversation_id } = read(name, argument)?;
                self.typing(connected, caller, conversation_id, name.ends_with(":start")).await
            }
            "agent:status" => {
                let Status { status } = read(name, argument)?;
                (self.reports.report)(caller.clone(), status).await
            }
            _ => Err(no_such_event(name, NAMES)),
        }
    }

    /// The client gets the messages of the conversation from now on, and first those that it missed.
    async fn join(&self, connected: &Connected, caller: &Caller, join: Join) -> Result<Value, Problem> {
        let room = self.conversation_room(connected, join.conversation_id).await?;
        let was_in = connected.client.is_in(room);
        let position = self.enter(connected, room, join.after.as_deref()).await?;
        if !was_in {
            self.soft.views(Doer::of(caller, join.conversation_id));
        }
        Ok(json!({ "position": position }))
    }

    fn leave(&self, connected: &Connected, caller: &Caller, conversation: ConversationId) {
        if self.hub.leave(&connected.client, Room::Conversation(caller.account, conversation)) {
            self.soft.stops_viewing(Doer::of(caller, conversation));
        }
    }

    /// An agent who sees a conversation may type into it.
    async fn typing(
        &self,
        connected: &Connected,
        caller: &Caller,
        conversation: ConversationId,
        is_typing: bool,
    ) -> Result<Value, Problem> {
        if !connected.client.is_in(Room::Conversation(caller.account, conversation)) {
            self.conversation_room(connected, conversation).await?;
        }
        self.soft.types(Doer::of(caller, conversation), is_typing, &connected.client);
        Ok(json!({}))
    }
}
