//! Two accounts on one server: what a quiet one notices of another that asks for as much as it can.
//!
//! The control is the quiet account alone, on the same server in the same run. The server has its usual limits.

use super::engines::Engines;
use super::latencies::Latencies;
use super::seed::Desk;
use super::server::Server;
use super::table::Table;
use crate::progress::ProgressLine;
use anyhow::Context;
use commands::low_priority;
use event_schemas::Clock;
use futures::future::try_join_all;
use gate::Role;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

const CONVERSATIONS: u64 = 20_000;
const OPEN: u64 = 2_000;
/// The clients of the other account, each of which sends its next request as soon as it has an answer.
const CLIENTS: u64 = 32;
const SPAN: Duration = Duration::from_secs(15);
/// The pause between two requests of the quiet account.
const PAUSE: Duration = Duration::from_millis(10);

const INBOX: &str = "/v1/conversations?status=open&sort=last_message_at:desc&limit=25";

pub async fn measure(folder: &Path, postgres: Option<&str>, table: &mut Table) -> anyhow::Result<()> {
    let engines = Engines::new(&folder.join("neighbours"), postgres).await?;
    let clock = Clock::System;
    let (quiet, loud) = (Desk::new(&clock), Desk::new(&clock));
    let store = engines.open_log().await?;
    let mut events = 0;
    for desk in [&quiet, &loud] {
        events += desk.seed(&store, &clock, CONVERSATIONS, OPEN).await?;
    }
    let mut line = ProgressLine::start("events projected");
    engines.open_tables().await?.rebuild(&store, |progress| line.show(progress.events, events)).await?;
    line.finish(events);
    store.close().await;
    let server = Arc::new(Server::start_with_limits(&engines, &quiet).await?);
    ask(&server, "warm", Duration::from_secs(3)).await?;
    eprintln!("the quiet account alone, for {} seconds", SPAN.as_secs());
    let alone = ask(&server, "alone", SPAN).await?;
    eprintln!("the same beside {CLIENTS} clients of another account that never pause");
    let stop = CancellationToken::new();
    let others = elsewhere(&server, &loud, &stop)?;
    let beside = ask(&server, "beside", SPAN).await?;
    stop.cancel();
    let (answered, refused) = others.await.context("the clients of the other account ended early")??;
    eprintln!("the other account: {answered} requests were answered, {refused} refused with 429 or 503");
    for (what, alone, beside) in [
        ("webhook acknowledged", &alone.0, &beside.0),
        ("inbox", &alone.1, &beside.1),
        ("note added", &alone.2, &beside.2),
    ] {
        let name = format!("{what}, beside an account of {CLIENTS} clients without pauses: p99");
        table.within(&name, "ms", beside.percentile(99), alone.percentile(99), 2.0);
    }
    drop(server);
    engines.remove().await
}

/// The quiet account's requests at an even rate: a customer's message, the inbox, a note, in turns.
async fn ask(
    server: &Arc<Server>,
    name: &'static str,
    span: Duration,
) -> anyhow::Result<(Latencies, Latencies, Latencies)> {
    let token = server.token(server.desk().agents[0], Role::Administrator)?;
    let mut ticks = tokio::time::interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut sending, mut number) = (JoinSet::new(), 0);
    let began = Instant::now();
    while began.elapsed() < span {
        ticks.tick().await;
        let (server, token) = (Arc::clone(server), token.clone());
        sending.spawn(async move {
            let customer = CONVERSATIONS - OPEN + number % OPEN;
            let asked = Instant::now();
            match number % 3 {
                0 => server.customer_writes(customer, &format!("wamid.{name}.{number}"), "And?").await?,
                1 => drop(server.get(INBOX, &token).await?),
                _ => {
                    let path = format!("/v1/conversations/{}/messages", server.desk().conversation(customer));
                    let note = json!({ "content": "A note.", "is_private": true });
                    let status = server.post(&path, &token, &note).await?;
                    anyhow::ensure!(status == 201, "a note was answered with {status}");
                }
            }
            anyhow::Ok((number % 3, asked.elapsed()))
        });
        number += 1;
    }
    let mut kinds = [Latencies::default(), Latencies::default(), Latencies::default()];
    while let Some(done) = sending.join_next().await {
        let (kind, took) = done??;
        kinds[kind as usize].note(took);
    }
    let [webhooks, inbox, notes] = kinds;
    Ok((webhooks, inbox, notes))
}

/// The clients of the other account, which stand for other machines: they have a thread of their own, whose low priority
/// lets the server and the quiet account's clients go first. Returns how many requests were answered and how many
/// refused.
fn elsewhere(
    server: &Server,
    loud: &Desk,
    stop: &CancellationToken,
) -> anyhow::Result<oneshot::Receiver<anyhow::Result<(u64, u64)>>> {
    let clients = (0..CLIENTS).map(|number| LoudClient::new(server, loud, number));
    let clients = clients.collect::<anyhow::Result<Vec<_>>>()?;
    let stop = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(low_priority::start(move || {
        runtime.block_on(async {
            let client = reqwest::Client::builder().pool_max_idle_per_host(64).build()?;
            let all = try_join_all(clients.iter().map(|loud| loud.demand(&client, &stop))).await?;
            Ok(all.into_iter().fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1)))
        })
    })?)
}

/// A client that sends what costs most.
struct LoudClient {
    token: String,
    requests: Vec<(String, Option<Value>)>,
}

impl LoudClient {
    fn new(server: &Server, desk: &Desk, number: u64) -> anyhow::Result<Self> {
        let agent = desk.agents[number as usize % desk.agents.len()];
        let token = server.token_in(desk.account, agent, Role::Administrator)?;
        let conversation = desk.conversation(CONVERSATIONS - 1 - number);
        let now = Clock::System.now();
        let messages = format!("/v1/conversations/{conversation}/messages");
        let long = json!({ "content": "word ".repeat(700), "is_private": true });
        // Dry runs wait for each other, so who asks for one asks for little else.
        let requests = match number.is_multiple_of(8) {
            true => {
                let weeks = json!({ "from": now - Duration::from_secs(86_400), "until": now });
                vec![("/v1/bot-rules/dry-run".to_owned(), Some(weeks))]
            }
            false => vec![
                ("/v1/conversations?sort=last_message_at:desc&limit=100".to_owned(), None),
                (messages.clone(), Some(long)),
                ("/v1/conversations?sort=unanswered_since:asc&limit=100".to_owned(), None),
                ("/v1/conversations/counts".to_owned(), None),
                (messages, None),
            ],
        };
        let mut requests: Vec<_> =
            requests.into_iter().map(|(path, body)| (server.url(&path), body)).collect();
        let first = number as usize % requests.len();
        requests.rotate_left(first);
        Ok(Self { token, requests })
    }

    /// Sends without a pause. Returns how many requests were answered and how many refused.
    async fn demand(&self, client: &reqwest::Client, stop: &CancellationToken) -> anyhow::Result<(u64, u64)> {
        let (mut answered, mut refused) = (0, 0);
        for (url, body) in self.requests.iter().cycle() {
            if stop.is_cancelled() {
                break;
            }
            let request = match body {
                Some(body) => client.post(url).json(body),
                None => client.get(url),
            };
            let answer = request.bearer_auth(&self.token).send().await?;
            let status = answer.status().as_u16();
            answer.bytes().await?;
            match status {
                429 | 503 => refused += 1,
                200..300 => answered += 1,
                _ => anyhow::bail!("{url} was answered with {status}"),
            }
        }
        Ok((answered, refused))
    }
}
