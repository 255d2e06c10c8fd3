use super::*;
use event_schemas::catalogue::{SlaPolicy, SlaTargets};
use event_schemas::conversation::*;
use event_schemas::message::{ChannelType, Content};
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
    MessageSent {
        message_id: MessageId::from_u128(1),
        to: None,
        sender_type,
        sender_id: None,
        sender_name: None,
        body: Content::text("an answer"),
        template: None,
        in_reply_to: None,
        in_reply_to_provider_id: None,
        metadata: serde_json::Map::new(),
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
    assert!(kept.len() < 500, "{} bytes: {kept}", kept.len());
    assert_eq!(serde_json::from_str::<Clocks>(&kept).unwrap(), story.0);
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
