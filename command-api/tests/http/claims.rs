use crate::service::{ACME, GLOBEX, UNKNOWN_ID, ana, ben, greta, id, person, robot, start, sue};
use axum::http::Method;
use futures::future::join_all;
use gate::Role;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_concurrent_claims_one_succeeds_and_the_others_name_the_winner() {
    let service = start().await;
    let path = format!("{}/assign", service.conversation().await);
    let agents: Vec<_> =
        (0..100).map(|n| person(ACME, 100 + n, Role::Agent, &format!("Agent {n}"))).collect();
    let claims = agents.iter().map(|agent| service.post(agent, &path, Value::Null));
    let answers = join_all(claims).await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 99));
    let winner = won[0].json();
    for answer in lost {
        let problem = answer.refuses(409, "already-assigned", "assignee_id");
        assert_eq!(
            problem["winner"],
            json!({ "id": winner["assignee_id"], "name": winner["assignee_name"] })
        );
        assert!(problem["detail"].as_str().unwrap().contains(winner["assignee_name"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn claiming_an_own_conversation_changes_nothing() {
    let service = start().await;
    let conversation = service.conversation().await;
    let path = format!("{conversation}/assign");
    let first = service.post(&ana(), &path, Value::Null).await.is(200);
    assert_eq!((&first["assignee_id"], &first["assignee_name"]), (&json!(ana().id), &json!("Ana")));
    let again = service.post(&ana(), &path, json!({ "assignee_id": ana().id })).await.is(200);
    assert_eq!(first["version"], again["version"]);
}

#[tokio::test]
async fn only_supervisors_and_callers_with_if_match_take_a_conversation_from_an_agent() {
    let service = start().await;
    let conversation = service.conversation().await;
    let path = format!("{conversation}/assign");
    let first = service.post(&ana(), &path, Value::Null).await;
    service.post(&ben(), &path, Value::Null).await.refuses(409, "already-assigned", "assignee_id");
    let patch = json!({ "assignee_id": ben().id });
    service.patch(&ben(), &conversation, patch).await.refuses(409, "already-assigned", "assignee_id");

    let seen = first.header("etag");
    let taken = service.ask(&ben(), Method::POST, &path, &[("if-match", &seen)], Value::Null).await.is(200);
    assert_eq!(taken["assignee_name"], "Ben");
    service.ask(&ana(), Method::POST, &path, &[("if-match", &seen)], Value::Null).await.refuses(
        412,
        "version-mismatch",
        "If-Match",
    );

    let moved =
        service.post(&sue(), &path, json!({ "assignee_id": ana().id, "reason": "shift" })).await.is(200);
    assert_eq!(moved["assignee_id"], json!(ana().id));
}

#[tokio::test]
async fn an_assignee_has_the_name_that_the_account_registered() {
    let service = start().await;
    let path = format!("{}/assign", service.conversation().await);
    let registered = json!({ "user_id": ben().id, "name": "Benjamin" });
    service.post(&sue(), "/v1/agents", registered).await.is(201);
    let assigned = service.post(&sue(), &path, json!({ "assignee_id": ben().id })).await.is(200);
    assert_eq!(assigned["assignee_name"], "Benjamin");
}

#[tokio::test]
async fn a_conversation_is_assigned_only_to_teams_of_the_account() {
    let service = start().await;
    let path = format!("{}/assign", service.conversation().await);
    let team = id(&service.post(&sue(), "/v1/teams", json!({ "name": "Billing" })).await.is(201));
    let assigned = service.post(&robot(), &path, json!({ "team_id": team })).await.is(200);
    assert_eq!((&assigned["team_id"], &assigned["status"]), (&json!(team), &json!("open")));
    service.post(&ana(), &path, json!({ "team_id": UNKNOWN_ID })).await.refuses(
        422,
        "unprocessable",
        "team_id",
    );
    service.post(&robot(), &path, Value::Null).await.refuses(422, "unprocessable", "assignee_id");
}

#[tokio::test]
async fn an_agent_can_unassign_an_own_conversation() {
    let service = start().await;
    let conversation = service.conversation().await;
    let (assign, unassign) = (format!("{conversation}/assign"), format!("{conversation}/unassign"));
    service.post(&ana(), &assign, Value::Null).await.is(200);
    service.post(&ben(), &unassign, Value::Null).await.refuses(409, "already-assigned", "assignee_id");
    let unassigned = service.post(&ana(), &unassign, json!({ "reason": "lunch" })).await.is(200);
    assert_eq!((&unassigned["assignee_id"], &unassigned["status"]), (&Value::Null, &json!("open")));
}

#[tokio::test]
async fn a_conversation_is_assigned_only_to_agents_of_the_account() {
    let service = start().await;
    let conversation = service.conversation().await;
    let before = service.events(&conversation).await.len();
    let elsewhere = person(GLOBEX, 7, Role::Agent, "Gil");
    service.post(&greta(), "/v1/agents", json!({ "user_id": elsewhere.id, "name": "Gil" })).await.is(201);
    for stranger in [json!(UNKNOWN_ID), json!(elsewhere.id), json!(ben().id), json!(robot().id)] {
        let to = json!({ "assignee_id": stranger });
        for who in [ana(), sue(), robot()] {
            let patched = service.patch(&who, &conversation, to.clone()).await;
            patched.refuses(422, "unprocessable", "assignee_id");
            let assigned = service.post(&who, &format!("{conversation}/assign"), to.clone()).await;
            assigned.refuses(422, "unprocessable", "assignee_id");
            let handoff = json!({ "agent_id": stranger });
            let handed = service.post(&who, &format!("{conversation}/handoff"), handoff).await;
            handed.refuses(422, "unprocessable", "agent_id");
        }
        let forced = json!({ "assignee_id": stranger, "force": true });
        let assigned = service.post(&sue(), &format!("{conversation}/assign"), forced).await;
        assigned.refuses(422, "unprocessable", "assignee_id");
    }
    assert_eq!(service.events(&conversation).await.len(), before);
}

#[tokio::test]
async fn an_agent_with_a_token_alone_takes_a_conversation_and_is_known_from_then_on() {
    let service = start().await;
    let conversation = service.conversation().await;
    let taken = service.patch(&ben(), &conversation, json!({ "assignee_id": ben().id })).await.is(200);
    assert_eq!((&taken["status"], &taken["assignee_name"]), (&json!("assigned"), &json!("Ben")));
    service.post(&sue(), &format!("{conversation}/unassign"), json!({})).await.is(200);
    let given = service.patch(&sue(), &conversation, json!({ "assignee_id": ben().id })).await.is(200);
    assert_eq!(given["assignee_name"], "Ben");
}

#[tokio::test]
async fn an_agent_who_is_switched_off_gets_no_conversation_from_others_unless_a_supervisor_insists() {
    let service = start().await;
    let conversation = service.conversation().await;
    service.patch(&ben(), "/v1/agent-preferences/me", json!({ "is_available": false })).await.is(200);
    let to = json!({ "assignee_id": ben().id });
    let refused = service.patch(&ana(), &conversation, to.clone()).await;
    let problem = refused.refuses(409, "agent-cannot-take-it", "assignee_id");
    assert_eq!(problem["reason"], "unavailable");
    let forced = json!({ "assignee_id": ben().id, "force": true });
    service.post(&sue(), &format!("{conversation}/assign"), forced).await.is(200);
    let assigned = service.events(&conversation).await.pop().unwrap();
    assert!(assigned.data.contains(r#""overridden":"unavailable""#), "{}", assigned.data);
    service.post(&sue(), &format!("{conversation}/unassign"), json!({})).await.is(200);
    service.patch(&ben(), &conversation, to).await.is(200);
}
