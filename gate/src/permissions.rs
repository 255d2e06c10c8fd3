//! The permissions of a caller who may not do all that the role may, each to read or to change one part of an account.

use crate::problem::Problem;
use axum::http::Method;
use axum::http::request::Parts;
use event_schemas::account::Permission;
use std::sync::Arc;

/// The permissions of a caller. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions(Arc<[Permission]>);

impl Permissions {
    pub fn of(permissions: &[Permission]) -> Self {
        Self(permissions.into())
    }

    /// # Errors
    ///
    /// 403 with the first permission that is missing.
    pub fn must_include(&self, required: &[Permission]) -> Result<(), Problem> {
        match required.iter().find(|required| !self.0.contains(required)) {
            Some(missing) => Err(Problem::forbidden(format!(
                "This request needs the permission `{missing}`, which the API key does not have."
            ))
            .with("permission", missing.as_str())),
            None => Ok(()),
        }
    }

    /// Refuses the request when its route needs another permission.
    pub(crate) fn must_allow(&self, parts: &Parts) -> Result<(), Problem> {
        match required(&parts.method, parts.uri.path()) {
            Some(permission) => self.must_include(&[permission]),
            // Without a permission of its own a route is for callers who are not limited.
            None => self.must_include(Permission::ALL),
        }
    }
}

/// The permission that a request needs. `None` when its path is of no part that has one.
pub fn required(method: &Method, path: &str) -> Option<Permission> {
    use Permission as P;
    let mut segments = path.trim_start_matches('/').split('/');
    let (version, part) = (segments.next()?, segments.next()?);
    let (read, write) = match (version, part) {
        // Reading without a change, although the request has a body.
        ("v1", "bot-rules") if path.ends_with("/dry-run") => (P::SettingsRead, P::SettingsRead),
        ("v1", "events" | "webhook-rejections") => (P::EventsRead, P::EventsRead),
        ("v1", "conversations" | "search" | "queue" | "sla-timers" | "bulk-actions") | ("api", _) => {
            (P::ConversationsRead, P::ConversationsWrite)
        }
        ("v1", "contacts" | "contact-identifiers") => (P::ContactsRead, P::ContactsWrite),
        ("v1", "agents" | "agent-preferences") => (P::AgentsRead, P::AgentsWrite),
        ("v1", "people" | "api-keys" | "audit" | "account") => (P::PeopleRead, P::PeopleWrite),
        ("v1", "customer-sessions" | "webhooks") => (P::CustomersWrite, P::CustomersWrite),
        (
            "v1",
            "automation-rules" | "bot-rules" | "bot-settings" | "calendars" | "canned-responses" | "channels"
            | "handoff-rules" | "macros" | "queues" | "saved-views" | "sla-policies" | "teams" | "views",
        ) => (P::SettingsRead, P::SettingsWrite),
        _ => return None,
    };
    Some(if method.is_safe() { read } else { write })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_needs_the_permission_of_its_part() {
        for (method, path, permission) in [
            (Method::GET, "/v1/conversations", Some(Permission::ConversationsRead)),
            (Method::HEAD, "/v1/conversations/1/messages", Some(Permission::ConversationsRead)),
            (Method::POST, "/v1/conversations/1/messages", Some(Permission::ConversationsWrite)),
            (Method::POST, "/api/v1/messages", Some(Permission::ConversationsWrite)),
            (Method::POST, "/v1/events/tokens", Some(Permission::EventsRead)),
            (Method::POST, "/v1/bot-rules/dry-run", Some(Permission::SettingsRead)),
            (Method::POST, "/v1/bot-rules", Some(Permission::SettingsWrite)),
            (Method::DELETE, "/v1/api-keys/1", Some(Permission::PeopleWrite)),
            (Method::GET, "/v1/sessions", None),
            (Method::GET, "/v2/conversations", None),
            (Method::GET, "/v1", None),
        ] {
            assert_eq!(required(&method, path), permission, "{method} {path}");
        }
    }

    #[test]
    fn a_route_without_a_permission_is_for_callers_who_are_not_limited() {
        let parts = |path: &str| axum::http::Request::get(path).body(()).unwrap().into_parts().0;
        let all = Permissions::of(Permission::ALL);
        assert!(all.must_allow(&parts("/v1/unknown")).is_ok());
        let some = Permissions::of(&Permission::ALL[1..]);
        assert_eq!(some.must_allow(&parts("/v1/unknown")).unwrap_err().status(), 403);
        assert!(some.must_allow(&parts("/v1/teams")).is_ok());
        assert!(some.must_allow(&parts("/v1/conversations")).is_err());
    }
}
