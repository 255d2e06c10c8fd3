use super::*;
use crate::aggregate::given::given;
use crate::automation::MOST_BY_ITSELF;
use crate::conversation::{Open, Opening};
use event_schemas::automation::{ActionKind, AutomationConditions, AutomationEvent, AutomationRule, Held};
use event_schemas::conversation::*;
use event_schemas::message::{ChannelType, Priority, SenderType};
use event_schemas::{
    AccountId, AssignmentEvent, CannedResponseId, ChannelId, ContactId, ConversationEvent as E,
};

const ANA: UserId = UserId::from_u128(0xA);
const BEN: UserId = UserId::from_u128(0xB);
const BILLING: TeamId = TeamId::from_u128(0x7);
const REFUND: MacroId = MacroId::from_u128(0x3);
const RULE: AutomationRuleId = AutomationRuleId::from_u128(0x4);
const MESSAGE: MessageId = MessageId::from_u128(0x100);
const HOUR: Duration = Duration::from_secs(3600);

fn opened() -> E {
    let opening = Opening {
        account_id: AccountId::from_u128(1),
        channel_id: ChannelId::from_u128(2),
        channel_type: ChannelType::WhatsApp,
        contact_id: ContactId::from_u128(2),
        contact_identifier: "251911000000".to_owned(),
        display_name: Some("Hanna".to_owned()),
        ordinal: 0,
        subject: None,
        priority: Priority::Normal,
        language: None,
        metadata: Map::new(),
        sla: None,
    };
    Open { opening }.decide(&Conversation::NotOpened, Timestamp::from_secs(0)).unwrap().remove(0)
}

fn received() -> E {
    MessageReceived {
        message_id: MESSAGE,
        provider_message_id: None,
        body: Content::text("I want a refund"),
        reply_to: None,
        sent_at: Timestamp::from_secs(0),
        metadata: Map::new(),
    }
    .into()
}

fn assigned(to: UserId) -> E {
    Assigned {
        assignee_id: Some(to),
        assignee_name: None,
        team_id: None,
        strategy: Some(AssignStrategy::Manual),
        route_by: None,
        assigned_by: None,
        reason: None,
        decision: None,
        offer_id: None,
        overridden: None,
    }
    .into()
}

fn message(index: u128) -> MessageId {
    MessageId::from_u128(0x1000 + index)
}

fn list(actions: impl IntoIterator<Item = Action>, user: Option<UserId>) -> ActionList {
    let step = |(index, action): (u128, Action)| Step {
        message_id: message(index),
        webhook_id: WebhookId::from_u128(0x2000 + index),
        text: match &action {
            Action::Reply { text, .. } => text.clone(),
            Action::AssignTeam { .. }
            | Action::AssignAgent { .. }
            | Action::Unassign { .. }
            | Action::Route { .. }
            | Action::AddLabels { .. }
            | Action::RemoveLabels { .. }
            | Action::SetPriority { .. }
            | Action::Note { .. }
            | Action::Snooze { .. }
            | Action::Resolve { .. }
            | Action::Reopen { .. }
            | Action::Webhook { .. } => None,
        },
        action,
        assignee: None,
        obstacle: None,
        refused: None,
    };
    ActionList {
        steps: (0..).zip(actions).map(step).collect(),
        by: Requester { user, may_take_over: user.is_none() },
        sender: Sender {
            sender_type: if user.is_some() { SenderType::Agent } else { SenderType::System },
            id: user,
            name: Some("Ana".to_owned()),
        },
        author: user.unwrap_or(UserId(RULE.0)),
        reply_window: Some(HOUR),
        automatic_limit: AutomaticLimit { messages: 20, within: HOUR },
    }
}

fn macro_of(actions: impl IntoIterator<Item = Action>) -> RunMacro {
    RunMacro { id: REFUND, name: "Refund".to_owned(), list: list(actions, Some(ANA)) }
}

fn ran() -> E {
    MacroRan { macro_id: REFUND, name: "Refund".to_owned() }.into()
}

fn reply(text: &str) -> Action {
    Action::Reply { text: Some(text.to_owned()), canned_response_id: None }
}

fn why() -> Option<String> {
    Some("Macro 'Refund'".to_owned())
}

/// The events of a macro of one action, without `MacroRan`.
#[track_caller]
fn does(before: impl IntoIterator<Item = E>, action: Action, after: impl IntoIterator<Item = E>) {
    let expected = std::iter::once(ran()).chain(after);
    given::<Conversation>(before).when(macro_of([action])).then(expected);
}

#[track_caller]
fn refuses(before: impl IntoIterator<Item = E>, actions: Vec<Action>, index: usize, because: Rejection) {
    let action = actions[index].kind();
    let expected = Rejection::CannotDo { index, action, because: Box::new(because) };
    given::<Conversation>(before).when(macro_of(actions)).then_rejected(expected);
}

#[test]
fn a_reply_has_the_agents_name_and_filled_placeholders() {
    let sent = MessageSent {
        message_id: message(0),
        to: Some(Addressee {
            channel_id: ChannelId::from_u128(2),
            contact_identifier: "251911000000".to_owned(),
        }),
        sender_type: SenderType::Agent,
        sender_id: Some(ANA),
        sender_name: Some("Ana".to_owned()),
        body: Content::text("Hello Hanna, I am Ana. The order"),
        template: None,
        in_reply_to: None,
        in_reply_to_provider_id: None,
        metadata: Map::new(),
        scheduled_at: None,
    };
    let text = "Hello {{contact_name}}, I am {{agent_name}}. {{order|The order}}";
    does([opened(), received()], reply(text), [sent.into()]);
}

#[test]
fn a_reply_with_an_unfilled_placeholder_is_refused() {
    let text = "Order {{order_number}} for {{contact_name}} of {{ticket.id}}.";
    let names = vec!["order_number".to_owned(), "ticket.id".to_owned()];
    refuses([opened(), received()], vec![reply(text)], 0, Rejection::Unfilled { names });
}

#[test]
fn labels_are_added_and_removed_and_present_ones_change_nothing() {
    let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>();
    let has = LabelsChanged { added: labels(&["new"]), removed: vec![] };
    let both = Action::AddLabels { labels: labels(&["new", "refund"]) };
    let added = LabelsChanged { added: labels(&["refund"]), removed: vec![] };
    does([opened(), has.clone().into()], both, [added.into()]);
    let away = Action::RemoveLabels { labels: labels(&["new", "old"]) };
    let removed = LabelsChanged { added: vec![], removed: labels(&["new"]) };
    does([opened(), has.into()], away, [removed.into()]);
    does([opened()], Action::SetPriority { priority: Priority::Normal }, []);
}

#[test]
fn priority_note_snooze_and_webhook_each_have_an_event() {
    let priority = PriorityChanged { old: Priority::Normal, new: Priority::High };
    does([opened()], Action::SetPriority { priority: Priority::High }, [priority.into()]);
    let note = NoteAdded {
        message_id: message(0),
        author_id: ANA,
        author_name: Some("Ana".to_owned()),
        content: "Hanna is waiting".to_owned(),
        mentions: vec![],
    };
    does([opened()], Action::Note { text: "{{contact_name}} is waiting".to_owned() }, [note.into()]);
    // The first event was at second 1, and the macro runs at second 2.
    let pending = MarkedPending { until: Some(Timestamp::from_secs(62)), reason: why() };
    does([opened()], Action::Snooze { until: None, for_seconds: Some(60) }, [pending.into()]);
    let url = "https://example.com/hook".to_owned();
    let requested = WebhookRequested {
        webhook_id: WebhookId::from_u128(0x2000),
        url: url.clone(),
        event_id: None,
        macro_id: Some(REFUND),
        rule_id: None,
    };
    does([opened()], Action::Webhook { url }, [requested.into()]);
}

#[test]
fn a_conversation_is_resolved_and_reopened_and_an_assignment_reopens_a_resolved_one() {
    let resolved = E::from(Resolved { reason: why() });
    does([opened()], Action::Resolve { reason: None }, [resolved.clone()]);
    let reopened = E::from(Reopened { cause: ReopenCause::Agent, reason: why() });
    does([opened(), resolved.clone()], Action::Reopen { reason: None }, [reopened.clone()]);
    let mut taken = assigned(ANA);
    if let E::Assignment(AssignmentEvent::Assigned(taken)) = &mut taken {
        (taken.strategy, taken.assigned_by, taken.reason) = (Some(AssignStrategy::Claimed), Some(ANA), why());
    }
    does([opened(), resolved], Action::AssignAgent { agent_id: ANA }, [reopened, taken]);
}

#[test]
fn routing_unassigns_the_agent_and_requests_another() {
    let action = Action::Route { strategy: BotStrategy::LeastBusy, team_id: None };
    let back = Unassigned { assignee_id: Some(ANA), team_id: None, unassigned_by: Some(ANA), reason: why() };
    let wanted = HandoffRequested {
        trigger: HandoffCause::Manual,
        reason: "Macro 'Refund'".to_owned(),
        message_id: None,
        rule_id: None,
        handoff_rule_id: None,
        team_id: None,
        strategy: Some(AssignStrategy::LeastBusy),
        agent_id: None,
        requested_by: Some(ANA),
    };
    let before = [opened(), received(), assigned(ANA)];
    does(before.clone(), action, [back.clone().into(), wanted.clone().into()]);
    let given = given::<Conversation>(before.into_iter().chain([back.into(), wanted.into()]));
    assert!(given.state.opened().unwrap().wait.since.is_some(), "the conversation waits for an agent");
}

#[test]
fn teams_and_agents_are_assigned_and_unassigned() {
    let mut teamed = assigned(ANA);
    if let E::Assignment(AssignmentEvent::Assigned(teamed)) = &mut teamed {
        (teamed.assignee_id, teamed.team_id) = (None, Some(BILLING));
        (teamed.assigned_by, teamed.reason) = (Some(ANA), why());
    }
    does([opened()], Action::AssignTeam { team_id: BILLING }, [teamed.clone()]);
    let back =
        Unassigned { assignee_id: None, team_id: Some(BILLING), unassigned_by: Some(ANA), reason: why() };
    does([opened(), teamed], Action::Unassign { agent: true, team: true }, [back.into()]);
}

#[test]
fn a_macro_with_an_action_that_cannot_be_executed_is_refused_and_names_it() {
    let labels = || Action::AddLabels { labels: vec!["refund".to_owned()] };
    let window = Rejection::OutsideReplyWindow { hours: 1 };
    refuses([opened()], vec![labels(), reply("Hello")], 1, window);
    let closed = E::from(Closed { reason: None });
    refuses([opened(), closed], vec![labels()], 0, Rejection::Closed);
    let taken = Rejection::Taken { by: BEN, name: None };
    let to_ana = Action::AssignAgent { agent_id: ANA };
    refuses([opened(), assigned(BEN)], vec![labels(), to_ana], 1, taken);
    let gone = Action::Reply { text: None, canned_response_id: Some(CannedResponseId::from_u128(1)) };
    refuses([opened(), received()], vec![gone], 0, Rejection::NoSuchCannedResponse);
    let past = Action::Snooze { until: Some(Timestamp::from_secs(1)), for_seconds: None };
    refuses([opened()], vec![past], 0, Rejection::SnoozeInThePast);
}

#[test]
fn later_actions_work_on_the_state_after_earlier_ones() {
    let resolve = Action::Resolve { reason: None };
    let snooze = Action::Snooze { until: None, for_seconds: Some(60) };
    let from = Status::Resolved;
    refuses([opened()], vec![resolve, snooze], 1, Rejection::NoSuchStep { from, to: Status::Pending });
}

fn rule(event: AutomationEvent, actions: Vec<Action>) -> AutomationRule {
    AutomationRule {
        id: RULE,
        name: "Refunds".to_owned(),
        description: None,
        priority: 0,
        is_active: true,
        event,
        waiting_seconds: None,
        conditions: AutomationConditions::default(),
        actions,
        webhook_secret: None,
    }
}

fn cause(event: AutomationEvent) -> Cause {
    Cause {
        event,
        event_id: Some(EventId(MESSAGE.0)),
        at: Timestamp::from_secs(2),
        by_itself: false,
        text: "I want a REFUND".to_owned(),
        sla_metric: None,
        unanswered_since: None,
    }
}

fn run(rule: &AutomationRule, cause: Cause) -> RunRule {
    let rules = Arc::new(Rules::compile([rule]).unwrap());
    RunRule { rules, index: 0, cause, list: list(rule.actions.clone(), None) }
}

fn automation_ran(cause: &Cause, skipped: Vec<Skipped>) -> E {
    AutomationRan {
        rule_id: RULE,
        name: "Refunds".to_owned(),
        event: cause.event,
        event_id: cause.event_id,
        by_itself: cause.by_itself,
        unanswered_since: cause.unanswered_since,
        skipped,
    }
    .into()
}

fn high() -> Action {
    Action::SetPriority { priority: Priority::High }
}

fn made_high() -> E {
    PriorityChanged { old: Priority::Normal, new: Priority::High }.into()
}

#[test]
fn a_rule_skips_an_action_that_cannot_be_executed_and_records_the_reason() {
    let rule = rule(AutomationEvent::MessageReceived, vec![reply("Hello"), high()]);
    let cause = cause(AutomationEvent::MessageReceived);
    let late = Timestamp::from_secs(2) + HOUR * 2;
    let reason = "the customer last wrote more than 1 hours ago; only a template can be sent".to_owned();
    let skipped = vec![Skipped { index: 0, action: ActionKind::Reply, reason }];
    given::<Conversation>([opened(), received()])
        .at(late)
        .when(run(&rule, cause.clone()))
        .then([automation_ran(&cause, skipped), made_high()]);
}

#[test]
fn a_known_obstacle_is_recorded_too() {
    let cause = cause(AutomationEvent::MessageReceived);
    let rule = rule(cause.event, vec![Action::AssignAgent { agent_id: BEN }, high()]);
    let mut command = run(&rule, cause.clone());
    command.list.steps[0].obstacle = Some("they are away".to_owned());
    let reason = "they are away".to_owned();
    let skipped = vec![Skipped { index: 0, action: ActionKind::AssignAgent, reason }];
    given::<Conversation>([opened(), received()])
        .when(command)
        .then([automation_ran(&cause, skipped), made_high()]);
}

#[test]
fn a_rule_compares_its_conditions_with_the_present_state() {
    type Change = fn(&mut AutomationConditions);
    let conditions: [(Change, bool); 12] = [
        (|on| on.keywords = Some(vec!["refund".to_owned()]), true),
        (|on| on.keywords = Some(vec!["fund".to_owned()]), false),
        (|on| on.statuses = Some(vec![Status::Assigned]), true),
        (|on| on.statuses = Some(vec![Status::Open]), false),
        (|on| on.priorities = Some(vec![Priority::Urgent]), false),
        (|on| on.assignee = Some(Held::Any), true),
        (|on| on.assignee = Some(Held::None), false),
        (|on| on.team_ids = Some(vec![BILLING]), false),
        (|on| on.labels = Some(vec!["vip".to_owned()]), true),
        (|on| on.without_labels = Some(vec!["vip".to_owned()]), false),
        (|on| on.channels = Some(vec![ChannelType::Sms]), false),
        (|on| on.language = Some("am".to_owned()), false),
    ];
    let vip = LabelsChanged { added: vec!["vip".to_owned()], removed: vec![] };
    for (number, (change, fits)) in conditions.into_iter().enumerate() {
        let mut rule = rule(AutomationEvent::MessageReceived, vec![high()]);
        change(&mut rule.conditions);
        let cause = cause(AutomationEvent::MessageReceived);
        let given = given::<Conversation>([opened(), received(), assigned(ANA), vip.clone().into()]);
        let events = run(&rule, cause).decide(&given.state, given.now).unwrap();
        assert_eq!(!events.is_empty(), fits, "condition {number}");
    }
}

#[test]
fn a_rule_of_another_event_does_not_run() {
    let rule = rule(AutomationEvent::MessageSent, vec![high()]);
    given::<Conversation>([opened(), received()])
        .when(run(&rule, cause(AutomationEvent::MessageReceived)))
        .then_nothing();
}

#[test]
fn a_rule_that_changes_nothing_is_not_recorded() {
    let rule = rule(AutomationEvent::MessageReceived, vec![high()]);
    given::<Conversation>([opened(), received(), made_high()])
        .when(run(&rule, cause(AutomationEvent::MessageReceived)))
        .then_nothing();
}

#[test]
fn a_wait_counts_only_while_it_lasts() {
    let mut rule = rule(AutomationEvent::WaitingLongerThan, vec![high()]);
    rule.waiting_seconds = Some(60);
    let since = Timestamp::from_secs(2);
    let mut cause = cause(AutomationEvent::WaitingLongerThan);
    (cause.unanswered_since, cause.event_id) = (Some(since), None);
    let waits = || given::<Conversation>([opened(), received(), received()]);
    waits().at(since + Duration::from_secs(59)).when(run(&rule, cause.clone())).then_nothing();
    waits()
        .at(since + Duration::from_secs(60))
        .when(run(&rule, cause.clone()))
        .then([automation_ran(&cause, vec![]), made_high()]);
    let answered = E::from(MessageSent {
        message_id: message(9),
        to: None,
        sender_type: SenderType::Agent,
        sender_id: Some(ANA),
        sender_name: None,
        body: Content::text("Hello"),
        template: None,
        in_reply_to: None,
        in_reply_to_provider_id: None,
        metadata: Map::new(),
        scheduled_at: None,
    });
    given::<Conversation>([opened(), received(), answered, received()])
        .at(since + Duration::from_secs(60))
        .when(run(&rule, cause))
        .then_nothing();
}

#[test]
fn a_rule_runs_only_ten_times_a_day_because_of_verbatims_own_events() {
    let rule = rule(AutomationEvent::ConversationUpdated, vec![Action::Note { text: "again".to_owned() }]);
    let mut own = cause(AutomationEvent::ConversationUpdated);
    own.by_itself = true;
    let mut given = given::<Conversation>([opened(), received()]);
    for round in 0..MOST_BY_ITSELF + 3 {
        let events = run(&rule, own.clone()).decide(&given.state, given.now).unwrap();
        assert_eq!(events.is_empty(), round >= MOST_BY_ITSELF, "round {round}");
        events.iter().for_each(|event| crate::Evolve::evolve(&mut given.state, event, given.now));
    }
    let by_a_person = cause(AutomationEvent::ConversationUpdated);
    assert!(!run(&rule, by_a_person).decide(&given.state, given.now).unwrap().is_empty());
    let tomorrow = given.now + Duration::from_secs(24 * 3600);
    assert!(!run(&rule, own).decide(&given.state, tomorrow).unwrap().is_empty());
}
