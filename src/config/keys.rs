//! Every key of the configuration: documentation, type, default. One entry here is all that a key needs; the
//! annotated file follows with `VERBATIM_WRITE_CONFIG=1 cargo test --bin verbatim config`.
//!
//! The first paragraph of a key's documentation is the help of its flag.

use super::declaration::sections;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The first lines of the annotated file.
pub(super) const PREFACE: &str = "\
# Verbatim's configuration, with every key and its default.
#
# The same names work as flags (`--rate-limit 50`) and as environment variables (`VERBATIM_RATE_LIMIT=50`).
# Each key can also be in a file of its own, named by the variable with _FILE at its end
# (VERBATIM_JWT_SECRET_FILE=/run/secrets/jwt), so that secrets are in no environment.
#
# The command line wins over the environment, the environment over the file named by `--config`
# (`VERBATIM_CONFIG`), and the file over what is written here. A key without a default is commented out.
";

sections! {
    /// Where Verbatim listens, and where it keeps its data.
    {
        /// The address to listen on, ADDRESS:PORT.
        listen: SocketAddr = "\"127.0.0.1:8080\"";
        /// The address for health and metrics; without this key they are served beside the API.
        ///
        /// `/healthz`, `/readyz` and `/metrics` need no token. Where the API can be reached from outside, name an
        /// address that only the monitoring reaches.
        operations_listen: Option<SocketAddr>, example "\"127.0.0.1:9090\"";
        /// The folder that holds the event log, the read models and the process managers' tables.
        data: PathBuf = "\"data\"";
        /// The event log, as a URL; without this key sqlite:<data>/events.db.
        ///
        /// sqlite:<path>, or postgres://user:password@host:5432/database for any number of nodes (PostgreSQL 15
        /// or newer, a database of its own; directly, or through a transaction-mode pooler, behind which events of
        /// other nodes are noticed a tenth of a second later), or esdb:// and kurrentdb:// (docs/kurrentdb.md; a
        /// build with the feature kurrentdb).
        event_store: Option<String>, example "\"sqlite:data/events.db\"";
        /// The read models and the process managers' tables, as a URL; without this key sqlite:<data>.
        ///
        /// A folder of SQLite files, or a PostgreSQL database (15 or newer) of Verbatim's own, which may be the
        /// event log's.
        read_model: Option<String>, example "\"postgres://verbatim:password@localhost/verbatim\"";
        /// The address at which clients reach this server; without this key http://<listen>.
        ///
        /// Event documents name their schemas under it.
        public_url: Option<String>, example "\"https://support.example.com\"";
        /// A folder to serve the agents' pages from, instead of those that are part of the program.
        ///
        /// It is read for each request, so that changed pages are served at once: `ui/dist` of a checkout, see docs/ui.md.
        ui_dir: Option<PathBuf>, example "\"ui/dist\"";
    }

    /// Publication of every event as a CloudEvent, by the process that runs the projections; see
    /// docs/publication.md. Without `nats` nothing is published.
    {
        /// The NATS servers to publish to: nats://host:4222 or tls://…, several separated by commas.
        ///
        /// The user is part of the address (nats://user:password@host:4222, nats://token@host:4222) or in a
        /// credentials file. tls:// encrypts and trusts the system's certificates or those of `nats_ca`.
        nats: Option<String>, example "\"nats://127.0.0.1:4222\"";
        /// A NATS credentials file.
        nats_credentials: Option<PathBuf>, example "\"verbatim.creds\"";
        /// The certificates (PEM) that NATS servers are trusted by, instead of the system's.
        nats_ca: Option<PathBuf>, example "\"nats-ca.pem\"";
        /// The JetStream stream to publish to. It is created if it is missing.
        nats_stream: String = "\"VERBATIM\"";
        /// The number of servers of a NATS cluster that keep the stream.
        nats_replicas: usize = "1";
        /// Seconds that the stream keeps an event; 0: for ever.
        nats_max_age: u64 = "0";
        /// Bytes that the stream keeps at most, the oldest events being dropped first; 0: no limit.
        nats_max_bytes: u64 = "0";
        /// Seconds for which NATS itself recognises an event that it has already.
        nats_duplicate_window: u64 = "120";
    }

    /// Authentication of programs, and of people whom another system signs in: tokens, and a trusted gateway.
    {
        /// The secret of HS256 tokens, at least 32 bytes.
        jwt_secret: Option<String>, example "\"\"";
        /// The secret that tokens were signed with before; they stay valid until they expire.
        ///
        /// To replace a secret: the new one in `jwt_secret`, the old one here, and remove it when the last token has
        /// expired.
        jwt_previous_secret: Option<String>, example "\"\"";
        /// The secret of the tokens of event streams and customers' sessions; without this key `jwt_secret`.
        ///
        /// At least 32 bytes. Without both, such a token is valid only at the process that has issued it. Several
        /// processes that take tokens only of `jwks_url` or a gateway need the same secret here.
        stream_token_secret: Option<String>, example "\"\"";
        /// The address of the published keys (JWKS) of RS256 and ES256 tokens.
        ///
        /// They are cached, and fetched again when a token names a key that is not known.
        jwks_url: Option<String>, example "\"https://id.example.com/.well-known/jwks.json\"";
        /// The issuer that tokens must name.
        jwt_issuer: Option<String>, example "\"https://id.example.com/\"";
        /// The audience that tokens must name.
        jwt_audience: Option<String>, example "\"verbatim\"";
        /// Trust the headers X-Account-Id, X-User-Id, X-User-Role and X-User-Name of a gateway.
        ///
        /// Only behind a gateway that sets them itself and removes them from requests that come from outside.
        trust_gateway_headers: bool = "false";
    }

    /// People who sign in with a mail address and a password; see docs/people.md.
    {
        /// Seconds after which a session ends that is not used.
        session_idle_seconds: u64 = "43200";
        /// Seconds after which a session ends, however often it is used.
        session_seconds: u64 = "604800";
        /// Seconds for which the link of an invitation is valid.
        invitation_seconds: u64 = "604800";
    }

    /// Credentials of channels and secrets of webhooks; see docs/operations.md.
    {
        /// The keys that seal credentials before they are stored, separated by commas: 32 bytes in Base64 each.
        ///
        /// The first seals, all of them open: to replace a key, put a new one before it. `openssl rand -base64 32`
        /// makes a key. All processes on the same log that execute commands need the same keys. Without this key
        /// an event log in the data folder has its own in the file credentials.key, and a log elsewhere gets
        /// credentials in plain text.
        credentials_key: Vec<String> = "[]";
    }

    /// The contract of a conversation service, for programs that were written for it; see
    /// docs/conversation-service.md.
    {
        /// The accounts that use the contract, separated by commas; `*`: all.
        ///
        /// Without an account its routes do not exist.
        conversation_service_accounts: Vec<String> = "[]";
        /// Trust the header X-Tenant-Id of a gateway: a request or a connection of Socket.IO needs no token.
        ///
        /// Only behind a gateway that sets it itself and removes it from requests that come from outside.
        conversation_service_trusts_tenant_header: bool = "false";
    }

    /// Limits of the HTTP APIs.
    {
        /// The largest request body, in bytes.
        ///
        /// Meta sends webhooks of up to 3 MB.
        body_limit: usize = "4194304";
        /// Requests a second that one user may make over time; 0: no limit for users, accounts and strangers.
        rate_limit: u32 = "200";
        /// Requests that one user may make at once.
        rate_burst: u32 = "500";
        /// Requests a second that all users of one account may make over time; 0: no limit.
        account_rate_limit: u32 = "250";
        /// Requests that all users of one account may make at once.
        account_rate_burst: u32 = "800";
        /// Requests a second that one address may make without a valid token or signature; 0: no limit.
        stranger_rate_limit: u32 = "100";
        /// Requests that one address may make at once without a valid token or signature.
        stranger_rate_burst: u32 = "500";
        /// Bytes that all webhooks together may hold whose signatures are not checked yet.
        strangers_bytes: usize = "67108864";
        /// Connections that are open at the same time; further ones are closed at once.
        connection_limit: usize = "10000";
        /// Connections that are open from one address at the same time; 0: no limit of their own.
        ///
        /// Behind a proxy all connections come from its address.
        connections_per_address: usize = "4000";
        /// Seconds that the headers of a request may take, and that a connection may stay open between requests.
        header_timeout: u64 = "20";
        /// Seconds after which a request is given up and answered with 503.
        request_timeout: u64 = "30";
        /// Origins whose pages may call the API from a browser, separated by commas; `*`: all.
        cors_origins: Vec<String> = "[]";
    }

    /// Delivery of outgoing messages.
    {
        /// The address of WhatsApp's Graph API, for channels that do not name one.
        whatsapp_base_url: String = "\"https://graph.facebook.com\"";
        /// Seconds that a provider may take to answer.
        provider_timeout: u64 = "15";
        /// The number of attempts before an outgoing message counts as failed.
        delivery_attempts: u32 = "60";
        /// Milliseconds before the second attempt.
        ///
        /// Each further wait is twice as long, with jitter, and at most ten minutes.
        delivery_backoff_ms: u64 = "1000";
        /// Seconds to wait for the provider's status of a message that may or may not have been sent.
        delivery_grace: u64 = "120";
    }

    /// Drafts: texts that agents have written and not sent.
    {
        /// Seconds after which a draft ends that was not changed.
        drafts_kept_seconds: u64 = "7776000";
    }

    /// The limit between the past and the present; see docs/routing.md.
    {
        /// Seconds after which a message, an event or a moment is past, so that nothing is sent for it any more.
        ///
        /// A customer's message that was said longer ago gets no answer of the bot or of an automation rule, and an
        /// outgoing message or webhook that could not be delivered for so long fails (docs/routing.md).
        side_effects_max_age_seconds: u64 = "86400";
    }

    /// Webhooks of macros and automation rules.
    {
        /// The number of calls before a webhook is given up.
        webhook_attempts: u32 = "20";
        /// Milliseconds before the second call.
        ///
        /// Each further wait is twice as long, with jitter, and at most an hour.
        webhook_backoff_ms: u64 = "5000";
        /// Seconds that a program may take to answer a webhook.
        webhook_timeout: u64 = "15";
        /// Allow webhooks and base URLs of channels to all private addresses, and webhooks over plain HTTP.
        ///
        /// A user who may define a rule can then make this server call any machine that it reaches. Where single
        /// addresses are enough, name them in `allowed_addresses`.
        webhooks_to_private_addresses: bool = "false";
    }

    /// The addresses that accounts may have this server call, by webhooks and base URLs of channels. Public ones
    /// are always allowed, private ones only if they are named here. docs/operations.md says which are private.
    {
        /// Private addresses, networks and host names that are allowed, separated by commas.
        ///
        /// For providers in the operator's own network: 10.1.2.3, 10.1.0.0/16, gateway.internal. A name is allowed
        /// with every address that it resolves to.
        allowed_addresses: Vec<String> = "[]";
        /// The proxy through which channels and webhooks are called; without this key they are called directly.
        ///
        /// HTTPS_PROXY and HTTP_PROXY of the environment are not used. A proxy resolves the names itself, so it must
        /// refuse private addresses itself.
        outgoing_proxy: Option<String>, example "\"http://proxy.internal:3128\"";
    }

    /// Presence of agents. An agent who never reports presence counts as available while switched on.
    {
        /// Seconds without a heartbeat after which an online agent counts as away and is assigned nothing more.
        agent_away_after: u64 = "300";
        /// Further seconds after which an agent who is away counts as offline.
        ///
        /// Then the queue's setting says whether the agent keeps the assigned conversations.
        agent_offline_after: u64 = "1800";
    }

    /// Logging. A log line never holds a message's text or a person's data.
    {
        /// The log level (error, warn, info, debug), or target=level pairs.
        log: String = "\"info\"";
        /// The format of log lines: text or json.
        log_format: String = "\"text\"", one of ["text", "json"];
    }
}
