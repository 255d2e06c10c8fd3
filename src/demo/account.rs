//! The demonstration's account: its users and their requests over HTTP.

use super::provider::Accepted;
use super::script::{Script, Turn};
use crate::token;
use anyhow::{Context, bail};
use event_schemas::{AccountId, Clock, UserId};
use gate::Role;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc;

const PHONE_NUMBER_ID: &str = "100200300";
const AGENTS: [&str; 3] = ["Ana", "Ben", "Chloe"];

#[derive(Clone)]
pub struct DemoAccount {
    client: Client,
    base: String,
    pub id: AccountId,
    pub supervisor: UserId,
    supervisor_token: String,
    pub agents: Vec<Person>,
    channel: String,
    app_secret: String,
}

/// A conversation as the inbox shows it.
pub struct InboxRow {
    pub id: String,
    pub assignee: Option<UserId>,
}

#[derive(Clone)]
pub struct Person {
    pub name: &'static str,
    pub user: UserId,
    token: String,
}

impl DemoAccount {
    pub async fn set_up(base: &str, secret: &str, id: AccountId, provider: &str) -> anyhow::Result<Self> {
        let clock = Clock::System;
        let supervisor = UserId(clock.fresh_id());
        let issue = |user, role, name: &str| {
            token::issue(secret, vec![id], user, role, Some(name.to_owned()), 24 * 7)
        };
        let agents = AGENTS
            .iter()
            .map(|name| {
                let user = UserId(clock.fresh_id());
                Ok(Person { name, user, token: issue(user, Role::Agent, name)? })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut demo = Self {
            client: Client::new(),
            base: base.to_owned(),
            id,
            supervisor,
            supervisor_token: issue(supervisor, Role::Administrator, "You")?,
            agents,
            channel: String::new(),
            app_secret: clock.fresh_id().simple().to_string(),
        };
        demo.channel = demo.define_channel(provider).await?;
        demo.define_people().await?;
        demo.define_sla_policy().await?;
        demo.define_canned_responses().await?;
        Ok(demo)
    }

    pub fn supervisor_token(&self) -> &str {
        &self.supervisor_token
    }

    async fn define_channel(&self, provider: &str) -> anyhow::Result<String> {
        let channel = self
            .command(
                Method::POST,
                "/v1/channels",
                &self.supervisor_token,
                json!({
                    "channel_type": "whatsapp",
                    "name": "WhatsApp",
                    "credentials": {
                        "phone_number_id": PHONE_NUMBER_ID,
                        "access_token": "demonstration",
                        "app_secret": self.app_secret,
                        "verify_token": "demonstration",
                    },
                    "base_url": provider,
                }),
            )
            .await?;
        text(&channel, "id")
    }

    async fn define_people(&self) -> anyhow::Result<()> {
        for person in &self.agents {
            let agent = json!({ "user_id": person.user, "name": person.name });
            self.command(Method::POST, "/v1/agents", &self.supervisor_token, agent).await?;
            let preferences = json!({ "available_channels": ["whatsapp"], "languages": ["en"] });
            self.command(Method::PATCH, "/v1/agent-preferences/me", &person.token, preferences).await?;
        }
        let members: Vec<_> = self.agents.iter().map(|person| person.user).collect();
        for (name, members) in [("Billing", &members[..1]), ("Delivery", &members[1..])] {
            let team = json!({ "name": name, "member_ids": members });
            self.command(Method::POST, "/v1/teams", &self.supervisor_token, team).await?;
        }
        Ok(())
    }

    async fn define_sla_policy(&self) -> anyhow::Result<()> {
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let calendar = self
            .command(
                Method::POST,
                "/v1/calendars",
                &self.supervisor_token,
                json!({
                    "name": "Around the clock",
                    "timezone": "Africa/Addis_Ababa",
                    "schedule": [{ "days": days, "start": "00:00", "end": "24:00" }],
                }),
            )
            .await?;
        let targets = |first: u32| json!({ "first_response_seconds": first, "next_response_seconds": first * 2, "resolution_seconds": 8 * 3600 });
        self.command(Method::POST, "/v1/sla-policies", &self.supervisor_token, json!({
            "name": "Standard",
            "calendar_id": text(&calendar, "id")?,
            "warn_before_seconds": 60,
            // Short, so that the demonstration shows a breach.
            "targets": { "low": targets(3600), "normal": targets(900), "high": targets(300), "urgent": targets(2) },
        }))
        .await?;
        Ok(())
    }

    async fn define_canned_responses(&self) -> anyhow::Result<()> {
        for (code, title, content) in [
            ("/greeting", "Greeting", "Hello {{contact_name}}, how can I help?"),
            ("/refund", "Refund", "Your refund is on its way, {{contact_name}}. It shows within three days."),
            ("/bye", "Good-bye", "Thank you for writing, {{contact_name}}. All the best!"),
        ] {
            let canned = json!({ "short_code": code, "title": title, "content": content });
            self.command(Method::POST, "/v1/canned-responses", &self.supervisor_token, canned).await?;
        }
        Ok(())
    }

    pub async fn customer_writes(&self, script: &Script, id: &str, text: &str) -> anyhow::Result<()> {
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "15550001", "phone_number_id": PHONE_NUMBER_ID },
            "contacts": [{ "profile": { "name": script.name }, "wa_id": script.phone }],
            "messages": [{
                "from": script.phone,
                "id": id,
                "timestamp": seconds_now().to_string(),
                "type": "text",
                "text": { "body": text },
            }],
        });
        self.webhook(&value).await
    }

    /// Sends the statuses `sent`, `delivered` and `read` for every message that the provider accepted.
    pub async fn report_statuses(self, mut accepted: mpsc::UnboundedReceiver<Accepted>) {
        while let Some(message) = accepted.recv().await {
            let status = |status: &str| {
                json!({
                    "id": message.id,
                    "status": status,
                    "timestamp": seconds_now().to_string(),
                    "recipient_id": message.to,
                    "biz_opaque_callback_data": message.callback_data,
                })
            };
            let value = json!({
                "messaging_product": "whatsapp",
                "metadata": { "display_phone_number": "15550001", "phone_number_id": PHONE_NUMBER_ID },
                "statuses": [status("sent"), status("delivered"), status("read")],
            });
            if let Err(error) = self.webhook(&value).await {
                tracing::warn!(%error, "the status webhook of the demonstration was refused");
            }
        }
    }

    async fn webhook(&self, value: &Value) -> anyhow::Result<()> {
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": "demonstration", "changes": [{ "field": "messages", "value": value }] }],
        })
        .to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.app_secret.as_bytes())?;
        mac.update(body.as_bytes());
        let signature: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let answer = self
            .client
            .post(format!("{}/v1/webhooks/whatsapp/{}", self.base, self.channel))
            .header("Content-Type", "application/json")
            .header("X-Hub-Signature-256", format!("sha256={signature}"))
            .body(body)
            .send()
            .await?;
        if !answer.status().is_success() {
            bail!("the webhook was answered with {}: {}", answer.status(), answer.text().await?);
        }
        Ok(())
    }

    /// The id of a customer's conversation, once the read models have it.
    pub async fn conversation_of(&self, phone: &str) -> anyhow::Result<String> {
        for _ in 0..200 {
            let contacts = self.query(&format!("/v1/contact-identifiers?identifier={phone}")).await?;
            let contact = contacts["data"][0]["contact_id"].as_str().map(str::to_owned);
            if let Some(contact) = contact {
                let found = self.query(&format!("/v1/conversations?contact_id={contact}")).await?;
                if let Some(id) = found["data"][0]["id"].as_str() {
                    return Ok(id.to_owned());
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        bail!("the conversation was not in the inbox within four seconds")
    }

    /// The conversation in which a customer wrote last.
    pub async fn newest_conversation_of(&self, phone: &str) -> anyhow::Result<InboxRow> {
        let contacts = self.query(&format!("/v1/contact-identifiers?identifier={phone}")).await?;
        let contact = text(&contacts["data"][0], "contact_id")?;
        let path = format!("/v1/conversations?contact_id={contact}&sort=last_message_at:desc&limit=1");
        let row = &self.query(&path).await?["data"][0];
        let assignee = row["assignee_id"].as_str().map(|user| user.parse().map(UserId)).transpose()?;
        Ok(InboxRow { id: text(row, "id")?, assignee })
    }

    pub async fn claim(&self, agent: usize, id: &str) -> anyhow::Result<()> {
        let path = format!("/v1/conversations/{id}/assign");
        self.command(Method::POST, &path, &self.agents[agent].token, json!({})).await.map(|_| ())
    }

    /// Plays the turn of an agent or the supervisor. That of a customer is a webhook, and nothing here.
    pub async fn act(&self, script: &Script, id: &str, turn: &Turn) -> anyhow::Result<()> {
        let agent = script.agent.unwrap_or(0);
        match turn {
            Turn::Customer(_) => Ok(()),
            Turn::Agent(text) => self.answer(agent, id, text, false).await,
            Turn::Note(text) => self.answer(agent, id, text, true).await,
            Turn::Triage(priority, labels) => self.triage(id, priority, labels).await,
            Turn::SetPending => self.set_status(agent, id, "pending").await,
            Turn::Resolve => self.set_status(agent, id, "resolved").await,
        }
    }

    async fn answer(&self, agent: usize, id: &str, text: &str, is_private: bool) -> anyhow::Result<()> {
        let path = format!("/v1/conversations/{id}/messages");
        let message = json!({ "content": text, "is_private": is_private });
        self.command(Method::POST, &path, &self.agents[agent].token, message).await.map(|_| ())
    }

    async fn triage(&self, id: &str, priority: &str, labels: &[&str]) -> anyhow::Result<()> {
        let change = json!({ "priority": priority, "labels": labels });
        self.command(Method::PATCH, &format!("/v1/conversations/{id}"), &self.supervisor_token, change)
            .await
            .map(|_| ())
    }

    async fn set_status(&self, agent: usize, id: &str, status: &str) -> anyhow::Result<()> {
        let change = json!({ "status": status });
        self.command(Method::PATCH, &format!("/v1/conversations/{id}"), &self.agents[agent].token, change)
            .await
            .map(|_| ())
    }

    async fn command(&self, method: Method, path: &str, token: &str, body: Value) -> anyhow::Result<Value> {
        let request = self.client.request(method.clone(), format!("{}{path}", self.base));
        let answer = request.bearer_auth(token).json(&body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{method} {path} was answered with {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    pub async fn query(&self, path: &str) -> anyhow::Result<Value> {
        let request = self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.supervisor_token);
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("GET {path} was answered with {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }
}

fn text(value: &Value, key: &str) -> anyhow::Result<String> {
    value[key].as_str().map(str::to_owned).with_context(|| format!("the answer has no '{key}'"))
}

fn seconds_now() -> i64 {
    Clock::System.now().as_micros() / 1_000_000
}
