//! Signing in and out, one's own sessions, and one's own password.

use super::AppState;
use super::browser::BrowserOf;
use crate::credentials::session as of_gate;
use crate::problem::{CommandProblem, wrong_password};
use aide::OperationOutput;
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with, put_with};
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use commands::Commands;
use commands::people::{self, Begun, PersonLink};
use domain::person::Which;
use event_schemas::person::{SessionEnd, SignInMethod};
use event_schemas::{AccountId, SessionId, Timestamp, UserId};
use gate::auth::{Membership, OwnPage, Session, SignedIn, csrf_token};
use gate::{Json, Path, Problem, RateLimits, RequestContext, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The largest body of a request whose sender is not known yet, in bytes.
pub(super) const STRANGERS_BODY: usize = 16_384;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/session",
            post_with(sign_in, |op| {
                op.id("signIn").tag("people").summary("Sign in, with a mail address and a password or with a link").description(
                    "Answers with the cookie of the session, for pages of this origin. An unknown mail address and a \
                     wrong password, get the same answer. After ten attempts for one person from one address, the next is \
                     answered with 429, and one more is possible after each half minute.",
                )
            })
            .get_with(show, |op| {
                op.id("getSession").tag("people").summary("Your session: who you are, in which accounts, and the `csrf_token`")
            })
            .delete_with(sign_out, |op| op.id("signOut").tag("people").summary("Sign out")),
        )
        .api_route(
            "/v1/session/password",
            put_with(set_password, |op| {
                op.id("setPassword").tag("people").summary("Set another password").description(
                    "All your other sessions end. The present password is needed, unless you signed in by a link.",
                )
            }),
        )
        .api_route(
            "/v1/sessions",
            get_with(list, |op| op.id("listSessions").tag("people").summary("Your sessions")).delete_with(
                end_others,
                |op| op.id("endOtherSessions").tag("people").summary("End all your sessions but this one"),
            ),
        )
        .api_route(
            "/v1/sessions/{id}",
            delete_with(end_one, |op| op.id("endSession").tag("people").summary("End one of your sessions")),
        )
        .layer(DefaultBodyLimit::max(STRANGERS_BODY))
}

/// A mail address and a password, or a link.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    password: Option<String>,
    /// The text after `#sign-in=` of a link, instead of both.
    #[serde(default)]
    link: Option<String>,
}

/// A session.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(super) struct View {
    session_id: SessionId,
    user_id: UserId,
    /// The accounts in which the session is valid. With several, name one in `X-Account-Id`.
    accounts: Vec<AccountView>,
    /// A request that changes something sends it as `X-CSRF-Token`.
    csrf_token: String,
    /// When the session ends, however often it is used.
    expires_at: Timestamp,
    /// Whether `PUT /v1/session/password` needs no present password.
    may_set_password: bool,
}

/// A person in an account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SessionAccount")]
struct AccountView {
    account_id: AccountId,
    account_name: Option<String>,
    role: Role,
    name: Option<String>,
    email: String,
}

impl View {
    fn of(session: Session, csrf_token: String) -> Self {
        let account = |of: Membership| AccountView {
            account_id: of.account,
            account_name: of.account_name,
            role: of.role,
            name: of.name,
            email: of.email,
        };
        Self {
            session_id: session.id,
            user_id: session.user,
            accounts: session.memberships.into_iter().map(account).collect(),
            csrf_token,
            expires_at: session.expires_at,
            may_set_password: session.may_set_password,
        }
    }
}

/// 201: the session has begun. The cookie is that of the session.
pub(super) struct SessionBegun {
    view: View,
    cookie: Option<HeaderValue>,
}

impl SessionBegun {
    pub(super) fn of(commands: &Commands, page: OwnPage, begun: Begun) -> Self {
        let token = begun.token.to_string();
        let cookie = page.cookie(&token, commands.session_times.longest);
        Self { view: View::of(of_gate(begun.signed_in), csrf_token(&token)), cookie }
    }
}

impl IntoResponse for SessionBegun {
    fn into_response(self) -> Response {
        with_cookie((StatusCode::CREATED, Json(self.view)).into_response(), self.cookie)
    }
}

impl OperationOutput for SessionBegun {
    type Inner = View;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        Json::<View>::operation_response(ctx, operation)
    }
    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, ApiResponse)> {
        let response = Self::operation_response(ctx, operation);
        response.map(|response| (Some(201), response)).into_iter().collect()
    }
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

async fn sign_in(
    State(commands): AppState,
    page: OwnPage,
    limits: RateLimits,
    request: RequestContext,
    BrowserOf(browser): BrowserOf,
    Json(body): Json<Credentials>,
) -> Result<SessionBegun, CommandProblem> {
    let correlation_id = request.correlation_id;
    let begun = match (body.email, body.password, body.link) {
        (Some(email), Some(password), None) => {
            limits.check_sign_in(UserId::of_email(&email))?;
            commands.sign_in(&email, password, browser, correlation_id).await?
        }
        (None, None, Some(link)) => {
            let link: PersonLink = link.parse().map_err(|_| wrong_link(&limits))?;
            limits.check_sign_in(link.user)?;
            commands.sign_in_by_link(&link, browser, correlation_id).await?
        }
        _ => return Err(Problem::unreadable("Send either `email` and `password`, or `link`.").into()),
    };
    Ok(SessionBegun::of(&commands, page, begun))
}

/// The problem of a text that is no link.
pub(super) fn wrong_link(limits: &RateLimits) -> CommandProblem {
    let problem = CommandProblem::from(people::PeopleError::NoLink);
    limits.refuse_stranger(problem.into()).into()
}

async fn show(SignedIn { session, csrf_token }: SignedIn) -> Result<Json<View>, CommandProblem> {
    Ok(Json(View::of(session, csrf_token)))
}

/// 204: done.
pub(super) struct Ended(Option<HeaderValue>);

impl IntoResponse for Ended {
    fn into_response(self) -> Response {
        with_cookie(StatusCode::NO_CONTENT.into_response(), self.0)
    }
}

impl OperationOutput for Ended {
    type Inner = ();

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        let response = ApiResponse { description: "Done.".to_owned(), ..ApiResponse::default() };
        vec![(Some(204), response)]
    }
}

async fn sign_out(
    State(commands): AppState,
    page: OwnPage,
    SignedIn { session, .. }: SignedIn,
    request: RequestContext,
) -> Result<Ended, CommandProblem> {
    end(&commands, &session, Which::One(session.id), SessionEnd::SignedOut, &request).await?;
    Ok(Ended(page.no_cookie()))
}

async fn end(
    commands: &Commands,
    session: &Session,
    which: Which,
    cause: SessionEnd,
    request: &RequestContext,
) -> Result<(), CommandProblem> {
    let context = people::own(session.user, request.correlation_id);
    Ok(commands.end_sessions(session.user, which, cause, &context).await?)
}

async fn end_others(
    State(commands): AppState,
    SignedIn { session, .. }: SignedIn,
    request: RequestContext,
) -> Result<Ended, CommandProblem> {
    end(&commands, &session, Which::AllBut(session.id), SessionEnd::EndedElsewhere, &request).await?;
    Ok(Ended(None))
}

async fn end_one(
    State(commands): AppState,
    SignedIn { session, .. }: SignedIn,
    request: RequestContext,
    Path(id): Path<SessionId>,
) -> Result<Ended, CommandProblem> {
    end(&commands, &session, Which::One(id), SessionEnd::EndedElsewhere, &request).await?;
    Ok(Ended(None))
}

/// One of your sessions.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OwnSession")]
struct ListedSession {
    id: SessionId,
    /// Whether this entry is the session of the request.
    is_this: bool,
    method: SignInMethod,
    /// The browser, in its own words.
    user_agent: Option<String>,
    began_at: Timestamp,
    /// The last recorded use. It is recorded only now and then.
    used_at: Timestamp,
    /// When it ends without further use.
    ends_at: Timestamp,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OwnSessions")]
struct ListedSessions {
    data: Vec<ListedSession>,
}

async fn list(
    State(commands): AppState,
    SignedIn { session, .. }: SignedIn,
) -> Result<Json<ListedSessions>, CommandProblem> {
    let idle = commands.session_times.idle;
    let sessions = commands.sessions(session.user).await?;
    let listed = sessions.into_iter().map(|(id, found)| ListedSession {
        id,
        is_this: id == session.id,
        method: found.method,
        ends_at: found.ends_at(idle),
        user_agent: found.user_agent,
        began_at: found.began_at,
        used_at: found.used_at,
    });
    Ok(Json(ListedSessions { data: listed.collect() }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    #[serde(default)]
    present_password: Option<String>,
    /// At least 12 characters.
    password: String,
}

async fn set_password(
    State(commands): AppState,
    SignedIn { session, .. }: SignedIn,
    limits: RateLimits,
    request: RequestContext,
    Json(body): Json<NewPassword>,
) -> Result<Ended, CommandProblem> {
    limits.check_sign_in(session.user)?;
    let Session { id, user, memberships, may_set_password, .. } = session;
    let emails = memberships.into_iter().map(|membership| membership.email).collect();
    let change = people::PasswordChange {
        user,
        session: id,
        emails,
        may_set_password,
        present: body.present_password,
        password: body.password,
    };
    let context = people::own(user, request.correlation_id);
    commands.set_password(change, &context).await.map_err(|error| match error {
        people::PeopleError::WrongPassword => wrong_password().field("present_password").into(),
        error => CommandProblem::from(error),
    })?;
    Ok(Ended(None))
}
