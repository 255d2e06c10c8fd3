//! The secrets of channels, macros and rules are sealed when a command brings them, before an event is made: the log
//! and everything that is computed from it hold only sealed texts. They are opened where they are used: to check a
//! webhook, to send a message, to sign an outgoing webhook.
//!
//! A secret in plain text, which an earlier version stored or a process without a key, is used as it is, and sealed
//! with the next change of its item or by [`Commands::seal_stored`].

mod key_ring;

pub use key_ring::{BadKey, CredentialsKey, KeyRing, OpenError};

use crate::Commands;
use crate::execute::{CommandError, Context};
use domain::Decide;
use domain::catalogue::{Catalogue, CatalogueItem, Rejection};
use event_schemas::catalogue::*;
use event_schemas::upcast::name_today;
use event_schemas::{
    AccountId, Actor, CatalogueEvent, Clock, DecodeError, Events, Position, Recorded, Timestamp, stored_names,
};
use event_store::{Filter, ReadError};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A secret that cannot be opened. The item is useless until the key is back or the secret is entered anew; all other
/// items work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{field}` of the {noun} {id} cannot be opened: give this program the key that sealed it (`credentials_key`), or \
     enter the credential anew"
)]
pub struct Unopenable {
    /// The noun for the item: "channel".
    pub noun: &'static str,
    pub id: Uuid,
    /// The path of the field: `credentials.app_secret`.
    pub field: String,
    #[source]
    pub source: OpenError,
}

/// The place to which a sealed text is bound, so that it cannot be used in another account, item or field.
fn place<T: Item>(account: AccountId, id: T::Id, field: &str) -> String {
    format!("{account}\n{}\n{id}\n{field}", T::KIND)
}

impl KeyRing {
    /// The item with its secrets in plain text.
    fn opened<T: Item>(&self, account: AccountId, item: &T) -> Result<T, Unopenable> {
        let mut opened = item.clone();
        for (field, secret) in opened.secrets_mut() {
            if secret.is_sealed() {
                let text = self.open(&secret.0, &place::<T>(account, item.id(), &field));
                let unopenable = |source| Unopenable { noun: T::noun(), id: item.id().into(), field, source };
                secret.0 = text.map_err(unopenable)?;
            }
        }
        Ok(opened)
    }

    /// The item with every secret sealed that is in plain text. A secret that is the same as `before` keeps its sealed
    /// text, so that an unchanged item is equal to the one before.
    fn sealed<T: Item>(
        &self,
        account: AccountId,
        mut item: T,
        before: Option<&T>,
        clock: &Clock,
    ) -> Result<T, Rejection> {
        let id = item.id();
        let stored: BTreeMap<String, &Secret> =
            before.map(T::secrets).unwrap_or_default().into_iter().collect();
        for (field, secret) in item.secrets_mut() {
            let stored = stored.get(&field).copied();
            if secret.is_absent() || stored == Some(secret) && secret.is_sealed() {
                continue;
            }
            if secret.is_sealed() {
                let reason = format!("must not begin with `{}`", Secret::SEALED);
                return Err(Rejection::Invalid { field, reason });
            }
            let place = place::<T>(account, id, &field);
            let is_same = |stored: &&Secret| {
                self.is_newest(&stored.0) && self.open(&stored.0, &place).is_ok_and(|text| text == secret.0)
            };
            if let Some(stored) = stored.filter(is_same) {
                secret.clone_from(stored);
            } else if let Some(text) = self.seal(&secret.0, &place, clock.fresh_nonce()) {
                secret.0 = text;
            }
        }
        Ok(item)
    }

    /// Whether the item has a secret that this process should seal: one in plain text, or one of a former key.
    fn should_seal<T: Item>(&self, account: AccountId, item: &T) -> bool {
        !self.is_empty()
            && item.secrets().into_iter().any(|(field, secret)| match secret.is_sealed() {
                true => {
                    !self.is_newest(&secret.0)
                        && self.open(&secret.0, &place::<T>(account, item.id(), &field)).is_ok()
                }
                false => !secret.is_absent(),
            })
    }

    /// An event of another log as it is stored in this one. `None` when it stays as it is.
    pub fn imported(&self, event: &Recorded, clock: &Clock) -> Result<Option<Recorded>, DecodeError> {
        if self.is_empty() || !DEFINITIONS.contains(&name_today(&event.event_type)) {
            return Ok(None);
        }
        let decoded = CatalogueEvent::of(event)?;
        let account = event.metadata.account_id;
        let sealed = self.resealed_of_any_kind(account, &decoded, clock);
        Ok(sealed.map(|sealed| Recorded {
            event_type: sealed.event_type().into(),
            schema_version: sealed.schema_version(),
            data: sealed.encode(),
            ..event.clone()
        }))
    }

    fn resealed<T: Item>(
        &self,
        account: AccountId,
        event: &CatalogueEvent,
        clock: &Clock,
    ) -> Option<CatalogueEvent> {
        let Some(Change::Defined(item)) = T::change_in(event) else { return None };
        if !self.should_seal(account, item) {
            return None;
        }
        let plain = self.opened_where_possible(account, item);
        Some(self.sealed(account, plain, Some(item), clock).ok()?.defined())
    }

    /// The item with those secrets in plain text that can be opened.
    fn opened_where_possible<T: Item>(&self, account: AccountId, item: &T) -> T {
        let mut opened = item.clone();
        for (field, secret) in opened.secrets_mut() {
            if let Ok(text) = self.open(&secret.0, &place::<T>(account, item.id(), &field)) {
                secret.0 = text;
            }
        }
        opened
    }
}

/// The number of events that are read at once.
const PAGE: usize = 1_000;
/// How long to wait until a secret that could not be opened is tried again.
pub const RETRY: Duration = Duration::from_secs(10);
/// How long a secret that could not be opened is not named again in the log.
const REPORT_PAUSE: Duration = Duration::from_secs(60);

/// A command whose events have sealed secrets.
pub(crate) struct Sealing<'c, C> {
    pub command: &'c C,
    pub account: AccountId,
    pub keys: &'c KeyRing,
    pub clock: &'c Clock,
}

impl<T, C> Decide<Catalogue<T>> for Sealing<'_, C>
where
    T: CatalogueItem,
    C: Decide<Catalogue<T>, Rejection = Rejection>,
{
    type Rejection = Rejection;

    fn decide(&self, state: &Catalogue<T>, now: Timestamp) -> Result<Vec<CatalogueEvent>, Rejection> {
        let mut sealed = Vec::new();
        for event in self.command.decide(state, now)? {
            match T::change_in(&event) {
                Some(Change::Defined(item)) => {
                    let before = state.get(item.id());
                    let item = self.keys.sealed(self.account, item.clone(), before, self.clock)?;
                    if before != Some(&item) {
                        sealed.push(item.defined());
                    }
                }
                Some(Change::Retired(_)) | None => sealed.push(event),
            }
        }
        Ok(sealed)
    }
}

/// Defines an item anew with its secrets sealed by the newest key. Changes nothing when they are.
struct SealItem<'k, T: Item> {
    id: T::Id,
    account: AccountId,
    keys: &'k KeyRing,
}

impl<T: CatalogueItem> Decide<Catalogue<T>> for SealItem<'_, T> {
    type Rejection = Rejection;

    fn decide(&self, state: &Catalogue<T>, _: Timestamp) -> Result<Vec<CatalogueEvent>, Rejection> {
        let item = state.get(self.id).filter(|item| self.keys.should_seal(self.account, *item));
        Ok(item
            .map(|item| self.keys.opened_where_possible(self.account, item).defined())
            .into_iter()
            .collect())
    }
}

/// Why the stored secrets could not all be sealed. What was sealed before stays sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealStoredError {
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    #[error("an item cannot be defined anew")]
    Command(#[from] CommandError<Rejection>),
}

impl Commands {
    /// The item with its secrets in plain text, to use them. It must not be stored.
    pub fn opened<T: Item>(&self, account: AccountId, item: &T) -> Result<T, Unopenable> {
        self.credential_keys.opened(account, item)
    }

    /// As [`opened`](Self::opened), for work that waits until it succeeds. A secret that cannot be opened is counted,
    /// and it is an error in the log, at most once a minute for each item: strangers and waiting messages ask often.
    pub fn opened_for_use<T: Item>(&self, account: AccountId, item: &T) -> Result<T, Unopenable> {
        self.opened(account, item).inspect_err(|unopenable| {
            metrics::counter!("verbatim_unopenable_credentials_total", "catalogue" => T::KIND.as_str())
                .increment(1);
            let reported = self.unopenable_reported.get(&unopenable.id);
            if reported.is_none_or(|at| at.elapsed() >= REPORT_PAUSE) {
                self.unopenable_reported.insert(unopenable.id, Instant::now());
                tracing::error!(error = unopenable as &dyn Error, "credentials cannot be opened");
            }
        })
    }

    /// Seals what is stored in plain text or was sealed with a former key: each such item of every account is defined
    /// anew. Events that are in the log already stay as they are. Returns the number of items that were defined anew.
    pub async fn seal_stored(&self) -> Result<usize, SealStoredError> {
        let mut sealed = 0;
        for account in self.accounts_with_items().await? {
            sealed += self.seal_catalogues(account).await?;
        }
        Ok(sealed)
    }

    async fn seal_catalogue<T: crate::Catalogued>(
        &self,
        account: AccountId,
    ) -> Result<usize, CommandError<Rejection>> {
        let catalogue = self.catalogue::<T>(account).current().await?;
        let mut sealed = 0;
        for item in catalogue.state.iter().filter(|item| self.credential_keys.should_seal(account, *item)) {
            let command = SealItem::<T> { id: item.id(), account, keys: &self.credential_keys };
            let context = Context::of(account, Actor::system("credentials"), self.clock.fresh_id());
            let outcome = self.catalogue::<T>(account).execute(&command, &context).await?;
            sealed += usize::from(outcome.wrote);
        }
        Ok(sealed)
    }

    async fn accounts_with_items(&self) -> Result<BTreeSet<AccountId>, ReadError> {
        let filter = Filter { event_types: stored_names(DEFINITIONS), ..Filter::all() };
        let (mut accounts, mut after): (_, Option<Position>) = (BTreeSet::new(), None);
        loop {
            let page = self.store.read_all(after, &filter, PAGE).await?;
            accounts.extend(page.events.iter().map(|event| event.metadata.account_id));
            after = page.through.or(after);
            if page.at_end {
                return Ok(accounts);
            }
        }
    }
}

macro_rules! of_every_kind {
    ($($Item:ident)+) => {
        /// The events that define items.
        const DEFINITIONS: &[&str] = &[$($Item::DEFINED),+];

        impl KeyRing {
            fn resealed_of_any_kind(
                &self,
                account: AccountId,
                event: &CatalogueEvent,
                clock: &Clock,
            ) -> Option<CatalogueEvent> {
                None$(.or_else(|| self.resealed::<$Item>(account, event, clock)))+
            }
        }

        impl Commands {
            async fn seal_catalogues(&self, account: AccountId) -> Result<usize, CommandError<Rejection>> {
                let mut sealed = 0;
                $(sealed += self.seal_catalogue::<$Item>(account).await?;)+
                Ok(sealed)
            }
        }
    };
}
event_schemas::catalogue_items!(of_every_kind);

#[cfg(test)]
mod tests;
