//! Signing in, and the sessions that begin with it.

use super::{NO_ACCOUNT, PeopleError, PersonLink, fresh_session};
use crate::Commands;
use crate::execute::{CommandError, Context};
use domain::person::{
    BeginSession, EndSessions, NewSession, Rejection, Session, SignInByLink, SignInByPassword, SignInState,
    UseSession, Which,
};
use event_schemas::account::PersonRole;
use event_schemas::person::{SessionEnd, SignInMethod};
use event_schemas::{AccountId, Actor, SessionId, StreamId, Timestamp, UserId};
use uuid::Uuid;

/// The most characters that are kept of a browser's words about itself.
const LONGEST_USER_AGENT: usize = 300;

/// The browser of a session.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    pub user_agent: Option<String>,
}

/// A session that has just begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The secret of its cookie.
    pub token: PersonLink,
    pub signed_in: SignedIn,
}

/// A person with a valid session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub user: UserId,
    pub session: SessionId,
    /// The accounts in which the session is valid. At least one.
    pub memberships: Vec<Membership>,
    pub expires_at: Timestamp,
    /// Whether the person may set a password without giving the present one: a link has proved who they are.
    pub may_set_password: bool,
}

/// A person in an account.
#[derive(Clone, Debug)]
pub struct Membership {
    pub account: AccountId,
    pub account_name: Option<String>,
    pub role: PersonRole,
    pub name: Option<String>,
    pub email: String,
}

impl Commands {
    /// Signs a person in who knows the password.
    pub async fn sign_in(
        &self,
        email: &str,
        password: String,
        browser: Browser,
        correlation_id: Uuid,
    ) -> Result<Begun, PeopleError> {
        let user_id = UserId::of_email(email);
        let person = self.person(user_id).await?;
        let hash = person.state.password_hash();
        let fits = self.fits(user_id, hash, password).await?;
        let checked = hash.filter(|_| fits).cloned().ok_or(PeopleError::WrongPassword)?;
        let now = self.clock.now();
        // One who was removed from every account is answered as an unknown one.
        if self.memberships(user_id, &person.state, now).await?.is_empty() {
            return Err(PeopleError::WrongPassword);
        }
        let (token, session) = self.new_session(user_id, browser);
        let command = SignInByPassword { user_id, checked, session };
        let context = own(user_id, correlation_id);
        match self.people.execute(&StreamId::person(user_id), &command, &context).await {
            Ok(_) => self.begun(token).await,
            Err(CommandError::Rejected(Rejection::PasswordChangedMeanwhile)) => {
                Err(PeopleError::WrongPassword)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Signs a person in by a link, which is used up.
    pub async fn sign_in_by_link(
        &self,
        link: &PersonLink,
        browser: Browser,
        correlation_id: Uuid,
    ) -> Result<Begun, PeopleError> {
        let user_id = link.user;
        let (token, session) = self.new_session(user_id, browser);
        let command = SignInByLink { user_id, link_hash: link.hash(), session };
        let context = own(user_id, correlation_id);
        self.people.execute(&StreamId::person(user_id), &command, &context).await?;
        self.begun(token).await
    }

    pub(super) async fn begin_session(
        &self,
        user_id: UserId,
        browser: Browser,
        context: &Context,
    ) -> Result<Begun, PeopleError> {
        let (token, session) = self.new_session(user_id, browser);
        let command = BeginSession { user_id, session };
        self.people.execute(&StreamId::person(user_id), &command, context).await?;
        self.begun(token).await
    }

    fn new_session(&self, user_id: UserId, browser: Browser) -> (PersonLink, NewSession) {
        let token = PersonLink::new(user_id, self.clock.fresh_key());
        let shortened = |text: String| text.chars().take(LONGEST_USER_AGENT).collect();
        let session = NewSession {
            session_id: fresh_session(&self.clock),
            token_hash: token.hash(),
            user_agent: browser.user_agent.map(shortened),
            longest: self.session_times.longest,
        };
        (token, session)
    }

    async fn begun(&self, token: PersonLink) -> Result<Begun, PeopleError> {
        // The person may have been removed meanwhile.
        let signed_in = self.session(&token).await?.ok_or(PeopleError::WrongPassword)?;
        Ok(Begun { token, signed_in })
    }

    /// The session with this secret. `None` when it has ended, or no account admits it.
    pub async fn session(&self, token: &PersonLink) -> Result<Option<SignedIn>, PeopleError> {
        let person = self.person(token.user).await?;
        let (now, idle) = (self.clock.now(), self.session_times.idle);
        let found = person.state.session_of(&token.hash(), now, idle);
        let Some((id, session)) = found else { return Ok(None) };
        let memberships = self.memberships(token.user, &person.state, session.began_at).await?;
        if memberships.is_empty() {
            return Ok(None);
        }
        if UseSession::is_due(session, now, idle) {
            self.note_use(token.user, id).await;
        }
        Ok(Some(SignedIn {
            user: token.user,
            session: id,
            memberships,
            expires_at: session.expires_at,
            may_set_password: session.method == SignInMethod::Link,
        }))
    }

    /// The request is answered, whether or not this succeeds.
    async fn note_use(&self, user_id: UserId, session_id: SessionId) {
        let command = UseSession { user_id, session_id, idle: self.session_times.idle };
        let context = own(user_id, self.clock.fresh_id());
        if let Err(error) = self.people.execute(&StreamId::person(user_id), &command, &context).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the use of a session was not recorded");
        }
    }

    /// The accounts that admit a session of the person that began at this time.
    async fn memberships(
        &self,
        user: UserId,
        person: &SignInState,
        began_at: Timestamp,
    ) -> Result<Vec<Membership>, PeopleError> {
        let mut memberships = Vec::new();
        for id in person.accounts() {
            let account = self.account(id).await?;
            memberships.extend(account.state.admits(user, began_at).map(|member| Membership {
                account: id,
                account_name: account.state.name().map(str::to_owned),
                role: member.role,
                name: member.name.clone(),
                email: member.email.clone(),
            }));
        }
        Ok(memberships)
    }

    /// The sessions of a person that have not ended, and that an account admits.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<(SessionId, Session)>, PeopleError> {
        let person = self.person(user).await?;
        let mut valid = Vec::new();
        for (id, session) in person.state.sessions(self.clock.now(), self.session_times.idle) {
            if !self.memberships(user, &person.state, session.began_at).await?.is_empty() {
                valid.push((id, session.clone()));
            }
        }
        Ok(valid)
    }

    /// Ends sessions of a person.
    pub async fn end_sessions(
        &self,
        user_id: UserId,
        which: Which,
        cause: SessionEnd,
        context: &Context,
    ) -> Result<(), PeopleError> {
        let end = EndSessions { user_id, which, cause };
        let ended = self.people.execute(&StreamId::person(user_id), &end, context).await;
        Ok(ended.map(|_| ())?)
    }
}

/// The context of a command of a person about themselves.
pub fn own(user: UserId, correlation_id: Uuid) -> Context {
    Context::of(NO_ACCOUNT, Actor::user(user, None), correlation_id)
}
