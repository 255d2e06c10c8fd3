//! The program as four processes on one data folder; and a rebuild while it serves.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Account, Program, conversation_of, has_delivery_state, run};
use reqwest::{Method, StatusCode};
use serde_json::json;
use test_engines::Postgres;

#[tokio::test(flavor = "multi_thread")]
async fn four_processes_do_what_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let commands = Program::start("command-api", &data, &[]).await;
    let _projections = Program::start("projections", &data, &[]).await;
    let _managers = Program::start("process-managers", &data, &[]).await;
    let queries = Program::start("query-api", &data, &[]).await;
    let provider = FakeWhatsApp::start().await;

    let writes = commands.account();
    let reads = Account::new(&queries, &writes.id);
    let whatsapp = writes.whatsapp(&provider.base_url).await;
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let reader = reads.person("agent", "Ana");
    let id = conversation_of(&reader, "1").await;
    let writer = reader.at(&commands);

    let assigned = writer.post(&format!("/v1/conversations/{id}/assign"), json!({})).await;
    // A reader sees its own write in a process other than the one that handled the command.
    let seen = reader
        .request(Method::GET, &format!("/v1/conversations/{id}"))
        .header("Verbatim-After", assigned["position"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    let seen: serde_json::Value = seen.json().await.unwrap();
    assert_eq!(seen["status"], "assigned");
    writer.post(&format!("/v1/conversations/{id}/messages"), json!({ "content": "Hi" })).await;
    reader
        .get_until(&format!("/v1/conversations/{id}/messages"), |a| has_delivery_state(a, "dispatched"))
        .await;
    assert_eq!(provider.taken().len(), 1);

    // Each service has only its own routes.
    let (no_query_here, _) = writer.try_get("/v1/conversations").await;
    assert!(
        matches!(no_query_here, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED),
        "{no_query_here}"
    );
    let (no_command_here, _) = reader.send(Method::POST, "/v1/teams", json!({ "name": "Billing" })).await;
    assert!(
        matches!(no_command_here, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED),
        "{no_command_here}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_while_serving_is_not_noticed_by_readers() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::serve(&data).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    for customer in 0..50 {
        whatsapp.customer_writes(&format!("{customer}"), &format!("wamid.{customer}"), "Hello").await;
    }
    let all = |a: &serde_json::Value| a["all"] == 50;
    let ana = account.person("agent", "Ana");
    ana.get_until("/v1/conversations/counts", all).await;
    let rebuilding = run(&data, &["rebuild"]);
    tokio::pin!(rebuilding);
    let (done, output) = loop {
        tokio::select! {
            done = &mut rebuilding => break done,
            counts = ana.get("/v1/conversations/counts") => assert_eq!(counts["all"], 50),
        }
    };
    assert!(done, "{output}");
    for _ in 0..200 {
        assert_eq!(ana.get("/v1/conversations/counts").await["all"], 50);
    }
    // Projection continues in the new tables.
    whatsapp.customer_writes("50", "wamid.50", "Hello").await;
    ana.get_until("/v1/conversations/counts", |a| a["all"] == 51).await;
    let (equal, output) = run(&data, &["verify"]).await;
    assert!(equal && output.contains("Identical"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_names_a_row_that_is_not_what_the_log_says() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut program = Program::serve(&data).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let ana = account.person("agent", "Ana");
    let id = conversation_of(&ana, "1").await;
    assert_eq!(program.stop().await.code(), Some(0));
    tamper(&data).await;
    let (equal, output) = run(&data, &["verify"]).await;
    assert!(!equal);
    assert!(output.contains(&id.replace('-', "")) && output.contains("subject"), "{output}");
    let (rebuilt, output) = run(&data, &["rebuild"]).await;
    assert!(rebuilt, "{output}");
    let (equal, output) = run(&data, &["verify"]).await;
    assert!(equal, "{output}");
}

async fn tamper(data: &std::path::Path) {
    const TAMPER: &str = "update conversations set subject = 'Tampered with'";
    let engines = crate::program::engine_variables(data).await;
    if let Some((_, url)) = engines.iter().find(|(name, _)| *name == "VERBATIM_READ_MODEL") {
        return Postgres::sql(url, &format!("set search_path = verbatim_read_1; {TAMPER}")).await;
    }
    let number = std::fs::read_to_string(data.join("read-model.current")).unwrap();
    let tables = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(data.join(format!("read-model-{}.db", number.trim())));
    let pool = sqlx::sqlite::SqlitePool::connect_with(tables).await.unwrap();
    sqlx::query(TAMPER).execute(&pool).await.unwrap();
    pool.close().await;
}

/// The process that holds the lease is killed; the process on standby continues where it stopped.
#[tokio::test(flavor = "multi_thread")]
async fn when_a_process_is_killed_another_takes_over() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let provider = FakeWhatsApp::start().await;
    let commands = Program::start("command-api", &data, &[]).await;
    let mut projections = Program::start("projections", &data, &[]).await;
    let mut managers = Program::start("process-managers", &data, &[]).await;
    let _waiting = (
        Program::start("projections", &data, &[]).await,
        Program::start("process-managers", &data, &[]).await,
    );
    let queries = Program::start("query-api", &data, &[]).await;
    let account = commands.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let asked = ana.at(&queries);
    let id = conversation_of(&asked, "1").await;
    projections.kill().await;
    managers.kill().await;
    whatsapp.customer_writes("2", "wamid.2", "Hello").await;
    conversation_of(&asked, "2").await;
    ana.post(&format!("/v1/conversations/{id}/messages"), json!({ "content": "Hi" })).await;
    asked
        .get_until(&format!("/v1/conversations/{id}/messages"), |a| has_delivery_state(a, "dispatched"))
        .await;
    assert_eq!(provider.taken().len(), 1);
    let (equal, output) = run(&data, &["verify"]).await;
    assert!(equal, "{output}");
}

/// A write through one process is visible in another process that did not handle it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_its_own_write_across_processes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let commands = Program::start("command-api", &data, &[]).await;
    let _projections = Program::start("projections", &data, &[]).await;
    let nodes =
        [Program::start("query-api", &data, &[]).await, Program::start("query-api", &data, &[]).await];
    let account = commands.account();
    let admin = &account.admin;
    account.whatsapp("http://127.0.0.1:9").await.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&admin.at(&nodes[0]), "1").await;
    for number in 0..20 {
        let subject = format!("Subject {number}");
        let written = admin.patch(&format!("/v1/conversations/{id}"), json!({ "subject": subject })).await;
        let answer = admin
            .at(&nodes[number % 2])
            .request(Method::GET, &format!("/v1/conversations/{id}"))
            .header("Verbatim-After", written["position"].as_str().unwrap())
            .send()
            .await
            .unwrap();
        let seen: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(seen["subject"], subject);
    }
}
