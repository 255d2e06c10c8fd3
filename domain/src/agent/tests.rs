use super::*;
use crate::aggregate::given::given;
use event_schemas::agent::*;

const HERE: AccountId = AccountId::from_u128(1);
const THERE: AccountId = AccountId::from_u128(2);
const ANA: UserId = UserId::from_u128(3);

fn registered(account_id: AccountId) -> AgentEvent {
    AgentRegistered { account_id, user_id: ANA, name: "Ana".to_owned(), email: None }.into()
}

fn register(account_id: AccountId, is_self: bool) -> Register {
    Register { account_id, user_id: ANA, name: "Ana".to_owned(), email: None, is_self }
}

fn change<F: Fn(&mut Preferences)>(change: F) -> ChangePreferences<F> {
    ChangePreferences { account_id: HERE, user_id: ANA, if_match: None, change }
}

#[test]
fn an_account_cannot_register_an_agent_of_another_account() {
    given::<Agent>([registered(THERE)])
        .when(register(HERE, false))
        .then_rejected(Rejection::RegisteredElsewhere);
    given::<Agent>([registered(THERE)]).when(register(HERE, true)).then([registered(HERE)]);
}

#[test]
fn an_account_that_does_not_know_the_agent_cannot_change_preferences() {
    given::<Agent>([registered(THERE)])
        .when(change(|preferences| preferences.is_available = false))
        .then_rejected(Rejection::NotRegistered);
}

#[test]
fn a_change_leaves_the_other_preferences_as_they_are() {
    let preferences = Preferences { is_available: false, ..Preferences::default() };
    given::<Agent>([registered(HERE)])
        .when(change(|preferences| preferences.is_available = false))
        .then([PreferencesChanged { user_id: ANA, preferences }.into()]);
    given::<Agent>([registered(HERE)]).when(change(|_| {})).then_nothing();
}

#[test]
fn an_invalid_preference_is_named_by_its_path() {
    for (field, invalid) in [
        (
            "max_concurrent_conversations",
            change(|p| p.max_concurrent_conversations = 0).decide(&known(), NOW),
        ),
        ("languages[0]", change(|p| p.languages = vec!["english!".to_owned()]).decide(&known(), NOW)),
        (
            "available_hours.timezone",
            change(|p| {
                p.available_hours = Some(event_schemas::agent::AvailableHours {
                    schedule: vec![event_schemas::catalogue::WeeklyHours {
                        days: vec![event_schemas::catalogue::Weekday::Mon],
                        start: "09:00".to_owned(),
                        end: "17:00".to_owned(),
                    }],
                    timezone: "Mars/Olympus".to_owned(),
                });
            })
            .decide(&known(), NOW),
        ),
    ] {
        let Err(Rejection::Invalid { field: named, .. }) = invalid else { panic!("{field} was accepted") };
        assert_eq!(named, field);
    }
}

const NOW: Timestamp = Timestamp::from_secs(9);

fn known() -> Agent {
    given::<Agent>([registered(HERE)]).state
}

/// A supervisor who corrects a name does not lose the address.
#[test]
fn a_new_name_leaves_the_address() {
    let known = AgentRegistered {
        account_id: HERE,
        user_id: ANA,
        name: "Ana".to_owned(),
        email: Some("ana@example.com".to_owned()),
    };
    let renamed = Register { name: "Ana Maria".to_owned(), ..register(HERE, true) };
    let expected = AgentRegistered { name: "Ana Maria".to_owned(), ..known.clone() };
    given::<Agent>([known.clone().into()]).when(renamed).then([expected.into()]);
    let removed = Register { email: Some(String::new()), ..register(HERE, true) };
    given::<Agent>([known.clone().into()])
        .when(removed)
        .then([AgentRegistered { email: None, ..known }.into()]);
}
