//! Compares the clocks, and since when the customer waits, with a fold over only those messages that did not fail.

use crate::clocks::{assigned, opened, sent_as};
use domain::sla::{Alarm, Clocks, Timer, Unanswered};
use event_schemas::catalogue::{SlaPolicy, SlaTargets};
use event_schemas::conversation::*;
use event_schemas::message::{Content, Priority, SenderType};
use event_schemas::{ConversationEvent, MessageEvent, MessageId, SlaPolicyId, Timestamp, UserId};
use proptest::prelude::*;
use proptest::sample::select;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
enum Action {
    CustomerWrites,
    Says(SenderType),
    /// The message to the customer with this number, counted from the newest, fails or is delivered.
    Fails(usize),
    IsDelivered(usize),
    Wait,
    Assign,
    Resolve,
    Reopen,
    Close,
    SetPriority(Priority),
    ApplyPolicy(u32),
    RemovePolicy,
    /// The alarms that are due are recorded.
    RecordAlarms,
    AddNote,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        5 => Just(Action::CustomerWrites),
        5 => select(vec![SenderType::Agent, SenderType::Agent, SenderType::Bot, SenderType::System]).prop_map(Action::Says),
        5 => (0..4usize).prop_map(Action::Fails),
        2 => (0..4usize).prop_map(Action::IsDelivered),
        1 => Just(Action::Wait),
        1 => Just(Action::Assign),
        1 => Just(Action::Resolve),
        1 => Just(Action::Reopen),
        1 => select(Priority::ALL.to_vec()).prop_map(Action::SetPriority),
        1 => (1..200u32).prop_map(Action::ApplyPolicy),
        1 => Just(Action::RemovePolicy),
        2 => Just(Action::RecordAlarms),
        1 => Just(Action::AddNote),
    ]
}

/// A conversation with its events, and what is compared.
#[derive(Default)]
struct Story {
    clocks: Clocks,
    events: Vec<(ConversationEvent, Timestamp)>,
    /// The messages to the customer, and whether the last report on each says that it failed.
    said: Vec<(MessageId, bool)>,
}

#[derive(Debug, PartialEq)]
struct Shown {
    unanswered: Option<Unanswered>,
    first_reply_at: Option<Timestamp>,
    answered_by_bot: bool,
    inactive_since: Timestamp,
    timers: Vec<Timer>,
    alarms: Vec<Alarm>,
}

fn shown(clocks: &Clocks) -> Shown {
    let mut alarms: Vec<_> = clocks.alarms().collect();
    alarms.sort_by_key(|alarm| (alarm.at, alarm.metric, alarm.kind));
    Shown {
        unanswered: clocks.unanswered(),
        first_reply_at: clocks.first_reply_at(),
        answered_by_bot: clocks.is_answered_by_bot(),
        inactive_since: clocks.inactive_since(),
        timers: clocks.timers().collect(),
        alarms,
    }
}

impl Story {
    fn happens(&mut self, event: impl Into<ConversationEvent>, at: Timestamp) {
        let event = event.into();
        self.clocks.evolve(&event, at);
        self.events.push((event, at));
        // The tables keep the clocks serialised between two events.
        let back: Clocks = serde_json::from_str(&serde_json::to_string(&self.clocks).unwrap()).unwrap();
        assert_eq!(back, self.clocks);
        self.clocks = back;
    }

    fn new_message(&self) -> MessageId {
        MessageId::from_u128(self.events.len() as u128)
    }

    fn perform(&mut self, action: Action, at: Timestamp) {
        let message_id = self.new_message();
        match action {
            Action::CustomerWrites => self.happens(received(message_id), at),
            Action::Says(sender_type) => {
                self.said.push((message_id, false));
                self.happens(sent_as(sender_type, message_id), at);
            }
            Action::Fails(back) => {
                let Some((message_id, failed)) = self.said.iter_mut().rev().nth(back) else { return };
                *failed = true;
                let message_id = *message_id;
                self.happens(failed_report(message_id, at), at);
            }
            Action::IsDelivered(back) => {
                let Some(place) = self.said.len().checked_sub(back + 1) else { return };
                // It cannot fail any more.
                let (message_id, _) = self.said.remove(place);
                self.happens(delivered(message_id, at), at);
            }
            Action::Wait => self.happens(MarkedPending { until: None, reason: None }, at),
            Action::Assign => self.happens(assigned(), at),
            Action::Resolve => self.happens(Resolved { reason: None }, at),
            Action::Reopen => self.happens(Reopened { cause: ReopenCause::Agent, reason: None }, at),
            Action::Close => self.happens(Closed { reason: None }, at),
            Action::SetPriority(new) => self.happens(PriorityChanged { old: new, new }, at),
            Action::ApplyPolicy(seconds) => {
                self.happens(SlaApplied { policy: policy(seconds), calendar: None }, at);
            }
            Action::RemovePolicy => self.happens(SlaRemoved { policy_id: SlaPolicyId::from_u128(1) }, at),
            Action::RecordAlarms => {
                while let Some(alarm) = self.clocks.next_alarm().filter(|alarm| alarm.at <= at) {
                    self.happens(alarm.event(at), alarm.at);
                }
            }
            Action::AddNote => self.happens(
                NoteAdded {
                    message_id,
                    author_id: UserId::from_u128(1),
                    author_name: None,
                    content: "a note".to_owned(),
                    mentions: Vec::new(),
                },
                at,
            ),
        }
    }

    /// The clocks as if only those messages had been sent that did not fail.
    fn without_failed(&self) -> Clocks {
        let failed = |event: &ConversationEvent| match event {
            ConversationEvent::Message(MessageEvent::MessageSent(sent)) => {
                self.said.contains(&(sent.message_id, true))
            }
            _ => false,
        };
        let mut clocks = Clocks::default();
        for (event, at) in self.events.iter().filter(|(event, _)| !failed(event)) {
            clocks.evolve(event, *at);
        }
        clocks
    }
}

fn received(message_id: MessageId) -> MessageReceived {
    MessageReceived {
        message_id,
        provider_message_id: None,
        body: Content::text("a question"),
        reply_to: None,
        sent_at: Timestamp::from_secs(0),
        metadata: serde_json::Map::new(),
    }
}

fn failed_report(message_id: MessageId, time: Timestamp) -> MessageFailed {
    let (code, reason) = ("131026".to_owned(), "Message undeliverable".to_owned());
    MessageFailed { message_id, provider_message_id: None, time, code, reason }
}

fn delivered(message_id: MessageId, time: Timestamp) -> MessageDelivered {
    MessageDelivered { message_id, provider_message_id: String::new(), time }
}

fn policy(seconds: u32) -> SlaPolicy {
    let targets = |times: u32| SlaTargets {
        first_response_seconds: Some(seconds * times),
        next_response_seconds: Some(seconds * times / 2 + 1),
        resolution_seconds: Some(seconds * times * 3),
    };
    let targets = Priority::ALL.iter().zip(1..).map(|(priority, times)| (*priority, targets(times)));
    SlaPolicy {
        id: SlaPolicyId::from_u128(1),
        name: "Standard".to_owned(),
        description: None,
        is_active: true,
        order: 0,
        channel_ids: Vec::new(),
        team_ids: Vec::new(),
        calendar_id: None,
        targets: targets.collect(),
        warn_before_seconds: Some(10),
        pause_while_pending: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_that_failed_is_as_if_it_had_not_been_sent(
        actions in prop::collection::vec((prop_oneof![1 => Just(0i64), 3 => 1..30i64, 1 => 30..400i64], action()), 0..40),
        closes in any::<bool>(),
        last in prop::collection::vec(0..4usize, 0..3),
    ) {
        let mut now = Timestamp::from_secs(0);
        let mut story = Story::default();
        story.happens(opened(), now);
        story.perform(Action::ApplyPolicy(60), now);
        story.perform(Action::CustomerWrites, now);
        // Failures may be reported after the conversation was closed.
        let close = closes.then_some((5, Action::Close));
        let last = last.into_iter().map(|back| (100, Action::Fails(back)));
        for (gap, action) in actions.into_iter().chain(close).chain(last) {
            now = now + Duration::from_secs(gap.unsigned_abs());
            story.perform(action, now);
            if matches!(action, Action::Close) && !story.clocks.is_unsettled() {
                // Without targets, nothing changes after the end.
                break;
            }
            prop_assert_eq!(shown(&story.clocks), shown(&story.without_failed()), "after {:?}", action);
        }
    }
}
