//! Whether an agent can take a conversation, and the reason when not.

use super::Agent;
use event_schemas::Timestamp;
use event_schemas::message::ChannelType;
use event_schemas::routing::Ineligible;
use serde::{Deserialize, Serialize};

/// The requirements of a conversation for an agent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Requirements {
    pub channel_type: ChannelType,
    /// From the bot's classification or the labels. Empty when any agent fits.
    pub topics: Vec<String>,
    /// `None` when no language was detected.
    pub language: Option<String>,
}

/// The first reason why this agent cannot take the conversation, in the order of requirement 000:
/// availability, hours, channel, topic, capacity, language. `None` when the agent is eligible.
pub fn ineligibility(
    agent: &Agent,
    active: u32,
    requirements: &Requirements,
    now: Timestamp,
) -> Option<Ineligible> {
    let preferences = agent.preferences();
    if !preferences.is_available {
        return Some(Ineligible::Unavailable);
    }
    if let Some(absence) = agent.presence().ineligibility(now) {
        return Some(absence);
    }
    if agent.is_on_leave(now) {
        return Some(Ineligible::OnLeave);
    }
    if !agent.is_within_hours(now) {
        return Some(Ineligible::OutsideHours);
    }
    let channels = &preferences.available_channels;
    if !channels.is_empty() && !channels.contains(&requirements.channel_type) {
        return Some(Ineligible::Channel);
    }
    let topics = &preferences.available_topics;
    let handles = |topic: &String| topics.iter().any(|known| known.eq_ignore_ascii_case(topic));
    if !topics.is_empty() && !requirements.topics.is_empty() && !requirements.topics.iter().any(handles) {
        return Some(Ineligible::Topic);
    }
    if active >= preferences.max_concurrent_conversations {
        return Some(Ineligible::AtCapacity);
    }
    match &requirements.language {
        Some(language) if !speaks(&preferences.languages, language) => Some(Ineligible::Language),
        Some(_) | None => None,
    }
}

/// Compares the primary languages: an agent who speaks `en` understands `en-GB`, and the other way round.
fn speaks(languages: &[String], language: &str) -> bool {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    languages.is_empty() || languages.iter().any(|known| primary(known) == primary(language))
}
