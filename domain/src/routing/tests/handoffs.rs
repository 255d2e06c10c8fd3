//! The strategy by which an agent is found for a conversation that is handed over to a team.

use super::*;
use crate::bot::{AutomaticLimit, Playbook};
use crate::conversation::{
    ActionList, Announcement, Answer, AnswerIds, Conversation, EndInactivity, InactivityTimeouts, Rejection,
    RequestHandoff, Requester, RunMacro, Send, Sender, Step,
};
use event_schemas::automation::Action;
use event_schemas::bot::{
    BotActions, BotConditions, BotRule, BotSettings, BotStrategy, BotTrigger, HandoffRule, HandoffTrigger,
};
use event_schemas::message::SenderType;
use event_schemas::{BotRuleId, Events, HandoffRuleId, MacroId, WebhookId};
use std::sync::Arc;
use std::time::Duration;

/// A conversation with the bot, in an account whose billing team has one member, Ana, and a queue from which
/// agents take conversations themselves.
struct WithBot {
    scenario: Scenario,
    conversation: Conversation,
    id: ConversationId,
}

impl WithBot {
    fn new() -> Self {
        let mut scenario = Scenario::with(&[ANA], RoutingStrategy::LeastBusy);
        scenario.team(BILLING, None, &[ANA]);
        scenario.queue(Some(BILLING), RoutingStrategy::ManualQueue, |_| {});
        let id = ConversationId::from_u128(1);
        let mut this = Self { scenario, conversation: Conversation::default(), id };
        this.apply(opened(id));
        this.apply(received(this.scenario.now));
        this.apply(BotEngaged { rule_id: None, reason: None });
        this
    }

    fn apply(&mut self, event: impl Into<ConversationEvent>) {
        let event = event.into();
        self.conversation.evolve(&event, self.scenario.now);
        self.scenario.apply(self.id, event);
    }

    /// The actions of routing on the conversation after these events.
    fn after(mut self, command: impl Decide<Conversation, Rejection = Rejection>) -> Vec<RoutingAction> {
        let events = command.decide(&self.conversation, self.scenario.now).unwrap();
        assert!(events.iter().any(|event| event.event_type() == "HandoffRequested"), "{events:?}");
        events.into_iter().for_each(|event| self.apply(event));
        assert_eq!(self.conversation.opened().unwrap().lifecycle.team_id, Some(BILLING));
        self.scenario.plan()
    }
}

fn opened(id: ConversationId) -> ConversationOpened {
    ConversationOpened {
        conversation_id: id,
        account_id: HERE,
        channel_id: ChannelId::from_u128(1),
        channel_type: ChannelType::WhatsApp,
        contact_id: ContactId::from_u128(1),
        contact_identifier: "1".to_owned(),
        display_name: None,
        ordinal: 0,
        subject: None,
        priority: Priority::Normal,
        language: None,
        metadata: Map::new(),
    }
}

fn received(sent_at: Timestamp) -> MessageReceived {
    MessageReceived {
        message_id: MessageId::from_u128(1),
        provider_message_id: None,
        body: Content::text("I want a refund"),
        reply_to: None,
        sent_at,
        metadata: Map::new(),
    }
}

/// A playbook with one handoff rule, which hands over to the billing team.
fn hands_over(trigger_type: HandoffTrigger, value: &str) -> Arc<Playbook> {
    let rule = HandoffRule {
        id: HandoffRuleId::from_u128(1),
        name: "To billing".to_owned(),
        trigger_type,
        trigger_value: Some(value.to_owned()),
        priority: 0,
        target_team_id: Some(BILLING),
        message_template: None,
        is_active: true,
    };
    playbook(&[], &[rule])
}

fn playbook(rules: &[BotRule], handoffs: &[HandoffRule]) -> Arc<Playbook> {
    Arc::new(Playbook::compile(rules, handoffs, &BotSettings::usual(HERE), |_| None).unwrap())
}

fn answer(playbook: Arc<Playbook>) -> Answer {
    Answer {
        playbook,
        message_id: MessageId::from_u128(1),
        body: Content::text("I want a refund"),
        metadata: Map::new(),
        received_at: at(MONDAY_AT_TEN),
        language: None,
        ids: AnswerIds { reply: MessageId::from_u128(2), question: MessageId::from_u128(3) },
        reply_window: None,
    }
}

fn refunds_to_billing(assign_strategy: Option<BotStrategy>) -> Arc<Playbook> {
    let rule = BotRule {
        id: BotRuleId::from_u128(1),
        name: "Refunds".to_owned(),
        priority: 1,
        is_active: true,
        trigger_type: BotTrigger::Keyword,
        conditions: BotConditions { keywords: Some(vec!["refund".to_owned()]), ..BotConditions::default() },
        actions: BotActions { assign_team_id: Some(BILLING), assign_strategy, ..BotActions::default() },
        run_once: true,
    };
    playbook(&[rule], &[])
}

fn bot() -> Sender {
    Sender { sender_type: SenderType::Bot, id: None, name: None }
}

fn no_user() -> Requester {
    Requester { user: None, may_take_over: false }
}

fn unsure_answer() -> Send {
    let metadata = serde_json::json!({ "confidence": 0.1 });
    Send {
        message_id: MessageId::from_u128(2),
        sender: bot(),
        body: Content::text("I am not sure"),
        template: None,
        in_reply_to: None,
        metadata: metadata.as_object().cloned().unwrap(),
        scheduled_at: None,
        reply_window: None,
        handoff: Some(hands_over(HandoffTrigger::Confidence, "0.5")),
        automatic_limit: None,
    }
}

fn requested_by_a_user() -> RequestHandoff {
    RequestHandoff {
        reason: "The customer telephoned".to_owned(),
        agent: None,
        by: no_user(),
        playbook: hands_over(HandoffTrigger::Manual, ""),
        message_id: MessageId::from_u128(2),
        reply_window: None,
    }
}

fn inactive() -> EndInactivity {
    let playbook = hands_over(HandoffTrigger::Timeout, "0");
    EndInactivity {
        timeouts: InactivityTimeouts {
            expire_after: None,
            close_resolved_after: None,
            hand_over_after: Some(Duration::ZERO),
        },
        playbook,
        announcement: Some(Announcement {
            message_id: MessageId::from_u128(2),
            reply_window: None,
            automatic_limit: None,
        }),
    }
}

fn macro_that_routes() -> RunMacro {
    let step = Step {
        action: Action::Route { strategy: BotStrategy::LeastBusy, team_id: Some(BILLING) },
        message_id: MessageId::from_u128(2),
        webhook_id: WebhookId::from_u128(2),
        text: None,
        assignee: None,
        obstacle: None,
        refused: None,
    };
    RunMacro {
        id: MacroId::from_u128(1),
        name: "Billing".to_owned(),
        list: ActionList {
            steps: vec![step],
            by: no_user(),
            sender: bot(),
            author: ANA,
            reply_window: None,
            automatic_limit: AutomaticLimit { messages: 30, within: Duration::from_secs(3600) },
        },
    }
}

/// Whether the only action is to queue the conversation for the billing team.
fn is_queued(planned: &[RoutingAction]) -> bool {
    matches!(planned, [RoutingAction::Queue { team: Some(BILLING), .. }])
}

fn is_anas(planned: &[RoutingAction]) -> bool {
    matches!(planned, [RoutingAction::Assign { agent: ANA, .. }])
}

#[test]
fn a_bot_rule_that_names_only_a_team_leaves_the_strategy_to_the_queue() {
    let planned = WithBot::new().after(answer(refunds_to_billing(None)));
    assert!(is_queued(&planned), "{planned:?}");
}

#[test]
fn a_handoff_rule_that_fits_a_message_leaves_the_strategy_to_the_queue() {
    let planned = WithBot::new().after(answer(hands_over(HandoffTrigger::Keyword, "refund")));
    assert!(is_queued(&planned), "{planned:?}");
}

#[test]
fn a_handoff_rule_that_fits_the_bots_answer_leaves_the_strategy_to_the_queue() {
    let planned = WithBot::new().after(unsure_answer());
    assert!(is_queued(&planned), "{planned:?}");
}

#[test]
fn a_handoff_after_inactivity_leaves_the_strategy_to_the_queue() {
    let planned = WithBot::new().after(inactive());
    assert!(is_queued(&planned), "{planned:?}");
}

#[test]
fn a_handoff_that_a_user_requested_leaves_the_strategy_to_the_queue() {
    let planned = WithBot::new().after(requested_by_a_user());
    assert!(is_queued(&planned), "{planned:?}");
}

#[test]
fn a_strategy_that_a_rule_or_a_macro_names_counts_before_the_queues_own() {
    let planned = WithBot::new().after(answer(refunds_to_billing(Some(BotStrategy::LeastBusy))));
    assert!(is_anas(&planned), "{planned:?}");
    let planned = WithBot::new().after(macro_that_routes());
    assert!(is_anas(&planned), "{planned:?}");
}

#[test]
fn a_conversation_that_overflowed_follows_the_strategy_of_the_queue_it_came_to() {
    let mut scenario = Scenario::with(&[], RoutingStrategy::ManualQueue);
    scenario.team(BILLING, None, &[]);
    scenario.team(SALES, None, &[ANA]);
    scenario.queue(Some(BILLING), RoutingStrategy::ManualQueue, |queue| {
        (queue.max_waiting, queue.overflow_team_id) = (Some(0), Some(SALES));
    });
    scenario.queue(Some(SALES), RoutingStrategy::LeastBusy, |_| {});
    let id = scenario.writes(1, Priority::Normal);
    scenario.for_team(id, BILLING);
    assert_eq!(scenario.run(), [], "it overflows");
    // The account's administrator changes the queue before an agent is found.
    scenario.queue(Some(SALES), RoutingStrategy::ManualQueue, |_| {});
    scenario.agent(ANA, &registered(ANA));
    scenario.agent(ANA, &prefers(ANA, |_| {}));
    let planned = scenario.plan();
    assert!(matches!(&*planned, [RoutingAction::Queue { team: Some(SALES), .. }]), "{planned:?}");
}
