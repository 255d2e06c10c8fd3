//! The parts of the routing state as they are kept.

use super::*;
use serde_json::{Value, json};
use std::path::Path;

/// A state in which every field of a part has a value.
fn full() -> Scenario {
    let mut scenario = Scenario::with(&[ANA, BEN], RoutingStrategy::RoundRobin);
    scenario.team(BILLING, Some(BEN), &[ANA, BEN]);
    scenario.agent(
        ANA,
        &prefers(ANA, |p| p.available_hours = Some(hours("Africa/Addis_Ababa", "08:00", "20:00"))),
    );
    for number in 1..=3 {
        scenario.now = at(MONDAY_AT_TEN + i64::try_from(number).unwrap());
        scenario.writes(number, Priority::High);
        scenario.run();
    }
    let team = scenario.writes(4, Priority::Normal);
    scenario.for_team(team, BILLING);
    scenario.agent(
        BEN,
        &WentOnline { user_id: BEN, account_id: Some(HERE), until: at(MONDAY_AT_TEN + 600) }.into(),
    );
    scenario
}

fn shown(state: &RoutingState) -> Value {
    let parts = state.all_parts().unwrap();
    let parts = parts
        .into_iter()
        .map(|(part, json)| (format!("{part:?}"), serde_json::from_str::<Value>(&json).unwrap()));
    Value::Object(parts.collect())
}

#[test]
fn a_restored_state_is_equal_and_plans_the_same() {
    let mut scenario = full();
    let mut restored = RoutingState::default();
    for (part, json) in scenario.routing.all_parts().unwrap() {
        restored.restore(part, &json).unwrap();
    }
    assert_eq!(shown(&restored), shown(&scenario.routing));
    let now = scenario.now + std::time::Duration::from_secs(60);
    assert_eq!(restored.plan(now, 7), scenario.routing.plan(now, 7));
    let hours =
        |state: &RoutingState| state.agent(HERE, ANA).unwrap().is_within_hours(at(MONDAY_AT_TEN - 36_000));
    assert_eq!((hours(&restored), hours(&scenario.routing)), (false, false));
}

#[test]
fn only_the_parts_of_an_event_change() {
    let mut scenario = full();
    scenario.routing.changes_are_kept();
    let id = scenario.writes(9, Priority::Normal);
    let changed: Vec<_> =
        scenario.routing.changed_parts().unwrap().into_iter().map(|(part, _)| part).collect();
    assert_eq!(changed, [Part::Turns(HERE), Part::Conversation(HERE, id)]);
    scenario.apply(id, Closed { reason: None });
    let changed = scenario.routing.changed_parts().unwrap();
    assert!(
        changed.contains(&(Part::Conversation(HERE, id), None)),
        "a closed conversation is gone: {changed:?}"
    );
}

/// When this fails although the fold was changed on purpose, raise `FOLD` and run the test with
/// `VERBATIM_WRITE_GOLDEN=1`: parts that an earlier version kept are then folded again.
#[test]
fn parts_of_another_form_or_fold_have_another_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/routing/tests/parts.json");
    let now = json!({ "fold": FOLD, "parts": shown(&full().routing) });
    if std::env::var_os("VERBATIM_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, format!("{now:#}\n")).unwrap();
    }
    let stored: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(now["parts"], stored["parts"], "raise FOLD in domain/src/routing/state/kept.rs");
    assert_eq!(now["fold"], stored["fold"]);
}
