//! The people who sign in: the hash of a person's password, links that sign in once, and sessions.
//!
//! A person is the same in every account, and their sessions are of no account: the account says in
//! [`Account::admits`](crate::account::Account::admits) whether it lets the session in.

#[cfg(test)]
mod tests;

use crate::aggregate::{Decide, Evolve};
use event_schemas::catalogue::Secret;
use event_schemas::person::{
    AccountJoined, PasswordSet, SessionEnd, SessionEnded, SessionUsed, SignInLinkIssued, SignInMethod,
    SignedIn,
};
use event_schemas::{AccountId, PersonEvent, SessionId, Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The sessions that a person has at the same time. The next one ends the one that was used the longest time ago.
const MOST_SESSIONS: usize = 50;
/// The use of a session is recorded when this part of the time has passed after which it ends unused.
const PART_OF_IDLE: u32 = 10;

/// A person who signs in.
#[derive(Clone, Debug, Default)]
pub struct SignInState {
    accounts: BTreeSet<AccountId>,
    password_hash: Option<Secret>,
    link: Option<(Secret, Timestamp)>,
    sessions: BTreeMap<SessionId, Session>,
}

/// A session of a person.
#[derive(Clone, Debug)]
pub struct Session {
    pub token_hash: Secret,
    pub method: SignInMethod,
    pub user_agent: Option<String>,
    pub began_at: Timestamp,
    /// The last recorded use.
    pub used_at: Timestamp,
    pub expires_at: Timestamp,
}

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimes {
    /// After this time without use a session ends.
    pub idle: Duration,
    /// After this time a session ends, however often it is used.
    pub longest: Duration,
}

impl Default for SessionTimes {
    fn default() -> Self {
        Self { idle: Duration::from_secs(12 * 3_600), longest: Duration::from_secs(7 * 86_400) }
    }
}

impl Session {
    /// The moment at which it ends if it is not used again.
    pub fn ends_at(&self, idle: Duration) -> Timestamp {
        self.expires_at.min(self.used_at + idle)
    }
}

impl SignInState {
    /// The accounts that the person has joined. Each says itself whether the person works there still.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.accounts.iter().copied()
    }
    /// `None` when the person has set no password yet.
    pub fn password_hash(&self) -> Option<&Secret> {
        self.password_hash.as_ref()
    }
    /// The sessions that have not ended.
    pub fn sessions(&self, now: Timestamp, idle: Duration) -> impl Iterator<Item = (SessionId, &Session)> {
        let live = move |session: &&Session| session.ends_at(idle) > now;
        self.sessions.iter().map(|(id, session)| (*id, session)).filter(move |(_, session)| live(session))
    }
    /// The session with this secret.
    pub fn session_of(
        &self,
        token_hash: &Secret,
        now: Timestamp,
        idle: Duration,
    ) -> Option<(SessionId, &Session)> {
        self.sessions(now, idle).find(|(_, session)| session.token_hash == *token_hash)
    }

    /// Makes place for another session.
    fn forget_sessions(&mut self, now: Timestamp) {
        self.sessions.retain(|_, session| session.expires_at > now);
        while self.sessions.len() >= MOST_SESSIONS {
            let oldest = self.sessions.iter().min_by_key(|(id, session)| (session.used_at, **id));
            let Some(oldest) = oldest.map(|(id, _)| *id) else { return };
            self.sessions.remove(&oldest);
        }
    }
}

impl Evolve for SignInState {
    type Event = PersonEvent;

    fn evolve(&mut self, event: &PersonEvent, at: Timestamp) {
        match event {
            PersonEvent::AccountJoined(joined) => {
                self.accounts.insert(joined.account_id);
            }
            PersonEvent::PasswordSet(set) => self.password_hash = Some(set.password_hash.clone()),
            PersonEvent::SignInLinkIssued(issued) => {
                self.link = Some((issued.link_hash.clone(), issued.expires_at));
            }
            PersonEvent::SignedIn(began) => {
                if began.method == SignInMethod::Link {
                    self.link = None;
                }
                self.forget_sessions(at);
                let session = Session {
                    token_hash: began.token_hash.clone(),
                    method: began.method,
                    user_agent: began.user_agent.clone(),
                    began_at: at,
                    used_at: at,
                    expires_at: began.expires_at,
                };
                self.sessions.insert(began.session_id, session);
            }
            PersonEvent::SessionUsed(used) => {
                if let Some(session) = self.sessions.get_mut(&used.session_id) {
                    session.used_at = at;
                }
            }
            PersonEvent::SessionEnded(ended) => {
                self.sessions.remove(&ended.session_id);
            }
        }
    }
}

/// Why a command to a person was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the link was used already")]
    LinkUsed,
    #[error("the link has expired: ask for another one")]
    LinkExpired,
    /// Another request has set one meanwhile.
    #[error("the password was changed meanwhile")]
    PasswordChangedMeanwhile,
    #[error("there is no such session")]
    NoSuchSession,
}

/// The session that a person gets who signs in.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub session_id: SessionId,
    pub token_hash: Secret,
    pub user_agent: Option<String>,
    pub longest: Duration,
}

impl NewSession {
    fn begun(&self, user_id: UserId, method: SignInMethod, now: Timestamp) -> PersonEvent {
        let Self { session_id, token_hash, user_agent, longest } = self.clone();
        let expires_at = now + longest;
        SignedIn { user_id, session_id, token_hash, method, user_agent, expires_at }.into()
    }
}

/// Signs in with the password, which fits this hash.
#[derive(Clone, Debug)]
pub struct SignInByPassword {
    pub user_id: UserId,
    pub checked: Secret,
    pub session: NewSession,
}

impl Decide<SignInState> for SignInByPassword {
    type Rejection = Rejection;

    fn decide(&self, state: &SignInState, now: Timestamp) -> Result<Vec<PersonEvent>, Rejection> {
        if state.password_hash.as_ref() != Some(&self.checked) {
            return Err(Rejection::PasswordChangedMeanwhile);
        }
        Ok(vec![self.session.begun(self.user_id, SignInMethod::Password, now)])
    }
}

/// Makes a link that signs the person in once. The link before it is no longer accepted.
#[derive(Clone, Debug)]
pub struct IssueSignInLink {
    pub user_id: UserId,
    pub link_hash: Secret,
    pub expires_at: Timestamp,
}

impl Decide<SignInState> for IssueSignInLink {
    type Rejection = Rejection;

    fn decide(&self, _: &SignInState, _: Timestamp) -> Result<Vec<PersonEvent>, Rejection> {
        let Self { user_id, link_hash, expires_at } = self.clone();
        Ok(vec![SignInLinkIssued { user_id, link_hash, expires_at }.into()])
    }
}

/// Signs in by a link.
#[derive(Clone, Debug)]
pub struct SignInByLink {
    pub user_id: UserId,
    pub link_hash: Secret,
    pub session: NewSession,
}

impl Decide<SignInState> for SignInByLink {
    type Rejection = Rejection;

    fn decide(&self, state: &SignInState, now: Timestamp) -> Result<Vec<PersonEvent>, Rejection> {
        match &state.link {
            Some((hash, expires_at)) if *hash == self.link_hash => match *expires_at > now {
                true => Ok(vec![self.session.begun(self.user_id, SignInMethod::Link, now)]),
                false => Err(Rejection::LinkExpired),
            },
            Some(_) | None => Err(Rejection::LinkUsed),
        }
    }
}

/// The proof of a person who accepts an invitation.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The first password, hashed.
    NewPassword(Secret),
    /// The password that they have fits this hash.
    Password(Secret),
}

/// Accepts the invitation to an account, whose link was checked, and signs in.
#[derive(Clone, Debug)]
pub struct AcceptInvitation {
    pub user_id: UserId,
    pub account_id: AccountId,
    pub proof: Proof,
}

impl Decide<SignInState> for AcceptInvitation {
    type Rejection = Rejection;

    fn decide(&self, state: &SignInState, _: Timestamp) -> Result<Vec<PersonEvent>, Rejection> {
        let mut events = Vec::new();
        match (&self.proof, &state.password_hash) {
            (Proof::NewPassword(hash), None) => {
                events.push(PasswordSet { user_id: self.user_id, password_hash: hash.clone() }.into());
            }
            (Proof::Password(checked), Some(hash)) if checked == hash => {}
            (Proof::NewPassword(_) | Proof::Password(_), _) => {
                return Err(Rejection::PasswordChangedMeanwhile);
            }
        }
        if !state.accounts.contains(&self.account_id) {
            events.push(AccountJoined { user_id: self.user_id, account_id: self.account_id }.into());
        }
        Ok(events)
    }
}

/// Begins the session of a person who has just joined an account.
#[derive(Clone, Debug)]
pub struct BeginSession {
    pub user_id: UserId,
    pub session: NewSession,
}

impl Decide<SignInState> for BeginSession {
    type Rejection = Rejection;

    fn decide(&self, _: &SignInState, now: Timestamp) -> Result<Vec<PersonEvent>, Rejection> {
        Ok(vec![self.session.begun(self.user_id, SignInMethod::Invitation, now)])
    }
}

/// Sets the password. All other sessions end.
#[derive(Clone, Debug)]
pub struct SetPassword {
    pub user_id: UserId,
    /// The hash that the present password fits. `None` for a person who has none, or has lost it.
    pub checked: Option<Secret>,
    pub password_hash: Secret,
    /// The session that goes on.
    pub keep: SessionId,
}

impl Decide<SignInState> for SetPassword {
    type Rejection = Rejection;

    fn decide(&self, state: &SignInState, _: Timestamp) -> Result<Vec<PersonEvent>, Rejection> {
        if self.checked.is_some() && self.checked != state.password_hash {
            return Err(Rejection::PasswordChangedMeanwhile);
        }
        let set = PasswordSet { user_id: self.user_id, password_hash: self.password_hash.clone() };
        let others = state.sessions.keys().filter(|id| **id != self.keep);
        let ended = others.map(|id| ended(self.user_id, *id, SessionEnd::PasswordChanged));
        Ok(std::iter::once(set.into()).chain(ended).collect())
    }
}

fn ended(user_id: UserId, session_id: SessionId, cause: SessionEnd) -> PersonEvent {
    SessionEnded { user_id, session_id, cause }.into()
}

/// Records that a session is in use, unless that was recorded a short time ago.
#[derive(Clone, Copy, Debug)]
pub struct UseSession {
    pub user_id: UserId,
    pub session_id: SessionId,
    /// The time without use after which a session ends.
    pub idle: Duration,
}

impl UseSession {
    /// Whether the use has to be recorded.
    pub fn is_due(session: &Session, now: Timestamp, idle: Duration) -> bool {
        now.since(session.used_at) >= idle / PART_OF_IDLE
    }
}

impl Decide<SignInState> for UseSession {
    type Rejection = Rejection;

    fn decide(&self, state: &SignInState, now: Timestamp) -> Result<Vec<PersonEvent>, Rejection> {
        let session = state.sessions.get(&self.session_id).ok_or(Rejection::NoSuchSession)?;
        let Self { user_id, session_id, idle } = *self;
        match Self::is_due(session, now, idle) {
            true => Ok(vec![SessionUsed { user_id, session_id }.into()]),
            false => Ok(Vec::new()),
        }
    }
}

/// Which sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    One(SessionId),
    AllBut(SessionId),
}

/// Ends sessions of a person.
#[derive(Clone, Copy, Debug)]
pub struct EndSessions {
    pub user_id: UserId,
    pub which: Which,
    pub cause: SessionEnd,
}

impl Decide<SignInState> for EndSessions {
    type Rejection = Rejection;

    fn decide(&self, state: &SignInState, _: Timestamp) -> Result<Vec<PersonEvent>, Rejection> {
        let is_meant = |id: &SessionId| match self.which {
            Which::One(one) => *id == one,
            Which::AllBut(kept) => *id != kept,
        };
        let meant: Vec<_> = state.sessions.keys().copied().filter(is_meant).collect();
        if meant.is_empty() && matches!(self.which, Which::One(_)) {
            return Err(Rejection::NoSuchSession);
        }
        Ok(meant.into_iter().map(|id| ended(self.user_id, id, self.cause)).collect())
    }
}
