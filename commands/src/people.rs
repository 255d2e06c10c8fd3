//! People: how they are invited to an account, sign in, and stay signed in.
//!
//! An account's stream decides who works in it and with which role, and a person's stream has the password and the
//! sessions. A session is valid in an account when both say so, so that a person who was removed has none at once.

mod errors;
mod links;
mod passwords;
mod sessions;

pub use errors::PeopleError;
pub use links::{InvitationLink, PersonLink};
pub use passwords::Passwords;
pub use sessions::{Begun, Browser, Membership, SignedIn, own};

use crate::Commands;
use crate::credentials::KeyRing;
use crate::execute::{CommandError, Context, Outcome, Versioned};
use domain::account::{Account, GiveRole, Invitation, Invite, Join, Member, OpenAccount, RemovePerson};
use domain::agent::{self, Register, Remove};
use domain::person::{AcceptInvitation, IssueSignInLink, Proof, SetPassword, SignInState};
use event_schemas::account::PersonRole;
use event_schemas::catalogue::Secret;
use event_schemas::{AccountId, Actor, SessionId, StreamId, UserId};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The account of events that are a person's own and of no account.
const NO_ACCOUNT: AccountId = AccountId::from_u128(0);

/// An invitation as the person who opens its link sees it.
#[derive(Clone, Debug)]
pub struct ShownInvitation {
    pub account_name: Option<String>,
    pub member: Member,
    /// Whether the person has a password, of another account or of an earlier time.
    pub has_password: bool,
}

/// A person who is invited.
#[derive(Clone, Debug)]
pub struct NewPerson {
    pub email: String,
    pub name: Option<String>,
    pub role: PersonRole,
}

/// The answer of a person to an invitation.
#[derive(Debug)]
pub struct Acceptance {
    pub link: InvitationLink,
    /// `None` to keep the name of the invitation.
    pub name: Option<String>,
    pub password: String,
}

/// Another password for a person who is signed in.
pub struct PasswordChange {
    pub user: UserId,
    /// The session that goes on.
    pub session: SessionId,
    /// The person's mail addresses.
    pub emails: Vec<String>,
    /// Whether a link has proved who the person is, so that the present password is not needed.
    pub may_set_password: bool,
    pub present: Option<String>,
    pub password: String,
}

impl Commands {
    /// The address of the page at which a person accepts an invitation; a path without `public_url`.
    pub fn page_of_invitation(&self, link: &InvitationLink) -> String {
        format!("{}/#join={link}", self.base_url())
    }

    /// The address of the page that signs in by a link; a path without `public_url`.
    pub fn page_of_sign_in(&self, link: &PersonLink) -> String {
        format!("{}/#sign-in={link}", self.base_url())
    }

    fn base_url(&self) -> &str {
        self.public_url.as_deref().unwrap_or_default().trim_end_matches('/')
    }

    /// Opens an account and invites its first owner. Returns the link of the invitation.
    pub async fn open_account(
        &self,
        account: AccountId,
        name: String,
        owner: NewPerson,
    ) -> Result<InvitationLink, PeopleError> {
        let (link, owner) = self.new_invitation(account, owner);
        let context = Context::of(account, Actor::system("command line"), self.clock.fresh_id());
        let open = OpenAccount { name, owner };
        self.accounts.execute(&StreamId::account(account), &open, &context).await?;
        Ok(link)
    }

    /// Invites a person. Returns the link, which is valid once.
    pub async fn invite(
        &self,
        by: PersonRole,
        person: NewPerson,
        context: &Context,
    ) -> Result<(InvitationLink, Outcome<Account>), PeopleError> {
        let (link, invitation) = self.new_invitation(context.account, person);
        let stream = StreamId::account(context.account);
        let outcome = self.accounts.execute(&stream, &Invite { by, invitation }, context).await?;
        Ok((link, outcome))
    }

    fn new_invitation(&self, account_id: AccountId, person: NewPerson) -> (InvitationLink, Invitation) {
        let NewPerson { email, name, role } = person;
        let (email, name) = (email.trim().to_owned(), name.map(|name| name.trim().to_owned()));
        let link = InvitationLink::new(account_id, UserId::of_email(&email), self.clock.fresh_key());
        let expires_at = self.clock.now() + self.invitations_last;
        let link_hash = link.hash();
        (link, Invitation { account_id, email, name, role, link_hash, expires_at })
    }

    /// The invitation of a link.
    ///
    /// # Errors
    ///
    /// It was used or withdrawn, or has expired.
    pub async fn invitation(&self, link: &InvitationLink) -> Result<ShownInvitation, PeopleError> {
        let account = self.accounts.current(&StreamId::account(link.account)).await?;
        let now = self.clock.now();
        let member = Join::invited(&account.state, link.user, &link.hash(), now);
        let member = member.map_err(CommandError::Rejected)?.clone();
        let person = self.person(link.user).await?;
        let has_password = person.state.password_hash().is_some();
        Ok(ShownInvitation { account_name: account.state.name().map(str::to_owned), member, has_password })
    }

    /// Accepts an invitation and signs the person in. A person who has a password gives that one; otherwise the password is
    /// set.
    pub async fn accept(
        &self,
        acceptance: Acceptance,
        browser: Browser,
        correlation_id: Uuid,
    ) -> Result<Begun, PeopleError> {
        let Acceptance { link, name, password } = acceptance;
        let invitation = self.invitation(&link).await?;
        let email = invitation.member.email;
        let name = name.map(|name| name.trim().to_owned()).or(invitation.member.name);
        let name = name.unwrap_or_else(|| email.clone());
        let (account_id, user_id) = (link.account, link.user);
        let proof = self.prove(user_id, &email, password).await?;
        let actor = Actor::user(user_id, Some(name.clone()));
        let own = Context::of(NO_ACCOUNT, actor.clone(), correlation_id);
        let accept = AcceptInvitation { user_id, account_id, proof };
        self.people.execute(&StreamId::person(user_id), &accept, &own).await?;
        // Only now is the link used: a person who is interrupted before opens it again and gives the password.
        let join = Join { account_id, user_id, link_hash: link.hash(), name: name.clone() };
        let context = Context::of(account_id, actor, correlation_id);
        self.accounts.execute(&StreamId::account(account_id), &join, &context).await?;
        let register = Register { account_id, user_id, name, email: Some(email) };
        self.agents.execute(&StreamId::agent(user_id), &register, &context).await?;
        self.begin_session(user_id, browser, &own).await
    }

    /// The password that the person has, or the first one.
    async fn prove(&self, user: UserId, email: &str, password: String) -> Result<Proof, PeopleError> {
        let person = self.person(user).await?;
        match person.state.password_hash() {
            Some(hash) => match self.fits(user, Some(hash), password).await? {
                true => Ok(Proof::Password(hash.clone())),
                false => Err(PeopleError::WrongPassword),
            },
            None => {
                passwords::check(&password, email)?;
                Ok(Proof::NewPassword(self.sealed_hash(user, password).await?))
            }
        }
    }

    /// Gives a person another role in the account. Their sessions in it end.
    pub async fn give_role(
        &self,
        by: PersonRole,
        user_id: UserId,
        role: PersonRole,
        context: &Context,
    ) -> Result<Outcome<Account>, PeopleError> {
        let give = GiveRole { by, account_id: context.account, user_id, role };
        Ok(self.accounts.execute(&StreamId::account(context.account), &give, context).await?)
    }

    /// Removes a person from the account, or withdraws their invitation. They are no agent of it any more.
    pub async fn remove_person(
        &self,
        by: PersonRole,
        user_id: UserId,
        context: &Context,
    ) -> Result<Outcome<Account>, PeopleError> {
        let account_id = context.account;
        let remove = RemovePerson { by, account_id, user_id };
        let outcome = self.accounts.execute(&StreamId::account(account_id), &remove, context).await?;
        let remove = Remove { account_id, user_id };
        let part = context.for_part("agent");
        match self.agents.execute(&StreamId::agent(user_id), &remove, &part).await {
            // A person who was only invited.
            Ok(_) | Err(CommandError::Rejected(agent::Rejection::NotRegistered)) => Ok(outcome),
            Err(error) => Err(error.into()),
        }
    }

    /// The people of an account, as its newest event has them.
    pub async fn account(&self, account: AccountId) -> Result<Arc<Versioned<Account>>, PeopleError> {
        Ok(self.accounts.current(&StreamId::account(account)).await?)
    }

    pub(crate) async fn person(&self, user: UserId) -> Result<Arc<Versioned<SignInState>>, PeopleError> {
        Ok(self.people.current(&StreamId::person(user)).await?)
    }

    /// Makes a link that signs a person in once, who has joined an account.
    pub async fn issue_sign_in_link(
        &self,
        user_id: UserId,
        lasts: Duration,
    ) -> Result<PersonLink, PeopleError> {
        if self.person(user_id).await?.state.accounts().next().is_none() {
            return Err(PeopleError::NoSuchPerson);
        }
        let link = PersonLink::new(user_id, self.clock.fresh_key());
        let expires_at = self.clock.now() + lasts;
        let issue = IssueSignInLink { user_id, link_hash: link.hash(), expires_at };
        let context = Context::of(NO_ACCOUNT, Actor::system("command line"), self.clock.fresh_id());
        self.people.execute(&StreamId::person(user_id), &issue, &context).await?;
        Ok(link)
    }

    /// Sets another password. All other sessions of the person end. The present password is not asked of a person who has
    /// none, or who signed in by a link.
    pub async fn set_password(&self, change: PasswordChange, context: &Context) -> Result<(), PeopleError> {
        let PasswordChange { user: user_id, session, emails, may_set_password, present, password } = change;
        let person = self.person(user_id).await?;
        let checked = match person.state.password_hash() {
            Some(hash) if !may_set_password => {
                let fits = self.fits(user_id, Some(hash), present.unwrap_or_default()).await?;
                fits.then(|| Some(hash.clone())).ok_or(PeopleError::WrongPassword)?
            }
            Some(_) | None => None,
        };
        emails.iter().try_for_each(|email| passwords::check(&password, email))?;
        let password_hash = self.sealed_hash(user_id, password).await?;
        let set = SetPassword { user_id, checked, password_hash, keep: session };
        self.people.execute(&StreamId::person(user_id), &set, context).await?;
        Ok(())
    }

    async fn sealed_hash(&self, user: UserId, password: String) -> Result<Secret, PeopleError> {
        let hash = self.passwords.hash(password, &self.clock).await?;
        Ok(self.credential_keys.seal_text(hash, &place(user), &self.clock))
    }

    /// Whether the password fits the hash. It takes the same time when there is none.
    async fn fits(&self, user: UserId, hash: Option<&Secret>, password: String) -> Result<bool, PeopleError> {
        let opened = hash.map(|hash| self.credential_keys.open_text(hash, &place(user))).transpose()?;
        self.passwords.fits(password, opened).await
    }
}

/// The place to which the sealed hash of a person's password is bound.
fn place(user: UserId) -> String {
    format!("person\n{user}\npassword")
}

impl KeyRing {
    /// The text sealed for this place, or as it is without a key.
    fn seal_text(&self, text: String, place: &str, clock: &event_schemas::Clock) -> Secret {
        Secret(self.seal(&text, place, clock.fresh_nonce()).unwrap_or(text))
    }

    fn open_text(&self, secret: &Secret, place: &str) -> Result<String, PeopleError> {
        match secret.is_sealed() {
            true => Ok(self.open(&secret.0, place)?),
            false => Ok(secret.0.clone()),
        }
    }
}

/// The id of a session, in the order of their beginnings.
fn fresh_session(clock: &event_schemas::Clock) -> SessionId {
    SessionId(clock.fresh_id())
}
