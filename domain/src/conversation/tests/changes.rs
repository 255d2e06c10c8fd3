//! Edits, deletions, reactions and notices: none of them asks anything, in any order.

use super::*;
use crate::aggregate::Evolve;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(seconds)
}

fn edit(seconds: i64, words: &str) -> Edit {
    Edit {
        message_id: MESSAGE,
        edit_id: format!("wamid.edit-{seconds}"),
        body: Content::text(words),
        sent_at: at(seconds),
    }
}

fn edited(seconds: i64, words: &str, version: MessageVersion) -> E {
    MessageEdited {
        message_id: MESSAGE,
        provider_message_id: Some(format!("wamid.edit-{seconds}")),
        version,
        body: Content::text(words),
        sent_at: at(seconds),
    }
    .into()
}

fn original_as_history() -> E {
    MessageEdited {
        message_id: MESSAGE,
        provider_message_id: None,
        version: MessageVersion::Earlier,
        body: Content::text("I want a refund"),
        sent_at: at(0),
    }
    .into()
}

fn revoke() -> Revoke {
    Revoke { message_id: MESSAGE, revoke_id: "wamid.revoke".to_owned(), sent_at: at(60) }
}

fn revoked() -> E {
    MessageRevoked {
        message_id: MESSAGE,
        provider_message_id: Some("wamid.revoke".to_owned()),
        sent_at: at(60),
    }
    .into()
}

fn react(message_id: MessageId, seconds: i64, emoji: Option<&str>) -> React {
    React {
        message_id,
        reaction_id: format!("wamid.reaction-{seconds}"),
        emoji: emoji.map(str::to_owned),
        sent_at: at(seconds),
    }
}

fn reacted(seconds: i64, emoji: Option<&str>, superseded: bool) -> E {
    ReactionChanged {
        message_id: ANSWER,
        sender_type: SenderType::Contact,
        emoji: emoji.map(str::to_owned),
        provider_message_id: Some(format!("wamid.reaction-{seconds}")),
        sent_at: at(seconds),
        superseded,
    }
    .into()
}

fn notice() -> NoticeReceived {
    NoticeReceived {
        notice: "user_changed_number".to_owned(),
        content: "Hanna changed the number".to_owned(),
        details: None,
        provider_message_id: Some("wamid.notice".to_owned()),
        sent_at: at(70),
    }
}

#[test]
fn a_message_has_its_newest_version_whatever_the_order() {
    given::<Conversation>([opened(), received()]).when(edit(20, "I owe 10")).then([edited(
        20,
        "I owe 10",
        MessageVersion::Newest,
    )]);
    given::<Conversation>([opened(), received(), edited(20, "I owe 10", MessageVersion::Newest)])
        .when(edit(10, "I owe 100"))
        .then([edited(10, "I owe 100", MessageVersion::Earlier)]);
}

#[test]
fn an_unknown_message_is_received_in_its_edited_version_and_the_original_becomes_history() {
    let receive_edited = || ReceiveEdited {
        message: Receive { body: Content::text("I owe 10"), sent_at: at(20), ..receive() },
        edit_id: "wamid.edit-20".to_owned(),
    };
    let message = MessageReceived {
        message_id: MESSAGE,
        provider_message_id: Some("wamid.1".to_owned()),
        body: Content::text("I owe 10"),
        reply_to: None,
        sent_at: at(20),
        metadata: Map::new(),
    };
    let first = edited(20, "I owe 10", MessageVersion::First);
    given::<Conversation>([opened()]).when(receive_edited()).then([message.clone().into(), first.clone()]);
    given::<Conversation>([opened(), message.clone().into(), first.clone()])
        .when(receive())
        .then([original_as_history()]);
    given::<Conversation>([opened(), received()]).when(receive_edited()).then([edited(
        20,
        "I owe 10",
        MessageVersion::Newest,
    )]);
}

#[test]
fn a_message_that_was_deleted_before_it_was_received_is_only_history() {
    given::<Conversation>([opened()]).when(revoke()).then([revoked()]);
    given::<Conversation>([opened(), revoked()]).when(receive()).then([original_as_history()]);
    given::<Conversation>([opened(), revoked(), original_as_history()]).when(receive()).then([]);
}

#[test]
fn a_deleted_message_stays_deleted() {
    given::<Conversation>([opened(), received(), revoked()]).when(revoke()).then([]);
    given::<Conversation>([opened(), received(), revoked()]).when(receive()).then([]);
    given::<Conversation>([opened(), received(), revoked()]).when(edit(90, "I owe 1")).then([edited(
        90,
        "I owe 1",
        MessageVersion::Earlier,
    )]);
}

#[test]
fn a_reaction_is_to_a_message_and_the_last_one_counts() {
    given::<Conversation>([opened(), received(), sent()])
        .when(react(ANSWER, 30, Some("👍")))
        .then([reacted(30, Some("👍"), false)]);
    given::<Conversation>([opened(), received(), sent(), reacted(40, None, false)])
        .when(react(ANSWER, 30, Some("👍")))
        .then([reacted(30, Some("👍"), true)]);
    given::<Conversation>([opened(), received()])
        .when(react(ANSWER, 30, Some("👍")))
        .then_rejected(Rejection::NoSuchMessage(ANSWER));
}

#[test]
fn what_asks_nothing_changes_neither_status_nor_clocks_nor_counts() {
    let before: [E; 5] =
        [opened(), received(), sent(), Resolved { reason: None }.into(), reacted(30, Some("👍"), false)];
    let mut conversation = Conversation::default();
    before.iter().for_each(|event| conversation.evolve(event, at(1)));
    let facts = |conversation: &Conversation| {
        let opened = conversation.opened().unwrap();
        (
            (opened.status(), opened.received, opened.last_said_at, opened.inactive_since()),
            (
                opened.unanswered_since(),
                format!("{:?} {:?}", opened.wait, opened.clocks),
                opened.customer_waits(),
            ),
        )
    };
    let expected = facts(&conversation);
    let after = [
        reacted(50, None, false),
        edited(20, "I owe 10", MessageVersion::Newest),
        revoked(),
        notice().into(),
    ];
    for event in after {
        conversation.evolve(&event, at(100));
        assert_eq!(facts(&conversation), expected, "{event:?}");
    }
    given::<Conversation>(before).when(RecordNotice { notice: notice() }).then([notice().into()]);
}
