//! `verbatim demo`: the whole way once, for somebody who sees it for the first time.
//!
//! Everything goes through the public door: the account is set up by the command API, the customers write
//! by signed WhatsApp webhooks, the agents answer by the command API, and what is shown was asked of the
//! query API.

mod account;
mod provider;
mod script;
mod table;

use crate::config::Settings;
use crate::serve::{self, Parts};
use crate::{logging, token};
use account::Desk;
use anyhow::{Context, bail};
use clap::Args;
use event_schemas::{AccountId, Clock};
use gate::Role;
use script::{SCRIPTS, Script, Turn};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

#[derive(Args)]
pub struct DemoOptions {
    /// Stop when everything has been shown, instead of going on serving
    #[arg(long)]
    once: bool,
}

/// How long people take between two messages, so that the inbox can be watched as it fills.
const PAUSE: Duration = Duration::from_millis(120);
/// How many customers write at the same time.
const AT_ONCE: usize = 6;

pub async fn run(mut settings: Settings, options: DemoOptions) -> anyhow::Result<()> {
    let fresh = Clock::System;
    if settings.data == Path::new("data") {
        settings.data = PathBuf::from(format!("data/demo-{}", fresh.now().as_micros() / 1_000_000));
    }
    let secret = match &settings.jwt_secret {
        Some(secret) => secret.clone(),
        None => format!("{}{}", fresh.fresh_id().simple(), fresh.fresh_id().simple()),
    };
    settings.jwt_secret = Some(secret.clone());
    settings.log = "warn".to_owned();
    logging::start(&settings)?;

    let (provider, accepted) = provider::start().await?;
    println!("Verbatim demonstration: everything in one process, data in {}", settings.data.display());
    let server = serve::start(&settings, Parts::ALL).await?;
    let base = format!("http://{}", server.address());

    let account = AccountId(fresh.fresh_id());
    let desk = Desk::set_up(&base, &secret, account, &format!("http://{provider}")).await?;
    println!(
        "An account with a WhatsApp channel, {} agents, 2 teams, opening hours, an SLA policy and 3 canned responses.",
        desk.agents.len()
    );
    println!("{} customers write by signed webhooks; the agents answer.\n", SCRIPTS.len());

    let statuses = tokio::spawn(desk.clone().report_statuses(accepted));
    let (done, is_done) = watch::channel(0_usize);
    let show = tokio::spawn(table::watch(desk.clone(), SCRIPTS.len(), is_done));
    play_all(&desk, &done).await?;
    drop(done);
    show.await.context("the table broke off")??;

    let token = token::issue(
        &secret,
        vec![account],
        desk.supervisor,
        Role::Administrator,
        Some("You".to_owned()),
        24 * 7,
    )?;
    say_goodbye(&base, &settings, &token, &desk).await?;
    if options.once {
        statuses.abort();
        return server.stop().await;
    }
    println!(
        "\nServing. Ctrl-C stops; `--data {}` with `verbatim serve` goes on from here.",
        settings.data.display()
    );
    server.run_until_signal().await
}

async fn play_all(desk: &Desk, done: &watch::Sender<usize>) -> anyhow::Result<()> {
    use futures::{StreamExt, TryStreamExt, stream};
    stream::iter(SCRIPTS.iter().enumerate())
        .map(|(number, script)| async move {
            play(desk, number, script)
                .await
                .with_context(|| format!("the conversation with {}", script.name))?;
            done.send_modify(|played| *played += 1);
            anyhow::Ok(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await
}

async fn play(desk: &Desk, number: usize, script: &Script) -> anyhow::Result<()> {
    let mut conversation = None;
    for (turn_number, turn) in script.turns.iter().enumerate() {
        tokio::time::sleep(PAUSE).await;
        if let Turn::Customer(words) = turn {
            desk.customer_writes(script, &format!("wamid.demo.{number}.{turn_number}"), words).await?;
            if conversation.is_none() {
                let id = desk.conversation_of(script.phone).await?;
                conversation = Some(id.clone());
                if let Some(agent) = script.agent {
                    desk.claim(agent, &id).await?;
                }
            }
            continue;
        }
        let Some(id) = &conversation else { bail!("nobody wrote before turn {turn_number}") };
        let agent = script.agent.unwrap_or(0);
        match turn {
            Turn::Customer(_) => {}
            Turn::Agent(words) => desk.answer(agent, id, words, false).await?,
            Turn::Note(words) => desk.answer(agent, id, words, true).await?,
            Turn::Mark(priority, labels) => desk.mark(id, priority, labels).await?,
            Turn::Wait => desk.set_status(agent, id, "pending").await?,
            Turn::Resolve => desk.set_status(agent, id, "resolved").await?,
        }
    }
    Ok(())
}

async fn say_goodbye(base: &str, settings: &Settings, token: &str, desk: &Desk) -> anyhow::Result<()> {
    let some_conversation = desk.conversation_of(SCRIPTS[0].phone).await?;
    println!("\nOpen in a browser   {base}/docs          the API, to browse and to try");
    println!("                    {base}/metrics       what is counted");
    println!("Data                {}", settings.data.display());
    println!("Account             {}", desk.account);
    println!("A token, good for a week:\n\n  export TOKEN={token}\n");
    println!("Try:\n");
    println!(
        "  curl -s -H \"Authorization: Bearer {token}\" '{base}/v1/conversations?status=open&sort=waiting_since:asc&limit=5'"
    );
    println!(
        "  curl -s -H \"Authorization: Bearer {token}\" '{base}/v1/conversations/{some_conversation}/events'"
    );
    println!(
        "  curl -s -X POST -H \"Authorization: Bearer {token}\" -H 'Content-Type: application/json' -d '{{\"content\": \"The refund is booked.\"}}' '{base}/v1/conversations/{some_conversation}/messages'"
    );
    Ok(())
}
