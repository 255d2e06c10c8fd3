//! An account in which bot, automation, SLA timers and delivery all send something, so that a test sees from the
//! provider's side whether each of them works, and whether one does something twice.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{DEADLINE, Person, Program, WhatsApp, conversation_of, has_delivery_state};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How often a text was sent to a customer.
pub fn times(provider: &FakeWhatsApp, to: &str, text: &str) -> usize {
    provider.taken().iter().filter(|taken| taken.to() == to && taken.text() == text).count()
}

pub async fn until_sent(provider: &FakeWhatsApp, to: &str, text: &str) {
    let began = Instant::now();
    while times(provider, to, text) == 0 {
        assert!(began.elapsed() < DEADLINE * 3, "'{text}' was never sent to {to}: {:?}", provider.taken());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An account whose bot answers "hours", and whose automation answers "refund" and every customer who has waited for
/// three seconds. It has a channel of its own at each of two providers.
pub struct Desk {
    pub admin: Person,
    pub ana: Person,
    pub whatsapp: WhatsApp,
    pub slow: WhatsApp,
}

impl Desk {
    pub async fn open(program: &Program, provider: &FakeWhatsApp, slow: &FakeWhatsApp) -> Self {
        let account = program.account();
        let admin = &account.admin;
        let hours = json!({ "short_code": "/hours", "title": "Hours", "content": "We open at nine." });
        let hours = admin.post("/v1/canned-responses", hours).await["id"].clone();
        let rule = json!({
            "name": "Hours", "priority": 1, "trigger_type": "keyword",
            "conditions": { "keywords": ["hours"], "match_mode": "any" },
            "actions": { "reply_template_id": hours },
        });
        admin.post("/v1/bot-rules", rule).await;
        for (event, keywords, text) in [
            ("message_received", json!(["refund"]), "We look into it."),
            ("sla_breached", Value::Null, "Sorry."),
        ] {
            let mut rule = json!({
                "name": text, "event": event, "actions": [{ "type": "reply", "text": text }],
            });
            if !keywords.is_null() {
                rule["conditions"] = json!({ "keywords": keywords });
            }
            admin.post("/v1/automation-rules", rule).await;
        }
        let targets = json!({ "first_response_seconds": 3 });
        let policy = json!({ "name": "Three seconds", "targets": { "normal": targets } });
        admin.post("/v1/sla-policies", policy).await;
        Self {
            admin: admin.clone(),
            ana: account.person("agent", "Ana"),
            whatsapp: account.whatsapp(&provider.base_url).await,
            slow: account.whatsapp(&slow.base_url).await,
        }
    }

    pub async fn answer(&self, customer: &str, text: &str) -> String {
        let path = format!("/v1/conversations/{}/messages", conversation_of(&self.ana, customer).await);
        self.ana.post(&path, json!({ "content": text })).await;
        path
    }

    /// Asserts that bot, automation, SLA timers and delivery work: customers whose numbers begin with this prefix get
    /// all their answers, once.
    pub async fn assert_works(&self, provider: &FakeWhatsApp, prefix: &str) {
        let customer = |name: &str| format!("{prefix}{name}");
        for (name, text) in [("1", "What are your hours?"), ("2", "I want a refund"), ("3", "Hello")] {
            let id = format!("wamid.{prefix}.{name}");
            self.whatsapp.customer_writes(&customer(name), &id, text).await;
        }
        until_sent(provider, &customer("1"), "We open at nine.").await;
        until_sent(provider, &customer("2"), "We look into it.").await;
        let sent = self.answer(&customer("3"), "Hello again").await;
        self.ana.get_until(&sent, |a| has_delivery_state(a, "dispatched")).await;
        until_sent(provider, &customer("1"), "Sorry.").await;
    }
}
