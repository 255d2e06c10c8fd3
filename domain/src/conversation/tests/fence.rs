//! A message is refused when others have written since the version that its writer has read.

use super::*;

fn note(author: UserId, id: u128) -> E {
    NoteAdded {
        message_id: MessageId::from_u128(id),
        author_id: author,
        author_name: None,
        content: "Careful".to_owned(),
        mentions: Vec::new(),
    }
    .into()
}

fn answer() -> Message {
    Message::ToCustomer(Box::new(Send { message_id: MessageId::from_u128(0x300), ..send() }))
}

/// Anas answer, after she has read the conversation up to a version.
fn fenced(message: &Message, seen: u64) -> Fenced<'_> {
    Fenced { message, seen: Some(Version(seen)) }
}

fn written_since(seen: u64) -> Rejection {
    Rejection::WrittenSince { seen: Version(seen), writer: Some(ANA) }
}

#[test]
fn a_message_is_refused_when_the_customer_wrote_meanwhile() {
    given::<Conversation>([opened(), received()]).when(fenced(&answer(), 0)).then_rejected(written_since(0));
}

#[test]
fn a_message_is_sent_when_its_writer_has_read_the_latest() {
    let events = given::<Conversation>([opened(), received()]);
    let sent = fenced(&answer(), 1).decide(&events.state, events.now).unwrap();
    assert_eq!(sent.len(), 1);
}

#[test]
fn a_message_without_a_version_is_sent_in_any_case() {
    let events = given::<Conversation>([opened(), received()]);
    let sent = Fenced { message: &answer(), seen: None }.decide(&events.state, events.now).unwrap();
    assert_eq!(sent.len(), 1);
}

#[test]
fn what_the_writer_wrote_does_not_count_and_a_colleagues_note_does() {
    let own = [opened(), received(), sent(), note(ANA, 1)];
    let events = given::<Conversation>(own.clone());
    assert!(fenced(&answer(), 1).decide(&events.state, events.now).is_ok());
    let of_ben = own.into_iter().chain([note(BEN, 2), note(ANA, 3)]);
    given::<Conversation>(of_ben).when(fenced(&answer(), 3)).then_rejected(written_since(3));
}

#[test]
fn changes_that_are_no_messages_do_not_count() {
    let changed = PriorityChanged { old: Priority::Normal, new: Priority::High };
    let events = given::<Conversation>([opened(), received(), changed.into()]);
    assert!(fenced(&answer(), 1).decide(&events.state, events.now).is_ok());
}

#[test]
fn a_version_that_does_not_exist_yet_is_refused() {
    given::<Conversation>([opened(), received()])
        .when(fenced(&answer(), 2))
        .then_rejected(Rejection::NoSuchVersion { seen: Version(2) });
}
