//! The answers to refused commands: every rejection becomes a problem here, once.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::response::{IntoResponse, Response};
use commands::credentials::{self, Unopenable};
use commands::execute::{CommandError, LoadError};
use commands::inbound_webhook::InboundWebhookError;
use commands::people::PeopleError;
use domain::conversation::Rejection;
use domain::undo::Obstacle;
use domain::{account, agent, catalogue, contact, person};
use event_schemas::Version;
use event_store::Unavailable;
use gate::Problem;
use gate::problem::kinds::{BAD_SIGNATURE, CONFLICT};
use providers::{BadSetting, RefusedWebhook, Unsendable};
use serde_json::json;
use std::error::Error;
use std::time::Duration;

gate::problem_kinds! { KINDS {
    ALREADY_ASSIGNED: CONFLICT "already-assigned", "The conversation is assigned to another agent",
        "`winner` is the agent to whom the conversation is assigned. A supervisor can take a conversation from an agent. Other callers must send the version that they read in `If-Match`, to confirm that they want to take it. `changes` has the event that assigned it: who did what, and when.";
    ALREADY_OPEN: CONFLICT "already-open", "The conversation is open already",
        "A contact has at most one open conversation on a channel. `conversation_id` is that conversation: send the message in it.";
    CANNOT_TAKE: CONFLICT "agent-cannot-take-it", "The agent cannot take the conversation",
        "`reason` is why: for example, the agent is at capacity, away or outside their working hours. A supervisor can assign the conversation nevertheless with `force`.";
    OFFER_OVER: CONFLICT "offer-over", "The offer has ended",
        "The offer has expired or was withdrawn. The conversation is offered to the next agent, and can be offered to you again.";
    CONVERSATION_CLOSED: CONFLICT "conversation-closed", "The conversation is closed",
        "A closed conversation stays closed. The contact's next message begins another conversation, and so does `POST /v1/conversations`.";
    NO_SUCH_STEP: CONFLICT "no-such-step", "The status cannot change in this way",
        "The conversation's status does not allow this change: `from` is its status, `to` is the requested one. `changes` has the event that gave it this status: who did what, and when.";
    CANNOT_UNDO: CONFLICT "cannot-undo", "The change cannot be taken back",
        "`reason` is why: `final` (it records what was written, or what happened elsewhere), `closed` (the conversation is), `undone`, `part_of_undo` (undo the undo as a whole), `depended_on` (a later event changed the same part), `resolved` (its former agent can be assigned after it is reopened) or `snooze_over`. `event` is the event that is the reason, if one is.";
    TOO_MANY_BULK_CHANGES: TOO_MANY_REQUESTS "too-many-bulk-changes", "The account has started too many bulk changes",
        "An account can start so many bulk changes in a period of time. `Retry-After` is the number of seconds until the next one. A bulk change can have thousands of conversations: put them into one.";
    WRITTEN_SINCE: CONFLICT "written-since", "Others have written since",
        "The message had a `seen_version`, and others have written to the conversation since: `changes` has the newest of their messages and notes, with who wrote and when, and `change_count` their number. Read them, and send the message with the present version, or without one.";
    ALREADY_SENT: CONFLICT "already-sent", "The message was sent already",
        "The time of the scheduled message has come, or an agent has sent it. A message that was sent cannot be cancelled or changed.";
    OUTSIDE_REPLY_WINDOW: UNPROCESSABLE_ENTITY "outside-reply-window", "Only a template can be sent now",
        "The provider accepts free text only for `hours` hours after the customer's last message. Send a `template` that the provider has approved.";
    CHANNEL_OFF: UNPROCESSABLE_ENTITY "channel-off", "The channel sends no messages",
        "The channel is switched off (`is_enabled` is false) or was retired. An administrator can switch it on.";
    AUTOMATIC_LIMIT: CONFLICT "automatic-limit", "Too many automatic messages",
        "A conversation has at most so many automatic messages within so many seconds (`automatic_messages_limit` in the bot's settings), so that programs that answer each other stop. An agent can still answer.";
    IN_USE: CONFLICT "in-use", "Other items refer to it",
        "The item cannot be retired while others refer to it: `referrers` names them, each with its kind, its id, its name and the field. Change or retire them first. Only its creator sees the name of a personal macro.";
    NAME_TAKEN: CONFLICT "name-taken", "The name is taken",
        "Names and short codes are unique among the items of a kind in an account; upper and lower case are not distinguished. Choose another name, or change the item that has it.";
    LINKED_TO_ANOTHER: CONFLICT "linked-to-another", "The identifier belongs to another contact",
        "`contact_id` is the contact to whom the identifier belongs. To move the identifier, change it by its id.";
    WRONG_PASSWORD: FORBIDDEN "wrong-password", "The mail address or the password is wrong",
        "No person with this mail address has this password. Whether there is a person with the mail address is not told. After too many attempts the next ones are refused for a while.";
    LINK_ENDED: GONE "link-ended", "The link is no longer valid",
        "The link was used already, was replaced by a newer one, was withdrawn, or has expired; or a part of it is missing. Ask for another one.";
    ALREADY_JOINED: CONFLICT "already-joined", "The person works in the account already",
        "A person is invited once. To change the role, change the person.";
    LAST_OWNER: CONFLICT "last-owner", "The account would have no owner",
        "An account keeps at least one owner who has joined. Make another person an owner first.";
    KEY_REUSED: UNPROCESSABLE_ENTITY "idempotency-key-reused", "The key was used for another request",
        "The `Idempotency-Key` was used before for another request. Use a new key for each command, and the same key only to repeat the command.";
}}

/// When to try again after the log was not available.
const LOG_PAUSE: Duration = Duration::from_secs(2);
/// When to try again after too many callers wrote to the same stream.
const CONTENTION_PAUSE: Duration = Duration::from_secs(1);

/// The error of a command's handler: a [`Problem`] into which the errors of the write side are converted.
#[derive(Debug)]
pub struct CommandProblem(Problem);

impl CommandProblem {
    /// Whether the problem is about this field.
    pub fn is_about(&self, field: &str) -> bool {
        self.0.field_name() == Some(field)
    }

    /// The field of the request that the problem is about.
    pub fn field(self, field: impl Into<String>) -> Self {
        Self(self.0.field(field))
    }
}

impl From<CommandProblem> for Problem {
    fn from(problem: CommandProblem) -> Self {
        problem.0
    }
}

impl From<Problem> for CommandProblem {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for CommandProblem {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl OperationOutput for CommandProblem {
    type Inner = Problem;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        Problem::operation_response(ctx, operation)
    }

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, ApiResponse)> {
        Problem::inferred_responses(ctx, operation)
    }
}

/// A rejection of the domain that is answered by a problem.
pub(crate) trait Refusal: Error + 'static {
    fn problem(&self) -> Problem;
}

impl<R: Refusal> From<CommandError<R>> for CommandProblem {
    fn from(error: CommandError<R>) -> Self {
        Self(match error {
            CommandError::Rejected(rejection) => rejection.problem(),
            CommandError::NotFound => Problem::not_found("item"),
            CommandError::VersionMismatch { expected, actual } => version_mismatch(expected, actual),
            CommandError::KeyReused => key_reused(),
            CommandError::Contended => contended(),
            CommandError::Unavailable(unavailable) => unavailable_log(&unavailable),
            CommandError::Damaged { stream, source } => damaged(&stream, &*source),
        })
    }
}

impl From<LoadError> for CommandProblem {
    fn from(error: LoadError) -> Self {
        Self(match error {
            LoadError::Unavailable(unavailable) => unavailable_log(&unavailable),
            LoadError::Damaged { stream, source } => damaged(&stream, &*source),
        })
    }
}

impl From<InboundWebhookError> for CommandProblem {
    fn from(error: InboundWebhookError) -> Self {
        Self(match error {
            InboundWebhookError::NoSuchChannel => Problem::not_found("channel"),
            InboundWebhookError::Refused(RefusedWebhook::NotAHandshake(missing)) => {
                Problem::unreadable(format!("This is not a verification request: {missing}."))
            }
            InboundWebhookError::Refused(refused @ RefusedWebhook::NoHandshake) => {
                Problem::unreadable(format!("This is not a verification request: {refused}."))
            }
            InboundWebhookError::Refused(
                refused @ (RefusedWebhook::NoSignature(_)
                | RefusedWebhook::WrongSignature
                | RefusedWebhook::WrongToken
                | RefusedWebhook::NotConfigured(_)),
            ) => Problem::new(&BAD_SIGNATURE, format!("{}.", capitalized(&refused.to_string()))),
            InboundWebhookError::TokenNeeded => Problem::unauthenticated(
                "This channel has no secret: send the token of a service of its account, or set a secret.",
            ),
            InboundWebhookError::TooMany { wait } => Problem::too_many_requests(wait),
            InboundWebhookError::Unopenable(_) => {
                let detail = "The credentials of this channel cannot be opened: an administrator has to enter them anew.";
                Problem::unavailable(detail, credentials::RETRY)
            }
            InboundWebhookError::Unavailable(unavailable) => unavailable_log(&unavailable),
            InboundWebhookError::Contended => contended(),
            InboundWebhookError::Failed(source) => damaged("a webhook's stream", &*source),
        })
    }
}

impl From<PeopleError> for CommandProblem {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::WrongPassword => wrong_password().into(),
            PeopleError::WeakPassword(reason) => Problem::unprocessable("password", reason).into(),
            PeopleError::NoSuchPerson => Problem::not_found("person").into(),
            PeopleError::NoLink => Problem::new(&LINK_ENDED, "This is no link of this server.").into(),
            PeopleError::Sealed(source) => {
                tracing::error!(%source, "the hash of a password cannot be opened");
                let detail = "Passwords cannot be checked: the server lacks the key that sealed them.";
                Problem::unavailable(detail, credentials::RETRY).into()
            }
            PeopleError::Hashing(source) => damaged("a password", &*source).into(),
            PeopleError::Account(error) => error.into(),
            PeopleError::Person(error) => error.into(),
            PeopleError::Agent(error) => error.into(),
            PeopleError::Load(error) => error.into(),
        }
    }
}

/// The problem of a wrong password, and of an unknown mail address.
pub(crate) fn wrong_password() -> Problem {
    Problem::new(&WRONG_PASSWORD, "The mail address or the password is wrong.")
}

fn version_mismatch(expected: Version, actual: Option<Version>) -> Problem {
    let detail = match actual {
        Some(actual) => format!("The version is {actual}, not {expected}."),
        None => "It has no version yet.".to_owned(),
    };
    Problem::version_mismatch(detail)
        .field("If-Match")
        .with("current_version", actual.map(|version| version.0))
}

/// The problem for a channel setting that its provider rejects.
pub(crate) fn bad_setting(setting: &BadSetting) -> Problem {
    Problem::unprocessable(&*setting.field, format!("`{}`: {}.", setting.field, setting.reason))
}

/// The problem of a credential that cannot be opened and that the request does not replace.
pub(crate) fn not_opened(unopenable: &Unopenable) -> Problem {
    let field = &*unopenable.field;
    let detail =
        format!("`{field}` cannot be opened, because its key is missing: send all credentials anew.");
    Problem::unprocessable(field, detail)
}

/// The problem of a text with placeholders that have no value.
pub(crate) fn unfilled(names: &[String]) -> Problem {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{{{{{name}}}}}`")).collect();
    let detail = format!(
        "{} has no value in this conversation: send the text as `content`, with the words filled in.",
        quoted.join(", ")
    );
    Problem::unprocessable("content", detail).with("placeholders", names)
}

/// The problem of an item that others refer to.
pub(crate) fn in_use(detail: String) -> Problem {
    Problem::new(&IN_USE, detail)
}

/// The problem of a message that this kind of channel cannot send.
pub fn unsendable(unsendable: Unsendable) -> Problem {
    let detail = format!("{}.", capitalized(&unsendable.reason));
    Problem::unprocessable(unsendable.field, detail)
}

/// The problem of an event that cannot be undone.
pub(crate) fn cannot_undo(obstacle: &Obstacle) -> Problem {
    let sentence = format!("{}.", capitalized(&obstacle.to_string()));
    Problem::new(&CANNOT_UNDO, sentence).field("event_id").with("reason", obstacle.as_str())
}

/// The problem of a message whose writer has not read the newest ones.
pub(crate) fn written_since(detail: String) -> Problem {
    Problem::new(&WRITTEN_SINCE, detail).field("seen_version")
}

/// The problem of a message on a channel that sends none.
pub fn channel_off() -> Problem {
    Problem::new(&CHANNEL_OFF, "The channel is switched off or was retired: it sends no messages.")
        .field("channel_id")
}

pub(crate) fn key_reused() -> Problem {
    Problem::new(&KEY_REUSED, "This key was used for another request: use a new one.")
        .field("Idempotency-Key")
}

pub fn unavailable_log(unavailable: &Unavailable) -> Problem {
    tracing::warn!(error = unavailable as &dyn Error, "a command could not be stored");
    Problem::unavailable(format!("The event log is not available: {}.", unavailable.reason), LOG_PAUSE)
}

fn contended() -> Problem {
    Problem::unavailable("Too many callers change it at the same time: try again.", CONTENTION_PAUSE)
}

fn damaged(stream: &str, source: &(dyn Error + 'static)) -> Problem {
    tracing::error!(stream, error = source, "a command failed");
    Problem::internal()
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl Refusal for Rejection {
    fn problem(&self) -> Problem {
        let sentence = format!("{}.", capitalized(&self.to_string()));
        match self {
            Self::NotOpened => Problem::not_found("conversation"),
            Self::AlreadyOpen { status } => {
                Problem::new(&ALREADY_OPEN, sentence).with("conversation_status", status.as_str())
            }
            Self::Closed => Problem::new(&CONVERSATION_CLOSED, sentence),
            Self::NoSuchStep { from, to } => Problem::new(&NO_SUCH_STEP, sentence)
                .field("status")
                .with("from", from.as_str())
                .with("to", to.as_str()),
            Self::Taken { by, name } => {
                let agent = name.as_deref().unwrap_or("another agent");
                Problem::new(&ALREADY_ASSIGNED, format!("The conversation is assigned to {agent}."))
                    .field("assignee_id")
                    .with("winner", json!({ "id": by, "name": name }))
            }
            Self::OfferOver => Problem::new(&OFFER_OVER, sentence),
            Self::NotOffered => Problem::not_found("offer"),
            Self::NotAssigned => Problem::unprocessable("status", sentence),
            Self::NoAssignee => Problem::unprocessable("assignee_id", sentence),
            Self::OutsideReplyWindow { hours } => {
                Problem::new(&OUTSIDE_REPLY_WINDOW, sentence).field("template").with("hours", *hours)
            }
            Self::TooManyAutomaticMessages { messages, seconds } => {
                Problem::new(&AUTOMATIC_LIMIT, sentence).with("limit", *messages).with("seconds", *seconds)
            }
            Self::EmptyMessage => Problem::unprocessable("content", sentence),
            Self::TooLong { limit } => Problem::unprocessable("content", sentence).with("limit", *limit),
            Self::NoSuchMessage(_) => Problem::unprocessable("in_reply_to", sentence),
            Self::WrittenSince { .. } => written_since(sentence),
            Self::NoSuchVersion { .. } => Problem::unprocessable("seen_version", sentence),
            Self::NoSuchScheduledMessage => Problem::not_found("scheduled message"),
            Self::AlreadySent => Problem::new(&ALREADY_SENT, sentence),
            Self::BadSendTime => Problem::unprocessable("send_at", sentence),
            Self::NotScheduledByPrograms => Problem::unprocessable("send_at", sentence),
            Self::TooManyScheduled { limit } => {
                Problem::unprocessable("send_at", sentence).with("limit", *limit)
            }
            Self::NotRestored { to } => {
                Problem::new(&CANNOT_UNDO, sentence).field("event_id").with("to", to.as_str())
            }
            Self::SnoozeInThePast => Problem::unprocessable("snoozed_until", sentence),
            Self::BadLabel => Problem::unprocessable("labels", sentence),
            Self::TooManyLabels { limit } => Problem::unprocessable("labels", sentence).with("limit", *limit),
            Self::ContextTooLarge { limit } => {
                Problem::unprocessable("bot_context", sentence).with("limit", *limit)
            }
            Self::Unfilled { names } => unfilled(names),
            Self::NoSuchTeam => Problem::unprocessable("team_id", sentence),
            Self::ChannelOff => channel_off(),
            Self::NoSuchCannedResponse => Problem::unprocessable("canned_response_id", sentence),
            Self::CannotDo { index, action, because } => {
                because.problem().field(format!("actions[{index}]")).with("action", action.as_str())
            }
            Self::SubjectTooLong { limit } => {
                Problem::unprocessable("subject", sentence).with("limit", *limit)
            }
        }
    }
}

impl Refusal for catalogue::Rejection {
    fn problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::not_found("item"),
            Self::NameTaken { field, .. } => {
                Problem::new(&NAME_TAKEN, format!("{}.", capitalized(&self.to_string()))).field(*field)
            }
            Self::Invalid { field, reason } => Problem::unprocessable(field, format!("`{field}`: {reason}.")),
            Self::ChangedMeanwhile { expected, actual } => version_mismatch(*expected, Some(*actual)),
        }
    }
}

impl Refusal for contact::Rejection {
    fn problem(&self) -> Problem {
        let sentence = format!("{}.", capitalized(&self.to_string()));
        match self {
            Self::NotLinked => Problem::not_found("contact identifier"),
            Self::LinkedToAnother { contact_id } => Problem::new(&LINKED_TO_ANOTHER, sentence)
                .field("contact_id")
                .with("contact_id", contact_id.to_string()),
            // Only the provider's reports join identifiers, and they try again.
            Self::JoinedElsewhere => contended(),
            Self::BadIdentifier => Problem::unprocessable("identifier", sentence),
        }
    }
}

impl Refusal for agent::Rejection {
    fn problem(&self) -> Problem {
        match self {
            Self::NotRegistered => Problem::not_found("agent"),
            Self::Removed => Problem::forbidden("The agent was removed from the account."),
            Self::CannotTake(reason) => Problem::new(
                &CANNOT_TAKE,
                format!("The agent cannot take the conversation: {}.", reason.in_words()),
            )
            .field("assignee_id")
            .with("reason", reason.as_str()),
            Self::ChangedMeanwhile { expected, actual } => {
                let detail = match actual {
                    Some(actual) => format!("The version is {actual}, not {expected}."),
                    None => format!("Nothing was changed yet: there is no version {expected}."),
                };
                Problem::version_mismatch(detail)
                    .field("If-Match")
                    .with("current_version", actual.map(|version| version.0))
            }
            Self::Invalid { field, reason } => Problem::unprocessable(field, format!("`{field}`: {reason}.")),
        }
    }
}

impl Refusal for account::Rejection {
    fn problem(&self) -> Problem {
        let sentence = format!("{}.", capitalized(&self.to_string()));
        match self {
            Self::AlreadyOpened => Problem::new(&CONFLICT, sentence),
            Self::NoSuchPerson => Problem::not_found("person"),
            Self::AlreadyJoined => Problem::new(&ALREADY_JOINED, sentence).field("email"),
            Self::OwnersOnly => Problem::forbidden(sentence),
            Self::LastOwner => Problem::new(&LAST_OWNER, sentence),
            Self::LinkUsed | Self::LinkExpired => Problem::new(&LINK_ENDED, sentence),
            Self::TooManyPeople => Problem::unprocessable("email", sentence),
            Self::NoSuchApiKey => Problem::not_found("API key"),
            Self::TooManyApiKeys => Problem::new(&CONFLICT, sentence),
            Self::Invalid { field, reason } => {
                Problem::unprocessable(*field, format!("`{field}`: {reason}."))
            }
        }
    }
}

impl Refusal for person::Rejection {
    fn problem(&self) -> Problem {
        let sentence = format!("{}.", capitalized(&self.to_string()));
        match self {
            Self::LinkUsed | Self::LinkExpired => Problem::new(&LINK_ENDED, sentence),
            Self::PasswordChangedMeanwhile => Problem::new(&CONFLICT, sentence),
            Self::NoSuchSession => Problem::not_found("session"),
        }
    }
}
