//! The conversations of identifiers that are found to be one customer's: one goes on, the others are closed.
//!
//! One process may begin a conversation under an identifier while another process joins this identifier to another one.
//! The first stores the conversation and then reads the identifiers; the second stores the join and then reads the
//! conversations. So at least one of them sees what the other has stored, whatever either has in memory.

use crate::Commands;
use crate::current_conversation::Current;
use crate::customers::Identifiers;
use crate::execute::{CommandError, Context, Read};
use domain::conversation::{Close, RecordNotice};
use event_schemas::catalogue::Channel;
use event_schemas::conversation::NoticeReceived;
use event_schemas::{Actor, ChannelId, ConversationId, StreamId};

impl Commands {
    /// Looks, after a conversation has begun, whether its customer has another open one, and continues them in one.
    pub(crate) async fn continue_begun<R: std::error::Error + 'static>(
        &self,
        of: Identifiers,
        channel: ChannelId,
        identifiers: &[String],
        context: &Context,
    ) -> Result<(), CommandError<R>> {
        let names = self.customer(of, identifiers, Read::Log).await?.names;
        match names.len() {
            1 => Ok(()),
            _ => self.continue_in_one(of, channel, &names, context).await,
        }
    }

    /// Continues the open conversations of a customer in one of them, on each channel of the kind.
    pub(crate) async fn continue_on_all_channels<R: std::error::Error + 'static>(
        &self,
        of: Identifiers,
        names: &[String],
        context: &Context,
    ) -> Result<(), CommandError<R>> {
        let channels = self.catalogue::<Channel>(of.account).current().await?;
        for channel in channels.state.iter().filter(|channel| channel.channel_type == of.kind) {
            self.continue_in_one(of, channel.id, names, context).await?;
        }
        Ok(())
    }

    async fn continue_in_one<R: std::error::Error + 'static>(
        &self,
        of: Identifiers,
        channel: ChannelId,
        names: &[String],
        context: &Context,
    ) -> Result<(), CommandError<R>> {
        let found = self.current_of_customer(of, channel, names, Read::Log).await?;
        self.close_others(context, found.current.id, &found.other_open).await
    }

    /// Closes the open conversations of a customer's other identifiers, which began before it was known that they are the
    /// same customer's. They are continued in this one.
    pub(crate) async fn close_others<R: std::error::Error + 'static>(
        &self,
        context: &Context,
        continued_in: ConversationId,
        others: &[Current],
    ) -> Result<(), CommandError<R>> {
        for other in others {
            let by_system = |part: &str| Context {
                actor: Actor::system("customer-identity"),
                key: Some(format!("customer-identity:{}:{part}", other.id)),
                request: None,
                if_match: None,
                ..context.clone()
            };
            let reason = format!("The same customer's conversation {continued_in} continues it");
            let close = Close { reason: Some(reason) };
            let closed = self.conversations.execute(&other.stream, &close, &by_system("closed")).await;
            closed.map(drop).or_else(CommandError::unless_rejected)?;
            let notice = RecordNotice {
                notice: NoticeReceived {
                    notice: "conversation_joined".to_owned(),
                    content: format!(
                        "Two contacts are the same customer. The conversation {} was closed and is continued here.",
                        other.id
                    ),
                    details: None,
                    provider_message_id: None,
                    sent_at: self.clock.now(),
                },
            };
            let stream = StreamId::conversation(continued_in);
            let recorded = self.conversations.execute(&stream, &notice, &by_system("continued")).await;
            recorded.map(drop).or_else(CommandError::unless_rejected)?;
        }
        Ok(())
    }
}
