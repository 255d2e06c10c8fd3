//! A client of pushes without a library: it sends whatever a test wants, and does not read until it is told to.

#![allow(dead_code, reason = "two test binaries use this file, each another part of it")]

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// The time limit for what should happen soon, on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The beginning of the packets of a push, and of those that a client sends.
const AGENTS: &str = "/agents,";

pub struct RawSocket {
    stream: WebSocketStream<TcpStream>,
    /// The packets that came while the client waited for another one.
    unread: VecDeque<String>,
    asked: u64,
    /// Why the server closed the connection.
    pub reason: String,
}

/// An event of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Pushed {
    pub name: String,
    pub object: Value,
    /// The offset, which is the last argument. `None` of an event that has none.
    pub place: Option<String>,
}

impl Pushed {
    fn read(packet: &str) -> Option<Self> {
        let packet = packet.strip_prefix("42")?.strip_prefix(AGENTS)?;
        let arguments: Vec<Value> = serde_json::from_str(packet).expect("an array");
        let place = arguments[1..].last().and_then(Value::as_str).map(str::to_owned);
        let name = arguments[0].as_str().expect("a name").to_owned();
        Some(Self { name, object: arguments.get(1).cloned().unwrap_or_default(), place })
    }

    /// The offset without the joined conversations.
    pub fn offset(&self) -> Option<&str> {
        self.place.as_deref().map(|place| place.split('~').next().unwrap_or_default())
    }
}

impl RawSocket {
    /// A WebSocket whose server said how to use it.
    pub async fn open(port: u16) -> Self {
        Self::over(TcpSocket::new_v4().expect("a socket"), port).await
    }

    /// A WebSocket whose system keeps few bytes for a client that does not read.
    pub async fn open_narrow(port: u16) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        Self::over(socket, port).await
    }

    async fn over(socket: TcpSocket, port: u16) -> Self {
        let stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await.expect("a connection");
        let url = format!("ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket");
        let (stream, _) = tokio_tungstenite::client_async(url, stream).await.expect("a WebSocket");
        let mut socket = Self { stream, unread: VecDeque::new(), asked: 0, reason: String::new() };
        let opened = socket.next().await.expect("how to use it");
        assert!(opened.starts_with("0{"), "{opened}");
        socket
    }

    /// Sends a message with this text as a packet of Engine.IO.
    pub async fn send(&mut self, packet: impl Into<String>) {
        self.send_message(Message::text(packet.into())).await;
    }

    /// The server may have closed the connection, which is seen when it is read.
    pub async fn send_message(&mut self, message: Message) {
        let _closed = self.stream.send(message).await;
    }

    /// Sends bytes that need not be a frame.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let _closed = self.stream.get_mut().write_all(bytes).await;
    }

    /// The next packet that is no ping. `None` when the connection is closed.
    pub async fn next(&mut self) -> Option<String> {
        match self.unread.pop_front() {
            Some(packet) => Some(packet),
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Option<String> {
        loop {
            let message = tokio::time::timeout(DEADLINE, self.stream.next()).await.expect("a packet in time");
            match message? {
                Ok(Message::Text(packet)) if &*packet == "2" => self.send("3").await,
                Ok(Message::Text(packet)) => return Some(packet.to_string()),
                Ok(Message::Close(frame)) => {
                    self.reason = frame.map(|frame| frame.reason.to_string()).unwrap_or_default();
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The next packet that begins with this text. The others are kept.
    async fn until_packet(&mut self, begin: &str) -> String {
        if let Some(index) = self.unread.iter().position(|packet| packet.starts_with(begin)) {
            return self.unread.remove(index).expect("it is there");
        }
        loop {
            let Some(packet) = self.receive().await else { panic!("closed: {}", self.reason) };
            if packet.starts_with(begin) {
                return packet;
            }
            self.unread.push_back(packet);
        }
    }

    /// Sends `auth`, and returns what the server answers to a client that it lets in.
    pub async fn connect(&mut self, auth: &Value) -> Value {
        self.send(format!("40{AGENTS}{auth}")).await;
        let connected = self.until_packet("40").await;
        serde_json::from_str(&connected["40/agents,".len()..]).expect("an object")
    }

    /// A client that was let in with this token.
    pub async fn connected(port: u16, token: &str) -> Self {
        let mut socket = Self::open(port).await;
        socket.connect(&json!({ "token": token })).await;
        socket
    }

    /// The next event. `None` when the connection is closed.
    pub async fn pushed(&mut self) -> Option<Pushed> {
        loop {
            if let Some(pushed) = Pushed::read(&self.next().await?) {
                return Some(pushed);
            }
        }
    }

    /// The next event that is expected, after others.
    pub async fn until_pushed(&mut self, is_expected: impl Fn(&Pushed) -> bool) -> Pushed {
        loop {
            let Some(pushed) = self.pushed().await else { panic!("closed: {}", self.reason) };
            if is_expected(&pushed) {
                return pushed;
            }
        }
    }

    /// Sends an event, and returns the answer.
    pub async fn ask(&mut self, name: &str, argument: Value) -> Value {
        self.asked += 1;
        let number = self.asked;
        self.send(format!("42{AGENTS}{number}{}", json!([name, argument]))).await;
        let begin = format!("43{AGENTS}{number}[");
        let answer = self.until_packet(&begin).await;
        let mut answer: Vec<Value> = serde_json::from_str(&answer[begin.len() - 1..]).expect("an array");
        answer.remove(0)
    }

    /// Reads until the connection is closed. Returns the reason, and the packets that came before.
    pub async fn closed(mut self) -> (String, Vec<String>) {
        let mut packets = Vec::new();
        while let Some(packet) = self.next().await {
            packets.push(packet);
        }
        (self.reason, packets)
    }
}
