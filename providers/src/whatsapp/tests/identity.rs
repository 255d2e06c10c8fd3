//! The identifiers of a customer in a webhook: a number, a business-scoped id, or both.

use super::*;
use crate::InboundNotice;

const PHONE: &str = "251911234567";
const ID: &str = "ET.13491208655302741918";

/// A webhook of these elements.
fn value(parts: Value) -> String {
    let mut value = json!({ "metadata": { "phone_number_id": NUMBER } });
    for (name, part) in parts.as_object().unwrap() {
        value[name] = part.clone();
    }
    let entry = json!([{ "changes": [{ "field": "messages", "value": value }] }]);
    json!({ "object": "whatsapp_business_account", "entry": entry }).to_string()
}

fn text(mut sender: Value) -> Value {
    sender["id"] = "wamid.1".into();
    sender["type"] = "text".into();
    sender["text"] = json!({ "body": "Selam" });
    sender
}

/// The identifiers and the name of each message.
fn senders(messages_and_contacts: Value) -> Vec<(String, Vec<String>, Option<String>)> {
    let named = |message: InboundMessage| (message.from, message.also_known_as, message.display_name);
    messages(&value(messages_and_contacts)).into_iter().map(named).collect()
}

#[test]
fn the_number_comes_first_wherever_it_stands() {
    let sara = || Some("Sara".to_owned());
    let profile = json!({ "name": "Sara" });
    for (sender, contact, from, others) in [
        (
            json!({ "from": PHONE, "from_user_id": ID }),
            json!({ "wa_id": PHONE, "user_id": ID }),
            PHONE,
            vec![ID],
        ),
        (json!({ "from_user_id": ID }), json!({ "user_id": ID }), ID, vec![]),
        (json!({ "from": "", "from_user_id": ID }), json!({ "wa_id": "", "user_id": ID }), ID, vec![]),
        (json!({ "from": PHONE }), json!({ "wa_id": PHONE, "user_id": ID }), PHONE, vec![ID]),
        (json!({ "from_user_id": ID }), json!({ "wa_id": PHONE, "user_id": ID }), PHONE, vec![ID]),
        (json!({ "from": PHONE }), json!({ "wa_id": "+251 911 234567" }), PHONE, vec![]),
        (
            json!({ "from": "5215512345678" }),
            json!({ "wa_id": "525512345678" }),
            "5215512345678",
            vec!["525512345678"],
        ),
    ] {
        let mut contact = contact;
        contact["profile"] = profile.clone();
        let found = senders(json!({ "messages": [text(sender.clone())], "contacts": [contact] }));
        let others = others.into_iter().map(str::to_owned).collect();
        assert_eq!(found, [(from.to_owned(), others, sara())], "{sender}");
    }
}

#[test]
fn a_contact_belongs_to_its_own_sender() {
    let contacts = json!([{ "wa_id": "1555001", "user_id": "US.1", "profile": { "name": "One" } }]);
    let found = senders(json!({
        "messages": [text(json!({ "from": "1555001" })), text(json!({ "from": "1555002" }))],
        "contacts": contacts,
    }));
    assert_eq!(found[0], ("1555001".to_owned(), vec!["US.1".to_owned()], Some("One".to_owned())));
    assert_eq!(found[1], ("1555002".to_owned(), vec![], None));
}

#[test]
fn a_notice_of_a_change_has_the_former_and_the_new_identifiers() {
    let notice = |from: Value, system: Value| -> InboundNotice {
        let mut element = json!({ "id": "wamid.1", "type": "system", "system": system });
        if from != Value::Null {
            element["from"] = from;
        }
        match read(&value(json!({ "messages": [element] }))).remove(0) {
            Inbound::Notice(notice) => notice,
            other => panic!("not a notice: {other:?}"),
        }
    };
    let number = json!({
        "type": "user_changed_number", "wa_id": "251911765432", "user_id": "ET.2", "previous_user_id": ID,
    });
    let changed = notice(PHONE.into(), number);
    assert_eq!(changed.from, PHONE);
    assert_eq!(changed.also_known_as, ["251911765432", "ET.2", ID]);
    assert_eq!(changed.changed_to.as_deref(), Some("251911765432"));

    let id = json!({ "type": "user_changed_user_id", "user_id": "ET.2", "previous_user_id": ID });
    let changed = notice(Value::Null, id);
    assert_eq!((changed.from.as_str(), changed.also_known_as), (ID, vec!["ET.2".to_owned()]));
    assert_eq!(changed.changed_to.as_deref(), Some("ET.2"));

    let earlier =
        notice(PHONE.into(), json!({ "type": "customer_changed_number", "new_wa_id": "251911765432" }));
    assert_eq!(earlier.changed_to.as_deref(), Some("251911765432"));
    let security =
        notice(PHONE.into(), json!({ "type": "customer_identity_changed", "customer": "251900000000" }));
    assert_eq!((security.also_known_as, security.changed_to), (vec![], None));
}

#[test]
fn a_status_has_both_identifiers_of_its_recipient() {
    let status = json!({
        "id": "wamid.1", "status": "delivered", "recipient_id": PHONE, "recipient_user_id": ID,
    });
    let found = read(&value(json!({ "statuses": [status] })));
    let Inbound::Status(status) = &found[0] else { panic!("not a status: {found:?}") };
    assert_eq!(
        (status.recipient.as_deref(), &status.recipient_also_known_as[..]),
        (Some(PHONE), &[ID.to_owned()][..])
    );
}
