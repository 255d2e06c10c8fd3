//! Another program answers in the bot's place.

use super::*;
use event_schemas::bot::HandoffCause;

fn stored() -> ReceiveForProgram {
    ReceiveForProgram {
        message_id: MESSAGE,
        provider_message_id: Some("wamid.1".to_owned()),
        body: Content::text("I want a refund"),
        sent_at: Timestamp::from_secs(0),
        metadata: Map::new(),
    }
}

fn engaged() -> E {
    BotEngaged { rule_id: None, reason: Some("Another program answers as the bot".to_owned()) }.into()
}

fn requested() -> E {
    HandoffRequested {
        trigger: HandoffCause::Manual,
        reason: "Customer requested human agent".to_owned(),
        message_id: None,
        rule_id: None,
        handoff_rule_id: None,
        team_id: None,
        strategy: None,
        agent_id: None,
        requested_by: None,
    }
    .into()
}

#[test]
fn a_program_that_stores_a_message_becomes_the_bot_of_a_conversation_without_agent() {
    given::<Conversation>([opened()]).when(stored()).then([received(), engaged()]);
    given::<Conversation>([opened(), engaged()]).when(stored()).then([received()]);
    given::<Conversation>([opened(), assigned_to(ANA, "Ana")]).when(stored()).then([received()]);
    given::<Conversation>([opened(), engaged(), requested()]).when(stored()).then([received()]);
}

#[test]
fn a_message_reopens_a_resolved_conversation_for_the_program_and_a_closed_one_takes_none() {
    let reopened: E = Reopened { cause: ReopenCause::CustomerMessage, reason: None }.into();
    given::<Conversation>([opened(), engaged(), requested(), resolved()]).when(stored()).then([
        reopened,
        received(),
        engaged(),
    ]);
    given::<Conversation>([opened(), closed()]).when(stored()).then_rejected(Rejection::Closed);
    given::<Conversation>([]).when(stored()).then_rejected(Rejection::NotOpened);
}

#[test]
fn a_message_that_a_program_has_sent_is_not_sent_again() {
    let command = RecordSent {
        message: Send { reply_window: None, ..send() },
        provider_message_id: "wamid.2".to_owned(),
    };
    let given = given::<Conversation>([opened()]);
    let dispatched: E =
        MessageDispatched { message_id: ANSWER, provider_message_id: "wamid.2".to_owned(), time: given.now }
            .into();
    given.when(command).then([sent(), dispatched]);
}

#[test]
fn a_conversation_that_returns_to_the_program_has_no_agent_and_no_request() {
    let back = ReturnToProgram { by: Requester { user: None, may_take_over: true } };
    let freed: E =
        Unassigned { assignee_id: Some(ANA), team_id: None, unassigned_by: None, reason: None }.into();
    let reopened: E = Reopened { cause: ReopenCause::Agent, reason: None }.into();
    given::<Conversation>([opened(), engaged()]).when(back.clone()).then_nothing();
    given::<Conversation>([opened(), engaged(), requested()]).when(back.clone()).then([engaged()]);
    given::<Conversation>([opened(), assigned_to(ANA, "Ana")])
        .when(back.clone())
        .then([freed.clone(), engaged()]);
    given::<Conversation>([opened(), assigned_to(ANA, "Ana"), resolved()]).when(back.clone()).then([
        reopened,
        freed,
        engaged(),
    ]);
    given::<Conversation>([opened(), closed()]).when(back).then_rejected(Rejection::Closed);
}

#[test]
fn a_conversation_expires_when_a_program_says_so_and_once() {
    let expired: E = Expired { inactive_since: Timestamp::from_secs(1), after_seconds: 60 }.into();
    given::<Conversation>([opened()]).at(Timestamp::from_secs(61)).when(Expire).then([expired.clone()]);
    given::<Conversation>([opened(), expired]).when(Expire).then_rejected(Rejection::Closed);
}

#[test]
fn a_program_begins_a_conversation_as_its_bot() {
    let begin =
        Begin { opening: opening(), labels: BTreeSet::new(), message: None, answered_by_program: true };
    given::<Conversation>([]).when(begin).then([opened(), engaged()]);
}
