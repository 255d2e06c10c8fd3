//! The delivery state and the provider id of each message of a conversation, and which messages were changed.
//!
//! A status may come days after its message, and a customer may quote the first message of all, so nothing is dropped.
//! The maps are persistent instead: a copy shares them, and a change copies the path to what it changes.

use event_schemas::conversation::{MessageEdited, MessageVersion, ReactionChanged};
use event_schemas::message::{Delivery, SenderType};
use event_schemas::{MessageId, Timestamp};
use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub(super) struct Messages {
    /// The delivery state of each outgoing message.
    outgoing: RedBlackTreeMapSync<MessageId, Delivery>,
    /// The provider's id of each message that has one, for answers that quote it.
    provider_ids: RedBlackTreeMapSync<MessageId, Arc<str>>,
    /// The outgoing messages in the order of the provider's ids, for the provider's reports. A provider may give
    /// several messages the same id.
    by_provider_id: RedBlackTreeSetSync<(Arc<str>, MessageId)>,
    /// When the newest version of each edited message was written.
    edited: RedBlackTreeMapSync<MessageId, Timestamp>,
    /// The messages whose edit or deletion was received before their original.
    overtaken: RedBlackTreeSetSync<MessageId>,
    /// The messages that were deleted.
    revoked: RedBlackTreeSetSync<MessageId>,
    /// When each sender last changed the reaction to a message.
    reactions: RedBlackTreeMapSync<(MessageId, SenderType), Timestamp>,
}

impl Messages {
    pub fn delivery(&self, message: MessageId) -> Option<Delivery> {
        self.outgoing.get(&message).copied()
    }

    pub fn provider_id(&self, message: MessageId) -> Option<&str> {
        self.provider_ids.get(&message).map(|id| &**id)
    }

    /// The outgoing message that has this id at the provider; of several, the one with the smallest id of ours.
    pub fn outgoing_by_provider_id(&self, provider_id: &str) -> Option<MessageId> {
        let first = (Arc::from(provider_id), MessageId::from_u128(0));
        let (found, message) = self.by_provider_id.range(first..).next()?;
        (**found == *provider_id).then_some(*message)
    }

    /// Whether the conversation has this message.
    pub fn contains(&self, message: MessageId) -> bool {
        self.provider_ids.contains_key(&message) || self.outgoing.contains_key(&message)
    }

    pub fn is_revoked(&self, message: MessageId) -> bool {
        self.revoked.contains(&message)
    }

    /// Whether an edit or the deletion of the message was received, and its original was not.
    pub fn is_overtaken(&self, message: MessageId) -> bool {
        self.overtaken.contains(&message)
    }

    /// Whether a version of this time is older than the one that the message has.
    pub fn has_newer_version(&self, message: MessageId, than: Timestamp) -> bool {
        self.edited.get(&message).is_some_and(|newest| *newest > than)
    }

    /// Whether this sender has changed the reaction to the message after this time.
    pub fn has_newer_reaction(&self, message: MessageId, sender: SenderType, than: Timestamp) -> bool {
        self.reactions.get(&(message, sender)).is_some_and(|newest| *newest > than)
    }

    pub fn edited(&mut self, edited: &MessageEdited) {
        match edited.version {
            MessageVersion::Newest => self.edited.insert_mut(edited.message_id, edited.sent_at),
            MessageVersion::First => {
                self.edited.insert_mut(edited.message_id, edited.sent_at);
                self.overtaken.insert_mut(edited.message_id);
            }
            // Only the original has no id of an edit.
            MessageVersion::Earlier if edited.provider_message_id.is_none() => {
                self.overtaken.remove_mut(&edited.message_id);
            }
            MessageVersion::Earlier => {}
        }
    }

    pub fn revoked(&mut self, message: MessageId) {
        if !self.contains(message) {
            self.overtaken.insert_mut(message);
        }
        self.revoked.insert_mut(message);
    }

    pub fn reacted(&mut self, reaction: &ReactionChanged) {
        if !reaction.superseded {
            self.reactions.insert_mut((reaction.message_id, reaction.sender_type), reaction.sent_at);
        }
    }

    /// A message of the customer's.
    pub fn received(&mut self, message: MessageId, provider_id: &str) {
        self.provider_ids.insert_mut(message, provider_id.into());
    }

    /// A message to the customer.
    pub fn sent(&mut self, message: MessageId) {
        self.outgoing.insert_mut(message, Delivery::Queued);
    }

    /// A report on a message to the customer. `provider_id` is `None` when the provider took none of it.
    pub fn progress(&mut self, message: MessageId, provider_id: Option<&str>, to: Delivery) {
        self.outgoing.insert_mut(message, to);
        let known = self.provider_ids.get(&message);
        let Some(provider_id) = provider_id.filter(|id| known.is_none_or(|known| &**known != *id)) else {
            return;
        };
        if let Some(replaced) = known {
            self.by_provider_id.remove_mut(&(Arc::clone(replaced), message));
        }
        let provider_id: Arc<str> = provider_id.into();
        self.provider_ids.insert_mut(message, Arc::clone(&provider_id));
        self.by_provider_id.insert_mut((provider_id, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[derive(Clone, Debug)]
    enum Change {
        Received(u8, u8),
        Sent(u8),
        Progress(u8, Option<u8>, Delivery),
    }

    fn message(number: u8) -> MessageId {
        MessageId(uuid::Uuid::from_u128(number.into()))
    }

    fn name(number: u8) -> String {
        format!("wamid.{number}")
    }

    fn change() -> impl Strategy<Value = Change> {
        let delivery = prop_oneof![
            Just(Delivery::Dispatched),
            Just(Delivery::Delivered),
            Just(Delivery::Read),
            Just(Delivery::Failed)
        ];
        // The customer's messages have other ids than ours, here as with a provider; ours may share one.
        prop_oneof![
            (0..20_u8).prop_map(|id| Change::Received(100 + id, 100 + id)),
            (0..20_u8).prop_map(Change::Sent),
            (0..20_u8, proptest::option::of(0..6_u8), delivery)
                .prop_map(|(id, named, to)| Change::Progress(id, named, to)),
        ]
    }

    /// The same by plain maps, searched from end to end.
    #[derive(Clone, Default)]
    struct Plain {
        outgoing: HashMap<MessageId, Delivery>,
        provider_ids: HashMap<MessageId, String>,
    }

    impl Plain {
        fn apply(&mut self, change: &Change) {
            match *change {
                Change::Received(id, named) => {
                    self.provider_ids.insert(message(id), name(named));
                }
                Change::Sent(id) => {
                    self.outgoing.insert(message(id), Delivery::Queued);
                }
                Change::Progress(id, named, to) => {
                    self.outgoing.insert(message(id), to);
                    self.provider_ids.extend(named.map(|named| (message(id), name(named))));
                }
            }
        }

        fn outgoing_by_provider_id(&self, provider_id: &str) -> Option<MessageId> {
            let named = self.provider_ids.iter().filter(|(_, name)| *name == provider_id);
            named.map(|(id, _)| *id).filter(|id| self.outgoing.contains_key(id)).min()
        }
    }

    fn apply(messages: &mut Messages, change: &Change) {
        match *change {
            Change::Received(id, named) => messages.received(message(id), &name(named)),
            Change::Sent(id) => messages.sent(message(id)),
            Change::Progress(id, named, to) => messages.progress(message(id), named.map(name).as_deref(), to),
        }
    }

    fn assert_same(messages: &Messages, plain: &Plain) {
        for id in (0..=u8::MAX).map(message) {
            assert_eq!(messages.delivery(id), plain.outgoing.get(&id).copied());
            assert_eq!(messages.provider_id(id), plain.provider_ids.get(&id).map(String::as_str));
        }
        for name in (0..=u8::MAX).map(name) {
            assert_eq!(messages.outgoing_by_provider_id(&name), plain.outgoing_by_provider_id(&name));
        }
    }

    proptest! {
        #[test]
        fn messages_are_found_as_in_plain_maps_and_a_copy_stays_as_it_was(
            before in proptest::collection::vec(change(), 0..60),
            after in proptest::collection::vec(change(), 0..20),
        ) {
            let (mut messages, mut plain) = (Messages::default(), Plain::default());
            for change in &before {
                apply(&mut messages, change);
                plain.apply(change);
            }
            let (copy, plain_copy) = (messages.clone(), plain.clone());
            for change in &after {
                apply(&mut messages, change);
                plain.apply(change);
            }
            assert_same(&messages, &plain);
            assert_same(&copy, &plain_copy);
        }
    }

    #[test]
    fn one_message_more_shares_nearly_all_of_ten_thousand() {
        let id = |number: usize| MessageId(uuid::Uuid::from_u128(number as u128));
        let mut messages = Messages::default();
        for number in 0..10_000 {
            messages.sent(id(number));
            messages.progress(id(number), Some(&format!("wamid.{number}")), Delivery::Read);
        }
        let copy = messages.clone();
        messages.sent(id(10_000));
        messages.progress(id(10_000), Some("wamid.10000"), Delivery::Dispatched);
        let shared = (0..10_000)
            .filter(|number| {
                // The same allocation, not an equal text: the map's entries were not copied.
                let (name, kept) =
                    (messages.provider_ids.get(&id(*number)), copy.provider_ids.get(&id(*number)));
                std::ptr::eq(name.expect("it is there"), kept.expect("it is there"))
            })
            .count();
        assert!(shared > 9_900, "{shared} of 10,000 entries are shared");
    }
}
