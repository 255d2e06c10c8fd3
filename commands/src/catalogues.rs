//! The catalogues, one for each kind of item and account.

use crate::Commands;
use crate::execute::{Aggregates, CommandError, Context, LoadError, Outcome, Versioned};
use domain::Decide;
use domain::catalogue::{Catalogue, CatalogueItem};
use event_schemas::catalogue::*;
use event_schemas::{AccountId, Clock, Position, StreamId};
use event_store::EventStore;
use std::sync::Arc;

/// The number of catalogues of each kind that are cached.
pub(crate) const CATALOGUES: usize = 1_024;

/// A kind of catalogue item of which the write side has the catalogues: every kind that is declared.
pub trait Catalogued: CatalogueItem {
    fn of_all_accounts(catalogues: &Catalogues) -> &Aggregates<Catalogue<Self>>;
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
    all: &'c Aggregates<Catalogue<T>>,
    stream: StreamId,
}

impl Commands {
    pub fn catalogue<T: Catalogued>(&self, account: AccountId) -> AccountCatalogue<'_, T> {
        AccountCatalogue {
            all: T::of_all_accounts(&self.catalogues),
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

    /// See [`Aggregates::execute`].
    pub async fn execute<C: Decide<Catalogue<T>>>(
        self,
        command: &C,
        context: &Context,
    ) -> Result<Outcome<Catalogue<T>>, CommandError<C::Rejection>> {
        self.all.execute(&self.stream, command, context).await
    }
}
