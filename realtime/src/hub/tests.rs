#![allow(clippy::unwrap_used)]

use super::*;
use crate::engine::Timing;
use crate::engine::session::Transport;
use crate::events::{AgentPresence, ServerEvent};
use event_schemas::{AccountId, ConversationId};
use proptest::prelude::*;
use uuid::Uuid;

const ACCOUNT: AccountId = AccountId::from_u128(1);
const ACCOUNT_ROOM: Room = Room::Account(ACCOUNT);
const CONVERSATION: Room = Room::Conversation(ACCOUNT, ConversationId::from_u128(2));

const SMALL: Limits =
    Limits { ring_pushes: 10_000, ring_bytes: 1 << 20, queue_bytes: 200, longest_gap: 5_000 };

fn push(position: u64, room: Room) -> Push {
    let offset = Offset { position: Position::at(position), part: 0 };
    Push::new(offset, vec![room], AgentPresence::NAME, &format!(r#"{{"position":"{position}"}}"#))
}

fn give_out(hub: &Hub, positions: impl IntoIterator<Item = u64>, room: Room) {
    for position in positions {
        hub.give_out(vec![push(position, room)], Position::at(position));
    }
}

fn join(hub: &Arc<Hub>, rooms: &[Room], after: Option<&str>) -> Arc<Client> {
    let session = Session::new(Uuid::nil(), Transport::WebSocket, Timing::default());
    let after = after.map(|after| after.parse().unwrap());
    hub.join(session, "/agents", rooms.to_vec(), after, "live")
}

/// The pushes that the client is sent now, each with the position of its `prev`. The place is left out.
fn sent(client: &Client) -> Vec<(u64, u64)> {
    std::iter::from_fn(|| client.next()).filter_map(|packet| of_packet(&packet)).collect()
}

fn positions(client: &Client) -> Vec<u64> {
    sent(client).into_iter().map(|(position, _)| position).collect()
}

fn array(packet: &str) -> serde_json::Value {
    serde_json::from_str(packet.split_once(',').unwrap().1).unwrap()
}

fn place(packet: &str) -> Place {
    array(packet)[2].as_str().unwrap().parse().unwrap()
}

fn of_packet(packet: &str) -> Option<(u64, u64)> {
    let array = array(packet);
    let number = |text: &str| text.split(':').next().unwrap().parse().unwrap();
    (array[0] == "agent:presence")
        .then(|| (number(array[1]["position"].as_str().unwrap()), number(array[1]["prev"].as_str().unwrap())))
}

fn waits_for_log(client: &Client) -> bool {
    client.lock().mode == Mode::BehindTheRing
}

#[test]
fn a_client_gets_the_pushes_of_its_rooms_and_each_names_the_one_before() {
    let hub = Hub::at(Position::at(5), SMALL);
    let client = join(&hub, &[ACCOUNT_ROOM], None);
    give_out(&hub, [6], ACCOUNT_ROOM);
    give_out(&hub, [7], CONVERSATION);
    give_out(&hub, [8], ACCOUNT_ROOM);
    assert_eq!(sent(&client), [(6, 5), (8, 6)]);
    let mut both = push(9, ACCOUNT_ROOM);
    both.rooms.push(CONVERSATION);
    hub.enter(&client, CONVERSATION);
    hub.give_out(vec![both], Position::at(9));
    assert_eq!(sent(&client), [(9, 8)]);
    hub.remove(&client);
    give_out(&hub, [10], ACCOUNT_ROOM);
    assert_eq!(sent(&client), []);
    assert!(hub.lock().rooms.is_empty());
}

#[test]
fn a_client_that_does_not_read_costs_no_more_than_its_queue_and_loses_nothing() {
    let hub = Hub::at(Position::at(0), SMALL);
    let (slow, fast) = (join(&hub, &[ACCOUNT_ROOM], None), join(&hub, &[ACCOUNT_ROOM], None));
    for position in 1..=1_000 {
        give_out(&hub, [position], ACCOUNT_ROOM);
        assert_eq!(positions(&fast), [position]);
        assert!(slow.lock().queue_bytes <= SMALL.queue_bytes);
    }
    assert_eq!(positions(&slow), (1..=1_000).collect::<Vec<_>>());
    give_out(&hub, [1_001], ACCOUNT_ROOM);
    assert_eq!(sent(&slow), [(1_001, 1_000)]);
}

#[test]
fn a_client_behind_the_ring_goes_on_with_the_log_and_then_the_ring() {
    let hub = Hub::at(Position::at(0), Limits { ring_pushes: 10, ..SMALL });
    let client = join(&hub, &[ACCOUNT_ROOM], None);
    give_out(&hub, 1..=100, ACCOUNT_ROOM);
    let mut got = positions(&client);
    assert!(waits_for_log(&client) && !hub.reaches(client.queued()));
    assert!(got.len() < 10);
    for page in [50, 95] {
        let after = client.queued();
        let missed =
            (1..=page).map(|position| push(position, ACCOUNT_ROOM)).filter(|push| push.offset > after);
        client.catch_up(missed.collect(), Offset::after(Position::at(page)));
        got.extend(positions(&client));
        assert_eq!(waits_for_log(&client), page == 50);
    }
    assert_eq!(got, (1..=100).collect::<Vec<_>>());
}

#[test]
fn a_client_that_comes_back_goes_on_after_the_push_that_it_had() {
    let hub = Hub::at(Position::at(0), SMALL);
    give_out(&hub, 1..=20, ACCOUNT_ROOM);
    let client = join(&hub, &[ACCOUNT_ROOM], Some("15:0"));
    assert_eq!(positions(&client), [16, 17, 18, 19, 20]);
    let older = Hub::at(Position::at(20), SMALL);
    assert!(waits_for_log(&join(&older, &[ACCOUNT_ROOM], Some("15:0"))));
}

#[test]
fn a_reset_client_begins_anew() {
    let hub = Hub::at(Position::at(0), Limits { ring_pushes: 1, ..SMALL });
    let client = join(&hub, &[ACCOUNT_ROOM], None);
    give_out(&hub, 1..=100, ACCOUNT_ROOM);
    client.reset(Offset::after(hub.through()));
    assert_eq!(sent(&client), []);
    give_out(&hub, [101], ACCOUNT_ROOM);
    assert_eq!(sent(&client), [(101, 100)]);
}

#[test]
fn a_client_that_joins_gets_each_message_once_even_when_it_is_behind() {
    let hub = Hub::at(Position::at(0), SMALL);
    let client = join(&hub, &[ACCOUNT_ROOM], None);
    give_out(&hub, 1..=50, ACCOUNT_ROOM);
    give_out(&hub, 51..=60, CONVERSATION);
    assert_eq!(client.lock().mode, Mode::Behind);
    let entered = hub.enter_after(&client, CONVERSATION, Vec::new(), "55".parse().unwrap());
    assert_eq!(entered, Some(Position::at(60)));
    let replayed = std::iter::from_fn(|| client.session.next());
    let replayed: Vec<_> = replayed.filter(|packet| packet.contains("replayed")).collect();
    assert_eq!(replayed.len(), 5);
    give_out(&hub, 61..=62, CONVERSATION);
    assert_eq!(positions(&client), (1..=50).chain(61..=62).collect::<Vec<_>>());
}

#[test]
fn the_place_with_the_joined_conversations_comes_before_the_answer() {
    let hub = Hub::at(Position::at(0), SMALL);
    let client = join(&hub, &[ACCOUNT_ROOM], None);
    give_out(&hub, [1], ACCOUNT_ROOM);
    assert_eq!(positions(&client), [1]);
    hub.enter(&client, CONVERSATION);
    client.answer("43/agents,1[{}]".to_owned());
    let place = place(&client.next().unwrap());
    assert_eq!(place.offset, Offset::after(Position::at(1)));
    assert_eq!(place.joined, [uuid::Uuid::from_u128(2)]);
    assert_eq!(client.next().as_deref(), Some("43/agents,1[{}]"));
}

/// One step of a client's life.
#[derive(Clone, Copy, Debug)]
enum Step {
    Push { of_conversation: bool },
    Read { at_most: usize },
    Enter,
    Leave,
    Reconnect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<bool>().prop_map(|of_conversation| Step::Push { of_conversation }),
        3 => (0_usize..8).prop_map(|at_most| Step::Read { at_most }),
        1 => Just(Step::Enter),
        1 => Just(Step::Leave),
        1 => Just(Step::Reconnect),
    ]
}

/// A client that reads, and keeps the place of the last packet that had one, as the stock client does.
struct Reader {
    client: Arc<Client>,
    place: Place,
    got: Vec<u64>,
}

impl Reader {
    fn read(&mut self, log: &[(u64, Room)], at_most: usize) {
        let until = self.got.len().saturating_add(at_most);
        while self.got.len() < until {
            if let Some(packet) = self.client.next() {
                let before = std::mem::replace(&mut self.place, place(&packet));
                if let Some((position, prev)) = of_packet(&packet) {
                    assert_eq!(prev, before.offset.position.commit());
                    self.got.push(position);
                }
            } else if waits_for_log(&self.client) {
                let (after, hub) = (self.client.queued(), self.client.hub.upgrade().unwrap());
                let missed = log.iter().map(|(position, room)| push(*position, *room));
                let page: Vec<_> = missed.filter(|push| push.offset > after).take(3).collect();
                let through = page.last().map_or(Offset::after(hub.through()), |push| push.offset);
                self.client.catch_up(page, through);
            } else {
                return;
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_each_push_comes_once_and_in_order(steps in prop::collection::vec(step(), 1..200)) {
        let hub = Hub::at(Position::at(0), Limits { ring_pushes: 4, queue_bytes: 150, ..SMALL });
        let (mut log, mut wanted) = (Vec::new(), Vec::new());
        let begin = Place { offset: Offset::after(Position::at(0)), joined: Vec::new() };
        let client = join(&hub, &[ACCOUNT_ROOM], None);
        let mut reader = Reader { client, place: begin, got: Vec::new() };
        let mut is_in = false;
        for step in steps {
            match step {
                Step::Push { of_conversation } => {
                    let room = if of_conversation { CONVERSATION } else { ACCOUNT_ROOM };
                    let position = log.len() as u64 + 1;
                    log.push((position, room));
                    give_out(&hub, [position], room);
                    if !of_conversation || is_in {
                        wanted.push(position);
                    }
                }
                Step::Read { at_most } => reader.read(&log, at_most),
                // It reads all that was pushed before, and then the place.
                Step::Enter | Step::Leave => {
                    reader.read(&log, usize::MAX);
                    is_in = matches!(step, Step::Enter);
                    match is_in {
                        true => { hub.enter(&reader.client, CONVERSATION); }
                        false => { hub.leave(&reader.client, CONVERSATION); }
                    }
                    reader.read(&log, usize::MAX);
                }
                Step::Reconnect => {
                    hub.remove(&reader.client);
                    let joined = reader.place.joined.iter().map(|id| Room::Conversation(ACCOUNT, ConversationId(*id)));
                    let rooms: Vec<_> = joined.chain([ACCOUNT_ROOM]).collect();
                    reader.client = join(&hub, &rooms, Some(&reader.place.offset.to_string()));
                }
            }
        }
        reader.read(&log, usize::MAX);
        prop_assert_eq!(reader.got, wanted);
    }
}
