//! Compares the bot's rules with a slow and simple model: keywords word by word, rules one by one.

#![allow(clippy::unwrap_used)]

mod slow;

use domain::bot::{Facts, IncomingMessage, Memory, Playbook};
use event_schemas::bot::{
    BotActions, BotConditions, BotRule, BotSettings, BotTrigger, InfoField, MatchMode, TimeRange,
};
use event_schemas::conversation::BotEngaged;
use event_schemas::message::{ChannelType, Priority};
use event_schemas::{AccountId, BotRuleId, MessageId, TeamId, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::Map;
use std::collections::BTreeSet;

const ACCOUNT: AccountId = AccountId::from_u128(1);

/// Letters with special case folding, and separators of words.
fn text(longest: usize) -> impl Strategy<Value = String> {
    let letters = [
        "a",
        "A",
        "b",
        "s",
        "S",
        "ss",
        "ß",
        "ẞ",
        "é",
        "É",
        "e\u{301}",
        "Σ",
        "ς",
        "ሰ",
        "ላ",
        " ",
        " ",
        "  ",
        "?",
        "-",
        "!",
        "_",
        "_",
        "1",
        "１",
        "١",
        "1\u{fe0f}\u{20e3}",
        "İ",
        "I",
        "ı",
        "i",
    ];
    vec(select(letters.to_vec()), 0..longest).prop_map(|parts| parts.concat())
}

fn keyword() -> impl Strategy<Value = String> {
    text(5).prop_filter("a keyword has letters", |text| {
        text.contains(|letter: char| !letter.is_whitespace() && letter != '_')
    })
}

fn labels() -> impl Strategy<Value = Vec<String>> {
    subsequence(vec!["vip".to_owned(), "billing".to_owned(), "late".to_owned()], 1..=2)
}

fn clock() -> impl Strategy<Value = String> {
    (0..24u8, select(vec![0u8, 30])).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"))
}

prop_compose! {
    fn conditions()(
        keywords in option::of(vec(keyword(), 1..4)),
        all in any::<bool>(),
        channels in option::of(subsequence(vec![ChannelType::WhatsApp, ChannelType::Sms], 1..=2)),
        time_range in option::weighted(0.3, (clock(), clock(), select(vec!["UTC", "Africa/Addis_Ababa"]))),
        language in option::weighted(0.2, select(vec!["am", "en"])),
        labels in option::weighted(0.3, labels()),
    ) -> BotConditions {
        BotConditions {
            keywords,
            match_mode: if all { MatchMode::All } else { MatchMode::Any },
            channels,
            time_range: time_range.map(|(start, end, tz)| TimeRange { start, end, tz: tz.to_owned() }),
            language: language.map(str::to_owned),
            labels,
            intent: None,
            confidence_min: None,
        }
    }
}

prop_compose! {
    fn rule()(
        id in 1..40u128,
        priority in -2..3i32,
        is_active in prop::bool::weighted(0.9),
        trigger_type in select(BotTrigger::ALL.to_vec()),
        conditions in conditions(),
        does in 0..5u8,
        labels in labels(),
        run_once in any::<bool>(),
    ) -> BotRule {
        let mut actions = BotActions { set_priority: Some(Priority::High), ..BotActions::default() };
        match does {
            0 => actions.reply_text = Some("Hello".to_owned()),
            1 => actions.assign_team_id = Some(TeamId::from_u128(1)),
            2 => actions.collect_info = Some(vec![InfoField::Named("name".to_owned())]),
            _ => actions.set_labels = Some(labels),
        }
        BotRule { id: BotRuleId::from_u128(id), name: format!("Rule {id}"), priority, is_active, trigger_type, conditions, actions, run_once }
    }
}

fn rules() -> impl Strategy<Value = Vec<BotRule>> {
    vec(rule(), 0..12).prop_map(|rules| {
        let mut seen = BTreeSet::new();
        rules.into_iter().filter(|rule| seen.insert(rule.id)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_keyword_is_found_where_the_slow_model_finds_it(keyword in keyword(), text in text(12)) {
        let rule = BotRule {
            id: BotRuleId::from_u128(1),
            name: "Only".to_owned(),
            priority: 0,
            is_active: true,
            trigger_type: BotTrigger::Keyword,
            conditions: BotConditions { keywords: Some(vec![keyword.clone()]), ..BotConditions::default() },
            actions: BotActions { reply_text: Some("Hello".to_owned()), ..BotActions::default() },
            run_once: true,
        };
        let found = evaluate(&[rule], &text, Timestamp::from_secs(0), &ConversationState::default());
        prop_assert_eq!(!found.is_empty(), slow::has(&text, &keyword), "{:?} in {:?}", keyword, text);
    }

    #[test]
    fn the_rules_that_match_are_those_of_the_slow_model(
        rules in rules(),
        text in text(12),
        minutes in 0..2000i64,
        conversation in conversation(),
    ) {
        let at = Timestamp::from_secs(minutes * 60);
        prop_assert_eq!(evaluate(&rules, &text, at, &conversation), slow::evaluate(&rules, &text, at, &conversation));
    }
}

/// The state of the conversation.
#[derive(Clone, Debug)]
pub struct ConversationState {
    pub channel_type: ChannelType,
    pub labels: BTreeSet<String>,
    pub language: Option<String>,
    pub is_first: bool,
    pub ran: Vec<BotRuleId>,
}

impl Default for ConversationState {
    fn default() -> Self {
        Self {
            channel_type: ChannelType::WhatsApp,
            labels: BTreeSet::new(),
            language: None,
            is_first: true,
            ran: Vec::new(),
        }
    }
}

fn conversation() -> impl Strategy<Value = ConversationState> {
    let channels = select(vec![ChannelType::WhatsApp, ChannelType::Sms, ChannelType::Email]);
    let ran = vec((1..40u128).prop_map(BotRuleId::from_u128), 0..6);
    let language = option::of(select(vec!["am".to_owned(), "en".to_owned(), "de".to_owned()]));
    (channels, option::of(labels()), language, any::<bool>(), ran).prop_map(
        |(channel_type, labels, language, is_first, ran)| ConversationState {
            channel_type,
            labels: labels.unwrap_or_default().into_iter().collect(),
            language,
            is_first,
            ran,
        },
    )
}

fn evaluate(
    rules: &[BotRule],
    text: &str,
    at: Timestamp,
    conversation: &ConversationState,
) -> Vec<BotRuleId> {
    let playbook = Playbook::compile(rules, [], &BotSettings::usual(ACCOUNT), |_| None).unwrap();
    let mut memory = Memory::default();
    for rule in &conversation.ran {
        memory.evolve(&BotEngaged { rule_id: Some(*rule), reason: None }.into());
    }
    let metadata = Map::new();
    let message = IncomingMessage { message_id: MessageId::from_u128(1), text, metadata: &metadata, at };
    let facts = Facts {
        channel_type: conversation.channel_type,
        labels: conversation.labels.clone(),
        language: conversation.language.as_deref(),
        is_first: conversation.is_first,
        memory: &memory,
    };
    playbook.evaluate(&message, &facts).iter().map(|matched| matched.rule.id).collect()
}
