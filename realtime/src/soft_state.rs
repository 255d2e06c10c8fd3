//! Typing and viewing: soft state, which is in no event. Each process keeps it in memory for seconds, and says it to the
//! others over NATS where that is configured.
//!
//! A process repeats what its own clients do, so that one that begins or was cut off knows it soon, and forgets what is not
//! repeated. Nothing of it is resumed, and a client that reads slowly may miss some.

use crate::customers::{AnswerTyped, AnswerTyping};
use crate::events::{ConversationTyping, ConversationViewers, Typing, Viewers};
use crate::hub::{Client, Hub};
use crate::namespace::Namespace;
use crate::packet;
use crate::push::Room;
use event_schemas::{AccountId, Clock, ConversationId, UserId};
use futures::StreamExt;
use futures::stream::BoxStream;
use gate::Caller;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a user types after the last sign of it (document 000, section 3).
const TYPING: Duration = Duration::from_secs(5);
/// How long a user views a conversation after the last sign of it, and how often the sign is repeated.
const VIEWING: Duration = Duration::from_secs(45);
const REPEATED: Duration = Duration::from_secs(20);
/// How often it is looked for what has ended.
const TICK: Duration = Duration::from_millis(500);

const AGENTS: &str = Namespace::Agents.name();

/// The signs that wait to be sent to other processes. Beyond them they are dropped: they are repeated.
const MOST_WAITING: usize = 1_024;

/// The subject of an account's signs begins with it. It is none of the JetStream stream's, which takes `verbatim.>`.
const SUBJECT: &str = "verbatim-live";

/// A user does something in a conversation, or no longer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Types,
    /// Types a note, which the customer does not see.
    TypesNote,
    StopsTyping,
    Views,
    StopsViewing,
}

/// A sign of what a user does, as processes send it to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sign {
    /// The process that sends it.
    node: Uuid,
    #[serde(flatten)]
    of: Doer,
    act: Act,
}

/// A user or the customer in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Doer {
    pub account: AccountId,
    pub conversation: ConversationId,
    /// `None` for the customer.
    pub user: Option<UserId>,
}

impl Doer {
    pub fn of(caller: &Caller, conversation: ConversationId) -> Self {
        Self { account: caller.account, conversation, user: Some(caller.user) }
    }

    pub fn customer(account: AccountId, conversation: ConversationId) -> Self {
        Self { account, conversation, user: None }
    }

    pub fn customer_room(&self) -> Room {
        Room::CustomerConversation(self.account, self.conversation)
    }

    fn room(&self) -> Room {
        Room::Conversation(self.account, self.conversation)
    }
}

pub struct SoftState {
    hub: Arc<Hub>,
    node: Uuid,
    state: Mutex<State>,
    outgoing: mpsc::Sender<Sign>,
    waiting: Mutex<Option<mpsc::Receiver<Sign>>>,
}

#[derive(Default)]
struct State {
    typing: HashMap<Doer, Typist>,
    /// When the user will have stopped, unless there is another sign.
    viewing: HashMap<Doer, Instant>,
    /// The number of this process's clients with which the user views the conversation.
    own: HashMap<Doer, usize>,
}

/// An agent or a customer who types.
#[derive(Clone, Copy, Debug)]
struct Typist {
    /// When they will have stopped, unless there is another sign.
    until: Instant,
    is_note: bool,
}

impl State {
    /// Whether an agent types an answer in the conversation of this one.
    fn has_answer(&self, of: &Doer) -> bool {
        let is_answer = |(other, typist): (&Doer, &Typist)| {
            other.user.is_some()
                && !typist.is_note
                && (other.account, other.conversation) == (of.account, of.conversation)
        };
        self.typing.iter().any(is_answer)
    }
}

impl SoftState {
    pub fn new(hub: Arc<Hub>, clock: &Clock) -> Arc<Self> {
        let (outgoing, waiting) = mpsc::channel(MOST_WAITING);
        Arc::new(Self {
            hub,
            node: clock.fresh_id(),
            state: Mutex::default(),
            outgoing,
            waiting: Mutex::new(Some(waiting)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client of this process types, or stops. The agent's client does not get its own signs.
    pub fn types(&self, of: Doer, act: Act, client: Option<&Client>) {
        self.apply(of, act, client);
        self.say(of, act);
    }

    /// A client of this process has joined the conversation.
    pub fn views(&self, of: Doer) {
        *self.lock().own.entry(of).or_default() += 1;
        self.apply(of, Act::Views, None);
        self.say(of, Act::Views);
    }

    /// A client of this process has left the conversation.
    pub fn stops_viewing(&self, of: Doer) {
        let mut state = self.lock();
        if let Some(clients) = state.own.get_mut(&of) {
            *clients -= 1;
            if *clients > 0 {
                return;
            }
        }
        state.own.remove(&of);
        drop(state);
        for act in [Act::StopsTyping, Act::StopsViewing] {
            self.apply(of, act, None);
            self.say(of, act);
        }
    }

    fn say(&self, of: Doer, act: Act) {
        // A sign that finds no place is repeated later.
        let _dropped = self.outgoing.try_send(Sign { node: self.node, of, act });
    }

    /// Remembers a sign and sends it to the clients of this process, except to the client that it came from.
    fn apply(&self, of: Doer, act: Act, from: Option<&Client>) {
        let (now, mut state) = (Instant::now(), self.lock());
        match act {
            Act::Types | Act::TypesNote => {
                let typist = Typist { until: now + TYPING, is_note: act == Act::TypesNote };
                let before = state.typing.insert(of, typist);
                let has_answer = state.has_answer(&of);
                drop(state);
                self.tell_agents(of, typist.is_note, true, from);
                if !typist.is_note || before.is_some_and(|before| !before.is_note) {
                    self.tell_customer(of, has_answer);
                }
            }
            Act::StopsTyping => {
                let Some(typist) = state.typing.remove(&of) else { return };
                let has_answer = state.has_answer(&of);
                drop(state);
                self.stopped(of, typist, has_answer, from);
            }
            Act::Views => {
                if state.viewing.insert(of, now + VIEWING).is_none() {
                    drop(state);
                    self.send_viewers(of.account, of.conversation);
                }
            }
            Act::StopsViewing => {
                if state.viewing.remove(&of).is_some() {
                    drop(state);
                    self.send_viewers(of.account, of.conversation);
                }
            }
        }
    }

    fn stopped(&self, of: Doer, typist: Typist, has_answer: bool, from: Option<&Client>) {
        self.tell_agents(of, typist.is_note, false, from);
        if !typist.is_note {
            self.tell_customer(of, has_answer);
        }
    }

    fn tell_agents(&self, of: Doer, is_private: bool, is_typing: bool, from: Option<&Client>) {
        let object = Typing { conversation_id: of.conversation, user_id: of.user, is_private, is_typing };
        let packet = packet::emitted::<ConversationTyping>(AGENTS, &object);
        self.hub.whisper(of.room(), &packet.into(), from);
    }

    /// Tells the customer whether an agent types an answer. The customer does not get their own signs.
    fn tell_customer(&self, of: Doer, is_typing: bool) {
        if of.user.is_some() {
            let object = AnswerTyped { conversation_id: of.conversation, is_typing };
            let packet = packet::emitted::<AnswerTyping>(Namespace::Customers.name(), &object);
            self.hub.whisper(of.customer_room(), &packet.into(), None);
        }
    }

    fn send_viewers(&self, account: AccountId, conversation: ConversationId) {
        let is_of = |of: &&Doer| of.account == account && of.conversation == conversation;
        let mut users: Vec<UserId> =
            self.lock().viewing.keys().filter(is_of).filter_map(|of| of.user).collect();
        users.sort_unstable();
        let object = Viewers { conversation_id: conversation, user_ids: users };
        let packet = packet::emitted::<ConversationViewers>(AGENTS, &object);
        self.hub.whisper(Room::Conversation(account, conversation), &packet.into(), None);
    }

    /// Ends what has no sign any more.
    fn forget(&self, now: Instant) {
        let mut state = self.lock();
        let stopped: Vec<_> = state.typing.extract_if(|_, typist| typist.until <= now).collect();
        let stopped: Vec<_> =
            stopped.into_iter().map(|(of, typist)| (of, typist, state.has_answer(&of))).collect();
        let own = std::mem::take(&mut state.own);
        let is_over = |of: &Doer, until: &mut Instant| *until <= now && !own.contains_key(of);
        let left: Vec<_> = state.viewing.extract_if(is_over).collect();
        state.own = own;
        drop(state);
        for (of, typist, has_answer) in stopped {
            self.stopped(of, typist, has_answer, None);
        }
        for (of, _) in left {
            self.send_viewers(of.account, of.conversation);
        }
    }

    /// Repeats the signs of this process's clients, and to them the viewers of their conversations.
    fn repeat(&self) {
        let own: Vec<Doer> = self.lock().own.keys().copied().collect();
        for of in own {
            self.say(of, Act::Views);
            self.send_viewers(of.account, of.conversation);
        }
    }

    /// Takes a sign of another process.
    fn hear(&self, payload: &[u8]) {
        let Ok(sign) = serde_json::from_slice::<Sign>(payload) else {
            tracing::debug!("a sign of another process cannot be read");
            return;
        };
        if sign.node == self.node {
            return;
        }
        // The user has left at the other process, and is here still.
        if sign.act == Act::StopsViewing && self.lock().own.contains_key(&sign.of) {
            return self.say(sign.of, Act::Views);
        }
        self.apply(sign.of, sign.act, None);
    }

    /// Exchanges signs with other processes, and forgets what has ended, until `stop`.
    pub async fn run(&self, others: Option<async_nats::Client>, stop: CancellationToken) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut waiting) = waiting else { return };
        let mut heard = subscription(others.as_ref()).await;
        let mut tick = tokio::time::interval(TICK);
        let mut repeated = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                now = tick.tick() => {
                    self.forget(now);
                    if now.duration_since(repeated) >= REPEATED {
                        repeated = now;
                        self.repeat();
                    }
                }
                Some(message) = heard.next() => self.hear(&message.payload),
                Some(sign) = waiting.recv() => {
                    if let Some(others) = &others {
                        send(others, &sign).await;
                    }
                }
            }
        }
    }
}

async fn subscription(others: Option<&async_nats::Client>) -> BoxStream<'static, async_nats::Message> {
    let Some(others) = others else { return futures::stream::pending().boxed() };
    match others.subscribe(format!("{SUBJECT}.>")).await {
        Ok(subscription) => subscription.boxed(),
        Err(error) => {
            tracing::warn!(%error, "typing and viewing of other processes is not shown");
            futures::stream::pending().boxed()
        }
    }
}

async fn send(others: &async_nats::Client, sign: &Sign) {
    // A sign always serialises.
    let payload = serde_json::to_vec(sign).unwrap_or_default();
    if let Err(error) = others.publish(format!("{SUBJECT}.{}", sign.of.account), payload.into()).await {
        tracing::debug!(%error, "a sign was not sent to other processes");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::engine::Timing;
    use crate::engine::session::{Session, Transport};
    use crate::hub::Limits;
    use event_schemas::Position;
    use serde_json::json;

    const OF: Doer = Doer {
        account: AccountId::from_u128(1),
        conversation: ConversationId::from_u128(2),
        user: Some(UserId::from_u128(3)),
    };

    fn node() -> (Arc<SoftState>, Arc<Session>, Arc<Client>) {
        let hub = Hub::at(Position::at(0), Limits::default());
        let session = Session::new(Uuid::nil(), Transport::WebSocket, Timing::default());
        let client = hub.join(session.clone(), AGENTS, vec![OF.room()], None, "live");
        // It learns its place, reads on from the ring once, and is up to date.
        while crate::engine::session::Feed::next(&*client).is_some() {}
        (SoftState::new(hub, &Clock::System), session, client)
    }

    fn sent(session: &Session) -> Vec<serde_json::Value> {
        std::iter::from_fn(|| session.next())
            .map(|packet| serde_json::from_str(packet.split_once(',').unwrap().1).unwrap())
            .collect()
    }

    #[test]
    fn typing_is_shown_to_others_and_ends_by_itself() {
        let (soft, session, client) = node();
        soft.types(OF, Act::Types, Some(&client));
        assert_eq!(sent(&session).len(), 0, "not to the one who types");
        soft.apply(OF, Act::Types, None);
        assert_eq!(sent(&session)[0][1]["is_typing"], true);
        soft.forget(Instant::now());
        assert_eq!(sent(&session).len(), 0);
        soft.forget(Instant::now() + TYPING);
        assert_eq!(sent(&session)[0][1]["is_typing"], false);
    }

    #[test]
    fn the_customer_sees_that_an_answer_is_typed_and_no_note_and_not_who() {
        let (soft, agent, _client) = node();
        let session = Session::new(Uuid::nil(), Transport::WebSocket, Timing::default());
        let rooms = vec![OF.customer_room()];
        let customer = soft.hub.join(session.clone(), Namespace::Customers.name(), rooms, None, "live");
        while crate::engine::session::Feed::next(&*customer).is_some() {}
        let is_typing = |expected: &[bool]| {
            let sent = sent(&session);
            let object =
                |is_typing: &bool| json!({ "conversation_id": OF.conversation, "is_typing": is_typing });
            let objects: Vec<_> = sent.iter().map(|event| event[1].clone()).collect();
            assert_eq!(objects, expected.iter().map(object).collect::<Vec<_>>());
        };
        let other = Doer { user: Some(UserId::from_u128(4)), ..OF };
        soft.types(OF, Act::TypesNote, None);
        soft.types(OF, Act::StopsTyping, None);
        is_typing(&[]);
        assert_eq!(sent(&agent).len(), 2);
        // The second agent types on when the first one stops, or begins a note.
        soft.types(OF, Act::Types, None);
        soft.types(other, Act::Types, None);
        soft.types(OF, Act::TypesNote, None);
        is_typing(&[true, true, true]);
        soft.forget(Instant::now() + TYPING);
        is_typing(&[false]);
        // The agents see the customer, who does not get their own signs.
        sent(&agent);
        soft.types(Doer::customer(OF.account, OF.conversation), Act::Types, None);
        is_typing(&[]);
        let typing = sent(&agent);
        assert_eq!((&typing[0][1]["user_id"], &typing[0][1]["is_typing"]), (&json!(null), &json!(true)));
    }

    #[test]
    fn a_viewer_stays_until_the_last_client_leaves_and_a_silent_process_is_forgotten() {
        let (soft, session, _client) = node();
        soft.views(OF);
        soft.views(OF);
        assert_eq!(sent(&session)[0][1]["user_ids"], json!([OF.user.unwrap()]));
        soft.stops_viewing(OF);
        soft.forget(Instant::now() + VIEWING);
        assert_eq!(sent(&session).len(), 0);
        soft.stops_viewing(OF);
        assert_eq!(sent(&session)[0][1]["user_ids"], json!([]));

        soft.apply(OF, Act::Views, None);
        assert_eq!(sent(&session).len(), 1);
        soft.forget(Instant::now() + VIEWING);
        assert_eq!(sent(&session)[0][1]["user_ids"], json!([]));
    }

    #[test]
    fn a_process_hears_the_others_and_not_itself() {
        let (soft, session, _client) = node();
        let sign = |node, act| serde_json::to_vec(&Sign { node, of: OF, act }).unwrap();
        soft.hear(&sign(soft.node, Act::Types));
        soft.hear(b"no sign");
        assert_eq!(sent(&session).len(), 0);
        soft.hear(&sign(Uuid::from_u128(9), Act::Types));
        assert_eq!(sent(&session)[0][0], "conversation:typing");
        soft.views(OF);
        sent(&session);
        soft.hear(&sign(Uuid::from_u128(9), Act::StopsViewing));
        assert_eq!(sent(&session).len(), 0, "the user is here still");
    }
}
