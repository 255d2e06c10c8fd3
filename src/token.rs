//! `verbatim token`: a bearer token for development.

use crate::config::Settings;
use anyhow::Context;
use clap::Args;
use event_schemas::{AccountId, Clock, UserId};
use gate::{Claims, Role};
use std::time::Duration;

#[derive(Args)]
pub struct TokenOptions {
    /// The account of the token; repeat it for several accounts
    #[arg(long, required = true)]
    account: Vec<AccountId>,
    /// The user of the token
    #[arg(long)]
    user: UserId,
    /// agent, supervisor, administrator or service
    #[arg(long, default_value = "agent")]
    role: Role,
    /// The name that colleagues see
    #[arg(long)]
    name: Option<String>,
    /// Hours until the token expires
    #[arg(long, default_value_t = 24)]
    hours: u64,
}

/// Prints only the token, so that a shell can assign it to a variable.
pub fn run(settings: &Settings, options: &TokenOptions) -> anyhow::Result<()> {
    let secret = settings
        .jwt_secret
        .as_deref()
        .context("no secret is configured: set VERBATIM_JWT_SECRET to the server's secret")?;
    println!(
        "{}",
        issue(
            secret,
            options.account.clone(),
            options.user,
            options.role,
            options.name.clone(),
            options.hours
        )?
    );
    Ok(())
}

/// A token signed with this server's secret.
pub fn issue(
    secret: &str,
    accounts: Vec<AccountId>,
    user: UserId,
    role: Role,
    name: Option<String>,
    hours: u64,
) -> anyhow::Result<String> {
    let claims = Claims { accounts, name, ..Claims::of(user, AccountId(user.0), role) };
    let lifetime = Duration::from_secs(hours.saturating_mul(3600));
    Ok(gate::issue_token(secret, claims, Clock::System.now(), lifetime)?)
}
