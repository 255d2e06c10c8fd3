//! The people of an account: invitations, roles, removal.

use super::AppState;
use super::answer::{Answer, Completed, Created};
use super::browser::BrowserOf;
use super::command_headers::CommandHeaders;
use super::sessions::{STRANGERS_BODY, SessionBegun, wrong_link};
use crate::credentials::role_of;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, patch_with, post_with};
use axum::extract::{DefaultBodyLimit, State};
use commands::Commands;
use commands::execute::{Context, Outcome};
use commands::people::{Acceptance, InvitationLink, NewPerson, PeopleError};
use domain::account::{Account, Member, Standing};
use event_schemas::account::PersonRole;
use event_schemas::{Timestamp, UserId};
use gate::auth::OwnPage;
use gate::{Administrator, Caller, Json, Path, Problem, RateLimits, RequestContext, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/people",
            get_with(list, |op| {
                op.id("listPeople").tag("people").summary("The people of the account, and those who are invited")
            })
            .post_with(invite, |op| {
                op.id("invitePerson").tag("people").summary("Invite a person to the account").description(
                    "The answer has the link, which is shown only here: give it to the person. It is valid once, until \
                     `invitation_expires_at`. A person who is invited already gets another link, and the one before is no \
                     longer accepted. Only an owner invites owners.",
                )
            }),
        )
        .api_route(
            "/v1/people/{user_id}",
            patch_with(change, |op| {
                op.id("updatePerson").tag("people").summary("Give a person another role").description(
                    "Their sessions in the account end at once. Only an owner makes owners and takes the role from them. An \
                     account with an owner keeps one.",
                )
            })
            .delete_with(remove, |op| {
                op.id("removePerson").tag("people").summary("Remove a person, or withdraw an invitation").description(
                    "Their sessions in the account end at once, and no conversation is assigned to them any more. They keep \
                     the conversations that they have until others take these over.",
                )
            }),
        )
        .merge(open_routes())
}

/// The routes for people who have no session yet.
fn open_routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/invitations/preview",
            post_with(preview, |op| {
                op.id("previewInvitation").tag("people").summary("What the link of an invitation is for")
            }),
        )
        .api_route(
            "/v1/invitations/accept",
            post_with(accept, |op| {
                op.id("acceptInvitation").tag("people").summary("Accept an invitation and sign in").description(
                    "Sets the password of a person who has none. A person who has one, for another account, gives that one. \
                     Answers with the cookie of a session, as `POST /v1/session` does.",
                )
            }),
        )
        .layer(DefaultBodyLimit::max(STRANGERS_BODY))
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PersonStatus")]
enum Status {
    Invited,
    Joined,
}

/// A person of the account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Person")]
struct View {
    id: UserId,
    email: String,
    /// `null` of a person who has not chosen one yet.
    name: Option<String>,
    role: Role,
    status: Status,
    joined_at: Option<Timestamp>,
    invitation_expires_at: Option<Timestamp>,
}

impl View {
    fn of(id: UserId, member: &Member) -> Self {
        let (joined_at, invitation_expires_at) = match member.standing {
            Standing::Joined { at, .. } => (Some(at), None),
            Standing::Invited { expires_at, .. } => (None, Some(expires_at)),
        };
        Self {
            id,
            email: member.email.clone(),
            name: member.name.clone(),
            role: role_of(member.role),
            status: if joined_at.is_some() { Status::Joined } else { Status::Invited },
            joined_at,
            invitation_expires_at,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "People")]
struct People {
    data: Vec<View>,
}

/// Sorted by name, and those without one by mail address.
async fn list(
    State(commands): AppState,
    Administrator(caller): Administrator,
) -> Result<Json<People>, CommandProblem> {
    let account = commands.account(caller.account).await?;
    let mut data: Vec<_> = account.state.people().map(|(id, member)| View::of(id, member)).collect();
    data.sort_by_key(|person| person.name.as_ref().unwrap_or(&person.email).to_lowercase());
    Ok(Json(People { data }))
}

/// The role with which an administrator changes the account's people.
fn rank(caller: &Caller) -> PersonRole {
    match caller.role {
        Role::Owner => PersonRole::Owner,
        Role::Administrator => PersonRole::Administrator,
        Role::Supervisor => PersonRole::Supervisor,
        Role::Agent | Role::Service => PersonRole::Agent,
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewPerson")]
struct Invited {
    email: String,
    /// The name that colleagues see, until the person chooses one.
    #[serde(default)]
    name: Option<String>,
    role: PersonRole,
}

/// A person who was invited, and the link for them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "InvitedPerson")]
struct InvitedView {
    #[serde(flatten)]
    person: View,
    /// The address of the page at which the person accepts. A path when no `public_url` is configured.
    link: String,
}

async fn invite(
    State(commands): AppState,
    Administrator(caller): Administrator,
    request: RequestContext,
    Json(body): Json<Invited>,
) -> Result<Created<InvitedView>, CommandProblem> {
    // Without a key: a repeated request makes another link, because the first is nowhere to be read.
    let context = Context {
        traceparent: request.traceparent,
        credential: Some(caller.credential),
        ..Context::of(caller.account, caller.actor(), request.correlation_id)
    };
    let Invited { email, name, role } = body;
    let person = NewPerson { email, name, role };
    let (link, outcome) = commands.invite(rank(&caller), person, &context).await?;
    let person = view(&outcome, link.user)?;
    let location = format!("/v1/people/{}", link.user);
    let link = commands.page_of_invitation(&link);
    Ok(Created(Answer::of(&commands, &outcome, InvitedView { person, link }).await?, location))
}

fn view(outcome: &Outcome<Account>, user: UserId) -> Result<View, Problem> {
    let member = outcome.state.state.person(user);
    member.map(|member| View::of(user, member)).ok_or_else(|| Problem::not_found("person"))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PersonChange {
    role: PersonRole,
}

async fn change(
    State(commands): AppState,
    Administrator(caller): Administrator,
    headers: CommandHeaders,
    Path(user_id): Path<UserId>,
    Json(body): Json<PersonChange>,
) -> Result<Completed<View>, CommandProblem> {
    let outcome = commands.give_role(rank(&caller), user_id, body.role, &headers.of(&caller)).await?;
    let person = view(&outcome, user_id)?;
    Ok(Completed(Answer::of(&commands, &outcome, person).await?))
}

/// A person who was removed.
#[derive(Debug, Serialize, JsonSchema)]
struct RemovedPerson {
    id: UserId,
}

async fn remove(
    State(commands): AppState,
    Administrator(caller): Administrator,
    headers: CommandHeaders,
    Path(user_id): Path<UserId>,
) -> Result<Completed<RemovedPerson>, CommandProblem> {
    let outcome = commands.remove_person(rank(&caller), user_id, &headers.of(&caller)).await?;
    Ok(Completed(Answer::of(&commands, &outcome, RemovedPerson { id: user_id }).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LinkOnly {
    /// The text after `#join=` of the link.
    link: String,
}

/// An invitation.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Invitation")]
struct InvitationView {
    account_name: Option<String>,
    email: String,
    name: Option<String>,
    role: Role,
    /// Whether the person has a password already, and gives that one.
    has_password: bool,
}

async fn preview(
    State(commands): AppState,
    page: OwnPage,
    limits: RateLimits,
    Json(body): Json<LinkOnly>,
) -> Result<Json<InvitationView>, CommandProblem> {
    let _ = page;
    let link = read_link(&body.link, &limits)?;
    let shown = commands.invitation(&link).await;
    let shown = shown.map_err(|error| limits.refuse_stranger(CommandProblem::from(error).into()))?;
    Ok(Json(InvitationView {
        account_name: shown.account_name,
        email: shown.member.email,
        name: shown.member.name,
        role: role_of(shown.member.role),
        has_password: shown.has_password,
    }))
}

fn read_link(text: &str, limits: &RateLimits) -> Result<InvitationLink, CommandProblem> {
    text.parse().map_err(|_: PeopleError| wrong_link(limits))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AcceptedInvitation")]
struct Accepted {
    /// The text after `#join=` of the link.
    link: String,
    /// The name that colleagues see. Absent to keep that of the invitation.
    #[serde(default)]
    name: Option<String>,
    /// At least 12 characters. The present one of a person who has one.
    password: String,
}

async fn accept(
    State(commands): AppState,
    page: OwnPage,
    limits: RateLimits,
    request: RequestContext,
    BrowserOf(browser): BrowserOf,
    Json(body): Json<Accepted>,
) -> Result<SessionBegun, CommandProblem> {
    let link = read_link(&body.link, &limits)?;
    limits.check_sign_in(link.user)?;
    let acceptance = Acceptance { link, name: body.name, password: body.password };
    let begun = commands.accept(acceptance, browser, request.correlation_id).await?;
    Ok(SessionBegun::of(&commands, page, begun))
}
