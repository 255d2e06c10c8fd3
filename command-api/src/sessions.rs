//! The sessions of people, for the authentication of both APIs and of the pushes.

use crate::problem::CommandProblem;
use commands::Commands;
use commands::people::{Membership, PersonLink, SignedIn};
use event_schemas::account::PersonRole;
use futures::future::BoxFuture;
use gate::auth::{self, Session};
use gate::{Problem, Role};
use std::sync::Arc;

/// Finds sessions by the write side's state.
pub struct Sessions(pub Arc<Commands>);

impl auth::Sessions for Sessions {
    fn find<'s>(&'s self, token: &'s str) -> BoxFuture<'s, Result<Option<Session>, Problem>> {
        Box::pin(async move {
            let Ok(token) = token.parse::<PersonLink>() else { return Ok(None) };
            let found = self.0.session(&token).await.map_err(CommandProblem::from)?;
            Ok(found.map(session))
        })
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
