//! One connection to NATS, from connecting to its first failure. It never reconnects: messages that an old
//! connection still holds must not be sent after a new connection has read the stream's end.

use crate::error::PublicationError;
use crate::settings::{Login, Settings};
use async_nats::jetstream::Context;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};
use std::time::Duration;
use tokio::sync::watch;

/// How long NATS may take to accept a connection, and to answer a request.
const TIMEOUT: Duration = Duration::from_secs(5);

/// After this time without traffic the client pings NATS.
const PING_INTERVAL: Duration = Duration::from_secs(10);

pub(crate) struct Connection {
    pub client: Client,
    pub context: Context,
    failure: watch::Receiver<Option<Failure>>,
}

/// Why a connection cannot be used any more.
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
            // Each address is tried once; the caller retries.
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

    /// Returns when the connection is lost or the server reports an error.
    pub async fn failed(&mut self) -> PublicationError {
        match self.failure.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Failure::Refused(why))) => PublicationError::Refused(why.clone()),
            Ok(_) | Err(_) => PublicationError::ConnectionLost,
        }
    }
}

/// A client for messages that no stream keeps. It connects and reconnects by itself, as often as is needed.
pub async fn core_client(settings: &Settings, name: &str) -> Result<Client, PublicationError> {
    options(settings)
        .name(name)
        .connection_timeout(TIMEOUT)
        .ping_interval(PING_INTERVAL)
        .retry_on_initial_connect()
        .connect(&settings.servers[..])
        .await
        .map_err(|source| connect_error(settings, source))
}

fn failure_of(event: Event) -> Option<Failure> {
    match event {
        Event::Disconnected | Event::Closed => Some(Failure::Lost),
        // The only answer to some messages, for example to one that the user has no right to publish.
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
        // The text was parsed successfully when the settings were made.
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
