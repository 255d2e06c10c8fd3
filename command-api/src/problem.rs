//! The answers to refused commands: every rejection becomes a problem here, once.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::response::{IntoResponse, Response};
use commands::execute::{CommandError, LoadError};
use commands::inbound_webhook::InboundWebhookError;
use domain::conversation::Rejection;
use domain::{agent, catalogue, contact};
use event_schemas::Version;
use event_schemas::routing::Ineligible;
use event_store::Unavailable;
use gate::Problem;
use gate::problem::kinds::BAD_SIGNATURE;
use providers::{BadSetting, RefusedWebhook};
use serde_json::json;
use std::error::Error;
use std::time::Duration;

gate::problem_kinds! { KINDS {
    ALREADY_ASSIGNED: CONFLICT "already-assigned", "Another agent has it",
        "The conversation belongs to the agent that `winner` names. Taking it from a colleague is a supervisor's right; other callers name the version they saw in `If-Match`, to show that it is meant.";
    ALREADY_OPEN: CONFLICT "already-open", "The conversation is open already",
        "The contact has one open conversation on a channel at a time: `conversation_id` names it. Write in that one.";
    CANNOT_TAKE: CONFLICT "agent-cannot-take-it", "The agent cannot take it",
        "`reason` says what there is against it: the agent is at capacity, away, outside their hours, of another account. A supervisor who means it all the same sends `force`.";
    OFFER_OVER: CONFLICT "offer-over", "The offer is over",
        "Its time has passed, or it was withdrawn. The next agent is asked, and you may be asked again.";
    CONVERSATION_CLOSED: CONFLICT "conversation-closed", "The conversation is closed",
        "Closed is for ever. The contact's next message begins another conversation, and so does `POST /v1/conversations`.";
    NO_SUCH_STEP: CONFLICT "no-such-step", "That does not follow from where it stands",
        "The conversation's status does not allow this step: `from` is where it stands, `to` is where it was to go.";
    OUTSIDE_REPLY_WINDOW: UNPROCESSABLE_ENTITY "outside-reply-window", "Only a template may be sent now",
        "The provider lets free text through only for so many hours after the customer's last message. Send a `template` that the provider has approved.";
    NAME_TAKEN: CONFLICT "name-taken", "There is another of this name",
        "Names and short codes are unique among things of a kind in an account, whatever their case. Choose another, or change the thing that has it.";
    LINKED_TO_ANOTHER: CONFLICT "linked-to-another", "It belongs to another contact",
        "The identifier belongs to the contact that `contact_id` names. Moving it is explicit: change the identifier by its id.";
    REGISTERED_ELSEWHERE: CONFLICT "registered-elsewhere", "Another account knows this person",
        "The person answers for another account already. They join this one by signing in to it themselves.";
    KEY_REUSED: UNPROCESSABLE_ENTITY "idempotency-key-reused", "This key belongs to another request",
        "The `Idempotency-Key` was used before for something else. Use a fresh key for each command, and the same only to repeat it.";
}}

/// How soon to try again what the log could not take.
const LOG_PAUSE: Duration = Duration::from_secs(2);
/// How soon to try again when too many callers change the same thing.
const CROWD_PAUSE: Duration = Duration::from_secs(1);

/// The refusal of a command's handler: a [`Problem`], made of the write side's errors as well.
#[derive(Debug)]
pub struct CommandProblem(Problem);

impl CommandProblem {
    /// The field of the request that the problem is about.
    pub(crate) fn field(self, field: impl Into<String>) -> Self {
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

/// A reason of the domain's, as a problem.
pub(crate) trait Refusal: Error + 'static {
    fn problem(&self) -> Problem;
}

impl<R: Refusal> From<CommandError<R>> for CommandProblem {
    fn from(error: CommandError<R>) -> Self {
        Self(match error {
            CommandError::Rejected(rejection) => rejection.problem(),
            CommandError::NotFound => Problem::not_found("thing"),
            CommandError::VersionMismatch { expected, actual } => version_mismatch(expected, actual),
            CommandError::KeyReused => key_reused(),
            CommandError::Contended => crowded(),
            CommandError::Unavailable(unavailable) => out_of_order(&unavailable),
            CommandError::Damaged { stream, source } => damaged(&stream, &*source),
        })
    }
}

impl From<LoadError> for CommandProblem {
    fn from(error: LoadError) -> Self {
        Self(match error {
            LoadError::Unavailable(unavailable) => out_of_order(&unavailable),
            LoadError::Damaged { stream, source } => damaged(&stream, &*source),
        })
    }
}

impl From<InboundWebhookError> for CommandProblem {
    fn from(error: InboundWebhookError) -> Self {
        Self(match error {
            InboundWebhookError::NoSuchChannel => Problem::not_found("channel"),
            InboundWebhookError::Refused(RefusedWebhook::NotAHandshake(missing)) => {
                Problem::unreadable(format!("This is no verification request: {missing}."))
            }
            InboundWebhookError::Refused(refused @ RefusedWebhook::NoHandshake) => {
                Problem::unreadable(format!("This is no verification request: {refused}."))
            }
            InboundWebhookError::Refused(
                refused @ (RefusedWebhook::NoSignature(_)
                | RefusedWebhook::WrongSignature
                | RefusedWebhook::WrongToken
                | RefusedWebhook::NotConfigured(_)),
            ) => Problem::new(&BAD_SIGNATURE, format!("{}.", capital(&refused.to_string()))),
            InboundWebhookError::TokenNeeded => Problem::unauthenticated(
                "This channel has no secret: send a service's token of its account, or give it a secret.",
            ),
            InboundWebhookError::Unavailable(unavailable) => out_of_order(&unavailable),
            InboundWebhookError::Contended => crowded(),
            InboundWebhookError::Failed(source) => damaged("a webhook's stream", &*source),
        })
    }
}

fn version_mismatch(expected: Version, actual: Option<Version>) -> Problem {
    let detail = match actual {
        Some(actual) => format!("The version is {actual}, not {expected}."),
        None => "There is no version of it yet.".to_owned(),
    };
    Problem::version_mismatch(detail)
        .field("If-Match")
        .with("current_version", actual.map(|version| version.0))
}

/// A provider's objection to a channel's settings.
pub(crate) fn bad_setting(setting: &BadSetting) -> Problem {
    Problem::unprocessable(&*setting.field, format!("`{}`: {}.", setting.field, setting.reason))
}

pub(crate) fn key_reused() -> Problem {
    Problem::new(&KEY_REUSED, "This key was used for another request: take a fresh one.")
        .field("Idempotency-Key")
}

pub(crate) fn out_of_order(unavailable: &Unavailable) -> Problem {
    tracing::warn!(error = unavailable as &dyn Error, "a command could not be written down");
    Problem::unavailable(format!("The event log is not available: {}.", unavailable.reason), LOG_PAUSE)
}

fn crowded() -> Problem {
    Problem::unavailable("Too many callers change it at the same time: try again.", CROWD_PAUSE)
}

fn damaged(stream: &str, source: &(dyn Error + 'static)) -> Problem {
    tracing::error!(stream, error = source, "a command failed");
    Problem::internal()
}

fn because(reason: Ineligible) -> &'static str {
    match reason {
        Ineligible::Unavailable => "they have switched themselves off",
        Ineligible::Offline => "they are offline",
        Ineligible::Away => "they are away",
        Ineligible::OnLeave => "they are on leave",
        Ineligible::OutsideHours => "it is outside their working hours",
        Ineligible::Channel => "they do not take conversations on this channel",
        Ineligible::Topic => "they do not take conversations on this topic",
        Ineligible::Language => "they do not speak the language",
        Ineligible::AtCapacity => "they have as many conversations as they can take",
        Ineligible::Declined => "they did not take it when it was offered",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl Refusal for Rejection {
    fn problem(&self) -> Problem {
        let sentence = format!("{}.", capital(&self.to_string()));
        match self {
            Self::NotOpened => Problem::not_found("conversation"),
            Self::AlreadyOpen { status } => {
                Problem::new(&ALREADY_OPEN, sentence).with("status", status.as_str())
            }
            Self::Closed => Problem::new(&CONVERSATION_CLOSED, sentence),
            Self::NoSuchStep { from, to } => Problem::new(&NO_SUCH_STEP, sentence)
                .field("status")
                .with("from", from.as_str())
                .with("to", to.as_str()),
            Self::Taken { by, name } => {
                let whose = name.as_deref().unwrap_or("Another agent");
                Problem::new(&ALREADY_ASSIGNED, format!("{whose} has this conversation."))
                    .field("assignee_id")
                    .with("winner", json!({ "id": by, "name": name }))
            }
            Self::OfferOver => Problem::new(&OFFER_OVER, sentence),
            Self::NotOffered => Problem::not_found("offer"),
            Self::NobodyAssigned => Problem::unprocessable("status", sentence),
            Self::NobodyNamed => Problem::unprocessable("assignee_id", sentence),
            Self::OutsideReplyWindow { hours } => {
                Problem::new(&OUTSIDE_REPLY_WINDOW, sentence).field("template").with("hours", *hours)
            }
            Self::EmptyMessage => Problem::unprocessable("content", sentence),
            Self::TooLong { limit } => Problem::unprocessable("content", sentence).with("limit", *limit),
            Self::NoSuchMessage(_) => Problem::unprocessable("in_reply_to", sentence),
            Self::SnoozeInThePast => Problem::unprocessable("snoozed_until", sentence),
            Self::BadLabel => Problem::unprocessable("labels", sentence),
            Self::TooManyLabels { limit } => Problem::unprocessable("labels", sentence).with("limit", *limit),
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
            Self::NotFound => Problem::not_found("thing"),
            Self::NameTaken { field, .. } => {
                Problem::new(&NAME_TAKEN, format!("{}.", capital(&self.to_string()))).field(*field)
            }
            Self::Invalid { field, reason } => Problem::unprocessable(field, format!("`{field}`: {reason}.")),
            Self::ChangedMeanwhile { expected, actual } => version_mismatch(*expected, Some(*actual)),
        }
    }
}

impl Refusal for contact::Rejection {
    fn problem(&self) -> Problem {
        let sentence = format!("{}.", capital(&self.to_string()));
        match self {
            Self::NotLinked => Problem::not_found("contact identifier"),
            Self::LinkedToAnother { contact_id } => Problem::new(&LINKED_TO_ANOTHER, sentence)
                .field("contact_id")
                .with("contact_id", contact_id.to_string()),
            Self::BadIdentifier => Problem::unprocessable("identifier", sentence),
        }
    }
}

impl Refusal for agent::Rejection {
    fn problem(&self) -> Problem {
        match self {
            Self::NotRegistered => Problem::not_found("agent"),
            Self::OtherAccounts => Problem::new(&CANNOT_TAKE, format!("{}.", capital(&self.to_string())))
                .field("assignee_id")
                .with("reason", "another_account"),
            Self::CannotTake(reason) => {
                Problem::new(&CANNOT_TAKE, format!("The agent cannot take it: {}.", because(*reason)))
                    .field("assignee_id")
                    .with("reason", reason.as_str())
            }
            Self::ChangedMeanwhile { expected, actual } => {
                let detail = match actual {
                    Some(actual) => format!("The preferences are at version {actual}, not {expected}."),
                    None => "The preferences were never changed.".to_owned(),
                };
                Problem::version_mismatch(detail)
                    .field("If-Match")
                    .with("current_version", actual.map(|version| version.0))
            }
            Self::RegisteredElsewhere => {
                Problem::new(&REGISTERED_ELSEWHERE, format!("{}.", capital(&self.to_string())))
                    .field("user_id")
            }
            Self::Invalid { field, reason } => Problem::unprocessable(field, format!("`{field}`: {reason}.")),
        }
    }
}
