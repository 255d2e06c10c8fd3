//! `verbatim account`: opens accounts, and makes links for people who cannot sign in.

use crate::config::Settings;
use crate::credentials::Keys;
use crate::logging;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use commands::Commands;
use commands::people::NewPerson;
use event_schemas::account::PersonRole;
use event_schemas::{AccountId, Clock, UserId};
use event_store::EventStore;
use providers::{Providers, Timeouts};
use std::sync::Arc;
use std::time::Duration;

#[derive(Subcommand)]
pub enum AccountAction {
    /// Open an account and invite its first owner; prints a link that is valid once
    Create(NewAccount),
    /// Print a link that signs a person in once, so that they can set another password
    SignInLink(SignInLink),
}

#[derive(Args)]
pub struct NewAccount {
    /// The account's name
    #[arg(long)]
    name: String,
    /// The mail address of its first owner
    #[arg(long)]
    email: String,
    /// The id of the account, when people already work in it with tokens
    #[arg(long)]
    id: Option<AccountId>,
}

#[derive(Args)]
pub struct SignInLink {
    /// The person's mail address
    #[arg(long)]
    email: String,
    /// Minutes until the link expires
    #[arg(long, default_value_t = 60)]
    minutes: u64,
}

/// The log may be in use by a server at the same time.
pub async fn run(settings: &Settings, action: AccountAction) -> anyhow::Result<()> {
    logging::start(settings)?;
    if settings.uses_data_folder() {
        std::fs::create_dir_all(&settings.data)
            .with_context(|| format!("cannot create the data folder {}", settings.data.display()))?;
    }
    let store = event_store::open(&settings.log_url(), Clock::System).await?;
    let done = match commands(settings, store.clone()) {
        Ok(commands) => match action {
            AccountAction::Create(account) => create(&commands, account).await,
            AccountAction::SignInLink(link) => sign_in_link(&commands, link).await,
        },
        Err(error) => Err(error),
    };
    store.close().await;
    done
}

fn commands(settings: &Settings, store: Arc<dyn EventStore>) -> anyhow::Result<Commands> {
    let providers = Providers::new([], Timeouts::default(), Clock::System)?;
    let mut commands = Commands::new(store, Arc::new(providers), Clock::System);
    commands.credential_keys = Keys::load(settings)?.ring;
    commands.invitations_last = Duration::from_secs(settings.invitation_seconds);
    commands.public_url = Some(settings.base_url(settings.listen));
    Ok(commands)
}

async fn create(commands: &Commands, account: NewAccount) -> anyhow::Result<()> {
    let id = account.id.unwrap_or_else(|| AccountId(commands.clock.fresh_id()));
    let owner = NewPerson { email: account.email.clone(), name: None, role: PersonRole::Owner };
    let link = commands.open_account(id, account.name.trim().to_owned(), owner).await?;
    println!("The account {} is open: {id}", account.name.trim());
    println!("{} becomes its owner with this link, which is valid once:\n", account.email);
    println!("  {}", commands.page_of_invitation(&link));
    Ok(())
}

async fn sign_in_link(commands: &Commands, link: SignInLink) -> anyhow::Result<()> {
    let user = UserId::of_email(&link.email);
    if link.minutes == 0 {
        bail!("--minutes must be at least 1");
    }
    let lasts = Duration::from_secs(link.minutes.saturating_mul(60));
    let made = commands.issue_sign_in_link(user, lasts).await?;
    println!("This link signs {} in once, within {} minutes:\n", link.email, link.minutes);
    println!("  {}", commands.page_of_sign_in(&made));
    Ok(())
}
