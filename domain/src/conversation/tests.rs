mod changes;
mod fence;
mod program;
mod schedule;

use super::*;
use crate::aggregate::Decide;
use crate::aggregate::given::given;
use event_schemas::conversation::*;
use event_schemas::message::{Content, SenderType};
use event_schemas::{ConversationEvent as E, MessageEvent, TeamId};
use serde_json::{Map, Value, json};
use std::time::Duration;

const ANA: UserId = UserId::from_u128(0xA);
const BEN: UserId = UserId::from_u128(0xB);
const BILLING: TeamId = TeamId::from_u128(0x7);
const CHANNEL: ChannelId = ChannelId::from_u128(0xC);
const MESSAGE: MessageId = MessageId::from_u128(0x100);
pub(super) const ANSWER: MessageId = MessageId::from_u128(0x200);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn opening() -> Opening {
    Opening {
        account_id: AccountId::from_u128(1),
        channel_id: CHANNEL,
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
    }
}

pub(super) fn opened() -> E {
    let begun = Open { opening: opening() }.decide(&Conversation::NotOpened, Timestamp::from_secs(0));
    begun.unwrap().remove(0)
}

fn receive() -> Receive {
    Receive {
        opening: opening(),
        message_id: MESSAGE,
        provider_message_id: Some("wamid.1".to_owned()),
        body: Content::text("I want a refund"),
        reply_to: None,
        sent_at: Timestamp::from_secs(0),
        metadata: Map::new(),
    }
}

pub(super) fn received() -> E {
    MessageReceived {
        message_id: MESSAGE,
        provider_message_id: Some("wamid.1".to_owned()),
        body: Content::text("I want a refund"),
        reply_to: None,
        sent_at: Timestamp::from_secs(0),
        metadata: Map::new(),
    }
    .into()
}

fn send() -> Send {
    Send {
        message_id: ANSWER,
        sender: Sender { sender_type: SenderType::Agent, id: Some(ANA), name: Some("Ana".to_owned()) },
        body: Content::text("What is your order number?"),
        template: None,
        in_reply_to: None,
        metadata: Map::new(),
        scheduled_at: None,
        reply_window: Some(DAY),
        handoff: None,
        automatic_limit: None,
    }
}

pub(super) fn sent() -> E {
    MessageSent {
        message_id: ANSWER,
        to: Some(Addressee { channel_id: CHANNEL, contact_identifier: "251911000000".to_owned() }),
        sender_type: SenderType::Agent,
        sender_id: Some(ANA),
        sender_name: Some("Ana".to_owned()),
        body: Content::text("What is your order number?"),
        template: None,
        in_reply_to: None,
        in_reply_to_provider_id: None,
        metadata: Map::new(),
        scheduled_at: None,
    }
    .into()
}

fn agent(id: UserId, name: &str) -> Option<Assignee> {
    Some(Assignee { id, name: Some(name.to_owned()) })
}

fn requester(user: UserId) -> Requester {
    Requester { user: Some(user), may_take_over: false }
}

fn claim(user: UserId, name: &str) -> Assign {
    Assign {
        assignee: agent(user, name),
        team_id: None,
        strategy: Some(AssignStrategy::Claimed),
        route_by: None,
        by: requester(user),
        reason: None,
    }
}

fn assigned_to(user: UserId, name: &str) -> E {
    Assigned {
        assignee_id: Some(user),
        assignee_name: Some(name.to_owned()),
        team_id: None,
        strategy: Some(AssignStrategy::Claimed),
        route_by: None,
        assigned_by: Some(user),
        reason: None,
        decision: None,
        offer_id: None,
        overridden: None,
    }
    .into()
}

fn resolved() -> E {
    Resolved { reason: None }.into()
}

fn closed() -> E {
    Closed { reason: None }.into()
}

fn pending(until: Option<Timestamp>) -> E {
    MarkedPending { until, reason: None }.into()
}

fn reopened(cause: ReopenCause) -> E {
    Reopened { cause, reason: None }.into()
}

fn report(provider_id: &str, report: Report) -> RecordDelivery {
    RecordDelivery {
        message_id: ANSWER,
        provider_message_id: Some(provider_id.to_owned()),
        time: Timestamp::from_secs(9),
        report,
    }
}

fn status_after(events: impl IntoIterator<Item = E>) -> Status {
    given::<Conversation>(events).state.opened().unwrap().status()
}

#[test]
fn the_first_message_opens_the_conversation() {
    given::<Conversation>([]).when(receive()).then([opened(), received()]);
}

#[test]
fn the_next_message_belongs_to_the_open_conversation() {
    given::<Conversation>([opened(), received()]).when(receive()).then([received()]);
}

#[test]
fn a_message_after_resolved_reopens() {
    given::<Conversation>([opened(), assigned_to(ANA, "Ana"), resolved()])
        .when(receive())
        .then([reopened(ReopenCause::CustomerMessage), received()]);
    assert_eq!(
        status_after([
            opened(),
            assigned_to(ANA, "Ana"),
            resolved(),
            reopened(ReopenCause::CustomerMessage),
            received(),
        ]),
        Status::Open
    );
}

#[test]
fn a_message_after_closed_belongs_to_the_next_conversation() {
    given::<Conversation>([opened(), closed()]).when(receive()).then_rejected(Rejection::Closed);
}

#[test]
fn a_message_while_pending_brings_it_back_to_its_agent() {
    assert_eq!(
        status_after([opened(), assigned_to(ANA, "Ana"), pending(None), received()]),
        Status::Assigned
    );
    assert_eq!(status_after([opened(), pending(None), received()]), Status::Open);
}

#[test]
fn an_open_conversation_is_not_opened_again() {
    given::<Conversation>([opened()])
        .when(Open { opening: opening() })
        .then_rejected(Rejection::AlreadyOpen { status: Status::Open });
}

#[test]
fn an_agent_claims_an_unassigned_conversation() {
    given::<Conversation>([opened()]).when(claim(ANA, "Ana")).then([assigned_to(ANA, "Ana")]);
}

#[test]
fn an_agent_cannot_take_a_conversation_from_another_agent() {
    given::<Conversation>([opened(), assigned_to(ANA, "Ana")])
        .when(claim(BEN, "Ben"))
        .then_rejected(Rejection::Taken { by: ANA, name: Some("Ana".to_owned()) });
}

#[test]
fn a_requester_who_may_take_over_takes_it() {
    let mut insists = claim(BEN, "Ben");
    insists.by.may_take_over = true;
    given::<Conversation>([opened(), assigned_to(ANA, "Ana")]).when(insists).then([assigned_to(BEN, "Ben")]);
}

#[test]
fn an_agent_assigns_an_own_conversation_to_another_agent() {
    let hand_over = Assign {
        assignee: agent(BEN, "Ben"),
        team_id: None,
        strategy: Some(AssignStrategy::Manual),
        route_by: None,
        by: requester(ANA),
        reason: None,
    };
    let handed: E = Assigned {
        assignee_id: Some(BEN),
        assignee_name: Some("Ben".to_owned()),
        team_id: None,
        strategy: Some(AssignStrategy::Manual),
        route_by: None,
        assigned_by: Some(ANA),
        reason: None,
        decision: None,
        offer_id: None,
        overridden: None,
    }
    .into();
    given::<Conversation>([opened(), assigned_to(ANA, "Ana")]).when(hand_over).then([handed]);
}

#[test]
fn claiming_twice_changes_nothing() {
    given::<Conversation>([opened(), assigned_to(ANA, "Ana")]).when(claim(ANA, "Ana")).then_nothing();
}

#[test]
fn a_conversation_with_only_a_team_stays_open() {
    let to_billing: E = Assigned {
        assignee_id: None,
        assignee_name: None,
        team_id: Some(BILLING),
        strategy: Some(AssignStrategy::Manual),
        route_by: None,
        assigned_by: None,
        reason: None,
        decision: None,
        offer_id: None,
        overridden: None,
    }
    .into();
    assert_eq!(status_after([opened(), to_billing]), Status::Open);
}

#[test]
fn a_closed_conversation_cannot_be_assigned() {
    given::<Conversation>([opened(), closed()]).when(claim(ANA, "Ana")).then_rejected(Rejection::Closed);
}

#[test]
fn an_agent_cannot_unassign_another_agent() {
    given::<Conversation>([opened(), assigned_to(ANA, "Ana")])
        .when(Unassign { agent: true, team: false, by: requester(BEN), reason: None })
        .then_rejected(Rejection::Taken { by: ANA, name: Some("Ana".to_owned()) });
}

#[test]
fn closing_twice_changes_nothing() {
    given::<Conversation>([opened(), closed()]).when(Close { reason: None }).then_nothing();
}

#[test]
fn nothing_is_sent_in_a_closed_conversation() {
    given::<Conversation>([opened(), received(), closed()]).when(send()).then_rejected(Rejection::Closed);
}

#[test]
fn a_text_is_sent_within_the_reply_window() {
    // The message was said at second 0 and received at second 2. The provider's window ends a day after the first.
    given::<Conversation>([opened(), received()])
        .at(Timestamp::from_secs(0) + DAY)
        .when(send())
        .then([sent()]);
}

#[test]
fn after_the_reply_window_only_a_template_is_sent() {
    let late = Timestamp::from_secs(1) + DAY;
    given::<Conversation>([opened(), received()])
        .at(late)
        .when(send())
        .then_rejected(Rejection::OutsideReplyWindow { hours: 24 });
    let mut template = send();
    template.template = Some(event_schemas::message::Template {
        name: "order_update".to_owned(),
        language: "en_US".to_owned(),
        components: Vec::new(),
    });
    assert!(template.decide(&given::<Conversation>([opened(), received()]).state, late).is_ok());
}

/// A message that the provider delivers late does not open the window again, and one that was said earlier does not
/// shorten it.
#[test]
fn the_reply_window_counts_from_the_latest_message_that_was_said() {
    let said = |at: Timestamp| {
        let E::Message(MessageEvent::MessageReceived(message)) = received() else { unreachable!() };
        E::from(MessageReceived { sent_at: at, ..message })
    };
    let (old, new) = (Timestamp::from_secs(0), Timestamp::from_secs(1));
    let at = new + DAY;
    let hours = 24;
    given::<Conversation>([opened(), said(old)])
        .at(at)
        .when(send())
        .then_rejected(Rejection::OutsideReplyWindow { hours });
    given::<Conversation>([opened(), said(new), said(old)]).at(at).when(send()).then([sent()]);
}

#[test]
fn before_the_customers_first_message_only_a_template_is_sent() {
    given::<Conversation>([opened()]).when(send()).then_rejected(Rejection::OutsideReplyWindow { hours: 24 });
}

#[test]
fn an_empty_message_is_refused() {
    let mut empty = send();
    empty.body = Content::text("  ");
    given::<Conversation>([opened(), received()]).when(empty).then_rejected(Rejection::EmptyMessage);
}

#[test]
fn a_quoted_message_has_the_providers_id() {
    let mut quoting = send();
    quoting.in_reply_to = Some(MESSAGE);
    let state = given::<Conversation>([opened(), received()]).state;
    let E::Message(MessageEvent::MessageSent(sent)) =
        quoting.decide(&state, Timestamp::from_secs(3)).unwrap().remove(0)
    else {
        panic!("a message is sent")
    };
    assert_eq!(sent.in_reply_to_provider_id.as_deref(), Some("wamid.1"));
    quoting.in_reply_to = Some(ANSWER);
    assert_eq!(
        quoting.decide(&state, Timestamp::from_secs(3)).unwrap_err(),
        Rejection::NoSuchMessage(ANSWER)
    );
}

#[test]
fn a_delivery_status_never_goes_back() {
    let read: E = MessageRead {
        message_id: ANSWER,
        provider_message_id: "wamid.2".to_owned(),
        time: Timestamp::from_secs(9),
    }
    .into();
    given::<Conversation>([opened(), received(), sent()])
        .when(report("wamid.2", Report::Read))
        .then([read.clone()]);
    for late in [Report::Dispatched, Report::Delivered, Report::Read] {
        given::<Conversation>([opened(), received(), sent(), read.clone()])
            .when(report("wamid.2", late))
            .then_nothing();
    }
}

#[test]
fn a_delivered_message_cannot_fail() {
    let delivered: E = MessageDelivered {
        message_id: ANSWER,
        provider_message_id: "wamid.2".to_owned(),
        time: Timestamp::from_secs(9),
    }
    .into();
    given::<Conversation>([opened(), received(), sent(), delivered])
        .when(report("wamid.2", Report::Failed { code: "131000".to_owned(), reason: String::new() }))
        .then_nothing();
}

#[test]
fn a_status_of_an_unknown_message_is_refused() {
    given::<Conversation>([opened(), received()])
        .when(report("wamid.9", Report::Delivered))
        .then_rejected(Rejection::NoSuchMessage(ANSWER));
}

#[test]
fn a_delivery_report_counts_after_closing_too() {
    let dispatched: E = MessageDispatched {
        message_id: ANSWER,
        provider_message_id: "wamid.2".to_owned(),
        time: Timestamp::from_secs(9),
    }
    .into();
    given::<Conversation>([opened(), received(), sent(), closed()])
        .when(report("wamid.2", Report::Dispatched))
        .then([dispatched]);
}

#[test]
fn a_snooze_ends_only_at_its_time() {
    let until = Timestamp::from_secs(100);
    let asleep = || given::<Conversation>([opened(), assigned_to(ANA, "Ana"), pending(Some(until))]);
    let wake = || Reopen { cause: ReopenCause::SnoozeEnded, reason: None };
    asleep().at(Timestamp::from_secs(99)).when(wake()).then_nothing();
    asleep().at(until).when(wake()).then([reopened(ReopenCause::SnoozeEnded)]);
}

#[test]
fn a_snooze_cannot_end_in_the_past() {
    given::<Conversation>([opened()])
        .at(Timestamp::from_secs(10))
        .when(MarkPending { until: Some(Timestamp::from_secs(10)), reason: None })
        .then_rejected(Rejection::SnoozeInThePast);
}

#[test]
fn the_bot_cannot_take_an_assigned_conversation() {
    given::<Conversation>([opened(), assigned_to(ANA, "Ana")])
        .when(EngageBot { rule_id: None, reason: None })
        .then_rejected(Rejection::NoSuchStep { from: Status::Assigned, to: Status::Bot });
}

#[test]
fn a_change_of_labels_records_added_and_removed_ones() {
    let had: E = LabelsChanged { added: vec!["billing".into(), "vip".into()], removed: vec![] }.into();
    given::<Conversation>([opened(), had])
        .when(ChangeLabels { labels: ["billing".to_owned(), "refund".to_owned()].into() })
        .then([LabelsChanged { added: vec!["refund".into()], removed: vec!["vip".into()] }.into()]);
}

#[test]
fn several_changes_are_made_together_or_not_at_all() {
    let mut update = Update::by(requester(BEN));
    update.priority = Some(Priority::High);
    update.assignee = Some(agent(BEN, "Ben"));
    given::<Conversation>([opened(), assigned_to(ANA, "Ana")])
        .when(update.clone())
        .then_rejected(Rejection::Taken { by: ANA, name: Some("Ana".to_owned()) });
    given::<Conversation>([opened()]).when(update).then([
        PriorityChanged { old: Priority::Normal, new: Priority::High }.into(),
        assigned_to(BEN, "Ben"),
    ]);
}

#[test]
fn the_status_open_unassigns_the_agent() {
    let mut update = Update::by(requester(ANA));
    update.status = Some(Status::Open);
    let freed: E =
        Unassigned { assignee_id: Some(ANA), team_id: None, unassigned_by: Some(ANA), reason: None }.into();
    given::<Conversation>([opened(), assigned_to(ANA, "Ana")]).when(update).then([freed]);
}

#[test]
fn the_status_assigned_needs_an_agent() {
    let mut update = Update::by(requester(ANA));
    update.status = Some(Status::Assigned);
    given::<Conversation>([opened()]).when(update).then_rejected(Rejection::NotAssigned);
}

#[test]
fn a_closed_conversation_does_not_change() {
    let mut update = Update::by(requester(ANA));
    update.subject = Some(Some("Refund".to_owned()));
    given::<Conversation>([opened(), closed()]).when(update).then_rejected(Rejection::Closed);
}

#[test]
fn reading_counts_up_to_the_last_message_and_once() {
    let seen: E = SeenByAgent { agent_id: ANA, received: 1 }.into();
    given::<Conversation>([opened(), received()]).when(See { agent_id: ANA }).then([seen.clone()]);
    given::<Conversation>([opened(), received(), seen]).when(See { agent_id: ANA }).then_nothing();
    given::<Conversation>([opened(), received(), sent()]).when(See { agent_id: ANA }).then_nothing();
}

fn begin(labels: &[&str], message: Send) -> Begin {
    Begin {
        opening: opening(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        message: Some(Message::ToCustomer(Box::new(message))),
        answered_by_program: false,
    }
}

#[test]
fn a_conversation_begins_with_its_labels_and_its_first_message() {
    let labelled = LabelsChanged { added: vec!["billing".to_owned()], removed: vec![] };
    let begun = begin(&["billing"], Send { reply_window: None, ..send() });
    assert_eq!(begun.events_before_message(), 2);
    given::<Conversation>([]).when(begun).then([opened(), labelled.into(), sent()]);
}

#[test]
fn a_conversation_with_an_invalid_part_does_not_begin() {
    given::<Conversation>([])
        .when(begin(&["billing"], send()))
        .then_rejected(Rejection::OutsideReplyWindow { hours: 24 });
    let reply = Send { reply_window: None, ..send() };
    given::<Conversation>([]).when(begin(&[" "], reply.clone())).then_rejected(Rejection::BadLabel);
    let mut named = begin(&[], reply);
    named.opening.subject = Some("s".repeat(501));
    given::<Conversation>([]).when(named).then_rejected(Rejection::SubjectTooLong { limit: 500 });
    given::<Conversation>([opened()])
        .when(begin(&[], send()))
        .then_rejected(Rejection::AlreadyOpen { status: Status::Open });
}

fn context(fields: Value) -> Map<String, Value> {
    fields.as_object().cloned().unwrap_or_default()
}

#[test]
fn a_fact_that_the_bot_collected_is_removed_by_null_and_all_facts_by_the_command() {
    let collected: E =
        BotContextCollected { fields: context(json!({ "order": 7, "wants": "refund" })) }.into();
    given::<Conversation>([opened(), collected.clone()])
        .when(CollectContext { fields: context(json!({ "order": null, "unknown": null, "city": "Adama" })) })
        .then([
            BotContextCollected { fields: context(json!({ "city": "Adama" })) }.into(),
            BotContextRemoved { fields: vec!["order".to_owned()] }.into(),
        ]);
    let removed: E = BotContextRemoved { fields: vec!["order".to_owned(), "wants".to_owned()] }.into();
    given::<Conversation>([opened(), collected.clone()]).when(label::RemoveContext).then([removed.clone()]);
    given::<Conversation>([opened(), collected, removed]).when(label::RemoveContext).then_nothing();
}

#[test]
fn a_snooze_loses_its_end_by_null_and_the_conversation_stays_pending() {
    let mut update = Update::by(requester(ANA));
    update.snoozed_until = Some(None);
    let snoozed: E = MarkedPending { until: Some(Timestamp::from_secs(9_999_999_999)), reason: None }.into();
    given::<Conversation>([opened(), snoozed]).when(update.clone()).then([MarkedPending {
        until: None,
        reason: None,
    }
    .into()]);
    given::<Conversation>([opened()]).when(update).then_nothing();
}

#[test]
fn the_collected_fields_are_bounded_however_they_are_added() {
    let field = |name: &str, bytes: usize| CollectContext {
        fields: [(name.to_owned(), serde_json::Value::from("x".repeat(bytes)))].into_iter().collect(),
    };
    let first = BotContextCollected { fields: field("a", 40_000).fields };
    let rejection = Rejection::ContextTooLarge { limit: 65_536 };
    given([opened(), first.clone().into()]).when(field("b", 40_000)).then_rejected(rejection);
    given([opened(), first.into()])
        .when(field("a", 50_000))
        .then([BotContextCollected { fields: field("a", 50_000).fields }.into()]);
}
