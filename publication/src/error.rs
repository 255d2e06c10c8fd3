//! The errors that stop the publication, each as a sentence for the operator.

use crate::restore::LostMessages;
use async_nats::ConnectError;
use async_nats::jetstream::context::{CreateStreamError, GetStreamError, PublishError, UpdateStreamError};
use async_nats::jetstream::stream::{InfoError, RawMessageError};
use event_store::ReadError;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// An error of the publication. Every error may pass, so the publication reports it and retries without a limit.
#[derive(Debug, thiserror::Error)]
pub enum PublicationError {
    #[error("NATS at {addresses} cannot be reached")]
    Unreachable { addresses: String, source: ConnectError },
    #[error("NATS at {addresses} rejects the login: the user, password, token or credentials are wrong")]
    LoginRejected { addresses: String, source: ConnectError },
    #[error("the encrypted connection to NATS at {addresses} failed")]
    Tls { addresses: String, source: ConnectError },
    #[error("the connection to NATS was lost")]
    ConnectionLost,
    #[error("NATS refuses: {0}")]
    Refused(String),
    #[error("JetStream does not answer, or is not enabled on this server or for this account")]
    NoJetStream(#[source] Source),
    #[error("the stream {stream} cannot be created")]
    NotCreated { stream: String, source: CreateStreamError },
    #[error("the stream {stream} cannot be changed to its configuration ({differences})")]
    NotChanged { stream: String, differences: String, source: UpdateStreamError },
    #[error("the stream {stream} {what}, which cannot be changed: delete it, or configure another name")]
    Unchangeable { stream: String, what: &'static str },
    #[error("the state of the stream cannot be read")]
    NoState(#[source] Source),
    #[error(
        "the stream {stream} was not published from this log: its message {sequence} is the event {event}, \
         which this log does not have; configure another name, or delete the stream"
    )]
    OtherLog { stream: String, sequence: u64, event: String },
    #[error(
        "the event log is older than the stream {stream}, whose messages {} to {} are of events that the log does not \
         have; stop all processes and run `verbatim restore-check`, which says what to do (docs/backup.md)",
        lost.first, lost.last
    )]
    OlderLog { stream: String, lost: LostMessages },
    #[error(
        "the stream {stream} ends with message {sequence}, and this log has fewer events: it was published \
         from another log; configure another name, or delete the stream"
    )]
    LongerThanTheLog { stream: String, sequence: u64 },
    #[error(
        "the last {count} messages of the stream {stream} are from another publisher under `verbatim.`; remove \
         them, and allow no other publisher there"
    )]
    ForeignMessages { stream: String, count: u64 },
    #[error("another publisher has published to the stream at the same time")]
    Overtaken,
    #[error("the stream was deleted")]
    StreamGone,
    #[error("NATS did not accept a message")]
    NotAccepted(#[source] PublishError),
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    /// The task that reads the log ended although it was not stopped, which only a panic can cause.
    #[error("the task that reads the log panicked")]
    ReaderPanicked,
}

impl From<GetStreamError> for PublicationError {
    fn from(error: GetStreamError) -> Self {
        Self::NoJetStream(Box::new(error))
    }
}

impl From<InfoError> for PublicationError {
    fn from(error: InfoError) -> Self {
        Self::NoState(Box::new(error))
    }
}

impl From<RawMessageError> for PublicationError {
    fn from(error: RawMessageError) -> Self {
        Self::NoState(Box::new(error))
    }
}

impl From<PublishError> for PublicationError {
    fn from(error: PublishError) -> Self {
        use async_nats::jetstream::context::PublishErrorKind;
        match error.kind() {
            PublishErrorKind::WrongLastSequence | PublishErrorKind::WrongLastMessageId => Self::Overtaken,
            PublishErrorKind::StreamNotFound => Self::StreamGone,
            PublishErrorKind::BrokenPipe => Self::ConnectionLost,
            PublishErrorKind::TimedOut
            | PublishErrorKind::MaxAckPending
            | PublishErrorKind::MaxPayloadExceeded
            | PublishErrorKind::Other => Self::NotAccepted(error),
        }
    }
}

/// An error with its causes, on one line.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Some of the client's errors contain the text of their cause already.
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
