//! One client of Engine.IO, over whichever transport it has at the moment.
//!
//! What is to be sent comes from two places: the outbox, with answers, pings and the like, and the feed of pushes, which
//! is asked for the next one only when the transport can send it. So a slow client costs no memory.

use super::packet::Packet;
use super::{Engine, Timing};
use axum::extract::ws::Utf8Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

/// The bytes of answers that a client may leave unread. Who asks and never reads is closed.
const LARGEST_OUTBOX: usize = 256 * 1024;

/// The messages that are read from a client while one of its messages is handled. Then the client waits.
const RECEIVED_AHEAD: usize = 8;

/// The pushes that a client waits for.
pub trait Feed: Send + Sync {
    /// The next push, as a packet. `None` when there is none at the moment; the session is woken when there is one.
    fn next(&self) -> Option<Utf8Bytes>;
}

pub struct Session {
    pub id: Uuid,
    state: Mutex<State>,
    /// The transport waits for it: something to send, another transport, or the end.
    to_send: Notify,
    /// The outbox is empty.
    fetched: Notify,
    /// The connection's task waits for it.
    ended: Notify,
    /// The heartbeat waits for it.
    ponged: Notify,
    feed: OnceLock<Arc<dyn Feed>>,
    /// The client's task waits for it: a message has come.
    received: Notify,
    /// The transport waits for it: a message was taken, or the session has ended.
    taken: Notify,
    timing: Timing,
}

struct State {
    transport: Transport,
    /// `None` when the session has ended.
    counted: Option<Counted>,
    outbox: VecDeque<Utf8Bytes>,
    outbox_bytes: usize,
    /// The messages that the client's task has not taken yet. An idle client has no queue: a channel would keep one.
    inbox: VecDeque<String>,
    /// Whether a request waits for packets, and whether one brings some. A client has at most one of each.
    polling: bool,
    posting: bool,
    /// When the answer to the last ping is due.
    pong_due: Option<Instant>,
    /// Why the session has ended.
    end: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Polling,
    /// Polling, while a WebSocket is tried.
    Upgrading,
    WebSocket,
}

/// Counts the connection of a session among those with its transport, until it is dropped.
struct Counted(metrics::Gauge);

impl Counted {
    fn with(transport: Transport) -> Self {
        let gauge = transport.connections();
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl Transport {
    /// The number of connections with this transport.
    pub fn connections(self) -> metrics::Gauge {
        let transport = match self {
            Self::Polling | Self::Upgrading => "polling",
            Self::WebSocket => "websocket",
        };
        metrics::gauge!("verbatim_realtime_connections", "transport" => transport)
    }
}

/// The session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended: {0}")]
pub struct Ended(pub &'static str);

/// The request does not fit what the session does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a client has one request of each kind at a time")]
pub struct Overlap;

impl Session {
    pub(crate) fn new(id: Uuid, transport: Transport, timing: Timing) -> Arc<Self> {
        let state = State {
            transport,
            counted: Some(Counted::with(transport)),
            outbox: VecDeque::new(),
            outbox_bytes: 0,
            inbox: VecDeque::new(),
            polling: false,
            posting: false,
            pong_due: None,
            end: None,
        };
        Arc::new(Self {
            id,
            state: Mutex::new(state),
            to_send: Notify::new(),
            fetched: Notify::new(),
            ended: Notify::new(),
            ponged: Notify::new(),
            feed: OnceLock::new(),
            received: Notify::new(),
            taken: Notify::new(),
            timing,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pushes are asked for from now on. A session has one feed.
    pub fn attach(&self, feed: Arc<dyn Feed>) {
        // A second namespace of the same client brings the same feed.
        let _attached = self.feed.set(feed);
        self.wake();
    }

    /// The feed may have something to send.
    pub fn wake(&self) {
        self.to_send.notify_one();
    }

    /// Sends a packet.
    pub fn send(&self, packet: impl Into<Utf8Bytes>) {
        let packet = packet.into();
        let mut state = self.lock();
        state.outbox_bytes += packet.len();
        state.outbox.push_back(packet);
        let too_many = state.outbox_bytes > LARGEST_OUTBOX;
        drop(state);
        if too_many {
            self.end("its answers were not read");
        }
        self.to_send.notify_one();
    }

    /// Sends a packet that may be missed: not when earlier ones wait.
    pub fn send_if_idle(&self, packet: Utf8Bytes) {
        if self.lock().outbox_bytes < LARGEST_OUTBOX / 16 {
            self.send(packet);
        }
    }

    /// Ends the session, and tells the client. What is in the outbox is still sent.
    pub fn end(&self, reason: &'static str) {
        self.end_with(reason, Packet::Close);
    }

    fn end_with(&self, reason: &'static str, last: Packet<'_>) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(reason);
            state.counted = None;
            state.outbox.push_back(last.to_string().into());
        }
        drop(state);
        self.tell_of_end();
    }

    fn tell_of_end(&self) {
        self.ended.notify_one();
        self.to_send.notify_one();
        self.taken.notify_one();
    }

    pub fn end_reason(&self) -> Option<&'static str> {
        let mut state = self.lock();
        // A timer may be late; the client must not see a session that should have ended.
        if state.end.is_none() && state.pong_due.is_some_and(|due| Instant::now() >= due) {
            state.end = Some(NO_PONG);
            state.counted = None;
            self.tell_of_end();
        }
        state.end
    }

    pub async fn until_ended(&self) {
        while self.end_reason().is_none() {
            self.ended.notified().await;
        }
    }

    /// Pings the client, and ends the session when it does not answer in time.
    pub async fn beat(&self) {
        let mut ping = Instant::now() + self.timing.ping_interval;
        loop {
            tokio::time::sleep_until(ping).await;
            // A timer that is late gives the client no more time.
            let due = ping + self.timing.ping_timeout;
            self.lock().pong_due = Some(due);
            self.send(Packet::Ping("").to_string());
            tokio::select! {
                () = self.ponged.notified() => ping = Instant::now() + self.timing.ping_interval,
                () = tokio::time::sleep_until(due) => return self.end(NO_PONG),
            }
        }
    }

    /// Takes a packet of the client. Waits while earlier messages are handled.
    pub async fn receive(&self, packet: Packet<'_>) -> Result<(), Ended> {
        match packet {
            Packet::Message(text) => self.put(text).await,
            Packet::Pong => {
                // A pong without a ping is none of the heartbeat's.
                if self.lock().pong_due.take().is_some() {
                    self.ponged.notify_one();
                }
                Ok(())
            }
            Packet::Close => {
                // Its waiting request is answered, and not with a close, which it has sent itself.
                self.end_with("the client left", Packet::Noop);
                Err(Ended("the client left"))
            }
            Packet::Ping(_) | Packet::Upgrade | Packet::Noop => {
                self.end("a packet that fits no transport");
                Err(Ended("a packet that fits no transport"))
            }
        }
    }

    /// Keeps a message for the client's task. Waits while the task has not taken earlier ones.
    async fn put(&self, message: &str) -> Result<(), Ended> {
        while !self.try_put(message)? {
            self.taken.notified().await;
        }
        Ok(())
    }

    /// Returns whether there was room for the message.
    fn try_put(&self, message: &str) -> Result<bool, Ended> {
        let mut state = self.lock();
        if let Some(reason) = state.end {
            // A request and a WebSocket may both wait, while the one is exchanged for the other.
            self.taken.notify_one();
            return Err(Ended(reason));
        }
        if state.inbox.len() >= RECEIVED_AHEAD {
            return Ok(false);
        }
        state.inbox.push_back(message.to_owned());
        if state.inbox.len() < RECEIVED_AHEAD {
            self.taken.notify_one();
        }
        drop(state);
        self.received.notify_one();
        Ok(true)
    }

    /// The client's next message. Only its task takes them.
    pub async fn next_message(&self) -> String {
        loop {
            let message = take_first(&mut self.lock().inbox);
            if let Some(message) = message {
                self.taken.notify_one();
                return message;
            }
            self.received.notified().await;
        }
    }

    /// The next packet to send. `None` when there is none at the moment.
    pub fn next(&self) -> Option<Utf8Bytes> {
        let mut state = self.lock();
        if let Some(packet) = take_first(&mut state.outbox) {
            state.outbox_bytes = state.outbox_bytes.saturating_sub(packet.len());
            if state.outbox.is_empty() {
                self.fetched.notify_one();
            }
            return Some(packet);
        }
        if state.end.is_some() {
            return None;
        }
        drop(state);
        self.feed.get()?.next()
    }

    /// Waits until the transport has taken what is in the outbox.
    pub async fn until_fetched(&self) {
        while !self.lock().outbox.is_empty() {
            self.fetched.notified().await;
        }
    }

    pub async fn something_to_send(&self) {
        self.to_send.notified().await;
    }

    /// A request that waits for packets begins. There is only one at a time: a second one ends the session.
    pub fn begin_poll(self: &Arc<Self>) -> Result<Busy, Overlap> {
        self.begin(|state| &mut state.polling)
    }

    /// A request that brings packets begins.
    pub fn begin_post(self: &Arc<Self>) -> Result<Busy, Overlap> {
        self.begin(|state| &mut state.posting)
    }

    fn begin(self: &Arc<Self>, flag: fn(&mut State) -> &mut bool) -> Result<Busy, Overlap> {
        let mut state = self.lock();
        // A request that was on its way while the WebSocket took over ends nothing.
        if state.transport == Transport::WebSocket {
            return Err(Overlap);
        }
        if *flag(&mut state) {
            drop(state);
            self.end("two requests at once");
            return Err(Overlap);
        }
        *flag(&mut state) = true;
        Ok(Busy { session: self.clone(), flag, is_answered: false })
    }

    /// How long the packets of a request may take to come.
    pub fn longest_request(&self) -> Duration {
        self.timing.ping_timeout
    }

    pub fn transport(&self) -> Transport {
        self.lock().transport
    }

    /// Changes the transport, when it is this one.
    pub fn change(&self, from: Transport, to: Transport) -> bool {
        let mut state = self.lock();
        let changes = state.transport == from;
        if changes {
            state.transport = to;
            if state.end.is_none() {
                state.counted = Some(Counted::with(to));
            }
        }
        drop(state);
        self.to_send.notify_one();
        changes
    }
}

/// Takes the first of a queue, and the queue's memory when it was the last: most clients get or send nothing for long.
fn take_first<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let first = queue.pop_front();
    if queue.is_empty() {
        *queue = VecDeque::new();
    }
    first
}

const NO_PONG: &str = "the client did not answer a ping";

/// A request in progress, until it is answered. A request that the client cancels ends the session: packets for it may be
/// lost, and the client gets them again when it connects anew.
pub struct Busy {
    session: Arc<Session>,
    flag: fn(&mut State) -> &mut bool,
    is_answered: bool,
}

impl Busy {
    /// The request is answered.
    pub fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *(self.flag)(&mut self.session.lock()) = false;
        if !self.is_answered {
            self.session.end("a request was cancelled");
        }
    }
}

/// Removes the session from the engine when its task ends.
pub(super) struct Registered {
    pub(super) engine: Arc<Engine>,
    pub(super) session: Arc<Session>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.session.end("its task has ended");
        self.engine.forget(self.session.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use futures::poll;
    use std::pin::pin;
    use std::task::Poll;

    fn session() -> Arc<Session> {
        Session::new(Uuid::nil(), Transport::WebSocket, Timing::default())
    }

    fn fill(session: &Session) {
        for number in 0..RECEIVED_AHEAD {
            let received = session.receive(Packet::Message(&number.to_string())).now_or_never();
            assert_eq!(received, Some(Ok(())), "{number}");
        }
    }

    #[tokio::test]
    async fn a_client_waits_until_its_earlier_messages_are_taken() {
        let session = session();
        fill(&session);
        let mut request = pin!(session.receive(Packet::Message("of a request")));
        let mut socket = pin!(session.receive(Packet::Message("of a WebSocket")));
        assert_eq!(poll!(&mut request), Poll::Pending);
        assert_eq!(poll!(&mut socket), Poll::Pending);
        for number in 0..RECEIVED_AHEAD {
            assert_eq!(session.next_message().await, number.to_string());
        }
        // Both were told, although all was taken before one of them looked.
        request.await.unwrap();
        socket.await.unwrap();
        assert_eq!(session.next_message().await, "of a request");
        assert_eq!(session.next_message().await, "of a WebSocket");
        assert_eq!(session.next_message().now_or_never(), None);
    }

    #[tokio::test]
    async fn no_one_waits_for_a_session_that_has_ended() {
        let session = session();
        fill(&session);
        let mut request = pin!(session.receive(Packet::Message("of a request")));
        let mut socket = pin!(session.receive(Packet::Message("of a WebSocket")));
        assert_eq!(poll!(&mut request), Poll::Pending);
        assert_eq!(poll!(&mut socket), Poll::Pending);
        session.end("a test");
        assert_eq!(request.await, Err(Ended("a test")));
        assert_eq!(socket.await, Err(Ended("a test")));
    }
}
