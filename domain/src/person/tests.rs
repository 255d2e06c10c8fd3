use super::*;
use crate::aggregate::given::given;

const ANA: UserId = UserId::from_u128(1);
const ACME: AccountId = AccountId::from_u128(2);
const IDLE: Duration = Duration::from_secs(100);
const LONGEST: Duration = Duration::from_secs(1_000);
const LATER: Timestamp = Timestamp::from_secs(500);

fn secret(text: &str) -> Secret {
    Secret(text.to_owned())
}

fn new_session(number: u128) -> NewSession {
    NewSession {
        session_id: SessionId::from_u128(number),
        token_hash: secret(&format!("token {number}")),
        user_agent: None,
        longest: LONGEST,
    }
}

fn signed_in(number: u128, method: SignInMethod, second: i64) -> PersonEvent {
    new_session(number).begun(ANA, method, Timestamp::from_secs(second))
}

fn password(hash: &str) -> PersonEvent {
    PasswordSet { user_id: ANA, password_hash: secret(hash) }.into()
}

fn link(text: &str) -> PersonEvent {
    SignInLinkIssued { user_id: ANA, link_hash: secret(text), expires_at: LATER }.into()
}

fn by_password(checked: &str) -> SignInByPassword {
    SignInByPassword { user_id: ANA, checked: secret(checked), session: new_session(1) }
}

fn by_link(text: &str) -> SignInByLink {
    SignInByLink { user_id: ANA, link_hash: secret(text), session: new_session(1) }
}

#[test]
fn a_password_that_was_changed_while_it_was_checked_does_not_sign_in() {
    given([password("a")]).when(by_password("a")).then([signed_in(1, SignInMethod::Password, 2)]);
    given([password("a"), password("b")])
        .when(by_password("a"))
        .then_rejected(Rejection::PasswordChangedMeanwhile);
    given::<SignInState>([]).when(by_password("a")).then_rejected(Rejection::PasswordChangedMeanwhile);
}

#[test]
fn a_link_signs_in_once_and_in_time_and_only_the_newest() {
    let used = signed_in(1, SignInMethod::Link, 2);
    given([link("a")]).when(by_link("a")).then([used.clone()]);
    given([link("a"), used]).when(by_link("a")).then_rejected(Rejection::LinkUsed);
    given([link("a"), link("b")]).when(by_link("a")).then_rejected(Rejection::LinkUsed);
    given([link("a")]).when(by_link("guessed")).then_rejected(Rejection::LinkUsed);
    given([link("a")]).at(LATER).when(by_link("a")).then_rejected(Rejection::LinkExpired);
}

#[test]
fn an_invitation_needs_the_password_that_the_person_has() {
    let accept = |proof| AcceptInvitation { user_id: ANA, account_id: ACME, proof };
    let joined = PersonEvent::from(AccountJoined { user_id: ANA, account_id: ACME });
    given::<SignInState>([])
        .when(accept(Proof::NewPassword(secret("a"))))
        .then([password("a"), joined.clone()]);
    given([password("a")])
        .when(accept(Proof::NewPassword(secret("b"))))
        .then_rejected(Rejection::PasswordChangedMeanwhile);
    given([password("a")]).when(accept(Proof::Password(secret("a")))).then([joined.clone()]);
    given([password("a"), joined]).when(accept(Proof::Password(secret("a")))).then_nothing();
}

#[test]
fn a_session_ends_unused_and_in_any_case() {
    let state = given::<SignInState>([signed_in(1, SignInMethod::Password, 1)]).state;
    let is_live =
        |state: &SignInState, second| state.sessions(Timestamp::from_secs(second), IDLE).next().is_some();
    assert!(is_live(&state, 100));
    assert!(!is_live(&state, 101));
    let mut state = state;
    let used = SessionUsed { user_id: ANA, session_id: SessionId::from_u128(1) };
    for second in (50..990).step_by(50) {
        state.evolve(&used.clone().into(), Timestamp::from_secs(second));
    }
    assert!(is_live(&state, 1_000));
    assert!(!is_live(&state, 1_001));
}

#[test]
fn the_use_of_a_session_is_recorded_now_and_then() {
    let use_it = UseSession { user_id: ANA, session_id: SessionId::from_u128(1), idle: IDLE };
    let used = PersonEvent::from(SessionUsed { user_id: ANA, session_id: SessionId::from_u128(1) });
    let given_session = || given([signed_in(1, SignInMethod::Password, 1)]);
    given_session().at(Timestamp::from_secs(10)).when(use_it).then_nothing();
    given_session().at(Timestamp::from_secs(11)).when(use_it).then([used]);
    given::<SignInState>([]).when(use_it).then_rejected(Rejection::NoSuchSession);
}

#[test]
fn another_password_ends_all_other_sessions() {
    let sessions =
        [password("a"), signed_in(1, SignInMethod::Password, 2), signed_in(2, SignInMethod::Password, 3)];
    let set = |checked: Option<&str>| SetPassword {
        user_id: ANA,
        checked: checked.map(secret),
        password_hash: secret("b"),
        keep: SessionId::from_u128(1),
    };
    let end = ended(ANA, SessionId::from_u128(2), SessionEnd::PasswordChanged);
    given(sessions.clone()).when(set(Some("a"))).then([password("b"), end]);
    given(sessions).when(set(Some("c"))).then_rejected(Rejection::PasswordChangedMeanwhile);
}

#[test]
fn sessions_end_by_themselves_or_all_but_one() {
    let sessions = [signed_in(1, SignInMethod::Password, 1), signed_in(2, SignInMethod::Password, 2)];
    let id = SessionId::from_u128;
    let end = |which| EndSessions { user_id: ANA, which, cause: SessionEnd::SignedOut };
    let ended = |number| ended(ANA, id(number), SessionEnd::SignedOut);
    given(sessions.clone()).when(end(Which::One(id(1)))).then([ended(1)]);
    given(sessions.clone()).when(end(Which::AllBut(id(1)))).then([ended(2)]);
    given(sessions).when(end(Which::One(id(3)))).then_rejected(Rejection::NoSuchSession);
}

#[test]
fn the_number_of_sessions_is_limited() {
    let sessions = (1..=60).map(|number| signed_in(number, SignInMethod::Password, 1));
    let state = given::<SignInState>(sessions).state;
    let ids: Vec<_> = state.sessions.keys().copied().collect();
    assert_eq!(ids, (11..=60).map(SessionId::from_u128).collect::<Vec<_>>());
}
