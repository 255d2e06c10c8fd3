//! Routing: the time of the policy over many agents, and the time from a customer's message to its assignment.
//!
//! The control of the policy is a simple loop that filters and sorts by the same rules and gives no reasons. The control
//! of the whole path appends the message and the assignment without any decision.

use super::engines::Engines;
use super::latencies::Latencies;
use super::seed::Desk;
use super::server::Server;
use super::table::Table;
use super::{control, median};
use anyhow::ensure;
use domain::Evolve;
use domain::agent::{Agent, Person, Requirements, ineligibility};
use domain::routing::{CandidateInput, Candidates};
use event_schemas::agent::{AgentRegistered, AvailableHours, Preferences, PreferencesChanged};
use event_schemas::bot::{BotActions, BotConditions, BotRule, BotRuleDefined, BotStrategy, BotTrigger};
use event_schemas::catalogue::{CatalogueKind, Weekday, WeeklyHours};
use event_schemas::conversation::{Assigned, MessageReceived};
use event_schemas::message::ChannelType;
use event_schemas::routing::{Queue, QueueDefined, RoutingStrategy};
use event_schemas::{
    Actor, AgentEvent, AssignmentEvent, BotRuleId, CatalogueEvent, Clock, ConversationEvent, Event,
    MessageEvent, Metadata, NewEvent, QueueId, StreamId, Timestamp, UserId, about,
};
use event_store::{EventStore, Expected, Filter};
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const MANY: u128 = 5_000;
const AGENTS: u128 = 500;
const RULES: u128 = 200;
const A_SECOND: u64 = 50;
const SECONDS: u64 = 20;

pub async fn measure(folder: &Path, rounds: usize, table: &mut Table) -> anyhow::Result<()> {
    policy(rounds, table);
    whole_path(&Engines::new(&folder.join("routing"), None).await?, table).await
}

fn preferences(number: u128) -> Preferences {
    let start = number % 16;
    Preferences {
        available_channels: if number.is_multiple_of(3) { vec![ChannelType::WhatsApp] } else { Vec::new() },
        available_topics: vec!["billing".to_owned(), format!("topic {}", number % 7)],
        available_hours: (!number.is_multiple_of(4)).then(|| AvailableHours {
            schedule: vec![WeeklyHours {
                days: Weekday::ALL.to_vec(),
                start: format!("{start:02}:00"),
                end: format!("{:02}:00", start + 8),
            }],
            timezone: "Africa/Addis_Ababa".to_owned(),
        }),
        languages: if number.is_multiple_of(5) { vec!["en".to_owned()] } else { Vec::new() },
        auto_accept: true,
        ..Preferences::default()
    }
}

fn known(desk: &Desk, user_id: UserId, preferences: Preferences) -> [AgentEvent; 2] {
    let account_id = desk.account;
    [
        AgentRegistered { account_id, user_id, name: user_id.to_string(), email: None }.into(),
        PreferencesChanged { user_id, account_id: Some(account_id), preferences }.into(),
    ]
}

fn policy(rounds: usize, table: &mut Table) {
    let now = Timestamp::from_secs(1_795_222_800);
    let desk = Desk::new(&Clock::System);
    let agents: BTreeMap<UserId, Agent> = (0..MANY)
        .map(|number| {
            let user = UserId::from_u128(number);
            let mut person = Person::default();
            known(&desk, user, preferences(number)).iter().for_each(|event| person.evolve(event, now));
            (user, person.in_account(desk.account).clone())
        })
        .collect();
    let requirements = Requirements {
        channel_type: ChannelType::WhatsApp,
        topics: vec!["billing".to_owned()],
        language: Some("am".to_owned()),
    };
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(3) {
        ours.push(millis(100, || {
            let inputs = agents.iter().map(|(user_id, agent)| CandidateInput {
                user_id: *user_id,
                agent,
                planned: 0,
                last_assigned_at: None,
                penalty: 0,
                declined: false,
            });
            let candidates =
                Candidates::at(inputs, &requirements, now).in_order(RoutingStrategy::LeastBusy, None, 7);
            candidates.into_decision().eligible.first().map(|candidate| candidate.user_id)
        }));
        plain.push(millis(100, || {
            let able = agents
                .iter()
                .filter(|(_, agent)| ineligibility(agent, agent.active(), &requirements, now).is_none());
            let mut able: Vec<_> =
                able.map(|(id, agent)| (agent.active(), agent.idle_since(), *id)).collect();
            able.sort_unstable();
            able.first().map(|(.., user)| *user)
        }));
    }
    let (ours, plain) = (median(ours), median(plain));
    table.at_most("routing policy over 5,000 agents, reasons and all", "ms", ours, 1.0);
    table.within("the same, beside filtering and sorting alone", "ms", ours, plain, 4.0);
}

fn millis(times: u32, mut run: impl FnMut() -> Option<UserId>) -> f64 {
    let began = Instant::now();
    for _ in 0..times {
        black_box(run());
    }
    began.elapsed().as_secs_f64() * 1e3 / f64::from(times)
}

/// Through the whole program: signed webhooks in; the times of receiving and assigning are read from the log.
async fn whole_path(engines: &Engines, table: &mut Table) -> anyhow::Result<()> {
    let clock = Clock::System;
    let desk = super::webhook::seeded(engines, 1, 0).await?;
    let store = engines.open_log().await?;
    define_agents_and_rules(&desk, &*store, &clock).await?;
    store.close().await;
    let server = Arc::new(Server::start(engines, &desk).await?);
    write_evenly(&server, 1_000, A_SECOND * 3).await?;
    eprintln!("{A_SECOND} conversations a second for {SECONDS} seconds");
    write_evenly(&server, 10_000, A_SECOND * SECONDS).await?;
    // Assignments that are still in progress when the last webhook is acknowledged.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let server = Arc::into_inner(server)
        .ok_or_else(|| anyhow::anyhow!("a customer's request is still in progress"))?;
    server.stop().await?;
    let store = engines.open_log().await?;
    let (took, sample) = received_to_assigned(&desk, &*store, 10_000).await?;
    store.close().await;
    ensure!(took.count() as u64 == A_SECOND * SECONDS, "{} of all were assigned", took.count());
    let control = two_appends(engines.folder(), &sample).await?;
    eprintln!(
        "{} conversations, assigned after {:.2} ms (median); the control writes two events in {:.2} ms (median)",
        took.count(),
        took.percentile(50),
        control.percentile(50)
    );
    table.at_most(
        "message received to assigned, 500 agents, 200 rules, 50/s: p99",
        "ms",
        took.percentile(99),
        50.0,
    );
    let (ours, plain) = (took.percentile(99), control.percentile(99));
    table.within("the same, beside writing the two events down", "ms", ours, plain, 50.0);
    Ok(())
}

/// Defines 500 agents, 200 rules of which the last assigns every message, and a queue.
async fn define_agents_and_rules(desk: &Desk, store: &dyn EventStore, clock: &Clock) -> anyhow::Result<()> {
    let metadata = || Metadata {
        account_id: desk.account,
        actor: Actor::system("bench"),
        correlation_id: clock.fresh_id(),
        causation_id: None,
        traceparent: None,
        request: None,
        credential: None,
        occurred_at: clock.now(),
    };
    for number in 0..AGENTS {
        let user = UserId(clock.fresh_id());
        let preferences = Preferences {
            max_concurrent_conversations: 1_000,
            available_hours: None,
            available_channels: Vec::new(),
            available_topics: Vec::new(),
            languages: Vec::new(),
            ..preferences(number)
        };
        let events = known(desk, user, preferences);
        let events = events.iter().map(|event| NewEvent::of(clock.event_id(), event, metadata())).collect();
        store.append(&StreamId::agent(user), Expected::NoStream, events).await?;
    }
    let rule = |number: u128| {
        let is_last = number == RULES;
        BotRule {
            id: BotRuleId::from_u128(number),
            name: format!("Rule {number}"),
            priority: i32::try_from(number).unwrap_or_default(),
            is_active: true,
            trigger_type: if is_last { BotTrigger::Fallback } else { BotTrigger::Keyword },
            conditions: BotConditions {
                keywords: (!is_last).then(|| vec![format!("article {number}"), format!("number {number}")]),
                ..BotConditions::default()
            },
            actions: BotActions {
                reply_text: (!is_last).then(|| "Hello".to_owned()),
                assign_strategy: is_last.then_some(BotStrategy::LeastBusy),
                ..BotActions::default()
            },
            run_once: true,
        }
    };
    let rules: Vec<CatalogueEvent> =
        (1..=RULES).map(|number| BotRuleDefined { bot_rule: rule(number) }.into()).collect();
    let queue = Queue {
        id: QueueId::from_u128(1),
        name: "All".to_owned(),
        team_id: None,
        strategy: RoutingStrategy::LeastBusy,
        penalties: BTreeMap::new(),
        max_waiting: None,
        overflow_team_id: None,
        timeout_seconds: None,
        offer_seconds: Queue::OFFER_SECONDS,
        ask_again_seconds: Queue::ASK_AGAIN_SECONDS,
        when_offline: Queue::WHEN_OFFLINE,
        give_back_seconds: Queue::GIVE_BACK_SECONDS,
        announcement: None,
    };
    let queues = vec![CatalogueEvent::from(QueueDefined { queue })];
    for (kind, events) in [(CatalogueKind::BotRules, rules), (CatalogueKind::Queues, queues)] {
        let events = events.iter().map(|event| NewEvent::of(clock.event_id(), event, metadata())).collect();
        store.append(&StreamId::catalogue(kind, desk.account), Expected::NoStream, events).await?;
    }
    Ok(())
}

async fn write_evenly(server: &Arc<Server>, first: u64, count: u64) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / A_SECOND));
    let mut sending = JoinSet::new();
    for customer in first..first + count {
        ticks.tick().await;
        let server = Arc::clone(server);
        sending.spawn(async move {
            server.customer_writes(customer, &format!("wamid.routing.{customer}"), "Good morning").await
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(())
}

/// The times from recording a message to recording its conversation's assignment, and one pair of such events.
async fn received_to_assigned(
    desk: &Desk,
    store: &dyn EventStore,
    first: u64,
) -> anyhow::Result<(Latencies, Vec<NewEvent>)> {
    let measured: HashMap<StreamId, ()> = (first..first + A_SECOND * SECONDS)
        .map(|customer| (StreamId::conversation(desk.conversation(customer)), ()))
        .collect();
    let (mut received, mut took, mut sample) = (HashMap::new(), Latencies::default(), BTreeMap::new());
    use ConversationEvent as E;
    let filter = Filter { event_types: about![MessageReceived, Assigned], ..Filter::all() };
    let mut after = None;
    loop {
        let page = store.read_all(after, &filter, 1_000).await?;
        for recorded in page.events.iter().filter(|recorded| measured.contains_key(&recorded.stream)) {
            let Event::Conversation(event) = Event::read(recorded)? else { continue };
            match event {
                E::Message(MessageEvent::MessageReceived(_)) => {
                    received.insert(recorded.stream.clone(), recorded.recorded_at);
                }
                E::Assignment(AssignmentEvent::Assigned(assigned)) if assigned.assignee_id.is_some() => {
                    if let Some(at) = received.remove(&recorded.stream) {
                        took.note(recorded.recorded_at.since(at));
                    }
                }
                E::Message(_)
                | E::Assignment(_)
                | E::Delivery(_)
                | E::Lifecycle(_)
                | E::Routing(_)
                | E::Sla(_)
                | E::Bot(_)
                | E::Automation(_)
                | E::Schedule(_)
                | E::Details(_) => continue,
            }
            sample.entry(recorded.event_type.to_string()).or_insert_with(|| NewEvent {
                id: recorded.id,
                event_type: recorded.event_type.clone(),
                schema_version: recorded.schema_version,
                metadata: recorded.metadata.clone(),
                data: recorded.data.clone(),
            });
        }
        after = page.through.or(after);
        if page.at_end {
            return Ok((took, sample.into_values().collect()));
        }
    }
}

async fn two_appends(data: &Path, events: &[NewEvent]) -> anyhow::Result<Latencies> {
    let mut connection = control::open(&data.join("control.db")).await?;
    let mut took = Latencies::default();
    for number in 0..A_SECOND * SECONDS {
        let stream = StreamId::named(format!("conversation-{number}"));
        let began = Instant::now();
        for (version, event) in (0..).zip(events) {
            control::append(&mut connection, &stream, version, event).await?;
        }
        took.note(began.elapsed());
    }
    Ok(took)
}
