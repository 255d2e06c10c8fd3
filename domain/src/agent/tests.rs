use super::*;
use crate::aggregate::given::given;
use event_schemas::agent::*;

const HERE: AccountId = AccountId::from_u128(1);
const THERE: AccountId = AccountId::from_u128(2);
const ANA: UserId = UserId::from_u128(3);

fn registered(account_id: AccountId) -> AgentEvent {
    AgentRegistered { account_id, user_id: ANA, name: "Ana".to_owned(), email: None }.into()
}

fn register(account_id: AccountId) -> Register {
    Register { account_id, user_id: ANA, name: "Ana".to_owned(), email: None }
}

fn change<F: Fn(&mut Preferences)>(change: F) -> ChangePreferences<F> {
    ChangePreferences { account_id: HERE, user_id: ANA, if_match: None, change }
}

#[test]
fn an_account_registers_an_agent_whom_another_account_knows() {
    given::<Person>([registered(THERE)]).when(register(HERE)).then([registered(HERE)]);
}

#[test]
fn nothing_of_one_account_changes_the_agent_in_another() {
    let reserved = |account_id, number| CapacityReserved {
        user_id: ANA,
        account_id,
        conversation_id: ConversationId::from_u128(number),
        conversation_version: Version(1),
        overridden: None,
        counted: false,
        renewed: false,
    };
    let off = Preferences { is_available: false, max_concurrent_conversations: 1, ..Preferences::default() };
    let ana = given::<Person>([
        registered(HERE),
        registered(THERE),
        PreferencesChanged { user_id: ANA, account_id: Some(THERE), preferences: off.clone() }.into(),
        WentOffline { user_id: ANA, account_id: Some(THERE), cause: PresenceCause::Chosen }.into(),
        reserved(THERE, 1).into(),
        reserved(HERE, 2).into(),
        CapacityReleased { user_id: ANA, account_id: THERE, conversation_id: ConversationId::from_u128(1) }
            .into(),
    ])
    .state;
    let (here, there) = (ana.in_account(HERE), ana.in_account(THERE));
    assert_eq!((here.preferences(), there.preferences()), (&Preferences::default(), &off));
    assert_eq!(here.presence(), Presence::Unknown);
    assert!(matches!(there.presence(), Presence::Offline { .. }));
    assert_eq!((here.active(), there.active()), (1, 0));
}

/// An account learns nothing from a version about what happens in another one.
#[test]
fn versions_count_the_events_of_one_account() {
    let prefer = |account_id, is_available| {
        let preferences = Preferences { is_available, ..Preferences::default() };
        AgentEvent::from(PreferencesChanged { user_id: ANA, account_id: Some(account_id), preferences })
    };
    let online =
        |account_id| AgentEvent::from(WentOnline { user_id: ANA, account_id: Some(account_id), until: NOW });
    let busy = [prefer(THERE, false), online(THERE), prefer(THERE, true)];
    let mut events = vec![registered(THERE), registered(HERE)];
    events.extend(busy.clone());
    let ana = given::<Person>(events.clone()).state;
    let here = ana.in_account(HERE);
    assert_eq!((here.version(), here.preferences_version()), (Some(Version(0)), None));
    assert_eq!(here.presence_version(), None);
    events.extend([prefer(HERE, false), online(HERE)]);
    events.extend(busy);
    let ana = given::<Person>(events).state;
    let here = ana.in_account(HERE);
    assert_eq!((here.version(), here.preferences_version()), (Some(Version(2)), Some(Version(1))));
    assert_eq!(here.presence_version(), Some(Version(6)), "the event's version in the stream");
}

#[test]
fn a_command_with_a_version_needs_the_agents_version_in_the_account() {
    let rename = Register { name: "Ana Maria".to_owned(), ..register(HERE) };
    let at =
        |version| IfVersion { account_id: HERE, if_match: Some(Version(version)), command: rename.clone() };
    let known = || given::<Person>([registered(THERE), registered(THERE), registered(HERE)]);
    let renamed = AgentRegistered { account_id: HERE, user_id: ANA, name: rename.name.clone(), email: None };
    known().when(at(0)).then([renamed.into()]);
    let refused = Rejection::ChangedMeanwhile { expected: Version(2), actual: Some(Version(0)) };
    known().when(at(2)).then_rejected(refused);
}

#[test]
fn an_account_that_does_not_know_the_agent_cannot_change_preferences() {
    given::<Person>([registered(THERE)])
        .when(change(|preferences| preferences.is_available = false))
        .then_rejected(Rejection::NotRegistered);
}

#[test]
fn a_change_leaves_the_other_preferences_as_they_are() {
    let preferences = Preferences { is_available: false, ..Preferences::default() };
    given::<Person>([registered(HERE)])
        .when(change(|preferences| preferences.is_available = false))
        .then([PreferencesChanged { user_id: ANA, account_id: Some(HERE), preferences }.into()]);
    given::<Person>([registered(HERE)]).when(change(|_| {})).then_nothing();
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

fn known() -> Person {
    given::<Person>([registered(HERE)]).state
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
    let renamed = Register { name: "Ana Maria".to_owned(), ..register(HERE) };
    let expected = AgentRegistered { name: "Ana Maria".to_owned(), ..known.clone() };
    given::<Person>([known.clone().into()]).when(renamed).then([expected.into()]);
    let removed = Register { email: Some(String::new()), ..register(HERE) };
    given::<Person>([known.clone().into()])
        .when(removed)
        .then([AgentRegistered { email: None, ..known }.into()]);
}

fn removed() -> AgentEvent {
    AgentRemoved { account_id: HERE, user_id: ANA }.into()
}

#[test]
fn an_agent_who_was_removed_comes_back_only_when_registered_again() {
    let remove = Remove { account_id: HERE, user_id: ANA };
    given::<Person>([registered(HERE)]).when(remove).then([removed()]);
    let gone = || given::<Person>([registered(THERE), registered(HERE), removed()]);
    gone().when(remove).then_nothing();
    let sign_in = SignIn { account_id: HERE, user_id: ANA, name: "Ana".to_owned() };
    gone().when(sign_in.clone()).then_rejected(Rejection::Removed);
    gone().when(SignIn { account_id: THERE, ..sign_in.clone() }).then_nothing();
    gone().when(change(|preferences| preferences.auto_accept = true)).then_rejected(Rejection::NotRegistered);
    gone().when(register(HERE)).then([registered(HERE)]);
    given::<Person>([registered(HERE), removed(), registered(HERE)]).when(sign_in).then_nothing();
    given::<Person>([registered(THERE)]).when(remove).then_rejected(Rejection::NotRegistered);
}

#[test]
fn an_agent_who_was_removed_is_offline_and_takes_nothing() {
    let online = WentOnline { user_id: ANA, account_id: Some(HERE), until: NOW };
    let ana = given::<Person>([registered(HERE), online.into(), removed()]).state;
    assert!(matches!(ana.in_account(HERE).presence(), Presence::Offline { .. }));
    assert!(!ana.in_account(HERE).is_registered());
}
