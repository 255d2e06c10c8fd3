use super::*;
use crate::aggregate::given::given;
use serde_json::json;

const ACCOUNT: AccountId = AccountId::from_u128(1);
const HANNA: ContactId = ContactId::from_u128(2);
const SARA: ContactId = ContactId::from_u128(3);
const NUMBER: &str = "251911234567";

fn identifier_id() -> ContactIdentifierId {
    ContactIdentifierId::of(ACCOUNT, "whatsapp", NUMBER)
}

fn own() -> ContactId {
    identifier_id().own_contact()
}

fn see(name: Option<&str>) -> See {
    See {
        account_id: ACCOUNT,
        channel_type: ChannelType::WhatsApp,
        identifier: NUMBER.to_owned(),
        display_name: name.map(str::to_owned),
    }
}

fn seen(contact_id: ContactId, name: Option<&str>) -> ContactEvent {
    ContactSeen {
        identifier_id: identifier_id(),
        contact_id,
        channel_type: ChannelType::WhatsApp,
        identifier: NUMBER.to_owned(),
        display_name: name.map(str::to_owned),
    }
    .into()
}

fn link(contact_id: Option<ContactId>) -> Link {
    Link {
        account_id: ACCOUNT,
        contact_id,
        channel_type: ChannelType::WhatsApp,
        identifier: NUMBER.to_owned(),
        display_name: None,
        metadata: Map::new(),
        may_move: false,
    }
}

fn linked(contact_id: ContactId) -> ContactEvent {
    IdentifierLinked {
        identifier_id: identifier_id(),
        contact_id,
        channel_type: ChannelType::WhatsApp,
        identifier: NUMBER.to_owned(),
        display_name: None,
        metadata: Map::new(),
    }
    .into()
}

fn unlink() -> Unlink {
    Unlink { identifier_id: identifier_id() }
}

fn unlinked(contact_id: ContactId) -> ContactEvent {
    IdentifierUnlinked { identifier_id: identifier_id(), contact_id }.into()
}

#[test]
fn whoever_writes_first_is_a_contact_of_their_own() {
    given::<ContactHome>([]).when(see(Some("Hanna"))).then([seen(own(), Some("Hanna"))]);
}

#[test]
fn whoever_writes_again_is_no_news() {
    given::<ContactHome>([seen(own(), Some("Hanna"))]).when(see(Some("Hanna"))).then_nothing();
}

#[test]
fn only_another_name_is_news() {
    given::<ContactHome>([seen(own(), Some("Hanna"))])
        .when(see(Some("Hanna T.")))
        .then([seen(own(), Some("Hanna T."))]);
    given::<ContactHome>([seen(own(), None)]).when(see(Some("Hanna"))).then([seen(own(), Some("Hanna"))]);
}

#[test]
fn a_message_without_a_name_does_not_take_the_name_away() {
    given::<ContactHome>([seen(own(), Some("Hanna"))]).when(see(None)).then_nothing();
}

#[test]
fn whoever_is_linked_is_seen_as_that_contact() {
    given::<ContactHome>([linked(HANNA)]).when(see(Some("Hanna"))).then([seen(HANNA, Some("Hanna"))]);
    given::<ContactHome>([linked(HANNA)]).when(see(None)).then_nothing();
}

#[test]
fn what_belongs_to_nobody_can_be_linked_to_anybody() {
    given::<ContactHome>([]).when(link(Some(HANNA))).then([linked(HANNA)]);
    given::<ContactHome>([]).when(link(None)).then([linked(own())]);
}

#[test]
fn linking_again_changes_nothing() {
    given::<ContactHome>([linked(HANNA)]).when(link(Some(HANNA))).then_nothing();
    given::<ContactHome>([linked(HANNA)]).when(link(None)).then_nothing();
}

#[test]
fn what_is_told_of_a_linked_identifier_is_replaced() {
    let metadata = Map::from_iter([("customer_number".to_owned(), json!("C-4471"))]);
    let told = Link { display_name: Some("Hanna".to_owned()), metadata: metadata.clone(), ..link(None) };
    given::<ContactHome>([linked(HANNA)]).when(told).then([IdentifierLinked {
        identifier_id: identifier_id(),
        contact_id: HANNA,
        channel_type: ChannelType::WhatsApp,
        identifier: NUMBER.to_owned(),
        display_name: Some("Hanna".to_owned()),
        metadata,
    }
    .into()]);
}

#[test]
fn nobody_is_robbed_of_an_identifier_unawares() {
    let refusal = || Rejection::LinkedToAnother { contact_id: HANNA };
    given::<ContactHome>([linked(HANNA)]).when(link(Some(SARA))).then_rejected(refusal());
    let seen_first = Rejection::LinkedToAnother { contact_id: own() };
    given::<ContactHome>([seen(own(), None)]).when(link(Some(SARA))).then_rejected(seen_first);
    given::<ContactHome>([linked(HANNA)])
        .when(Link { may_move: true, ..link(Some(SARA)) })
        .then([linked(SARA)]);
}

#[test]
fn whoever_is_unlinked_and_writes_again_is_a_contact_of_their_own() {
    given::<ContactHome>([linked(HANNA)]).when(unlink()).then([unlinked(HANNA)]);
    given::<ContactHome>([linked(HANNA), unlinked(HANNA)]).when(see(None)).then([seen(own(), None)]);
}

#[test]
fn what_belongs_to_nobody_cannot_be_unlinked() {
    given::<ContactHome>([]).when(unlink()).then_rejected(Rejection::NotLinked);
    given::<ContactHome>([linked(HANNA), unlinked(HANNA)]).when(unlink()).then_rejected(Rejection::NotLinked);
}

#[test]
fn an_identifier_is_neither_empty_nor_endless() {
    for identifier in ["", " ", &"9".repeat(257)] {
        given::<ContactHome>([])
            .when(Link { identifier: identifier.to_owned(), ..link(None) })
            .then_rejected(Rejection::BadIdentifier);
    }
}
