//! The clients of all namespaces: how they are let in, what they may send, and what they missed.

mod budget;
mod missed;

use crate::contract::Contract;
use crate::engine::session::Session;
use crate::events::{AuthExpiring, Expiring, ServerStopping, Stopping};
use crate::follower::{Pushes, until};
use crate::hub::{Client, Hub};
use crate::namespace::{Customer, Namespace, Party};
use crate::packet::{self, Content, Packet, ROOT};
use crate::presence::{PresenceReport, Reports};
use crate::push::{Place, Room};
use crate::soft_state::{Act, Doer, SoftState};
use axum::http::{HeaderMap, header};
use budget::{Budget, Spent};
use event_schemas::account::Permission;
use event_schemas::{AccountId, Clock, ConversationId};
use gate::auth::bearer;
use gate::{Authenticator, Caller, Problem};
use missed::Resumption;
use projections::queries::conversations;
use projections::read_models::agents;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a client may take to connect to a namespace.
const CONNECT: Duration = Duration::from_secs(45);
/// How long before its token ends a client is told to bring another.
const EXPIRING: Duration = Duration::from_secs(60);
/// How long a process that ends waits until a client takes the news of it.
const FAREWELL: Duration = Duration::from_millis(500);
/// Within this time the clients of a process that ends should come back at another.
const RECONNECT_WITHIN: Duration = Duration::from_secs(1);

/// The parts that all clients share.
pub struct Clients {
    pub hub: Arc<Hub>,
    pub pushes: Pushes,
    pub authenticator: Authenticator,
    pub clock: Clock,
    pub soft: Arc<SoftState>,
    pub reports: Reports,
    /// How often the token of a connected client is checked again.
    pub token_check: Duration,
    pub contract: Option<Arc<dyn Contract>>,
}

/// The object that a client sends to be let in. The stock client adds `pid` and `offset` when it comes back.
#[derive(Deserialize)]
struct Auth {
    token: Option<String>,
    account: Option<String>,
    /// The account, in the words of a contract.
    tenant_id: Option<AccountId>,
    /// The end of the events that the client has already, as the `Verbatim-Position` of a query or the position of a
    /// push.
    after: Option<String>,
    pid: Option<String>,
    offset: Option<String>,
}

/// The Socket.IO rooms that a client may have joined at the same time.
const MOST_JOINED: usize = 50;
/// The bytes of a `pid`. Ours have fewer.
const LONGEST_PID: usize = 64;

/// A client in a namespace.
pub struct Connected {
    pub party: Party,
    pub client: Arc<Client>,
    /// The events that were read from the log since the client fell behind the ring.
    gap: usize,
    /// When the next heartbeat of the agent is reported. `None` when the client is no agent's.
    heartbeat: Option<Instant>,
    /// Whether the client knows that its token ends soon.
    warned: bool,
    /// The credential of the client, and when it is checked again. `None` of a customer, and of a client that a gateway
    /// has authenticated.
    credential: Option<(Credential, Instant)>,
}

/// The credential of a client.
enum Credential {
    Token(Box<str>),
    /// The headers with the session's cookie.
    Session(HeaderMap),
}

impl Clients {
    /// Serves one client until it leaves or the process ends.
    ///
    /// An idle client takes as much memory as the largest thing that its task does, unless that is in a box; and each
    /// timer takes some, so that there is one.
    pub async fn serve(
        self: Arc<Self>,
        session: Arc<Session>,
        mut handshake: HeaderMap,
        stop: CancellationToken,
    ) {
        let mut connected: Option<Connected> = None;
        let mut budget = Budget::new();
        keep_credentials(&mut handshake);
        let connect_until = Instant::now() + CONNECT;
        loop {
            let due = connected.as_ref().map_or(Some(connect_until), Connected::next_due);
            let goes_on = tokio::select! {
                message = session.next_message() => {
                    let handled = self.handle(&session, &handshake, &mut connected, &mut budget, &message);
                    let handled = Box::pin(handled).await;
                    if connected.is_some() {
                        // Only connecting needs them.
                        handshake = HeaderMap::new();
                    }
                    handled
                }
                () = stop.cancelled() => {
                    Box::pin(self.part(&session, connected.as_ref())).await;
                    break;
                }
                () = behind(connected.as_ref()) => {
                    if let Some(connected) = &mut connected {
                        Box::pin(self.read_log_for(&session, connected)).await;
                    }
                    Ok(())
                }
                () = until(due) => match &mut connected {
                    Some(connected) => Box::pin(self.do_due(&session, connected)).await,
                    None => Err(closed(&session, "it connected to no namespace")),
                },
            };
            if goes_on.is_err() {
                break;
            }
        }
        if let Some(connected) = connected {
            self.remove(&connected);
        }
    }

    /// Does what is due at this moment: reports the agent's heartbeat, and looks after the token.
    async fn do_due(&self, session: &Session, connected: &mut Connected) -> Result<(), Close> {
        let now = Instant::now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(connected.next_of_token()) {
            if connected.warned {
                session.send(packet::disconnected(connected.namespace()));
                return Err(closed(session, "its token has ended"));
            }
            connected.warned = true;
            let object = Expiring { seconds: EXPIRING.as_secs() };
            session.send(packet::emitted::<AuthExpiring>(connected.namespace(), &object));
        }
        if is_due(connected.next_check()) && !self.is_still_let_in(connected).await {
            session.send(packet::disconnected(connected.namespace()));
            return Err(closed(session, "its token or session is no longer accepted"));
        }
        if is_due(connected.heartbeat) {
            self.report_heartbeat(connected).await;
        }
        Ok(())
    }

    /// Parts with a client because the process ends.
    async fn part(&self, session: &Session, connected: Option<&Connected>) {
        self.say_farewell(session, connected);
        // A client that polls may have no request at the moment.
        let _fetched = tokio::time::timeout(FAREWELL, session.until_fetched()).await;
        session.end("the process ends");
    }

    /// Tells a client that the process ends.
    fn say_farewell(&self, session: &Session, connected: Option<&Connected>) {
        let Some(connected) = connected else { return };
        let after = self.pause_before_reconnect().as_millis();
        let object = Stopping { reconnect_after_ms: u64::try_from(after).unwrap_or_default() };
        session.send(packet::emitted::<ServerStopping>(connected.namespace(), &object));
    }

    /// The pause after which a client should come back when this process ends: a random one, so that not all come at
    /// once.
    fn pause_before_reconnect(&self) -> Duration {
        let random = self.clock.fresh_id().as_u128() as u32;
        RECONNECT_WITHIN.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    fn remove(&self, connected: &Connected) {
        let rooms = self.hub.remove(&connected.client);
        match &connected.party {
            Party::Agent(caller) => {
                for id in rooms.into_iter().filter_map(Room::joined) {
                    self.soft.stops_viewing(Doer::of(caller, ConversationId(id)));
                }
            }
            Party::Customer(customer) => {
                for id in rooms.into_iter().filter_map(Room::joined) {
                    let of = Doer::customer(customer.session.account, ConversationId(id));
                    self.soft.types(of, Act::StopsTyping, None);
                }
            }
            Party::Service(_) => {}
        }
    }

    /// Whether the token's key is still one that the server knows, or the session has not ended: a key that was withdrawn
    /// ends the connections that were let in with it.
    async fn is_still_let_in(&self, connected: &mut Connected) -> bool {
        let account = connected.party.account();
        let Some((credential, check)) = &mut connected.credential else { return true };
        *check = Instant::now() + self.token_check;
        match credential {
            Credential::Token(token) => self.authenticator.still_knows(token).await,
            Credential::Session(headers) => self.authenticator.still_admits(headers, account).await,
        }
    }

    /// Reports that the agent is connected. A service is no agent.
    async fn report_heartbeat(&self, connected: &mut Connected) {
        connected.heartbeat = Some(Instant::now() + self.reports.every);
        let Party::Agent(caller) = &connected.party else { return };
        if caller.is_program() {
            return;
        }
        if let Err(problem) = (self.reports.report)(caller.clone(), PresenceReport::Heartbeat).await {
            tracing::warn!(status = %problem.status(), "the heartbeat of a connected agent was not recorded");
        }
    }

    async fn handle(
        &self,
        session: &Arc<Session>,
        handshake: &HeaderMap,
        connected: &mut Option<Connected>,
        budget: &mut Budget,
        message: &str,
    ) -> Result<(), Close> {
        let packet = Packet::parse(message).map_err(|_| closed(session, "a packet was malformed"))?;
        let spent = budget.spend();
        if spent == Spent::Closed {
            return Err(closed(session, "it sent too much"));
        }
        let is_of = |connected: &Connected| connected.namespace() == packet.namespace;
        match packet.content {
            Content::Connect(_) if spent == Spent::Refused => {
                self.refuse(session, packet.namespace, &Problem::too_many_requests(Duration::from_secs(1)));
                Ok(())
            }
            Content::Connect(auth) => {
                self.connect(session, handshake, connected, packet.namespace, auth).await
            }
            Content::Disconnect if connected.as_ref().is_some_and(is_of) => {
                if let Some(connected) = connected.take() {
                    self.remove(&connected);
                }
                Err(closed(session, "the client left"))
            }
            Content::Disconnect | Content::Ack => Ok(()),
            Content::Event { arguments, id } => {
                let Some(connected) = connected.as_ref().filter(|connected| is_of(connected)) else {
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
                    connected.client.answer(packet::acknowledged(connected.namespace(), id, &answer));
                }
                Ok(())
            }
        }
    }

    /// Handles an event of a client. The answer is sent when the client asked for one.
    async fn event(
        &self,
        connected: &Connected,
        name: &str,
        argument: Option<&RawValue>,
    ) -> Result<Value, Problem> {
        match &connected.party {
            Party::Agent(caller) => self.agent_event(connected, caller, name, argument).await,
            Party::Customer(customer) => self.customer_event(connected, customer, name, argument).await,
            Party::Service(caller) => self.service_event(connected, caller, name, argument).await,
        }
    }

    /// The namespace of this name, when the process serves it.
    fn namespace(&self, name: &str) -> Option<Namespace> {
        let namespace = Namespace::named(name)?;
        match namespace {
            Namespace::Agents | Namespace::Customers => Some(namespace),
            Namespace::Contract => self.contract.is_some().then_some(namespace),
        }
    }

    async fn connect(
        &self,
        session: &Arc<Session>,
        handshake: &HeaderMap,
        connected: &mut Option<Connected>,
        name: &str,
        auth: Option<&str>,
    ) -> Result<(), Close> {
        let Some(namespace) = self.namespace(name) else {
            let known =
                if name == ROOT { "Connect to the namespace `/agents`." } else { "Invalid namespace" };
            session.send(packet::refused(name, &json!({ "message": known })));
            return Ok(());
        };
        if let Some(connected) = connected {
            if connected.party.namespace() == namespace {
                return Err(closed(session, "it was let in already"));
            }
            let problem = Problem::unreadable(format!(
                "This connection is in the namespace `{}`: open another one, with `forceNew: true`.",
                connected.namespace()
            ));
            self.refuse(session, name, &problem);
            return Ok(());
        }
        match self.let_in(session, handshake, namespace, auth).await {
            Ok(now) => {
                session.attach(now.client.clone());
                *connected = Some(now);
            }
            Err(problem) => self.refuse(session, name, &problem),
        }
        Ok(())
    }

    /// The client is not let in to the namespace.
    fn refuse(&self, session: &Session, namespace: &str, problem: &Problem) {
        let error = json!({ "message": problem.detail(), "data": problem.document() });
        session.send(packet::refused(namespace, &error));
    }

    async fn identify(
        &self,
        namespace: Namespace,
        handshake: &HeaderMap,
        auth: &Auth,
    ) -> Result<Party, Problem> {
        let token = auth.token.as_deref();
        let required = || token.ok_or_else(|| Problem::unauthenticated("Send `auth: {token}`."));
        match namespace {
            Namespace::Agents => {
                let account = auth.account.as_deref();
                let caller = match token {
                    None if handshake.contains_key(header::COOKIE) => {
                        self.authenticator.identify_connection(handshake, account).await?
                    }
                    Some(_) | None => self.authenticator.identify_bearer(required()?, account).await?,
                };
                caller.must_have(&[Permission::EventsRead])?;
                self.must_be_in_account(&caller).await?;
                Ok(Party::Agent(caller))
            }
            Namespace::Customers => {
                let (session, until) = self.authenticator.identify_customer(required()?)?;
                Ok(Party::Customer(Customer { session, until }))
            }
            Namespace::Contract => {
                let contract = self.contract.as_ref().ok_or_else(Problem::internal)?;
                Ok(Party::Service(contract.identify(handshake, token, auth.tenant_id).await?))
            }
        }
    }

    /// An agent who was removed from the account gets nothing of it.
    async fn must_be_in_account(&self, caller: &Caller) -> Result<(), Problem> {
        let db = self.pushes.tables.db().map_err(|_| unavailable())?;
        let removed = agents::is_removed(db.readers(), caller.account, caller.user).await;
        match removed.map_err(|_| unavailable())? {
            true => Err(Problem::forbidden("The agent was removed from the account.")),
            false => Ok(()),
        }
    }

    async fn must_still_be_let_in(
        &self,
        caller: &Caller,
        credential: Option<&Credential>,
    ) -> Result<(), Problem> {
        match credential {
            Some(Credential::Session(headers))
                if !self.authenticator.still_admits(headers, caller.account).await =>
            {
                Err(Problem::unauthenticated("The session has ended: sign in again."))
            }
            Some(Credential::Token(token))
                if caller.api_key().is_some() && !self.authenticator.still_knows(token).await =>
            {
                Err(Problem::unauthenticated("The API key was revoked."))
            }
            Some(Credential::Session(_) | Credential::Token(_)) | None => {
                self.must_be_in_account(caller).await
            }
        }
    }

    async fn let_in(
        &self,
        session: &Arc<Session>,
        handshake: &HeaderMap,
        namespace: Namespace,
        auth: Option<&str>,
    ) -> Result<Connected, Problem> {
        let auth: Auth = serde_json::from_str(auth.unwrap_or("{}"))
            .map_err(|error| Problem::unreadable(format!("`auth` cannot be read: {error}")))?;
        let party = self.identify(namespace, handshake, &auth).await?;
        let place = match (&auth.pid, &auth.offset, &auth.after) {
            (Some(_), Some(offset), _) => Some(offset),
            (_, _, after) => after.as_ref(),
        };
        let place = place
            .map(|place| place.parse::<Place>())
            .transpose()
            .map_err(|_| Problem::unreadable("`after` must be the position of a push.").field("after"))?;
        let mut joined = Vec::new();
        for id in place.iter().flat_map(|place| &place.joined).take(MOST_JOINED) {
            // A conversation that was deleted since is left out.
            joined.extend(self.room(&party, *id).await?);
        }
        let after = place.map(|place| place.offset);
        let resumption = self.resumption(party.account(), after).await?;
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
        let rooms = [party.rooms(), joined.clone()].concat();
        let client = self.hub.join(session.clone(), namespace.name(), rooms, after, mode);
        let credential = credential(&party, auth.token, handshake);
        if let Party::Agent(caller) | Party::Service(caller) = &party
            && let Err(problem) = self.must_still_be_let_in(caller, credential.as_ref()).await
        {
            // The agent was removed, or the key revoked, after the first look, and perhaps before the hub knew the client.
            self.hub.remove(&client);
            return Err(problem);
        }
        if let Some((pushes, through)) = read {
            client.catch_up(pushes, through);
        }
        session.send(packet::connected(namespace.name(), &json!({ "sid": sid, "pid": pid })));
        let heartbeat = matches!(party, Party::Agent(_)).then(Instant::now);
        let credential = credential.map(|credential| (credential, Instant::now() + self.token_check));
        let connected = Connected { party, client, gap: 0, heartbeat, warned: false, credential };
        if let Party::Agent(caller) = &connected.party {
            for id in joined.into_iter().filter_map(Room::joined) {
                self.soft.views(Doer::of(caller, ConversationId(id)));
            }
        }
        if may_lack_summaries {
            self.send_summaries(&connected).await;
        }
        Ok(connected)
    }

    /// The Socket.IO room of a conversation.
    ///
    /// # Errors
    ///
    /// 404 when its party may not see the conversation.
    pub async fn conversation_room(
        &self,
        connected: &Connected,
        id: ConversationId,
    ) -> Result<Room, Problem> {
        let room = self.room(&connected.party, id.0).await?;
        room.ok_or_else(|| Problem::not_found("conversation"))
    }

    /// The Socket.IO room of this id. `None` when its party may not join it.
    pub async fn room(&self, party: &Party, id: Uuid) -> Result<Option<Room>, Problem> {
        let (account, conversation) = (party.account(), ConversationId(id));
        if let Party::Service(_) = party
            && id == account.0
        {
            return Ok(Some(Room::Tenant(account)));
        }
        let db = self.pushes.tables.db().map_err(|_| unavailable())?;
        let found = conversations::find(db.readers(), account, conversation, None).await;
        let found = found.map_err(|_| unavailable())?;
        Ok(found.and_then(|found| match party {
            Party::Agent(_) => Some(Room::Conversation(account, conversation)),
            Party::Customer(customer) => {
                let is_theirs = customer.may_see(&found.conversation);
                is_theirs.then_some(Room::CustomerConversation(account, conversation))
            }
            Party::Service(_) => Some(Room::TenantConversation(account, conversation)),
        }))
    }
}

/// The credential of a client of this party.
fn credential(party: &Party, token: Option<String>, handshake: &HeaderMap) -> Option<Credential> {
    match party {
        Party::Agent(caller) if caller.session().is_some() => {
            let mut headers = HeaderMap::new();
            for cookie in handshake.get_all(header::COOKIE) {
                headers.append(header::COOKIE, cookie.clone());
            }
            Some(Credential::Session(headers))
        }
        Party::Agent(_) | Party::Service(_) => {
            let in_header = || bearer(handshake).ok().flatten().map(str::to_owned);
            token.or_else(in_header).map(|token| Credential::Token(token.into_boxed_str()))
        }
        // The key of these tokens is the server's own.
        Party::Customer(_) => None,
    }
}

/// Leaves only the headers that say who a client is.
fn keep_credentials(handshake: &mut HeaderMap) {
    const KEPT: [&str; 10] = [
        "authorization",
        "x-tenant-id",
        "x-account-id",
        "x-user-id",
        "x-user-role",
        "x-user-name",
        "cookie",
        // Who sent the cookie.
        "host",
        "origin",
        "sec-fetch-site",
    ];
    let all = std::mem::take(handshake);
    for name in KEPT {
        for value in all.get_all(name) {
            handshake.append(name, value.clone());
        }
    }
}

pub fn unavailable() -> Problem {
    Problem::unavailable("The log or the tables cannot be read at the moment.", Duration::from_secs(1))
}

/// The session is ended.
struct Close;

fn closed(session: &Session, reason: &'static str) -> Close {
    session.end(reason);
    Close
}

impl Connected {
    fn namespace(&self) -> &'static str {
        self.party.namespace().name()
    }

    /// When the next thing is due that time brings. `None` when nothing is.
    fn next_due(&self) -> Option<Instant> {
        [self.heartbeat, self.next_of_token(), self.next_check()].into_iter().flatten().min()
    }

    fn next_check(&self) -> Option<Instant> {
        self.credential.as_ref().map(|(_, check)| *check)
    }

    /// When the client is warned of its token's end, and then when that is.
    fn next_of_token(&self) -> Option<Instant> {
        let end = Instant::from_std(self.party.until()?);
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
