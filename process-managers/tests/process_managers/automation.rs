//! Rules at work on a real log: once for each cause, and in no circle.

mod desk;
mod webhooks;

use crate::support::context;
use desk::{ACCOUNT, ANA, CHANNEL, Desk, desk, eventually, note, rule, taken};
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
async fn each_event_sets_off_its_rules_once() {
    let desk = desk().await;
    let events = AutomationEvent::ALL.iter().filter(|event| **event != AutomationEvent::WaitingLongerThan);
    for (number, event) in (1..).zip(events.clone()) {
        desk.rule(rule(number, *event, [label(event.as_str())])).await;
    }
    let id = desk.receive("1", "hello").await;
    desk.answer(id, "Hello").await;
    desk.ask(id, Update { priority: Some(Priority::High), ..update() }, ana()).await;
    let (now, metric) = (desk.clock.now(), SlaMetric::Resolution);
    let clock = || Actor::system("sla-timers");
    let warned = SlaWarned { metric, warn_at: now, due_at: now, detected_at: now };
    desk.happens(id, warned, clock()).await;
    desk.happens(id, SlaBreached { metric, due_at: now, detected_at: now }, clock()).await;
    desk.ask(id, Resolve { reason: None }, ana()).await;
    desk.act("first.db").await;
    let ran: Vec<_> = desk.runs(id).await.into_iter().map(|ran| ran.event).collect();
    assert_eq!(ran.iter().copied().collect::<BTreeSet<_>>(), events.copied().collect::<BTreeSet<_>>());
    // Both the priority and the resolution are updates, and the second changes nothing any more.
    assert_eq!(ran.len(), 7, "{ran:?}");
    let history = desk.history(id).await;
    // A crash that forgot how far it had come.
    desk.act("second.db").await;
    assert_eq!(desk.history(id).await, history);
}

#[tokio::test]
async fn a_rule_acts_once_for_each_cause_however_often_it_is_looked_at() {
    let desk = desk().await;
    desk.rule(rule(1, AutomationEvent::MessageReceived, [note("Look")])).await;
    let id = desk.receive("1", "one").await;
    desk.receive("1", "two").await;
    for checkpoint in ["first.db", "second.db", "third.db"] {
        desk.act(checkpoint).await;
        assert_eq!(desk.count(id, "AutomationRan").await, 2);
        assert_eq!(desk.count(id, "NoteAdded").await, 2);
    }
    let causes: BTreeSet<_> = desk.runs(id).await.into_iter().map(|ran| ran.event_id).collect();
    assert_eq!(causes.len(), 2);
}

#[tokio::test]
async fn what_rules_do_sets_off_no_rule() {
    let desk = desk().await;
    let escalate = Action::SetPriority { priority: Priority::Urgent };
    desk.rule(rule(1, AutomationEvent::ConversationUpdated, [note("again"), escalate])).await;
    desk.rule(rule(2, AutomationEvent::ConversationUpdated, [note("and again"), label("a")])).await;
    desk.rule(rule(3, AutomationEvent::MessageSent, [note("never")])).await;
    let answer = Action::Reply { text: Some("Hello".to_owned()), canned_response_id: None };
    desk.rule(rule(4, AutomationEvent::MessageReceived, [answer])).await;
    let id = desk.receive("1", "hello").await;
    desk.ask(id, Update { priority: Some(Priority::High), ..update() }, ana()).await;
    for _ in 0..3 {
        desk.act("automation.db").await;
    }
    assert_eq!(desk.count(id, "AutomationRan").await, 3);
    assert_eq!(desk.count(id, "MessageSent").await, 1);
}

#[tokio::test]
async fn what_one_request_changes_is_one_update() {
    let desk = desk().await;
    desk.rule(rule(1, AutomationEvent::ConversationUpdated, [note("Look")])).await;
    let id = desk.receive("1", "hello").await;
    let change = Update {
        priority: Some(Priority::High),
        labels: Some(["vip".to_owned()].into()),
        subject: Some(Some("Refund".to_owned())),
        ..update()
    };
    desk.ask(id, change, ana()).await;
    desk.act("automation.db").await;
    assert_eq!(desk.count(id, "AutomationRan").await, 1);
    desk.clock.advance(Duration::from_secs(1));
    desk.ask(id, Update { priority: Some(Priority::Low), ..update() }, ana()).await;
    desk.act("automation.db").await;
    assert_eq!(desk.count(id, "AutomationRan").await, 2);
}

#[tokio::test]
async fn a_rule_looks_at_nothing_that_was_before_it_nor_at_what_is_long_past() {
    let desk = desk().await;
    let id = desk.receive("1", "before").await;
    desk.rule(rule(1, AutomationEvent::MessageReceived, [note("Look")])).await;
    desk.act("first.db").await;
    assert_eq!(desk.count(id, "AutomationRan").await, 0);
    desk.receive("1", "after").await;
    desk.clock.advance(Duration::from_secs(25 * 3600));
    desk.receive("1", "today").await;
    desk.act("second.db").await;
    assert_eq!(desk.count(id, "AutomationRan").await, 1);
}

#[tokio::test]
async fn a_conversation_that_went_on_meanwhile_is_asked_again() {
    let desk = desk().await;
    let mut nobodys = rule(1, AutomationEvent::MessageReceived, [note("Nobody has it")]);
    nobodys.conditions.assignee = Some(Held::None);
    desk.rule(nobodys).await;
    let id = desk.receive("1", "hello").await;
    desk.log.takes.store(true, Ordering::SeqCst);
    desk.act("automation.db").await;
    assert!(!desk.log.takes.load(Ordering::SeqCst), "the rule came to act");
    assert_eq!(desk.history(id).await, ["ConversationOpened", "MessageReceived", "Assigned"]);
}

#[tokio::test]
async fn a_rule_that_still_holds_acts_after_what_happened_meanwhile() {
    let desk = desk().await;
    desk.rule(rule(1, AutomationEvent::MessageReceived, [note("Look")])).await;
    let id = desk.receive("1", "hello").await;
    desk.log.takes.store(true, Ordering::SeqCst);
    desk.act("automation.db").await;
    let expected = ["ConversationOpened", "MessageReceived", "Assigned", "AutomationRan", "NoteAdded"];
    assert_eq!(desk.history(id).await, expected);
}

#[tokio::test]
async fn rules_and_the_bot_do_not_go_round_in_circles() {
    let desk = desk().await;
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
    desk.define(CatalogueKind::BotRules, BotRuleDefined { bot_rule }).await;
    let answer = Action::Reply { text: Some("refund refund".to_owned()), canned_response_id: None };
    desk.rule(rule(1, AutomationEvent::MessageSent, [answer.clone(), label("answered")])).await;
    desk.rule(rule(2, AutomationEvent::MessageReceived, [answer])).await;
    desk.rule(rule(3, AutomationEvent::ConversationUpdated, [note("updated")])).await;
    let id = desk.receive("1", "refund").await;
    let mut lengths = Vec::new();
    for _ in 0..6 {
        desk.route("bot.db").await;
        desk.act("automation.db").await;
        lengths.push(desk.history(id).await.len());
    }
    // The customer's message, the bot's answer to it, the rules' to both: and that is all.
    assert_eq!(desk.count(id, "BotEngaged").await, 1);
    assert_eq!(desk.count(id, "MessageSent").await, 3);
    assert_eq!(lengths[1..], [lengths[1]; 5], "{:?}", desk.history(id).await);
}

#[tokio::test]
async fn verbatims_own_answers_to_a_rule_set_it_off_only_so_often() {
    let desk = desk().await;
    desk.rule(rule(1, AutomationEvent::ConversationUpdated, [note("again")])).await;
    let id = desk.receive("1", "hello").await;
    for round in 0..MOST_BY_ITSELF + 5 {
        let (old, new) = match round % 2 {
            0 => (Priority::Normal, Priority::High),
            _ => (Priority::High, Priority::Normal),
        };
        // As routing would, because of what the rule did.
        desk.happens(id, PriorityChanged { old, new }, Actor::system("agent-router")).await;
        desk.act("automation.db").await;
    }
    assert_eq!(desk.count(id, "AutomationRan").await, MOST_BY_ITSELF);
    desk.happens(id, taken(), ana()).await;
    desk.act("automation.db").await;
    assert_eq!(desk.count(id, "AutomationRan").await, MOST_BY_ITSELF + 1);
}

/// Ana, who can have one conversation, in an account that routes.
async fn with_a_desk_for_one(desk: &Desk) {
    let queue = Queue {
        id: QueueId::from_u128(1),
        name: "All".to_owned(),
        team_id: None,
        strategy: RoutingStrategy::ManualQueue,
        penalties: Default::default(),
        max_waiting: None,
        overflow_team_id: None,
        offer_seconds: Queue::OFFER_SECONDS,
        ask_again_seconds: Queue::ASK_AGAIN_SECONDS,
        when_offline: Queue::WHEN_OFFLINE,
        give_back_seconds: Queue::GIVE_BACK_SECONDS,
        announcement: None,
    };
    desk.define(CatalogueKind::Queues, QueueDefined { queue }).await;
    let context = commands::execute::Context::in_time(ACCOUNT, "test", "ana".into(), desk.clock.now());
    let context = commands::execute::Context { key: None, ..context };
    let register =
        Register { account_id: ACCOUNT, user_id: ANA, name: "Ana".to_owned(), email: None, is_self: false };
    desk.commands.agents.execute(&StreamId::agent(ANA), &register, &context).await.unwrap();
    let one = |preferences: &mut Preferences| preferences.max_concurrent_conversations = 1;
    let change = ChangePreferences { account_id: ACCOUNT, user_id: ANA, if_match: None, change: one };
    desk.commands.agents.execute(&StreamId::agent(ANA), &change, &context).await.unwrap();
}

async fn holder(desk: &Desk, id: ConversationId) -> Option<event_schemas::UserId> {
    let fold = desk.commands.conversations.current(&StreamId::conversation(id)).await.unwrap();
    fold.state.opened().unwrap().lifecycle.holder()
}

#[tokio::test]
async fn an_agent_gets_no_more_by_rules_than_by_hand_and_the_rest_is_done() {
    let desk = desk().await;
    with_a_desk_for_one(&desk).await;
    let assign = Action::AssignAgent { agent_id: ANA };
    desk.rule(rule(1, AutomationEvent::ConversationCreated, [assign, label("assigned")])).await;
    let (first, second) = (desk.receive("1", "hello").await, desk.receive("2", "hello").await);
    desk.act("automation.db").await;
    let held = [holder(&desk, first).await, holder(&desk, second).await];
    assert_eq!(held.iter().flatten().count(), 1, "{held:?}");
    let late = if held[0].is_some() { second } else { first };
    let runs = desk.runs(late).await;
    assert_eq!((runs[0].skipped[0].index, runs[0].skipped[0].action), (0, ActionKind::AssignAgent));
    assert_eq!(desk.count(late, "LabelsChanged").await, 1);
    let history = desk.history(late).await;
    desk.act("again.db").await;
    assert_eq!(desk.history(late).await, history);
}

#[tokio::test]
async fn a_rule_without_fitting_conditions_leaves_no_trace() {
    let desk = desk().await;
    let mut refunds = rule(1, AutomationEvent::MessageReceived, [note("Look")]);
    refunds.conditions =
        AutomationConditions { keywords: Some(vec!["refund".to_owned()]), ..Default::default() };
    desk.rule(refunds).await;
    let (plain, refund) = (desk.receive("1", "hello").await, desk.receive("2", "my Refund!").await);
    desk.act("automation.db").await;
    assert_eq!(desk.count(plain, "AutomationRan").await, 0);
    assert_eq!(desk.count(refund, "AutomationRan").await, 1);
}

/// Handles unanswered customers until this holds.
async fn wait_until<F: Future<Output = bool>>(
    desk: &Desk,
    table: &str,
    what: &str,
    holds: impl FnMut() -> F,
) {
    let context = context(desk.folder.path(), table, &desk.commands).await;
    let unanswered = Unanswered::open(&context).await.unwrap();
    let stop = CancellationToken::new();
    let working = tokio::spawn(unanswered.run(stop.clone(), Health::default()));
    eventually(what, holds).await;
    stop.cancel();
    working.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_customer_who_waits_too_long_sets_off_a_rule_once_in_each_waiting() {
    let desk = desk().await;
    let mut impatient = rule(1, AutomationEvent::WaitingLongerThan, [note("Hurry")]);
    impatient.waiting_seconds = Some(600);
    desk.rule(impatient).await;
    let (waits, answered) = (desk.receive("1", "hello").await, desk.receive("2", "hello").await);
    desk.clock.advance(Duration::from_secs(300));
    // A second message does not begin the waiting anew.
    desk.receive("1", "still there?").await;
    desk.answer(answered, "Hello").await;
    desk.clock.advance(Duration::from_secs(301));
    let runs = |desk: &Desk| {
        let commands = desk.commands.clone();
        async move {
            let stream = StreamId::conversation(waits);
            let recorded = commands.store.read_stream(&stream, event_schemas::Version::FIRST, 100).await;
            recorded.unwrap().iter().filter(|event| event.event_type == "AutomationRan").count()
        }
    };
    wait_until(&desk, "first.db", "a rule acts", || async { runs(&desk).await == 1 }).await;
    // A second table that knows nothing of it, and more time.
    desk.clock.advance(Duration::from_secs(600));
    desk.receive("3", "another").await;
    desk.clock.advance(Duration::from_secs(601));
    let third = ConversationId::of(CHANNEL, "3", 0);
    let came = || async { desk.count(third, "AutomationRan").await == 1 };
    wait_until(&desk, "second.db", "a rule acts on another", came).await;
    assert_eq!(runs(&desk).await, 1);
    assert_eq!(desk.count(answered, "AutomationRan").await, 0);
    // Once answered, the next message begins another waiting.
    desk.answer(waits, "Sorry").await;
    desk.clock.advance(Duration::from_secs(1));
    desk.receive("1", "thank you, and?").await;
    desk.clock.advance(Duration::from_secs(601));
    wait_until(&desk, "first.db", "it acts again", || async { runs(&desk).await == 2 }).await;
    let ran = desk.runs(waits).await;
    assert_ne!(ran[0].unanswered_since, ran[1].unanswered_since);
    assert!(ran.iter().all(|ran| ran.event_id.is_none()));
}
