//! The sessions of people and the API keys of programs, for the authentication of both APIs and of the pushes.

use crate::problem::CommandProblem;
use commands::Commands;
use commands::api_keys::ApiKeyToken;
use commands::people::{Membership, PersonLink, SignedIn};
use domain::account;
use event_schemas::account::{ApiKeyRole, PersonRole};
use event_schemas::{AccountId, ApiKeyId};
use futures::future::BoxFuture;
use gate::auth::{self, ApiKey, Session};
use gate::{Permissions, Problem, Role};
use std::sync::Arc;

/// Finds sessions and API keys by the write side's state.
pub struct Credentials(pub Arc<Commands>);

impl auth::Credentials for Credentials {
    fn session<'s>(&'s self, token: &'s str) -> BoxFuture<'s, Result<Option<Session>, Problem>> {
        Box::pin(async move {
            let Ok(token) = token.parse::<PersonLink>() else { return Ok(None) };
            let found = self.0.session(&token).await.map_err(CommandProblem::from)?;
            Ok(found.map(session))
        })
    }

    fn api_key<'s>(&'s self, text: &'s str) -> BoxFuture<'s, Result<Option<ApiKey>, Problem>> {
        Box::pin(async move {
            let Ok(token) = text.parse::<ApiKeyToken>() else { return Ok(None) };
            let found = self.0.api_key(&token).await.map_err(CommandProblem::from)?;
            Ok(found.map(|key| api_key(&token, key)))
        })
    }

    fn still_has(&self, account: AccountId, key: ApiKeyId) -> BoxFuture<'_, Result<bool, Problem>> {
        Box::pin(async move { Ok(self.0.has_api_key(account, key).await.map_err(CommandProblem::from)?) })
    }
}

/// The session as the gate knows it.
pub(crate) fn session(signed_in: SignedIn) -> Session {
    Session {
        id: signed_in.session,
        user: signed_in.user,
        memberships: signed_in.memberships.into_iter().map(membership).collect(),
        expires_at: signed_in.expires_at,
        may_set_password: signed_in.may_set_password,
    }
}

fn membership(of: Membership) -> auth::Membership {
    let Membership { account, account_name, role, name, email } = of;
    auth::Membership { account, account_name, role: role_of(role), name, email }
}

/// The role of a person as a caller's.
pub(crate) fn role_of(role: PersonRole) -> Role {
    match role {
        PersonRole::Agent => Role::Agent,
        PersonRole::Supervisor => Role::Supervisor,
        PersonRole::Administrator => Role::Administrator,
        PersonRole::Owner => Role::Owner,
    }
}

fn api_key(token: &ApiKeyToken, key: account::ApiKey) -> ApiKey {
    let account::ApiKey { name, role, permissions, expires_at, .. } = key;
    let role = match role {
        ApiKeyRole::Service => Role::Service,
        ApiKeyRole::Agent => Role::Agent,
        ApiKeyRole::Supervisor => Role::Supervisor,
        ApiKeyRole::Administrator => Role::Administrator,
    };
    let permissions = permissions.as_deref().map(Permissions::of);
    ApiKey { id: token.id, account: token.account, name, role, permissions, expires_at }
}
