//! One connection to NATS, from the moment it is made until it breaks. It is never mended: what an old
//! connection still holds back must not come after what a new one has found out.

use crate::error::PublicationError;
use crate::settings::{Login, Settings};
use async_nats::jetstream::Context;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};
use std::time::Duration;
use tokio::sync::watch;

/// How long NATS may take to let us in, and to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// After so long without a word NATS is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(10);

pub(crate) struct Connection {
    pub client: Client,
    pub context: Context,
    failure: watch::Receiver<Option<Failure>>,
}

/// Why a connection is of no use any more.
#[derive(Clone, Debug)]
enum Failure {
    Lost,
    Refused(String),
}

impl Connection {
    pub async fn open(settings: &Settings) -> Result<Self, PublicationError> {
        let (failures, failure) = watch::channel(None);
        let client = options(settings)
            .name("verbatim publication")
            .connection_timeout(TIMEOUT)
            .request_timeout(Some(TIMEOUT))
            .ping_interval(PING_INTERVAL)
            // Each address once: trying again is the caller's business.
            .max_reconnects(settings.servers.len())
            .event_callback(move |event| {
                let failures = failures.clone();
                async move {
                    if let Some(reason) = failure_of(event) {
                        failures.send_if_modified(|failure| {
                            let first = failure.is_none();
                            failure.get_or_insert(reason);
                            first
                        });
                    }
                }
            })
            .connect(&settings.servers[..])
            .await
            .map_err(|source| connect_error(settings, source))?;
        let context = ContextBuilder::new().timeout(TIMEOUT).build(client.clone());
        Ok(Self { client, context, failure })
    }

    /// Returns when the connection is lost, or the server said that it will not have what we do.
    pub async fn failed(&mut self) -> PublicationError {
        match self.failure.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Failure::Refused(why))) => PublicationError::Refused(why.clone()),
            Ok(_) | Err(_) => PublicationError::ConnectionLost,
        }
    }
}

fn failure_of(event: Event) -> Option<Failure> {
    match event {
        Event::Disconnected | Event::Closed => Some(Failure::Lost),
        // Said of a message that is not answered otherwise: no right to publish it, for example.
        Event::ServerError(error) => Some(Failure::Refused(error.to_string())),
        Event::Connected
        | Event::LameDuckMode
        | Event::Draining
        | Event::SlowConsumer(_)
        | Event::ClientError(_) => None,
    }
}

fn options(settings: &Settings) -> ConnectOptions {
    let options = ConnectOptions::new();
    let options = match &settings.login {
        Login::Anonymous => options,
        Login::Token(token) => options.token(token.clone()),
        Login::Password { user, password } => options.user_and_password(user.clone(), password.clone()),
        // They were read once already when they were configured.
        Login::Credentials(text) => options.credentials(text).unwrap_or_default(),
    };
    match &settings.authority {
        Some(path) => options.add_root_certificates(path.clone()),
        None => options,
    }
}

fn connect_error(settings: &Settings, source: async_nats::ConnectError) -> PublicationError {
    let addresses = settings.addresses();
    match source.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            PublicationError::LoginRejected { addresses, source }
        }
        ConnectErrorKind::Tls => PublicationError::Tls { addresses, source },
        ConnectErrorKind::ServerParse
        | ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => PublicationError::Unreachable { addresses, source },
    }
}
