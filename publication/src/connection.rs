//! One connection to NATS, from the moment it is made until it breaks. It is never mended: what an old
//! connection still holds back must not come after what a new one has found out.

use crate::error::Trouble;
use crate::settings::{Login, Settings};
use async_nats::jetstream::Context;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};
use std::time::Duration;
use tokio::sync::watch;

/// How long NATS may take to let us in, and to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// After so long without a word NATS is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(10);

pub(crate) struct Connection {
    pub client: Client,
    pub context: Context,
    broken: watch::Receiver<Option<Break>>,
}

/// Why a connection is of no use any more.
#[derive(Clone, Debug)]
enum Break {
    Lost,
    Refused(String),
}

impl Connection {
    pub async fn open(settings: &Settings) -> Result<Self, Trouble> {
        let (breaks, broken) = watch::channel(None);
        let client = options(settings)
            .name("verbatim publication")
            .connection_timeout(PATIENCE)
            .request_timeout(Some(PATIENCE))
            .ping_interval(SILENCE)
            // Each address once: trying again is the caller's business.
            .max_reconnects(settings.servers.len())
            .event_callback(move |event| {
                let breaks = breaks.clone();
                async move {
                    if let Some(reason) = breaks_with(event) {
                        breaks.send_if_modified(|broken| {
                            let first = broken.is_none();
                            broken.get_or_insert(reason);
                            first
                        });
                    }
                }
            })
            .connect(&settings.servers[..])
            .await
            .map_err(|source| explained(settings, source))?;
        let context = ContextBuilder::new().timeout(PATIENCE).build(client.clone());
        Ok(Self { client, context, broken })
    }

    /// Returns when the connection is lost, or the server said that it will not have what we do.
    pub async fn broken(&mut self) -> Trouble {
        match self.broken.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Break::Refused(why))) => Trouble::Refused(why.clone()),
            Ok(_) | Err(_) => Trouble::BrokeOff,
        }
    }
}

fn breaks_with(event: Event) -> Option<Break> {
    match event {
        Event::Disconnected | Event::Closed => Some(Break::Lost),
        // Said of a message that is not answered otherwise: no right to publish it, for example.
        Event::ServerError(error) => Some(Break::Refused(error.to_string())),
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
        Login::Nobody => options,
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

fn explained(settings: &Settings, source: async_nats::ConnectError) -> Trouble {
    let places = settings.places();
    match source.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            Trouble::NotLetIn { places, source }
        }
        ConnectErrorKind::Tls => Trouble::Tls { places, source },
        ConnectErrorKind::ServerParse
        | ConnectErrorKind::Dns
        | ConnectErrorKind::TimedOut
        | ConnectErrorKind::Io
        | ConnectErrorKind::MaxReconnects => Trouble::Unreachable { places, source },
    }
}
