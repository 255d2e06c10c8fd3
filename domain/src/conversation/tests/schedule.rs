//! A scheduled message is sent once, held with a reason, or cancelled.

use super::*;
use event_schemas::conversation::{
    HoldReason, IfWritten, MessageRescheduled, MessageScheduled, ScheduleReason, ScheduledMessageCancelled,
    ScheduledMessageHeld,
};

const LATER: MessageId = MessageId::from_u128(0x400);
const AT: Timestamp = Timestamp::from_secs(1_000);
const OPEN: ChannelState = ChannelState { is_enabled: true, reply_window: Some(DAY) };

fn later(if_written: IfWritten) -> E {
    MessageScheduled {
        message_id: LATER,
        send_at: AT,
        reason: ScheduleReason::SendLater,
        if_written,
        sender_id: ANA,
        sender_name: Some("Ana".to_owned()),
        body: Content::text("Your bag is here."),
        template: None,
        in_reply_to: None,
        metadata: Map::new(),
    }
    .into()
}

fn schedule(time: SendTime) -> Schedule {
    Schedule { send: Send { message_id: LATER, ..send() }, time, if_written: IfWritten::Hold }
}

fn due() -> SendWhenDue {
    SendWhenDue { message_id: LATER, channel: OPEN, is_overdue: false }
}

fn state(events: impl IntoIterator<Item = E>) -> Conversation {
    given::<Conversation>(events).state
}

fn written_by(sender: UserId, id: u128) -> E {
    let E::Message(MessageEvent::MessageSent(answer)) = sent() else { panic!("a message") };
    MessageSent { message_id: MessageId::from_u128(id), sender_id: Some(sender), ..answer }.into()
}

/// The reason for which the message is held at its time.
fn held_by(due: SendWhenDue, events: impl IntoIterator<Item = E>) -> Option<HoldReason> {
    match &*due.decide(&state(events), AT).unwrap() {
        [E::Schedule(ScheduleEvent::ScheduledMessageHeld(held))] => Some(held.reason),
        [E::Message(MessageEvent::MessageSent(sent))] if sent.message_id == LATER => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_sent_at_its_time_and_not_before() {
    let waiting = state([opened(), received(), later(IfWritten::Hold)]);
    let early = due().decide(&waiting, Timestamp::from_secs(999)).unwrap();
    assert_eq!(early, []);
    let at_its_time = due().decide(&waiting, AT).unwrap();
    let [E::Message(MessageEvent::MessageSent(sent))] = &*at_its_time else { panic!("{at_its_time:?}") };
    assert_eq!(
        (sent.message_id, sent.sender_id, &*sent.body.content),
        (LATER, Some(ANA), "Your bag is here.")
    );
    assert_eq!(sent.scheduled_at, Some(Timestamp::from_secs(3)), "when it was scheduled");
    assert_eq!(sent.sender_type, SenderType::Agent);
}

#[test]
fn of_a_cancellation_and_a_sending_one_happens() {
    let scheduled = [opened(), received(), later(IfWritten::Hold)];
    let cancel = CancelScheduled { message_id: LATER };
    given::<Conversation>(scheduled.clone())
        .when(cancel)
        .then([ScheduledMessageCancelled { message_id: LATER }.into()]);
    let cancelled = ScheduledMessageCancelled { message_id: LATER }.into();
    let cancelled = state(scheduled.clone().into_iter().chain([cancelled]));
    assert_eq!(due().decide(&cancelled, AT).unwrap(), [], "never sent");
    assert_eq!(cancel.decide(&cancelled, AT), Err(Rejection::NoSuchScheduledMessage));
    let sent = due().decide(&state(scheduled.clone()), AT).unwrap();
    let sent = state(scheduled.into_iter().chain(sent));
    assert_eq!(due().decide(&sent, AT).unwrap(), [], "not twice");
    assert_eq!(cancel.decide(&sent, AT), Err(Rejection::AlreadySent));
    let again = SendScheduled { message_id: LATER, channel: OPEN };
    assert_eq!(again.decide(&sent, AT).unwrap(), []);
}

#[test]
fn a_message_is_held_when_others_wrote_unless_it_is_to_be_sent_in_any_case() {
    let with = |if_written, more: E| [opened(), received(), later(if_written), more];
    let customer = || {
        let E::Message(MessageEvent::MessageReceived(message)) = received() else { panic!("a message") };
        E::from(MessageReceived { message_id: MessageId::from_u128(0x101), ..message })
    };
    assert_eq!(held_by(due(), with(IfWritten::Hold, customer())), Some(HoldReason::WrittenSince));
    assert_eq!(held_by(due(), with(IfWritten::Send, customer())), None);
    assert_eq!(held_by(due(), with(IfWritten::Hold, written_by(BEN, 0x500))), Some(HoldReason::WrittenSince));
    assert_eq!(held_by(due(), with(IfWritten::Hold, written_by(ANA, 0x500))), None, "its sender's own");
}

#[test]
fn what_cannot_be_sent_is_held_with_the_reason() {
    let waiting = || [opened(), received(), later(IfWritten::Send)];
    let off = ChannelState { is_enabled: false, ..OPEN };
    assert_eq!(held_by(SendWhenDue { channel: off, ..due() }, waiting()), Some(HoldReason::ChannelOff));
    let shut = ChannelState { reply_window: Some(Duration::from_secs(60)), ..OPEN };
    let reason = held_by(SendWhenDue { channel: shut, ..due() }, waiting());
    assert_eq!(reason, Some(HoldReason::OutsideReplyWindow));
    let overdue = SendWhenDue { is_overdue: true, ..due() };
    assert_eq!(held_by(overdue, waiting()), Some(HoldReason::Overdue));
    let resolved = waiting().into_iter().chain([Resolved { reason: None }.into()]);
    assert_eq!(held_by(due(), resolved), None, "a resolved conversation gets it");
}

#[test]
fn when_the_conversation_is_closed_its_messages_are_held_at_once() {
    let closed = [opened(), received(), later(IfWritten::Send), Closed { reason: None }.into()];
    let state = state(closed);
    let now = Timestamp::from_secs(10);
    assert_eq!(state.opened().unwrap().due_messages(now).count(), 1);
    let held = due().decide(&state, now).unwrap();
    let [E::Schedule(ScheduleEvent::ScheduledMessageHeld(held))] = &*held else { panic!("{held:?}") };
    assert_eq!(held.reason, HoldReason::Closed);
    let again = Reschedule { message_id: LATER, send_at: Some(AT), if_written: None };
    assert_eq!(again.decide(&state, now), Err(Rejection::Closed));
}

fn held() -> E {
    let detail = "Others have written since the message was scheduled".to_owned();
    ScheduledMessageHeld { message_id: LATER, reason: HoldReason::WrittenSince, detail }.into()
}

#[test]
fn a_message_that_is_held_waits_for_an_agent() {
    let events = [opened(), received(), later(IfWritten::Hold), held()];
    let state = state(events.clone());
    assert_eq!(due().decide(&state, AT).unwrap(), []);
    assert_eq!(state.opened().unwrap().next_message_at(), None);
    let send = SendScheduled { message_id: LATER, channel: OPEN };
    assert!(matches!(&*send.decide(&state, AT).unwrap(), [E::Message(MessageEvent::MessageSent(_))]));
    let send_at = Timestamp::from_secs(2_000);
    let again = Reschedule { message_id: LATER, send_at: Some(send_at), if_written: None };
    let rescheduled = MessageRescheduled { message_id: LATER, send_at, if_written: IfWritten::Hold };
    given::<Conversation>(events.clone()).when(again).then([rescheduled.clone().into()]);
    let waits = given::<Conversation>(events.into_iter().chain([rescheduled.into()])).state;
    assert_eq!(waits.opened().unwrap().next_message_at(), Some(send_at));
    // What was written before the new time was chosen does not count.
    let sent = due().decide(&waits, send_at).unwrap();
    assert!(matches!(&*sent, [E::Message(MessageEvent::MessageSent(_))]), "{sent:?}");
}

#[test]
fn what_could_not_be_sent_at_its_time_is_refused_at_once() {
    let conversation = state([opened(), received()]);
    let now = Timestamp::from_secs(500);
    let refused = |time| schedule(time).decide(&conversation, now).unwrap_err();
    assert_eq!(refused(SendTime::At(now)), Rejection::BadSendTime);
    assert_eq!(refused(SendTime::At(now + Duration::from_secs(367 * 24 * 3600))), Rejection::BadSendTime);
    // The customer wrote at 0 s: after a day only a template can be sent.
    assert_eq!(refused(SendTime::At(now + DAY)), Rejection::OutsideReplyWindow { hours: 24 });
    let delayed = schedule(SendTime::After(Duration::from_secs(10))).decide(&conversation, now).unwrap();
    let [E::Schedule(ScheduleEvent::MessageScheduled(message))] = &*delayed else { panic!("{delayed:?}") };
    assert_eq!(message.send_at, now + Duration::from_secs(10));
    assert_eq!(message.reason, ScheduleReason::UndoSend);
    let bot = Sender { sender_type: SenderType::Bot, ..send().sender };
    let of_bot = Schedule { send: Send { sender: bot, ..send() }, ..schedule(SendTime::At(AT)) };
    assert_eq!(of_bot.decide(&conversation, now), Err(Rejection::NotScheduledByPrograms));
}

#[test]
fn a_conversation_has_a_bounded_number_of_scheduled_messages() {
    let many = (0..50).map(|id| {
        let E::Schedule(ScheduleEvent::MessageScheduled(message)) = later(IfWritten::Hold) else {
            panic!("a message")
        };
        E::from(MessageScheduled { message_id: MessageId::from_u128(0x1000 + id), ..message })
    });
    let full = state([opened(), received()].into_iter().chain(many));
    let one_more = schedule(SendTime::At(AT)).decide(&full, Timestamp::from_secs(500));
    assert_eq!(one_more, Err(Rejection::TooManyScheduled { limit: 50 }));
}

#[test]
fn a_conversation_that_waits_to_send_does_not_expire_before() {
    let timeouts = InactivityTimeouts {
        expire_after: Some(Duration::from_secs(100)),
        close_resolved_after: Some(Duration::from_secs(100)),
        hand_over_after: None,
    };
    let ends = |events: &[E]| {
        let state = state(events.iter().cloned());
        state.opened().unwrap().inactivity_ends(&timeouts).unwrap().0
    };
    let mut events = vec![opened(), received(), sent(), later(IfWritten::Hold)];
    assert_eq!(ends(&events), AT + Duration::from_secs(100));
    events.push(Resolved { reason: None }.into());
    assert_eq!(ends(&events), AT + Duration::from_secs(100));
    // Its agent has the whole time to decide.
    events.push(held());
    assert_eq!(ends(&events), Timestamp::from_secs(6) + Duration::from_secs(100));
}
