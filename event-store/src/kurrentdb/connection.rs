//! The vendor's client, which is replaced after connection errors, and the meaning of its errors.
//!
//! The client never connects again after it has failed to reach a server once, and in a cluster it stays with a
//! node that is gone. So every error that may be the connection's discards the client.

use crate::{ReadError, Unavailable};
use eventstore::{Client, ClientSettings, CurrentRevision, Error};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long the server may take for one answer, or for the next part of a stream of answers.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a request is tried when its connection is lost. Every request of this engine may be repeated: appends
/// name the version they expect, and the server recognises a repetition by the event ids.
const TRIES: u32 = 3;

const PAUSE: Duration = Duration::from_millis(50);

/// Why a request failed.
#[derive(Debug)]
pub enum RequestError {
    /// The stream is not at the expected version but at `current`; `None` when it has no event.
    WrongVersion { current: Option<u64> },
    /// The stream does not exist.
    StreamNotFound,
    /// No record of the log begins at the position.
    InvalidPosition,
    /// The server is not available.
    Unavailable(Unavailable),
}

impl From<Unavailable> for RequestError {
    fn from(why: Unavailable) -> Self {
        Self::Unavailable(why)
    }
}

impl From<RequestError> for Unavailable {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Unavailable(why) => why,
            RequestError::WrongVersion { .. }
            | RequestError::StreamNotFound
            | RequestError::InvalidPosition => Unavailable::because("the server gave an unexpected answer"),
        }
    }
}

impl From<RequestError> for ReadError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::InvalidPosition => ReadError::Damaged {
                at: "the requested position".to_owned(),
                reason: "no event of this log is there".to_owned(),
            },
            other => ReadError::Unavailable(other.into()),
        }
    }
}

/// Whether the request is tried again, and with which client.
enum Verdict {
    Final(RequestError),
    Retry { keep_client: bool, why: Unavailable },
}

pub struct Connection {
    settings: ClientSettings,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    client: Option<Client>,
    number: u64,
}

impl Connection {
    pub fn new(settings: ClientSettings) -> Self {
        Self { settings, current: Mutex::default() }
    }

    /// The current client and its number.
    pub async fn client(&self) -> Result<(Client, u64), Unavailable> {
        let mut current = self.current.lock().await;
        if let Some(client) = &current.client {
            return Ok((client.clone(), current.number));
        }
        let settings = self.settings.clone();
        let runtime = tokio::runtime::Handle::current();
        // The client reads certificates from files, and panics when some of them are invalid.
        let made = tokio::task::spawn_blocking(move || Client::with_runtime_handle(runtime, settings)).await;
        let client = match made {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => {
                return Err(Unavailable {
                    reason: format!("its TLS settings cannot be used: {error}"),
                    source: Some(error.into()),
                });
            }
            Err(error) => {
                return Err(Unavailable {
                    reason: "the file named by tlsCaFile is not a certificate in PEM".to_owned(),
                    source: Some(error.into()),
                });
            }
        };
        current.number += 1;
        current.client = Some(client.clone());
        Ok((client, current.number))
    }

    /// Discards the client of this number, unless it was replaced already. The next request creates another one.
    pub async fn discard(&self, number: u64) {
        let mut current = self.current.lock().await;
        if current.number == number {
            current.client = None;
        }
    }

    /// Sends a request, and sends it again after errors that another try may avoid.
    pub async fn request<T, Answer>(&self, send: impl Fn(Client) -> Answer) -> Result<T, RequestError>
    where
        Answer: Future<Output = Result<T, Error>>,
    {
        let mut tried = 0;
        loop {
            let (client, number) = self.client().await?;
            let Ok(answer) = timeout(REQUEST_TIMEOUT, send(client)).await else {
                self.discard(number).await;
                return Err(Unavailable::because("the server did not answer in time").into());
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tried += 1;
            match self.classify(error).await {
                Verdict::Final(error) => return Err(error),
                Verdict::Retry { keep_client, why } => {
                    if !keep_client {
                        self.discard(number).await;
                    }
                    if tried == TRIES {
                        return Err(why.into());
                    }
                }
            }
            tokio::time::sleep(PAUSE * tried).await;
        }
    }

    async fn classify(&self, error: Error) -> Verdict {
        let because = |reason: String, error: Error| Unavailable { reason, source: Some(Box::new(error)) };
        let text = error.to_string();
        let reason = match &error {
            Error::WrongExpectedVersion { current, .. } => {
                let current = match current {
                    CurrentRevision::Current(revision) => Some(*revision),
                    CurrentRevision::NoStream => None,
                };
                return Verdict::Final(RequestError::WrongVersion { current });
            }
            Error::ResourceNotFound => return Verdict::Final(RequestError::StreamNotFound),
            // The client connects to the leader that the error names.
            Error::NotLeaderException(_) => {
                let reason = "the node that answers is not the leader of its cluster".to_owned();
                return Verdict::Retry { keep_client: true, why: because(reason, error) };
            }
            Error::GrpcConnectionError(_) | Error::ConnectionClosed => {
                let reason = why_unreachable(&self.settings).await;
                return Verdict::Retry { keep_client: false, why: because(reason, error) };
            }
            Error::ServerError(_) | Error::DeadlineExceeded | Error::InternalClientError => {
                let reason = "the connection to the server was lost".to_owned();
                return Verdict::Retry { keep_client: false, why: because(reason, error) };
            }
            // HTTP/2 ended the connection: too much data of all requests in flight was waiting to be read.
            Error::Grpc { message, .. } if message.starts_with("h2 protocol error") => {
                let reason = "the connection to the server was lost".to_owned();
                return Verdict::Retry { keep_client: false, why: because(reason, error) };
            }
            Error::AccessDenied => {
                "the server rejects this user: put user:password@ before the host in the URL".to_owned()
            }
            Error::ResourceDeleted => {
                "a stream of this log was deleted on the server: restore the server's backup".to_owned()
            }
            Error::UnsupportedFeature => {
                "the server does not support this request: version 23.10 or newer does".to_owned()
            }
            Error::Grpc { .. } if text.contains("invalid position") => {
                return Verdict::Final(RequestError::InvalidPosition);
            }
            Error::Grpc { .. } if text.to_lowercase().contains("append size") => {
                "the append is larger than the server accepts: raise its MaxAppendSize".to_owned()
            }
            _ => format!("the server refused: {text}"),
        };
        Verdict::Final(RequestError::Unavailable(because(reason, error)))
    }
}

/// Why a server cannot be reached, found out by a TCP connection to its first host.
async fn why_unreachable(settings: &ClientSettings) -> String {
    let Some(host) = settings.hosts().first() else { return "the URL names no host".to_owned() };
    let address = format!("{}:{}", host.host, host.port);
    let probe = timeout(Duration::from_secs(2), TcpStream::connect(&address)).await;
    match (probe, settings.is_secure_mode_enabled()) {
        (Ok(Ok(_)), true) => format!(
            "{address} answers, but not as a KurrentDB server with a certificate that is trusted here: \
             see tls, tlsCaFile and tlsVerifyCert in the URL"
        ),
        (Ok(Ok(_)), false) => {
            format!("{address} answers, but not as a KurrentDB server without TLS: see tls in the URL")
        }
        (Ok(Err(_)) | Err(_), _) => format!("nothing answers at {address}: is the server running?"),
    }
}
