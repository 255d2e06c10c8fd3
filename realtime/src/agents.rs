//! The namespace `/agents`: who is let in, what they may ask, and what they missed.

mod actions;

use crate::engine::session::Session;
use crate::follower::{PAGE, PushError, Pushes};
use crate::hub::{Client, Hub};
use crate::packet::{self, Content, Packet, ROOT};
use crate::presence::{PresenceReport, Reports};
use crate::push::{Offset, Place, Push, Room};
use crate::soft_state::SoftState;
use crate::summaries;
use event_schemas::{Clock, ConversationId, Position};
use event_store::Filter;
use gate::{Authenticator, Caller, Problem, Role};
use projections::queries::conversations;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub const AGENTS: &str = "/agents";

/// How long a client may take to connect to a namespace.
const CONNECT: Duration = Duration::from_secs(45);
/// How long before its token ends a client is told to bring another.
const EXPIRING: Duration = Duration::from_secs(60);
/// How long a process that ends waits until a client takes the news of it.
const FAREWELL: Duration = Duration::from_millis(500);
/// Within this time the clients of a process that ends should come back at another.
const RECONNECT_WITHIN: Duration = Duration::from_secs(1);
/// The events of an account that are read for a client that was away. Beyond them it fetches anew.
const LONGEST_GAP: usize = 5_000;
/// How long reading them may take.
const GAP_TIME: Duration = Duration::from_secs(2);
/// The packets that a client may send in a second, and at once. Beyond them it gets an error, and beyond the second
/// number it is closed.
const BUDGET: f64 = 20.0;
const OVERDRAFT: f64 = 100.0;

/// The parts that all clients of the namespace share.
pub struct Agents {
    pub hub: Arc<Hub>,
    pub pushes: Pushes,
    pub authenticator: Authenticator,
    pub clock: Clock,
    pub soft: Arc<SoftState>,
    pub reports: Reports,
}

/// The object that a client sends to be let in. The stock client adds `pid` and `offset` when it comes back.
#[derive(Deserialize)]
struct Auth {
    token: Option<String>,
    account: Option<String>,
    /// The end of the events that the client has already, as the `Verbatim-Position` of a query or the position of a push.
    after: Option<String>,
    pid: Option<String>,
    offset: Option<String>,
}

/// The conversations whose messages a client may get at the same time.
const MOST_CONVERSATIONS: usize = 50;
/// The bytes of a `pid`. Ours have fewer.
const LONGEST_PID: usize = 64;

/// A client in the namespace.
struct Connected {
    caller: Caller,
    client: Arc<Client>,
    /// The events that were read from the log since the client fell behind the ring.
    gap: usize,
    /// When the next heartbeat of the agent is reported.
    heartbeat: Instant,
    /// Whether the client knows that its token ends soon.
    warned: bool,
}

/// How a client goes on: with what it missed, or anew.
enum Resumption {
    /// Nothing was asked for.
    Live,
    /// After this push: the missed ones are in the ring, or were read from the log up to the second.
    After(Offset, Option<(Vec<Push>, Offset)>),
    /// It missed too much, or more than the log has.
    Reset,
}

impl Agents {
    /// Serves one client until it leaves or the process ends.
    ///
    /// A client that waits takes as much memory as the largest thing that its task does, so those are in boxes.
    pub async fn serve(
        self: Arc<Self>,
        session: Arc<Session>,
        mut messages: mpsc::Receiver<String>,
        stop: CancellationToken,
    ) {
        let mut connected: Option<Connected> = None;
        let mut budget = Budget::new();
        let connect_until = Instant::now() + CONNECT;
        loop {
            let token = connected.as_ref().and_then(Connected::next_of_token);
            tokio::select! {
                message = messages.recv() => {
                    let Some(message) = message else { break };
                    let handled = Box::pin(self.handle(&session, &mut connected, &mut budget, &message)).await;
                    if handled.is_err() {
                        break;
                    }
                }
                () = tokio::time::sleep_until(connect_until), if connected.is_none() => {
                    session.end("it connected to no namespace");
                    break;
                }
                () = stop.cancelled() => {
                    let after = self.pause_before_reconnect().as_millis();
                    let object = json!({ "reconnect_after_ms": u64::try_from(after).unwrap_or_default() });
                    session.send(packet::emitted(AGENTS, &json!(["server:stopping", object])));
                    // A client that polls may have no request at the moment.
                    let _fetched = tokio::time::timeout(FAREWELL, session.until_fetched()).await;
                    session.end("the process ends");
                    break;
                }
                () = behind(connected.as_ref()) => {
                    if let Some(connected) = &mut connected {
                        Box::pin(self.read_log_for(&session, connected)).await;
                    }
                }
                () = until(connected.as_ref().map(|connected| connected.heartbeat)) => {
                    if let Some(connected) = &mut connected {
                        Box::pin(self.report_heartbeat(connected)).await;
                    }
                }
                () = until(token) => {
                    if let Some(connected) = &mut connected
                        && !connected.warned
                    {
                        connected.warned = true;
                        let seconds = EXPIRING.as_secs();
                        session.send(packet::emitted(AGENTS, &json!(["auth:expiring", { "seconds": seconds }])));
                        continue;
                    }
                    session.send(packet::disconnected(AGENTS));
                    session.end("its token has ended");
                    break;
                }
            }
        }
        if let Some(connected) = connected {
            self.remove(&connected);
        }
    }

    /// The pause after which a client should come back when this process ends: a random one, so that not all come at
    /// once.
    fn pause_before_reconnect(&self) -> Duration {
        let random = self.clock.fresh_id().as_u128() as u32;
        RECONNECT_WITHIN.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    fn remove(&self, connected: &Connected) {
        for conversation in self.hub.remove(&connected.client) {
            self.soft.stops_viewing(connected.doer(conversation));
        }
    }

    /// Reports that the agent is connected. A service is no agent.
    async fn report_heartbeat(&self, connected: &mut Connected) {
        connected.heartbeat = Instant::now() + self.reports.every;
        let caller = connected.caller.clone();
        if caller.role == Role::Service {
            return;
        }
        if let Err(problem) = (self.reports.report)(caller, PresenceReport::Heartbeat).await {
            tracing::warn!(status = %problem.status(), "the heartbeat of a connected agent was not recorded");
        }
    }

    async fn handle(
        &self,
        session: &Arc<Session>,
        connected: &mut Option<Connected>,
        budget: &mut Budget,
        message: &str,
    ) -> Result<(), Close> {
        let packet = Packet::parse(message).map_err(|_| closed(session, "a packet was malformed"))?;
        let spent = budget.spend();
        if spent == Spent::Closed {
            return Err(closed(session, "it sent too much"));
        }
        match packet.content {
            Content::Connect(_) if spent == Spent::Refused => {
                self.refuse(session, packet.namespace, &Problem::too_many_requests(Duration::from_secs(1)));
                Ok(())
            }
            Content::Connect(auth) => self.connect(session, connected, packet.namespace, auth).await,
            Content::Disconnect if packet.namespace == AGENTS => {
                if let Some(connected) = connected.take() {
                    self.remove(&connected);
                }
                Err(closed(session, "the client left"))
            }
            Content::Disconnect | Content::Ack => Ok(()),
            Content::Event { arguments, id } => {
                let Some(connected) = connected.as_mut().filter(|_| packet.namespace == AGENTS) else {
                    return Err(closed(session, "an event before the client was let in"));
                };
                let (name, arguments) =
                    packet::event(arguments).map_err(|_| closed(session, "a packet was malformed"))?;
                let answer = match spent {
                    Spent::Ok => self.event(connected, &name, arguments.first().copied()).await,
                    Spent::Refused | Spent::Closed => Err(Problem::too_many_requests(Duration::from_secs(1))),
                };
                let answer = answer.unwrap_or_else(|problem| json!({ "error": problem.document() }));
                if let Some(id) = id {
                    connected.client.answer(packet::acknowledged(AGENTS, id, &answer));
                }
                Ok(())
            }
        }
    }

    async fn connect(
        &self,
        session: &Arc<Session>,
        connected: &mut Option<Connected>,
        namespace: &str,
        auth: Option<&str>,
    ) -> Result<(), Close> {
        if namespace != AGENTS {
            let known =
                if namespace == ROOT { "Connect to the namespace `/agents`." } else { "Invalid namespace" };
            session.send(packet::refused(namespace, &json!({ "message": known })));
            return Ok(());
        }
        if connected.is_some() {
            return Err(closed(session, "it was let in already"));
        }
        match self.let_in(session, auth).await {
            Ok(now) => {
                session.attach(now.client.clone());
                *connected = Some(now);
            }
            Err(problem) => self.refuse(session, AGENTS, &problem),
        }
        Ok(())
    }

    /// The client is not let in to the namespace.
    fn refuse(&self, session: &Session, namespace: &str, problem: &Problem) {
        let error = json!({ "message": problem.detail(), "data": problem.document() });
        session.send(packet::refused(namespace, &error));
    }

    async fn let_in(&self, session: &Arc<Session>, auth: Option<&str>) -> Result<Connected, Problem> {
        let auth: Auth = serde_json::from_str(auth.unwrap_or("{}"))
            .map_err(|error| Problem::unreadable(format!("`auth` cannot be read: {error}")))?;
        let token = auth.token.as_deref().ok_or_else(|| Problem::unauthenticated("Send `auth: {token}`."))?;
        let caller = self.authenticator.identify_bearer(token, auth.account.as_deref()).await?;
        let place = match (&auth.pid, &auth.offset, &auth.after) {
            (Some(_), Some(offset), _) => Some(offset),
            (_, _, after) => after.as_ref(),
        };
        let place = place
            .map(|place| place.parse::<Place>())
            .transpose()
            .map_err(|_| Problem::unreadable("`after` must be the position of a push.").field("after"))?;
        let mut rooms = vec![Room::Account(caller.account), Room::User(caller.account, caller.user)];
        let mut joined = Vec::new();
        for conversation in place.iter().flat_map(|place| &place.conversations).take(MOST_CONVERSATIONS) {
            // A conversation that was deleted since is left out.
            if self.find(&caller, *conversation).await? {
                rooms.push(Room::Conversation(caller.account, *conversation));
                joined.push(*conversation);
            }
        }
        let after = place.map(|place| place.offset);
        let resumption = self.resumption(&caller, after).await?;
        let sid = self.clock.fresh_id().simple().to_string();
        // The same `pid` tells the stock client that it gets all that it missed.
        let (mode, pid, after, read) = match resumption {
            Resumption::Live => ("live", None, None, None),
            Resumption::After(after, read) => ("resumed", auth.pid, Some(after), read),
            Resumption::Reset => ("reset", None, None, None),
        };
        metrics::counter!("verbatim_realtime_connected_total", "mode" => mode).increment(1);
        let pid = pid.filter(|pid| pid.len() <= LONGEST_PID);
        let pid = pid.unwrap_or_else(|| self.clock.fresh_id().simple().to_string());
        // The log has no summaries, and one may have come after a place that ends a position.
        let may_lack_summaries = read.is_some() || after.is_some_and(|after| after.part == u16::MAX);
        let client = self.hub.join(session.clone(), AGENTS, rooms, after, mode);
        if let Some((pushes, through)) = read {
            client.catch_up(pushes, through);
        }
        session.send(packet::connected(AGENTS, &json!({ "sid": sid, "pid": pid })));
        let connected = Connected { caller, client, gap: 0, heartbeat: Instant::now(), warned: false };
        for conversation in joined {
            self.soft.views(connected.doer(conversation));
        }
        if may_lack_summaries {
            self.send_summaries(&connected).await;
        }
        Ok(connected)
    }

    /// Sends the present counts and queue to a client that may have missed the last ones, after its place.
    async fn send_summaries(&self, connected: &Connected) {
        let (through, account) = (self.hub.through(), connected.caller.account);
        let events = async { summaries::events(&self.pushes.tables.db()?, account, through).await };
        match events.await {
            Ok(events) => {
                events.iter().for_each(|event| connected.client.answer(packet::emitted(AGENTS, event)));
            }
            Err(error) => tracing::warn!(error = %::follower::runner::Chain(&error), "no counts were sent"),
        }
    }

    /// Whether what the client missed is in the ring, can be read from the log, or is too much.
    async fn resumption(&self, caller: &Caller, after: Option<Offset>) -> Result<Resumption, Problem> {
        let Some(after) = after else { return Ok(Resumption::Live) };
        if self.hub.reaches(after) {
            let end = self.pushes.log.store().end().await.map_err(|_| unavailable())?;
            // A later position is of another log, or of this one before an older state was restored.
            let exists = end.is_some_and(|end| after.position <= end) || after.position == Position::at(0);
            return Ok(if exists { Resumption::After(after, None) } else { Resumption::Reset });
        }
        let (began, mut events, mut through, mut missed) = (Instant::now(), 0, after, Vec::new());
        while !self.hub.reaches(through) {
            let Ok((pushes, count, read)) = self.read_log(caller, through).await else {
                return Ok(Resumption::Reset);
            };
            events += count;
            through = read;
            missed.extend(pushes);
            if events > LONGEST_GAP || began.elapsed() > GAP_TIME {
                return Ok(Resumption::Reset);
            }
        }
        metrics::histogram!("verbatim_realtime_gap_events").record(events as f64);
        Ok(Resumption::After(after, Some((missed, through))))
    }

    /// The pushes of the account's next events after this offset, their number, and how far they go.
    async fn read_log(
        &self,
        caller: &Caller,
        after: Offset,
    ) -> Result<(Vec<Push>, usize, Offset), PushError> {
        let store = self.pushes.log.store();
        let through = self.hub.through();
        // Of the event of an offset some pushes may be missing.
        let first = match after.part {
            u16::MAX => None,
            _ => store.event_at(after.position).await?,
        };
        let from = (after.position != Position::at(0)).then_some(after.position);
        let page = store.read_all(from, &Filter::account(caller.account), PAGE).await?;
        let first = first.filter(|event| event.metadata.account_id == caller.account);
        let events: Vec<_> =
            first.into_iter().chain(page.events).filter(|event| event.position <= through).collect();
        let read = match page.at_end {
            true => through,
            false => page.through.unwrap_or(through).min(through),
        };
        let mut pushes = self.pushes.of_past(&events).await?;
        pushes.retain(|push| push.offset > after);
        Ok((pushes, events.len(), Offset::after(read)))
    }

    /// Reads the next page for a client that fell behind the ring.
    async fn read_log_for(&self, session: &Session, connected: &mut Connected) {
        let client = &connected.client;
        let read = self.read_log(&connected.caller, client.queued()).await;
        match read {
            Ok((pushes, events, through)) if connected.gap + events <= LONGEST_GAP => {
                let is_done = self.hub.reaches(through);
                connected.gap = if is_done { 0 } else { connected.gap + events };
                client.catch_up(pushes, through);
                if is_done {
                    self.send_summaries(&connected).await;
                }
            }
            Ok(_) => {
                connected.gap = 0;
                metrics::counter!("verbatim_realtime_resets_total", "cause" => "slow").increment(1);
                let now = Offset::after(self.hub.through());
                client.reset(now);
            }
            Err(error) => {
                tracing::warn!(error = %::follower::runner::Chain(&error), "a slow client cannot read on");
                session.end("what it missed cannot be read");
            }
        }
    }

    /// Whether the account has this conversation.
    async fn find(&self, caller: &Caller, id: ConversationId) -> Result<bool, Problem> {
        let db = self.pushes.tables.db().map_err(|_| unavailable())?;
        let found = conversations::find(db.readers(), caller.account, id, None).await;
        Ok(found.map_err(|_| unavailable())?.is_some())
    }
}

fn unavailable() -> Problem {
    Problem::unavailable("The log or the tables cannot be read at the moment.", Duration::from_secs(1))
}

/// The session is ended.
struct Close;

fn closed(session: &Session, reason: &'static str) -> Close {
    session.end(reason);
    Close
}

impl Connected {
    /// When the client is warned of its token's end, and then when that is.
    fn next_of_token(&self) -> Option<Instant> {
        let end = Instant::from_std(self.caller.until?);
        Some(if self.warned { end } else { end.checked_sub(EXPIRING).unwrap_or(end) })
    }
}

/// Waits until the client is behind the ring.
async fn behind(connected: Option<&Connected>) {
    match connected {
        Some(connected) => connected.client.needs_log.notified().await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The packets that a client may still send: so many a second, collected up to a second's worth.
struct Budget {
    left: f64,
    at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spent {
    Ok,
    Refused,
    Closed,
}

impl Budget {
    fn new() -> Self {
        Self { left: BUDGET, at: Instant::now() }
    }

    fn spend(&mut self) -> Spent {
        let now = Instant::now();
        self.left = (self.left + now.duration_since(self.at).as_secs_f64() * BUDGET).min(BUDGET) - 1.0;
        self.at = now;
        match self.left {
            left if left >= 0.0 => Spent::Ok,
            left if left >= -OVERDRAFT => Spent::Refused,
            _ => Spent::Closed,
        }
    }
}
