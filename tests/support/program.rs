//! Verbatim as a child process with its own port and data folder, and clients for its API.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Once;
use std::time::{Duration, Instant};
use test_engines::Postgres;
use test_kurrentdb::Server as KurrentDb;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

pub const SECRET: &str = "a-secret-that-only-the-tests-of-this-program-know";
pub const PHONE_NUMBER_ID: &str = "106540352242922";
pub const APP_SECRET: &str = "the-app-secret-of-the-test-channel";
pub const VERIFY_TOKEN: &str = "the-verify-token";

/// The time limit for anything that should happen soon, on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub fn http() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().ok();
    });
    Client::builder().timeout(Duration::from_secs(60)).build().expect("an HTTP client")
}

pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_verbatim")
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

pub fn fresh_id() -> String {
    event_schemas::Clock::System.fresh_id().to_string()
}

/// The engines that the flow tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The log and the tables in the data folder.
    Sqlite,
    /// The log and the tables in one database.
    Postgres,
    /// The log in KurrentDB, the tables in the data folder. The program must be built with the feature
    /// `kurrentdb`.
    KurrentDb,
}

/// The engine that `VERBATIM_TEST_ENGINE` names, or SQLite.
pub fn engine() -> Engine {
    match std::env::var("VERBATIM_TEST_ENGINE").as_deref() {
        Ok("postgres") => Engine::Postgres,
        Ok("kurrentdb") => Engine::KurrentDb,
        Ok("sqlite" | "") | Err(_) => Engine::Sqlite,
        Ok(other) => panic!("VERBATIM_TEST_ENGINE must be sqlite, postgres or kurrentdb, and is {other}"),
    }
}

/// Records that a test did not run, and the reason. `scripts/test` lists them at the end.
pub fn not_run(why: &str) {
    eprintln!("NOT RUN: {why}");
    if let Some(path) = std::env::var_os("VERBATIM_TEST_NOT_RUN") {
        let file = std::fs::File::options().create(true).append(true).open(path);
        file.and_then(|mut file| writeln!(file, "{why}")).expect("the list of tests that did not run");
    }
}

/// The environment variables that name the engines of this data folder. The same folder always gets the same
/// databases.
pub async fn engine_variables(data: &Path) -> Vec<(&'static str, String)> {
    static URLS: Mutex<BTreeMap<PathBuf, String>> = Mutex::const_new(BTreeMap::new());
    let mut urls = URLS.lock().await;
    if !urls.contains_key(data) {
        let url = match engine() {
            Engine::Sqlite => return Vec::new(),
            Engine::Postgres => Postgres::shared().await.database().await,
            Engine::KurrentDb => kurrentdb().await,
        };
        urls.insert(data.to_owned(), url);
    }
    let log = ("VERBATIM_EVENT_STORE", urls[data].clone());
    match engine() {
        Engine::Postgres => vec![("VERBATIM_READ_MODEL", urls[data].clone()), log],
        Engine::Sqlite | Engine::KurrentDb => vec![log],
    }
}

/// The URL of a new log on the server that `VERBATIM_TEST_KURRENTDB` names, or on a test server in this
/// process.
async fn kurrentdb() -> String {
    if let Ok(url) = std::env::var("VERBATIM_TEST_KURRENTDB") {
        let separator = if url.contains('?') { '&' } else { '?' };
        return format!("{url}{separator}log={}", fresh_id());
    }
    // The server consists of tasks of the calling test, and ends with them.
    let server: &'static KurrentDb = Box::leak(Box::new(KurrentDb::start().await.expect("a server")));
    server.url()
}

/// The running program. It is killed when this is dropped.
pub struct Program {
    child: Child,
    pub base: String,
    pub port: u16,
    pub data: PathBuf,
    arguments: Vec<String>,
    engines: Vec<(&'static str, String)>,
    client: Client,
}

impl Program {
    /// Starts `verbatim serve` on this folder and waits until it is ready.
    pub async fn serve(data: &Path) -> Self {
        Self::start("serve", data, &[]).await
    }

    pub async fn serve_with(data: &Path, arguments: &[&str]) -> Self {
        Self::start("serve", data, arguments).await
    }

    pub async fn start(command: &str, data: &Path, arguments: &[&str]) -> Self {
        let program = Self::spawn(command, data, arguments).await;
        program.until_ready().await;
        program
    }

    /// Starts the program without waiting until it is ready.
    pub async fn spawn(command: &str, data: &Path, arguments: &[&str]) -> Self {
        let engines = engine_variables(data).await;
        Self::spawn_on(engines, command, data, arguments)
    }

    pub fn spawn_on(
        engines: Vec<(&'static str, String)>,
        command: &str,
        data: &Path,
        arguments: &[&str],
    ) -> Self {
        let port = free_port();
        let mut all = vec![command.to_owned()];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let child = spawn_process(&all, &engines, data, port);
        Self {
            child,
            base: format!("http://127.0.0.1:{port}"),
            port,
            data: data.to_owned(),
            arguments: all,
            engines,
            client: http(),
        }
    }

    pub async fn until_ready(&self) {
        let started = Instant::now();
        while !self.is_ready().await {
            if started.elapsed() >= DEADLINE * 3 {
                panic!("the program is not ready: {}; its log:\n{}", self.health().await, self.log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills the program with SIGKILL.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the program is killed");
    }

    /// Starts the program again on the same folder and port, and waits until it is ready.
    pub async fn restart(&mut self) {
        self.respawn();
        self.until_ready().await;
    }

    /// Starts the program again on the same folder and port without waiting until it is ready.
    pub fn respawn(&mut self) {
        self.child = spawn_process(&self.arguments, &self.engines, &self.data, self.port);
    }

    /// Whether the process has exited.
    pub fn has_exited(&mut self) -> bool {
        self.child.try_wait().expect("a status").is_some()
    }

    pub async fn is_ready(&self) -> bool {
        // An answer that is lost with a killed process must not use up the whole deadline.
        let answer = self.get("/readyz").timeout(Duration::from_secs(10)).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// The answer of `/readyz`, or the reason why there is none.
    async fn health(&self) -> String {
        match self.get("/readyz").send().await {
            Ok(answer) => answer.text().await.unwrap_or_else(|error| error.to_string()),
            Err(error) => error.to_string(),
        }
    }

    /// The status of `/readyz`, and its checks.
    pub async fn checks(&self) -> (StatusCode, Value) {
        let (status, health) = read(self.get("/readyz").send().await.expect("an answer")).await;
        (status, health["checks"].clone())
    }

    /// Sends SIGTERM and waits until the process exits.
    pub async fn stop(&mut self) -> std::process::ExitStatus {
        let id = self.child.id().expect("a running program");
        let sent = Command::new("kill").args(["-TERM", &id.to_string()]).status().await.expect("kill runs");
        assert!(sent.success());
        tokio::time::timeout(DEADLINE, self.child.wait()).await.expect("an exit in time").expect("a status")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(log_path(&self.data, self.port)).unwrap_or_default()
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base))
    }

    /// A new account with an administrator.
    /// Waits until `/metrics` has this line.
    pub async fn until_metric(&self, line: &str) {
        let began = Instant::now();
        loop {
            let shown = self.get("/metrics").send().await.expect("an answer").text().await.expect("a text");
            if shown.lines().any(|shown| shown == line) {
                return;
            }
            assert!(began.elapsed() < DEADLINE, "{line}: never, only {shown}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn account(&self) -> Account<'_> {
        Account::new(self, &fresh_id())
    }
}

fn log_path(data: &Path, port: u16) -> PathBuf {
    data.with_extension(format!("{port}.log"))
}

fn spawn_process(arguments: &[String], engines: &[(&str, String)], data: &Path, port: u16) -> Child {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(log_path(data, port))
        .expect("a log file beside the data folder");
    Command::new(binary())
        .args(arguments)
        .arg("--data")
        .arg(data)
        .arg("--listen")
        .arg(format!("127.0.0.1:{port}"))
        .env("VERBATIM_JWT_SECRET", SECRET)
        .env("VERBATIM_RATE_LIMIT", "0")
        .env("VERBATIM_ALLOWED_ADDRESSES", "127.0.0.1")
        .envs(engines.iter().map(|(name, url)| (*name, url)))
        .env("VERBATIM_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts")
}

/// Runs the program until it exits. Returns whether it succeeded, and its output.
pub async fn run(data: &Path, arguments: &[&str]) -> (bool, String) {
    run_on(&engine_variables(data).await, data, arguments).await
}

pub async fn run_on(engines: &[(&'static str, String)], data: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(binary())
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env("VERBATIM_JWT_SECRET", SECRET)
        .envs(engines.iter().map(|(name, url)| (*name, url)))
        .output()
        .await
        .expect("the program runs");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

pub fn token(account: &str, user: &str, role: &str, name: &str) -> String {
    token_for(Duration::from_secs(3600), account, user, role, name)
}

/// A token that ends after this time.
pub fn token_for(lifetime: Duration, account: &str, user: &str, role: &str, name: &str) -> String {
    let claims = gate::Claims::of(
        user.parse().expect("a user id"),
        account.parse().expect("an account id"),
        role.parse().expect("a role"),
    )
    .named(name);
    let now = event_schemas::Clock::System.now();
    gate::issue_token(SECRET, claims, now, lifetime).expect("a token")
}

/// A user with a token.
#[derive(Clone)]
pub struct Person {
    pub user: String,
    pub token: String,
    base: String,
    client: Client,
}

impl Person {
    /// The same user as a client of another process.
    pub fn at(&self, program: &Program) -> Self {
        Self { base: program.base.clone(), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.request(method, path).json(&body).send().await.expect("an answer")).await
    }

    /// Sends a request, and fails the test if it is refused.
    pub async fn send_ok(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.send(method.clone(), path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.send_ok(Method::POST, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.send_ok(Method::PATCH, path, body).await
    }

    pub async fn try_get(&self, path: &str) -> (StatusCode, Value) {
        read(self.request(Method::GET, path).send().await.expect("an answer")).await
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.try_get(path).await;
        assert!(status.is_success(), "GET {path}: {status} {answer}");
        answer
    }

    /// Repeats the request until `is_expected` accepts the response.
    pub async fn get_until(&self, path: &str, is_expected: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let (status, answer) = self.try_get(path).await;
            if status.is_success() && is_expected(&answer) {
                return answer;
            }
            assert!(
                started.elapsed() < DEADLINE,
                "GET {path} never returned the expected response: {status} {answer:#}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// An account, with clients for one process.
pub struct Account<'p> {
    program: &'p Program,
    pub id: String,
    pub admin: Person,
}

impl<'p> Account<'p> {
    pub fn new(program: &'p Program, id: &str) -> Self {
        let mut account = Self {
            program,
            id: id.to_owned(),
            admin: Person {
                user: String::new(),
                token: String::new(),
                base: program.base.clone(),
                client: program.client.clone(),
            },
        };
        account.admin = account.person("administrator", "Ada");
        account
    }

    pub fn person(&self, role: &str, name: &str) -> Person {
        self.person_of(&fresh_id(), role, name)
    }

    /// A user who may have a role in other accounts too.
    pub fn person_of(&self, user: &str, role: &str, name: &str) -> Person {
        Person { token: token(&self.id, user, role, name), user: user.to_owned(), ..self.admin.clone() }
    }

    /// Creates a WhatsApp channel whose provider is at `base_url`.
    pub async fn whatsapp(&self, base_url: &str) -> WhatsApp {
        let channel = self
            .admin
            .post(
                "/v1/channels",
                json!({
                    "channel_type": "whatsapp",
                    "name": format!("WhatsApp {}", fresh_id()),
                    "credentials": {
                        "phone_number_id": PHONE_NUMBER_ID,
                        "access_token": "an-access-token",
                        "app_secret": APP_SECRET,
                        "verify_token": VERIFY_TOKEN,
                    },
                    "base_url": base_url,
                }),
            )
            .await;
        WhatsApp {
            id: channel["id"].as_str().expect("an id").to_owned(),
            base: self.program.base.clone(),
            client: self.program.client.clone(),
        }
    }
}

/// The provider's side of a channel: the webhooks that WhatsApp sends.
#[derive(Clone)]
pub struct WhatsApp {
    pub id: String,
    base: String,
    client: Client,
}

pub fn signature(body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes()).expect("HMAC accepts a key of any length");
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

pub fn text_message(from: &str, id: &str, text: &str) -> Value {
    let now = event_schemas::Clock::System.now().as_micros() / 1_000_000;
    json!({ "from": from, "id": id, "timestamp": now.to_string(), "type": "text", "text": { "body": text } })
}

pub fn status(id: &str, status: &str, recipient: &str, callback_data: Option<&str>) -> Value {
    let mut status = json!({
        "id": id,
        "status": status,
        "timestamp": "1795222801",
        "recipient_id": recipient,
    });
    if let Some(data) = callback_data {
        status["biz_opaque_callback_data"] = json!(data);
    }
    status
}

/// A webhook with these messages and statuses in one change.
pub fn webhook(messages: &[Value], statuses: &[Value]) -> Value {
    let contacts: Vec<_> = messages
        .iter()
        .map(|message| json!({ "wa_id": message["from"], "profile": { "name": format!("Customer {}", message["from"].as_str().unwrap_or("?")) } }))
        .collect();
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID },
    });
    if !messages.is_empty() {
        value["contacts"] = json!(contacts);
        value["messages"] = json!(messages);
    }
    if !statuses.is_empty() {
        value["statuses"] = json!(statuses);
    }
    json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "102290129340398", "changes": [{ "field": "messages", "value": value }] }],
    })
}

impl WhatsApp {
    pub fn path(&self) -> String {
        format!("/v1/webhooks/whatsapp/{}", self.id)
    }

    /// The same channel at another process.
    pub fn at(&self, program: &Program) -> Self {
        Self { base: program.base.clone(), ..self.clone() }
    }

    /// Posts a body with this signature.
    pub async fn post_signed(&self, body: &[u8], signature: &str) -> reqwest::Result<Response> {
        self.signed(body, signature).send().await
    }

    fn signed(&self, body: &[u8], signature: &str) -> RequestBuilder {
        self.client
            .post(format!("{}{}", self.base, self.path()))
            .header("Content-Type", "application/json")
            .header("X-Hub-Signature-256", signature)
            .body(body.to_vec())
    }

    /// A signed webhook request.
    pub fn delivery(&self, body: &Value) -> RequestBuilder {
        let body = body.to_string();
        self.signed(body.as_bytes(), &signature(body.as_bytes()))
    }

    pub async fn post(&self, body: &Value) -> reqwest::Result<Response> {
        let body = body.to_string();
        self.post_signed(body.as_bytes(), &signature(body.as_bytes())).await
    }

    /// Sends a signed webhook, and fails the test if it is refused.
    pub async fn post_ok(&self, body: &Value) {
        let answer = self.post(body).await.expect("an answer");
        let (status, text) = read(answer).await;
        assert_eq!(status, StatusCode::OK, "{text}");
    }

    /// Sends the webhook of one text message from a customer.
    pub async fn customer_writes(&self, from: &str, id: &str, text: &str) {
        self.post_ok(&webhook(&[text_message(from, id, text)], &[])).await;
    }
}

/// The id of the only conversation of a contact, once it is in the inbox.
pub async fn conversation_of(person: &Person, phone: &str) -> String {
    let found = person
        .get_until(&format!("/v1/contact-identifiers?identifier={phone}"), |answer| {
            answer["data"].as_array().is_some_and(|rows| !rows.is_empty())
        })
        .await;
    let contact = found["data"][0]["contact_id"].as_str().expect("a contact").to_owned();
    let inbox = person
        .get_until(&format!("/v1/conversations?contact_id={contact}"), |answer| {
            answer["data"].as_array().is_some_and(|rows| !rows.is_empty())
        })
        .await;
    inbox["data"][0]["id"].as_str().expect("an id").to_owned()
}

/// Whether an outgoing message on this page of messages has this delivery state.
pub fn has_delivery_state(messages: &Value, state: &str) -> bool {
    messages["data"].as_array().is_some_and(|rows| rows.iter().any(|row| row["delivery"]["state"] == state))
}
