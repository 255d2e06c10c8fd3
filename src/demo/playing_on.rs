//! After its summary the demonstration goes on playing: the customers write again, slowly enough for a
//! viewer to read and to take part.

use super::account::DemoAccount;
use super::script::{SCRIPTS, Script, Turn};
use anyhow::bail;
use event_schemas::Clock;
use futures::future::join_all;
use std::time::Duration;

/// Between two turns of one conversation.
const PAUSE: Duration = Duration::from_secs(6);
/// The number of customers who write at the same time.
const CONCURRENT_CUSTOMERS: usize = 3;
/// A demonstration that is forgotten falls silent, so that its log does not grow for ever.
const SHIFT: Duration = Duration::from_secs(8 * 3_600);

/// Plays the conversations again and again, until the server stops or the shift ends.
pub async fn play_on(account: DemoAccount) {
    let players = (0..CONCURRENT_CUSTOMERS).map(|first| play_in_turn(&account, first));
    if tokio::time::timeout(SHIFT, join_all(players)).await.is_err() {
        tracing::info!("the demonstration's shift has ended");
    }
}

async fn play_in_turn(account: &DemoAccount, first: usize) {
    for script in SCRIPTS.iter().skip(first).step_by(CONCURRENT_CUSTOMERS).cycle() {
        if let Err(error) = play(account, script).await {
            // The viewer was faster, or the server stops.
            tracing::info!(%error, "a conversation of the demonstration ends early");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn play(account: &DemoAccount, script: &Script) -> anyhow::Result<()> {
    for turn in script.turns {
        tokio::time::sleep(PAUSE).await;
        if let Turn::Customer(text) = turn {
            account
                .customer_writes(script, &format!("wamid.demo.{}", Clock::System.fresh_id()), text)
                .await?;
            continue;
        }
        let conversation = account.newest_conversation_of(script.phone).await?;
        let agent = script.agent.map(|agent| account.agents[agent].user);
        match (conversation.assignee, script.agent) {
            (None, Some(agent)) => account.claim(agent, &conversation.id).await?,
            (assignee, _) if assignee != agent => bail!("another agent has the conversation"),
            _ => {}
        }
        account.act(script, &conversation.id, turn).await?;
    }
    Ok(())
}
