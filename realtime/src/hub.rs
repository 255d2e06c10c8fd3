//! The newest pushes, and the clients that get them.
//!
//! The hub keeps the newest pushes in a ring and gives each one to the clients of its rooms. A client has a queue that is
//! bounded in bytes. A client whose queue is full is behind: it gets nothing more in its queue, reads on from the ring
//! when it has sent what it had, and is up to date again at the end of the ring. So all clients get all their pushes in
//! one order, whether they are fast, slow, or have just come back, and none costs more than its queue.

mod rooms;

use self::rooms::{Members, Rooms};
use crate::engine::session::{Feed, Session};
use crate::events::{self, Sync};
use crate::packet;
use crate::push::{Offset, Place, Push, Room};
use axum::extract::ws::Utf8Bytes;
use event_schemas::Position;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The bounds of the service's memory, and of its reading for a client that was away.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The pushes that the ring keeps, and their bytes.
    pub ring_pushes: usize,
    pub ring_bytes: usize,
    /// The bytes of the queue of one client.
    pub queue_bytes: usize,
    /// The events of an account that are read for a client that was away. Beyond them it fetches anew.
    pub longest_gap: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ring_pushes: 65_536, ring_bytes: 64 << 20, queue_bytes: 256 << 10, longest_gap: 5_000 }
    }
}

/// The answers that a client may leave unread. The client that asks and never reads is closed.
const MOST_ANSWERS: usize = 256;

/// The change of a queue from which on the metric of waiting bytes is corrected. Most queues are written at once.
const REPORTED_FROM: usize = 4 << 10;

/// The bytes that a client that joins a room gets of what it missed.
const MOST_REPLAYED: usize = 128 << 10;

pub struct Hub {
    pub limits: Limits,
    waiting: metrics::Gauge,
    state: Mutex<State>,
    next_client: AtomicU64,
}

struct State {
    ring: VecDeque<Arc<Push>>,
    ring_bytes: usize,
    /// The number of pushes that were given out last.
    newest: usize,
    /// The ring has all pushes after this one.
    complete_after: Offset,
    /// All pushes up to here were given out. It is past the last push, because most events cause none for a room.
    through: Offset,
    /// When something was given out last.
    moved: Instant,
    rooms: HashMap<Room, Members>,
}

/// Whether the client that was offered a push must be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offered {
    /// It may have found its queue empty, and wait.
    Sleeps,
    /// It asks for the next push until its queue is empty.
    Works,
}

/// A client that gets the pushes of its rooms.
pub struct Client {
    number: u64,
    hub: Weak<Hub>,
    session: Arc<Session>,
    namespace: &'static str,
    /// The beginning of each of its packets.
    begun: Box<str>,
    state: Mutex<ClientState>,
    /// It is behind the ring: its task reads the log.
    pub needs_log: Notify,
}

struct ClientState {
    rooms: Rooms,
    /// The end of the place in each packet, which names the Socket.IO rooms that it has joined.
    suffix: String,
    /// Its place or its rooms changed after this push, and it does not know yet. It is told when it has been
    /// sent all pushes up to this one.
    moved: Option<Offset>,
    /// How the client goes on, which it is told with the place: `live`, `resumed` or `reset`.
    goes_on: &'static str,
    /// The answers to the changes, which are sent after the place.
    answers: VecDeque<String>,
    queue: VecDeque<Arc<Push>>,
    queue_bytes: usize,
    /// The bytes in the queues of all clients, and those of this client that are counted there.
    waiting: metrics::Gauge,
    reported: usize,
    /// All its pushes up to here are in the queue or were sent.
    queued: Offset,
    /// The push that was sent last, and the text of its offset.
    sent: Offset,
    sent_text: String,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Its queue gets each push as it comes.
    Live,
    /// It reads on from the ring when its queue is empty.
    Behind,
    /// The ring does not reach back so far.
    BehindTheRing,
}

impl Hub {
    /// A hub without pushes, at this position of the log.
    pub fn at(position: Position, limits: Limits) -> Arc<Self> {
        let offset = Offset::after(position);
        let waiting = metrics::gauge!("verbatim_realtime_queue_bytes");
        waiting.set(0.0);
        Arc::new(Self {
            limits,
            waiting,
            next_client: AtomicU64::new(0),
            state: Mutex::new(State {
                ring: VecDeque::new(),
                ring_bytes: 0,
                newest: 0,
                complete_after: offset,
                through: offset,
                moved: Instant::now(),
                rooms: HashMap::new(),
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All pushes up to here were given out.
    pub fn through(&self) -> Position {
        self.lock().through.position
    }

    /// Whether a client is in the Socket.IO room.
    pub fn has_clients(&self, room: Room) -> bool {
        self.lock().rooms.contains_key(&room)
    }

    /// How long ago something was given out.
    pub fn idle(&self) -> Duration {
        self.lock().moved.elapsed()
    }

    /// Gives out the pushes of the events up to this position.
    pub fn give_out(&self, pushes: Vec<Push>, through: Position) {
        self.give_out_to(self.lock(), pushes, through);
    }

    /// Gives out pushes that are no event's. Their offsets come after the position up to which all others were given
    /// out.
    pub fn give_out_now(&self, pushes: impl FnOnce(Position) -> Vec<Push>) {
        let state = self.lock();
        let through = state.through.position;
        self.give_out_to(state, pushes(through), through);
    }

    fn give_out_to(&self, mut state: MutexGuard<'_, State>, pushes: Vec<Push>, through: Position) {
        let mut sleeping = Vec::new();
        let newest = std::mem::replace(&mut state.newest, pushes.len());
        state.ring.iter().rev().take(newest).for_each(|push| push.forget_packet());
        for push in pushes {
            let push = Arc::new(push);
            for client in state.clients_of(&push) {
                if client.offer(&push, self.limits.queue_bytes) == Offered::Sleeps {
                    sleeping.push(client.clone());
                }
            }
            state.ring_bytes += push.bytes();
            state.ring.push_back(push);
        }
        state.through = state.through.max(Offset::after(through));
        state.moved = Instant::now();
        while state.ring.len() > self.limits.ring_pushes || state.ring_bytes > self.limits.ring_bytes {
            let Some(oldest) = state.ring.pop_front() else { break };
            state.ring_bytes -= oldest.bytes();
            state.complete_after = oldest.offset;
        }
        drop(state);
        // They have all of these pushes in their queues now, and write them at once.
        for client in sleeping {
            client.session.wake();
        }
    }

    /// Ends the connections of the clients in a Socket.IO room. Nothing is pushed to them any more.
    pub fn send_away(&self, room: Room, reason: &'static str) {
        let state = self.lock();
        for client in state.members(room) {
            client.session.send(packet::disconnected(client.namespace));
            client.session.end(reason);
        }
    }

    /// Sends a packet that is no push to the clients of a Socket.IO room, except to one. A client that is behind misses it.
    pub fn whisper(&self, room: Room, packet: &Utf8Bytes, except: Option<&Client>) {
        let state = self.lock();
        for client in state.members(room) {
            if except.is_none_or(|except| except.number != client.number) && client.lock().mode == Mode::Live
            {
                client.session.send_if_idle(packet.clone());
            }
        }
    }

    /// Adds a client that gets the pushes of these Socket.IO rooms after `after`; the newest ones only, without it. Its
    /// first packet is its place.
    pub fn join(
        self: &Arc<Self>,
        session: Arc<Session>,
        namespace: &'static str,
        rooms: Vec<Room>,
        after: Option<Offset>,
        goes_on: &'static str,
    ) -> Arc<Client> {
        let mut state = self.lock();
        let after = after.unwrap_or(state.through);
        let mode = match after >= state.complete_after {
            true => Mode::Behind,
            false => Mode::BehindTheRing,
        };
        let client = Arc::new(Client {
            number: self.next_client.fetch_add(1, Ordering::Relaxed),
            hub: Arc::downgrade(self),
            session,
            namespace,
            begun: packet::event_begun(namespace).into(),
            needs_log: Notify::new(),
            state: Mutex::new(ClientState {
                rooms: Rooms::default(),
                suffix: String::new(),
                moved: None,
                goes_on,
                answers: VecDeque::new(),
                queue: VecDeque::new(),
                queue_bytes: 0,
                waiting: self.waiting.clone(),
                reported: 0,
                queued: after,
                sent: after,
                sent_text: after.to_string(),
                mode,
            }),
        });
        for room in rooms {
            state.enter(&client, room, after);
        }
        client.lock().moved = Some(after);
        if mode == Mode::BehindTheRing {
            client.needs_log.notify_one();
        }
        client
    }

    /// From now on the client gets the pushes of this Socket.IO room. Returns the position from which on.
    pub fn enter(&self, client: &Arc<Client>, room: Room) -> Position {
        let mut state = self.lock();
        let through = state.through;
        state.enter(client, room, through);
        through.position
    }

    /// Returns whether the client was in the Socket.IO room.
    pub fn leave(&self, client: &Client, room: Room) -> bool {
        let mut state = self.lock();
        state.leave(client.number, room);
        let mut own = client.lock();
        own.change_rooms(state.through, |rooms| rooms.leave(room))
    }

    /// The client gets nothing more. Returns the Socket.IO rooms in which it was.
    pub fn remove(&self, client: &Client) -> Vec<Room> {
        let mut state = self.lock();
        let rooms: Vec<Room> = client.lock().rooms.take().collect();
        for room in &rooms {
            state.leave(client.number, *room);
        }
        rooms
    }

    /// Does what [`Hub::enter`] does, and first sends what the client missed of this Socket.IO room: these pushes, and those of the ring after `after`.
    /// `None` when they are too many to be sent at once, or the ring does not reach back so far.
    pub fn enter_after(
        &self,
        client: &Arc<Client>,
        room: Room,
        mut missed: Vec<Arc<Push>>,
        after: Offset,
    ) -> Option<Position> {
        let mut state = self.lock();
        if after < state.complete_after {
            return None;
        }
        missed.extend(state.after(after).filter(|push| push.rooms.contains(&room)).cloned());
        if missed.iter().map(|push| push.bytes()).sum::<usize>() > MOST_REPLAYED {
            return None;
        }
        // Nothing is given out meanwhile, so that nothing newer overtakes them.
        for push in missed {
            client.session.send(push.replayed(&client.begun));
        }
        let through = state.through;
        state.enter(client, room, through);
        Some(through.position)
    }

    /// Whether the ring has all pushes after this one.
    pub fn reaches(&self, offset: Offset) -> bool {
        offset >= self.lock().complete_after
    }

    /// Fills the queue of a client that is behind from the ring.
    fn read_on(&self, client: &Client) {
        let state = self.lock();
        let mut own = client.lock();
        if own.mode != Mode::Behind || !own.queue.is_empty() {
            return;
        }
        if own.queued < state.complete_after {
            own.mode = Mode::BehindTheRing;
            client.needs_log.notify_one();
            return;
        }
        for push in state.after(own.queued) {
            if own.queue_bytes >= self.limits.queue_bytes {
                return;
            }
            own.queued = push.offset;
            if own.gets(push) {
                own.add(push.clone());
            }
        }
        own.mode = Mode::Live;
    }
}

impl State {
    fn enter(&mut self, client: &Arc<Client>, room: Room, after: Offset) {
        self.rooms.entry(room).or_default().insert(client.clone());
        client.lock().change_rooms(after, |rooms| rooms.enter(room, after));
    }

    fn leave(&mut self, number: u64, room: Room) {
        if let Entry::Occupied(mut members) = self.rooms.entry(room) {
            members.get_mut().remove(number);
            if members.get().is_empty() {
                members.remove();
            }
        }
    }

    fn members(&self, room: Room) -> impl Iterator<Item = &Arc<Client>> {
        self.rooms.get(&room).into_iter().flat_map(Members::iter)
    }

    /// A client in several of its rooms is in it several times, and takes the push once.
    fn clients_of<'s>(&'s self, push: &'s Push) -> impl Iterator<Item = &'s Arc<Client>> {
        push.rooms.iter().flat_map(|room| self.members(*room))
    }

    /// The pushes of the ring after this one.
    fn after(&self, offset: Offset) -> impl Iterator<Item = &Arc<Push>> {
        let first = self.ring.partition_point(|push| push.offset <= offset);
        self.ring.range(first..)
    }
}

impl ClientState {
    fn add(&mut self, push: Arc<Push>) {
        self.queue_bytes += push.bytes();
        self.queue.push_back(push);
        self.report(false);
    }

    fn clear(&mut self) {
        self.queue.clear();
        self.queue_bytes = 0;
        self.report(true);
    }

    /// Corrects the metric of waiting bytes, which all clients share, when this client's part is far from what it says.
    fn report(&mut self, exactly: bool) {
        let difference = self.queue_bytes.abs_diff(self.reported);
        if difference >= REPORTED_FROM || exactly {
            self.waiting.increment(self.queue_bytes as f64 - self.reported as f64);
            self.reported = self.queue_bytes;
        }
    }

    fn set_sent(&mut self, offset: Offset) {
        self.sent = offset;
        self.sent_text = offset.to_string();
    }

    /// Enters or leaves rooms. The client learns the place with the Socket.IO rooms that it has joined when they are
    /// others than before.
    fn change_rooms<T>(&mut self, at: Offset, change: impl FnOnce(&mut Rooms) -> T) -> T {
        let changed = change(&mut self.rooms);
        let suffix = Place::suffix(self.rooms.joined());
        if suffix != self.suffix {
            self.moved = Some(at);
        }
        self.suffix = suffix;
        changed
    }

    /// Whether no push up to this one is still to be sent.
    fn was_sent_up_to(&self, offset: Offset) -> bool {
        match self.queue.front() {
            Some(next) => next.offset > offset,
            None => self.mode == Mode::Live || self.queued >= offset,
        }
    }

    /// Whether the push is of one of its rooms, and newer than its entry.
    fn gets(&self, push: &Push) -> bool {
        push.rooms.iter().any(|room| self.rooms.after(*room).is_some_and(|after| push.offset > after))
    }
}

impl Client {
    fn lock(&self) -> MutexGuard<'_, ClientState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a push into the queue, unless it has it already or must read it later.
    fn offer(&self, push: &Arc<Push>, most: usize) -> Offered {
        let mut state = self.lock();
        if state.mode != Mode::Live {
            // Whether it sleeps with an empty queue is not known here.
            return Offered::Sleeps;
        }
        if push.offset <= state.queued {
            return Offered::Works;
        }
        if state.queue_bytes > 0 && state.queue_bytes + push.bytes() > most {
            state.mode = Mode::Behind;
            metrics::counter!("verbatim_realtime_lagging_total").increment(1);
            return Offered::Works;
        }
        state.queued = push.offset;
        let slept = state.queue.is_empty();
        state.add(push.clone());
        if slept { Offered::Sleeps } else { Offered::Works }
    }

    /// Sends the answer to an event of the client. When its rooms have changed, it comes after the place with them, so
    /// that the client never believes to be in a room that a later process does not know of.
    pub fn answer(&self, answer: String) {
        let mut state = self.lock();
        if state.moved.is_none() && state.answers.is_empty() {
            drop(state);
            return self.session.send(answer);
        }
        state.answers.push_back(answer);
        let unread = state.answers.len();
        drop(state);
        if unread > MOST_ANSWERS {
            self.session.end("its answers were not read");
        }
        self.session.wake();
    }

    /// Waits until the answers that were sent are on their way to the client.
    pub async fn until_answers_are_taken(&self) {
        self.session.until_fetched().await;
    }

    pub fn is_in(&self, room: Room) -> bool {
        self.lock().rooms.contains(room)
    }

    /// The number of Socket.IO rooms that it has joined.
    pub fn joined(&self) -> usize {
        self.lock().rooms.joined().count()
    }

    /// All its pushes up to here are in its queue or were sent.
    pub fn queued(&self) -> Offset {
        self.lock().queued
    }

    /// Takes pushes that were read from the log, for a client that is behind the ring. All its pushes up to `through`
    /// are among them or before.
    pub fn catch_up(&self, pushes: Vec<Push>, through: Offset) {
        let mut state = self.lock();
        for push in pushes {
            if push.offset > state.queued && state.gets(&push) {
                state.add(Arc::new(push));
            }
        }
        state.queued = state.queued.max(through);
        // Whether the ring reaches back so far by now is seen when it reads on.
        state.mode = Mode::Behind;
        drop(state);
        self.session.wake();
    }

    /// The client begins anew at this position: what it missed is more than is worth reading.
    pub fn reset(&self, offset: Offset) {
        let mut state = self.lock();
        state.clear();
        (state.queued, state.mode) = (offset, Mode::Behind);
        state.set_sent(offset);
        (state.moved, state.goes_on) = (Some(offset), "reset");
        drop(state);
        self.session.wake();
    }

    fn pop(&self) -> Option<Utf8Bytes> {
        let mut state = self.lock();
        if let Some(at) = state.moved {
            if !state.was_sent_up_to(at) {
                return self.pop_push(&mut state);
            }
            state.moved = None;
            let sent = state.sent.max(at);
            state.set_sent(sent);
            let place = self.place(&state);
            state.goes_on = "live";
            return Some(place.into());
        }
        if let Some(answer) = state.answers.pop_front() {
            return Some(answer.into());
        }
        self.pop_push(&mut state)
    }

    fn pop_push(&self, state: &mut ClientState) -> Option<Utf8Bytes> {
        let push = state.queue.pop_front()?;
        state.queue_bytes -= push.bytes();
        state.report(false);
        let packet = push.packet(&self.begun, &state.sent_text, &state.suffix);
        state.sent = push.offset;
        push.place.clone_into(&mut state.sent_text);
        Some(packet)
    }

    /// Tells the client its place, for the next time that it comes back.
    fn place(&self, state: &ClientState) -> String {
        let place = format!("{}{}", state.sent_text, state.suffix);
        let object = events::Place { mode: state.goes_on, position: state.sent.position };
        packet::placed::<Sync>(self.namespace, &object, &place)
    }
}

impl Drop for ClientState {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Feed for Client {
    fn next(&self) -> Option<Utf8Bytes> {
        if let Some(packet) = self.pop() {
            return Some(packet);
        }
        let mode = self.lock().mode;
        if mode == Mode::Behind
            && let Some(hub) = self.hub.upgrade()
        {
            hub.read_on(self);
        }
        self.pop()
    }
}

#[cfg(test)]
mod tests;
