//! `verbatim token`: a bearer token for development.

use crate::config::Settings;
use anyhow::Context;
use clap::Args;
use event_schemas::{AccountId, Clock, UserId};
use gate::{Claims, Role};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// The file of the demonstration's secret, in its data folder.
const KEPT_SECRET: &str = "jwt-secret";

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
    let secret = secret(settings)?
        .context("no secret is configured: set VERBATIM_JWT_SECRET to the server's secret")?;
    println!(
        "{}",
        issue(
            &secret,
            options.account.clone(),
            options.user,
            options.role,
            options.name.clone(),
            options.hours
        )?
    );
    Ok(())
}

/// The secret of tokens: the configured one, or the one that the demonstration keeps in its data folder, so that
/// its token is good for a server that goes on with its data.
pub fn secret(settings: &Settings) -> anyhow::Result<Option<String>> {
    match &settings.jwt_secret {
        Some(secret) => Ok(Some(secret.clone())),
        None => kept_secret(&settings.data),
    }
}

fn kept_secret(data: &Path) -> anyhow::Result<Option<String>> {
    let path = data.join(KEPT_SECRET);
    match std::fs::read_to_string(&path) {
        Ok(secret) => Ok(Some(secret.trim().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Makes a secret and keeps it in the data folder.
pub fn keep_new_secret(data: &Path, clock: &Clock) -> anyhow::Result<String> {
    let secret = format!("{}{}", clock.fresh_id().simple(), clock.fresh_id().simple());
    std::fs::create_dir_all(data)?;
    std::fs::write(data.join(KEPT_SECRET), &secret)?;
    Ok(secret)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstrations_token_is_good_for_a_server_with_its_data() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        assert_eq!(kept_secret(&data).unwrap(), None);
        let kept = keep_new_secret(&data, &Clock::System).unwrap();
        assert_eq!(kept_secret(&data).unwrap(), Some(kept));
    }
}
