//! Automation rules with a real log: they run once for each cause and cause no loops.

mod fixture;
mod webhooks;

use crate::support::context;
use domain::agent::{ChangePreferences, Register};
use domain::automation::MOST_BY_ITSELF;
use domain::conversation::{Requester, Resolve, Update};
use event_schemas::agent::Preferences;
use event_schemas::automation::{Action, ActionKind, AutomationConditions, AutomationEvent, Held};
use event_schemas::bot::{BotActions, BotConditions, BotRule, BotRuleDefined, BotTrigger};
use event_schemas::catalogue::CatalogueKind;
use event_schemas::conversation::{PriorityChanged, SlaBreached, SlaWarned};
use event_schemas::message::{Priority, SlaMetric};
use event_schemas::routing::{Queue, QueueDefined, RoutingStrategy};
use event_schemas::{Actor, BotRuleId, ConversationId, QueueId, StreamId};
use fixture::{ACCOUNT, ANA, CHANNEL, Fixture, assigned_to_ana, eventually, fixture, note, rule};
use process_managers::{Health, ProcessManager, Unanswered};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

fn label(word: &str) -> Action {
    Action::AddLabels { labels: vec![word.to_owned()] }
}

fn ana() -> Actor {
    Actor::user(ANA, None)
}

fn update() -> Update {
    Update::by(Requester { user: Some(ANA), may_take_over: true })
}

#[tokio::test]
async fn each_event_runs_its_rules_once() {
    let fixture = fixture().await;
    let events = AutomationEvent::ALL.iter().filter(|event| **event != AutomationEvent::WaitingLongerThan);
    for (number, event) in (1..).zip(events.clone()) {
        fixture.rule(rule(number, *event, [label(event.as_str())])).await;
    }
    let id = fixture.receive("1", "hello").await;
    fixture.answer(id, "Hello").await;
    fixture.execute(id, Update { priority: Some(Priority::High), ..update() }, ana()).await;
    let (now, metric) = (fixture.clock.now(), SlaMetric::Resolution);
    let clock = || Actor::system("sla-timers");
    let warned = SlaWarned { metric, warn_at: now, due_at: now, detected_at: now };
    fixture.append_event(id, warned, clock()).await;
    fixture.append_event(id, SlaBreached { metric, due_at: now, detected_at: now }, clock()).await;
    fixture.execute(id, Resolve { reason: None }, ana()).await;
    fixture.run_automation("first.db").await;
    let ran: Vec<_> = fixture.runs(id).await.into_iter().map(|ran| ran.event).collect();
    assert_eq!(ran.iter().copied().collect::<BTreeSet<_>>(), events.copied().collect::<BTreeSet<_>>());
    // Both the priority and the resolution are updates, and the second run changes nothing.
    assert_eq!(ran.len(), 7, "{ran:?}");
    let history = fixture.history(id).await;
    // A crash that lost the checkpoint.
    fixture.run_automation("second.db").await;
    assert_eq!(fixture.history(id).await, history);
}

#[tokio::test]
async fn a_rule_runs_once_for_each_cause_although_the_log_is_read_again() {
    let fixture = fixture().await;
    fixture.rule(rule(1, AutomationEvent::MessageReceived, [note("Look")])).await;
    let id = fixture.receive("1", "one").await;
    fixture.receive("1", "two").await;
    for checkpoint in ["first.db", "second.db", "third.db"] {
        fixture.run_automation(checkpoint).await;
        assert_eq!(fixture.count(id, "AutomationRan").await, 2);
        assert_eq!(fixture.count(id, "NoteAdded").await, 2);
    }
    let causes: BTreeSet<_> = fixture.runs(id).await.into_iter().map(|ran| ran.event_id).collect();
    assert_eq!(causes.len(), 2);
}

#[tokio::test]
async fn events_of_rules_run_no_rule() {
    let fixture = fixture().await;
    let escalate = Action::SetPriority { priority: Priority::Urgent };
    fixture.rule(rule(1, AutomationEvent::ConversationUpdated, [note("again"), escalate])).await;
    fixture.rule(rule(2, AutomationEvent::ConversationUpdated, [note("and again"), label("a")])).await;
    fixture.rule(rule(3, AutomationEvent::MessageSent, [note("never")])).await;
    let answer = Action::Reply { text: Some("Hello".to_owned()), canned_response_id: None };
    fixture.rule(rule(4, AutomationEvent::MessageReceived, [answer])).await;
    let id = fixture.receive("1", "hello").await;
    fixture.execute(id, Update { priority: Some(Priority::High), ..update() }, ana()).await;
    for _ in 0..3 {
        fixture.run_automation("automation.db").await;
    }
    assert_eq!(fixture.count(id, "AutomationRan").await, 3);
    assert_eq!(fixture.count(id, "MessageSent").await, 1);
}

#[tokio::test]
async fn all_events_of_one_request_are_one_update() {
    let fixture = fixture().await;
    fixture.rule(rule(1, AutomationEvent::ConversationUpdated, [note("Look")])).await;
    let id = fixture.receive("1", "hello").await;
    let change = Update {
        priority: Some(Priority::High),
        labels: Some(["vip".to_owned()].into()),
        subject: Some(Some("Refund".to_owned())),
        ..update()
    };
    fixture.execute(id, change, ana()).await;
    fixture.run_automation("automation.db").await;
    assert_eq!(fixture.count(id, "AutomationRan").await, 1);
    fixture.clock.advance(Duration::from_secs(1));
    fixture.execute(id, Update { priority: Some(Priority::Low), ..update() }, ana()).await;
    fixture.run_automation("automation.db").await;
    assert_eq!(fixture.count(id, "AutomationRan").await, 2);
}

#[tokio::test]
async fn a_rule_ignores_events_before_its_definition_and_old_events() {
    let fixture = fixture().await;
    let id = fixture.receive("1", "before").await;
    fixture.rule(rule(1, AutomationEvent::MessageReceived, [note("Look")])).await;
    fixture.run_automation("first.db").await;
    assert_eq!(fixture.count(id, "AutomationRan").await, 0);
    fixture.receive("1", "after").await;
    fixture.clock.advance(Duration::from_secs(25 * 3600));
    fixture.receive("1", "today").await;
    fixture.run_automation("second.db").await;
    assert_eq!(fixture.count(id, "AutomationRan").await, 1);
}

#[tokio::test]
async fn a_rule_is_matched_again_with_a_conversation_that_has_changed() {
    let fixture = fixture().await;
    let mut unassigned = rule(1, AutomationEvent::MessageReceived, [note("Unassigned")]);
    unassigned.conditions.assignee = Some(Held::None);
    fixture.rule(unassigned).await;
    let id = fixture.receive("1", "hello").await;
    fixture.log.assigns.store(true, Ordering::SeqCst);
    fixture.run_automation("automation.db").await;
    assert!(!fixture.log.assigns.load(Ordering::SeqCst), "the rule tried to append its events");
    assert_eq!(fixture.history(id).await, ["ConversationOpened", "MessageReceived", "Assigned"]);
}

#[tokio::test]
async fn a_rule_that_still_matches_runs_after_a_conflicting_append() {
    let fixture = fixture().await;
    fixture.rule(rule(1, AutomationEvent::MessageReceived, [note("Look")])).await;
    let id = fixture.receive("1", "hello").await;
    fixture.log.assigns.store(true, Ordering::SeqCst);
    fixture.run_automation("automation.db").await;
    let expected = ["ConversationOpened", "MessageReceived", "Assigned", "AutomationRan", "NoteAdded"];
    assert_eq!(fixture.history(id).await, expected);
}

#[tokio::test]
async fn rules_and_the_bot_cause_no_loop() {
    let fixture = fixture().await;
    let bot_rule = BotRule {
        id: BotRuleId::from_u128(1),
        name: "Refund".to_owned(),
        priority: 1,
        is_active: true,
        trigger_type: BotTrigger::Keyword,
        conditions: BotConditions { keywords: Some(vec!["refund".to_owned()]), ..Default::default() },
        actions: BotActions { reply_text: Some("A refund, I see".to_owned()), ..Default::default() },
        run_once: false,
    };
    fixture.define(CatalogueKind::BotRules, BotRuleDefined { bot_rule }).await;
    let answer = Action::Reply { text: Some("refund refund".to_owned()), canned_response_id: None };
    fixture.rule(rule(1, AutomationEvent::MessageSent, [answer.clone(), label("answered")])).await;
    fixture.rule(rule(2, AutomationEvent::MessageReceived, [answer])).await;
    fixture.rule(rule(3, AutomationEvent::ConversationUpdated, [note("updated")])).await;
    let id = fixture.receive("1", "refund").await;
    let mut lengths = Vec::new();
    for _ in 0..6 {
        fixture.run_bot("bot.db").await;
        fixture.run_automation("automation.db").await;
        lengths.push(fixture.history(id).await.len());
    }
    // The bot answers the customer's message, the rules answer both, and no further message is sent.
    assert_eq!(fixture.count(id, "BotEngaged").await, 1);
    assert_eq!(fixture.count(id, "MessageSent").await, 3);
    assert_eq!(lengths[1..], [lengths[1]; 5], "{:?}", fixture.history(id).await);
}

#[tokio::test]
async fn verbatims_own_reactions_to_a_rule_run_it_only_a_limited_number_of_times() {
    let fixture = fixture().await;
    fixture.rule(rule(1, AutomationEvent::ConversationUpdated, [note("again")])).await;
    let id = fixture.receive("1", "hello").await;
    for round in 0..MOST_BY_ITSELF + 5 {
        let (old, new) = match round % 2 {
            0 => (Priority::Normal, Priority::High),
            _ => (Priority::High, Priority::Normal),
        };
        // Routing may change the priority as a reaction to the rule.
        fixture.append_event(id, PriorityChanged { old, new }, Actor::system("agent-router")).await;
        fixture.run_automation("automation.db").await;
    }
    assert_eq!(fixture.count(id, "AutomationRan").await, MOST_BY_ITSELF);
    fixture.append_event(id, assigned_to_ana(), ana()).await;
    fixture.run_automation("automation.db").await;
    assert_eq!(fixture.count(id, "AutomationRan").await, MOST_BY_ITSELF + 1);
}

/// Configures routing, and registers Ana with a capacity of one conversation.
async fn configure_routing(fixture: &Fixture) {
    let queue = Queue {
        id: QueueId::from_u128(1),
        name: "All".to_owned(),
        team_id: None,
        strategy: RoutingStrategy::ManualQueue,
        penalties: Default::default(),
        max_waiting: None,
        overflow_team_id: None,
        timeout_seconds: None,
        offer_seconds: Queue::OFFER_SECONDS,
        ask_again_seconds: Queue::ASK_AGAIN_SECONDS,
        when_offline: Queue::WHEN_OFFLINE,
        give_back_seconds: Queue::GIVE_BACK_SECONDS,
        announcement: None,
    };
    fixture.define(CatalogueKind::Queues, QueueDefined { queue }).await;
    let context =
        commands::execute::Context::in_time(ACCOUNT, "test", "ana".into(), fixture.clock.now(), None);
    let context = commands::execute::Context { key: None, ..context };
    let register = Register { account_id: ACCOUNT, user_id: ANA, name: "Ana".to_owned(), email: None };
    fixture.commands.agents.execute(&StreamId::agent(ANA), &register, &context).await.unwrap();
    let one = |preferences: &mut Preferences| preferences.max_concurrent_conversations = 1;
    let change = ChangePreferences { account_id: ACCOUNT, user_id: ANA, if_match: None, change: one };
    fixture.commands.agents.execute(&StreamId::agent(ANA), &change, &context).await.unwrap();
}

async fn holder(fixture: &Fixture, id: ConversationId) -> Option<event_schemas::UserId> {
    let fold = fixture.commands.conversations.current(&StreamId::conversation(id)).await.unwrap();
    fold.state.opened().unwrap().lifecycle.holder()
}

#[tokio::test]
async fn a_rule_does_not_exceed_an_agents_capacity_and_its_other_actions_run() {
    let fixture = fixture().await;
    configure_routing(&fixture).await;
    let assign = Action::AssignAgent { agent_id: ANA };
    fixture.rule(rule(1, AutomationEvent::ConversationCreated, [assign, label("assigned")])).await;
    let (first, second) = (fixture.receive("1", "hello").await, fixture.receive("2", "hello").await);
    fixture.run_automation("automation.db").await;
    let held = [holder(&fixture, first).await, holder(&fixture, second).await];
    assert_eq!(held.iter().flatten().count(), 1, "{held:?}");
    let late = if held[0].is_some() { second } else { first };
    let runs = fixture.runs(late).await;
    assert_eq!((runs[0].skipped[0].index, runs[0].skipped[0].action), (0, ActionKind::AssignAgent));
    assert_eq!(fixture.count(late, "LabelsChanged").await, 1);
    let history = fixture.history(late).await;
    fixture.run_automation("again.db").await;
    assert_eq!(fixture.history(late).await, history);
}

#[tokio::test]
async fn a_rule_that_does_not_match_appends_nothing() {
    let fixture = fixture().await;
    let mut refunds = rule(1, AutomationEvent::MessageReceived, [note("Look")]);
    refunds.conditions =
        AutomationConditions { keywords: Some(vec!["refund".to_owned()]), ..Default::default() };
    fixture.rule(refunds).await;
    let (plain, refund) = (fixture.receive("1", "hello").await, fixture.receive("2", "my Refund!").await);
    fixture.run_automation("automation.db").await;
    assert_eq!(fixture.count(plain, "AutomationRan").await, 0);
    assert_eq!(fixture.count(refund, "AutomationRan").await, 1);
}

/// Runs `Unanswered` until the condition holds.
async fn wait_until<F: Future<Output = bool>>(
    fixture: &Fixture,
    table: &str,
    what: &str,
    holds: impl FnMut() -> F,
) {
    let context = context(fixture.folder.path(), table, &fixture.commands).await;
    let unanswered = Unanswered::open(&context).await.unwrap();
    let stop = CancellationToken::new();
    let working = tokio::spawn(unanswered.run(stop.clone(), Health::default()));
    eventually(what, holds).await;
    stop.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_rule_runs_once_each_time_a_customer_waits_too_long() {
    let fixture = fixture().await;
    let mut impatient = rule(1, AutomationEvent::WaitingLongerThan, [note("Hurry")]);
    impatient.waiting_seconds = Some(600);
    fixture.rule(impatient).await;
    let (waits, answered) = (fixture.receive("1", "hello").await, fixture.receive("2", "hello").await);
    fixture.clock.advance(Duration::from_secs(300));
    // A second message does not restart the wait.
    fixture.receive("1", "still there?").await;
    fixture.answer(answered, "Hello").await;
    fixture.clock.advance(Duration::from_secs(301));
    let runs = |fixture: &Fixture| {
        let commands = fixture.commands.clone();
        async move {
            let stream = StreamId::conversation(waits);
            let recorded = commands.store.read_stream(&stream, event_schemas::Version::FIRST, 100).await;
            recorded.unwrap().iter().filter(|event| event.event_type == "AutomationRan").count()
        }
    };
    wait_until(&fixture, "first.db", "a rule acts", || async { runs(&fixture).await == 1 }).await;
    // An empty table, and more time.
    fixture.clock.advance(Duration::from_secs(600));
    fixture.receive("3", "another").await;
    fixture.clock.advance(Duration::from_secs(601));
    let third = ConversationId::of(CHANNEL, "3", 0);
    let came = || async { fixture.count(third, "AutomationRan").await == 1 };
    wait_until(&fixture, "second.db", "a rule acts on another", came).await;
    assert_eq!(runs(&fixture).await, 1);
    assert_eq!(fixture.count(answered, "AutomationRan").await, 0);
    // After an answer, the next message begins another wait.
    fixture.answer(waits, "Sorry").await;
    fixture.clock.advance(Duration::from_secs(1));
    fixture.receive("1", "thank you, and?").await;
    fixture.clock.advance(Duration::from_secs(601));
    wait_until(&fixture, "first.db", "it acts again", || async { runs(&fixture).await == 2 }).await;
    let ran = fixture.runs(waits).await;
    assert_ne!(ran[0].unanswered_since, ran[1].unanswered_since);
    assert!(ran.iter().all(|ran| ran.event_id.is_none()));
}

#[tokio::test]
async fn a_rule_runs_for_a_customer_whose_answer_failed_and_not_for_one_whose_later_answer_stands() {
    let fixture = fixture().await;
    let mut impatient = rule(1, AutomationEvent::WaitingLongerThan, [note("Hurry")]);
    impatient.waiting_seconds = Some(600);
    fixture.rule(impatient).await;
    let (waits, answered) = (fixture.receive("1", "hello").await, fixture.receive("2", "hello").await);
    fixture.clock.advance(Duration::from_secs(300));
    let failed = fixture.answer(waits, "Hello").await;
    let first = fixture.answer(answered, "Hello").await;
    fixture.answer(answered, "Hello again").await;
    fixture.fail(waits, failed).await;
    fixture.fail(answered, first).await;
    // Since the customer's message, not since the answer or its failure.
    fixture.clock.advance(Duration::from_secs(301));
    let ran = || async { fixture.count(waits, "AutomationRan").await == 1 };
    wait_until(&fixture, "waiting.db", "the rule runs", ran).await;
    assert_eq!(fixture.count(answered, "AutomationRan").await, 0);
    // The customer who did not wait writes again, and then waits.
    fixture.receive("2", "thank you, and?").await;
    fixture.clock.advance(Duration::from_secs(601));
    let ran = || async { fixture.count(answered, "AutomationRan").await == 1 };
    wait_until(&fixture, "waiting.db", "the rule runs for the other", ran).await;
    assert_eq!(fixture.count(waits, "AutomationRan").await, 1, "once per wait");
}
