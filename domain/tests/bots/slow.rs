//! A slow and simple model of the rules.

use crate::ConversationState;
use event_schemas::bot::{BotRule, BotTrigger, MatchMode};
use event_schemas::{BotRuleId, Timestamp};

/// The letters of these tests, and each without accents, frames and the like.
const PLAIN: [(&str, &str); 9] = [
    ("e\u{301}", "e"),
    ("é", "e"),
    ("ß", "ss"),
    ("ς", "σ"),
    ("ı", "i"),
    ("i\u{307}", "i"),
    ("\u{fe0f}\u{20e3}", ""),
    ("１", "1"),
    ("١", "1"),
];

fn plain(text: &str) -> String {
    let plain = PLAIN.iter().fold(text.to_lowercase(), |text, (written, plain)| text.replace(written, plain));
    let letters: Vec<char> = plain.chars().collect();
    let is_letter = |index: Option<usize>| {
        index.and_then(|index| letters.get(index)).is_some_and(|letter| letter.is_alphanumeric())
    };
    let stays =
        |index: usize| letters[index] != '_' || is_letter(index.checked_sub(1)) && is_letter(Some(index + 1));
    (0..letters.len()).filter(|index| stays(*index)).map(|index| letters[index]).collect()
}

/// The words of a text and the characters between them. Several spaces count as one, and spaces at the ends
/// are left out.
fn tokens(text: &str) -> Vec<String> {
    let lower = plain(text);
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = false;
    for letter in lower.chars() {
        if letter.is_alphanumeric() || letter == '_' {
            match tokens.last_mut() {
                Some(word) if in_word => word.push(letter),
                _ => tokens.push(letter.to_string()),
            }
            in_word = true;
        } else {
            in_word = false;
            let space = letter.is_whitespace();
            if !(space && tokens.last().is_none_or(|last| last == " ")) {
                tokens.push(letter.to_string());
            }
        }
    }
    if tokens.last().is_some_and(|last| last == " ") {
        tokens.pop();
    }
    tokens
}

pub fn has(text: &str, keyword: &str) -> bool {
    let (text, keyword) = (tokens(text), tokens(keyword));
    !keyword.is_empty() && text.windows(keyword.len()).any(|part| part == keyword)
}

fn minutes(clock: &str) -> i64 {
    let (hour, minute) = clock.split_once(':').unwrap();
    hour.parse::<i64>().unwrap() * 60 + minute.parse::<i64>().unwrap()
}

fn fits(
    rule: &BotRule,
    text: &str,
    at: Timestamp,
    conversation: &ConversationState,
    labels: &[String],
) -> bool {
    let conditions = &rule.conditions;
    if rule.trigger_type == BotTrigger::NewConversation && !conversation.is_first {
        return false;
    }
    if let Some(keywords) = &conditions.keywords {
        let found = keywords.iter().filter(|keyword| has(text, keyword)).count();
        let enough = match conditions.match_mode {
            MatchMode::Any => found > 0,
            MatchMode::All => found == keywords.len(),
        };
        if !enough {
            return false;
        }
    }
    if conditions.channels.as_ref().is_some_and(|channels| !channels.contains(&conversation.channel_type)) {
        return false;
    }
    if conditions.language.is_some() && conditions.language != conversation.language {
        return false;
    }
    if conditions.labels.iter().flatten().any(|label| !labels.contains(label)) {
        return false;
    }
    if let Some(range) = &conditions.time_range {
        let ahead = if range.tz == "UTC" { 0 } else { 3 * 60 };
        let now = (at.as_micros() / 60_000_000 + ahead).rem_euclid(24 * 60);
        // Every minute from the start until the end, which can be on the next day.
        let (mut minute, end) = (minutes(&range.start), minutes(&range.end));
        let mut within = false;
        loop {
            within |= minute == now;
            minute = (minute + 1) % (24 * 60);
            if minute == end {
                break;
            }
        }
        if !within {
            return false;
        }
    }
    true
}

fn only_sets_labels_or_priority(rule: &BotRule) -> bool {
    let actions = &rule.actions;
    actions.reply_text.is_none() && actions.collect_info.is_none() && actions.assign_team_id.is_none()
}

pub fn evaluate(
    rules: &[BotRule],
    text: &str,
    at: Timestamp,
    conversation: &ConversationState,
) -> Vec<BotRuleId> {
    let mut labels: Vec<String> = conversation.labels.iter().cloned().collect();
    let mut matching = Vec::new();
    for fallbacks in [false, true] {
        if fallbacks && !matching.is_empty() {
            break;
        }
        let mut sorted: Vec<&BotRule> = rules
            .iter()
            .filter(|rule| rule.is_active && (rule.trigger_type == BotTrigger::Fallback) == fallbacks)
            .collect();
        sorted.sort_by_key(|rule| (rule.priority, rule.id));
        for rule in sorted {
            let has_run = rule.run_once && conversation.ran.contains(&rule.id);
            if has_run || !fits(rule, text, at, conversation, &labels) {
                continue;
            }
            matching.push(rule.id);
            if !only_sets_labels_or_priority(rule) {
                return matching;
            }
            labels.extend(rule.actions.set_labels.iter().flatten().cloned());
        }
    }
    matching
}
