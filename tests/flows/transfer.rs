//! Export and import: queries on the imported log return the same responses.

use crate::fake_whatsapp::{Behaviour, FakeWhatsApp};
use crate::program::{Account, Engine, Program, conversation_of, engine, has_delivery_state, run, run_on};
use serde_json::json;
use test_engines::Postgres;

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_log_answers_every_query_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    let mut program = Program::serve(&here).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    account.admin.post("/v1/teams", json!({ "name": "Billing", "member_ids": [ana.user] })).await;
    account
        .admin
        .post(
            "/v1/canned-responses",
            json!({ "short_code": "/hi", "title": "Hi", "content": "Hi {{contact_name}}" }),
        )
        .await;
    account
        .admin
        .post(
            "/v1/sla-policies",
            json!({ "name": "S", "targets": { "normal": { "first_response_seconds": 3600 } } }),
        )
        .await;
    for customer in 0..7 {
        let phone = format!("25191100000{customer}");
        whatsapp.customer_writes(&phone, &format!("wamid.{customer}"), "Ünïcödé 💬 እንዴት ነህ").await;
        let id = conversation_of(&ana, &phone).await;
        ana.post(&format!("/v1/conversations/{id}/assign"), json!({})).await;
        ana.post(&format!("/v1/conversations/{id}/messages"), json!({ "content": "Hi" })).await;
        if customer % 2 == 0 {
            ana.patch(
                &format!("/v1/conversations/{id}"),
                json!({ "labels": ["even"], "status": "resolved" }),
            )
            .await;
        }
    }
    account.admin.get_until("/v1/conversations/counts", |a| a["by_status"]["resolved"] == 4).await;
    let id = conversation_of(&ana, "251911000000").await;
    ana.get_until(&format!("/v1/conversations/{id}/messages"), |a| has_delivery_state(a, "dispatched")).await;
    let account_id = account.id.clone();
    let admin_user = account.admin.user.clone();
    let mut paths = query_paths(&id);
    // On KurrentDB the imported log has other positions.
    let has_other_positions = engine() == Engine::KurrentDb;
    paths.retain(|path| !has_other_positions || !path.contains("as_of"));
    assert_eq!(program.stop().await.code(), Some(0));
    program.restart().await;
    let before = query_all(&program, &account_id, &admin_user, &paths).await;
    program.stop().await;

    let file = folder.path().join("log.ndjson");
    let file = file.to_str().unwrap();
    let (exported, output) = run(&here, &["export", "--with-secrets", "--output", file]).await;
    assert!(exported, "{output}");
    for _ in 0..2 {
        // The second import changes nothing.
        let (imported, output) = run(&there, &["import", "--input", file]).await;
        assert!(imported, "{output}");
    }
    let program = Program::serve(&there).await;
    let after = query_all(&program, &account_id, &admin_user, &paths).await;
    for ((path, before), after) in paths.iter().zip(before).zip(after) {
        let alike = |answer| if has_other_positions { without_positions(answer) } else { answer };
        assert_eq!(alike(before), alike(after), "GET {path}");
    }
}

/// The response without positions and cursors, which differ between logs.
fn without_positions(mut answer: serde_json::Value) -> serde_json::Value {
    match &mut answer {
        serde_json::Value::Object(object) => {
            object.retain(|key, _| key != "position" && key != "next_cursor");
            object.values_mut().for_each(|value| *value = without_positions(value.take()));
        }
        serde_json::Value::Array(array) => {
            array.iter_mut().for_each(|value| *value = without_positions(value.take()));
        }
        _ => {}
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_moves_to_postgresql_and_back_answers_every_query_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let provider = FakeWhatsApp::start().await;
    let url = Postgres::shared().await.database().await;
    let postgres = vec![("VERBATIM_EVENT_STORE", url.clone()), ("VERBATIM_READ_MODEL", url)];
    let copies = [("here", vec![]), ("there", postgres), ("back", vec![])];
    let (mut account_id, mut admin, mut paths) = (String::new(), String::new(), Vec::new());
    let mut answers = Vec::new();
    for (name, engines) in &copies {
        let data = folder.path().join(name);
        let file = folder.path().join("log.ndjson").display().to_string();
        if !answers.is_empty() {
            let (imported, output) = run_on(engines, &data, &["import", "--input", &file]).await;
            assert!(imported, "{output}");
        }
        let mut program = Program::spawn_on(engines.clone(), "serve", &data, &[]);
        program.until_ready().await;
        if answers.is_empty() {
            let account = program.account();
            let whatsapp = account.whatsapp(&provider.base_url).await;
            let ana = account.person("agent", "Ana");
            for customer in 0..5 {
                let phone = format!("25191100000{customer}");
                whatsapp
                    .customer_writes(&phone, &format!("wamid.{customer}"), "Ünïcödé 💬 እንዴት ነህ \0.")
                    .await;
                let id = conversation_of(&ana, &phone).await;
                ana.post(&format!("/v1/conversations/{id}/assign"), json!({})).await;
                ana.patch(&format!("/v1/conversations/{id}"), json!({ "labels": ["ß", "A", "b"] })).await;
            }
            let id = conversation_of(&ana, "251911000000").await;
            ana.get_until(&format!("/v1/conversations/{id}"), |a| a["labels"][2].is_string()).await;
            (account_id, admin) = (account.id.clone(), account.admin.user.clone());
            paths = query_paths(&id).into_iter().filter(|path| !path.contains("as_of")).collect();
        }
        let found = query_all(&program, &account_id, &admin, &paths).await;
        answers.push(found.into_iter().map(without_positions).collect::<Vec<_>>());
        assert_eq!(program.stop().await.code(), Some(0));
        let (exported, output) =
            run_on(engines, &data, &["export", "--with-secrets", "--output", &file]).await;
        assert!(exported, "{output}");
        let (equal, output) = run_on(engines, &data, &["verify"]).await;
        assert!(equal, "{output}");
    }
    for other in &answers[1..] {
        for ((path, first), other) in paths.iter().zip(&answers[0]).zip(other) {
            assert_eq!(first, other, "GET {path}");
        }
    }
}

/// The log is moved twice. What it still had to do when it was moved is not done, and what comes after is.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_moved_sends_nothing_for_its_past() {
    let folder = tempfile::tempdir().unwrap();
    let (here, between, there) =
        (folder.path().join("here"), folder.path().join("between"), folder.path().join("there"));
    let provider = FakeWhatsApp::start().await;
    let mut program = Program::serve(&here).await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("251911000000", "wamid.0", "I want a refund").await;
    let past = conversation_of(&ana, "251911000000").await;
    provider.behave(Behaviour::Down(503));
    ana.post(&format!("/v1/conversations/{past}/messages"), json!({ "content": "Never sent" })).await;
    whatsapp.customer_writes("251911000001", "wamid.1", "I want a refund").await;
    let waiting = conversation_of(&ana, "251911000001").await;
    // A rule that is younger than the messages.
    let rule = json!({
        "name": "Refunds", "trigger_type": "fallback", "actions": { "reply_text": "30 days" }, "run_once": false,
    });
    account.admin.post("/v1/bot-rules", rule).await;
    let (account_id, admin) = (account.id.clone(), account.admin.user.clone());
    let taken = provider.taken().len();
    program.stop().await;
    for (from, to) in [(&here, &between), (&between, &there)] {
        let file = folder.path().join("log.ndjson").display().to_string();
        for (data, command) in [(from, ["export", "--output", &file]), (to, ["import", "--input", &file])] {
            let (moved, output) = run(data, &command).await;
            assert!(moved, "{output}");
        }
    }

    provider.behave(Behaviour::Accept);
    let program = Program::serve(&there).await;
    let mut account = Account::new(&program, &account_id);
    account.admin.token = crate::program::token(&account_id, &admin, "administrator", "Ada");
    let messages = |id: &str| format!("/v1/conversations/{id}/messages");
    let failed = account.admin.get_until(&messages(&past), |a| has_delivery_state(a, "failed")).await;
    assert!(failed.to_string().contains("log_moved"), "{failed}");
    let whatsapp = account.whatsapp(&provider.base_url).await;
    whatsapp.customer_writes("251911000002", "wamid.2", "I want a refund").await;
    let present = conversation_of(&account.admin, "251911000002").await;
    account.admin.get_until(&messages(&present), |a| has_delivery_state(a, "dispatched")).await;
    for id in [past, waiting] {
        let shown = account.admin.get(&messages(&id)).await;
        assert!(!shown.to_string().contains("30 days"), "{shown}");
    }
    let texts: Vec<_> = provider.taken()[taken..].iter().map(|taken| taken.text().to_owned()).collect();
    assert_eq!(texts, ["30 days"]);
}

fn query_paths(conversation: &str) -> Vec<String> {
    let mut all: Vec<String> = [
        "/v1/conversations?limit=200",
        "/v1/conversations?status=resolved&sort=created_at:asc",
        "/v1/conversations?label=even",
        "/v1/conversations/counts",
        "/v1/contacts",
        "/v1/contact-identifiers",
        "/v1/channels",
        "/v1/teams",
        "/v1/canned-responses",
        "/v1/sla-policies",
        "/v1/calendars",
        "/v1/sla-timers",
        "/v1/agent-preferences",
        "/v1/webhook-rejections",
    ]
    .map(str::to_owned)
    .to_vec();
    for part in ["", "/messages", "/assignments", "/sla", "/events?limit=200", "?as_of=12"] {
        all.push(format!("/v1/conversations/{conversation}{part}"));
    }
    all
}

async fn query_all(program: &Program, account: &str, user: &str, paths: &[String]) -> Vec<serde_json::Value> {
    let account = Account::new(program, account);
    let mut admin = account.admin.clone();
    admin.token = crate::program::token(&account.id, user, "administrator", "Ada");
    // The tables must include the last event.
    let last = crate::kill::whole_log(&admin).await.last().unwrap()["position"].as_str().unwrap().to_owned();
    let mut answers = Vec::new();
    for path in paths {
        let answer =
            admin.request(reqwest::Method::GET, path).header("Verbatim-After", &last).send().await.unwrap();
        assert!(answer.status().is_success(), "GET {path}: {}", answer.status());
        let text = answer.text().await.unwrap().replace(&program.base, "http://here");
        answers.push(serde_json::from_str(&text).unwrap());
    }
    answers
}
