//! Undo against a slow oracle: after an undo the conversation is as if the undone events had not occurred.

use super::*;
use crate::aggregate::{Decide, Evolve};
use crate::conversation::{
    ApplySla, Assign, Assignee, ChangeLabels, Close, CollectContext, Conversation, EngageBot, MarkPending,
    Open, Opening, Receive, Rejection, RemoveSla, Reopen, Requester, Resolve, SetPriority, SetSubject,
    Unassign, Undo,
};
use event_schemas::conversation::{AssignStrategy, MacroRan, ReopenCause, SlaApplied};
use event_schemas::message::{ChannelType, Content, Priority, Status};
use event_schemas::{
    AccountId, Actor, ChannelId, ContactId, MacroId, MessageId, Metadata, SlaPolicyId, TeamId, UserId,
    Version,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashSet};
use uuid::Uuid;

const ANA: UserId = UserId::from_u128(0xA);
const BEN: UserId = UserId::from_u128(0xB);
const BILLING: TeamId = TeamId::from_u128(0x7);
const ACCOUNT: AccountId = AccountId::from_u128(1);
const BY: Requester = Requester { user: Some(ANA), may_take_over: true };

/// A conversation, its history, and the time.
struct Story {
    state: Conversation,
    history: Vec<PastEvent>,
    second: i64,
}

/// The parts that are compared.
#[derive(Debug, PartialEq)]
struct View {
    status: Status,
    holder: Option<UserId>,
    team: Option<TeamId>,
    priority: Priority,
    labels: BTreeSet<String>,
    subject: Option<String>,
    facts: Map<String, Value>,
    sla: Option<SlaPolicyId>,
}

impl View {
    fn of(state: &Conversation) -> Self {
        let opened = state.opened().expect("a conversation");
        Self {
            status: opened.status(),
            holder: opened.lifecycle.holder(),
            team: opened.lifecycle.team_id,
            priority: opened.priority,
            labels: opened.labels.clone(),
            subject: opened.subject.clone(),
            facts: opened.bot.collected().clone(),
            sla: opened.sla_policy,
        }
    }
}

impl Story {
    fn begin() -> Self {
        let mut story = Self { state: Conversation::NotOpened, history: Vec::new(), second: 0 };
        story.act(&Open { opening: opening() }).expect("it opens");
        story
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.second)
    }

    /// Executes a command as one act.
    fn act(&mut self, command: &impl Decide<Conversation, Rejection = Rejection>) -> Result<(), Rejection> {
        self.second += 1;
        let events = command.decide(&self.state, self.now())?;
        self.record(events);
        Ok(())
    }

    fn record(&mut self, events: Vec<ConversationEvent>) {
        let metadata = Metadata {
            account_id: ACCOUNT,
            actor: Actor::system("test"),
            correlation_id: Uuid::from_u128(self.second as u128),
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: self.now(),
        };
        for event in events {
            self.state.evolve(&event, self.now());
            let version = Version(self.history.len() as u64);
            let id = EventId::from_u128(1000 + u128::from(version.0));
            self.history.push(PastEvent { id, version, metadata: metadata.clone(), event });
        }
    }

    fn undo(&mut self, index: usize) -> Result<(), Obstacle> {
        self.second += 1;
        let plan = History::of(&self.history).plan(index, self.now())?;
        let undo = Undo { plan, by: BY };
        let events = undo.decide(&self.state, self.now()).expect("a plan that can be executed");
        self.record(events);
        Ok(())
    }

    fn obstacle(&self, index: usize) -> &'static str {
        match History::of(&self.history).plan(index, self.now()) {
            Ok(_) => "none",
            Err(obstacle) => obstacle.as_str(),
        }
    }

    fn last(&self) -> usize {
        self.history.len() - 1
    }

    fn view(&self) -> View {
        View::of(&self.state)
    }

    /// Whether the conversation was open or resolved while it still named the agent who had it. An undo does not always
    /// name that agent again, and reopening would make it theirs.
    fn has_named_former_agent(&self) -> bool {
        let mut lifecycle = Lifecycle::default();
        self.history.iter().any(|past| {
            lifecycle.evolve(&past.event);
            !matches!(lifecycle.status, Status::Assigned | Status::Pending) && lifecycle.assignee_id.is_some()
        })
    }

    /// The state after those events only that are in effect.
    fn as_if(&self) -> View {
        let (mut undone, mut of_undos) = (HashSet::new(), HashSet::new());
        // The events of a story's undo are those of its second.
        for past in self.history.iter().rev() {
            if let Some(undo) = undo_at(past)
                && !undone.contains(&past.id)
            {
                undone.extend(undo.event_ids.iter().copied());
                of_undos.insert(past.metadata.occurred_at);
            }
        }
        let mut state = Conversation::NotOpened;
        for past in &self.history {
            let of_undo = of_undos.contains(&past.metadata.occurred_at);
            if !undone.contains(&past.id) && !of_undo {
                state.evolve(&past.event, past.metadata.occurred_at);
            }
        }
        View::of(&state)
    }
}

fn opening() -> Opening {
    Opening {
        account_id: ACCOUNT,
        channel_id: ChannelId::from_u128(0xC),
        channel_type: ChannelType::WhatsApp,
        contact_id: ContactId::from_u128(2),
        contact_identifier: "251911000000".to_owned(),
        display_name: None,
        ordinal: 0,
        subject: None,
        priority: Priority::Normal,
        language: None,
        metadata: Map::new(),
        sla: None,
    }
}

fn assign(agent: Option<UserId>, team_id: Option<TeamId>) -> Assign {
    Assign {
        assignee: agent.map(|id| Assignee { id, name: None }),
        team_id,
        strategy: Some(AssignStrategy::Manual),
        route_by: None,
        by: BY,
        reason: None,
    }
}

fn labels<const N: usize>(labels: [&str; N]) -> ChangeLabels {
    ChangeLabels { labels: labels.into_iter().map(str::to_owned).collect() }
}

fn policy(number: u128) -> ApplySla {
    let id = SlaPolicyId::from_u128(number);
    let policy = json!({ "id": id, "name": format!("Policy {number}"), "targets": {} });
    let policy = serde_json::from_value(policy).expect("a policy");
    ApplySla { applied: SlaApplied { policy, calendar: None } }
}

const RESOLVE: Resolve = Resolve { reason: None };

#[test]
fn each_change_can_be_taken_back_while_it_is_the_last() {
    let mut story = Story::begin();
    let before = story.view();
    story.act(&SetPriority { priority: Priority::Urgent }).unwrap();
    story.undo(story.last()).unwrap();
    story.act(&labels(["vip", "late"])).unwrap();
    story.undo(story.last()).unwrap();
    story.act(&SetSubject { subject: Some("Refund".to_owned()) }).unwrap();
    story.undo(story.last()).unwrap();
    story.act(&policy(1)).unwrap();
    story.undo(story.last()).unwrap();
    let facts = json!({ "order": 7 }).as_object().cloned().unwrap();
    story.act(&CollectContext { fields: facts }).unwrap();
    story.undo(story.last()).unwrap();
    story.act(&assign(Some(ANA), Some(BILLING))).unwrap();
    story.undo(story.last()).unwrap();
    story.act(&RESOLVE).unwrap();
    story.undo(story.last()).unwrap();
    assert_eq!(story.view(), before);
}

#[test]
fn a_change_on_which_a_later_one_depends_cannot_be_taken_back() {
    let mut story = Story::begin();
    story.act(&assign(Some(ANA), None)).unwrap();
    let assigned = story.last();
    story.act(&labels(["vip"])).unwrap();
    let labelled = story.last();
    story.act(&labels(["vip", "late"])).unwrap();
    assert_eq!((story.obstacle(assigned), story.obstacle(labelled)), ("none", "none"));
    story.act(&MarkPending { until: None, reason: None }).unwrap();
    story.act(&labels(["late"])).unwrap();
    assert_eq!((story.obstacle(assigned), story.obstacle(labelled)), ("depended_on", "depended_on"));
}

#[test]
fn after_an_undo_the_change_before_can_be_taken_back_too() {
    let mut story = Story::begin();
    story.act(&SetPriority { priority: Priority::High }).unwrap();
    let first = story.last();
    story.act(&SetPriority { priority: Priority::Urgent }).unwrap();
    let second = story.last();
    assert_eq!(story.obstacle(first), "depended_on");
    story.undo(second).unwrap();
    assert_eq!(story.obstacle(second), "undone");
    story.undo(first).unwrap();
    assert_eq!(story.view().priority, Priority::Normal);
}

#[test]
fn an_undo_can_be_undone_as_a_whole() {
    let mut story = Story::begin();
    story.act(&RESOLVE).unwrap();
    let resolved = story.last();
    story.undo(resolved).unwrap();
    let (undo, reopened) = (resolved + 1, story.last());
    assert_eq!(story.obstacle(reopened), "part_of_undo");
    story.undo(undo).unwrap();
    assert_eq!(story.view().status, Status::Resolved);
    assert_eq!((story.obstacle(undo), story.obstacle(resolved)), ("undone", "none"));
}

#[test]
fn an_undo_is_not_undone_after_what_came_before_it_was_taken_back() {
    let mut story = Story::begin();
    story.act(&assign(None, Some(BILLING))).unwrap();
    let first = story.last();
    story.act(&Unassign { agent: false, team: true, by: BY, reason: None }).unwrap();
    let second = story.last();
    story.undo(second).unwrap();
    let undo = second + 1;
    assert_eq!(story.obstacle(undo), "none");
    story.undo(first).unwrap();
    assert_eq!(story.obstacle(undo), "depended_on");
}

#[test]
fn what_was_written_and_an_end_for_ever_stay() {
    let mut story = Story::begin();
    story.act(&message(1)).unwrap();
    assert_eq!((story.obstacle(0), story.obstacle(1)), ("final", "final"));
    story.act(&SetPriority { priority: Priority::High }).unwrap();
    story.act(&Close { reason: None }).unwrap();
    assert_eq!((story.obstacle(2), story.obstacle(3)), ("closed", "closed"));
}

#[test]
fn the_customers_message_after_a_resolution_stands_against_taking_it_back() {
    let mut story = Story::begin();
    story.act(&RESOLVE).unwrap();
    let resolved = story.last();
    story.act(&message(1)).unwrap();
    assert_eq!(story.obstacle(resolved), "depended_on");
}

#[test]
fn a_resolved_conversation_does_not_get_its_former_agent_again() {
    let mut story = Story::begin();
    story.act(&assign(Some(ANA), None)).unwrap();
    story.act(&RESOLVE).unwrap();
    story.act(&Unassign { agent: true, team: false, by: BY, reason: None }).unwrap();
    assert_eq!(story.obstacle(story.last()), "resolved");
}

#[test]
fn a_conversation_in_which_the_customer_has_written_is_not_set_aside_again() {
    let mut story = Story::begin();
    story.act(&RESOLVE).unwrap();
    story.act(&Reopen { cause: ReopenCause::Agent, reason: None }).unwrap();
    let reopened = story.last();
    assert_eq!(story.obstacle(reopened), "none");
    story.act(&message(1)).unwrap();
    assert_eq!(story.obstacle(reopened), "depended_on");
}

#[test]
fn a_snooze_that_is_over_does_not_come_back() {
    let mut story = Story::begin();
    let until = Some(Timestamp::from_secs(10));
    story.act(&MarkPending { until, reason: None }).unwrap();
    story.act(&RESOLVE).unwrap();
    assert_eq!(story.obstacle(story.last()), "none");
    story.second = 10;
    assert_eq!(story.obstacle(story.last()), "snooze_over");
}

#[test]
fn a_macro_is_taken_back_with_its_actions() {
    let mut story = Story::begin();
    story.act(&labels(["old"])).unwrap();
    let before = story.view();
    story.second += 1;
    let mut events: Vec<ConversationEvent> =
        vec![MacroRan { macro_id: MacroId::from_u128(5), name: "Refund".to_owned() }.into()];
    let mut state = story.state.clone();
    for command in [labels(["old", "refund"]), labels(["refund"])] {
        let decided = command.decide(&state, story.now()).unwrap();
        decided.iter().for_each(|event| state.evolve(event, story.now()));
        events.extend(decided);
    }
    let decided = assign(Some(BEN), None).decide(&state, story.now()).unwrap();
    events.extend(decided);
    let head = story.history.len();
    story.record(events);
    story.undo(head).unwrap();
    assert_eq!(story.view(), before);
    assert_eq!(story.obstacle(head + 1), "undone");
}

#[test]
fn the_changes_of_status_and_assignment_by_one_act_are_taken_back_together() {
    let mut story = Story::begin();
    story.act(&assign(Some(ANA), None)).unwrap();
    story.act(&RESOLVE).unwrap();
    let before = story.view();
    let update = crate::conversation::Update {
        assignee: Some(Some(Assignee { id: BEN, name: None })),
        ..crate::conversation::Update::by(BY)
    };
    story.act(&update).unwrap();
    assert_eq!(story.view().holder, Some(BEN));
    story.undo(story.last()).unwrap();
    assert_eq!(story.view(), before);
}

fn message(number: u128) -> Receive {
    Receive {
        opening: opening(),
        message_id: MessageId::from_u128(number),
        provider_message_id: Some(format!("wamid.{number}")),
        body: Content::text("Hello"),
        reply_to: None,
        sent_at: Timestamp::from_secs(0),
        metadata: Map::new(),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Priority(Priority),
    Labels(BTreeSet<String>),
    Subject(bool),
    Facts(&'static str, Option<u8>),
    Policy(u128),
    RemovePolicy,
    Assign(Option<UserId>, Option<TeamId>),
    Unassign(bool, bool),
    Resolve,
    Pending(Option<u8>),
    Reopen,
    Bot,
    Message,
    Wait(u8),
    /// Undoes the event of this number, counted from the newest.
    Undo(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let agent = prop_oneof![Just(None), Just(Some(ANA)), Just(Some(BEN))];
    let team = prop_oneof![Just(None), Just(Some(BILLING))];
    prop_oneof![
        1 => prop::sample::select(Priority::ALL.to_vec()).prop_map(Step::Priority),
        1 => prop::collection::btree_set(prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned), 0..3)
            .prop_map(Step::Labels),
        1 => any::<bool>().prop_map(Step::Subject),
        1 => (prop::sample::select(vec!["order", "city"]), prop::option::of(0..3u8))
            .prop_map(|(name, value)| Step::Facts(name, value)),
        1 => (1..3u128).prop_map(Step::Policy),
        1 => Just(Step::RemovePolicy),
        3 => (agent, team).prop_map(|(agent, team)| Step::Assign(agent, team)),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(agent, team)| Step::Unassign(agent, team)),
        2 => Just(Step::Resolve),
        2 => prop::option::of(1..20u8).prop_map(Step::Pending),
        2 => Just(Step::Reopen),
        1 => Just(Step::Bot),
        1 => Just(Step::Message),
        1 => (1..10u8).prop_map(Step::Wait),
        12 => (0..12usize).prop_map(Step::Undo),
    ]
}

impl Story {
    /// Executes a step. A refusal changes nothing.
    fn step(&mut self, step: &Step) -> Result<(), Rejection> {
        match step {
            Step::Priority(priority) => self.act(&SetPriority { priority: *priority }),
            Step::Labels(labels) => self.act(&ChangeLabels { labels: labels.clone() }),
            Step::Subject(is_set) => self.act(&SetSubject { subject: is_set.then(|| "Refund".to_owned()) }),
            Step::Facts(name, value) => {
                let fields = Map::from_iter([((*name).to_owned(), json!(value))]);
                self.act(&CollectContext { fields })
            }
            Step::Policy(number) => self.act(&policy(*number)),
            Step::RemovePolicy => self.act(&RemoveSla),
            Step::Assign(agent, team) => self.act(&assign(*agent, *team)),
            Step::Unassign(agent, team) => {
                self.act(&Unassign { agent: *agent, team: *team, by: BY, reason: None })
            }
            Step::Resolve => self.act(&RESOLVE),
            Step::Pending(seconds) => {
                let until = seconds.map(|seconds| Timestamp::from_secs(self.second + i64::from(seconds)));
                self.act(&MarkPending { until, reason: None })
            }
            Step::Reopen => self.act(&Reopen { cause: ReopenCause::Agent, reason: None }),
            Step::Bot => self.act(&EngageBot { rule_id: None, reason: None }),
            Step::Message => self.act(&message(self.second as u128)),
            Step::Wait(seconds) => {
                self.second += i64::from(*seconds);
                Ok(())
            }
            Step::Undo(_) => Ok(()),
        }
    }
}

proptest! {
    #[test]
    fn after_any_undo_the_conversation_is_as_if_the_undone_had_not_occurred(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut story = Story::begin();
        for step in &steps {
            let Step::Undo(back) = step else {
                let _refused = story.step(step).is_err();
                continue;
            };
            let index = story.last().saturating_sub(*back);
            let before = (story.view(), story.history.len());
            match story.undo(index) {
                Ok(()) => {
                    let (mut found, expected) = (story.view(), story.as_if());
                    if story.has_named_former_agent() {
                        (found.status, found.holder, found.team) =
                            (expected.status, expected.holder, expected.team);
                    }
                    prop_assert_eq!(found, expected, "undo of event {}", index);
                }
                Err(_) => prop_assert_eq!(before, (story.view(), story.history.len())),
            }
        }
    }
}
