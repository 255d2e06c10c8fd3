//! People who sign in with a mail address and a password: accounts, invitations, sessions, roles.

use crate::browser::{self, has_browser};
use crate::program::{DEADLINE, Program, http, read, run};
use crate::socket_client::{SocketClient, has_node};
use reqwest::{Client, Method, Response, StatusCode, header};
use serde_json::{Value, json};
use std::path::Path;

const PASSWORD: &str = "a horse on the roof";

/// The answer of a browser's request: a status, the cookie that was set, and the body.
pub struct Answer {
    pub status: StatusCode,
    cookie: Option<String>,
    pub body: Value,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let cookie =
            response.headers().get(header::SET_COOKIE).map(|value| value.to_str().unwrap().to_owned());
        let (status, body) = read(response).await;
        Self { status, cookie, body }
    }

    pub fn problem(&self) -> (u16, &str) {
        let kind = self.body["type"].as_str().unwrap_or_default();
        (self.status.as_u16(), kind.trim_start_matches("/problems/"))
    }
}

/// A browser that is signed in, or not.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    pub base: String,
    cookie: Option<String>,
    csrf: Option<String>,
}

impl Browser {
    fn at(program: &Program) -> Self {
        Self { client: http(), base: program.base.clone(), cookie: None, csrf: None }
    }

    /// The same browser at another process.
    fn moved(&self, program: &Program) -> Self {
        Self { base: program.base.clone(), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("X-CSRF-Token", csrf);
        }
        request.header(header::ORIGIN, &self.base)
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.request(method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// Keeps the session that an answer began.
    fn keep(&mut self, answer: &Answer) {
        assert_eq!(answer.status, 201, "{}", answer.body);
        let cookie = answer.cookie.as_deref().unwrap();
        self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        self.csrf = Some(answer.body["csrf_token"].as_str().unwrap().to_owned());
    }

    pub async fn sign_in(program: &Program, email: &str, password: &str) -> Self {
        let mut browser = Self::at(program);
        let answer = browser.post("/v1/session", json!({ "email": email, "password": password })).await;
        browser.keep(&answer);
        browser
    }

    async fn join(program: &Program, link: &str) -> Self {
        let mut browser = Self::at(program);
        let body = json!({ "link": link, "password": PASSWORD, "name": "Someone" });
        let answer = browser.post("/v1/invitations/accept", body).await;
        browser.keep(&answer);
        browser
    }

    /// Invites a person, who accepts.
    pub async fn invite(&self, program: &Program, email: &str, role: &str) -> (String, Browser) {
        let invited = self.post("/v1/people", json!({ "email": email, "role": role })).await;
        assert_eq!(invited.status, 201, "{}", invited.body);
        let id = invited.body["id"].as_str().unwrap().to_owned();
        (id, Self::join(program, secret_of(invited.body["link"].as_str().unwrap())).await)
    }
}

/// The part of a link that only its owner knows.
fn secret_of(link: &str) -> &str {
    link.split_once("/#").unwrap().1.split_once('=').unwrap().1.trim()
}

/// The secret of the link that a command printed.
pub fn printed(output: &str) -> String {
    let line = output.lines().find(|line| line.contains("/#")).unwrap_or_else(|| panic!("no link: {output}"));
    secret_of(line).to_owned()
}

/// An account that an operator opens, and its first owner.
pub async fn open_account(program: &Program, name: &str, email: &str) -> Browser {
    let (done, output) = run(&program.data, &["account", "create", "--name", name, "--email", email]).await;
    assert!(done, "{output}");
    Browser::join(program, &printed(&output)).await
}

pub async fn serve(folder: &Path) -> Program {
    Program::serve(&folder.join("data")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_begins_with_a_link_for_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let create = ["account", "create", "--name", "Acme", "--email", "Ada@example.com"];
    let (done, output) = run(&program.data, &create).await;
    assert!(done, "{output}");
    let link = printed(&output);
    let mut ada = Browser::at(&program);

    let shown = ada.post("/v1/invitations/preview", json!({ "link": link })).await;
    let expected = json!({
        "account_name": "Acme", "email": "Ada@example.com", "name": null, "role": "owner", "has_password": false,
    });
    assert_eq!((shown.status, &shown.body), (StatusCode::OK, &expected));
    // A password that is refused leaves the link as it is.
    let accept = |password: &str| json!({ "link": link, "password": password, "name": "Ada" });
    let weak = ada.post("/v1/invitations/accept", accept("ada@example.com")).await;
    assert_eq!(weak.problem(), (422, "unprocessable"), "{}", weak.body);
    assert_eq!(weak.body["field"], "password");

    let accepted = ada.post("/v1/invitations/accept", accept(PASSWORD)).await;
    ada.keep(&accepted);
    let cookie = accepted.cookie.unwrap();
    assert!(cookie.starts_with("__Host-verbatim-session="), "{cookie}");
    for attribute in ["; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{attribute}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let session = ada.get("/v1/session").await.body;
    assert_eq!(session["accounts"][0]["role"], "owner");
    assert_eq!(session["accounts"][0]["account_name"], "Acme");
    // Both APIs take the session, and the link is used up.
    assert_eq!(ada.get("/v1/conversations").await.status, 200);
    assert_eq!(ada.post("/v1/teams", json!({ "name": "Billing" })).await.status, 201);
    for body in [json!({ "link": link }), json!({ "link": "invented" })] {
        let again = ada.post("/v1/invitations/preview", body).await;
        assert_eq!(again.problem(), (410, "link-ended"), "{}", again.body);
    }
    let again = Browser::at(&program).post("/v1/invitations/accept", accept(PASSWORD)).await;
    assert_eq!(again.problem(), (410, "link-ended"));

    // Signed out, the cookie is worth nothing; the password signs in again, also after a restart.
    let out = ada.send(Method::DELETE, "/v1/session", Value::Null).await;
    assert_eq!(out.status, 204);
    assert!(out.cookie.unwrap().contains("Max-Age=0"));
    assert_eq!(ada.get("/v1/session").await.problem(), (401, "unauthenticated"));
    assert_eq!(ada.get("/v1/conversations").await.problem(), (401, "unauthenticated"));
    let mut program = program;
    let ada = Browser::sign_in(&program, "ada@EXAMPLE.com", PASSWORD).await;
    program.kill().await;
    program.restart().await;
    assert_eq!(ada.get("/v1/session").await.status, 200);
    assert_eq!(ada.get("/v1/teams").await.body["data"][0]["name"], "Billing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_person_get_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let owner = open_account(&program, "Acme", "ada@example.com").await;
    let invited = owner.post("/v1/people", json!({ "email": "ana@example.com", "role": "agent" })).await;
    assert_eq!(invited.status, 201);
    let attempt = |email: &'static str, password: &'static str| {
        let browser = Browser::at(&program);
        async move { browser.post("/v1/session", json!({ "email": email, "password": password })).await }
    };
    let wrong = attempt("ada@example.com", "not the password").await;
    assert_eq!(wrong.problem(), (403, "wrong-password"));
    assert!(wrong.cookie.is_none());
    // An unknown person, and one who was invited and has no password yet.
    for email in ["nobody@example.com", "ana@example.com", "", "no address"] {
        let other = attempt(email, "not the password").await;
        assert_eq!((other.status, &other.body), (wrong.status, &wrong.body), "{email}");
    }
    for _ in 0..8 {
        assert_eq!(attempt("ada@example.com", "not the password").await.problem(), (403, "wrong-password"));
    }
    // The tenth was the owner's own, with the invitation. Not even the password helps now.
    let limited = attempt("ada@example.com", PASSWORD).await;
    assert_eq!(limited.problem(), (429, "too-many-requests"), "{}", limited.body);
    assert!(limited.body["retry_after"].as_u64().unwrap() > 0, "{}", limited.body);
    // The session that she has goes on, and others can sign in.
    assert_eq!(owner.get("/v1/session").await.status, 200);
    let invited = owner.post("/v1/people", json!({ "email": "ana@example.com", "role": "agent" })).await;
    let ana = Browser::join(&program, secret_of(invited.body["link"].as_str().unwrap())).await;
    assert_eq!(ana.get("/v1/session").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_cannot_use_the_session() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let team = json!({ "name": "Theirs" });
    let from = |name: &'static str, value: &'static str| {
        let request = ada.client.post(format!("{}/v1/teams", ada.base));
        let request = request.header(header::COOKIE, ada.cookie.clone().unwrap()).header(name, value);
        request.header("X-CSRF-Token", ada.csrf.clone().unwrap()).json(&team)
    };
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let answer = Answer::of(from(name, value).send().await.unwrap()).await;
        assert_eq!(answer.problem(), (403, "forbidden"), "{name}: {value}");
    }
    // Nor can one read, or begin a session: then the person would work in another's.
    let read = ada.client.get(format!("{}/v1/people", ada.base)).header("Origin", "https://evil.example");
    let read = read.header(header::COOKIE, ada.cookie.clone().unwrap()).send().await.unwrap();
    assert_eq!(read.status(), 403);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let sign_in =
        ada.client.post(format!("{}/v1/session", ada.base)).header("Origin", "https://evil.example");
    assert_eq!(sign_in.json(&body).send().await.unwrap().status(), 403);
    // A form of an own page that does not know the token changes nothing either.
    for csrf in [None, Some("guessed".to_owned())] {
        let without = Browser { csrf, ..ada.clone() };
        let answer = without.post("/v1/teams", team.clone()).await;
        assert_eq!(answer.problem(), (403, "forbidden"));
        assert_eq!(answer.body["field"], "X-CSRF-Token");
    }
    assert_eq!(ada.get("/v1/teams").await.body["data"], json!([]));
    assert_eq!(ada.post("/v1/teams", team).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_at_once_when_the_role_changes_or_the_person_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::serve(&data).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let (ana_id, ana) = ada.invite(&program, "ana@example.com", "administrator").await;
    assert_eq!(ana.get("/v1/people").await.status, 200);
    let socket = |browser: &Browser| {
        SocketClient::start(&json!({
            "url": format!("{}/agents", browser.base),
            "auth": {},
            "transports": ["websocket"],
            "extraHeaders": { "Cookie": browser.cookie, "Origin": browser.base },
        }))
    };
    let client = if has_node() {
        let client = socket(&ana);
        client.until("a connection", |line| line["is"] == "event" && line["name"] == "sync").await;
        Some(client)
    } else {
        None
    };
    let path = format!("/v1/people/{ana_id}");
    let changed = ada.send(Method::PATCH, &path, json!({ "role": "agent" })).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["role"], "agent");
    assert_eq!(ana.get("/v1/people").await.problem(), (401, "unauthenticated"));
    if let Some(client) = client {
        client.until("the end", |line| line["is"] == "disconnect").await;
    }
    let ana = Browser::sign_in(&program, "ana@example.com", PASSWORD).await;
    assert_eq!(ana.get("/v1/people").await.problem(), (403, "forbidden"));
    assert_eq!(ana.get("/v1/conversations").await.status, 200);

    let client = has_node().then(|| socket(&ana));
    if let Some(client) = &client {
        client.until("a connection", |line| line["is"] == "event" && line["name"] == "sync").await;
    }
    let removed = ada.send(Method::DELETE, &path, Value::Null).await;
    assert_eq!(removed.status, 200, "{}", removed.body);
    assert_eq!(ana.get("/v1/conversations").await.problem(), (401, "unauthenticated"));
    if let Some(client) = client {
        client.until("the end", |line| line["is"] == "disconnect").await;
    }
    let body = json!({ "email": "ana@example.com", "password": PASSWORD });
    assert_eq!(Browser::at(&program).post("/v1/session", body).await.problem(), (403, "wrong-password"));
    // Invited again, she gives the password that she has.
    let invited = ada.post("/v1/people", json!({ "email": "ana@example.com", "role": "supervisor" })).await;
    let link = secret_of(invited.body["link"].as_str().unwrap()).to_owned();
    let other = json!({ "link": link, "password": "another long password" });
    let other = Browser::at(&program).post("/v1/invitations/accept", other).await;
    assert_eq!(other.problem(), (403, "wrong-password"));
    let ana = Browser::join(&program, &link).await;
    assert_eq!(ana.get("/v1/session").await.body["accounts"][0]["role"], "supervisor");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_knows_at_once_that_a_session_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let writing = Program::start("command-api", &data, &[]).await;
    let _projections = Program::start("projections", &data, &[]).await;
    let reading = Program::start("query-api", &data, &[]).await;
    let ada = open_account(&writing, "Acme", "ada@example.com").await;
    let (ana_id, ana) = ada.invite(&writing, "ana@example.com", "agent").await;
    assert_eq!(ana.moved(&reading).get("/v1/conversations").await.status, 200);
    let removed = ada.send(Method::DELETE, &format!("/v1/people/{ana_id}"), Value::Null).await;
    assert_eq!(removed.status, 200);
    assert_eq!(ana.moved(&reading).get("/v1/conversations").await.problem(), (401, "unauthenticated"));
    assert_eq!(ada.moved(&reading).get("/v1/conversations").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_ends_their_other_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let first = open_account(&program, "Acme", "ada@example.com").await;
    let second = Browser::sign_in(&program, "ada@example.com", PASSWORD).await;
    let third = Browser::sign_in(&program, "ada@example.com", PASSWORD).await;
    let listed = first.get("/v1/sessions").await.body;
    let sessions = listed["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 3);
    assert_eq!(sessions.iter().filter(|session| session["is_this"] == true).count(), 1);
    assert!(!listed.to_string().contains("token"), "{listed}");
    // Another person cannot end it.
    let (_, ana) = first.invite(&program, "ana@example.com", "administrator").await;
    let id = second.get("/v1/session").await.body["session_id"].as_str().unwrap().to_owned();
    let path = format!("/v1/sessions/{id}");
    assert_eq!(ana.send(Method::DELETE, &path, Value::Null).await.problem(), (404, "not-found"));
    assert_eq!(first.send(Method::DELETE, &path, Value::Null).await.status, 204);
    assert_eq!(second.get("/v1/session").await.status, 401);
    assert_eq!(third.get("/v1/session").await.status, 200);
    // Another password ends all others, and is the only one that signs in.
    let change = |present: &str, password: &str| json!({ "present_password": present, "password": password });
    let wrong =
        first.send(Method::PUT, "/v1/session/password", change("not it", "a cow on the stairs")).await;
    assert_eq!(wrong.problem(), (403, "wrong-password"));
    assert_eq!(wrong.body["field"], "present_password");
    let set = first.send(Method::PUT, "/v1/session/password", change(PASSWORD, "a cow on the stairs")).await;
    assert_eq!(set.status, 204, "{}", set.body);
    assert_eq!(third.get("/v1/session").await.status, 401);
    assert_eq!(first.get("/v1/session").await.status, 200);
    let old = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(first.post("/v1/session", old).await.problem(), (403, "wrong-password"));
    Browser::sign_in(&program, "ada@example.com", "a cow on the stairs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_in_any_case() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(&folder.path().join("data"), &["--session-seconds", "2"]).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let began = std::time::Instant::now();
    while ada.get("/v1/session").await.status != 401 {
        assert!(began.elapsed() < DEADLINE, "the session goes on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_remains_and_only_owners_make_owners() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let ada_id = ada.get("/v1/session").await.body["user_id"].as_str().unwrap().to_owned();
    let (bea_id, bea) = ada.invite(&program, "bea@example.com", "administrator").await;
    let (path, bea_path) = (format!("/v1/people/{ada_id}"), format!("/v1/people/{bea_id}"));
    let owner = json!({ "role": "owner" });
    assert_eq!(bea.send(Method::PATCH, &bea_path, owner.clone()).await.problem(), (403, "forbidden"));
    assert_eq!(bea.send(Method::DELETE, &path, Value::Null).await.problem(), (403, "forbidden"));
    let invite = json!({ "email": "eve@example.com", "role": "owner" });
    assert_eq!(bea.post("/v1/people", invite).await.problem(), (403, "forbidden"));
    let agent = json!({ "role": "agent" });
    assert_eq!(ada.send(Method::PATCH, &path, agent.clone()).await.problem(), (409, "last-owner"));
    assert_eq!(ada.send(Method::DELETE, &path, Value::Null).await.problem(), (409, "last-owner"));
    assert_eq!(ada.send(Method::PATCH, &bea_path, owner).await.status, 200);
    assert_eq!(ada.send(Method::PATCH, &path, agent).await.status, 200);
    assert_eq!(ada.get("/v1/session").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_one_account_are_nothing_to_another() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let (ana_id, ana) = ada.invite(&program, "ana@example.com", "agent").await;
    let eve = open_account(&program, "Globex", "eve@example.com").await;
    let people = eve.get("/v1/people").await.body;
    assert_eq!(people["data"].as_array().unwrap().len(), 1, "{people}");
    let path = format!("/v1/people/{ana_id}");
    for (method, body) in [(Method::PATCH, json!({ "role": "owner" })), (Method::DELETE, Value::Null)] {
        assert_eq!(eve.send(method, &path, body).await.problem(), (404, "not-found"));
    }
    let acme = ada.get("/v1/session").await.body["accounts"][0]["account_id"].as_str().unwrap().to_owned();
    let elsewhere = eve.request(Method::GET, "/v1/people").header("X-Account-Id", &acme);
    assert_eq!(elsewhere.send().await.unwrap().status(), 403);
    // A person whom both invite has one password, and a role of its own in each.
    let invited = eve.post("/v1/people", json!({ "email": "ana@example.com", "role": "supervisor" })).await;
    let link = secret_of(invited.body["link"].as_str().unwrap()).to_owned();
    let shown = ana.post("/v1/invitations/preview", json!({ "link": link })).await;
    assert_eq!(shown.body["has_password"], true);
    let ana = Browser::join(&program, &link).await;
    let session = ana.get("/v1/session").await.body;
    assert_eq!(session["accounts"].as_array().unwrap().len(), 2, "{session}");
    let unnamed = ana.get("/v1/conversations").await;
    assert_eq!(unnamed.problem(), (400, "unreadable"));
    let named = ana.request(Method::GET, "/v1/conversations").header("X-Account-Id", &acme);
    assert_eq!(named.send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hash_leaves_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    ada.invite(&program, "ana@example.com", "agent").await;
    let events = ada.request(Method::GET, "/v1/events").header("Accept", "application/x-ndjson");
    let events = events.send().await.unwrap().text().await.unwrap();
    assert!(events.contains("\"link_hash\":\"***\""), "{events}");
    for hidden in ["PasswordSet", "SignedIn", "argon2", "sealed:"] {
        assert!(!events.contains(hidden), "{hidden}: {events}");
    }
    let (done, exported) = run(&program.data, &["export"]).await;
    assert!(done, "{exported}");
    assert!(exported.contains("\"PasswordSet\""), "{exported}");
    for hidden in ["argon2", "sealed:", ada.cookie.as_deref().unwrap().split_once('=').unwrap().1] {
        assert!(!exported.contains(hidden), "{hidden}");
    }
    assert!(!program.log().contains("example.com"), "{}", program.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_the_operator_signs_in_once_and_sets_another_password() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let before = open_account(&program, "Acme", "ada@example.com").await;
    let (done, output) = run(&program.data, &["account", "sign-in-link", "--email", "eve@example.com"]).await;
    assert!(!done && output.contains("no person has joined"), "{output}");
    let (done, output) = run(&program.data, &["account", "sign-in-link", "--email", "ada@example.com"]).await;
    assert!(done, "{output}");
    let link = json!({ "link": printed(&output) });
    let mut ada = Browser::at(&program);
    let answer = ada.post("/v1/session", link.clone()).await;
    ada.keep(&answer);
    assert_eq!(answer.body["may_set_password"], true);
    let again = Browser::at(&program).post("/v1/session", link).await;
    assert_eq!(again.problem(), (410, "link-ended"));
    let set = json!({ "password": "a cow on the stairs" });
    assert_eq!(ada.send(Method::PUT, "/v1/session/password", set).await.status, 204);
    assert_eq!(before.get("/v1/session").await.status, 401);
    Browser::sign_in(&program, "ada@example.com", "a cow on the stairs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_with_a_browser() {
    if !has_browser("signing in with a browser") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let create = ["account", "create", "--name", "Acme", "--email", "ada@example.com"];
    let (done, output) = run(&program.data, &create).await;
    assert!(done, "{output}");
    let mut script = browser::Browser::start("people.js", &[&program.base, &printed(&output)]);
    while let Some(wish) = script.wish().await {
        match wish.as_str() {
            "sign-in link" => {
                let arguments = ["account", "sign-in-link", "--email", "ada@example.com"];
                let (done, output) = run(&program.data, &arguments).await;
                assert!(done, "{output}");
                script.answer(&printed(&output)).await;
            }
            "done" => {}
            other => panic!("the pages' test wants {other}"),
        }
    }
    script.assert_done().await;
}
