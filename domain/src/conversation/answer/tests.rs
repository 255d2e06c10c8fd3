use super::*;
use crate::aggregate::given::{Given, given};
use crate::bot::AutomaticLimit;
use crate::conversation::{RequestHandoff, Requester, Send, Sender};
use event_schemas::bot::{
    BotActions, BotConditions, BotRule, BotSettings, BotStrategy, BotTrigger, HandoffRule, HandoffTrigger,
    MatchMode, TimeRange,
};
use event_schemas::conversation::*;
use event_schemas::message::{ChannelType, Priority, SenderType};
use event_schemas::routing::RoutingStrategy;
use event_schemas::{
    AccountId, BotEvent, CannedResponseId, ChannelId, ContactId, ConversationEvent as E, ConversationId,
    HandoffRuleId, MessageEvent, UserId,
};

const ACCOUNT: AccountId = AccountId::from_u128(1);
const ANA: UserId = UserId::from_u128(0xA);
const BILLING: TeamId = TeamId::from_u128(0x7);
const RULE: BotRuleId = BotRuleId::from_u128(0x11);
const OTHER: BotRuleId = BotRuleId::from_u128(0x12);
const MESSAGE: MessageId = MessageId::from_u128(0x100);
const SECOND: MessageId = MessageId::from_u128(0x101);
const REPLY: MessageId = MessageId::from_u128(0x200);
const QUESTION: MessageId = MessageId::from_u128(0x300);
const TEMPLATE: CannedResponseId = CannedResponseId::from_u128(0x40);

fn opened() -> E {
    ConversationOpened {
        conversation_id: ConversationId::from_u128(5),
        account_id: ACCOUNT,
        channel_id: ChannelId::from_u128(6),
        channel_type: ChannelType::WhatsApp,
        contact_id: ContactId::from_u128(2),
        contact_identifier: "251911000000".to_owned(),
        display_name: Some("Hanna".to_owned()),
        ordinal: 0,
        subject: None,
        priority: Priority::Normal,
        language: None,
        metadata: Map::new(),
    }
    .into()
}

fn received(message_id: MessageId, text: &str) -> E {
    MessageReceived {
        message_id,
        provider_message_id: None,
        body: Content::text(text),
        reply_to: None,
        sent_at: Timestamp::from_secs(0),
        metadata: Map::new(),
    }
    .into()
}

fn rule(trigger_type: BotTrigger) -> BotRule {
    BotRule {
        id: RULE,
        name: "Refunds".to_owned(),
        priority: 1,
        is_active: true,
        trigger_type,
        conditions: BotConditions::default(),
        actions: BotActions::default(),
        run_once: true,
    }
}

fn refunds() -> BotRule {
    BotRule {
        conditions: BotConditions {
            keywords: Some(vec!["refund".to_owned(), "money back".to_owned()]),
            ..BotConditions::default()
        },
        actions: BotActions {
            reply_text: Some("Hello {{contact_name}}.".to_owned()),
            ..BotActions::default()
        },
        ..rule(BotTrigger::Keyword)
    }
}

fn playbook(rules: &[BotRule], handoffs: &[HandoffRule]) -> Arc<Playbook> {
    let template = |id| (id == TEMPLATE).then(|| "Our policy: 30 days.".to_owned());
    Arc::new(Playbook::compile(rules, handoffs, &BotSettings::usual(ACCOUNT), template).unwrap())
}

fn answer(rules: &[BotRule], text: &str) -> Answer {
    Answer {
        playbook: playbook(rules, &[]),
        message_id: MESSAGE,
        body: Content::text(text),
        metadata: Map::new(),
        received_at: Timestamp::from_secs(60),
        language: None,
        ids: AnswerIds { reply: REPLY, question: QUESTION },
        reply_window: None,
    }
}

fn to_second(rules: &[BotRule], text: &str) -> Answer {
    Answer { message_id: SECOND, ..answer(rules, text) }
}

fn conversation(text: &str) -> Given<Conversation> {
    given([opened(), received(MESSAGE, text)])
}

fn engaged(rule_id: BotRuleId, reason: &str) -> E {
    BotEngaged { rule_id: Some(rule_id), reason: Some(reason.to_owned()) }.into()
}

fn sent_by_bot(message_id: MessageId, text: &str, by: Option<(BotRuleId, &str)>) -> E {
    MessageSent {
        message_id,
        to: Some(Addressee {
            channel_id: ChannelId::from_u128(6),
            contact_identifier: "251911000000".to_owned(),
        }),
        sender_type: SenderType::Bot,
        sender_id: by.map(|(rule, _)| UserId(rule.0)),
        sender_name: by.map(|(_, name)| name.to_owned()),
        body: Content::text(text),
        template: None,
        in_reply_to: None,
        in_reply_to_provider_id: None,
        metadata: Map::new(),
        scheduled_at: None,
    }
    .into()
}

fn handed_over(trigger: HandoffCause, reason: &str) -> HandoffRequested {
    HandoffRequested {
        trigger,
        reason: reason.to_owned(),
        message_id: Some(MESSAGE),
        rule_id: None,
        handoff_rule_id: None,
        team_id: None,
        strategy: None,
        agent_id: None,
        requested_by: None,
    }
}

fn no_rule() -> E {
    handed_over(HandoffCause::NoRule, "None of the bot's rules fits").into()
}

fn human(keyword: &str) -> HandoffRequested {
    let reason = format!("Customer requested human agent (keyword: '{keyword}')");
    handed_over(HandoffCause::Keyword, &reason)
}

fn team(team_id: TeamId, route_by: Option<RoutingStrategy>, reason: &str) -> E {
    Assigned {
        assignee_id: None,
        assignee_name: None,
        team_id: Some(team_id),
        strategy: None,
        route_by,
        assigned_by: None,
        reason: Some(reason.to_owned()),
        decision: None,
        offer_id: None,
        overridden: None,
    }
    .into()
}

fn assigned_to_ana() -> E {
    Assigned {
        assignee_id: Some(ANA),
        assignee_name: None,
        team_id: None,
        strategy: Some(AssignStrategy::Claimed),
        route_by: None,
        assigned_by: Some(ANA),
        reason: None,
        decision: None,
        offer_id: None,
        overridden: None,
    }
    .into()
}

#[test]
fn a_keyword_of_any_case_is_answered_with_filled_placeholders() {
    conversation("I want a REFUND!").when(answer(&[refunds()], "I want a REFUND!")).then([
        engaged(RULE, "Refunds: keyword 'refund'"),
        sent_by_bot(REPLY, "Hello Hanna.", Some((RULE, "Refunds"))),
    ]);
}

#[test]
fn a_refund_is_labelled_answered_assigned_and_handed_over() {
    let walk = BotRule {
        actions: BotActions {
            reply_template_id: Some(TEMPLATE),
            assign_team_id: Some(BILLING),
            assign_strategy: Some(BotStrategy::RoundRobin),
            set_labels: Some(vec!["billing".to_owned(), "refund".to_owned()]),
            set_priority: Some(Priority::High),
            ..BotActions::default()
        },
        ..refunds()
    };
    let reason = "Rule 'Refunds': keyword 'refund'";
    conversation("I want a refund").when(answer(&[walk], "I want a refund")).then([
        engaged(RULE, "Refunds: keyword 'refund'"),
        LabelsChanged { added: vec!["billing".to_owned(), "refund".to_owned()], removed: vec![] }.into(),
        PriorityChanged { old: Priority::Normal, new: Priority::High }.into(),
        sent_by_bot(REPLY, "Our policy: 30 days.", Some((RULE, "Refunds"))),
        team(BILLING, Some(RoutingStrategy::RoundRobin), reason),
        HandoffRequested {
            rule_id: Some(RULE),
            team_id: Some(BILLING),
            strategy: Some(AssignStrategy::RoundRobin),
            ..handed_over(HandoffCause::Rule, reason)
        }
        .into(),
    ]);
}

#[test]
fn a_rule_can_require_all_keywords() {
    let mut both = refunds();
    both.conditions.match_mode = MatchMode::All;
    conversation("refund").when(answer(&[both.clone()], "refund")).then([no_rule()]);
    let text = "a refund: my money  back";
    conversation(text).when(answer(&[both], text)).then([
        engaged(RULE, "Refunds: keywords 'refund', 'money back'"),
        sent_by_bot(REPLY, "Hello Hanna.", Some((RULE, "Refunds"))),
    ]);
}

#[test]
fn a_part_of_a_word_does_not_match_a_keyword() {
    for text in ["refunding", "prerefund", "refund_now", "moneyback", "money, back"] {
        conversation(text).when(answer(&[refunds()], text)).then([no_rule()]);
    }
}

fn night() -> BotRule {
    BotRule {
        conditions: BotConditions {
            time_range: Some(TimeRange {
                start: "18:00".to_owned(),
                end: "08:00".to_owned(),
                tz: "Africa/Addis_Ababa".to_owned(),
            }),
            ..BotConditions::default()
        },
        actions: BotActions { reply_text: Some("We're offline".to_owned()), ..BotActions::default() },
        ..rule(BotTrigger::TimeBased)
    }
}

#[test]
fn a_time_range_can_include_midnight_in_the_rules_time_zone() {
    // Addis Ababa is three hours ahead of UTC.
    for (utc, is_night) in
        [("14:59", false), ("15:00", true), ("23:30", true), ("04:59", true), ("05:00", false)]
    {
        let received_at = format!("2026-11-21T{utc}:00Z").parse().unwrap();
        let asked = Answer { received_at, ..answer(&[night()], "hello") };
        let events = asked.decide(&conversation("hello").state, received_at).unwrap();
        let answered = events.iter().any(|event| matches!(event, E::Message(MessageEvent::MessageSent(_))));
        assert_eq!(answered, is_night, "{utc} UTC");
    }
}

#[test]
fn a_channel_a_language_a_label_an_intent_and_its_confidence_are_conditions() {
    let with = |change: fn(&mut BotConditions)| {
        let mut changed = refunds();
        change(&mut changed.conditions);
        changed
    };
    let says = |intent: &str, confidence: f64| {
        [("intent".to_owned(), intent.into()), ("confidence".to_owned(), confidence.into())]
            .into_iter()
            .collect::<Map<_, _>>()
    };
    let amharic = Some(Detected { language: "am".to_owned(), confidence: 1.0 });
    let plain = |rule: BotRule| answer(&[rule], "refund");
    for (what, asked, fits) in [
        ("its channel", plain(with(|c| c.channels = Some(vec![ChannelType::WhatsApp]))), true),
        ("another channel", plain(with(|c| c.channels = Some(vec![ChannelType::Sms]))), false),
        ("a label it lacks", plain(with(|c| c.labels = Some(vec!["vip".to_owned()]))), false),
        ("an unknown language", plain(with(|c| c.language = Some("am".to_owned()))), false),
        (
            "its language",
            Answer { language: amharic.clone(), ..plain(with(|c| c.language = Some("AM-et".to_owned()))) },
            true,
        ),
        (
            "another language",
            Answer { language: amharic, ..plain(with(|c| c.language = Some("en".to_owned()))) },
            false,
        ),
        (
            "its intent",
            Answer {
                metadata: says("billing", 0.7),
                ..plain(with(|c| {
                    c.intent = Some("billing".to_owned());
                    c.confidence_min = Some(0.7);
                }))
            },
            true,
        ),
        (
            "too little confidence",
            Answer { metadata: says("billing", 0.69), ..plain(with(|c| c.confidence_min = Some(0.7))) },
            false,
        ),
        (
            "another intent",
            Answer {
                metadata: says("cancel", 1.0),
                ..plain(with(|c| c.intent = Some("billing".to_owned())))
            },
            false,
        ),
    ] {
        let events = asked.decide(&conversation("refund").state, Timestamp::from_secs(3)).unwrap();
        let answered = events.iter().any(|event| matches!(event, E::Message(MessageEvent::MessageSent(_))));
        assert_eq!(answered, fits, "{what}: {events:?}");
    }
}

#[test]
fn a_rule_for_new_conversations_answers_only_the_first_message() {
    let greeting = BotRule {
        actions: BotActions { reply_text: Some("Welcome".to_owned()), ..BotActions::default() },
        run_once: false,
        ..rule(BotTrigger::NewConversation)
    };
    let welcome = sent_by_bot(REPLY, "Welcome", Some((RULE, "Refunds")));
    conversation("hello")
        .when(answer(std::slice::from_ref(&greeting), "hello"))
        .then([engaged(RULE, "Refunds: the first message"), welcome]);
    given([opened(), received(MESSAGE, "hello"), received(SECOND, "anybody?")])
        .when(to_second(&[greeting], "anybody?"))
        .then([HandoffRequested {
            message_id: Some(SECOND),
            ..handed_over(HandoffCause::NoRule, "None of the bot's rules fits")
        }
        .into()]);
}

#[test]
fn the_lowest_priority_comes_first_and_a_fallback_last() {
    let says = |id, name: &str, priority, trigger_type, text: &str| BotRule {
        id,
        name: name.to_owned(),
        priority,
        trigger_type,
        actions: BotActions { reply_text: Some(text.to_owned()), ..BotActions::default() },
        ..refunds()
    };
    let fallback = BotRule {
        conditions: BotConditions::default(),
        ..says(OTHER, "Else", -5, BotTrigger::Fallback, "An agent will be with you shortly")
    };
    let later = says(BotRuleId::from_u128(0x13), "Later", 2, BotTrigger::Keyword, "later");
    let rules = [fallback, later, refunds()];
    conversation("refund").when(answer(&rules, "refund")).then([
        engaged(RULE, "Refunds: keyword 'refund'"),
        sent_by_bot(REPLY, "Hello Hanna.", Some((RULE, "Refunds"))),
    ]);
    conversation("hm").when(answer(&rules, "hm")).then([
        engaged(OTHER, "Else: nothing else fitted"),
        sent_by_bot(REPLY, "An agent will be with you shortly", Some((OTHER, "Else"))),
    ]);
}

#[test]
fn a_label_that_a_rule_sets_counts_for_the_next_rule() {
    let marks = BotRule {
        id: OTHER,
        name: "Marks".to_owned(),
        priority: 0,
        actions: BotActions { set_labels: Some(vec!["vip".to_owned()]), ..BotActions::default() },
        ..refunds()
    };
    let mut for_vips = refunds();
    for_vips.conditions.labels = Some(vec!["vip".to_owned()]);
    conversation("refund").when(answer(&[for_vips, marks], "refund")).then([
        engaged(OTHER, "Marks: keyword 'refund'"),
        LabelsChanged { added: vec!["vip".to_owned()], removed: vec![] }.into(),
        engaged(RULE, "Refunds: keyword 'refund', labelled vip"),
        sent_by_bot(REPLY, "Hello Hanna.", Some((RULE, "Refunds"))),
    ]);
}

#[test]
fn a_rule_runs_once_in_a_conversation_by_default() {
    let before = [
        opened(),
        received(MESSAGE, "refund"),
        engaged(RULE, "Refunds: keyword 'refund'"),
        sent_by_bot(REPLY, "Hello Hanna.", Some((RULE, "Refunds"))),
        received(SECOND, "refund"),
    ];
    given(before.clone()).when(to_second(&[refunds()], "refund")).then([HandoffRequested {
        message_id: Some(SECOND),
        ..handed_over(HandoffCause::NoRule, "None of the bot's rules fits")
    }
    .into()]);
    let again = BotRule { run_once: false, ..refunds() };
    given(before).when(to_second(&[again], "refund")).then([
        engaged(RULE, "Refunds: keyword 'refund'"),
        sent_by_bot(REPLY, "Hello Hanna.", Some((RULE, "Refunds"))),
    ]);
}

#[test]
fn the_bot_does_not_answer_after_an_agent_had_the_conversation() {
    let E::Message(MessageEvent::MessageSent(sent)) = sent_by_bot(REPLY, "I am here", None) else {
        panic!("not a message")
    };
    let ana_answers = MessageSent { sender_type: SenderType::Agent, sender_id: Some(ANA), ..sent };
    let given_back = Unassigned { assignee_id: Some(ANA), team_id: None, unassigned_by: None, reason: None };
    let handoff = human("human");
    for (who, before) in [
        ("ana has it", vec![assigned_to_ana()]),
        ("ana had it", vec![assigned_to_ana(), given_back.into()]),
        ("ana answered without taking it", vec![ana_answers.into()]),
        ("an agent was requested", vec![handoff.into()]),
        ("it is closed", vec![Closed { reason: None }.into()]),
    ] {
        let state = given([opened(), received(MESSAGE, "refund")].into_iter().chain(before)).state;
        let events = answer(&[refunds()], "refund").decide(&state, Timestamp::from_secs(9)).unwrap();
        assert!(events.is_empty(), "{who}: {events:?}");
    }
}

#[test]
fn the_bot_answers_again_after_a_resolved_conversation_is_reopened() {
    let asked = Answer { received_at: Timestamp::from_secs(6), ..answer(&[refunds()], "refund") };
    given([
        opened(),
        assigned_to_ana(),
        Resolved { reason: None }.into(),
        Unassigned { assignee_id: Some(ANA), team_id: None, unassigned_by: None, reason: None }.into(),
        Reopened { cause: ReopenCause::CustomerMessage, reason: None }.into(),
        received(MESSAGE, "refund"),
    ])
    .when(asked)
    .then([
        engaged(RULE, "Refunds: keyword 'refund'"),
        sent_by_bot(REPLY, "Hello Hanna.", Some((RULE, "Refunds"))),
    ]);
}

#[test]
fn a_message_from_before_the_resolution_is_not_answered_when_it_is_read_again() {
    // The first message was received at second 2, and the conversation was resolved after it.
    let again = Answer { received_at: Timestamp::from_secs(2), ..answer(&[refunds()], "refund") };
    given([
        opened(),
        received(MESSAGE, "refund"),
        Resolved { reason: None }.into(),
        Reopened { cause: ReopenCause::CustomerMessage, reason: None }.into(),
        received(SECOND, "Hello again"),
    ])
    .when(again)
    .then_nothing();
}

#[test]
fn an_account_without_rules_has_no_bot() {
    conversation("speak to a human").when(answer(&[], "speak to a human")).then_nothing();
}

#[test]
fn a_request_for_an_agent_hands_over_and_the_longest_keyword_is_the_reason() {
    let text = "I want to speak to a human";
    conversation(text).when(answer(&[refunds()], text)).then([human("speak to a human").into()]);
}

#[test]
fn a_matching_rule_labels_answers_and_names_the_team_of_a_handoff() {
    let mut routed = refunds();
    routed.actions.assign_team_id = Some(BILLING);
    let text = "my refund, and a manager";
    let human = human("manager");
    conversation(text).when(answer(&[routed], text)).then([
        engaged(RULE, "Refunds: keyword 'refund'"),
        sent_by_bot(REPLY, "Hello Hanna.", Some((RULE, "Refunds"))),
        team(BILLING, None, &human.reason),
        HandoffRequested { rule_id: Some(RULE), team_id: Some(BILLING), ..human.clone() }.into(),
    ]);
}

fn handoff_rule(trigger_type: HandoffTrigger, value: &str) -> HandoffRule {
    HandoffRule {
        id: HandoffRuleId::from_u128(0x21),
        name: "Ours".to_owned(),
        trigger_type,
        trigger_value: Some(value.to_owned()),
        priority: 0,
        target_team_id: None,
        message_template: None,
        is_active: true,
    }
}

#[test]
fn handoff_rules_compare_words_intent_sentiment_and_confidence() {
    let numbers = |name: &str, value: Value| [(name.to_owned(), value)].into_iter().collect::<Map<_, _>>();
    for (rule, text, metadata, trigger, reason) in [
        (
            handoff_rule(HandoffTrigger::Keyword, "lawyer, sue you"),
            "I will SUE you",
            Map::new(),
            HandoffCause::Keyword,
            "Customer requested human agent (keyword: 'sue you')",
        ),
        (
            handoff_rule(HandoffTrigger::Intent, "cancel"),
            "x",
            numbers("intent", "cancel".into()),
            HandoffCause::Intent,
            "Customer's intent is 'cancel'",
        ),
        (
            handoff_rule(HandoffTrigger::Sentiment, "-0.5"),
            "x",
            numbers("sentiment", (-0.8).into()),
            HandoffCause::Sentiment,
            "Customer's sentiment is -0.8, below -0.5",
        ),
        (
            handoff_rule(HandoffTrigger::Confidence, "0.4"),
            "x",
            numbers("confidence", 0.3.into()),
            HandoffCause::Confidence,
            "Confidence is 0.3, below 0.4",
        ),
    ] {
        let playbook = playbook(&[], &[rule]);
        let asked = Answer { playbook, metadata, ..answer(&[], text) };
        let expected = HandoffRequested {
            handoff_rule_id: Some(HandoffRuleId::from_u128(0x21)),
            ..handed_over(trigger, reason)
        };
        conversation(text).when(asked).then([expected.into()]);
    }
    let calm = Answer {
        playbook: playbook(&[], &[handoff_rule(HandoffTrigger::Sentiment, "-0.5")]),
        metadata: numbers("sentiment", (-0.5).into()),
        ..answer(&[], "x")
    };
    conversation("x").when(calm).then_nothing();
}

fn collecting() -> BotRule {
    BotRule {
        actions: BotActions {
            collect_info: Some(vec![
                InfoField::Named("name".to_owned()),
                InfoField::Asked {
                    name: "order_number".to_owned(),
                    question: "Thanks {{name}}. Which order?".to_owned(),
                },
            ]),
            assign_team_id: Some(BILLING),
            ..BotActions::default()
        },
        ..refunds()
    }
}

fn asked_for_name() -> E {
    InfoRequested {
        rule_id: RULE,
        message_id: QUESTION,
        field: "name".to_owned(),
        remaining: vec![InfoField::Asked {
            name: "order_number".to_owned(),
            question: "Thanks {{name}}. Which order?".to_owned(),
        }],
        team_id: Some(BILLING),
        strategy: None,
    }
    .into()
}

fn collected(name: &str, value: &str) -> E {
    BotContextCollected { fields: [(name.to_owned(), value.into())].into_iter().collect() }.into()
}

#[test]
fn questions_are_asked_one_after_the_other_and_handed_over_with_the_answers() {
    let first = vec![
        engaged(RULE, "Refunds: keyword 'refund'"),
        sent_by_bot(QUESTION, "Could you tell me your name?", Some((RULE, "Refunds"))),
        asked_for_name(),
    ];
    conversation("refund").when(answer(&[collecting()], "refund")).then(first.clone());

    let mut history = vec![opened(), received(MESSAGE, "refund")];
    history.extend(first);
    history.push(received(SECOND, " Hanna Bekele "));
    let second = vec![
        collected("name", "Hanna Bekele"),
        sent_by_bot(QUESTION, "Thanks Hanna Bekele. Which order?", None),
        InfoRequested {
            rule_id: RULE,
            message_id: QUESTION,
            field: "order_number".to_owned(),
            remaining: vec![],
            team_id: Some(BILLING),
            strategy: None,
        }
        .into(),
    ];
    given(history.clone()).when(to_second(&[collecting()], " Hanna Bekele ")).then(second.clone());

    let third = MessageId::from_u128(0x102);
    history.extend(second);
    history.push(received(third, "A-17"));
    let reason = "The bot asked all it was to ask";
    given(history).when(Answer { message_id: third, ..answer(&[collecting()], "A-17") }).then([
        collected("order_number", "A-17"),
        team(BILLING, None, reason),
        HandoffRequested {
            message_id: Some(third),
            rule_id: Some(RULE),
            team_id: Some(BILLING),
            ..handed_over(HandoffCause::InfoCollected, reason)
        }
        .into(),
    ]);
}

#[test]
fn a_message_from_before_the_question_is_not_its_answer() {
    given([opened(), received(MESSAGE, "refund"), received(SECOND, "please"), asked_for_name()])
        .when(to_second(&[collecting()], "please"))
        .then_nothing();
}

#[test]
fn a_question_that_failed_is_asked_again_and_the_next_message_is_not_its_answer() {
    let failed = MessageFailed {
        message_id: QUESTION,
        provider_message_id: None,
        time: Timestamp::from_secs(4),
        code: "131026".to_owned(),
        reason: "Message undeliverable".to_owned(),
    };
    let history = [
        opened(),
        received(MESSAGE, "refund"),
        engaged(RULE, "Refunds: keyword 'refund'"),
        sent_by_bot(QUESTION, "Could you tell me your name?", Some((RULE, "Refunds"))),
        asked_for_name(),
        failed.into(),
        received(SECOND, "hello??"),
    ];
    let ids = AnswerIds { reply: REPLY, question: MessageId::from_u128(0x301) };
    let E::Bot(BotEvent::InfoRequested(asked)) = asked_for_name() else { panic!("a question") };
    given(history).when(Answer { ids, ..to_second(&[collecting()], "hello??") }).then([
        sent_by_bot(ids.question, "Could you tell me your name?", None),
        InfoRequested { message_id: ids.question, ..asked }.into(),
    ]);
}

#[test]
fn a_customer_with_a_pending_question_can_request_an_agent() {
    given([opened(), received(MESSAGE, "refund"), asked_for_name(), received(SECOND, "a human please")])
        .when(to_second(&[collecting()], "a human please"))
        .then([
            team(BILLING, None, &human("human").reason),
            HandoffRequested {
                message_id: Some(SECOND),
                rule_id: Some(RULE),
                team_id: Some(BILLING),
                ..human("human")
            }
            .into(),
        ]);
}

#[test]
fn a_language_is_recorded_when_it_is_new() {
    let amharic = Some(Detected { language: "am".to_owned(), confidence: 1.0 });
    let asked = || Answer { language: amharic.clone(), ..answer(&[refunds()], "ሰላም") };
    let detected: E =
        LanguageDetected { language: "am".to_owned(), confidence: 1.0, message_id: MESSAGE }.into();
    conversation("ሰላም").when(asked()).then([detected.clone(), no_rule()]);
    let asked = Answer { received_at: Timestamp::from_secs(3), ..asked() };
    given([opened(), detected, received(MESSAGE, "ሰላም")]).when(asked).then([no_rule()]);
}

fn bots_answer(metadata: Value, handoffs: &[HandoffRule]) -> Send {
    Send {
        message_id: REPLY,
        sender: Sender { sender_type: SenderType::Bot, id: None, name: None },
        body: Content::text("I am not sure"),
        template: None,
        in_reply_to: None,
        metadata: metadata.as_object().cloned().unwrap_or_default(),
        scheduled_at: None,
        reply_window: None,
        handoff: Some(playbook(&[], handoffs)),
        automatic_limit: None,
    }
}

#[test]
fn the_last_automatic_message_demands_a_handoff_and_no_further_one_is_sent() {
    let limit = AutomaticLimit { messages: 2, within: Duration::from_secs(60) };
    let none = || serde_json::json!({});
    let send = |sender_type| {
        let sender = Sender { sender_type, id: None, name: None };
        Send { sender, automatic_limit: Some(limit), ..bots_answer(none(), &[]) }
    };
    let history = |sent: usize| {
        let sent = std::iter::repeat_with(move || bot_sent(none())).take(sent);
        given::<Conversation>([opened(), received(MESSAGE, "?")].into_iter().chain(sent))
    };
    history(0).when(send(SenderType::Bot)).then([bot_sent(none()), engaged_by_program()]);
    let reason = "The limit of 2 automatic messages within 60 seconds is reached";
    let handoff =
        HandoffRequested { message_id: Some(REPLY), ..handed_over(HandoffCause::AutomaticLimit, reason) };
    history(1).when(send(SenderType::Bot)).then([bot_sent(none()), handoff.into()]);
    let too_many = || Rejection::TooManyAutomaticMessages { messages: 2, seconds: 60 };
    history(2).when(send(SenderType::Bot)).then_rejected(too_many());
    history(2).when(send(SenderType::System)).then_rejected(too_many());
    // A person is not bounded, and after a while programs are not.
    assert!(send(SenderType::Agent).decide(&history(2).state, Timestamp::from_secs(5)).is_ok());
    history(2)
        .at(Timestamp::from_secs(4 + 60))
        .when(send(SenderType::Bot))
        .then([bot_sent(none()), engaged_by_program()]);
}

#[test]
fn a_bot_that_may_not_answer_any_more_hands_over() {
    let settings = BotSettings { automatic_messages_limit: 1, ..BotSettings::usual(ACCOUNT) };
    let playbook = Arc::new(Playbook::compile(&[refunds()], &[], &settings, |_| None).unwrap());
    let asked = Answer { playbook, ..to_second(&[], "refund") };
    let reason = "The limit of 1 automatic messages within 3600 seconds is reached";
    let handoff =
        HandoffRequested { message_id: Some(SECOND), ..handed_over(HandoffCause::AutomaticLimit, reason) };
    let before =
        [opened(), received(MESSAGE, "?"), bot_sent(serde_json::json!({})), received(SECOND, "refund")];
    given(before).when(asked).then([handoff.into()]);
}

fn engaged_by_program() -> E {
    BotEngaged { rule_id: None, reason: Some("Another program answers as the bot".to_owned()) }.into()
}

fn bot_sent(metadata: Value) -> E {
    let E::Message(MessageEvent::MessageSent(sent)) = sent_by_bot(REPLY, "I am not sure", None) else {
        panic!("not a message")
    };
    MessageSent { metadata: metadata.as_object().cloned().unwrap_or_default(), ..sent }.into()
}

#[test]
fn three_answers_of_low_confidence_demand_a_handoff() {
    let unsure = || serde_json::json!({ "low_confidence": true });
    let barely = || serde_json::json!({ "confidence": 0.49 });
    let sure = || serde_json::json!({ "confidence": 0.5 });
    given([opened(), received(MESSAGE, "?"), engaged_by_program(), bot_sent(unsure()), bot_sent(sure())])
        .when(bots_answer(unsure(), &[]))
        .then([bot_sent(unsure())]);
    let reason = "Multiple low-confidence responses";
    let handoff =
        HandoffRequested { message_id: Some(REPLY), ..handed_over(HandoffCause::LowConfidence, reason) };
    given([opened(), received(MESSAGE, "?"), bot_sent(unsure()), bot_sent(barely())])
        .when(bots_answer(unsure(), &[]))
        .then([bot_sent(unsure()), handoff.into()]);
    given([opened(), assigned_to_ana(), bot_sent(unsure()), bot_sent(unsure())])
        .when(bots_answer(unsure(), &[]))
        .then([bot_sent(unsure())]);
}

#[test]
fn too_many_answers_without_a_resolution_demand_a_handoff() {
    let rule = || [handoff_rule(HandoffTrigger::Turns, "2")];
    let handoff = HandoffRequested {
        message_id: Some(REPLY),
        handoff_rule_id: Some(HandoffRuleId::from_u128(0x21)),
        ..handed_over(HandoffCause::Turns, "More than 2 answers without a resolution")
    };
    let nothing = Value::Null;
    given([opened(), engaged_by_program(), bot_sent(nothing.clone())])
        .when(bots_answer(nothing.clone(), &rule()))
        .then([bot_sent(nothing.clone())]);
    given([opened(), bot_sent(nothing.clone()), bot_sent(nothing.clone())])
        .when(bots_answer(nothing.clone(), &rule()))
        .then([bot_sent(nothing), handoff.into()]);
}

fn by_route() -> RequestHandoff {
    RequestHandoff {
        reason: "Customer requested human agent".to_owned(),
        agent: None,
        by: Requester { user: Some(ANA), may_take_over: false },
        playbook: playbook(&[], &[]),
        message_id: REPLY,
        reply_window: None,
    }
}

#[test]
fn a_requested_handoff_is_recorded_once() {
    let asked: E = HandoffRequested {
        message_id: None,
        requested_by: Some(ANA),
        ..handed_over(HandoffCause::Manual, "Customer requested human agent")
    }
    .into();
    let history = [opened(), BotEngaged { rule_id: None, reason: None }.into()];
    given(history.clone()).when(by_route()).then([asked.clone()]);
    let after = given::<Conversation>(history.into_iter().chain([asked]));
    assert_eq!(after.state.opened().unwrap().status(), Status::Open);
    after.when(by_route()).then_nothing();
}

#[test]
fn a_resolved_conversation_needs_no_handoff() {
    given([opened(), Resolved { reason: None }.into()])
        .when(by_route())
        .then_rejected(Rejection::NoSuchStep { from: Status::Resolved, to: Status::Open });
}

#[test]
fn outside_the_reply_window_the_other_acts_are_still_made() {
    let mut labels = refunds();
    labels.actions.set_labels = Some(vec!["late".to_owned()]);
    let asked = Answer { reply_window: Some(Duration::from_secs(60)), ..answer(&[labels], "refund") };
    conversation("refund").at(Timestamp::from_secs(1000)).when(asked).then([
        engaged(RULE, "Refunds: keyword 'refund'"),
        LabelsChanged { added: vec!["late".to_owned()], removed: vec![] }.into(),
    ]);
}

#[test]
fn an_answer_with_an_unfilled_placeholder_is_not_sent_and_the_words_that_stand_in_are() {
    let with = |text: &str| BotRule {
        actions: BotActions { reply_text: Some(text.to_owned()), ..BotActions::default() },
        ..refunds()
    };
    let engaged = || engaged(RULE, "Refunds: keyword 'refund'");
    let rules = [with("Order {{order_number}} is late.")];
    let handed = HandoffRequested {
        rule_id: Some(RULE),
        ..handed_over(
            HandoffCause::NoRule,
            "The answer of the rule 'Refunds' has a placeholder without a value",
        )
    };
    conversation("refund").when(answer(&rules, "refund")).then([engaged(), handed.into()]);
    let rules = [with("Order {{order_number|of yours}} is late.")];
    let sent = sent_by_bot(REPLY, "Order of yours is late.", Some((RULE, "Refunds")));
    conversation("refund").when(answer(&rules, "refund")).then([engaged(), sent]);
}
