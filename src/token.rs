//! `verbatim token`: a bearer token for development.

use crate::config::Settings;
use anyhow::Context;
use clap::Args;
use event_schemas::{AccountId, Clock, UserId};
use gate::{Claims, Role};
use std::time::Duration;

#[derive(Args)]
pub struct TokenOptions {
    /// The account the token is for; repeat for several
    #[arg(long, required = true)]
    account: Vec<AccountId>,
    /// The user it names
    #[arg(long)]
    user: UserId,
    /// agent, supervisor, administrator or service
    #[arg(long, default_value = "agent")]
    role: Role,
    /// The name colleagues see
    #[arg(long)]
    name: Option<String>,
    /// For how many hours it is good
    #[arg(long, default_value_t = 24)]
    hours: u64,
}

/// Prints the token alone, so that it can be put into a variable.
pub fn run(settings: &Settings, options: &TokenOptions) -> anyhow::Result<()> {
    let secret = settings
        .jwt_secret
        .as_deref()
        .context("no secret is configured: set VERBATIM_JWT_SECRET to the one the server uses")?;
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

/// A token of this program's own making.
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
