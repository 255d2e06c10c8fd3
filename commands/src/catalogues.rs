//! The catalogues, one for each kind of item and account.

use crate::Commands;
use crate::credentials::Sealing;
use crate::execute::{Aggregates, CommandError, Context, LoadError, Outcome, Versioned};
use domain::Decide;
use domain::catalogue::{Catalogue, CatalogueItem, Rejection};
use event_schemas::catalogue::*;
use event_schemas::{AccountId, Clock, Position, StreamId, UserId};
use event_store::EventStore;
use std::sync::Arc;
use uuid::Uuid;

/// The number of catalogues of each kind that are cached.
pub(crate) const CATALOGUES: usize = 1_024;

/// A kind of catalogue item of which the write side has the catalogues: every kind that is declared.
pub trait Catalogued: CatalogueItem {
    fn of_all_accounts(catalogues: &Catalogues) -> &Aggregates<Catalogue<Self>>;
}

/// An item that refers to another one.
#[derive(Clone, Debug)]
pub struct Referrer {
    pub kind: CatalogueKind,
    pub id: Uuid,
    pub name: String,
    /// The noun for one item of its kind, with its article: "a queue".
    pub one: &'static str,
    /// The path of the field.
    pub field: String,
    /// The only user who sees the item. `None` when every agent does.
    pub only_for: Option<UserId>,
}

impl Referrer {
    fn of<T: CatalogueItem>(item: &T, kind: CatalogueKind, id: Uuid) -> Option<Self> {
        let reference = item.references().into_iter().find(|to| to.kind == kind && to.id == id)?;
        Some(Self {
            kind: T::KIND,
            id: item.id().into(),
            name: item.name().1.to_owned(),
            one: T::ONE,
            field: reference.field,
            only_for: item.only_for(),
        })
    }
}

macro_rules! catalogues {
    ($($Item:ident)+) => {
        /// The catalogues of every kind, each under the name of its item.
        #[allow(non_snake_case)]
        pub struct Catalogues {
            $($Item: Aggregates<Catalogue<$Item>>),+
        }

        impl Catalogues {
            pub(crate) fn new(store: &Arc<dyn EventStore>, clock: &Clock) -> Self {
                Self { $($Item: Aggregates::new(Arc::clone(store), clock.clone(), CATALOGUES)),+ }
            }
        }

        impl Commands {
            /// The items of the account that refer to this one, each with the first field that does.
            pub async fn referrers(
                &self,
                account: AccountId,
                kind: CatalogueKind,
                id: Uuid,
            ) -> Result<Vec<Referrer>, LoadError> {
                let mut referrers = Vec::new();
                $(
                    let catalogue = self.catalogue::<$Item>(account).current().await?;
                    referrers.extend(catalogue.state.iter().filter_map(|item| Referrer::of(item, kind, id)));
                )+
                Ok(referrers)
            }

            /// The noun for an item that the account does not have. `None` when it has the item.
            pub async fn missing(
                &self,
                account: AccountId,
                kind: CatalogueKind,
                id: Uuid,
            ) -> Result<Option<&'static str>, LoadError> {
                $(
                    if kind == <$Item as Item>::KIND {
                        let catalogue = self.catalogue::<$Item>(account).current().await?;
                        let is_missing = catalogue.state.get(id.into()).is_none();
                        return Ok(is_missing.then(<$Item as Item>::noun));
                    }
                )+
                Ok(None)
            }
        }

        $(impl Catalogued for $Item {
            fn of_all_accounts(catalogues: &Catalogues) -> &Aggregates<Catalogue<Self>> {
                &catalogues.$Item
            }
        })+
    };
}
event_schemas::catalogue_items!(catalogues);

/// An account's catalogue of one kind.
pub struct AccountCatalogue<'c, T: CatalogueItem> {
    commands: &'c Commands,
    all: &'c Aggregates<Catalogue<T>>,
    account: AccountId,
    stream: StreamId,
}

impl Commands {
    pub fn catalogue<T: Catalogued>(&self, account: AccountId) -> AccountCatalogue<'_, T> {
        AccountCatalogue {
            commands: self,
            all: T::of_all_accounts(&self.catalogues),
            account,
            stream: StreamId::catalogue(T::KIND, account),
        }
    }
}

impl<T: Catalogued> AccountCatalogue<'_, T> {
    /// See [`Aggregates::cached`].
    pub async fn cached(self) -> Result<Arc<Versioned<Catalogue<T>>>, LoadError> {
        self.all.cached(&self.stream).await
    }

    /// See [`Aggregates::recent`].
    pub async fn recent(self) -> Result<Arc<Versioned<Catalogue<T>>>, LoadError> {
        self.all.recent(&self.stream).await
    }

    /// See [`Aggregates::find_recent`].
    pub async fn find_recent<R>(
        self,
        find: impl Fn(&Catalogue<T>) -> Option<R>,
    ) -> Result<Option<R>, LoadError> {
        self.all.find_recent(&self.stream, find).await
    }

    /// See [`Aggregates::current`].
    pub async fn current(self) -> Result<Arc<Versioned<Catalogue<T>>>, LoadError> {
        self.all.current(&self.stream).await
    }

    /// See [`Aggregates::before`].
    pub async fn before(self, position: Position) -> Result<Versioned<Catalogue<T>>, LoadError> {
        self.all.before(&self.stream, position).await
    }

    /// See [`Aggregates::answered_before`].
    pub async fn answered_before<R: std::error::Error + 'static>(
        self,
        context: &Context,
    ) -> Result<Option<Outcome<Catalogue<T>>>, CommandError<R>> {
        self.all.answered_before(&self.stream, context).await
    }

    /// See [`Aggregates::execute`]. The secrets of items are sealed before an event is made.
    pub async fn execute(
        self,
        command: &impl Decide<Catalogue<T>, Rejection = Rejection>,
        context: &Context,
    ) -> Result<Outcome<Catalogue<T>>, CommandError<Rejection>> {
        let Commands { credential_keys: keys, clock, .. } = self.commands;
        let sealing = Sealing { command, account: self.account, keys, clock };
        self.all.execute(&self.stream, &sealing, context).await
    }
}
