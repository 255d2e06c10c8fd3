//! The client, made anew whenever it is of no more use, and what its errors mean.
//!
//! The vendor's client gives up for good when it cannot reach a server once, and in a cluster holds on to a
//! node that is gone: so whatever smells of the connection costs the client its life.

use crate::{ReadError, Unavailable};
use eventstore::{Client, ClientSettings, CurrentRevision, Error};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long the server may take for one answer, or for the next piece of one.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How often something is tried whose connection was lost. Everything this engine asks for may be asked
/// twice: appends name the version they expect, and the server knows a repetition by its ids.
const TRIES: u32 = 3;

const PAUSE: Duration = Duration::from_millis(50);

/// Why there is no answer.
#[derive(Debug)]
pub enum RequestError {
    /// The stream is not at the version that was expected, but here.
    WrongVersion { current: Option<u64> },
    /// There is no such stream.
    StreamNotFound,
    /// No record of the log begins at the position.
    InvalidPosition,
    /// Nothing can be had just now.
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
            | RequestError::InvalidPosition => {
                Unavailable::because("the server answered something else than was asked")
            }
        }
    }
}

impl From<RequestError> for ReadError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::InvalidPosition => ReadError::Damaged {
                at: "the position asked for".to_owned(),
                reason: "no event of this log is there".to_owned(),
            },
            other => ReadError::Unavailable(other.into()),
        }
    }
}

/// Whether another try, with another client, may help.
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

    /// The client of the moment and its number.
    pub async fn client(&self) -> Result<(Client, u64), Unavailable> {
        let mut current = self.current.lock().await;
        if let Some(client) = &current.client {
            return Ok((client.clone(), current.number));
        }
        let settings = self.settings.clone();
        let runtime = tokio::runtime::Handle::current();
        // It reads certificates from files, and panics over some of them.
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
                    reason: "the file of tlsCaFile is not a certificate in PEM".to_owned(),
                    source: Some(error.into()),
                });
            }
        };
        current.number += 1;
        current.client = Some(client.clone());
        Ok((client, current.number))
    }

    /// Whoever comes next makes another client, unless somebody has.
    pub async fn discard(&self, number: u64) {
        let mut current = self.current.lock().await;
        if current.number == number {
            current.client = None;
        }
    }

    /// Asks, and asks again where that may help.
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
            // The client goes to the leader it was told of.
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
            // HTTP/2 itself ended it: of all that is under way too much was waiting to be read.
            Error::Grpc { message, .. } if message.starts_with("h2 protocol error") => {
                let reason = "the connection to the server was lost".to_owned();
                return Verdict::Retry { keep_client: false, why: because(reason, error) };
            }
            Error::AccessDenied => {
                "the server does not let this user in: put user:password@ before the host in the URL"
                    .to_owned()
            }
            Error::ResourceDeleted => {
                "a stream of this log was deleted on the server: restore the server's backup".to_owned()
            }
            Error::UnsupportedFeature => {
                "the server does not know what it was asked: version 23.10 or newer does".to_owned()
            }
            Error::Grpc { .. } if text.contains("invalid position") => {
                return Verdict::Final(RequestError::InvalidPosition);
            }
            Error::Grpc { .. } if text.to_lowercase().contains("append size") => {
                "this is larger than the server takes at once: raise its MaxAppendSize".to_owned()
            }
            _ => format!("the server refused: {text}"),
        };
        Verdict::Final(RequestError::Unavailable(because(reason, error)))
    }
}

/// Why a server cannot be reached, as far as knocking at its door tells.
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
