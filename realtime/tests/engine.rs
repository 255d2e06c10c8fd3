//! Engine.IO 4 as its specification says (`docs/engine.io-protocol/v4-current.md` of socketio/socket.io), over real
//! connections to a server that sends each message back.

#![allow(clippy::unwrap_used)] // helper functions of tests, which Clippy does not know as tests

use event_schemas::Clock;
use futures::{SinkExt, StreamExt};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use realtime::engine::{Engine, Timing, router};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The limits of the test server, where they are not those of the program.
const LARGEST: usize = 100_000;
const MOST_SESSIONS: usize = 20;
/// A heartbeat that no test waits for.
const CALM: Timing =
    Timing { ping_interval: Duration::from_secs(600), ping_timeout: Duration::from_secs(600) };
const QUICK: Timing =
    Timing { ping_interval: Duration::from_millis(50), ping_timeout: Duration::from_secs(30) };
const IMPATIENT: Timing =
    Timing { ping_interval: Duration::from_millis(50), ping_timeout: Duration::from_millis(50) };

struct Server {
    address: SocketAddr,
    client: Client,
    engine: Arc<Engine>,
}

impl Server {
    async fn start(timing: Timing) -> Self {
        let engine = Arc::new(Engine {
            timing,
            largest_payload: LARGEST,
            most_sessions: MOST_SESSIONS,
            clock: Clock::System,
            stop: CancellationToken::new(),
            allows_origin: Box::new(|headers| {
                headers.get("origin").is_none_or(|origin| origin == "https://desk")
            }),
            serve: Box::new(|session, _headers, stop| {
                Box::pin(async move {
                    while let Some(message) = stop.run_until_cancelled(session.next_message()).await {
                        session.send(format!("4{message}"));
                    }
                    session.end("its task has ended");
                })
            }),
            clients: TaskTracker::new(),
            sockets: TaskTracker::new(),
            sessions: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = router(engine.clone(), "/socket.io/");
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        // Another test of this process may have installed it.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        Self { address, client: Client::new(), engine }
    }

    async fn request(&self, method: Method, query: &str, body: impl Into<reqwest::Body>) -> Response {
        let url = format!("http://{}/socket.io/?{query}", self.address);
        self.client.request(method, url).body(body).send().await.unwrap()
    }

    async fn handshake(&self) -> Value {
        let opened = self.request(Method::GET, "EIO=4&transport=polling", "").await;
        assert_eq!(opened.status(), StatusCode::OK);
        let text = opened.text().await.unwrap();
        serde_json::from_str(text.strip_prefix('0').unwrap()).unwrap()
    }

    async fn open(&self) -> Polling<'_> {
        let sid = self.handshake().await["sid"].as_str().unwrap().to_owned();
        Polling { server: self, sid }
    }

    async fn web_socket(&self, query: &str) -> Result<WebSocketStream<TcpStream>, String> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket{query}", self.address);
        tokio_tungstenite::client_async(url, stream)
            .await
            .map(|(socket, _)| socket)
            .map_err(|error| error.to_string())
    }

    /// Waits until this many sessions are left.
    async fn until_sessions(&self, number: usize) {
        for _ in 0..2_000 {
            if self.engine.sessions.lock().unwrap().len() == number {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} sessions are left, and not {number}", self.engine.sessions.lock().unwrap().len());
    }
}

/// A client over HTTP long-polling.
struct Polling<'s> {
    server: &'s Server,
    sid: String,
}

impl Polling<'_> {
    fn query(&self) -> String {
        format!("EIO=4&transport=polling&sid={}", self.sid)
    }

    async fn get(&self) -> (StatusCode, String) {
        let answer = self.server.request(Method::GET, &self.query(), "").await;
        (answer.status(), answer.text().await.unwrap())
    }

    async fn post(&self, body: impl Into<reqwest::Body>) -> (StatusCode, String) {
        let answer = self.server.request(Method::POST, &self.query(), body).await;
        (answer.status(), answer.text().await.unwrap())
    }

    async fn assert_gone(&self) {
        let (status, text) = self.get().await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(text.contains("Session ID unknown"), "{text}");
    }
}

fn ok(text: &str) -> (StatusCode, String) {
    (StatusCode::OK, text.to_owned())
}

async fn text(socket: &mut WebSocketStream<TcpStream>) -> String {
    socket.next().await.unwrap().unwrap().into_text().unwrap().to_string()
}

/// Reads until the server closes the connection, and returns its reason.
async fn closed(socket: &mut WebSocketStream<TcpStream>) -> String {
    let mut reason = String::new();
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(Some(frame)) = message {
            reason = frame.reason.to_string();
        }
    }
    reason
}

#[tokio::test]
async fn a_session_opens_over_each_transport() {
    let server = Server::start(Timing::default()).await;
    let opened = server.handshake().await;
    assert_eq!(opened["upgrades"], serde_json::json!(["websocket"]));
    assert_eq!((&opened["pingInterval"], &opened["pingTimeout"]), (&25_000.into(), &20_000.into()));
    assert_eq!(opened["maxPayload"], LARGEST);
    let mut socket = server.web_socket("").await.unwrap();
    let opened: Value = serde_json::from_str(text(&mut socket).await.strip_prefix('0').unwrap()).unwrap();
    assert_eq!(opened["upgrades"], serde_json::json!([]));
}

#[tokio::test]
async fn wrong_requests_are_refused_with_the_protocols_codes() {
    let server = Server::start(CALM).await;
    for (method, query, code) in [
        (Method::GET, "transport=polling", 5),
        (Method::GET, "EIO=3&transport=polling", 5),
        (Method::GET, "EIO=4", 0),
        (Method::GET, "EIO=4&transport=abc", 0),
        (Method::POST, "EIO=4&transport=polling", 2),
        (Method::PUT, "EIO=4&transport=polling", 2),
        (Method::GET, "EIO=4&transport=websocket", 2),
        (Method::GET, "EIO=4&transport=polling&sid=abc", 1),
    ] {
        let answer = server.request(method, query, "").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], code, "{query}");
    }
    let session = server.open().await;
    for method in [Method::PUT, Method::DELETE, Method::HEAD] {
        let answer = server.request(method, &session.query(), "").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    assert!(server.web_socket("&sid=abc").await.is_err());
    for query in ["EIO=3&transport=websocket", "transport=websocket", "EIO=4", "EIO=4&transport=abc"] {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let url = format!("ws://{}/socket.io/?{query}", server.address);
        assert!(tokio_tungstenite::client_async(url, stream).await.is_err(), "{query}");
    }
    // The refusals left no session, and what the session had is as it was.
    server.until_sessions(1).await;
    assert_eq!(session.post("4hello").await, ok("ok"));
    assert_eq!(session.get().await, ok("4hello"));
}

#[tokio::test]
async fn answers_to_polling_are_text_that_no_cache_keeps() {
    let server = Server::start(CALM).await;
    let session = server.open().await;
    let opened = server.request(Method::GET, "EIO=4&transport=polling", "").await;
    let posted = server.request(Method::POST, &session.query(), "4hello").await;
    let polled = server.request(Method::GET, &session.query(), "").await;
    for answer in [opened, posted, polled] {
        assert_eq!(answer.headers()["content-type"], "text/plain; charset=UTF-8");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_opens_nothing() {
    let server = Server::start(CALM).await;
    let url = format!("http://{}/socket.io/?EIO=4&transport=polling", server.address);
    for (origin, status) in [("https://evil", StatusCode::FORBIDDEN), ("https://desk", StatusCode::OK)] {
        let answer = server.client.get(&url).header("origin", origin).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn messages_go_both_ways_and_keep_their_order() {
    let server = Server::start(CALM).await;
    let session = server.open().await;
    assert_eq!(session.post("4one\u{1e}4two\u{1e}4three").await, ok("ok"));
    let mut got = Vec::new();
    while got.len() < 3 {
        got.extend(session.get().await.1.split('\u{1e}').map(str::to_owned));
    }
    assert_eq!(got, ["4one", "4two", "4three"]);
    let mut socket = server.web_socket("").await.unwrap();
    text(&mut socket).await;
    for number in 0..200 {
        socket.feed(Message::text(format!("4{number}"))).await.unwrap();
    }
    socket.flush().await.unwrap();
    for number in 0..200 {
        assert_eq!(text(&mut socket).await, format!("4{number}"));
    }
}

#[tokio::test]
async fn a_client_that_answers_pings_stays_and_one_that_does_not_is_closed() {
    let server = Server::start(QUICK).await;
    let session = server.open().await;
    let mut socket = server.web_socket("").await.unwrap();
    text(&mut socket).await;
    // A client gives up when it gets no ping within interval and time-out.
    let pinged = tokio::time::timeout(QUICK.ping_timeout, async {
        for _ in 0..3 {
            assert_eq!(session.get().await, ok("2"));
            assert_eq!(session.post("3").await, ok("ok"));
            assert_eq!(text(&mut socket).await, "2");
            socket.send(Message::text("3")).await.unwrap();
        }
    });
    pinged.await.unwrap();
    let server = Server::start(IMPATIENT).await;
    let session = server.open().await;
    let mut socket = server.web_socket("").await.unwrap();
    assert_eq!(closed(&mut socket).await, "the client did not answer a ping");
    server.until_sessions(0).await;
    session.assert_gone().await;
}

#[tokio::test]
async fn a_pong_that_no_ping_asked_for_counts_for_none() {
    let server = Server::start(IMPATIENT).await;
    let mut socket = server.web_socket("").await.unwrap();
    for _ in 0..100 {
        socket.feed(Message::text("3")).await.unwrap();
    }
    socket.flush().await.unwrap();
    assert_eq!(closed(&mut socket).await, "the client did not answer a ping");
}

#[tokio::test]
async fn a_client_that_leaves_gets_its_waiting_request_answered() {
    let server = Server::start(CALM).await;
    let session = server.open().await;
    let (waiting, left) = tokio::join!(session.get(), session.post("1"));
    assert_eq!((waiting, left), (ok("6"), ok("ok")));
    session.assert_gone().await;
    let mut socket = server.web_socket("").await.unwrap();
    socket.send(Message::text("1")).await.unwrap();
    assert_eq!(closed(&mut socket).await, "the client left");
}

#[tokio::test]
async fn two_waiting_requests_and_a_cancelled_one_end_the_session() {
    let server = Server::start(CALM).await;
    let session = server.open().await;
    let (one, other) = tokio::join!(session.get(), session.get());
    let answers = [&one, &other];
    assert!(answers.contains(&&ok("1")), "{answers:?}");
    assert!(answers.iter().any(|(status, _)| *status == StatusCode::BAD_REQUEST), "{answers:?}");
    session.assert_gone().await;

    let session = server.open().await;
    let mut waiting = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET /socket.io/?{} HTTP/1.1\r\nHost: desk\r\n\r\n", session.query());
    waiting.write_all(request.as_bytes()).await.unwrap();
    drop(waiting);
    server.until_sessions(0).await;
}

/// The beginning of a request with packets, whose rest does not come.
async fn half_a_post(session: &Polling<'_>) -> TcpStream {
    let mut half = TcpStream::connect(session.server.address).await.unwrap();
    let query = session.query();
    let request = format!("POST /socket.io/?{query} HTTP/1.1\r\nHost: desk\r\nContent-Length: 9\r\n\r\n4he");
    half.write_all(request.as_bytes()).await.unwrap();
    half
}

#[tokio::test]
async fn two_requests_with_packets_at_once_end_the_session() {
    let server = Server::start(CALM).await;
    let session = server.open().await;
    let _half = half_a_post(&session).await;
    // The first has begun when the second is refused.
    while session.post("4x").await.0 == StatusCode::OK {}
    session.assert_gone().await;
}

#[tokio::test]
async fn a_request_that_never_ends_is_refused_and_ends_the_session() {
    let server = Server::start(IMPATIENT).await;
    let session = server.open().await;
    let mut half = half_a_post(&session).await;
    let mut answer = [0; 12];
    half.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
    session.assert_gone().await;
}

#[tokio::test]
async fn a_client_goes_on_over_a_web_socket() {
    let server = Server::start(CALM).await;
    let session = server.open().await;
    let waiting = session.get();
    let upgrade = async {
        let mut socket = server.web_socket(&format!("&sid={}", session.sid)).await.unwrap();
        socket.send(Message::text("2probe")).await.unwrap();
        assert_eq!(text(&mut socket).await, "3probe");
        socket
    };
    let (waited, mut socket) = tokio::join!(waiting, upgrade);
    assert_eq!(waited, ok("6"));
    // What comes over the old transport is not lost.
    assert_eq!(session.post("4before").await, ok("ok"));
    socket.send(Message::text("5")).await.unwrap();
    socket.send(Message::text("4after")).await.unwrap();
    assert_eq!(text(&mut socket).await, "4before");
    assert_eq!(text(&mut socket).await, "4after");

    // Neither a late request nor a second WebSocket ends the session.
    assert_eq!(session.get().await.0, StatusCode::BAD_REQUEST);
    let mut second = server.web_socket(&format!("&sid={}", session.sid)).await.unwrap();
    assert_eq!(closed(&mut second).await, "the session has a WebSocket");
    socket.send(Message::text("4still here")).await.unwrap();
    assert_eq!(text(&mut socket).await, "4still here");
}

#[tokio::test]
async fn a_web_socket_that_does_not_probe_leaves_the_session_as_it_was() {
    let server = Server::start(CALM).await;
    let session = server.open().await;
    let mut socket = server.web_socket(&format!("&sid={}", session.sid)).await.unwrap();
    socket.send(Message::text("4no probe")).await.unwrap();
    assert_eq!(closed(&mut socket).await, "the upgrade was not finished");
    assert_eq!(session.post("4hello").await, ok("ok"));
    assert_eq!(session.get().await, ok("4hello"));
    for wrong in [Message::text("2"), Message::text("2probes"), Message::text("x"), Message::binary(vec![2])]
    {
        let mut socket = server.web_socket(&format!("&sid={}", session.sid)).await.unwrap();
        socket.send(wrong).await.unwrap();
        assert_eq!(closed(&mut socket).await, "the upgrade was not finished");
    }
    // The connection is lost between the probe and the upgrade.
    let mut socket = server.web_socket(&format!("&sid={}", session.sid)).await.unwrap();
    socket.send(Message::text("2probe")).await.unwrap();
    assert_eq!(text(&mut socket).await, "3probe");
    drop(socket);
    let mut again = loop {
        let mut socket = server.web_socket(&format!("&sid={}", session.sid)).await.unwrap();
        socket.send(Message::text("2probe")).await.unwrap();
        // The server may not know yet that the first one is lost.
        if let Some(Ok(Message::Text(answer))) = socket.next().await {
            assert_eq!(&*answer, "3probe");
            break socket;
        }
    };
    again.send(Message::text("5")).await.unwrap();
    again.send(Message::text("4hello")).await.unwrap();
    assert_eq!(text(&mut again).await, "4hello");
}

#[tokio::test]
async fn a_session_over_a_web_socket_takes_no_other_requests() {
    let server = Server::start(CALM).await;
    let mut socket = server.web_socket("").await.unwrap();
    let opened: Value = serde_json::from_str(text(&mut socket).await.strip_prefix('0').unwrap()).unwrap();
    let session = Polling { server: &server, sid: opened["sid"].as_str().unwrap().to_owned() };
    assert_eq!(session.get().await.0, StatusCode::BAD_REQUEST);
    assert_eq!(session.post("4x").await.0, StatusCode::BAD_REQUEST);
    let mut second = server.web_socket(&format!("&sid={}", session.sid)).await.unwrap();
    assert_eq!(closed(&mut second).await, "the session has a WebSocket");
    socket.send(Message::text("4hello")).await.unwrap();
    assert_eq!(text(&mut socket).await, "4hello");
}

#[test]
fn any_request_is_taken_or_refused_and_others_go_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(CALM));
    let bystander = runtime.block_on(server.open());
    let part = prop_oneof![
        4 => "[1-6b]?[a-z\u{1e}]{0,6}".prop_map(String::into_bytes),
        1 => any::<Vec<u8>>(),
        1 => Just(vec![0x1e]),
    ];
    let body = prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat());
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let all = TestRunner::new(config).run(&body, |body| {
        runtime.block_on(async {
            let session = server.open().await;
            let (status, text) = session.post(body).await;
            assert!(status == StatusCode::OK || status == StatusCode::BAD_REQUEST, "{status} {text}");
            // The session may be over already.
            session.post("1").await;
            server.until_sessions(1).await;
            assert_eq!(bystander.post("4hello").await, ok("ok"));
            assert_eq!(bystander.get().await, ok("4hello"));
        });
        Ok(())
    });
    all.unwrap();
}

#[tokio::test]
async fn garbage_ends_its_own_session_and_no_other() {
    let server = Server::start(CALM).await;
    let bystander = server.open().await;
    let many = "6\u{1e}".repeat(300);
    for body in ["abc", "", "4hello\u{1e}", "bAQIDBA==", "0{}", many.as_str()] {
        let session = server.open().await;
        assert_eq!(session.post(body.to_owned()).await.0, StatusCode::BAD_REQUEST, "{body:.20}");
        session.assert_gone().await;
    }
    let session = server.open().await;
    assert_eq!(session.post(vec![b'4', 0xff, 0xfe]).await.0, StatusCode::BAD_REQUEST);
    session.assert_gone().await;
    let session = server.open().await;
    assert!(session.post("4".repeat(LARGEST + 1)).await.0.is_client_error());
    session.assert_gone().await;

    for (message, reason) in [
        (Message::text("abc"), "a packet was malformed"),
        (Message::text("٤"), "a packet was malformed"),
        (Message::text("5"), "a packet that fits no transport"),
        (Message::binary(vec![1, 2, 3]), "binary messages are not accepted: send JSON"),
    ] {
        let mut socket = server.web_socket("").await.unwrap();
        socket.send(message).await.unwrap();
        assert_eq!(closed(&mut socket).await, reason);
    }
    let mut socket = server.web_socket("").await.unwrap();
    // The server may close the connection before it has read all of it.
    let _sent = socket.send(Message::text("4".repeat(LARGEST + 1))).await;
    closed(&mut socket).await;
    server.until_sessions(1).await;
    assert_eq!(bystander.post("4hello").await, ok("ok"));
    assert_eq!(bystander.get().await, ok("4hello"));
}

#[tokio::test]
async fn half_a_frame_and_a_lost_connection_end_the_session() {
    let server = Server::start(CALM).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: desk\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 101");
    server.until_sessions(1).await;
    // A masked text frame of 100 bytes, of which 3 come.
    stream.write_all(&[0x81, 0x80 | 100, 1, 2, 3, 4, b'4', b'h', b'e']).await.unwrap();
    drop(stream);
    server.until_sessions(0).await;
}

#[tokio::test]
async fn there_are_no_more_sessions_than_allowed_and_none_after_the_end() {
    let server = Server::start(CALM).await;
    let mut socket = server.web_socket("").await.unwrap();
    text(&mut socket).await;
    for _ in 1..MOST_SESSIONS {
        server.open().await;
    }
    let refused = server.request(Method::GET, "EIO=4&transport=polling", "").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    server.engine.stop.cancel();
    closed(&mut socket).await;
    server.engine.closed().await;
    server.until_sessions(0).await;
    let refused = server.request(Method::GET, "EIO=4&transport=polling", "").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
}
