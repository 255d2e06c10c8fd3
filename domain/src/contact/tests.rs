use super::*;
use crate::aggregate::given::given;
use event_schemas::contact::{AddressesKnown, IdentifierJoined};
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
        keeps_known: false,
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
fn the_first_message_of_an_identifier_makes_a_contact() {
    given::<IdentifierState>([]).when(see(Some("Hanna"))).then([seen(own(), Some("Hanna"))]);
}

#[test]
fn a_further_message_changes_nothing() {
    given::<IdentifierState>([seen(own(), Some("Hanna"))]).when(see(Some("Hanna"))).then_nothing();
}

#[test]
fn another_display_name_is_recorded() {
    given::<IdentifierState>([seen(own(), Some("Hanna"))])
        .when(see(Some("Hanna T.")))
        .then([seen(own(), Some("Hanna T."))]);
    given::<IdentifierState>([seen(own(), None)]).when(see(Some("Hanna"))).then([seen(own(), Some("Hanna"))]);
}

#[test]
fn a_message_without_a_name_keeps_the_name() {
    given::<IdentifierState>([seen(own(), Some("Hanna"))]).when(see(None)).then_nothing();
}

#[test]
fn a_message_of_a_linked_identifier_belongs_to_the_linked_contact() {
    given::<IdentifierState>([linked(HANNA)]).when(see(Some("Hanna"))).then([seen(HANNA, Some("Hanna"))]);
    given::<IdentifierState>([linked(HANNA)]).when(see(None)).then_nothing();
}

#[test]
fn an_identifier_without_a_contact_can_be_linked_to_any_contact() {
    given::<IdentifierState>([]).when(link(Some(HANNA))).then([linked(HANNA)]);
    given::<IdentifierState>([]).when(link(None)).then([linked(own())]);
}

#[test]
fn linking_again_changes_nothing() {
    given::<IdentifierState>([linked(HANNA)]).when(link(Some(HANNA))).then_nothing();
    given::<IdentifierState>([linked(HANNA)]).when(link(None)).then_nothing();
}

#[test]
fn linking_again_replaces_name_and_metadata() {
    let metadata = Map::from_iter([("customer_number".to_owned(), json!("C-4471"))]);
    let relinked = Link { display_name: Some("Hanna".to_owned()), metadata: metadata.clone(), ..link(None) };
    given::<IdentifierState>([linked(HANNA)]).when(relinked).then([IdentifierLinked {
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
fn an_identifier_moves_to_another_contact_only_when_the_caller_allows_it() {
    let refusal = || Rejection::LinkedToAnother { contact_id: HANNA };
    given::<IdentifierState>([linked(HANNA)]).when(link(Some(SARA))).then_rejected(refusal());
    let seen_first = Rejection::LinkedToAnother { contact_id: own() };
    given::<IdentifierState>([seen(own(), None)]).when(link(Some(SARA))).then_rejected(seen_first);
    given::<IdentifierState>([linked(HANNA)])
        .when(Link { may_move: true, ..link(Some(SARA)) })
        .then([linked(SARA)]);
}

#[test]
fn a_message_of_an_unlinked_identifier_makes_a_contact() {
    given::<IdentifierState>([linked(HANNA)]).when(unlink()).then([unlinked(HANNA)]);
    given::<IdentifierState>([linked(HANNA), unlinked(HANNA)]).when(see(None)).then([seen(own(), None)]);
}

#[test]
fn an_identifier_without_a_contact_cannot_be_unlinked() {
    given::<IdentifierState>([]).when(unlink()).then_rejected(Rejection::NotLinked);
    given::<IdentifierState>([linked(HANNA), unlinked(HANNA)])
        .when(unlink())
        .then_rejected(Rejection::NotLinked);
}

#[test]
fn an_identifier_is_neither_empty_nor_too_long() {
    for identifier in ["", " ", &"9".repeat(257)] {
        given::<IdentifierState>([])
            .when(Link { identifier: identifier.to_owned(), ..link(None) })
            .then_rejected(Rejection::BadIdentifier);
    }
}

/// An agent writes to a number that is known: nothing of it is lost.
#[test]
fn what_a_link_leaves_out_stays() {
    let named = IdentifierLinked {
        identifier_id: identifier_id(),
        contact_id: SARA,
        channel_type: ChannelType::WhatsApp,
        identifier: NUMBER.to_owned(),
        display_name: Some("Mrs Abebe".to_owned()),
        metadata: Map::from_iter([("vip".to_owned(), true.into())]),
    };
    let again = Link { keeps_known: true, ..link(None) };
    given::<IdentifierState>([named.clone().into()]).when(again).then([]);
    // The name that a person gave outranks the one of the provider's profile.
    given::<IdentifierState>([named.into()]).when(see(Some("zzz"))).then([]);
    given::<IdentifierState>([linked(SARA)]).when(see(Some("Sara"))).then([seen(SARA, Some("Sara"))]);
}

const ID: &str = "ET.13491208655302741918";

fn id_of(identifier: &str) -> ContactIdentifierId {
    ContactIdentifierId::of(ACCOUNT, "whatsapp", identifier)
}

fn join(was_joined_to: Option<&str>, to: &str) -> Join {
    Join {
        account_id: ACCOUNT,
        channel_type: ChannelType::WhatsApp,
        identifier: ID.to_owned(),
        was_joined_to: was_joined_to.map(str::to_owned),
        to: to.to_owned(),
        contact_id: HANNA,
    }
}

fn joined(to: &str) -> ContactEvent {
    IdentifierJoined {
        identifier_id: id_of(ID),
        contact_id: HANNA,
        channel_type: ChannelType::WhatsApp,
        identifier: ID.to_owned(),
        joined_to: to.to_owned(),
    }
    .into()
}

fn know(others: &[&str], address: Option<&str>) -> KnowAddresses {
    KnowAddresses {
        account_id: ACCOUNT,
        channel_type: ChannelType::WhatsApp,
        identifier: NUMBER.to_owned(),
        contact_id: HANNA,
        others: others.iter().map(|other| (*other).to_owned()).collect(),
        address: address.map(str::to_owned),
        given_up: Vec::new(),
    }
}

fn known(contact_id: ContactId, others: &[&str], address: &str) -> ContactEvent {
    AddressesKnown {
        identifier_id: id_of(NUMBER),
        contact_id,
        channel_type: ChannelType::WhatsApp,
        identifier: NUMBER.to_owned(),
        others: others.iter().map(|other| (*other).to_owned()).collect(),
        address: address.to_owned(),
        given_up: Vec::new(),
    }
    .into()
}

#[test]
fn an_id_is_joined_to_the_number_once() {
    given::<IdentifierState>([]).when(join(None, NUMBER)).then([joined(NUMBER)]);
    given::<IdentifierState>([joined(NUMBER)]).when(join(None, NUMBER)).then_nothing();
    given::<IdentifierState>([seen(SARA, None)]).when(join(None, NUMBER)).then([joined(NUMBER)]);
}

#[test]
fn an_identifier_that_was_joined_to_another_meanwhile_is_not_joined() {
    given::<IdentifierState>([joined("1555")])
        .when(join(None, NUMBER))
        .then_rejected(Rejection::JoinedElsewhere);
    given::<IdentifierState>([joined("1555")]).when(join(Some("1555"), NUMBER)).then([joined(NUMBER)]);
}

#[test]
fn a_person_who_moves_an_identifier_takes_it_from_the_customer() {
    let moved = |contact_id| match linked(contact_id) {
        ContactEvent::IdentifierLinked(linked) => {
            IdentifierLinked { identifier_id: id_of(ID), identifier: ID.to_owned(), ..linked }
        }
        other => panic!("{other:?}"),
    };
    given::<IdentifierState>([joined(NUMBER), moved(HANNA).into()]).when(join(None, NUMBER)).then_nothing();
    given::<IdentifierState>([joined(NUMBER), moved(SARA).into()])
        .when(join(None, NUMBER))
        .then([joined(NUMBER)]);
}

#[test]
fn a_customers_identifiers_are_collected_and_the_contact_stays() {
    given::<IdentifierState>([]).when(know(&[ID], None)).then([known(HANNA, &[ID], NUMBER)]);
    given::<IdentifierState>([seen(own(), None)]).when(know(&[ID], None)).then([known(own(), &[ID], NUMBER)]);
    let before = || [seen(own(), None), known(own(), &[ID], NUMBER)];
    given(before()).when(know(&[ID, NUMBER], None)).then_nothing();
    given(before()).when(know(&["1555"], None)).then([known(own(), &[ID, "1555"], NUMBER)]);
    given(before()).when(know(&[], Some("1555"))).then([known(own(), &[ID], "1555")]);
}

#[test]
fn answers_are_sent_to_a_number_while_one_is_known() {
    assert!(is_better_address(NUMBER, ID));
    assert!(is_better_address("1555001", NUMBER));
    assert!(is_better_address("US.2", ID));
    assert!(!is_better_address(ID, NUMBER));
    assert!(!is_better_address(ID, ID));
}

#[test]
fn the_number_decides_and_then_what_is_known() {
    let mut identifiers = [(ID, true), ("1555002", false), (NUMBER, true), ("1555001", false)];
    identifiers.sort_by(|one, other| best_first(one.0, one.1).cmp(&best_first(other.0, other.1)));
    assert_eq!(identifiers.map(|(identifier, _)| identifier), [NUMBER, "1555001", "1555002", ID]);
}

#[test]
fn a_number_is_given_up_until_the_customer_has_it_again() {
    let with_given_up = |event: ContactEvent, numbers: &[&str]| match event {
        ContactEvent::AddressesKnown(known) => {
            let given_up = numbers.iter().map(|number| (*number).to_owned()).collect();
            ContactEvent::from(AddressesKnown { given_up, ..known })
        }
        other => panic!("{other:?}"),
    };
    let before = || [seen(own(), None), known(own(), &[ID, "1555002"], NUMBER)];
    let give_up =
        KnowAddresses { given_up: vec![NUMBER.to_owned(), ID.to_owned()], ..know(&[], Some("1555002")) };
    let given_up = || with_given_up(known(own(), &[ID, "1555002"], "1555002"), &[NUMBER]);
    given(before()).when(give_up).then([given_up()]);
    given(before().into_iter().chain([given_up()])).when(know(&[], Some(NUMBER))).then([known(
        own(),
        &[ID, "1555002"],
        NUMBER,
    )]);
}
