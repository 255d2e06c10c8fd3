//! Filters, strategies and queues, one rule at a time.

mod handoffs;
mod kept;

use super::*;
use crate::agent::{
    Agent, EligibilityCheck, Person, Presence, PresenceTimeouts, ReleaseCapacity, ReportPresence,
    ReportedPresence, ReserveCapacity,
};
use crate::agent::{Requirements, ineligibility};
use crate::aggregate::given::given;
use crate::aggregate::{Decide, Evolve};
use crate::conversation::Overflow;
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
use std::time::Duration;

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
    PreferencesChanged { user_id: user, account_id: Some(HERE), preferences }.into()
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
    given::<Person>([registered(ANA), prefers(ANA, change)]).state.in_account(HERE).clone()
}

fn ineligibility_of(agent: &Agent) -> Option<Ineligible> {
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
fn an_agent_without_preferences_is_eligible() {
    assert_eq!(ineligibility_of(&agent(|_| {})), None);
}

#[test]
fn each_filter_gives_its_reason() {
    use Ineligible as I;
    let full: fn(&mut Preferences) = |_| {};
    type Change = fn(&mut Preferences);
    let changes: [(I, Change); 6] = [
        (I::Unavailable, |p| p.is_available = false),
        (I::OnLeave, |p| p.leave = vec![Leave { from: "2026-01-05".into(), until: "2026-01-05".into() }]),
        // 10:00 in UTC is 13:00 in Addis Ababa.
        (I::OutsideHours, |p| p.available_hours = Some(hours("Africa/Addis_Ababa", "08:00", "13:00"))),
        (I::Channel, |p| p.available_channels = vec![ChannelType::Sms]),
        (I::Topic, |p| p.available_topics = vec!["technical".into()]),
        (I::Language, |p| p.languages = vec!["en".into()]),
    ];
    for (reason, change) in changes {
        assert_eq!(ineligibility_of(&agent(change)), Some(reason));
    }
    let mut busy = given::<Person>([registered(ANA), prefers(ANA, full)]).state;
    (1..=5).for_each(|number| busy.evolve(&taken(ANA, number), at(3)));
    assert_eq!(ineligibility_of(busy.in_account(HERE)), Some(I::AtCapacity));
}

#[test]
fn an_agent_who_meets_the_requirements_is_eligible() {
    let fits = agent(|p| {
        p.available_channels = vec![ChannelType::Sms, ChannelType::WhatsApp];
        p.available_topics = vec!["Billing".into()];
        p.languages = vec!["en".into(), "am-ET".into()];
        p.available_hours = Some(hours("Africa/Addis_Ababa", "13:00", "14:00"));
        p.leave = vec![Leave { from: "2026-01-06".into(), until: "2026-01-09".into() }];
    });
    assert_eq!(ineligibility_of(&fits), None);
}

#[test]
fn an_agent_without_heartbeats_is_away_and_then_offline() {
    let timeouts = PresenceTimeouts::default();
    let seen = |reported| ReportPresence { account_id: HERE, user_id: ANA, reported, timeouts };
    let online = WentOnline { user_id: ANA, account_id: Some(HERE), until: at(302) };
    given::<Person>([registered(ANA)]).when(seen(ReportedPresence::Heartbeat)).then([online.clone().into()]);
    // A heartbeat leads to no event until half of the time has passed.
    let there = || given::<Person>([registered(ANA), online.clone().into()]);
    there().at(at(100)).when(seen(ReportedPresence::Heartbeat)).then_nothing();
    there().at(at(200)).when(seen(ReportedPresence::Heartbeat)).then([WentOnline {
        user_id: ANA,
        account_id: Some(HERE),
        until: at(500),
    }
    .into()]);
    let agent = there().state.in_account(HERE).clone();
    assert_eq!(agent.presence().ineligibility(at(301)), None);
    assert_eq!(agent.presence().ineligibility(at(302)), Some(Ineligible::Away));
    let expire = crate::agent::ExpirePresence { account_id: HERE, user_id: ANA, timeouts };
    there().at(at(301)).when(expire).then_nothing();
    let away: AgentEvent = WentAway {
        user_id: ANA,
        account_id: Some(HERE),
        cause: PresenceCause::Inactivity,
        offline_at: Some(at(2_102)),
    }
    .into();
    there().at(at(302)).when(expire).then([away.clone()]);
    let gone = || given::<Person>([registered(ANA), away.clone()]);
    gone().at(at(2_101)).when(expire).then_nothing();
    gone().at(at(2_102)).when(expire).then([WentOffline {
        user_id: ANA,
        account_id: Some(HERE),
        cause: PresenceCause::Inactivity,
    }
    .into()]);
}

#[test]
fn a_heartbeat_does_not_end_a_chosen_absence() {
    let timeouts = PresenceTimeouts::default();
    let chosen =
        WentAway { user_id: ANA, account_id: Some(HERE), cause: PresenceCause::Chosen, offline_at: None };
    let there = || given::<Person>([registered(ANA), chosen.clone().into()]);
    let seen = |reported| ReportPresence { account_id: HERE, user_id: ANA, reported, timeouts };
    there().when(seen(ReportedPresence::Heartbeat)).then_nothing();
    there().when(seen(ReportedPresence::Online)).then([WentOnline {
        user_id: ANA,
        account_id: Some(HERE),
        until: at(303),
    }
    .into()]);
}

fn take(conversation: u128, version: u64) -> ReserveCapacity {
    ReserveCapacity {
        account_id: HERE,
        user_id: ANA,
        conversation_id: ConversationId::from_u128(conversation),
        conversation_version: Version(version),
        requirements: requirements(),
        check: EligibilityCheck::Full,
        forced: false,
    }
}

#[test]
fn an_agent_at_capacity_takes_another_conversation_only_by_force() {
    use crate::agent::Rejection;
    let full = || {
        given::<Person>([
            registered(ANA),
            prefers(ANA, |p| p.max_concurrent_conversations = 1),
            taken(ANA, 1),
        ])
    };
    let refused = Rejection::CannotTake(Ineligible::AtCapacity);
    full().when(take(2, 4)).then_rejected(refused.clone());
    full().when(ReserveCapacity { check: EligibilityCheck::Capacity, ..take(2, 4) }).then_rejected(refused);
    let forced = ReserveCapacity { forced: true, ..take(2, 4) };
    let Ok(events) = forced.decide(&full().state, at(9)) else { panic!("refused although forced") };
    let [AgentEvent::CapacityReserved(taken)] = &*events else { panic!("{events:?}") };
    assert_eq!(taken.overridden, Some(Ineligible::AtCapacity));
    // Capacity that is already reserved for the conversation is not reserved twice.
    full().when(take(1, 1)).then_nothing();
}

#[test]
fn capacity_is_released_only_at_the_version_it_was_reserved_at() {
    let there = || given::<Person>([registered(ANA), taken(ANA, 1)]);
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

/// An account's routing state, its conversations' versions, and the present time.
struct Scenario {
    routing: RoutingState,
    now: Timestamp,
    versions: std::collections::HashMap<ConversationId, u64>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self { routing: RoutingState::default(), now: at(MONDAY_AT_TEN), versions: Default::default() }
    }
}

impl Scenario {
    fn with(agents: &[UserId], strategy: RoutingStrategy) -> Self {
        let mut scenario = Self::default();
        for agent in agents {
            scenario.agent(*agent, &registered(*agent));
            scenario.agent(*agent, &prefers(*agent, |_| {}));
        }
        scenario.queue(None, strategy, |_| {});
        scenario
    }

    fn agent(&mut self, user: UserId, event: &AgentEvent) {
        self.routing.apply_agent(user, event, self.now);
    }

    fn queue(&mut self, team_id: Option<TeamId>, strategy: RoutingStrategy, change: impl FnOnce(&mut Queue)) {
        let id = QueueId::from_u128(team_id.map_or(1, |team| team.as_uuid().as_u128()));
        let text =
            serde_json::json!({"id": id, "name": id.to_string(), "team_id": team_id, "strategy": strategy});
        let mut queue: Queue = serde_json::from_value(text).unwrap();
        change(&mut queue);
        self.routing.apply_catalogue(HERE, &QueueDefined { queue }.into(), self.now);
    }

    fn team(&mut self, id: TeamId, lead_id: Option<UserId>, members: &[UserId]) {
        let team =
            Team { id, name: id.to_string(), description: None, lead_id, member_ids: members.to_vec() };
        self.routing.apply_catalogue(HERE, &TeamDefined { team }.into(), self.now);
    }

    fn apply(&mut self, id: ConversationId, event: impl Into<ConversationEvent>) {
        let version = self.versions.entry(id).and_modify(|version| *version += 1).or_insert(0);
        self.routing.apply_conversation(HERE, id, Version(*version), &event.into(), self.now);
    }

    fn writes(&mut self, number: u128, priority: Priority) -> ConversationId {
        let id = ConversationId::from_u128(number);
        self.apply(
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
        self.apply(
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
        self.apply(id, assigned(None, Some(team), AssignStrategy::Manual, None));
    }

    fn plan(&mut self) -> Vec<RoutingAction> {
        self.routing.plan(self.now, 7).into_iter().map(|(_, action)| action).collect()
    }

    /// Executes the due actions, and returns the assignments.
    fn run(&mut self) -> Vec<(ConversationId, UserId)> {
        let mut given = Vec::new();
        for action in self.plan() {
            match action.clone() {
                RoutingAction::Assign { conversation, version, agent, team, strategy, decision, .. } => {
                    let reservation = CapacityReserved {
                        user_id: agent,
                        account_id: HERE,
                        conversation_id: conversation,
                        conversation_version: version,
                        overridden: None,
                        counted: false,
                        renewed: false,
                    };
                    self.agent(agent, &reservation.into());
                    self.apply(conversation, assigned(Some(agent), team, strategy, Some(decision)));
                    given.push((conversation, agent));
                }
                RoutingAction::Queue { conversation, team, position, queued_since, decision, .. } => {
                    let reason = "no agent".to_owned();
                    self.apply(
                        conversation,
                        Queued { team_id: team, position, queued_since, reason, decision },
                    );
                }
                RoutingAction::Overflow { conversation, overflow, .. } => {
                    let Overflow { to, strategy, .. } = overflow;
                    self.apply(conversation, assigned(None, Some(to), strategy, None));
                }
                RoutingAction::TimeOut { conversation, team, overflow, .. } => {
                    let to_team_id = overflow.as_ref().map(|overflow| overflow.to);
                    self.apply(
                        conversation,
                        QueueTimedOut { team_id: team, queued_at: self.now, to_team_id },
                    );
                    if let Some(Overflow { to, strategy, .. }) = overflow {
                        self.apply(conversation, assigned(None, Some(to), strategy, None));
                    }
                }
                RoutingAction::Offer { .. }
                | RoutingAction::ExpireOffer { .. }
                | RoutingAction::ReturnToQueue { .. }
                | RoutingAction::Count { .. }
                | RoutingAction::Release { .. }
                | RoutingAction::Drop { .. } => panic!("{action:?}"),
            }
        }
        given
    }

    fn finishes(&mut self, id: ConversationId, user: UserId) {
        self.apply(id, Resolved { reason: None });
        let actions = self.plan();
        for action in actions {
            let RoutingAction::Release { conversation, agent, .. } = action else { continue };
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

fn assignees(given: &[(ConversationId, UserId)]) -> Vec<UserId> {
    given.iter().map(|(_, agent)| *agent).collect()
}

#[test]
fn the_least_busy_is_chosen_and_of_those_the_longest_idle() {
    let mut scenario = Scenario::with(&[ANA, BEN, CAL], RoutingStrategy::LeastBusy);
    let mut given = Vec::new();
    for number in 1..=6 {
        scenario.now = at(MONDAY_AT_TEN + number as i64);
        scenario.writes(number, Priority::Normal);
        given.extend(scenario.run());
    }
    assert_eq!(assignees(&given), [ANA, BEN, CAL, ANA, BEN, CAL]);
    scenario.now = at(MONDAY_AT_TEN + 10);
    let (conversation, agent) = given[1];
    scenario.finishes(conversation, agent);
    scenario.writes(7, Priority::Normal);
    assert_eq!(assignees(&scenario.run()), [BEN], "one conversation is fewer than two");
}

#[test]
fn two_conversations_at_the_same_time_do_not_get_the_same_capacity() {
    let mut scenario = Scenario::with(&[ANA], RoutingStrategy::LeastBusy);
    scenario.agent(ANA, &prefers(ANA, |p| p.max_concurrent_conversations = 1));
    let (first, second) = (scenario.writes(1, Priority::Normal), scenario.writes(2, Priority::Normal));
    assert_eq!(scenario.run(), [(first, ANA)]);
    assert_eq!(scenario.run(), []);
    scenario.finishes(first, ANA);
    assert_eq!(scenario.run(), [(second, ANA)], "the queue moves at once");
}

#[test]
fn round_robin_continues_after_the_last_turn() {
    let mut scenario = Scenario::with(&[ANA, BEN, CAL], RoutingStrategy::RoundRobin);
    let mut given = Vec::new();
    for number in 1..=4 {
        scenario.writes(number, Priority::Normal);
        given.extend(assignees(&scenario.run()));
    }
    // The routing state is computed from the log alone: a restart applies the same events again.
    assert_eq!(given, [ANA, BEN, CAL, ANA]);
    scenario.writes(5, Priority::Normal);
    scenario.writes(6, Priority::Normal);
    assert_eq!(assignees(&scenario.run()), [BEN, CAL]);
}

#[test]
fn a_penalty_counts_before_everything_else() {
    let mut scenario = Scenario::with(&[ANA, BEN], RoutingStrategy::LeastBusy);
    scenario.queue(None, RoutingStrategy::LeastBusy, |queue| {
        queue.penalties.insert(ANA, 1);
    });
    scenario.agent(BEN, &prefers(BEN, |p| p.max_concurrent_conversations = 2));
    for number in 1..=3 {
        scenario.writes(number, Priority::Normal);
    }
    assert_eq!(assignees(&scenario.run()), [BEN, BEN, ANA]);
}

#[test]
fn least_recent_chooses_the_agent_whose_last_assignment_is_the_oldest() {
    let mut scenario = Scenario::with(&[ANA, BEN], RoutingStrategy::LeastRecent);
    let first = scenario.writes(1, Priority::Normal);
    assert_eq!(assignees(&scenario.run()), [ANA]);
    scenario.now = at(MONDAY_AT_TEN + 1);
    scenario.writes(2, Priority::Normal);
    assert_eq!(assignees(&scenario.run()), [BEN]);
    scenario.now = at(MONDAY_AT_TEN + 2);
    scenario.finishes(first, ANA);
    scenario.writes(3, Priority::Normal);
    assert_eq!(assignees(&scenario.run()), [ANA], "her last assignment is older than his");
}

#[test]
fn random_depends_on_the_random_number_alone() {
    let mut counts = std::collections::BTreeMap::new();
    for chance in 0..300 {
        let agents: Vec<(UserId, Agent)> = [ANA, BEN, CAL]
            .map(|user| (user, given::<Person>([registered(user)]).state.in_account(HERE).clone()))
            .into();
        let inputs = agents.iter().map(|(user_id, agent)| CandidateInput {
            user_id: *user_id,
            agent,
            planned: 0,
            last_assigned_at: None,
            penalty: 0,
            declined: false,
        });
        let candidates =
            Candidates::at(inputs, &requirements(), at(9)).in_order(RoutingStrategy::Random, None, chance);
        *counts.entry(candidates.first().unwrap()).or_insert(0) += 1;
    }
    assert!(counts.len() == 3 && counts.values().all(|count| *count > 50), "{counts:?}");
}

#[test]
fn ring_all_offers_to_every_eligible_agent() {
    let mut scenario = Scenario::with(&[ANA, BEN, CAL], RoutingStrategy::RingAll);
    scenario.agent(CAL, &prefers(CAL, |p| p.is_available = false));
    scenario.writes(1, Priority::Normal);
    let actions = scenario.plan();
    let [RoutingAction::Offer { agents, .. }] = &*actions else { panic!("{actions:?}") };
    assert_eq!(*agents, [ANA, BEN]);
}

#[test]
fn an_offer_that_expires_or_is_declined_goes_to_the_next_agent() {
    let mut scenario = Scenario::with(&[ANA, BEN], RoutingStrategy::LeastBusy);
    for user in [ANA, BEN] {
        scenario.agent(user, &prefers(user, |p| p.auto_accept = false));
    }
    let id = scenario.writes(1, Priority::Normal);
    let offer = |scenario: &mut Scenario, actions: Vec<RoutingAction>| {
        let [RoutingAction::Offer { agents, until, strategy, decision, .. }] = &*actions else {
            panic!("{actions:?}")
        };
        let offered = Offered {
            offer_id: OfferId::from_u128(agents[0].as_uuid().as_u128()),
            agent_ids: agents.clone(),
            team_id: None,
            strategy: *strategy,
            queued_since: scenario.now,
            until: *until,
            decision: decision.clone(),
        };
        let (asked, until) = (agents[0], *until);
        scenario.apply(id, offered);
        (asked, until)
    };
    let actions = scenario.plan();
    let (asked, until) = offer(&mut scenario, actions);
    assert_eq!((asked, until), (ANA, at(MONDAY_AT_TEN + i64::from(Queue::OFFER_SECONDS))));
    assert_eq!(scenario.plan(), []);
    scenario.now = until;
    let actions = scenario.plan();
    let [RoutingAction::ExpireOffer { offer: expired, .. }] = &*actions else { panic!("{actions:?}") };
    scenario.apply(id, OfferExpired { offer_id: *expired, agent_ids: vec![ANA] });
    let actions = scenario.plan();
    let (asked, _) = offer(&mut scenario, actions);
    assert_eq!(asked, BEN);
    scenario.apply(id, OfferDeclined { offer_id: OfferId::from_u128(0xB), agent_id: BEN });
    let actions = scenario.plan();
    let [RoutingAction::Queue { decision: Some(decision), position: 1, .. }] = &*actions else {
        panic!("{actions:?}")
    };
    assert_eq!(decision.not_eligible[&Ineligible::Declined], [ANA, BEN]);
    scenario.run();
    scenario.now = until + std::time::Duration::from_secs(120);
    let actions = scenario.plan();
    assert!(matches!(&*actions, [RoutingAction::Offer { agents, .. }] if *agents == [ANA]), "{actions:?}");
}

#[test]
fn the_oldest_of_the_highest_priority_is_first() {
    let mut scenario = Scenario::with(&[ANA], RoutingStrategy::LeastBusy);
    scenario.agent(ANA, &prefers(ANA, |p| p.is_available = false));
    let mut ids = Vec::new();
    for (number, priority) in
        [(1, Priority::Normal), (2, Priority::High), (3, Priority::High), (4, Priority::Urgent)]
    {
        scenario.now = at(MONDAY_AT_TEN + number as i64);
        ids.push(scenario.writes(number, priority));
        assert_eq!(scenario.run(), []);
    }
    let waiting: Vec<_> = scenario.routing.account(HERE).unwrap().waiting_for(None).collect();
    assert_eq!(waiting, [ids[3], ids[1], ids[2], ids[0]]);
    scenario.agent(ANA, &prefers(ANA, |p| p.max_concurrent_conversations = 2));
    assert_eq!(scenario.run(), [(ids[3], ANA), (ids[1], ANA)]);
}

#[test]
fn only_team_members_are_eligible_and_the_lead_is_notified_of_a_high_priority() {
    let mut scenario = Scenario::with(&[ANA, BEN, CAL], RoutingStrategy::LeastBusy);
    scenario.team(BILLING, Some(CAL), &[BEN]);
    let id = scenario.writes(1, Priority::High);
    scenario.for_team(id, BILLING);
    let actions = scenario.plan();
    let [RoutingAction::Assign { agent: BEN, lead: Some(CAL), decision, .. }] = &*actions else {
        panic!("{actions:?}")
    };
    assert_eq!(decision.eligible.len(), 1);
}

#[test]
fn a_full_queue_overflows_to_one_that_is_not_full_and_never_in_a_cycle() {
    let mut scenario = Scenario::with(&[], RoutingStrategy::LeastBusy);
    scenario.team(BILLING, None, &[]);
    scenario.team(SALES, None, &[]);
    let overflowing = |to| {
        move |queue: &mut Queue| {
            queue.max_waiting = Some(1);
            queue.overflow_team_id = Some(to);
        }
    };
    scenario.queue(Some(BILLING), RoutingStrategy::LeastBusy, overflowing(SALES));
    scenario.queue(Some(SALES), RoutingStrategy::LeastBusy, overflowing(BILLING));
    for number in 1..=3 {
        let id = scenario.writes(number, Priority::Normal);
        scenario.for_team(id, BILLING);
        scenario.run();
        scenario.run();
    }
    let account = scenario.routing.account(HERE).unwrap();
    assert_eq!(
        (account.waiting_for(Some(BILLING)).count(), account.waiting_for(Some(SALES)).count()),
        (2, 1)
    );
}

/// Given two teams whose queues lead to each other, each with a time-out of ten minutes.
#[test]
fn a_conversation_that_waited_for_too_long_goes_to_the_overflow_team_once() {
    let mut scenario = Scenario::with(&[], RoutingStrategy::LeastBusy);
    scenario.team(BILLING, None, &[]);
    scenario.team(SALES, None, &[]);
    let timed = |to| {
        move |queue: &mut Queue| {
            queue.timeout_seconds = Some(600);
            queue.overflow_team_id = Some(to);
        }
    };
    scenario.queue(Some(BILLING), RoutingStrategy::LeastBusy, timed(SALES));
    scenario.queue(Some(SALES), RoutingStrategy::ManualQueue, timed(BILLING));
    let id = scenario.writes(1, Priority::Normal);
    scenario.for_team(id, BILLING);
    let queued_at = scenario.now;
    scenario.run();
    assert_eq!(scenario.plan(), []);
    assert_eq!(scenario.routing.next_moment(), Some(queued_at + Duration::from_secs(600)));
    scenario.now = queued_at + Duration::from_secs(599);
    assert_eq!(scenario.plan(), []);
    scenario.now = queued_at + Duration::from_secs(600);
    scenario.run();
    let account = scenario.routing.account(HERE).unwrap();
    assert_eq!(account.waiting_for(Some(SALES)).collect::<Vec<_>>(), [id]);
    // It is queued there, and stays: the time-out happens once for each wait.
    assert!(matches!(&*scenario.plan(), [RoutingAction::Queue { team: Some(SALES), .. }]));
    scenario.run();
    scenario.now = queued_at + Duration::from_secs(6000);
    assert_eq!(scenario.run(), []);
    assert_eq!(scenario.plan(), []);
}

#[test]
fn without_an_overflow_team_the_time_out_is_recorded_and_the_conversation_goes_on_waiting() {
    let mut scenario = Scenario::with(&[], RoutingStrategy::LeastBusy);
    scenario.team(BILLING, None, &[]);
    scenario.queue(Some(BILLING), RoutingStrategy::ManualQueue, |queue| queue.timeout_seconds = Some(60));
    let id = scenario.writes(1, Priority::Normal);
    scenario.for_team(id, BILLING);
    scenario.run();
    assert_eq!(scenario.plan(), []);
    scenario.now = scenario.now + Duration::from_secs(60);
    let actions = scenario.plan();
    assert!(
        matches!(&*actions, [RoutingAction::TimeOut { team: Some(BILLING), overflow: None, .. }]),
        "{actions:?}"
    );
    scenario.apply(id, QueueTimedOut { team_id: Some(BILLING), queued_at: scenario.now, to_team_id: None });
    assert_eq!(scenario.plan(), []);
    assert_eq!(scenario.routing.account(HERE).unwrap().waiting_for(Some(BILLING)).count(), 1);
}

#[test]
fn a_manual_queue_assigns_no_agent() {
    let mut scenario = Scenario::with(&[ANA], RoutingStrategy::ManualQueue);
    scenario.writes(1, Priority::Normal);
    assert!(matches!(&*scenario.plan(), [RoutingAction::Queue { position: 1, decision: None, .. }]));
}

#[test]
fn routing_does_nothing_in_an_account_without_a_queue() {
    let mut scenario =
        Scenario { routing: RoutingState::default(), now: at(MONDAY_AT_TEN), versions: Default::default() };
    scenario.agent(ANA, &registered(ANA));
    let id = scenario.writes(1, Priority::Normal);
    assert_eq!(scenario.plan(), []);
    // An order that names a strategy is enough.
    scenario.team(BILLING, None, &[ANA]);
    scenario.agent(ANA, &prefers(ANA, |_| {}));
    let ordered = Assigned {
        route_by: Some(RoutingStrategy::LeastBusy),
        ..assigned(None, Some(BILLING), AssignStrategy::LeastBusy, None)
    };
    scenario.apply(id, ordered);
    assert!(matches!(&*scenario.plan(), [RoutingAction::Assign { agent: ANA, .. }]));
}

#[test]
fn an_interrupted_assignment_is_dropped_and_its_capacity_released() {
    let mut scenario = Scenario::with(&[ANA], RoutingStrategy::ManualQueue);
    let id = scenario.writes(1, Priority::Normal);
    scenario.run();
    let at_version = Version(scenario.versions[&id]);
    let reservation = CapacityReserved {
        user_id: ANA,
        account_id: HERE,
        conversation_id: id,
        conversation_version: at_version,
        overridden: None,
        counted: false,
        renewed: false,
    };
    scenario.agent(ANA, &reservation.into());
    assert_eq!(scenario.plan(), [], "the assignment may be in progress");
    scenario.now = scenario.now + ASSIGNMENT_TIMEOUT;
    assert_eq!(scenario.plan(), [RoutingAction::Drop { conversation: id, version: at_version, agent: ANA }]);
    scenario.apply(id, AssignmentDropped { assignee_id: ANA });
    assert_eq!(
        scenario.plan(),
        [RoutingAction::Release { conversation: id, reserved_at: at_version, agent: ANA }]
    );
}

#[test]
fn an_assignment_from_before_the_first_queue_gets_a_reservation() {
    let mut scenario =
        Scenario { routing: RoutingState::default(), now: at(MONDAY_AT_TEN), versions: Default::default() };
    scenario.agent(ANA, &registered(ANA));
    let id = scenario.writes(1, Priority::Normal);
    scenario.apply(id, assigned(Some(ANA), None, AssignStrategy::Claimed, None));
    assert_eq!(scenario.plan(), []);
    scenario.queue(None, RoutingStrategy::LeastBusy, |_| {});
    let version = Version(scenario.versions[&id]);
    assert_eq!(scenario.plan(), [RoutingAction::Count { conversation: id, version, agent: ANA }]);
}

#[test]
fn the_queue_decides_whether_an_offline_agent_keeps_conversations() {
    for (when, expected) in [(WhenOffline::Keep, false), (WhenOffline::GiveBack, true)] {
        let mut scenario = Scenario::with(&[ANA], RoutingStrategy::LeastBusy);
        scenario.queue(None, RoutingStrategy::LeastBusy, |queue| queue.when_offline = when);
        let id = scenario.writes(1, Priority::Normal);
        assert_eq!(scenario.run(), [(id, ANA)]);
        scenario.agent(
            ANA,
            &WentOffline { user_id: ANA, account_id: Some(HERE), cause: PresenceCause::Chosen }.into(),
        );
        assert_eq!(scenario.plan(), []);
        assert_eq!(
            scenario.routing.agent(HERE, ANA).unwrap().presence(),
            Presence::Offline { since: scenario.now }
        );
        scenario.now = scenario.now + std::time::Duration::from_secs(120);
        let back = RoutingAction::ReturnToQueue {
            conversation: id,
            version: Version(scenario.versions[&id]),
            agent: ANA,
        };
        assert_eq!(scenario.plan(), if expected { vec![back] } else { Vec::new() });
    }
}

#[test]
fn without_a_queue_an_offer_stays_open_as_long_as_a_queue_has_it_by_default() {
    let mut scenario = Scenario::default();
    scenario.agent(ANA, &registered(ANA));
    scenario.agent(ANA, &prefers(ANA, |preferences| preferences.auto_accept = false));
    let id = scenario.writes(1, Priority::Normal);
    let to_be_routed = assigned(None, None, AssignStrategy::LeastBusy, None);
    scenario.apply(id, Assigned { route_by: Some(RoutingStrategy::LeastBusy), ..to_be_routed });
    let actions = scenario.plan();
    let [RoutingAction::Offer { until, .. }] = &*actions else { panic!("{actions:?}") };
    assert_eq!(*until, at(MONDAY_AT_TEN + i64::from(Queue::OFFER_SECONDS)));
}

#[test]
fn routing_leaves_a_new_conversation_to_the_bot_for_a_while() {
    let mut scenario = Scenario::with(&[ANA], RoutingStrategy::LeastBusy);
    let rule = serde_json::json!({
        "id": "5f4e3d2c-1b0a-4c9d-8e7f-6a5b4c3d2e1f", "name": "Any", "priority": 1, "is_active": true,
        "trigger_type": "fallback", "conditions": {}, "actions": {"reply_text": "Hello"}
    });
    let rule = event_schemas::bot::BotRuleDefined { bot_rule: serde_json::from_value(rule).unwrap() };
    scenario.routing.apply_catalogue(HERE, &rule.into(), scenario.now);
    let first = scenario.writes(1, Priority::Normal);
    assert_eq!(scenario.plan(), []);
    let handoff = serde_json::json!({"trigger": "manual", "reason": "a human agent is needed"});
    let handoff: HandoffRequested = serde_json::from_value(handoff).unwrap();
    scenario.apply(first, handoff);
    assert_eq!(scenario.run(), [(first, ANA)]);
    let second = scenario.writes(2, Priority::Normal);
    assert_eq!(scenario.plan(), []);
    scenario.now = scenario.now + BOT_TIMEOUT;
    assert_eq!(scenario.run(), [(second, ANA)]);
}

/// Ana resolved a conversation and has another; Ben has none. The conversation comes back in this way.
fn comes_back(by: impl IntoIterator<Item = ConversationEvent>, ana: Option<AgentEvent>) -> Vec<UserId> {
    let mut scenario = Scenario::with(&[ANA], RoutingStrategy::LeastBusy);
    let (first, _) = (scenario.writes(1, Priority::Normal), scenario.writes(2, Priority::Normal));
    assert_eq!(assignees(&scenario.run()), [ANA, ANA]);
    scenario.finishes(first, ANA);
    scenario.agent(BEN, &registered(BEN));
    scenario.agent(BEN, &prefers(BEN, |_| {}));
    if let Some(change) = ana {
        scenario.agent(ANA, &change);
    }
    assert!(scenario.run().is_empty());
    by.into_iter().for_each(|event| scenario.apply(first, event));
    assignees(&scenario.run())
}

#[test]
fn a_conversation_that_comes_back_goes_to_its_last_agent_if_they_can_take_it() {
    let reopened = |cause| ConversationEvent::from(Reopened { cause, reason: None });
    let unassigned =
        || Unassigned { assignee_id: Some(ANA), team_id: None, unassigned_by: None, reason: None };
    let by_customer = || vec![reopened(ReopenCause::CustomerMessage)];
    let by_agent = || vec![reopened(ReopenCause::Agent), unassigned().into()];
    assert_eq!(comes_back(by_customer(), None), [ANA]);
    assert_eq!(comes_back(by_agent(), None), [ANA]);
    for cannot in [
        prefers(ANA, |ana| ana.is_available = false),
        prefers(ANA, |ana| ana.max_concurrent_conversations = 1),
        WentOffline { user_id: ANA, account_id: Some(HERE), cause: PresenceCause::Chosen }.into(),
    ] {
        assert_eq!(comes_back(by_customer(), Some(cannot.clone())), [BEN]);
        assert_eq!(comes_back(by_agent(), Some(cannot)), [BEN]);
    }
}
