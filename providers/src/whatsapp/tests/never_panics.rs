//! Reading ends for any input, and returns every element of a batch.

use super::*;
use proptest::prelude::*;

const SAMPLES: [&str; 17] = [
    sample!("text"),
    sample!("media"),
    sample!("location_and_contacts"),
    sample!("choices"),
    sample!("reactions"),
    sample!("edits_and_deletions"),
    sample!("notices"),
    sample!("orders_and_forms"),
    sample!("in_a_group"),
    sample!("circumstances"),
    sample!("statuses"),
    sample!("not_known_yet"),
    sample!("errors"),
    sample!("for_others"),
    sample!("one_broken"),
    sample!("hidden_number"),
    sample!("batch"),
];

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{1,8}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// The paths of every node, in the order of the document.
fn paths(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| paths(item, &format!("{here}/{index}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| paths(field, &format!("{here}/{name}"), found));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn reading_any_bytes_returns(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let _answer = whatsapp().read(&channel(), &post(&body), Timestamp::from_secs(4_000_000_000));
    }

    #[test]
    fn reading_a_webhook_with_changed_bytes_returns(
        sample in prop::sample::select(&SAMPLES[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut body = sample.as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(body.len());
            body[place] = byte;
        }
        if is_cut {
            body.truncate(cut.index(body.len()));
        }
        let _answer = whatsapp().read(&channel(), &post(&body), Timestamp::from_secs(4_000_000_000));
    }

    #[test]
    fn reading_a_webhook_with_a_replaced_part_returns(
        sample in prop::sample::select(&SAMPLES[..]),
        place in any::<prop::sample::Index>(),
        other in any_value(),
    ) {
        let mut webhook: Value = serde_json::from_str(sample).unwrap();
        let mut all = Vec::<String>::new();
        paths(&webhook, "", &mut all);
        *webhook.pointer_mut(&all[place.index(all.len())]).unwrap() = other;
        let body = webhook.to_string();
        match whatsapp().read(&channel(), &post(body.as_bytes()), Timestamp::from_secs(4_000_000_000)) {
            Ok(found) => {
                for element in found {
                    if let Inbound::Message(message) = element {
                        prop_assert!(!message.provider_message_id.is_empty() && !message.from.is_empty());
                    }
                }
            }
            Err(whole) => prop_assert_eq!(whole.text(), body),
        }
    }

    #[test]
    fn every_unreadable_message_of_a_batch_is_reported(
        broken in prop::collection::vec(prop::option::of(any_value()), 1..12),
    ) {
        let mut webhook: Value = serde_json::from_str(sample!("text")).unwrap();
        let at = "/entry/0/changes/0/value/messages";
        let good = webhook.pointer(at).unwrap()[0].clone();
        let is_good: Vec<bool> = broken.iter().map(Option::is_none).collect();
        let elements: Vec<Value> = broken.into_iter().map(|other| other.unwrap_or_else(|| good.clone())).collect();
        *webhook.pointer_mut(at).unwrap() = elements.into();
        let found = read(&webhook.to_string());
        let read: Vec<bool> = found.iter().map(|element| matches!(element, Inbound::Message(_))).collect();
        prop_assert_eq!(read, is_good);
    }
}

#[test]
fn deeply_nested_brackets_are_refused_without_an_overflow() {
    let tower = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{}1{}]}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    assert!(matches!(
        whatsapp().read(&channel(), &post(tower.as_bytes()), Timestamp::from_secs(4_000_000_000)).as_deref(),
        Ok([Inbound::Unreadable(_)]) | Err(_)
    ));
}
