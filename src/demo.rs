//! `verbatim demo`: shows the whole flow to a new user of the program.
//!
//! Everything goes through the public API: the command API sets the account up, customers write through
//! signed WhatsApp webhooks, agents answer through the command API, and the table shows responses of the
//! query API.

mod account;
mod playing_on;
mod provider;
mod script;
mod table;
mod watch;

use crate::config::Settings;
use crate::serve::{self, Parts};
use crate::{logging, token};
use account::DemoAccount;
use anyhow::{Context, bail};
use clap::Args;
use commands::Commands;
use commands::people::{Acceptance, Browser, NewPerson, PersonLink};
use event_schemas::account::PersonRole;
use event_schemas::{AccountId, Clock};
use gate::Role;
use script::{SCRIPTS, Script, Turn};
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;
use watch::Watching;

#[derive(Args)]
pub struct DemoOptions {
    /// Stop after the demonstration instead of continuing to serve
    #[arg(long)]
    once: bool,
    /// Let the customers be silent after the demonstration, instead of writing again every few seconds
    #[arg(long)]
    still: bool,
    /// Print a line for each push that an agent's client gets, instead of drawing the table again and again
    #[arg(long)]
    watch: bool,
}

/// The pause before each turn, so that a viewer can watch the inbox fill.
const PAUSE_BETWEEN_MESSAGES: Duration = Duration::from_millis(120);
/// The number of customers who write at the same time.
const CONCURRENT_CUSTOMERS: usize = 6;
/// How long the viewer's link is valid.
const LINK_LASTS: Duration = Duration::from_secs(24 * 3_600);

pub async fn run(mut settings: Settings, options: DemoOptions) -> anyhow::Result<()> {
    let clock = Clock::System;
    if settings.data == Path::new("data") {
        settings.data = PathBuf::from(format!("data/demo-{}", clock.now().as_micros() / 1_000_000));
    }
    let secret = match token::secret(&settings)? {
        Some(secret) => secret,
        None => token::keep_new_secret(&settings.data, &clock)?,
    };
    settings.jwt_secret = Some(secret.clone());
    settings.log = "warn".to_owned();
    logging::start(&settings)?;

    let (provider, accepted) = provider::start().await?;
    settings.allowed_addresses.push(provider.ip().to_string());
    println!("Verbatim demonstration: everything in one process, data in {}", settings.data.display());
    let server = serve::start(&settings, Parts::ALL).await?;
    server.until_open().await;
    let base = format!("http://{}", server.address());

    let account_id = AccountId(clock.fresh_id());
    let account = DemoAccount::set_up(&base, &secret, account_id, &format!("http://{provider}")).await?;
    println!(
        "An account with a WhatsApp channel, {} agents, 2 teams, opening hours, an SLA policy and 3 canned responses.",
        account.agents.len()
    );
    println!("{} customers write through signed webhooks; the agents answer.\n", SCRIPTS.len());

    let statuses = tokio::spawn(account.clone().report_statuses(accepted));
    let (done, is_done) = channel::channel(0_usize);
    // It prints until the end.
    let mut watching = match options.watch {
        true => Some(Watching::start(server.address(), account.supervisor_token()).await?),
        false => None,
    };
    let in_place = !options.watch && stdout().is_terminal();
    let show = tokio::spawn(table::watch(account.clone(), SCRIPTS.len(), is_done, in_place));
    play_all(&account, &done).await?;
    if let Some(watching) = &mut watching {
        watching.until_printed(&account.query("/v1/conversations?limit=200").await?).await?;
    }
    drop(done);
    show.await.context("the table's task panicked")??;

    let link = sign_in_link(server.commands(), account_id).await?;
    let token = token::issue(
        &secret,
        vec![account_id],
        account.supervisor,
        Role::Administrator,
        Some("You".to_owned()),
        24 * 7,
    )?;
    print_summary(&base, &settings, &token, &account).await?;
    if options.once {
        statuses.abort();
        return server.stop().await;
    }
    println!(
        "\nServing. Ctrl-C stops; `verbatim serve --data {}` continues with this data and this token.",
        settings.data.display()
    );
    if cfg!(feature = "ui") {
        println!("The inbox, signed in once by this link:  {base}/#sign-in={link}");
        println!(
            "Another link:  verbatim account sign-in-link --email {} --data {} --listen {}",
            your_email(account_id),
            settings.data.display(),
            server.address()
        );
    }
    let playing = match options.still {
        true => None,
        false => {
            println!("The customers write on, and the agents answer. Take a conversation: it is yours then.");
            Some(tokio::spawn(playing_on::play_on(account)))
        }
    };
    let served = server.run_until_signal().await;
    playing.inspect(JoinHandle::abort);
    served
}

/// The mail address of the viewer. Each demonstration has its own account and its own viewer, also with the same data.
fn your_email(account: AccountId) -> String {
    let (account, _) = account.0.as_u64_pair();
    format!("you-{account:x}@example.com")
}

/// Opens the account to people, with the viewer as its owner. Returns the secret of a link that signs them in.
async fn sign_in_link(commands: &Commands, account: AccountId) -> anyhow::Result<PersonLink> {
    let (name, clock) = (Some("You".to_owned()), Clock::System);
    let owner = NewPerson { email: your_email(account), name: name.clone(), role: PersonRole::Owner };
    let link = commands.open_account(account, "Demonstration".to_owned(), owner).await?;
    // No person knows this password: the link takes its place, and allows to set another one.
    let password = format!("{}{}", clock.fresh_id(), clock.fresh_id());
    let accepted = commands.accept(Acceptance { link, name, password }, Browser::default(), clock.fresh_id());
    let person = accepted.await?.signed_in.user;
    Ok(commands.issue_sign_in_link(person, LINK_LASTS).await?)
}

async fn play_all(account: &DemoAccount, done: &channel::Sender<usize>) -> anyhow::Result<()> {
    use futures::{StreamExt, TryStreamExt, stream};
    stream::iter(SCRIPTS.iter().enumerate())
        .map(|(number, script)| async move {
            play(account, number, script)
                .await
                .with_context(|| format!("the conversation with {}", script.name))?;
            done.send_modify(|played| *played += 1);
            anyhow::Ok(())
        })
        .buffer_unordered(CONCURRENT_CUSTOMERS)
        .try_collect::<()>()
        .await
}

async fn play(account: &DemoAccount, number: usize, script: &Script) -> anyhow::Result<()> {
    let mut conversation = None;
    for (turn_number, turn) in script.turns.iter().enumerate() {
        tokio::time::sleep(PAUSE_BETWEEN_MESSAGES).await;
        if let Turn::Customer(text) = turn {
            account.customer_writes(script, &format!("wamid.demo.{number}.{turn_number}"), text).await?;
            if conversation.is_none() {
                let id = account.conversation_of(script.phone).await?;
                conversation = Some(id.clone());
                if let Some(agent) = script.agent {
                    account.claim(agent, &id).await?;
                }
            }
            continue;
        }
        let Some(id) = &conversation else { bail!("the customer did not write before turn {turn_number}") };
        account.act(script, id, turn).await?;
    }
    Ok(())
}

async fn print_summary(
    base: &str,
    settings: &Settings,
    token: &str,
    account: &DemoAccount,
) -> anyhow::Result<()> {
    let conversation = account.conversation_of(SCRIPTS[0].phone).await?;
    println!("\nOpen in a browser   {base}/docs          the API's documentation");
    println!("                    {base}/metrics       the metrics");
    println!("Data                {}", settings.data.display());
    println!("Account             {}", account.id);
    println!("A token, valid for a week:\n\n  export TOKEN={token}\n");
    println!("Try:\n");
    println!(
        "  curl -s -H \"Authorization: Bearer {token}\" '{base}/v1/conversations?status=open&sort=unanswered_since:asc&limit=5'"
    );
    println!(
        "  curl -s -H \"Authorization: Bearer {token}\" '{base}/v1/conversations/{conversation}/events'"
    );
    println!(
        "  curl -s -X POST -H \"Authorization: Bearer {token}\" -H 'Content-Type: application/json' -d '{{\"content\": \"The refund is booked.\"}}' '{base}/v1/conversations/{conversation}/messages'"
    );
    Ok(())
}
