//! What can keep the publication from going on, each in a sentence for an operator.

use async_nats::ConnectError;
use async_nats::jetstream::context::{CreateStreamError, GetStreamError, PublishError, UpdateStreamError};
use async_nats::jetstream::stream::{InfoError, RawMessageError};
use event_store::ReadError;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// All of it may pass: it is tried again for ever, and says so.
#[derive(Debug, thiserror::Error)]
pub enum PublicationError {
    #[error("NATS at {addresses} cannot be reached")]
    Unreachable { addresses: String, source: ConnectError },
    #[error("NATS at {addresses} does not let us in: the user, password, token or credentials are wrong")]
    LoginRejected { addresses: String, source: ConnectError },
    #[error("the encrypted connection to NATS at {addresses} cannot be made")]
    Tls { addresses: String, source: ConnectError },
    #[error("the connection to NATS broke off")]
    ConnectionLost,
    #[error("NATS refuses: {0}")]
    Refused(String),
    #[error("JetStream does not answer, or is not switched on at this server or for this account")]
    NoJetStream(#[source] Source),
    #[error("the stream {stream} cannot be made")]
    NotCreated { stream: String, source: CreateStreamError },
    #[error("the stream {stream} cannot be changed to what is configured ({differences})")]
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
        "the stream {stream} has come to message {sequence}, and this log has fewer events: it was published \
         from another log; configure another name, or delete the stream"
    )]
    LongerThanTheLog { stream: String, sequence: u64 },
    #[error(
        "the last {count} messages of the stream {stream} are not ours: somebody else publishes under \
         `verbatim.`; remove them, and let nobody else publish there"
    )]
    ForeignMessages { stream: String, count: u64 },
    #[error("somebody else published to the stream at the same time")]
    Overtaken,
    #[error("the stream is gone")]
    StreamGone,
    #[error("NATS did not take a message")]
    NotAccepted(#[source] PublishError),
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    /// The reading task ended by itself, which only a panic in it can cause.
    #[error("the reading of the log broke off")]
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

/// An error with what caused it, on one line.
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Some of the client's errors repeat their cause in their own words.
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
