//! References between catalogue items: an item that others refer to stays, and an item refers only to others that
//! exist.

use super::catalogue::Request;
use crate::problem::{CommandProblem, in_use};
use commands::{Catalogued, Commands};
use event_schemas::catalogue::CatalogueKind;
use gate::{Caller, Problem};
use serde_json::json;
use uuid::Uuid;

/// Refuses to retire an item while others refer to it.
pub(super) async fn check_unused(
    commands: &Commands,
    caller: &Caller,
    kind: CatalogueKind,
    id: Uuid,
) -> Result<(), CommandProblem> {
    let referrers = commands.referrers(caller.account, kind, id).await?;
    if referrers.is_empty() {
        return Ok(());
    }
    let (mut named, mut shown) = (Vec::new(), Vec::new());
    for referrer in &referrers {
        // Only its creator sees a personal macro, and the name stays hidden from others.
        let name = (referrer.only_for.is_none_or(|user| user == caller.user)).then_some(&*referrer.name);
        named.push(match name {
            Some(name) => format!("{} '{name}'", referrer.one),
            None => format!("{} of another user", referrer.one),
        });
        shown.push(json!({
            "kind": referrer.kind.as_str(), "id": referrer.id, "name": name, "field": referrer.field,
        }));
    }
    let detail = format!("It is used by {}.", named.join(", "));
    Err(in_use(detail).with("referrers", shown).into())
}

/// Checks that the items that the request refers to exist. References that an item has from before are not
/// checked.
pub(super) async fn check_references<T: Catalogued>(
    item: &T,
    request: &Request<'_>,
) -> Result<(), CommandProblem> {
    for reference in item.references() {
        let member = reference.field.split(['.', '[']).next().unwrap_or_default();
        if !request.sets(member) {
            continue;
        }
        let (commands, account) = (request.commands, request.caller.account);
        if let Some(noun) = commands.missing(account, reference.kind, reference.id).await? {
            let detail = format!("This account has no such {noun}.");
            return Err(Problem::unprocessable(reference.field, detail).into());
        }
    }
    Ok(())
}
