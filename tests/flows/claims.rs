//! Agents who claim the same conversation.

use crate::program::{Program, conversation_of};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn of_100_agents_who_claim_at_once_one_wins_and_99_get_the_winners_name() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    whatsapp.customer_writes("1", "wamid.1", "Help").await;
    let agents: Vec<_> = (0..100).map(|number| account.person("agent", &format!("Agent {number}"))).collect();
    let id = conversation_of(&agents[0], "1").await;
    let path = format!("/v1/conversations/{id}/assign");
    let answers = join_all(
        agents.iter().map(|agent| agent.send(Method::POST, &path, json!({ "assignee_id": agent.user }))),
    )
    .await;
    let won: Vec<_> = (0..100).filter(|number| answers[*number].0.is_success()).collect();
    assert_eq!(won.len(), 1);
    let winner = format!("Agent {}", won[0]);
    for (number, (status, problem)) in answers.iter().enumerate().filter(|(number, _)| *number != won[0]) {
        assert_eq!(*status, StatusCode::CONFLICT, "agent {number}: {problem}");
        assert!(problem.to_string().contains(&format!("\"{winner}\"")), "agent {number}: {problem}");
    }
    let history = agents[0]
        .get_until(&format!("/v1/conversations/{id}/assignments"), |a| {
            a["data"].as_array().is_some_and(|rows| !rows.is_empty())
        })
        .await;
    assert_eq!(history["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reassigning_from_a_colleague_requires_the_current_version_or_a_supervisor() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    whatsapp.customer_writes("1", "wamid.1", "Help").await;
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    let supervisor = account.person("supervisor", "Sue");
    let id = conversation_of(&ana, "1").await;
    let path = format!("/v1/conversations/{id}/assign");
    let taken = ana.post(&path, json!({})).await;
    let (refused, _) = ben.send(Method::POST, &path, json!({})).await;
    assert_eq!(refused, StatusCode::CONFLICT);
    let claim_at = |version: u64| {
        ben.request(Method::POST, &path).header("If-Match", format!("\"{version}\"")).json(&json!({})).send()
    };
    let version = taken["version"].as_u64().unwrap();
    assert_eq!(claim_at(version - 1).await.unwrap().status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(claim_at(version).await.unwrap().status(), StatusCode::OK);
    supervisor.post(&path, json!({ "assignee_id": ana.user })).await;
    ana.get_until("/v1/conversations?assignee_id=me", |a| a["data"][0]["id"] == id.as_str()).await;
}
