//! Filters, strategies and queues, one rule at a time.

mod handoffs;

use super::*;
use crate::agent::{
    Agent, EligibilityCheck, Presence, PresenceTimeouts, ReleaseCapacity, ReportPresence, ReportedPresence,
    ReserveCapacity,
};
use crate::agent::{Requirements, ineligibility};
use crate::aggregate::given::given;
use crate::aggregate::{Decide, Evolve};
use event_schemas::agent::*;
use event_schemas::catalogue::*;
use event_schemas::conversation::*;
use event_schemas::message::{ChannelType, Content, Priority};
use event_schemas::routing::*;
use event_schemas::{
    AccountId, AgentEvent, ChannelId, ContactId, ConversationEvent, ConversationId, MessageId, OfferId,
    QueueId, TeamId, Timestamp, UserId, Version,
};
use serde_json::Map;

const HERE: AccountId = AccountId::from_u128(1);
const ANA: UserId = UserId::from_u128(0xA);
const BEN: UserId = UserId::from_u128(0xB);
const CAL: UserId = UserId::from_u128(0xC);
const BILLING: TeamId = TeamId::from_u128(0x71);
const SALES: TeamId = TeamId::from_u128(0x72);

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(second)
}

/// Monday 5 January 2026, 10:00 in UTC.
const MONDAY_AT_TEN: i64 = 1_767_607_200;

fn registered(user: UserId) -> AgentEvent {
    AgentRegistered { account_id: HERE, user_id: user, name: format!("{user}"), email: None }.into()
}

fn prefers(user: UserId, change: impl FnOnce(&mut Preferences)) -> AgentEvent {
    let mut preferences = Preferences { auto_accept: true, ..Preferences::default() };
    change(&mut preferences);
    PreferencesChanged { user_id: user, preferences }.into()
}

fn taken(user: UserId, conversation: u128) -> AgentEvent {
    CapacityReserved {
        user_id: user,
        account_id: HERE,
        conversation_id: ConversationId::from_u128(conversation),
        conversation_version: Version(1),
        overridden: None,
        counted: false,
        renewed: false,
    }
    .into()
}

fn requirements() -> Requirements {
    Requirements {
        channel_type: ChannelType::WhatsApp,
        topics: vec!["billing".to_owned()],
        language: Some("am".to_owned()),
    }
}

fn agent(change: impl FnOnce(&mut Preferences)) -> Agent {
    given::<Agent>([registered(ANA), prefers(ANA, change)]).state
}

fn objection_to(agent: &Agent) -> Option<Ineligible> {
    ineligibility(agent, agent.active(), &requirements(), at(MONDAY_AT_TEN))
}

fn hours(zone: &str, start: &str, end: &str) -> AvailableHours {
    let days = vec![Weekday::Mon];
    AvailableHours {
        schedule: vec![WeeklyHours { days, start: start.to_owned(), end: end.to_owned() }],
        timezone: zone.to_owned(),
    }
}

#[test]
fn who_says_nothing_takes_anything() {
    assert_eq!(objection_to(&agent(|_| {})), None);
}

#[test]
fn each_filter_keeps_out_whom_it_should() {
    use Ineligible as I;
    let full: fn(&mut Preferences) = |_| {};
    type Change = fn(&mut Preferences);
    let cases: [(I, Change); 6] = [
        (I::Unavailable, |p| p.is_available = false),
        (I::OnLeave, |p| p.leave = vec![Leave { from: "2026-01-05".into(), until: "2026-01-05".into() }]),
        // Ten in UTC is one in the afternoon in Addis Ababa.
        (I::OutsideHours, |p| p.available_hours = Some(hours("Africa/Addis_Ababa", "08:00", "13:00"))),
        (I::Channel, |p| p.available_channels = vec![ChannelType::Sms]),
        (I::Topic, |p| p.available_topics = vec!["technical".into()]),
        (I::Language, |p| p.languages = vec!["en".into()]),
    ];
    for (reason, change) in cases {
        assert_eq!(objection_to(&agent(change)), Some(reason));
    }
    let mut busy = agent(full);
    (1..=5).for_each(|number| busy.evolve(&taken(ANA, number), at(3)));
    assert_eq!(objection_to(&busy), Some(I::AtCapacity));
}

#[test]
fn what_is_asked_for_is_enough() {
    let fits = agent(|p| {
        p.available_channels = vec![ChannelType::Sms, ChannelType::WhatsApp];
        p.available_topics = vec!["Billing".into()];
        p.languages = vec!["en".into(), "am-ET".into()];
        p.available_hours = Some(hours("Africa/Addis_Ababa", "13:00", "14:00"));
        p.leave = vec![Leave { from: "2026-01-06".into(), until: "2026-01-09".into() }];
    });
    assert_eq!(objection_to(&fits), None);
}

#[test]
fn silence_makes_away_and_then_offline() {
    let timeouts = PresenceTimeouts::default();
    let seen = |said| ReportPresence { account_id: HERE, user_id: ANA, said, timeouts };
    let online = WentOnline { user_id: ANA, until: at(302) };
    given::<Agent>([registered(ANA)]).when(seen(ReportedPresence::Heartbeat)).then([online.clone().into()]);
    // Being heard of says nothing new until half of the time has passed.
    let there = || given::<Agent>([registered(ANA), online.clone().into()]);
    there().at(at(100)).when(seen(ReportedPresence::Heartbeat)).then_nothing();
    there().at(at(200)).when(seen(ReportedPresence::Heartbeat)).then([WentOnline {
        user_id: ANA,
        until: at(500),
    }
    .into()]);
    let agent = there().state;
    assert_eq!(agent.presence().ineligibility(at(301)), None);
    assert_eq!(agent.presence().ineligibility(at(302)), Some(Ineligible::Away));
    let lapse = crate::agent::ExpirePresence { user_id: ANA, timeouts };
    there().at(at(301)).when(lapse).then_nothing();
    let away: AgentEvent =
        WentAway { user_id: ANA, cause: PresenceCause::Inactivity, offline_at: Some(at(2_102)) }.into();
    there().at(at(302)).when(lapse).then([away.clone()]);
    let gone = || given::<Agent>([registered(ANA), away.clone()]);
    gone().at(at(2_101)).when(lapse).then_nothing();
    gone()
        .at(at(2_102))
        .when(lapse)
        .then([WentOffline { user_id: ANA, cause: PresenceCause::Inactivity }.into()]);
}

#[test]
fn who_chose_to_be_away_is_not_back_for_being_heard_of() {
    let timeouts = PresenceTimeouts::default();
    let chosen = WentAway { user_id: ANA, cause: PresenceCause::Chosen, offline_at: None };
    let there = || given::<Agent>([registered(ANA), chosen.clone().into()]);
    let seen = |said| ReportPresence { account_id: HERE, user_id: ANA, said, timeouts };
    there().when(seen(ReportedPresence::Heartbeat)).then_nothing();
    there().when(seen(ReportedPresence::Online)).then([WentOnline { user_id: ANA, until: at(303) }.into()]);
}

fn take(conversation: u128, version: u64) -> ReserveCapacity {
    ReserveCapacity {
        account_id: HERE,
        user_id: ANA,
        conversation_id: ConversationId::from_u128(conversation),
        conversation_version: Version(version),
        requirements: requirements(),
        check: EligibilityCheck::Full,
        insists: false,
    }
}

#[test]
fn a_full_desk_takes_nothing_more_unless_somebody_insists() {
    use crate::agent::Rejection;
    let full = || {
        given::<Agent>([registered(ANA), prefers(ANA, |p| p.max_concurrent_conversations = 1), taken(ANA, 1)])
    };
    let refused = Rejection::CannotTake(Ineligible::AtCapacity);
    full().when(take(2, 4)).then_rejected(refused.clone());
    full().when(ReserveCapacity { check: EligibilityCheck::Capacity, ..take(2, 4) }).then_rejected(refused);
    let forced = ReserveCapacity { insists: true, ..take(2, 4) };
    let Ok(events) = forced.decide(&full().state, at(9)) else { panic!("refused in spite of insisting") };
    let [AgentEvent::CapacityReserved(taken)] = &*events else { panic!("{events:?}") };
    assert_eq!(taken.overridden, Some(Ineligible::AtCapacity));
    // What it has already it has once.
    full().when(take(1, 1)).then_nothing();
}

#[test]
fn a_place_is_freed_only_at_the_version_it_was_taken_at() {
    let there = || given::<Agent>([registered(ANA), taken(ANA, 1)]);
    let conversation_id = ConversationId::from_u128(1);
    let free = |version| ReleaseCapacity {
        account_id: HERE,
        user_id: ANA,
        conversation_id,
        conversation_version: Version(version),
    };
    there().when(free(0)).then_nothing();
    let freed = CapacityReleased { user_id: ANA, account_id: HERE, conversation_id };
    there().when(free(1)).then([freed.into()]);
}

/// A short form of an account's routing state.
struct Story {
    floor: RoutingState,
    now: Timestamp,
    versions: std::collections::HashMap<ConversationId, u64>,
}

impl Default for Story {
    fn default() -> Self {
        Self { floor: RoutingState::default(), now: at(MONDAY_AT_TEN), versions: Default::default() }
    }
}

impl Story {
    fn with(agents: &[UserId], strategy: RoutingStrategy) -> Self {
        let mut story = Self::default();
        for agent in agents {
            story.agent(*agent, &registered(*agent));
            story.agent(*agent, &prefers(*agent, |_| {}));
        }
        story.queue(None, strategy, |_| {});
        story
    }

    fn agent(&mut self, user: UserId, event: &AgentEvent) {
        self.floor.apply_agent(user, event, self.now);
    }

    fn queue(&mut self, team_id: Option<TeamId>, strategy: RoutingStrategy, change: impl FnOnce(&mut Queue)) {
        let id = QueueId::from_u128(team_id.map_or(1, |team| team.as_uuid().as_u128()));
        let text =
            serde_json::json!({"id": id, "name": id.to_string(), "team_id": team_id, "strategy": strategy});
        let mut queue: Queue = serde_json::from_value(text).unwrap();
        change(&mut queue);
        self.floor.apply_catalogue(HERE, &QueueDefined { queue }.into(), self.now);
    }

    fn team(&mut self, id: TeamId, lead_id: Option<UserId>, members: &[UserId]) {
        let team =
            Team { id, name: id.to_string(), description: None, lead_id, member_ids: members.to_vec() };
        self.floor.apply_catalogue(HERE, &TeamDefined { team }.into(), self.now);
    }

    fn tell(&mut self, id: ConversationId, event: impl Into<ConversationEvent>) {
        let version = self.versions.entry(id).and_modify(|version| *version += 1).or_insert(0);
        self.floor.apply_conversation(HERE, id, Version(*version), &event.into(), self.now);
    }

    fn writes(&mut self, number: u128, priority: Priority) -> ConversationId {
        let id = ConversationId::from_u128(number);
        self.tell(
            id,
            ConversationOpened {
                conversation_id: id,
                account_id: HERE,
                channel_id: ChannelId::from_u128(1),
                channel_type: ChannelType::WhatsApp,
                contact_id: ContactId::from_u128(number),
                contact_identifier: number.to_string(),
                display_name: None,
                ordinal: 0,
                subject: None,
                priority,
                language: None,
                metadata: Map::new(),
            },
        );
        self.tell(
            id,
            MessageReceived {
                message_id: MessageId::from_u128(number),
                provider_message_id: None,
                body: Content::text("Hello"),
                reply_to: None,
                sent_at: self.now,
                metadata: Map::new(),
            },
        );
        id
    }

    fn for_team(&mut self, id: ConversationId, team: TeamId) {
        self.tell(id, assigned(None, Some(team), AssignStrategy::Manual, None));
    }

    fn plan(&mut self) -> Vec<RoutingAction> {
        self.floor.plan(self.now, 7).into_iter().map(|(_, step)| step).collect()
    }

    /// Carries out what there is to do, and says who got what.
    fn run(&mut self) -> Vec<(ConversationId, UserId)> {
        let mut given = Vec::new();
        for step in self.plan() {
            match step.clone() {
                RoutingAction::Assign { conversation, version, agent, team, strategy, decision, .. } => {
                    let place = CapacityReserved {
                        user_id: agent,
                        account_id: HERE,
                        conversation_id: conversation,
                        conversation_version: version,
                        overridden: None,
                        counted: false,
                        renewed: false,
                    };
                    self.agent(agent, &place.into());
                    self.tell(conversation, assigned(Some(agent), team, strategy, Some(decision)));
                    given.push((conversation, agent));
                }
                RoutingAction::Queue { conversation, team, position, queued_since, decision, .. } => {
                    let reason = "nobody".to_owned();
                    self.tell(
                        conversation,
                        Queued { team_id: team, position, queued_since, reason, decision },
                    );
                }
                RoutingAction::Overflow { conversation, to, strategy, .. } => {
                    self.tell(conversation, assigned(None, Some(to), strategy, None));
                }
                RoutingAction::Offer { .. }
                | RoutingAction::Lapse { .. }
                | RoutingAction::ReturnToQueue { .. }
                | RoutingAction::Count { .. }
                | RoutingAction::Free { .. }
                | RoutingAction::Drop { .. } => panic!("{step:?}"),
            }
        }
        given
    }

    fn finishes(&mut self, id: ConversationId, user: UserId) {
        self.tell(id, Resolved { reason: None });
        let steps = self.plan();
        for step in steps {
            let RoutingAction::Free { conversation, agent, .. } = step else { continue };
            assert_eq!((conversation, agent), (id, user));
            self.agent(
                user,
                &CapacityReleased { user_id: user, account_id: HERE, conversation_id: id }.into(),
            );
        }
    }
}

fn assigned(
    assignee: Option<UserId>,
    team_id: Option<TeamId>,
    strategy: AssignStrategy,
    decision: Option<Decision>,
) -> Assigned {
    Assigned {
        assignee_id: assignee,
        assignee_name: None,
        team_id,
        strategy: Some(strategy),
        route_by: None,
        assigned_by: None,
        reason: None,
        decision,
        offer_id: None,
        overridden: None,
    }
}

fn who(given: &[(ConversationId, UserId)]) -> Vec<UserId> {
    given.iter().map(|(_, agent)| *agent).collect()
}

#[test]
fn the_least_busy_is_chosen_and_of_those_the_longest_idle() {
    let mut story = Story::with(&[ANA, BEN, CAL], RoutingStrategy::LeastBusy);
    let mut given = Vec::new();
    for number in 1..=6 {
        story.now = at(MONDAY_AT_TEN + number as i64);
        story.writes(number, Priority::Normal);
        given.extend(story.run());
    }
    assert_eq!(who(&given), [ANA, BEN, CAL, ANA, BEN, CAL]);
    story.now = at(MONDAY_AT_TEN + 10);
    let (conversation, agent) = given[1];
    story.finishes(conversation, agent);
    story.writes(7, Priority::Normal);
    assert_eq!(who(&story.run()), [BEN], "one conversation is fewer than two");
}

#[test]
fn two_conversations_in_the_same_instant_do_not_get_the_same_last_place() {
    let mut story = Story::with(&[ANA], RoutingStrategy::LeastBusy);
    story.agent(ANA, &prefers(ANA, |p| p.max_concurrent_conversations = 1));
    let (first, second) = (story.writes(1, Priority::Normal), story.writes(2, Priority::Normal));
    assert_eq!(story.run(), [(first, ANA)]);
    assert_eq!(story.run(), []);
    story.finishes(first, ANA);
    assert_eq!(story.run(), [(second, ANA)], "the queue moves at once");
}

#[test]
fn round_robin_goes_on_where_it_was_after_a_restart() {
    let mut story = Story::with(&[ANA, BEN, CAL], RoutingStrategy::RoundRobin);
    let mut given = Vec::new();
    for number in 1..=4 {
        story.writes(number, Priority::Normal);
        given.extend(who(&story.run()));
    }
    // The floor is the fold of the log and of nothing else: telling it again is what a restart does.
    assert_eq!(given, [ANA, BEN, CAL, ANA]);
    story.writes(5, Priority::Normal);
    story.writes(6, Priority::Normal);
    assert_eq!(who(&story.run()), [BEN, CAL]);
}

#[test]
fn a_penalty_counts_before_everything_else() {
    let mut story = Story::with(&[ANA, BEN], RoutingStrategy::LeastBusy);
    story.queue(None, RoutingStrategy::LeastBusy, |queue| {
        queue.penalties.insert(ANA, 1);
    });
    story.agent(BEN, &prefers(BEN, |p| p.max_concurrent_conversations = 2));
    for number in 1..=3 {
        story.writes(number, Priority::Normal);
    }
    assert_eq!(who(&story.run()), [BEN, BEN, ANA]);
}

#[test]
fn the_least_recent_is_who_was_given_one_the_longest_ago_however_busy() {
    let mut story = Story::with(&[ANA, BEN], RoutingStrategy::LeastRecent);
    let first = story.writes(1, Priority::Normal);
    assert_eq!(who(&story.run()), [ANA]);
    story.now = at(MONDAY_AT_TEN + 1);
    story.writes(2, Priority::Normal);
    assert_eq!(who(&story.run()), [BEN]);
    story.now = at(MONDAY_AT_TEN + 2);
    story.finishes(first, ANA);
    story.writes(3, Priority::Normal);
    assert_eq!(who(&story.run()), [ANA], "her last was given before his");
}

#[test]
fn random_is_decided_by_chance_alone() {
    let mut counts = std::collections::BTreeMap::new();
    for chance in 0..300 {
        let agents: Vec<(UserId, Agent)> =
            [ANA, BEN, CAL].map(|user| (user, given::<Agent>([registered(user)]).state)).into();
        let seats = agents.iter().map(|(user_id, agent)| CandidateInput {
            user_id: *user_id,
            agent,
            promised: 0,
            last_given: None,
            penalty: 0,
            declined: false,
        });
        let looked =
            Candidates::at(seats, &requirements(), at(9)).in_order(RoutingStrategy::Random, None, chance);
        *counts.entry(looked.first().unwrap()).or_insert(0) += 1;
    }
    assert!(counts.len() == 3 && counts.values().all(|count| *count > 50), "{counts:?}");
}

#[test]
fn ring_all_asks_everybody_who_can() {
    let mut story = Story::with(&[ANA, BEN, CAL], RoutingStrategy::RingAll);
    story.agent(CAL, &prefers(CAL, |p| p.is_available = false));
    story.writes(1, Priority::Normal);
    let steps = story.plan();
    let [RoutingAction::Offer { agents, .. }] = &*steps else { panic!("{steps:?}") };
    assert_eq!(*agents, [ANA, BEN]);
}

#[test]
fn who_does_not_accept_at_once_is_asked_and_then_the_next() {
    let mut story = Story::with(&[ANA, BEN], RoutingStrategy::LeastBusy);
    for user in [ANA, BEN] {
        story.agent(user, &prefers(user, |p| p.auto_accept = false));
    }
    let id = story.writes(1, Priority::Normal);
    let offer = |story: &mut Story, steps: Vec<RoutingAction>| {
        let [RoutingAction::Offer { agents, until, strategy, decision, .. }] = &*steps else {
            panic!("{steps:?}")
        };
        let offered = Offered {
            offer_id: OfferId::from_u128(agents[0].as_uuid().as_u128()),
            agent_ids: agents.clone(),
            team_id: None,
            strategy: *strategy,
            queued_since: story.now,
            until: *until,
            decision: decision.clone(),
        };
        let (asked, until) = (agents[0], *until);
        story.tell(id, offered);
        (asked, until)
    };
    let steps = story.plan();
    let (asked, until) = offer(&mut story, steps);
    assert_eq!((asked, until), (ANA, at(MONDAY_AT_TEN + i64::from(Queue::OFFER_SECONDS))));
    assert_eq!(story.plan(), []);
    story.now = until;
    let steps = story.plan();
    let [RoutingAction::Lapse { offer: lapsed, .. }] = &*steps else { panic!("{steps:?}") };
    story.tell(id, OfferExpired { offer_id: *lapsed, agent_ids: vec![ANA] });
    let steps = story.plan();
    let (asked, _) = offer(&mut story, steps);
    assert_eq!(asked, BEN);
    story.tell(id, OfferDeclined { offer_id: OfferId::from_u128(0xB), agent_id: BEN });
    let steps = story.plan();
    let [RoutingAction::Queue { decision: Some(decision), position: 1, .. }] = &*steps else {
        panic!("{steps:?}")
    };
    assert_eq!(decision.not_eligible[&Ineligible::Declined], [ANA, BEN]);
    story.run();
    story.now = until + std::time::Duration::from_secs(Queue::ASK_AGAIN_SECONDS.into());
    let steps = story.plan();
    assert!(matches!(&*steps, [RoutingAction::Offer { agents, .. }] if *agents == [ANA]), "{steps:?}");
}

#[test]
fn the_oldest_of_the_highest_priority_is_first() {
    let mut story = Story::with(&[ANA], RoutingStrategy::LeastBusy);
    story.agent(ANA, &prefers(ANA, |p| p.is_available = false));
    let mut ids = Vec::new();
    for (number, priority) in
        [(1, Priority::Normal), (2, Priority::High), (3, Priority::High), (4, Priority::Urgent)]
    {
        story.now = at(MONDAY_AT_TEN + number as i64);
        ids.push(story.writes(number, priority));
        assert_eq!(story.run(), []);
    }
    let line: Vec<_> = story.floor.desk(HERE).unwrap().line_of(None).collect();
    assert_eq!(line, [ids[3], ids[1], ids[2], ids[0]]);
    story.agent(ANA, &prefers(ANA, |p| p.max_concurrent_conversations = 2));
    assert_eq!(story.run(), [(ids[3], ANA), (ids[1], ANA)]);
}

#[test]
fn only_the_teams_members_are_asked_and_its_lead_is_told_what_matters() {
    let mut story = Story::with(&[ANA, BEN, CAL], RoutingStrategy::LeastBusy);
    story.team(BILLING, Some(CAL), &[BEN]);
    let id = story.writes(1, Priority::High);
    story.for_team(id, BILLING);
    let steps = story.plan();
    let [RoutingAction::Assign { agent: BEN, lead: Some(CAL), decision, .. }] = &*steps else {
        panic!("{steps:?}")
    };
    assert_eq!(decision.eligible.len(), 1);
}

#[test]
fn a_full_queue_overflows_to_where_there_is_room_and_never_in_a_circle() {
    let mut story = Story::with(&[], RoutingStrategy::LeastBusy);
    story.team(BILLING, None, &[]);
    story.team(SALES, None, &[]);
    let overflowing = |to| {
        move |queue: &mut Queue| {
            queue.max_waiting = Some(1);
            queue.overflow_team_id = Some(to);
        }
    };
    story.queue(Some(BILLING), RoutingStrategy::LeastBusy, overflowing(SALES));
    story.queue(Some(SALES), RoutingStrategy::LeastBusy, overflowing(BILLING));
    for number in 1..=3 {
        let id = story.writes(number, Priority::Normal);
        story.for_team(id, BILLING);
        story.run();
        story.run();
    }
    let desk = story.floor.desk(HERE).unwrap();
    assert_eq!((desk.line_of(Some(BILLING)).count(), desk.line_of(Some(SALES)).count()), (2, 1));
}

#[test]
fn a_manual_queue_gives_nobody_anything() {
    let mut story = Story::with(&[ANA], RoutingStrategy::ManualQueue);
    story.writes(1, Priority::Normal);
    assert!(matches!(&*story.plan(), [RoutingAction::Queue { position: 1, decision: None, .. }]));
}

#[test]
fn an_account_without_a_queue_is_left_alone() {
    let mut story =
        Story { floor: RoutingState::default(), now: at(MONDAY_AT_TEN), versions: Default::default() };
    story.agent(ANA, &registered(ANA));
    let id = story.writes(1, Priority::Normal);
    assert_eq!(story.plan(), []);
    // A rule that says how somebody is to be found is enough.
    story.team(BILLING, None, &[ANA]);
    story.agent(ANA, &prefers(ANA, |_| {}));
    let ordered = Assigned {
        route_by: Some(RoutingStrategy::LeastBusy),
        ..assigned(None, Some(BILLING), AssignStrategy::LeastBusy, None)
    };
    story.tell(id, ordered);
    assert!(matches!(&*story.plan(), [RoutingAction::Assign { agent: ANA, .. }]));
}

#[test]
fn an_assignment_that_broke_off_is_dropped_and_its_place_freed() {
    let mut story = Story::with(&[ANA], RoutingStrategy::ManualQueue);
    let id = story.writes(1, Priority::Normal);
    story.run();
    let at_version = Version(story.versions[&id]);
    let place = CapacityReserved {
        user_id: ANA,
        account_id: HERE,
        conversation_id: id,
        conversation_version: at_version,
        overridden: None,
        counted: false,
        renewed: false,
    };
    story.agent(ANA, &place.into());
    assert_eq!(story.plan(), [], "it may be under way");
    story.now = story.now + UNDER_WAY;
    assert_eq!(story.plan(), [RoutingAction::Drop { conversation: id, version: at_version, agent: ANA }]);
    story.tell(id, AssignmentDropped { assignee_id: ANA });
    assert_eq!(story.plan(), [RoutingAction::Free { conversation: id, place: at_version, agent: ANA }]);
}

#[test]
fn what_was_given_before_places_counted_is_counted() {
    let mut story =
        Story { floor: RoutingState::default(), now: at(MONDAY_AT_TEN), versions: Default::default() };
    story.agent(ANA, &registered(ANA));
    let id = story.writes(1, Priority::Normal);
    story.tell(id, assigned(Some(ANA), None, AssignStrategy::Claimed, None));
    assert_eq!(story.plan(), []);
    story.queue(None, RoutingStrategy::LeastBusy, |_| {});
    let version = Version(story.versions[&id]);
    assert_eq!(story.plan(), [RoutingAction::Count { conversation: id, version, agent: ANA }]);
}

#[test]
fn the_account_chooses_whether_an_agent_who_left_keeps_what_they_have() {
    for (when, expected) in [(WhenOffline::Keep, false), (WhenOffline::GiveBack, true)] {
        let mut story = Story::with(&[ANA], RoutingStrategy::LeastBusy);
        story.queue(None, RoutingStrategy::LeastBusy, |queue| queue.when_offline = when);
        let id = story.writes(1, Priority::Normal);
        assert_eq!(story.run(), [(id, ANA)]);
        story.agent(ANA, &WentOffline { user_id: ANA, cause: PresenceCause::Chosen }.into());
        assert_eq!(story.plan(), []);
        assert_eq!(story.floor.agent(ANA).unwrap().presence(), Presence::Offline { since: story.now });
        story.now = story.now + std::time::Duration::from_secs(Queue::GIVE_BACK_SECONDS.into());
        let back = RoutingAction::ReturnToQueue {
            conversation: id,
            version: Version(story.versions[&id]),
            agent: ANA,
        };
        assert_eq!(story.plan(), if expected { vec![back] } else { Vec::new() });
    }
}

#[test]
fn without_a_queue_an_offer_stays_open_as_long_as_a_queue_has_it_by_default() {
    let mut story = Story::default();
    story.agent(ANA, &registered(ANA));
    story.agent(ANA, &prefers(ANA, |preferences| preferences.auto_accept = false));
    let id = story.writes(1, Priority::Normal);
    let to_be_routed = assigned(None, None, AssignStrategy::LeastBusy, None);
    story.tell(id, Assigned { route_by: Some(RoutingStrategy::LeastBusy), ..to_be_routed });
    let steps = story.plan();
    let [RoutingAction::Offer { until, .. }] = &*steps else { panic!("{steps:?}") };
    assert_eq!(*until, at(MONDAY_AT_TEN + i64::from(Queue::OFFER_SECONDS)));
}

#[test]
fn the_bot_has_the_first_word_for_a_while() {
    let mut story = Story::with(&[ANA], RoutingStrategy::LeastBusy);
    let rule = serde_json::json!({
        "id": "5f4e3d2c-1b0a-4c9d-8e7f-6a5b4c3d2e1f", "name": "Any", "priority": 1, "is_active": true,
        "trigger_type": "fallback", "conditions": {}, "actions": {"reply_text": "Hello"}
    });
    let rule = event_schemas::bot::BotRuleDefined { bot_rule: serde_json::from_value(rule).unwrap() };
    story.floor.apply_catalogue(HERE, &rule.into(), story.now);
    let first = story.writes(1, Priority::Normal);
    assert_eq!(story.plan(), []);
    let handoff = serde_json::json!({"trigger": "manual", "reason": "a person is requirements"});
    let handoff: HandoffRequested = serde_json::from_value(handoff).unwrap();
    story.tell(first, handoff);
    assert_eq!(story.run(), [(first, ANA)]);
    let second = story.writes(2, Priority::Normal);
    assert_eq!(story.plan(), []);
    story.now = story.now + BOT_PATIENCE;
    assert_eq!(story.run(), [(second, ANA)]);
}
