use super::*;
use event_schemas::catalogue::{SlaPolicy, SlaTargets};
use event_schemas::conversation::*;
use event_schemas::message::{ChannelType, Content, Priority, SenderType};
use event_schemas::{
    AccountId, ChannelId, ContactId, ConversationEvent, ConversationId, MessageId, SlaPolicyId,
};
use std::time::Duration;

/// Clocks and the events that occur at given seconds.
#[derive(Default)]
struct Scenario(Clocks);

impl Scenario {
    /// A conversation that is opened at second 0 with a policy: 100 s for the first response, 50 s for the
    /// next, 1000 s for the resolution, a warning 10 s before; a tenth of each target at priority urgent.
    fn begun() -> Self {
        Self::default().then(0, opened()).then(0, SlaApplied { policy: policy(), calendar: None })
    }

    fn then(mut self, second: i64, event: impl Into<ConversationEvent>) -> Self {
        self.0.evolve(&event.into(), Timestamp::from_secs(second));
        self
    }

    fn state(&self, metric: SlaMetric) -> Option<TimerState> {
        self.0.timers().find(|timer| timer.metric == metric).map(|timer| timer.state)
    }

    fn due(&self, metric: SlaMetric) -> Option<i64> {
        let timer = self.0.timers().find(|timer| timer.metric == metric)?;
        timer.due_at.map(|due| due.as_micros() / 1_000_000)
    }

    fn next_alarm(&self) -> Option<(SlaMetric, AlarmKind, i64)> {
        self.0.next_alarm().map(|alarm| (alarm.metric, alarm.kind, alarm.at.as_micros() / 1_000_000))
    }
}

fn policy() -> SlaPolicy {
    let targets = |unit: u32| SlaTargets {
        first_response_seconds: Some(10 * unit),
        next_response_seconds: Some(5 * unit),
        resolution_seconds: Some(100 * unit),
    };
    SlaPolicy {
        id: SlaPolicyId::from_u128(1),
        name: "Standard".to_owned(),
        description: None,
        is_active: true,
        order: 0,
        channel_ids: Vec::new(),
        team_ids: Vec::new(),
        calendar_id: None,
        targets: [(Priority::Normal, targets(10)), (Priority::Urgent, targets(1))].into(),
        warn_before_seconds: Some(10),
        pause_while_pending: true,
    }
}

fn opened() -> ConversationOpened {
    ConversationOpened {
        conversation_id: ConversationId::from_u128(1),
        account_id: AccountId::from_u128(1),
        channel_id: ChannelId::from_u128(1),
        channel_type: ChannelType::Api,
        contact_id: ContactId::from_u128(1),
        contact_identifier: "customer".to_owned(),
        display_name: None,
        ordinal: 0,
        subject: None,
        priority: Priority::Normal,
        language: None,
        metadata: serde_json::Map::new(),
    }
}

fn answer(sender_type: SenderType) -> MessageSent {
    said(1, sender_type)
}

fn said(number: u128, sender_type: SenderType) -> MessageSent {
    MessageSent {
        message_id: MessageId::from_u128(number),
        to: None,
        sender_type,
        sender_id: None,
        sender_name: None,
        body: Content::text("an answer"),
        template: None,
        in_reply_to: None,
        in_reply_to_provider_id: None,
        metadata: serde_json::Map::new(),
        scheduled_at: None,
    }
}

fn question() -> MessageReceived {
    MessageReceived {
        message_id: MessageId::from_u128(1),
        provider_message_id: None,
        body: Content::text("a question"),
        reply_to: None,
        sent_at: Timestamp::from_secs(0),
        metadata: serde_json::Map::new(),
    }
}

fn pending() -> MarkedPending {
    MarkedPending { until: None, reason: None }
}

fn resolved() -> Resolved {
    Resolved { reason: None }
}

fn reopened() -> Reopened {
    Reopened { cause: ReopenCause::CustomerMessage, reason: None }
}

fn urgent() -> PriorityChanged {
    PriorityChanged { old: Priority::Normal, new: Priority::Urgent }
}

fn breach(metric: SlaMetric, second: i64) -> SlaBreached {
    let due_at = Timestamp::from_secs(second);
    SlaBreached { metric, due_at, detected_at: due_at + Duration::from_millis(3) }
}

const fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(second)
}

use SlaMetric::{FirstResponse, NextResponse, Resolution};

#[test]
fn a_reply_at_the_very_due_time_is_in_time() {
    let story = Scenario::begun().then(100, answer(SenderType::Agent));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Met { at: at(100) }));
}

#[test]
fn a_reply_after_the_due_time_is_late_and_the_breach_is_still_an_alarm() {
    let story = Scenario::begun().then(101, answer(SenderType::Agent));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Breached { met_at: Some(at(101)) }));
    assert_eq!(story.next_alarm(), Some((FirstResponse, AlarmKind::Breach, 100)));
    let recorded = story.then(100, breach(FirstResponse, 100));
    assert_eq!(recorded.next_alarm(), Some((Resolution, AlarmKind::Warning, 990)));
}

#[test]
fn a_reply_that_occurred_before_the_due_time_and_is_appended_later_is_in_time() {
    let story = Scenario::begun().then(100, breach(FirstResponse, 100)).then(99, answer(SenderType::Agent));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Met { at: at(99) }));
}

#[test]
fn neither_the_bot_nor_the_system_answers_for_an_agent() {
    let story = Scenario::begun().then(1, answer(SenderType::Bot)).then(2, answer(SenderType::System));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Running));
}

#[test]
fn the_next_response_counts_from_the_first_message_that_waits() {
    let story = Scenario::begun()
        .then(10, question())
        .then(20, answer(SenderType::Agent))
        .then(30, question())
        .then(40, question());
    assert_eq!(story.due(NextResponse), Some(80));
    let story = story.then(50, answer(SenderType::Agent)).then(60, question());
    let timer = story.0.timers().find(|timer| timer.metric == NextResponse).unwrap();
    assert_eq!((timer.generation, timer.started_at), (2, at(60)));
}

#[test]
fn the_remaining_time_stays_the_same_while_pending() {
    let story = Scenario::begun().then(60, pending());
    let remaining = Duration::from_secs(40);
    assert_eq!(story.state(FirstResponse), Some(TimerState::Paused { remaining }));
    assert_eq!(story.next_alarm(), None);
    let story = story.then(1060, question());
    assert_eq!(story.due(FirstResponse), Some(1100));
}

#[test]
fn a_policy_may_count_on_while_pending() {
    let policy = SlaPolicy { pause_while_pending: false, ..policy() };
    let story = Scenario::begun().then(0, SlaApplied { policy, calendar: None }).then(60, pending());
    assert_eq!(story.due(FirstResponse), Some(100));
}

#[test]
fn the_time_while_resolved_does_not_count() {
    let story = Scenario::begun().then(200, resolved()).then(5000, reopened());
    assert_eq!(story.due(Resolution), Some(5800));
    let story = story.then(5900, resolved());
    assert_eq!(story.state(Resolution), Some(TimerState::Breached { met_at: Some(at(5900)) }));
}

#[test]
fn another_priority_counts_from_the_same_start() {
    let story = Scenario::begun().then(5, urgent());
    assert_eq!(story.due(FirstResponse), Some(10));
    let story = Scenario::begun().then(50, urgent());
    assert_eq!(story.next_alarm(), Some((FirstResponse, AlarmKind::Breach, 10)));
}

#[test]
fn a_missed_target_stays_missed_at_any_priority() {
    let later = PriorityChanged { old: Priority::Urgent, new: Priority::Normal };
    let story = Scenario::begun().then(5, urgent()).then(20, later);
    assert_eq!(story.state(FirstResponse), Some(TimerState::Breached { met_at: None }));
}

#[test]
fn a_policy_that_is_applied_later_counts_from_the_beginning() {
    let story = Scenario::default()
        .then(0, opened())
        .then(10, pending())
        .then(30, question())
        .then(40, SlaApplied { policy: policy(), calendar: None });
    assert_eq!(story.due(FirstResponse), Some(120));
}

#[test]
fn an_alarm_is_due_from_its_time_until_it_is_recorded() {
    let story = Scenario::begun();
    let warning = story.0.next_alarm().unwrap();
    assert_eq!(story.next_alarm(), Some((FirstResponse, AlarmKind::Warning, 90)));
    assert!(!story.0.is_alarm_due(&warning, at(89)));
    assert!(story.0.is_alarm_due(&warning, at(90)));
    let recorded = Scenario(story.0.clone()).then(90, warning.event(at(91)));
    assert!(!recorded.0.is_alarm_due(&warning, at(91)));
    let answered = story.then(89, answer(SenderType::Agent));
    assert!(!answered.0.is_alarm_due(&warning, at(91)));
}

#[test]
fn a_closed_conversation_has_no_deadline_but_an_alarm_for_a_missed_one() {
    let story = Scenario::begun().then(50, Closed { reason: None });
    assert_eq!(story.state(Resolution), Some(TimerState::Cancelled { at: at(50) }));
    assert_eq!((story.0.next_deadline(), story.0.next_alarm()), (None, None));
    let story = Scenario::begun().then(150, Closed { reason: None });
    assert_eq!(story.next_alarm(), Some((FirstResponse, AlarmKind::Breach, 100)));
}

#[test]
fn an_overdue_deadline_is_the_next_one() {
    let story = Scenario::begun().then(100, breach(FirstResponse, 100));
    assert_eq!(story.0.next_deadline(), Some((FirstResponse, at(100))));
}

#[test]
fn a_priority_without_targets_has_no_timers() {
    let low = PriorityChanged { old: Priority::Normal, new: Priority::Low };
    assert_eq!(Scenario::begun().then(1, low).0.timers().count(), 0);
}

#[test]
fn the_clocks_of_a_conversation_are_small_when_serialised() {
    let story =
        Scenario::begun().then(10, question()).then(20, answer(SenderType::Agent)).then(30, question());
    let kept = serde_json::to_string(&story.0).unwrap();
    assert!(kept.len() < 800, "{} bytes: {kept}", kept.len());
    assert_eq!(serde_json::from_str::<Clocks>(&kept).unwrap(), story.0);
    let kept = serde_json::to_string(&story.then(40, delivered(1)).0).unwrap();
    assert!(kept.len() < 650, "{} bytes: {kept}", kept.len());
}

#[test]
fn a_removed_policy_has_no_deadlines_and_what_was_missed_stays_missed() {
    let removed = || SlaRemoved { policy_id: SlaPolicyId::from_u128(1) };
    let story = Scenario::begun().then(50, removed());
    assert_eq!((story.0.timers().count(), story.next_alarm()), (0, None));

    let story = Scenario::begun().then(150, removed());
    assert_eq!(story.state(SlaMetric::FirstResponse), Some(TimerState::Breached { met_at: None }));
    assert_eq!(story.next_alarm(), Some((SlaMetric::FirstResponse, AlarmKind::Breach, 100)));
    assert_eq!(story.due(SlaMetric::Resolution), None);

    let again = story.then(200, SlaApplied { policy: policy(), calendar: None });
    assert_eq!(again.due(SlaMetric::Resolution), Some(1000));
}

fn failed(number: u128) -> MessageFailed {
    MessageFailed {
        message_id: MessageId::from_u128(number),
        provider_message_id: None,
        time: at(0),
        code: "131026".to_owned(),
        reason: "Message undeliverable".to_owned(),
    }
}

fn delivered(number: u128) -> MessageDelivered {
    MessageDelivered {
        message_id: MessageId::from_u128(number),
        provider_message_id: "wamid.1".to_owned(),
        time: at(0),
    }
}

impl Scenario {
    /// Since which second the customer waits, and the second of the first answer.
    fn answered(&self) -> (Option<i64>, Option<i64>) {
        let second = |at: Timestamp| at.as_micros() / 1_000_000;
        (self.0.unanswered().map(|unanswered| second(unanswered.since)), self.0.first_reply_at().map(second))
    }
}

#[test]
fn an_answer_that_failed_is_no_answer() {
    let story = Scenario::begun().then(10, question()).then(20, said(2, SenderType::Agent));
    assert_eq!(story.answered(), (None, Some(20)));
    let story = story.then(30, failed(2));
    assert_eq!(story.answered(), (Some(10), None));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Running));
    assert_eq!(story.due(FirstResponse), Some(100));
    // The next answer counts, until it fails too.
    let story = story.then(40, said(3, SenderType::Agent));
    assert_eq!(story.answered(), (None, Some(40)));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Met { at: at(40) }));
    let story = story.then(50, failed(3));
    assert_eq!(story.answered(), (Some(10), None));
    assert_eq!(story.next_alarm(), Some((FirstResponse, AlarmKind::Warning, 90)));
}

#[test]
fn a_failed_answer_changes_the_first_reply_and_no_wait_when_a_later_answer_stands() {
    let story = Scenario::begun()
        .then(10, question())
        .then(20, said(2, SenderType::Agent))
        .then(150, said(3, SenderType::Agent))
        .then(160, failed(2));
    assert_eq!(story.answered(), (None, Some(150)));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Breached { met_at: Some(at(150)) }));
    assert_eq!(story.next_alarm(), Some((FirstResponse, AlarmKind::Breach, 100)));
}

#[test]
fn after_a_failed_answer_the_wait_is_the_one_that_the_answer_ended() {
    let story = Scenario::begun()
        .then(10, question())
        .then(20, said(2, SenderType::Agent))
        .then(30, question())
        .then(40, said(3, SenderType::Agent))
        .then(50, question());
    assert_eq!((story.answered().0, story.due(NextResponse)), (Some(50), Some(100)));
    let story = story.then(60, failed(3));
    assert_eq!((story.answered().0, story.due(NextResponse)), (Some(30), Some(80)));
    let story = story.then(70, failed(2));
    assert_eq!((story.answered().0, story.due(NextResponse)), (Some(10), None));
    assert_eq!(story.due(FirstResponse), Some(100));
}

#[test]
fn a_deadline_that_passed_before_the_answer_failed_is_missed() {
    let story =
        Scenario::begun().then(10, question()).then(20, said(2, SenderType::Agent)).then(500, failed(2));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Breached { met_at: None }));
    assert_eq!(story.next_alarm(), Some((FirstResponse, AlarmKind::Breach, 100)));
}

#[test]
fn a_breach_is_recorded_once_also_when_the_late_answer_fails() {
    let story = Scenario::begun()
        .then(10, question())
        .then(100, breach(FirstResponse, 100))
        .then(120, said(2, SenderType::Agent))
        .then(130, failed(2));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Breached { met_at: None }));
    assert!(story.0.alarms().all(|alarm| alarm.metric != FirstResponse));
}

#[test]
fn an_answer_can_fail_after_the_conversation_was_resolved_or_closed() {
    let story = Scenario::begun()
        .then(10, question())
        .then(20, said(2, SenderType::Agent))
        .then(30, resolved())
        .then(40, failed(2));
    assert_eq!(story.answered(), (None, None));
    let remaining = Duration::from_secs(70);
    assert_eq!(story.state(FirstResponse), Some(TimerState::Paused { remaining }));
    let reopened = Scenario(story.0.clone()).then(50, reopened()).then(50, question());
    assert_eq!((reopened.answered().0, reopened.due(FirstResponse)), (Some(50), Some(120)));

    let closed = Scenario::begun()
        .then(20, said(2, SenderType::Agent))
        .then(10, question())
        .then(20, said(3, SenderType::Agent))
        .then(20, failed(2))
        .then(30, Closed { reason: None })
        .then(40, failed(3));
    assert_eq!(closed.state(FirstResponse), Some(TimerState::Cancelled { at: at(30) }));
}

#[test]
fn a_closed_conversation_without_targets_is_settled() {
    let story =
        Scenario::default().then(0, opened()).then(10, question()).then(20, said(2, SenderType::Agent));
    assert!(story.0.is_unsettled());
    let story = story.then(30, Closed { reason: None });
    assert!(!story.0.is_unsettled());
    assert_eq!(story.then(40, failed(2)).answered(), (None, Some(20)));
}

#[test]
fn an_answer_that_is_delivered_after_all_counts_again() {
    let story = Scenario::begun()
        .then(10, question())
        .then(20, said(2, SenderType::Agent))
        .then(30, failed(2))
        .then(40, question())
        .then(50, delivered(2));
    assert_eq!(story.answered(), (Some(40), Some(20)));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Met { at: at(20) }));
    assert_eq!(story.due(NextResponse), Some(90));
}

#[test]
fn messages_of_bots_and_queues_end_no_wait_for_an_agent_whether_they_fail_or_not() {
    let story = Scenario::begun()
        .then(10, question())
        .then(20, said(2, SenderType::Bot))
        .then(30, said(3, SenderType::System));
    assert!(story.0.is_answered_by_bot());
    assert_eq!((story.answered(), story.0.inactive_since()), ((Some(10), None), at(30)));
    let story = story.then(40, failed(3));
    assert_eq!((story.answered(), story.0.inactive_since()), ((Some(10), None), at(20)));
    let story = story.then(50, failed(2));
    assert!(!story.0.is_answered_by_bot());
    assert_eq!((story.answered(), story.0.inactive_since()), ((Some(10), None), at(10)));
}

/// A message that began the conversation is no answer, so a target would be a promise that no customer waits for.
#[test]
fn when_the_message_that_began_the_conversation_fails_no_target_runs_until_the_customer_writes() {
    let story = Scenario::begun().then(0, said(2, SenderType::Agent)).then(500, failed(2));
    assert_eq!(story.state(FirstResponse), Some(TimerState::Cancelled { at: at(0) }));
    assert_eq!(story.next_alarm().map(|(metric, ..)| metric), Some(Resolution));
    let customer = Scenario(story.0.clone()).then(600, question());
    assert_eq!((customer.answered(), customer.due(FirstResponse)), ((Some(600), None), Some(700)));
    // The agent sends it again, and the customer answers that.
    let again = story.then(510, said(3, SenderType::Agent)).then(600, question());
    assert_eq!(again.state(FirstResponse), Some(TimerState::Met { at: at(510) }));
    assert_eq!((again.answered(), again.due(NextResponse)), ((Some(600), Some(510)), Some(650)));
}

#[test]
fn clocks_stay_small_on_channels_that_never_report_a_delivery() {
    let mut story = Scenario::begun();
    for number in 0..1_000 {
        let second = i64::try_from(number).unwrap();
        story = story.then(second, question()).then(second, said(number, SenderType::Agent));
    }
    let kept = serde_json::to_string(&story.0).unwrap();
    assert!(kept.len() < 8_000, "{} bytes", kept.len());
    assert_eq!(serde_json::from_str::<Clocks>(&kept).unwrap(), story.0);
    // The newest answers can still fail.
    let story = story.then(1_000, failed(999)).then(1_000, failed(998));
    assert_eq!(story.answered().0, Some(998));
}

#[test]
fn a_policy_that_was_removed_while_the_conversation_was_resolved_promises_nothing_after_it_is_reopened() {
    let removed = SlaRemoved { policy_id: SlaPolicyId::from_u128(1) };
    let story = Scenario::begun().then(10, resolved()).then(20, removed).then(30, reopened());
    assert_eq!((story.due(Resolution), story.0.next_alarm()), (None, None));
}
