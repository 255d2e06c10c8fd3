//! Yesterday's shapes, read as today's. What is stored stays as it was written.

use serde_json::Value;

/// How the data of one version becomes that of the next. It cannot refuse: the past is not up for debate.
type Step = fn(Value) -> Value;

/// An event type, a version of it that is not written any more, and how that becomes the next. Whoever
/// raises the version of an event adds the step here and keeps the sample and schema of the version before.
const STEPS: &[(&str, u16, Step)] = &[
    ("Assigned", 1, as_it_was),
    ("Assigned", 2, assigned_tells_report_from_order),
    ("PreferencesChanged", 1, as_it_was),
    #[cfg(test)]
    ("Greeted", 1, tests::greeted_names_its_language),
    #[cfg(test)]
    ("Greeted", 2, tests::greeted_takes_many),
];

/// What is new has a default.
fn as_it_was(data: Value) -> Value {
    data
}

/// Until version 2 the strategy of a conversation without an agent was the order to find one by it.
fn assigned_tells_report_from_order(mut data: Value) -> Value {
    let is_order =
        data["assignee_id"].is_null() && !matches!(data["strategy"].as_str(), Some("claimed" | "manual"));
    if is_order {
        data["route_by"] = data["strategy"].take();
    }
    data
}

/// The data of an event that was written in `from_version`, as the latest version has it.
pub fn upcast(event_type: &str, from_version: u16, data: Value) -> Value {
    let (mut version, mut data) = (from_version, data);
    while let Some((.., step)) = STEPS.iter().find(|(name, from, _)| (*name, *from) == (event_type, version))
    {
        data = step(data);
        version += 1;
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::{AssignStrategy, Assigned};
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
        let read = |data: Value| serde_json::from_value::<Assigned>(upcast("Assigned", 1, data)).unwrap();
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
        assert_eq!(upcast("MessageRead", 1, json!({"any": 1})), json!({"any": 1}));
    }

    #[test]
    fn a_shape_of_tomorrow_is_refused() {
        let error = PolitenessEvent::decode("Greeted", 4, "{}").unwrap_err();
        assert!(matches!(error, DecodeError::FromTheFuture { found: 4, known: 3, .. }));
    }
}
