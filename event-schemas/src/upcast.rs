//! The conversion of events of earlier versions of the program to today's names and shapes. The log keeps
//! them as they were written.

use crate::agent::{CapacityReleased, CapacityReserved, PreferencesChanged, WentAway, WentOffline};
use crate::conversation::{Assigned, AutomationRan, Expired, MessageSent, OfferExpired, Offered, Queued};
use crate::{EventType, Recorded};
use serde_json::{Value, json};

/// Converts the data of one version to that of the next. It cannot fail: the event is already stored.
type Step = fn(Value) -> Value;

/// Today's name of an event type, an old version of it, and the step to the next version. A change that
/// raises the version of an event adds its step to this list, and keeps the sample and the schema of the
/// version before.
const STEPS: &[(&str, u16, Step)] = &[
    (Assigned::NAME, 1, unchanged),
    (Assigned::NAME, 2, assigned_separates_report_and_order),
    (MessageSent::NAME, 1, unchanged),
    (Queued::NAME, 1, |data| renamed(data, "waiting_since", "queued_since")),
    (Offered::NAME, 1, |data| renamed(data, "waiting_since", "queued_since")),
    (OfferExpired::NAME, 1, unchanged),
    (AutomationRan::NAME, 1, |data| renamed(data, "waiting_since", "unanswered_since")),
    (Expired::NAME, 1, |data| renamed(data, "silent_since", "inactive_since")),
    (PreferencesChanged::NAME, 1, unchanged),
    (WentAway::NAME, 1, silence_is_inactivity),
    (WentOffline::NAME, 1, silence_is_inactivity),
    (CapacityReserved::NAME, 1, |data| renamed(data, "in_spite_of", "overridden")),
    (CapacityReleased::NAME, 1, unchanged),
    #[cfg(test)]
    (tests::Greeted::NAME, 1, tests::greeted_names_its_language),
    #[cfg(test)]
    (tests::Greeted::NAME, 2, tests::greeted_takes_many),
];

/// An event type's former name, the last version that was written under it, and its name since then. Versions
/// count on from one name to the next.
const FORMER_NAMES: &[(&str, u16, &str)] = &[
    ("PlaceTaken", 1, CapacityReserved::NAME),
    ("PlaceFreed", 1, CapacityReleased::NAME),
    ("OfferLapsed", 1, OfferExpired::NAME),
    #[cfg(test)]
    ("Hailed", 1, tests::Greeted::NAME),
];

/// The step of a new field that has a default.
fn unchanged(data: Value) -> Value {
    data
}

/// Until version 2 the strategy of a conversation without an agent was the order to find one by it.
fn assigned_separates_report_and_order(mut data: Value) -> Value {
    let is_order =
        data["assignee_id"].is_null() && !matches!(data["strategy"].as_str(), Some("claimed" | "manual"));
    if is_order {
        data["route_by"] = data["strategy"].take();
    }
    renamed(data, "in_spite_of", "overridden")
}

fn renamed(mut data: Value, from: &str, to: &str) -> Value {
    if let Some(fields) = data.as_object_mut()
        && let Some(value) = fields.remove(from)
    {
        fields.insert(to.to_owned(), value);
    }
    data
}

fn silence_is_inactivity(mut data: Value) -> Value {
    if data["cause"] == "silence" {
        data["cause"] = json!("inactivity");
    }
    data
}

/// Today's name of an event type, by the name it is stored under.
pub fn name_today(stored: &str) -> &str {
    let former = FORMER_NAMES.iter().find(|(former, ..)| *former == stored);
    former.map_or(stored, |(.., today)| today)
}

/// The names under which events of a type may be stored, by today's name: that name, and its former ones.
pub fn names_of(today: &str) -> impl Iterator<Item = &str> {
    let former = FORMER_NAMES.iter().filter(move |(.., name)| *name == today).map(|(former, ..)| *former);
    std::iter::once(today).chain(former)
}

/// The name under which a version of an event type is stored, by today's name.
pub fn name_of_version(today: &'static str, version: u16) -> &'static str {
    let has_version = |(_, last, name): &&(_, u16, &str)| *name == today && version <= *last;
    FORMER_NAMES
        .iter()
        .filter(has_version)
        .min_by_key(|(_, last, _)| *last)
        .map_or(today, |(former, ..)| former)
}

/// The last version that was written under a former name. `None` when the name is today's.
pub(crate) fn last_version_of(stored: &str) -> Option<u16> {
    FORMER_NAMES.iter().find(|(former, ..)| *former == stored).map(|(_, last, _)| *last)
}

/// A stored event under today's name of its type, in the latest version and with that version's data. The
/// data is null where it is not JSON.
pub fn today(recorded: &Recorded) -> (&str, u16, Value) {
    let name = name_today(&recorded.event_type);
    let data = serde_json::from_str(&recorded.data).unwrap_or(Value::Null);
    let (version, data) = upcast(name, recorded.schema_version, data);
    (name, version, data)
}

/// The data of an event as its latest version has it, and that version. `today` is today's name of its type.
pub fn upcast(today: &str, from_version: u16, data: Value) -> (u16, Value) {
    let (mut version, mut data) = (from_version, data);
    while let Some((.., step)) = STEPS.iter().find(|(name, from, _)| (*name, *from) == (today, version)) {
        data = step(data);
        version += 1;
    }
    (version, data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::about;
    use crate::conversation::AssignStrategy;
    use crate::events::{DecodeError, Events, events};
    use crate::routing::RoutingStrategy;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    events! {
        pub enum PolitenessEvent { Greeted = 3 }
    }

    /// In version 1 `{"name", "text"}`, in version 2 with `language`, since then with many `names`.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    pub struct Greeted {
        names: Vec<String>,
        text: String,
        language: String,
    }

    pub fn greeted_names_its_language(mut data: Value) -> Value {
        data["language"] = json!("en");
        data
    }

    pub fn greeted_takes_many(mut data: Value) -> Value {
        data["names"] = json!([data["name"]]);
        data
    }

    fn greeted(language: &str) -> PolitenessEvent {
        Greeted { names: vec!["Ana".to_owned()], text: "Hello".to_owned(), language: language.to_owned() }
            .into()
    }

    #[test]
    fn an_old_shape_takes_every_step_from_its_own_version_on() {
        let read = |version, data: Value| PolitenessEvent::decode("Greeted", version, &data.to_string());
        assert_eq!(read(1, json!({"name": "Ana", "text": "Hello"})).unwrap(), greeted("en"));
        let second = json!({"name": "Ana", "text": "Hello", "language": "am"});
        assert_eq!(read(2, second).unwrap(), greeted("am"));
        let third = json!({"names": ["Ana"], "text": "Hello", "language": "am"});
        assert_eq!(read(3, third).unwrap(), greeted("am"));
    }

    #[test]
    fn the_strategy_of_a_team_was_an_order_and_that_of_an_agent_a_report() {
        let team = "e5a7c9db-3f41-4c8d-8e2f-4a6b8c0d2e87";
        let agent = "c3e5a7b9-1d2f-4a6b-8c0d-2e4f6a8b0c65";
        let read = |data: Value| serde_json::from_value::<Assigned>(upcast("Assigned", 1, data).1).unwrap();
        let ordered = read(json!({ "team_id": team, "strategy": "round_robin" }));
        assert_eq!((ordered.strategy, ordered.route_by), (None, Some(RoutingStrategy::RoundRobin)));
        let by_hand = read(json!({ "team_id": team, "strategy": "manual" }));
        assert_eq!((by_hand.strategy, by_hand.route_by), (Some(AssignStrategy::Manual), None));
        let chosen = read(json!({ "assignee_id": agent, "team_id": team, "strategy": "round_robin" }));
        assert_eq!((chosen.strategy, chosen.route_by), (Some(AssignStrategy::RoundRobin), None));
    }

    #[test]
    fn a_shape_of_today_is_not_touched() {
        let [(_, today, _)] = PolitenessEvent::schemas().try_into().unwrap();
        let first = json!({"name": "Ana", "text": "Hello"}).to_string();
        let error = PolitenessEvent::decode("Greeted", today, &first).unwrap_err();
        assert!(matches!(error, DecodeError::Unreadable { .. }));
        assert_eq!(upcast("MessageRead", 1, json!({"any": 1})), (1, json!({"any": 1})));
    }

    #[test]
    fn an_event_of_a_former_name_is_read_under_todays() {
        let hailed = json!({"name": "Ana", "text": "Hello"}).to_string();
        assert_eq!(PolitenessEvent::decode("Hailed", 1, &hailed).unwrap(), greeted("en"));
        assert_eq!(
            (name_today("Hailed"), name_today("Greeted"), name_today("Sung")),
            ("Greeted", "Greeted", "Sung")
        );
        assert_eq!(about![Greeted], ["Greeted", "Hailed"]);
        assert_eq!((name_of_version("Greeted", 1), name_of_version("Greeted", 2)), ("Hailed", "Greeted"));
    }

    #[test]
    fn a_former_name_has_no_version_that_was_written_under_the_next() {
        let error = PolitenessEvent::decode("Hailed", 2, "{}").unwrap_err();
        assert!(matches!(error, DecodeError::FromTheFuture { found: 2, known: 1, .. }));
    }

    #[test]
    fn a_shape_of_tomorrow_is_refused() {
        let error = PolitenessEvent::decode("Greeted", 4, "{}").unwrap_err();
        assert!(matches!(error, DecodeError::FromTheFuture { found: 4, known: 3, .. }));
    }
}
