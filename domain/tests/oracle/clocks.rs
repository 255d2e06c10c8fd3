//! Compares the clocks of a conversation with a model that counts the seconds of every target.

use crate::calendars::{DAYS, calendar_and_date};
use crate::open_minutes::OpenMinutes;
use domain::sla::{Alarm, AlarmKind, Clocks, TimerState};
use event_schemas::catalogue::{BusinessCalendar, SlaPolicy, SlaTargets};
use event_schemas::conversation::*;
use event_schemas::message::{ChannelType, Content, Priority, SenderType, SlaMetric};
use event_schemas::{
    AccountId, ChannelId, ContactId, ConversationEvent, ConversationId, MessageId, SlaPolicyId, Timestamp,
    UserId,
};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;
use std::time::Duration;

/// The possible events, by the second.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    ApplyPolicy,
    CustomerWrites,
    AgentWrites,
    BotWrites,
    Wait,
    Assign,
    Resolve,
    Reopen,
    Close,
    SetPriority(Priority),
}

#[derive(Clone, Debug)]
struct Scenario {
    calendar: Option<BusinessCalendar>,
    date: jiff::civil::Date,
    policy: SlaPolicy,
    opened: i64,
    /// In order of time.
    actions: Vec<(i64, Action)>,
}

/// A breach or a warning: its kind, its metric, the number of its clock, and its second.
type Alert = (AlarmKind, SlaMetric, u32, i64);

/// The state of a clock at the end of a scenario.
#[derive(Clone, Debug, PartialEq)]
struct FinalClock {
    metric: SlaMetric,
    generation: u32,
    started: i64,
    state: State,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    /// With the second of the deadline. `None` when it is after the end of the test.
    Running(Option<i64>),
    Paused(i64),
    Met(i64),
    Breached(Option<i64>),
    Cancelled(i64),
}

// ---- The model.

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Active,
    Pending,
    Resolved,
    Closed,
}

/// One clock of the model, with the seconds that counted.
struct ModelClock {
    metric: SlaMetric,
    generation: u32,
    started: i64,
    counted: Vec<i64>,
    has_target: bool,
    warned: bool,
    missed: bool,
    ended: Option<(bool, i64)>,
}

struct Model<'a> {
    scenario: &'a Scenario,
    minutes: &'a OpenMinutes,
    phase: Phase,
    applied: bool,
    priority: Priority,
    model_clocks: Vec<ModelClock>,
    alerts: Vec<Alert>,
}

impl<'a> Model<'a> {
    fn count(scenario: &'a Scenario, minutes: &'a OpenMinutes) -> (Vec<Alert>, Vec<FinalClock>) {
        let mut model = Model {
            scenario,
            minutes,
            phase: Phase::Active,
            applied: false,
            priority: Priority::Normal,
            model_clocks: Vec::new(),
            alerts: Vec::new(),
        };
        model.begin(SlaMetric::FirstResponse, 1, scenario.opened);
        model.begin(SlaMetric::Resolution, 1, scenario.opened);
        let mut actions = scenario.actions.iter().peekable();
        let mut has_counted = false;
        for now in scenario.opened..minutes.seconds() {
            let is_touched = actions.peek().is_some_and(|(second, _)| *second == now);
            while let Some((_, action)) = actions.next_if(|(second, _)| *second == now) {
                model.miss(|due| due < now);
                model.perform(*action, now);
            }
            // Nothing can be due when no action occurred and no second counted.
            if is_touched || has_counted {
                model.warn();
                model.miss(|due| due <= now);
            }
            has_counted = model.count_second(now);
        }
        let final_clocks = model.final_clocks();
        (model.alerts, final_clocks)
    }

    fn begin(&mut self, metric: SlaMetric, generation: u32, started: i64) {
        let (counted, has_target) = (Vec::new(), self.applied);
        self.model_clocks.push(ModelClock {
            metric,
            generation,
            started,
            counted,
            has_target,
            warned: false,
            missed: false,
            ended: None,
        });
    }

    fn target(&self, metric: SlaMetric, priority: Priority) -> Option<usize> {
        let targets = self.scenario.policy.targets.get(&priority)?;
        let seconds = match metric {
            SlaMetric::FirstResponse => targets.first_response_seconds,
            SlaMetric::NextResponse => targets.next_response_seconds,
            SlaMetric::Resolution => targets.resolution_seconds,
        };
        seconds.map(|seconds| seconds as usize)
    }

    fn is_paused(&self) -> bool {
        match self.phase {
            Phase::Active => false,
            Phase::Pending => self.scenario.policy.pause_while_pending,
            Phase::Resolved | Phase::Closed => true,
        }
    }

    fn perform(&mut self, action: Action, now: i64) {
        match action {
            Action::ApplyPolicy => {
                self.applied = true;
                for model_clock in
                    self.model_clocks.iter_mut().filter(|model_clock| model_clock.ended.is_none())
                {
                    model_clock.has_target = true;
                }
            }
            Action::CustomerWrites => {
                if self.phase == Phase::Resolved {
                    self.reopen();
                    self.miss(|due| due < now);
                }
                self.phase = Phase::Active;
                let last = self
                    .model_clocks
                    .iter()
                    .rfind(|model_clock| model_clock.metric == SlaMetric::NextResponse);
                let (waits, generation) = last
                    .map_or((false, 0), |model_clock| (model_clock.ended.is_none(), model_clock.generation));
                let answered = self.model_clocks[0].ended.is_some();
                if answered && !waits {
                    self.begin(SlaMetric::NextResponse, generation + 1, now);
                }
            }
            Action::AgentWrites => {
                self.end(SlaMetric::FirstResponse, true, now);
                self.end(SlaMetric::NextResponse, true, now);
            }
            Action::BotWrites => {}
            Action::Wait => self.phase = Phase::Pending,
            Action::Assign => self.phase = Phase::Active,
            Action::Resolve => {
                self.end(SlaMetric::Resolution, true, now);
                self.end(SlaMetric::NextResponse, false, now);
                self.phase = Phase::Resolved;
            }
            Action::Reopen => self.reopen(),
            Action::Close => {
                SlaMetric::ALL.into_iter().for_each(|metric| self.end(metric, false, now));
                self.phase = Phase::Closed;
            }
            Action::SetPriority(priority) => {
                for index in 0..self.model_clocks.len() {
                    let metric = self.model_clocks[index].metric;
                    if self.target(metric, priority) != self.target(metric, self.priority) {
                        self.model_clocks[index].warned = false;
                    }
                }
                self.priority = priority;
            }
        }
    }

    fn reopen(&mut self) {
        self.phase = Phase::Active;
        for model_clock in
            self.model_clocks.iter_mut().filter(|model_clock| model_clock.metric == SlaMetric::Resolution)
        {
            model_clock.ended = None;
            model_clock.has_target = self.applied;
        }
    }

    fn end(&mut self, metric: SlaMetric, met: bool, now: i64) {
        let target = self.target(metric, self.priority);
        let open =
            |model_clock: &&mut ModelClock| model_clock.metric == metric && model_clock.ended.is_none();
        for model_clock in self.model_clocks.iter_mut().filter(open) {
            model_clock.ended = Some((met, now));
            // A priority that is set later cannot give this clock a target.
            model_clock.has_target &= model_clock.missed || target.is_some();
        }
    }

    /// The indexes of the running clocks with a target that is not missed, with their targets.
    fn open_targets(&self) -> Vec<(usize, usize)> {
        (0..self.model_clocks.len())
            .filter(|index| {
                let model_clock = &self.model_clocks[*index];
                model_clock.has_target && !model_clock.missed && model_clock.ended.is_none()
            })
            .filter_map(|index| Some((index, self.target(self.model_clocks[index].metric, self.priority)?)))
            .collect()
    }

    fn miss(&mut self, passed: impl Fn(i64) -> bool) {
        for (index, target) in self.open_targets() {
            let model_clock = &mut self.model_clocks[index];
            if let Some(due) = model_clock.counted.get(target - 1).map(|second| second + 1)
                && passed(due)
            {
                model_clock.missed = true;
                self.alerts.push((AlarmKind::Breach, model_clock.metric, model_clock.generation, due));
            }
        }
    }

    fn warn(&mut self) {
        let Some(before) = self.scenario.policy.warn_before_seconds.map(|seconds| seconds as usize) else {
            return;
        };
        let still = self.is_paused();
        for (index, target) in self.open_targets() {
            let model_clock = &mut self.model_clocks[index];
            let at = target.checked_sub(before + 1).and_then(|last| model_clock.counted.get(last));
            if let Some(second) = at
                && !model_clock.warned
                && (!still || model_clock.counted.len() >= target)
            {
                model_clock.warned = true;
                self.alerts.push((
                    AlarmKind::Warning,
                    model_clock.metric,
                    model_clock.generation,
                    second + 1,
                ));
            }
        }
    }

    fn count_second(&mut self, now: i64) -> bool {
        if self.is_paused() || !self.minutes.is_open(now) {
            return false;
        }
        self.model_clocks
            .iter_mut()
            .filter(|model_clock| model_clock.ended.is_none())
            .for_each(|model_clock| model_clock.counted.push(now));
        true
    }

    /// The last clock of each metric, for metrics with a target.
    fn final_clocks(&self) -> Vec<FinalClock> {
        let last = |metric| self.model_clocks.iter().rfind(|model_clock| model_clock.metric == metric);
        let final_clock = |model_clock: &ModelClock| {
            let state = match (model_clock.missed, model_clock.ended) {
                (true, ended) => State::Breached(ended.filter(|(met, _)| *met).map(|(_, at)| at)),
                (false, Some((true, at))) => State::Met(at),
                (false, Some((false, at))) => State::Cancelled(at),
                (false, None) => {
                    let target = self.target(model_clock.metric, self.priority)?;
                    let has_counted = model_clock.counted.len();
                    if self.is_paused() {
                        State::Paused((target - has_counted) as i64)
                    } else {
                        State::Running(None)
                    }
                }
            };
            let (metric, generation, started) =
                (model_clock.metric, model_clock.generation, model_clock.started);
            model_clock.has_target.then_some(FinalClock { metric, generation, started, state })
        };
        SlaMetric::ALL.into_iter().filter_map(last).filter_map(final_clock).collect()
    }
}

// ---- The tested clocks.

/// When the alarms are checked.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Checks {
    /// At every moment.
    Always,
    /// Once at the end, as after a long downtime.
    Once,
}

struct Run<'a> {
    minutes: &'a OpenMinutes,
    clocks: Clocks,
    alerts: Vec<Alert>,
}

impl<'a> Run<'a> {
    fn of(scenario: &Scenario, minutes: &'a OpenMinutes, checks: Checks) -> (Vec<Alert>, Vec<FinalClock>) {
        let mut run = Run { minutes, clocks: Clocks::default(), alerts: Vec::new() };
        run.clocks.evolve(&opened(), minutes.moment(scenario.opened));
        let mut resolved = false;
        let mut priority = Priority::Normal;
        let mut now = scenario.opened;
        for (second, action) in &scenario.actions {
            // Not between two actions of the same second.
            if checks == Checks::Always && *second > now {
                run.check_until(*second - 1);
            }
            now = *second;
            for event in events(scenario, *action, resolved, priority) {
                run.clocks.evolve(&event, minutes.moment(*second));
            }
            match action {
                Action::Resolve => resolved = true,
                Action::Reopen | Action::CustomerWrites => resolved = false,
                Action::SetPriority(new) => priority = *new,
                Action::ApplyPolicy
                | Action::AgentWrites
                | Action::BotWrites
                | Action::Wait
                | Action::Assign
                | Action::Close => {}
            }
            run.round_trip();
        }
        run.check_until(minutes.seconds() - 1);
        let final_clocks = run.final_clocks();
        (run.alerts, final_clocks)
    }

    /// Checks that the clocks are the same after they were stored and read again.
    fn round_trip(&mut self) {
        let serialised = serde_json::to_string(&self.clocks).unwrap();
        let back: Clocks = serde_json::from_str(&serialised).unwrap();
        assert_eq!(back, self.clocks);
        self.clocks = back;
    }

    fn check_until(&mut self, second: i64) {
        let now = self.minutes.moment(second);
        while let Some(alarm) = self.clocks.next_alarm().filter(|alarm| alarm.at <= now) {
            assert!(self.clocks.is_alarm_due(&alarm, now));
            let Alarm { kind, metric, generation, at, .. } = alarm;
            self.alerts.push((kind, metric, generation, self.second(at)));
            self.clocks.evolve(&alarm.event(now), at);
            assert!(!self.clocks.is_alarm_due(&alarm, now), "recorded twice: {alarm:?}");
        }
    }

    fn second(&self, moment: Timestamp) -> i64 {
        assert_eq!(moment.as_micros() % 1_000_000, 0);
        moment.as_micros() / 1_000_000 - self.minutes.begin
    }

    fn final_clocks(&self) -> Vec<FinalClock> {
        let final_clock = |timer: domain::sla::Timer| FinalClock {
            metric: timer.metric,
            generation: timer.generation,
            started: self.second(timer.started_at),
            state: match timer.state {
                TimerState::Running => State::Running(
                    timer.due_at.map(|due| self.second(due)).filter(|due| *due < self.minutes.seconds()),
                ),
                TimerState::Paused { remaining } => State::Paused(remaining.as_secs() as i64),
                TimerState::Met { at } => State::Met(self.second(at)),
                TimerState::Breached { met_at } => State::Breached(met_at.map(|at| self.second(at))),
                TimerState::Cancelled { at } => State::Cancelled(self.second(at)),
            },
        };
        self.clocks.timers().map(final_clock).collect()
    }
}

pub(crate) fn opened() -> ConversationEvent {
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
    .into()
}

fn sent(sender_type: SenderType) -> ConversationEvent {
    sent_as(sender_type, MessageId::from_u128(1))
}

pub(crate) fn sent_as(sender_type: SenderType, message_id: MessageId) -> ConversationEvent {
    MessageSent {
        message_id,
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
    .into()
}

pub(crate) fn assigned() -> Assigned {
    Assigned {
        assignee_id: Some(UserId::from_u128(1)),
        assignee_name: None,
        team_id: None,
        strategy: Some(AssignStrategy::Manual),
        route_by: None,
        assigned_by: None,
        reason: None,
        decision: None,
        offer_id: None,
        overridden: None,
    }
}

fn events(scenario: &Scenario, action: Action, resolved: bool, priority: Priority) -> Vec<ConversationEvent> {
    let reopened = |cause| Reopened { cause, reason: None }.into();
    match action {
        Action::ApplyPolicy => {
            vec![SlaApplied { policy: scenario.policy.clone(), calendar: scenario.calendar.clone() }.into()]
        }
        Action::CustomerWrites => {
            let received = MessageReceived {
                message_id: MessageId::from_u128(1),
                provider_message_id: None,
                body: Content::text("a question"),
                reply_to: None,
                sent_at: Timestamp::from_secs(0),
                metadata: serde_json::Map::new(),
            }
            .into();
            if resolved { vec![reopened(ReopenCause::CustomerMessage), received] } else { vec![received] }
        }
        Action::AgentWrites => vec![sent(SenderType::Agent)],
        Action::BotWrites => vec![sent(SenderType::Bot)],
        Action::Wait => vec![MarkedPending { until: None, reason: None }.into()],
        Action::Assign => vec![assigned().into()],
        Action::Resolve => vec![Resolved { reason: None }.into()],
        Action::Reopen => vec![reopened(ReopenCause::Agent)],
        Action::Close => vec![Closed { reason: None }.into()],
        Action::SetPriority(new) => vec![PriorityChanged { old: priority, new }.into()],
    }
}

// ---- Random scenarios.

fn targets() -> impl Strategy<Value = SlaTargets> {
    let seconds = || prop::option::weighted(0.85, prop_oneof![1..900u32, 1..20_000u32, 1..90_000u32]);
    (seconds(), seconds(), seconds()).prop_map(|(first, next, resolution)| SlaTargets {
        first_response_seconds: first,
        next_response_seconds: next,
        resolution_seconds: resolution,
    })
}

fn policy() -> impl Strategy<Value = SlaPolicy> {
    let warn = prop::option::weighted(0.7, prop_oneof![1..60u32, 1..5_000u32]);
    (prop::collection::vec(targets(), 4), 0..=4usize, warn, any::<bool>()).prop_map(
        |(targets, has_target, warn_before_seconds, pause_while_pending)| SlaPolicy {
            id: SlaPolicyId::from_u128(1),
            name: "Standard".to_owned(),
            description: None,
            is_active: true,
            order: 0,
            channel_ids: Vec::new(),
            team_ids: Vec::new(),
            calendar_id: None,
            targets: Priority::ALL
                .iter()
                .rev()
                .copied()
                .zip(targets)
                .take(has_target.max(3))
                .collect::<BTreeMap<_, _>>(),
            warn_before_seconds,
            pause_while_pending,
        },
    )
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => Just(Action::CustomerWrites),
        3 => Just(Action::AgentWrites),
        1 => Just(Action::BotWrites),
        3 => Just(Action::Wait),
        2 => Just(Action::Assign),
        2 => Just(Action::Resolve),
        1 => Just(Action::Reopen),
        3 => select(Priority::ALL.to_vec()).prop_map(Action::SetPriority),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let second = || 0..DAYS * 86_400 - 3_600;
    // Some actions are in the same second as the one before, some soon after it, most hours later.
    let gap = || prop_oneof![1 => Just(0i64), 2 => 1..120i64, 5 => 1..40_000i64];
    let actions = prop::collection::vec((gap(), action()), 0..14);
    let calendar = prop_oneof![1 => Just(false), 6 => Just(true)];
    (calendar_and_date(), calendar, policy(), second(), gap(), actions, any::<bool>()).prop_map(
        |((calendar, date), by_calendar, policy, opened, applied, gaps, closes)| {
            let opened = opened / 2;
            let mut actions = Vec::new();
            let mut now = opened;
            let mut phase = Phase::Active;
            for (gap, action) in gaps {
                now += gap;
                let possible = !matches!(
                    (phase, action),
                    (Phase::Resolved, Action::Resolve | Action::Wait | Action::Assign)
                        | (Phase::Active, Action::Reopen)
                );
                if !possible || now >= DAYS * 86_400 - 10 {
                    continue;
                }
                phase = match action {
                    Action::Wait => Phase::Pending,
                    Action::Resolve => Phase::Resolved,
                    Action::Assign | Action::Reopen | Action::CustomerWrites => Phase::Active,
                    Action::ApplyPolicy
                    | Action::AgentWrites
                    | Action::BotWrites
                    | Action::Close
                    | Action::SetPriority(_) => phase,
                };
                actions.push((now, action));
            }
            let applied = (opened + applied).min(DAYS * 86_400 - 10);
            let place = actions.partition_point(|(second, _)| *second < applied);
            actions.insert(place, (applied, Action::ApplyPolicy));
            if closes && let Some((last, _)) = actions.last().copied() {
                actions.push((last + 5, Action::Close));
            }
            Scenario { calendar: by_calendar.then_some(calendar), date, policy, opened, actions }
        },
    )
}

fn sorted(mut alerts: Vec<Alert>) -> Vec<Alert> {
    alerts.sort();
    alerts
}

fn breaches(alerts: Vec<Alert>) -> Vec<Alert> {
    sorted(alerts.into_iter().filter(|(kind, ..)| *kind == AlarmKind::Breach).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_clocks_give_the_alarms_of_the_model(scenario in scenario()) {
        let minutes = OpenMinutes::of(scenario.calendar.as_ref(), scenario.date, DAYS);
        let (expected, stand) = Model::count(&scenario, &minutes);

        let (alerts, final_clocks) = Run::of(&scenario, &minutes, Checks::Always);
        prop_assert_eq!(sorted(alerts), sorted(expected.clone()));
        prop_assert_eq!(&final_clocks, &stand);

        // After a downtime of any length no breach is missing and none is invented.
        let (alerts, final_clocks) = Run::of(&scenario, &minutes, Checks::Once);
        prop_assert_eq!(breaches(alerts), breaches(expected));
        prop_assert_eq!(&final_clocks, &stand);
    }
}

#[test]
fn many_pauses_are_counted_to_the_second() {
    let targets = SlaTargets { resolution_seconds: Some(20_000), ..SlaTargets::default() };
    let policy = SlaPolicy {
        id: SlaPolicyId::from_u128(1),
        name: "Standard".to_owned(),
        description: None,
        is_active: true,
        order: 0,
        channel_ids: Vec::new(),
        team_ids: Vec::new(),
        calendar_id: None,
        targets: BTreeMap::from([(Priority::Normal, targets)]),
        warn_before_seconds: None,
        pause_while_pending: true,
    };
    let mut clocks = Clocks::default();
    clocks.evolve(&opened(), Timestamp::from_secs(0));
    clocks.evolve(&SlaApplied { policy, calendar: None }.into(), Timestamp::from_secs(0));
    // 100 s running and 50 s pending, many more times than pauses are serialised.
    for round in 0..199 {
        let pending = MarkedPending { until: None, reason: None }.into();
        clocks.evolve(&pending, Timestamp::from_secs(round * 150 + 100));
        let reopened = Reopened { cause: ReopenCause::Agent, reason: None }.into();
        clocks.evolve(&reopened, Timestamp::from_secs(round * 150 + 150));
    }
    assert_eq!(clocks.next_deadline(), Some((SlaMetric::Resolution, Timestamp::from_secs(199 * 150 + 100))));
    assert_eq!(clocks.next_alarm().unwrap().at, Timestamp::from_secs(0) + Duration::from_secs(29_950));
}
