use crate::desk::{ACME, NOTHING, ana, ben, desk, id, person, robot, sue};
use axum::http::Method;
use futures::future::join_all;
use gate::Role;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_who_claim_at_once_one_wins_and_the_others_learn_who() {
    let desk = desk().await;
    let path = format!("{}/assign", desk.conversation().await);
    let agents: Vec<_> =
        (0..100).map(|n| person(ACME, 100 + n, Role::Agent, &format!("Agent {n}"))).collect();
    let claims = agents.iter().map(|agent| desk.post(agent, &path, Value::Null));
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
async fn claiming_what_one_has_changes_nothing() {
    let desk = desk().await;
    let conversation = desk.conversation().await;
    let path = format!("{conversation}/assign");
    let first = desk.post(&ana(), &path, Value::Null).await.is(200);
    assert_eq!((&first["assignee_id"], &first["assignee_name"]), (&json!(ana().id), &json!("Ana")));
    let again = desk.post(&ana(), &path, json!({ "assignee_id": ana().id })).await.is(200);
    assert_eq!(first["version"], again["version"]);
}

#[tokio::test]
async fn taking_from_a_colleague_is_a_supervisors_or_meant() {
    let desk = desk().await;
    let conversation = desk.conversation().await;
    let path = format!("{conversation}/assign");
    let first = desk.post(&ana(), &path, Value::Null).await;
    desk.post(&ben(), &path, Value::Null).await.refuses(409, "already-assigned", "assignee_id");
    let patch = json!({ "assignee_id": ben().id });
    desk.patch(&ben(), &conversation, patch).await.refuses(409, "already-assigned", "assignee_id");

    let seen = first.header("etag");
    let meant = desk.ask(&ben(), Method::POST, &path, &[("if-match", &seen)], Value::Null).await.is(200);
    assert_eq!(meant["assignee_name"], "Ben");
    desk.ask(&ana(), Method::POST, &path, &[("if-match", &seen)], Value::Null).await.refuses(
        412,
        "version-mismatch",
        "If-Match",
    );

    let moved = desk.post(&sue(), &path, json!({ "assignee_id": ana().id, "reason": "shift" })).await.is(200);
    assert_eq!(moved["assignee_id"], json!(ana().id));
}

#[tokio::test]
async fn an_agent_is_known_by_the_name_the_account_gave() {
    let desk = desk().await;
    let path = format!("{}/assign", desk.conversation().await);
    let registered = json!({ "user_id": ben().id, "name": "Benjamin" });
    desk.post(&sue(), "/v1/agents", registered).await.is(201);
    let given = desk.post(&sue(), &path, json!({ "assignee_id": ben().id })).await.is(200);
    assert_eq!(given["assignee_name"], "Benjamin");
}

#[tokio::test]
async fn a_conversation_goes_to_teams_the_account_has() {
    let desk = desk().await;
    let path = format!("{}/assign", desk.conversation().await);
    let team = id(&desk.post(&sue(), "/v1/teams", json!({ "name": "Billing" })).await.is(201));
    let given = desk.post(&robot(), &path, json!({ "team_id": team })).await.is(200);
    assert_eq!((&given["team_id"], &given["status"]), (&json!(team), &json!("open")));
    desk.post(&ana(), &path, json!({ "team_id": NOTHING })).await.refuses(422, "unprocessable", "team_id");
    desk.post(&robot(), &path, Value::Null).await.refuses(422, "unprocessable", "assignee_id");
}

#[tokio::test]
async fn what_one_has_can_be_given_back() {
    let desk = desk().await;
    let conversation = desk.conversation().await;
    let (assign, unassign) = (format!("{conversation}/assign"), format!("{conversation}/unassign"));
    desk.post(&ana(), &assign, Value::Null).await.is(200);
    desk.post(&ben(), &unassign, Value::Null).await.refuses(409, "already-assigned", "assignee_id");
    let back = desk.post(&ana(), &unassign, json!({ "reason": "lunch" })).await.is(200);
    assert_eq!((&back["assignee_id"], &back["status"]), (&Value::Null, &json!("open")));
}
