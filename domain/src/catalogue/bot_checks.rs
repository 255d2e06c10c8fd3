//! The validation of bot rules, handoff rules and bot settings. A rejection names the field.

use super::Rejection;
use crate::bot::{AutomaticLimit, NormalizedText, words};
use crate::calendar::{minutes, zone};
use crate::conversation::LONGEST_MESSAGE;
use event_schemas::bot::{
    BotActions, BotConditions, BotRule, BotSettings, BotTrigger, HandoffRule, HandoffTrigger, InfoField,
    TimeRange,
};
use std::collections::{BTreeMap, BTreeSet};

const MOST_WORDS: usize = 500;
const LONGEST_WORD: usize = 200;
const MOST_FIELDS: usize = 20;
const LONGEST_LABEL: usize = 64;
const MOST_LABELS: usize = 20;
const MOST_TURNS: u32 = 50;

fn invalid(field: &str, reason: impl Into<String>) -> Rejection {
    Rejection::invalid(field, reason)
}

pub(crate) fn check_rule(rule: &BotRule) -> Result<(), Rejection> {
    check_conditions(&rule.conditions)?;
    actions(&rule.actions)?;
    let conditions = &rule.conditions;
    let needs = |field, is_there: bool| {
        let reason = format!("a rule of the trigger {} needs it", rule.trigger_type);
        if is_there { Ok(()) } else { Err(invalid(field, reason)) }
    };
    match rule.trigger_type {
        BotTrigger::Keyword => needs("conditions.keywords", conditions.keywords.is_some()),
        BotTrigger::TimeBased => needs("conditions.time_range", conditions.time_range.is_some()),
        BotTrigger::Channel => needs("conditions.channels", conditions.channels.is_some()),
        BotTrigger::NewConversation | BotTrigger::Fallback => Ok(()),
    }
}

pub(crate) fn check_conditions(conditions: &BotConditions) -> Result<(), Rejection> {
    if let Some(keywords) = &conditions.keywords {
        check_words("conditions.keywords", keywords)?;
    }
    if conditions.channels.as_ref().is_some_and(Vec::is_empty) {
        return Err(invalid("conditions.channels", "names no channel; leave it out for any"));
    }
    if let Some(range) = &conditions.time_range {
        time_range(range)?;
    }
    if conditions.language.as_ref().is_some_and(|language| !crate::agent::is_language_tag(language)) {
        return Err(invalid("conditions.language", "is a language tag such as en or am"));
    }
    if let Some(labels) = &conditions.labels {
        check_labels("conditions.labels", labels)?;
    }
    if conditions.intent.as_ref().is_some_and(|intent| intent.trim().is_empty()) {
        return Err(invalid("conditions.intent", "must not be empty; leave it out for any"));
    }
    if conditions.confidence_min.is_some_and(|least| !(0.0..=1.0).contains(&least)) {
        return Err(invalid("conditions.confidence_min", "is between 0 and 1"));
    }
    Ok(())
}

fn time_range(range: &TimeRange) -> Result<(), Rejection> {
    for (field, text) in [("start", &range.start), ("end", &range.end)] {
        if minutes(text).is_none() {
            let field = format!("conditions.time_range.{field}");
            return Err(invalid(&field, format!("'{text}' is not a time of day such as 18:00")));
        }
    }
    if zone(&range.tz).is_none() {
        let reason = format!("'{}' is not a time zone of the IANA database", range.tz);
        return Err(invalid("conditions.time_range.tz", reason));
    }
    Ok(())
}

fn actions(actions: &BotActions) -> Result<(), Rejection> {
    if actions.reply_text.is_some() && actions.reply_template_id.is_some() {
        return Err(invalid("actions.reply_text", "a reply is a text or a template, not both"));
    }
    if let Some(text) = &actions.reply_text {
        check_text("actions.reply_text", text)?;
    }
    if let Some(labels) = &actions.set_labels {
        check_labels("actions.set_labels", labels)?;
    }
    if let Some(fields) = &actions.collect_info {
        collect_info(fields)?;
    }
    if *actions == BotActions::default() {
        return Err(invalid("actions", "a rule needs at least one action"));
    }
    Ok(())
}

fn collect_info(fields: &[InfoField]) -> Result<(), Rejection> {
    if fields.is_empty() || fields.len() > MOST_FIELDS {
        let reason = format!("asks for between 1 and {MOST_FIELDS} fields");
        return Err(invalid("actions.collect_info", reason));
    }
    let mut names = BTreeSet::new();
    for (index, field) in fields.iter().enumerate() {
        let name = field.name().trim();
        let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-' || c == ' ';
        if name.is_empty() || name.chars().count() > LONGEST_LABEL || !name.chars().all(plain) {
            let reason = "is named by letters, digits, spaces, hyphens or underscores";
            return Err(invalid(&format!("actions.collect_info[{index}]"), reason));
        }
        if !names.insert(name) {
            return Err(invalid(&format!("actions.collect_info[{index}]"), "is asked for already"));
        }
        if let InfoField::Asked { question, .. } = field {
            check_text(&format!("actions.collect_info[{index}].question"), question)?;
        }
    }
    Ok(())
}

pub(crate) fn check_text(field: &str, text: &str) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(invalid(field, "must not be empty"));
    }
    if text.chars().count() > LONGEST_MESSAGE {
        return Err(invalid(field, format!("has at most {LONGEST_MESSAGE} characters")));
    }
    Ok(())
}

fn check_words(field: &str, words: &[String]) -> Result<(), Rejection> {
    if words.is_empty() {
        return Err(invalid(field, "names no keyword"));
    }
    if words.len() > MOST_WORDS {
        return Err(invalid(field, format!("has at most {MOST_WORDS} keywords")));
    }
    for (index, word) in words.iter().enumerate() {
        if NormalizedText::of(word).is_empty() || word.chars().count() > LONGEST_WORD {
            let reason = format!("has between 1 and {LONGEST_WORD} characters");
            return Err(invalid(&format!("{field}[{index}]"), reason));
        }
    }
    Ok(())
}

pub(crate) fn check_labels(field: &str, labels: &[String]) -> Result<(), Rejection> {
    if labels.is_empty() || labels.len() > MOST_LABELS {
        return Err(invalid(field, format!("has between 1 and {MOST_LABELS} labels")));
    }
    for (index, label) in labels.iter().enumerate() {
        if label.trim().is_empty() || label.trim() != label || label.chars().count() > LONGEST_LABEL {
            let reason = format!("a label has between 1 and {LONGEST_LABEL} characters");
            return Err(invalid(&format!("{field}[{index}]"), reason));
        }
    }
    Ok(())
}

pub(crate) fn check_handoff_rule(rule: &HandoffRule) -> Result<(), Rejection> {
    let value = rule.trigger_value.as_deref().unwrap_or_default().trim();
    let number = || value.parse::<f64>().ok().filter(|number| number.is_finite());
    let problem = match rule.trigger_type {
        HandoffTrigger::Keyword => {
            let words: Vec<_> = words(value).map(str::to_owned).collect();
            check_words("trigger_value", &words)?;
            None
        }
        HandoffTrigger::Intent => value.is_empty().then_some("names an intent"),
        HandoffTrigger::Sentiment => number()
            .is_none_or(|mood| !(-1.0..=1.0).contains(&mood))
            .then_some("is a number between -1 and 1"),
        HandoffTrigger::Confidence => {
            number().is_none_or(|sure| !(0.0..=1.0).contains(&sure)).then_some("is a number between 0 and 1")
        }
        HandoffTrigger::Timeout => {
            value.parse::<u32>().ok().is_none_or(|seconds| seconds == 0).then_some("is a number of seconds")
        }
        HandoffTrigger::Turns => value
            .parse::<u32>()
            .ok()
            .is_none_or(|turns| turns == 0 || turns > MOST_TURNS)
            .then_some("is a number of answers, 50 at most"),
        HandoffTrigger::Manual => None,
    };
    if let Some(problem) = problem {
        return Err(invalid("trigger_value", problem));
    }
    rule.message_template.as_deref().map_or(Ok(()), |text| check_text("message_template", text))
}

pub(crate) fn check_settings(settings: &BotSettings) -> Result<(), Rejection> {
    if !settings.handoff_keywords.is_empty() {
        check_words("handoff_keywords", &settings.handoff_keywords)?;
    }
    if settings.low_confidence_answers == Some(0) {
        return Err(invalid("low_confidence_answers", "is at least 1; null for never"));
    }
    if !(0.0..=1.0).contains(&settings.confidence_threshold) {
        return Err(invalid("confidence_threshold", "is between 0 and 1"));
    }
    if !(1..=AutomaticLimit::MOST).contains(&settings.automatic_messages_limit) {
        return Err(invalid("automatic_messages_limit", "is between 1 and 1,000"));
    }
    if !(1..=24 * 3600).contains(&settings.automatic_messages_seconds) {
        return Err(invalid("automatic_messages_seconds", "is between one second and a day"));
    }
    for (field, seconds) in [
        ("expire_after_seconds", settings.expire_after_seconds),
        ("close_resolved_after_seconds", settings.close_resolved_after_seconds),
    ] {
        if seconds.is_some_and(|seconds| seconds == 0 || seconds > 10 * 366 * 24 * 3600) {
            return Err(invalid(field, "is between one second and ten years; null for never"));
        }
    }
    Ok(())
}

/// Rejects rules that trigger each other in a cycle: each sets a label that is a condition of the next.
pub fn check_cycle<'r>(rules: impl IntoIterator<Item = &'r BotRule>) -> Result<(), Rejection> {
    let rules: Vec<_> = rules.into_iter().filter(|rule| rule.is_active).collect();
    let mut waiting: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        for label in rule.conditions.labels.iter().flatten() {
            waiting.entry(label).or_default().push(index);
        }
    }
    let leads_to = |rule: usize| {
        let labels = rules[rule].actions.set_labels.iter().flatten();
        labels.filter_map(|label| waiting.get(label.as_str())).flatten().copied()
    };
    let (mut done, mut path) = (vec![false; rules.len()], Vec::new());
    for start in 0..rules.len() {
        if let Some(cycle) = cycle_from(start, &leads_to, &mut done, &mut path) {
            let names: Vec<_> = cycle.iter().map(|index| format!("'{}'", rules[*index].name)).collect();
            let reason = format!("the labels form a cycle: {}", names.join(" → "));
            return Err(invalid("actions.set_labels", reason));
        }
    }
    Ok(())
}

/// Searches depth first for a cycle from a rule. The search is at most as deep as there are rules.
fn cycle_from<I: Iterator<Item = usize>>(
    rule: usize,
    leads_to: &impl Fn(usize) -> I,
    done: &mut [bool],
    path: &mut Vec<usize>,
) -> Option<Vec<usize>> {
    if let Some(begin) = path.iter().position(|before| *before == rule) {
        return Some(path[begin..].iter().copied().chain([rule]).collect());
    }
    if done[rule] {
        return None;
    }
    path.push(rule);
    let cycle = leads_to(rule).find_map(|next| cycle_from(next, leads_to, done, path));
    path.pop();
    done[rule] = true;
    cycle
}
