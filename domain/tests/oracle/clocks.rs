//! The clocks of a conversation against a model that counts the seconds of every target.

use crate::calendars::{DAYS, calendar_and_date};
use crate::desk::Desk;
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
enum Deed {
    ApplyPolicy,
    CustomerWrites,
    AgentWrites,
    BotWrites,
    Wait,
    Assign,
    Resolve,
    TakeUpAgain,
    Close,
    Matter(Priority),
}

#[derive(Clone, Debug)]
struct Story {
    calendar: Option<BusinessCalendar>,
    date: jiff::civil::Date,
    policy: SlaPolicy,
    opened: i64,
    /// In order of time.
    deeds: Vec<(i64, Deed)>,
}

/// A missed promise or a warning: which, of which run, and when.
type Told = (AlarmKind, SlaMetric, u32, i64);

/// How a run of a clock stands in the end.
#[derive(Clone, Debug, PartialEq)]
struct Standing {
    metric: SlaMetric,
    generation: u32,
    started: i64,
    state: State,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    /// With the second it is due in, if that was still watched.
    Running(Option<i64>),
    Paused(i64),
    Met(i64),
    Breached(Option<i64>),
    Cancelled(i64),
}

// ---- Somebody with a tally sheet.

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Active,
    Pending,
    Resolved,
    Closed,
}

/// One promise: a stroke for every second that counted.
struct Sheet {
    metric: SlaMetric,
    generation: u32,
    started: i64,
    strokes: Vec<i64>,
    promised: bool,
    warned: bool,
    missed: bool,
    ended: Option<(bool, i64)>,
}

struct Tally<'a> {
    story: &'a Story,
    desk: &'a Desk,
    mood: Mood,
    applied: bool,
    priority: Priority,
    sheets: Vec<Sheet>,
    told: Vec<Told>,
}

impl<'a> Tally<'a> {
    fn count(story: &'a Story, desk: &'a Desk) -> (Vec<Told>, Vec<Standing>) {
        let mut tally = Tally {
            story,
            desk,
            mood: Mood::Active,
            applied: false,
            priority: Priority::Normal,
            sheets: Vec::new(),
            told: Vec::new(),
        };
        tally.begin(SlaMetric::FirstResponse, 1, story.opened);
        tally.begin(SlaMetric::Resolution, 1, story.opened);
        let mut deeds = story.deeds.iter().peekable();
        let mut struck = false;
        for now in story.opened..desk.seconds() {
            let happens = deeds.peek().is_some_and(|(second, _)| *second == now);
            while let Some((_, deed)) = deeds.next_if(|(second, _)| *second == now) {
                tally.miss(|due| due < now);
                tally.happen(*deed, now);
            }
            // On sheets that nobody touched there is nothing new to see.
            if happens || struck {
                tally.warn();
                tally.miss(|due| due <= now);
            }
            struck = tally.strike(now);
        }
        let standings = tally.standings();
        (tally.told, standings)
    }

    fn begin(&mut self, metric: SlaMetric, generation: u32, started: i64) {
        let (strokes, promised) = (Vec::new(), self.applied);
        self.sheets.push(Sheet {
            metric,
            generation,
            started,
            strokes,
            promised,
            warned: false,
            missed: false,
            ended: None,
        });
    }

    fn target(&self, metric: SlaMetric, priority: Priority) -> Option<usize> {
        let targets = self.story.policy.targets.get(&priority)?;
        let seconds = match metric {
            SlaMetric::FirstResponse => targets.first_response_seconds,
            SlaMetric::NextResponse => targets.next_response_seconds,
            SlaMetric::Resolution => targets.resolution_seconds,
        };
        seconds.map(|seconds| seconds as usize)
    }

    fn stands_still(&self) -> bool {
        match self.mood {
            Mood::Active => false,
            Mood::Pending => self.story.policy.pause_while_pending,
            Mood::Resolved | Mood::Closed => true,
        }
    }

    fn happen(&mut self, deed: Deed, now: i64) {
        match deed {
            Deed::ApplyPolicy => {
                self.applied = true;
                for sheet in self.sheets.iter_mut().filter(|sheet| sheet.ended.is_none()) {
                    sheet.promised = true;
                }
            }
            Deed::CustomerWrites => {
                if self.mood == Mood::Resolved {
                    self.reopen();
                    self.miss(|due| due < now);
                }
                self.mood = Mood::Active;
                let last = self.sheets.iter().rfind(|sheet| sheet.metric == SlaMetric::NextResponse);
                let (waits, generation) =
                    last.map_or((false, 0), |sheet| (sheet.ended.is_none(), sheet.generation));
                let answered = self.sheets[0].ended.is_some();
                if answered && !waits {
                    self.begin(SlaMetric::NextResponse, generation + 1, now);
                }
            }
            Deed::AgentWrites => {
                self.end(SlaMetric::FirstResponse, true, now);
                self.end(SlaMetric::NextResponse, true, now);
            }
            Deed::BotWrites => {}
            Deed::Wait => self.mood = Mood::Pending,
            Deed::Assign => self.mood = Mood::Active,
            Deed::Resolve => {
                self.end(SlaMetric::Resolution, true, now);
                self.end(SlaMetric::NextResponse, false, now);
                self.mood = Mood::Resolved;
            }
            Deed::TakeUpAgain => self.reopen(),
            Deed::Close => {
                SlaMetric::ALL.into_iter().for_each(|metric| self.end(metric, false, now));
                self.mood = Mood::Closed;
            }
            Deed::Matter(priority) => {
                for index in 0..self.sheets.len() {
                    let metric = self.sheets[index].metric;
                    if self.target(metric, priority) != self.target(metric, self.priority) {
                        self.sheets[index].warned = false;
                    }
                }
                self.priority = priority;
            }
        }
    }

    fn reopen(&mut self) {
        self.mood = Mood::Active;
        for sheet in self.sheets.iter_mut().filter(|sheet| sheet.metric == SlaMetric::Resolution) {
            sheet.ended = None;
            sheet.promised = self.applied;
        }
    }

    fn end(&mut self, metric: SlaMetric, met: bool, now: i64) {
        let target = self.target(metric, self.priority);
        let open = |sheet: &&mut Sheet| sheet.metric == metric && sheet.ended.is_none();
        for sheet in self.sheets.iter_mut().filter(open) {
            sheet.ended = Some((met, now));
            // What is promised for another priority later comes too late.
            sheet.promised &= sheet.missed || target.is_some();
        }
    }

    /// Promises that are waited for, by index, with their target.
    fn waited_for(&self) -> Vec<(usize, usize)> {
        (0..self.sheets.len())
            .filter(|index| {
                let sheet = &self.sheets[*index];
                sheet.promised && !sheet.missed && sheet.ended.is_none()
            })
            .filter_map(|index| Some((index, self.target(self.sheets[index].metric, self.priority)?)))
            .collect()
    }

    fn miss(&mut self, passed: impl Fn(i64) -> bool) {
        for (index, target) in self.waited_for() {
            let sheet = &mut self.sheets[index];
            if let Some(due) = sheet.strokes.get(target - 1).map(|second| second + 1)
                && passed(due)
            {
                sheet.missed = true;
                self.told.push((AlarmKind::Breach, sheet.metric, sheet.generation, due));
            }
        }
    }

    fn warn(&mut self) {
        let Some(before) = self.story.policy.warn_before_seconds.map(|seconds| seconds as usize) else {
            return;
        };
        let still = self.stands_still();
        for (index, target) in self.waited_for() {
            let sheet = &mut self.sheets[index];
            let at = target.checked_sub(before + 1).and_then(|last| sheet.strokes.get(last));
            if let Some(second) = at
                && !sheet.warned
                && (!still || sheet.strokes.len() >= target)
            {
                sheet.warned = true;
                self.told.push((AlarmKind::Warning, sheet.metric, sheet.generation, second + 1));
            }
        }
    }

    fn strike(&mut self, now: i64) -> bool {
        if self.stands_still() || !self.desk.is_open(now) {
            return false;
        }
        self.sheets
            .iter_mut()
            .filter(|sheet| sheet.ended.is_none())
            .for_each(|sheet| sheet.strokes.push(now));
        true
    }

    /// The last run of each metric that anything was promised for.
    fn standings(&self) -> Vec<Standing> {
        let last = |metric| self.sheets.iter().rfind(|sheet| sheet.metric == metric);
        let standing = |sheet: &Sheet| {
            let state = match (sheet.missed, sheet.ended) {
                (true, ended) => State::Breached(ended.filter(|(met, _)| *met).map(|(_, at)| at)),
                (false, Some((true, at))) => State::Met(at),
                (false, Some((false, at))) => State::Cancelled(at),
                (false, None) => {
                    let target = self.target(sheet.metric, self.priority)?;
                    let struck = sheet.strokes.len();
                    if self.stands_still() {
                        State::Paused((target - struck) as i64)
                    } else {
                        State::Running(None)
                    }
                }
            };
            let (metric, generation, started) = (sheet.metric, sheet.generation, sheet.started);
            sheet.promised.then_some(Standing { metric, generation, started, state })
        };
        SlaMetric::ALL.into_iter().filter_map(last).filter_map(standing).collect()
    }
}

// ---- The clocks themselves.

/// When the clock process looks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Watch {
    /// At every moment.
    Always,
    /// It was down all the time, and looks once in the end.
    InTheEnd,
}

struct Run<'a> {
    desk: &'a Desk,
    clocks: Clocks,
    told: Vec<Told>,
}

impl<'a> Run<'a> {
    fn of(story: &Story, desk: &'a Desk, watch: Watch) -> (Vec<Told>, Vec<Standing>) {
        let mut run = Run { desk, clocks: Clocks::default(), told: Vec::new() };
        run.clocks.evolve(&opened(), desk.moment(story.opened));
        let mut resolved = false;
        let mut priority = Priority::Normal;
        let mut now = story.opened;
        for (second, deed) in &story.deeds {
            // Not between two deeds of the same second: to the clock they are one.
            if watch == Watch::Always && *second > now {
                run.tell_until(*second - 1);
            }
            now = *second;
            for event in events(story, *deed, resolved, priority) {
                run.clocks.evolve(&event, desk.moment(*second));
            }
            match deed {
                Deed::Resolve => resolved = true,
                Deed::TakeUpAgain | Deed::CustomerWrites => resolved = false,
                Deed::Matter(new) => priority = *new,
                Deed::ApplyPolicy
                | Deed::AgentWrites
                | Deed::BotWrites
                | Deed::Wait
                | Deed::Assign
                | Deed::Close => {}
            }
            run.keep();
        }
        run.tell_until(desk.seconds() - 1);
        let standings = run.standings();
        (run.told, standings)
    }

    /// A clock that is kept beside its row comes back as it was.
    fn keep(&mut self) {
        let kept = serde_json::to_string(&self.clocks).unwrap();
        let back: Clocks = serde_json::from_str(&kept).unwrap();
        assert_eq!(back, self.clocks);
        self.clocks = back;
    }

    fn tell_until(&mut self, second: i64) {
        let now = self.desk.moment(second);
        while let Some(alarm) = self.clocks.next_alarm().filter(|alarm| alarm.at <= now) {
            assert!(self.clocks.alarm_stands(&alarm, now));
            let Alarm { kind, metric, generation, at, .. } = alarm;
            self.told.push((kind, metric, generation, self.second(at)));
            self.clocks.evolve(&alarm.event(now), at);
            assert!(!self.clocks.alarm_stands(&alarm, now), "told twice: {alarm:?}");
        }
    }

    fn second(&self, moment: Timestamp) -> i64 {
        assert_eq!(moment.as_micros() % 1_000_000, 0);
        moment.as_micros() / 1_000_000 - self.desk.begin
    }

    fn standings(&self) -> Vec<Standing> {
        let standing = |timer: domain::sla::Timer| Standing {
            metric: timer.metric,
            generation: timer.generation,
            started: self.second(timer.started_at),
            state: match timer.state {
                TimerState::Running => State::Running(
                    timer.due_at.map(|due| self.second(due)).filter(|due| *due < self.desk.seconds()),
                ),
                TimerState::Paused { remaining } => State::Paused(remaining.as_secs() as i64),
                TimerState::Met { at } => State::Met(self.second(at)),
                TimerState::Breached { met_at } => State::Breached(met_at.map(|at| self.second(at))),
                TimerState::Cancelled { at } => State::Cancelled(self.second(at)),
            },
        };
        self.clocks.timers().map(standing).collect()
    }
}

fn opened() -> ConversationEvent {
    ConversationOpened {
        conversation_id: ConversationId::from_u128(1),
        account_id: AccountId::from_u128(1),
        channel_id: ChannelId::from_u128(1),
        channel_type: ChannelType::Api,
        contact_id: ContactId::from_u128(1),
        contact_identifier: "somebody".to_owned(),
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
    .into()
}

fn events(story: &Story, deed: Deed, resolved: bool, priority: Priority) -> Vec<ConversationEvent> {
    let reopened = |cause| Reopened { cause, reason: None }.into();
    match deed {
        Deed::ApplyPolicy => {
            vec![SlaApplied { policy: story.policy.clone(), calendar: story.calendar.clone() }.into()]
        }
        Deed::CustomerWrites => {
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
        Deed::AgentWrites => vec![sent(SenderType::Agent)],
        Deed::BotWrites => vec![sent(SenderType::Bot)],
        Deed::Wait => vec![MarkedPending { until: None, reason: None }.into()],
        Deed::Assign => vec![
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
            .into(),
        ],
        Deed::Resolve => vec![Resolved { reason: None }.into()],
        Deed::TakeUpAgain => vec![reopened(ReopenCause::Agent)],
        Deed::Close => vec![Closed { reason: None }.into()],
        Deed::Matter(new) => vec![PriorityChanged { old: priority, new }.into()],
    }
}

// ---- Random stories.

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
        |(targets, promised, warn_before_seconds, pause_while_pending)| SlaPolicy {
            id: SlaPolicyId::from_u128(1),
            name: "Promise".to_owned(),
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
                .take(promised.max(3))
                .collect::<BTreeMap<_, _>>(),
            warn_before_seconds,
            pause_while_pending,
        },
    )
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => Just(Deed::CustomerWrites),
        3 => Just(Deed::AgentWrites),
        1 => Just(Deed::BotWrites),
        3 => Just(Deed::Wait),
        2 => Just(Deed::Assign),
        2 => Just(Deed::Resolve),
        1 => Just(Deed::TakeUpAgain),
        3 => select(Priority::ALL.to_vec()).prop_map(Deed::Matter),
    ]
}

fn story() -> impl Strategy<Value = Story> {
    let second = || 0..DAYS * 86_400 - 3_600;
    // Some right after the one before, some at the same second, most hours apart.
    let gap = || prop_oneof![1 => Just(0i64), 2 => 1..120i64, 5 => 1..40_000i64];
    let deeds = prop::collection::vec((gap(), deed()), 0..14);
    let calendar = prop_oneof![1 => Just(false), 6 => Just(true)];
    (calendar_and_date(), calendar, policy(), second(), gap(), deeds, any::<bool>()).prop_map(
        |((calendar, date), by_calendar, policy, opened, applied, gaps, closes)| {
            let opened = opened / 2;
            let mut deeds = Vec::new();
            let mut now = opened;
            let mut mood = Mood::Active;
            for (gap, deed) in gaps {
                now += gap;
                let possible = !matches!(
                    (mood, deed),
                    (Mood::Resolved, Deed::Resolve | Deed::Wait | Deed::Assign)
                        | (Mood::Active, Deed::TakeUpAgain)
                );
                if !possible || now >= DAYS * 86_400 - 10 {
                    continue;
                }
                mood = match deed {
                    Deed::Wait => Mood::Pending,
                    Deed::Resolve => Mood::Resolved,
                    Deed::Assign | Deed::TakeUpAgain | Deed::CustomerWrites => Mood::Active,
                    Deed::ApplyPolicy
                    | Deed::AgentWrites
                    | Deed::BotWrites
                    | Deed::Close
                    | Deed::Matter(_) => mood,
                };
                deeds.push((now, deed));
            }
            let applied = (opened + applied).min(DAYS * 86_400 - 10);
            let place = deeds.partition_point(|(second, _)| *second < applied);
            deeds.insert(place, (applied, Deed::ApplyPolicy));
            if closes && let Some((last, _)) = deeds.last().copied() {
                deeds.push((last + 5, Deed::Close));
            }
            Story { calendar: by_calendar.then_some(calendar), date, policy, opened, deeds }
        },
    )
}

fn sorted(mut told: Vec<Told>) -> Vec<Told> {
    told.sort();
    told
}

fn breaches(told: Vec<Told>) -> Vec<Told> {
    sorted(told.into_iter().filter(|(kind, ..)| *kind == AlarmKind::Breach).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_clocks_tell_what_somebody_with_a_tally_sheet_tells(story in story()) {
        let desk = Desk::watch(story.calendar.as_ref(), story.date, DAYS);
        let (expected, stand) = Tally::count(&story, &desk);

        let (told, standings) = Run::of(&story, &desk, Watch::Always);
        prop_assert_eq!(sorted(told), sorted(expected.clone()));
        prop_assert_eq!(&standings, &stand);

        // However long the clock process was away, it misses no breach and invents none.
        let (told, standings) = Run::of(&story, &desk, Watch::InTheEnd);
        prop_assert_eq!(breaches(told), breaches(expected));
        prop_assert_eq!(&standings, &stand);
    }
}

#[test]
fn a_story_of_many_pauses_is_counted_to_the_second() {
    let targets = SlaTargets { resolution_seconds: Some(20_000), ..SlaTargets::default() };
    let policy = SlaPolicy {
        id: SlaPolicyId::from_u128(1),
        name: "Promise".to_owned(),
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
    // 100 s of work, 50 s of waiting, far more often than pauses are kept apart.
    for round in 0..199 {
        let pending = MarkedPending { until: None, reason: None }.into();
        clocks.evolve(&pending, Timestamp::from_secs(round * 150 + 100));
        let reopened = Reopened { cause: ReopenCause::Agent, reason: None }.into();
        clocks.evolve(&reopened, Timestamp::from_secs(round * 150 + 150));
    }
    assert_eq!(clocks.next_deadline(), Some((SlaMetric::Resolution, Timestamp::from_secs(199 * 150 + 100))));
    assert_eq!(clocks.next_alarm().unwrap().at, Timestamp::from_secs(0) + Duration::from_secs(29_950));
}
