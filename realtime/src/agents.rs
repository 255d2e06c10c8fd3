//! The namespace `/agents`: the events that agents send.

use crate::argument::{answer, no_such_event, read};
use crate::clients::{Clients, Connected};
use crate::events::{AGENTS_REQUESTS, ClientEvent, Done, InConversation, Join, Joined, StartTyping, Status};
use crate::push::Room;
use crate::soft_state::{Act, Doer};
use event_schemas::ConversationId;
use gate::{Caller, Problem};
use serde_json::Value;
use serde_json::value::RawValue;

impl Clients {
    /// Handles an event of an agent's client.
    pub(crate) async fn agent_event(
        &self,
        connected: &Connected,
        caller: &Caller,
        name: &str,
        argument: Option<&RawValue>,
    ) -> Result<Value, Problem> {
        let event = ClientEvent::named(name).ok_or_else(|| no_such_event(name, AGENTS_REQUESTS))?;
        match event {
            ClientEvent::Join => self.join(connected, caller, read(name, argument)?).await,
            ClientEvent::Leave => {
                let InConversation { conversation_id } = read(name, argument)?;
                self.leave(connected, caller, conversation_id);
                answer(&Done {})
            }
            ClientEvent::StartTyping => {
                let StartTyping { conversation_id, is_private } = read(name, argument)?;
                let act = if is_private { Act::TypesNote } else { Act::Types };
                self.agent_types(connected, Doer::of(caller, conversation_id), act).await
            }
            ClientEvent::StopTyping => {
                let InConversation { conversation_id } = read(name, argument)?;
                self.agent_types(connected, Doer::of(caller, conversation_id), Act::StopsTyping).await
            }
            ClientEvent::ReportStatus => {
                let Status { status } = read(name, argument)?;
                (self.reports.report)(caller.clone(), status).await
            }
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
        answer(&Joined { position })
    }

    fn leave(&self, connected: &Connected, caller: &Caller, conversation: ConversationId) {
        if self.hub.leave(&connected.client, Room::Conversation(caller.account, conversation)) {
            self.soft.stops_viewing(Doer::of(caller, conversation));
        }
    }

    /// An agent who sees a conversation may type into it.
    async fn agent_types(&self, connected: &Connected, of: Doer, act: Act) -> Result<Value, Problem> {
        if !connected.client.is_in(Room::Conversation(of.account, of.conversation)) {
            self.conversation_room(connected, of.conversation).await?;
        }
        self.soft.types(of, act, Some(&connected.client));
        answer(&Done {})
    }
}
