//! `verbatim serve`, or a part of it, as a process of its own, used over HTTP and observed through /proc.

use super::engines::Engines;
use super::process;
use super::seed::Desk;
use crate::token;
use anyhow::{Context, bail, ensure};
use event_schemas::{AccountId, Clock, UserId};
use gate::Role;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use serde_json::{Value, json};
use sha2::Sha256;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How long the server may take to start and to catch up with the log.
const TIME_LIMIT: Duration = Duration::from_secs(900);
/// The processor time of an idle server in half a second, at most.
const ALMOST_NONE: Duration = Duration::from_millis(30);
/// The settings of a server whose limits are not measured.
const WITHOUT_LIMITS: [(&str, &str); 3] = [
    ("VERBATIM_RATE_LIMIT", "0"),
    ("VERBATIM_CONNECTION_LIMIT", "15000"),
    ("VERBATIM_CONNECTIONS_PER_ADDRESS", "0"),
];

pub struct Server {
    process: Child,
    client: Client,
    address: SocketAddr,
    base: String,
    secret: String,
    desk: Desk,
}

impl Server {
    /// Starts the server on a free port and waits until it is ready and idle.
    pub async fn start(engines: &Engines, desk: &Desk) -> anyhow::Result<Self> {
        Self::spawn(engines, desk)?.when_idle().await
    }

    /// Starts it with the usual limits of requests, which every other server is without.
    pub async fn start_with_limits(engines: &Engines, desk: &Desk) -> anyhow::Result<Self> {
        Self::spawn_part("serve", new_secret(), engines, desk, &[])?.when_idle().await
    }

    /// Starts a part of the program, without limits of requests and connections.
    pub async fn start_part(part: &str, engines: &Engines, desk: &Desk) -> anyhow::Result<Self> {
        Self::spawn_part(part, new_secret(), engines, desk, &WITHOUT_LIMITS)?.when_idle().await
    }

    /// Starts another process on the same engines that accepts the same tokens.
    pub async fn start_beside(&self, part: &str, engines: &Engines) -> anyhow::Result<Self> {
        Self::spawn_part(part, self.secret.clone(), engines, &self.desk, &WITHOUT_LIMITS)?.when_idle().await
    }

    async fn when_idle(mut self) -> anyhow::Result<Self> {
        self.wait_until_ready().await?;
        self.wait_until_idle().await?;
        Ok(self)
    }

    /// Starts the server on a free port.
    pub fn spawn(engines: &Engines, desk: &Desk) -> anyhow::Result<Self> {
        Self::spawn_part("serve", new_secret(), engines, desk, &WITHOUT_LIMITS)
    }

    fn spawn_part(
        part: &str,
        secret: String,
        engines: &Engines,
        desk: &Desk,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        crate::serve::install_tls();
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let process = Command::new(std::env::current_exe()?)
            .arg(part)
            .env("VERBATIM_LISTEN", address.to_string())
            .env("VERBATIM_DATA", engines.folder())
            .envs(engines.urls())
            .env("VERBATIM_JWT_SECRET", &secret)
            .envs(settings.iter().copied())
            .env("VERBATIM_LOG", "warn")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("this program could not be started a second time")?;
        let client = Client::builder().pool_max_idle_per_host(64).build()?;
        Ok(Self { process, client, address, base: format!("http://{address}"), secret, desk: desk.clone() })
    }

    pub async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        while began.elapsed() < TIME_LIMIT {
            if let Some(status) = self.process.try_wait()? {
                bail!("`verbatim serve` ended with {status}");
            }
            let answer = self.client.get(format!("{}/readyz", self.base)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!("`verbatim serve` was not ready in time")
    }

    /// Waits until the server uses almost no processor time for a while: then it has caught up with the log.
    pub async fn wait_until_idle(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut quiet = 0;
        while quiet < 3 && began.elapsed() < TIME_LIMIT {
            let before = self.processor_time()?;
            tokio::time::sleep(Duration::from_millis(500)).await;
            quiet = if self.processor_time()? - before <= ALMOST_NONE { quiet + 1 } else { 0 };
        }
        ensure!(quiet == 3, "`verbatim serve` was still reading the log after {TIME_LIMIT:?}");
        Ok(())
    }

    pub fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().context("the server has ended")
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The processor time used so far.
    pub fn processor_time(&self) -> anyhow::Result<Duration> {
        process::processor_time(self.pid()?)
    }

    /// Resident memory, in megabytes.
    pub fn memory(&self) -> anyhow::Result<f64> {
        process::memory(self.pid()?)
    }

    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    pub fn token(&self, user: UserId, role: Role) -> anyhow::Result<String> {
        self.token_in(self.desk.account, user, role)
    }

    /// A token of another account's user.
    pub fn token_in(&self, account: AccountId, user: UserId, role: Role) -> anyhow::Result<String> {
        token::issue(&self.secret, vec![account], user, role, None, 24)
    }

    /// The address of a path of the server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The status of the response to a command.
    pub async fn post(&self, path: &str, token: &str, body: &Value) -> anyhow::Result<u16> {
        let url = format!("{}{path}", self.base);
        let answer = self.client.post(url).bearer_auth(token).json(body).send().await?;
        let status = answer.status().as_u16();
        answer.bytes().await?;
        Ok(status)
    }

    /// The body of the response.
    pub async fn get(&self, path: &str, token: &str) -> anyhow::Result<String> {
        match self.find(path, token).await? {
            Some(body) => Ok(body),
            None => bail!("GET {path} was answered with 404"),
        }
    }

    /// The body of a response that has everything up to this position.
    pub async fn get_after(&self, path: &str, token: &str, position: &str) -> anyhow::Result<String> {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(token);
        let answer = request.header("Verbatim-After", position).send().await?;
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "GET {path} was answered with {status}: {body}");
        Ok(body)
    }

    /// The body of the response. `None` when the status is 404.
    pub async fn find(&self, path: &str, token: &str) -> anyhow::Result<Option<String>> {
        let answer = self.client.get(format!("{}{path}", self.base)).bearer_auth(token).send().await?;
        let status = answer.status();
        let body = answer.text().await?;
        match status.as_u16() {
            404 => Ok(None),
            _ if status.is_success() => Ok(Some(body)),
            _ => bail!("GET {path} was answered with {status}: {body}"),
        }
    }

    /// Sends a customer's message as a signed webhook, which is answered when it is in the log.
    pub async fn customer_writes(&self, customer: u64, id: &str, words: &str) -> anyhow::Result<()> {
        self.customer_writes_to(&self.desk, customer, id, words).await
    }

    /// Sends a message of a customer of this account.
    pub async fn customer_writes_to(
        &self,
        desk: &Desk,
        customer: u64,
        id: &str,
        words: &str,
    ) -> anyhow::Result<()> {
        let phone = Desk::phone(customer);
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550001", "phone_number_id": Desk::PHONE_NUMBER_ID },
            "contacts": [{ "profile": { "name": format!("Customer {customer}") }, "wa_id": phone }],
            "messages": [{
                "from": phone,
                "id": id,
                "timestamp": (Clock::System.now().as_micros() / 1_000_000).to_string(),
                "type": "text",
                "text": { "body": words },
            }],
        });
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": "bench", "changes": [{ "field": "messages", "value": value }] }],
        })
        .to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(desk.app_secret.as_bytes())?;
        mac.update(body.as_bytes());
        let signature: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let answer = self
            .client
            .post(format!("{}/v1/webhooks/whatsapp/{}", self.base, desk.channel))
            .header("Content-Type", "application/json")
            .header("X-Hub-Signature-256", format!("sha256={signature}"))
            .body(body)
            .send()
            .await?;
        let status = answer.status();
        ensure!(status.is_success(), "a webhook was answered with {status}: {}", answer.text().await?);
        Ok(())
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.process.kill().await?;
        Ok(())
    }
}

fn new_secret() -> String {
    let clock = Clock::System;
    format!("{}{}", clock.fresh_id().simple(), clock.fresh_id().simple())
}

/// The `next_cursor` of a list.
pub fn next_cursor(body: &str) -> anyhow::Result<String> {
    let list: Value = serde_json::from_str(body)?;
    list["next_cursor"].as_str().map(str::to_owned).context("the list has no further page")
}
