//! From the log to the outbox: what is sent goes in, what the log tells the end of goes out.

use super::outbox::{Outbox, Queued};
use crate::or_skip::OrSkip;
use commands::Commands;
use event_schemas::conversation::{
    MessageDelivered, MessageDispatched, MessageFailed, MessageRead, MessageSent,
};
use event_schemas::{
    Category, ChannelId, ConversationEvent, Event, MessageEvent, MessageId, StreamId, about,
};
use event_store::Filter;
use follower::{DecodedEvent, FollowError, Projection, Tx};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) struct Follow {
    commands: Arc<Commands>,
    /// Rung for every channel that has something new to do.
    waker: mpsc::UnboundedSender<ChannelId>,
    to_ring: HashSet<ChannelId>,
}

impl Follow {
    pub(super) fn new(commands: Arc<Commands>, waker: mpsc::UnboundedSender<ChannelId>) -> Self {
        Self { commands, waker, to_ring: HashSet::new() }
    }

    /// The channel of a conversation, which never changes. None: its history cannot be read, so nothing
    /// can be said in it any more.
    async fn channel_of(&self, stream: &StreamId) -> Result<Option<ChannelId>, FollowError> {
        let conversations = &self.commands.conversations;
        for load in [false, true] {
            let fold =
                if load { conversations.current(stream).await } else { conversations.cached(stream).await };
            let Some(fold) = fold.or_skip(stream, "a message cannot be sent")? else { return Ok(None) };
            if let Ok(conversation) = fold.state.opened() {
                return Ok(Some(conversation.channel_id));
            }
        }
        tracing::error!(%stream, "a message cannot be sent: its conversation was never opened");
        Ok(None)
    }
}

impl Projection for Follow {
    fn name(&self) -> &'static str {
        "outbound-delivery"
    }

    /// The events that begin a message's way out, or end it.
    fn filter(&self) -> Filter {
        Filter {
            account: None,
            categories: vec![Category::Conversation],
            event_types: about![MessageSent, MessageDispatched, MessageDelivered, MessageRead, MessageFailed,],
        }
    }

    async fn project(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), FollowError> {
        let (sent, mut ended) = sort(page);
        for (message_id, happened) in &sent {
            let Some(conversation_id) = happened.stream.as_conversation() else { continue };
            let Some(channel_id) = self.channel_of(&happened.stream).await? else { continue };
            let queued = Queued {
                message_id: *message_id,
                account_id: happened.metadata.account_id,
                conversation_id,
                channel_id,
                version: happened.version,
                queued_at: happened.metadata.occurred_at,
            };
            Outbox::insert(tx, &queued).await?;
            self.to_ring.insert(channel_id);
        }
        for message in ended.drain() {
            self.to_ring.extend(Outbox::settle(tx, message).await?);
        }
        Ok(())
    }

    fn committed(&mut self) {
        for channel in self.to_ring.drain() {
            // Nobody listens any more when the delivery is being stopped.
            let _stopping = self.waker.send(channel);
        }
    }

    fn reset(&mut self) {
        self.to_ring.clear();
    }
}

/// What a page begins and does not end, in its order, and what it ends of earlier pages.
fn sort(page: &[Arc<DecodedEvent>]) -> (BTreeMap<MessageId, &DecodedEvent>, HashSet<MessageId>) {
    use ConversationEvent as E;
    let (mut sent, mut ended) = (BTreeMap::new(), HashSet::new());
    for happened in page {
        let Event::Conversation(event) = &happened.event else { continue };
        let over = match event {
            E::Message(MessageEvent::MessageSent(message)) => {
                sent.insert(message.message_id, &**happened);
                continue;
            }
            E::Delivery(report) => report.message_id(),
            E::Message(MessageEvent::MessageReceived(_) | MessageEvent::NoteAdded(_))
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Bot(_)
            | E::Automation(_)
            | E::Details(_) => continue,
        };
        if sent.remove(&over).is_none() {
            ended.insert(over);
        }
    }
    (sent, ended)
}
