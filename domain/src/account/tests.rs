use super::*;
use crate::aggregate::given::given;
use event_schemas::ApiKeyEvent;
use event_schemas::account::{ApiKeyCreated, ApiKeyRevoked, ApiKeyRole, Permission};
use event_schemas::api_key::ApiKeyUsed;

const ACME: AccountId = AccountId::from_u128(1);
const LATER: Timestamp = Timestamp::from_secs(1_000);

fn hash(text: &str) -> Secret {
    Secret(text.to_owned())
}

fn invitation(email: &str, role: PersonRole) -> Invitation {
    Invitation {
        account_id: ACME,
        email: email.to_owned(),
        name: None,
        role,
        link_hash: hash(email),
        expires_at: LATER,
    }
}

fn invited(email: &str, role: PersonRole) -> AccountEvent {
    invitation(email, role).event()
}

fn joined(email: &str) -> AccountEvent {
    PersonJoined { account_id: ACME, user_id: UserId::of_email(email), name: "Someone".to_owned() }.into()
}

fn role_given(email: &str, role: PersonRole) -> AccountEvent {
    RoleGiven { account_id: ACME, user_id: UserId::of_email(email), role }.into()
}

fn removed(email: &str) -> AccountEvent {
    PersonRemoved { account_id: ACME, user_id: UserId::of_email(email) }.into()
}

fn join(email: &str, link: &str) -> Join {
    let user_id = UserId::of_email(email);
    Join { account_id: ACME, user_id, link_hash: hash(link), name: "Someone".to_owned() }
}

fn give(by: PersonRole, email: &str, role: PersonRole) -> GiveRole {
    GiveRole { by, account_id: ACME, user_id: UserId::of_email(email), role }
}

fn remove(by: PersonRole, email: &str) -> RemovePerson {
    RemovePerson { by, account_id: ACME, user_id: UserId::of_email(email) }
}

use PersonRole::{Administrator, Agent, Owner, Supervisor};

#[test]
fn an_account_is_opened_once_with_its_first_owner() {
    let open = OpenAccount { name: "Acme".to_owned(), owner: invitation("ada@x", Owner) };
    let opened = AccountEvent::from(AccountOpened { account_id: ACME, name: "Acme".to_owned() });
    given::<Account>([]).when(&open).then([opened.clone(), invited("ada@x", Owner)]);
    given::<Account>([opened]).when(open).then_rejected(Rejection::AlreadyOpened);
}

#[test]
fn a_link_is_accepted_once_and_in_time() {
    let invited = invited("ana@x", Agent);
    given([invited.clone()]).when(join("ana@x", "ana@x")).then([joined("ana@x")]);
    given([invited.clone(), joined("ana@x")]).when(join("ana@x", "ana@x")).then_rejected(Rejection::LinkUsed);
    given([invited.clone()]).when(join("ana@x", "guessed")).then_rejected(Rejection::LinkUsed);
    given([invited.clone(), removed("ana@x")])
        .when(join("ana@x", "ana@x"))
        .then_rejected(Rejection::LinkUsed);
    given([invited]).at(LATER).when(join("ana@x", "ana@x")).then_rejected(Rejection::LinkExpired);
}

#[test]
fn another_link_replaces_the_one_before() {
    let again = Invitation { link_hash: hash("second"), ..invitation("ana@x", Agent) };
    let both = [invited("ana@x", Agent), again.event()];
    given::<Account>([both[0].clone()])
        .when(Invite { by: Administrator, invitation: again })
        .then([both[1].clone()]);
    given(both.clone()).when(join("ana@x", "ana@x")).then_rejected(Rejection::LinkUsed);
    given(both).when(join("ana@x", "second")).then([joined("ana@x")]);
}

#[test]
fn a_person_who_works_here_is_not_invited_again() {
    let invite = Invite { by: Owner, invitation: invitation("Ana@X", Agent) };
    given([invited("ana@x", Agent), joined("ana@x")]).when(invite).then_rejected(Rejection::AlreadyJoined);
}

#[test]
fn an_owner_remains() {
    let one = [invited("ada@x", Owner), joined("ada@x")];
    given(one.clone()).when(give(Owner, "ada@x", Agent)).then_rejected(Rejection::LastOwner);
    given(one.clone()).when(remove(Owner, "ada@x")).then_rejected(Rejection::LastOwner);
    // One who is only invited may never come.
    let [first, second] = one;
    let waiting = [first, second, invited("bea@x", Owner)];
    given(waiting.clone()).when(remove(Owner, "ada@x")).then_rejected(Rejection::LastOwner);
    let [first, second, third] = waiting;
    let two = [first, second, third, joined("bea@x")];
    given(two.clone()).when(remove(Owner, "ada@x")).then([removed("ada@x")]);
    given(two).when(give(Owner, "bea@x", Agent)).then([role_given("bea@x", Agent)]);
}

#[test]
fn only_an_owner_makes_and_removes_owners() {
    let people = [
        invited("ada@x", Owner),
        joined("ada@x"),
        invited("bea@x", Owner),
        joined("bea@x"),
        invited("ana@x", Agent),
        joined("ana@x"),
    ];
    let given_people = || given(people.clone());
    given_people().when(give(Administrator, "ana@x", Owner)).then_rejected(Rejection::OwnersOnly);
    given_people().when(give(Administrator, "ada@x", Agent)).then_rejected(Rejection::OwnersOnly);
    given_people().when(remove(Administrator, "ada@x")).then_rejected(Rejection::OwnersOnly);
    given_people()
        .when(Invite { by: Administrator, invitation: invitation("new@x", Owner) })
        .then_rejected(Rejection::OwnersOnly);
    given_people().when(give(Administrator, "ana@x", Supervisor)).then([role_given("ana@x", Supervisor)]);
    given_people().when(give(Owner, "ana@x", Owner)).then([role_given("ana@x", Owner)]);
    // Without an owner there is no one else who could.
    given::<Account>([])
        .when(Invite { by: Administrator, invitation: invitation("ada@x", Owner) })
        .then([invited("ada@x", Owner)]);
}

#[test]
fn a_session_from_before_a_change_of_the_role_is_not_admitted() {
    let ana = UserId::of_email("ana@x");
    let joined_at = given::<Account>([invited("ana@x", Agent), joined("ana@x")]).state;
    let second = Timestamp::from_secs;
    assert!(joined_at.admits(ana, second(1)).is_none());
    assert_eq!(joined_at.admits(ana, second(2)).map(|member| member.role), Some(Agent));
    let changed =
        given::<Account>([invited("ana@x", Agent), joined("ana@x"), role_given("ana@x", Supervisor)]).state;
    assert!(changed.admits(ana, second(2)).is_none());
    assert_eq!(changed.admits(ana, second(3)).map(|member| member.role), Some(Supervisor));
    let gone = given::<Account>([invited("ana@x", Agent), joined("ana@x"), removed("ana@x")]).state;
    assert!(gone.admits(ana, second(9)).is_none());
}

#[test]
fn names_and_addresses_are_checked() {
    let invite = |invitation| Invite { by: Owner, invitation };
    for email in ["", "ana", "@x", "ana@", "a na@x", "ana@x\n", &format!("{}@x", "a".repeat(300))] {
        let outcome = invite(invitation(email, Agent)).decide(&Account::default(), LATER);
        assert!(matches!(outcome, Err(Rejection::Invalid { field: "email", .. })), "{email}");
    }
    for name in ["", "  ", "A\nna", &"a".repeat(201)] {
        let invitation = Invitation { name: Some(name.to_owned()), ..invitation("ana@x", Agent) };
        let outcome = invite(invitation).decide(&Account::default(), LATER);
        assert!(matches!(outcome, Err(Rejection::Invalid { field: "name", .. })), "{name}");
    }
}

const KEY: ApiKeyId = ApiKeyId::from_u128(7);

fn create_key(number: u128) -> CreateApiKey {
    CreateApiKey {
        account_id: ACME,
        api_key_id: ApiKeyId::from_u128(number),
        name: "Order system".to_owned(),
        role: ApiKeyRole::Service,
        permissions: None,
        token_hash: hash("key"),
        expires_at: None,
    }
}

fn key_created(key: CreateApiKey) -> AccountEvent {
    let CreateApiKey { account_id, api_key_id, name, role, permissions, token_hash, expires_at } = key;
    ApiKeyCreated { account_id, api_key_id, name, role, permissions, token_hash, expires_at }.into()
}

#[test]
fn a_key_has_a_name_a_permission_and_an_end_in_the_future() {
    given::<Account>([]).when(create_key(7)).then([key_created(create_key(7))]);
    let permissions =
        |list: &[Permission]| CreateApiKey { permissions: Some(list.to_vec()), ..create_key(7) };
    let (read, write) = (Permission::ConversationsRead, Permission::ConversationsWrite);
    given::<Account>([])
        .when(permissions(&[write, read, write]))
        .then([key_created(permissions(&[read, write]))]);
    let now = Timestamp::from_secs(9);
    for (field, key) in [
        ("name", CreateApiKey { name: " ".to_owned(), ..create_key(7) }),
        ("permissions", permissions(&[])),
        ("expires_at", CreateApiKey { expires_at: Some(now), ..create_key(7) }),
    ] {
        let decided = key.decide(&Account::default(), now);
        assert!(
            matches!(decided, Err(Rejection::Invalid { field: refused, .. }) if refused == field),
            "{field}"
        );
    }
}

#[test]
fn a_key_is_valid_until_it_expires_or_is_revoked() {
    let expiring = CreateApiKey { expires_at: Some(LATER), ..create_key(7) };
    let account = given::<Account>([key_created(expiring)]).state;
    let before = Timestamp::from_secs(999);
    assert!(account.api_key_of(KEY, &hash("key"), before).is_some());
    assert!(account.api_key_of(KEY, &hash("another"), before).is_none());
    assert!(account.api_key_of(ApiKeyId::from_u128(8), &hash("key"), before).is_none());
    assert!(account.api_key_of(KEY, &hash("key"), LATER).is_none());
    let revoke = RevokeApiKey { account_id: ACME, api_key_id: KEY };
    let revoked = AccountEvent::from(ApiKeyRevoked { account_id: ACME, api_key_id: KEY });
    given([key_created(create_key(7))]).when(revoke).then([revoked.clone()]);
    given([key_created(create_key(7)), revoked.clone()]).when(revoke).then_rejected(Rejection::NoSuchApiKey);
    let account = given::<Account>([key_created(create_key(7)), revoked]).state;
    assert!(account.api_key_of(KEY, &hash("key"), before).is_none());
}

#[test]
fn the_number_of_keys_is_limited() {
    let keys = |count| given::<Account>((0..count).map(|number| key_created(create_key(number))));
    keys(99).when(create_key(200)).then([key_created(create_key(200))]);
    keys(100).when(create_key(200)).then_rejected(Rejection::TooManyApiKeys);
}

#[test]
fn the_use_of_a_key_is_recorded_once_in_an_hour() {
    let use_it = UseApiKey { account_id: ACME, api_key_id: KEY };
    let used = ApiKeyEvent::from(ApiKeyUsed { account_id: ACME, api_key_id: KEY });
    given::<ApiKeyUse>([]).when(use_it).then([used.clone()]);
    given([used.clone()]).at(Timestamp::from_secs(3_600)).when(use_it).then_nothing();
    given([used.clone()]).at(Timestamp::from_secs(3_601)).when(use_it).then([used]);
}
