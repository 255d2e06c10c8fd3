//! The accounts: who works in each, and with which role.
//!
//! All people of an account are in its one stream, so that it is decided there that an owner remains.

mod api_keys;
#[cfg(test)]
mod tests;

pub use api_keys::{ApiKey, ApiKeyUse, CreateApiKey, RevokeApiKey, UseApiKey};

use crate::aggregate::{Decide, Evolve};
use event_schemas::account::{
    AccountOpened, PersonInvited, PersonJoined, PersonRemoved, PersonRole, RoleGiven,
};
use event_schemas::catalogue::Secret;
use event_schemas::{AccountEvent, AccountId, ApiKeyId, Timestamp, UserId};
use std::collections::BTreeMap;

const LONGEST_NAME: usize = 200;
/// The longest mail address (RFC 5321, section 4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;
/// The most people of an account.
const MOST_PEOPLE: usize = 10_000;

/// An account, and its people.
#[derive(Clone, Debug, Default)]
pub struct Account {
    name: Option<String>,
    people: BTreeMap<UserId, Member>,
    api_keys: BTreeMap<ApiKeyId, ApiKey>,
}

/// A person of an account.
#[derive(Clone, Debug)]
pub struct Member {
    pub email: String,
    pub name: Option<String>,
    pub role: PersonRole,
    pub standing: Standing,
}

/// Whether a person works in the account already.
#[derive(Clone, Debug)]
pub enum Standing {
    Invited {
        link_hash: Secret,
        expires_at: Timestamp,
    },
    /// Sessions that began before `since` have ended: since then the person has the role.
    Joined {
        at: Timestamp,
        since: Timestamp,
    },
}

impl Account {
    /// `None` when the account was never opened: its people come with tokens from outside.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
    /// The people who were invited and those who have joined.
    pub fn people(&self) -> impl Iterator<Item = (UserId, &Member)> {
        self.people.iter().map(|(user, member)| (*user, member))
    }
    pub fn person(&self, user: UserId) -> Option<&Member> {
        self.people.get(&user)
    }
    /// The person, when a session of them that began at this time is valid in the account.
    pub fn admits(&self, user: UserId, began_at: Timestamp) -> Option<&Member> {
        let member = self.people.get(&user)?;
        match member.standing {
            Standing::Joined { since, .. } if since <= began_at => Some(member),
            Standing::Joined { .. } | Standing::Invited { .. } => None,
        }
    }

    /// The number of owners who have joined, but for this person.
    fn other_owners(&self, user: UserId) -> usize {
        let others = self.people.iter().filter(|(other, _)| **other != user);
        others.filter(|(_, member)| member.is_owner()).count()
    }
    /// Whether anyone owns the account, or is invited to.
    fn has_owner(&self) -> bool {
        self.people.values().any(|member| member.role == PersonRole::Owner)
    }

    fn known(&self, user: UserId) -> Result<&Member, Rejection> {
        self.people.get(&user).ok_or(Rejection::NoSuchPerson)
    }

    /// Refuses a change of owners by others than owners. The first owner of an account can be made by an administrator.
    fn may_change(&self, by: PersonRole, roles: &[PersonRole]) -> Result<(), Rejection> {
        let is_about_owner = roles.contains(&PersonRole::Owner);
        match is_about_owner && by != PersonRole::Owner && self.has_owner() {
            true => Err(Rejection::OwnersOnly),
            false => Ok(()),
        }
    }

    /// Refuses that the last owner goes or gets another role.
    fn must_keep_owner(&self, user: UserId, member: &Member) -> Result<(), Rejection> {
        match member.is_owner() && self.other_owners(user) == 0 {
            true => Err(Rejection::LastOwner),
            false => Ok(()),
        }
    }
}

impl Member {
    fn is_owner(&self) -> bool {
        self.role == PersonRole::Owner && matches!(self.standing, Standing::Joined { .. })
    }
}

impl Evolve for Account {
    type Event = AccountEvent;

    fn evolve(&mut self, event: &AccountEvent, at: Timestamp) {
        match event {
            AccountEvent::AccountOpened(opened) => self.name = Some(opened.name.clone()),
            AccountEvent::PersonInvited(invited) => {
                let member = Member {
                    email: invited.email.clone(),
                    name: invited.name.clone(),
                    role: invited.role,
                    standing: Standing::Invited {
                        link_hash: invited.link_hash.clone(),
                        expires_at: invited.expires_at,
                    },
                };
                self.people.insert(invited.user_id, member);
            }
            AccountEvent::PersonJoined(joined) => {
                if let Some(member) = self.people.get_mut(&joined.user_id) {
                    member.name = Some(joined.name.clone());
                    member.standing = Standing::Joined { at, since: at };
                }
            }
            AccountEvent::RoleGiven(given) => {
                if let Some(member) = self.people.get_mut(&given.user_id) {
                    member.role = given.role;
                    if let Standing::Joined { since, .. } = &mut member.standing {
                        *since = at;
                    }
                }
            }
            AccountEvent::PersonRemoved(removed) => {
                self.people.remove(&removed.user_id);
            }
            AccountEvent::ApiKeyCreated(created) => {
                self.api_keys.insert(created.api_key_id, ApiKey::created(created, at));
            }
            AccountEvent::ApiKeyRevoked(revoked) => {
                self.api_keys.remove(&revoked.api_key_id);
            }
        }
    }
}

/// Why a command to an account was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the account was opened already")]
    AlreadyOpened,
    #[error("this account knows no such person")]
    NoSuchPerson,
    #[error("this person works in the account already")]
    AlreadyJoined,
    #[error("only an owner may change who owns the account")]
    OwnersOnly,
    #[error("this is the last owner of the account: make another person an owner first")]
    LastOwner,
    #[error("the link was used already, or withdrawn")]
    LinkUsed,
    #[error("the link has expired: ask for another one")]
    LinkExpired,
    #[error("an account has at most {MOST_PEOPLE} people")]
    TooManyPeople,
    #[error("this account has no such API key")]
    NoSuchApiKey,
    #[error("an account has at most {} API keys: revoke one first", api_keys::MOST_KEYS)]
    TooManyApiKeys,
    #[error("{field}: {reason}")]
    Invalid { field: &'static str, reason: String },
}

fn check_name(field: &'static str, name: &str) -> Result<(), Rejection> {
    let length = name.trim().chars().count();
    let is_right = (1..=LONGEST_NAME).contains(&length) && !name.chars().any(char::is_control);
    let reason = || format!("has between 1 and {LONGEST_NAME} characters, in one line");
    is_right.then_some(()).ok_or_else(|| Rejection::Invalid { field, reason: reason() })
}

/// Only that it can be one: whether it is, the person shows by opening the link.
fn check_email(email: &str) -> Result<(), Rejection> {
    let parts = email.rsplit_once('@').filter(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.starts_with('.') && !domain.ends_with('.')
    });
    let has_spaces = email.chars().any(|c| c.is_whitespace() || c.is_control());
    match parts.is_some() && !has_spaces && email.len() <= LONGEST_EMAIL {
        true => Ok(()),
        false => Err(Rejection::Invalid { field: "email", reason: "this is not a mail address".to_owned() }),
    }
}

/// An invitation of a person.
#[derive(Clone, Debug)]
pub struct Invitation {
    pub account_id: AccountId,
    pub email: String,
    pub name: Option<String>,
    pub role: PersonRole,
    pub link_hash: Secret,
    pub expires_at: Timestamp,
}

impl Invitation {
    fn check(&self) -> Result<(), Rejection> {
        check_email(&self.email)?;
        self.name.as_ref().map_or(Ok(()), |name| check_name("name", name))
    }

    pub fn user_id(&self) -> UserId {
        UserId::of_email(&self.email)
    }

    fn event(&self) -> AccountEvent {
        let Self { account_id, email, name, role, link_hash, expires_at } = self.clone();
        let user_id = self.user_id();
        PersonInvited { account_id, user_id, email, name, role, link_hash, expires_at }.into()
    }
}

/// Opens an account, and invites its first owner.
#[derive(Clone, Debug)]
pub struct OpenAccount {
    pub name: String,
    pub owner: Invitation,
}

impl Decide<Account> for OpenAccount {
    type Rejection = Rejection;

    fn decide(&self, state: &Account, _: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        if state.name.is_some() {
            return Err(Rejection::AlreadyOpened);
        }
        check_name("name", &self.name)?;
        self.owner.check()?;
        if state.person(self.owner.user_id()).is_some_and(|person| person.is_joined()) {
            return Err(Rejection::AlreadyJoined);
        }
        let opened = AccountOpened { account_id: self.owner.account_id, name: self.name.clone() };
        Ok(vec![opened.into(), self.owner.event()])
    }
}

impl Member {
    pub fn is_joined(&self) -> bool {
        matches!(self.standing, Standing::Joined { .. })
    }
}

/// Invites a person to the account, or gives an invited person another link and role.
#[derive(Clone, Debug)]
pub struct Invite {
    /// The role of the person who invites.
    pub by: PersonRole,
    pub invitation: Invitation,
}

impl Decide<Account> for Invite {
    type Rejection = Rejection;

    fn decide(&self, state: &Account, _: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        self.invitation.check()?;
        let known = state.person(self.invitation.user_id());
        if known.is_some_and(Member::is_joined) {
            return Err(Rejection::AlreadyJoined);
        }
        if known.is_none() && state.people.len() >= MOST_PEOPLE {
            return Err(Rejection::TooManyPeople);
        }
        let before = known.map_or(self.invitation.role, |member| member.role);
        state.may_change(self.by, &[before, self.invitation.role])?;
        Ok(vec![self.invitation.event()])
    }
}

/// Accepts an invitation by the secret of its link.
#[derive(Clone, Debug)]
pub struct Join {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub link_hash: Secret,
    pub name: String,
}

impl Join {
    /// The invitation of this link.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub fn invited<'a>(
        account: &'a Account,
        user: UserId,
        hash: &Secret,
        now: Timestamp,
    ) -> Result<&'a Member, Rejection> {
        let member = account.person(user).ok_or(Rejection::LinkUsed)?;
        match &member.standing {
            Standing::Invited { link_hash, expires_at } if link_hash == hash => match *expires_at > now {
                true => Ok(member),
                false => Err(Rejection::LinkExpired),
            },
            Standing::Invited { .. } | Standing::Joined { .. } => Err(Rejection::LinkUsed),
        }
    }
}

impl Decide<Account> for Join {
    type Rejection = Rejection;

    fn decide(&self, state: &Account, now: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        Self::invited(state, self.user_id, &self.link_hash, now)?;
        check_name("name", &self.name)?;
        let Self { account_id, user_id, name, .. } = self.clone();
        Ok(vec![PersonJoined { account_id, user_id, name }.into()])
    }
}

/// Gives a person another role.
#[derive(Clone, Copy, Debug)]
pub struct GiveRole {
    /// The role of the person who gives it.
    pub by: PersonRole,
    pub account_id: AccountId,
    pub user_id: UserId,
    pub role: PersonRole,
}

impl Decide<Account> for GiveRole {
    type Rejection = Rejection;

    fn decide(&self, state: &Account, _: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        let member = state.known(self.user_id)?;
        if member.role == self.role {
            return Ok(Vec::new());
        }
        state.may_change(self.by, &[member.role, self.role])?;
        state.must_keep_owner(self.user_id, member)?;
        let Self { account_id, user_id, role, .. } = *self;
        Ok(vec![RoleGiven { account_id, user_id, role }.into()])
    }
}

/// Removes a person from the account, or withdraws their invitation.
#[derive(Clone, Copy, Debug)]
pub struct RemovePerson {
    /// The role of the person who removes them.
    pub by: PersonRole,
    pub account_id: AccountId,
    pub user_id: UserId,
}

impl Decide<Account> for RemovePerson {
    type Rejection = Rejection;

    fn decide(&self, state: &Account, _: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        let member = state.known(self.user_id)?;
        state.may_change(self.by, &[member.role])?;
        state.must_keep_owner(self.user_id, member)?;
        Ok(vec![PersonRemoved { account_id: self.account_id, user_id: self.user_id }.into()])
    }
}
