//! The interface of a read model, and the registry that fills all of them.

use follower::db::{DbError, Tx};
use follower::runner::DecodedEvent;
use follower::table::{Row, Rows, Shape};
use std::future::Future;
use std::sync::Arc;

/// A table whose rows are each derived from single events. A row type with this trait and one line in the registry
/// make a read model: the registry loads, applies and writes the rows, and compares generations.
pub trait ReadModel: Row {
    /// The number of rows that stay in memory from one page to the next.
    const CACHED: usize;
    /// The rows that must be in memory before the event is applied. The rows of a whole page are loaded
    /// together.
    fn keys(event: &DecodedEvent) -> impl IntoIterator<Item = Self::Key>;
    /// Applies the event to the rows. A row that [`ReadModel::keys`] does not name can be added or
    /// replaced, but not read.
    fn apply(rows: &mut Rows<Self>, event: &DecodedEvent);
}

/// Tables that are written in one transaction with the page that changed them.
pub trait TableSet {
    fn shapes() -> Vec<Shape>;
    /// Writes the rows that the page changed.
    fn write(&mut self, tx: &mut Tx) -> impl Future<Output = Result<(), DbError>> + Send;
    /// The transaction is committed: the rows in memory equal the rows in the tables.
    fn committed(&mut self);
    /// The transaction failed, or another process wrote: the rows in memory are dropped.
    fn reset(&mut self);
}

/// An entry of the registry: a [`ReadModel`]'s rows, or tables that share the work on each event.
pub trait Fold: TableSet {
    /// With a cache for about this many conversations. Tables without conversations have a limit of their own.
    fn caching(conversations: usize) -> Self;
    /// Loads the rows that a page changes.
    fn load(
        &mut self,
        page: &[Arc<DecodedEvent>],
        tx: &mut Tx,
    ) -> impl Future<Output = Result<(), DbError>> + Send;
    fn apply(&mut self, event: &DecodedEvent);
}

impl<R: Row> TableSet for Rows<R> {
    fn shapes() -> Vec<Shape> {
        vec![Shape::of::<R>()]
    }
    async fn write(&mut self, tx: &mut Tx) -> Result<(), DbError> {
        Rows::write(self, tx).await.map(|_written| ())
    }
    fn committed(&mut self) {
        Rows::committed(self);
    }
    fn reset(&mut self) {
        Rows::reset(self);
    }
}

impl<R: ReadModel> Fold for Rows<R> {
    fn caching(_conversations: usize) -> Self {
        Self::new(R::CACHED)
    }
    async fn load(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        let mut keys = Vec::new();
        for event in page {
            keys.extend(R::keys(event));
        }
        Rows::load(self, tx, keys).await
    }
    fn apply(&mut self, event: &DecodedEvent) {
        R::apply(self, event);
    }
}

/// Declares a struct of table sets, which is itself a table set.
macro_rules! table_set {
    ($(#[$doc:meta])* $vis:vis struct $Set:ident { $($(#[$field_doc:meta])* $field:ident: $Tables:ty),+ $(,)? }) => {
        $(#[$doc])*
        $vis struct $Set {
            $($(#[$field_doc])* $field: $Tables,)+
        }
        impl $crate::read_models::registry::TableSet for $Set {
            fn shapes() -> Vec<follower::table::Shape> {
                [$(<$Tables as $crate::read_models::registry::TableSet>::shapes()),+].concat()
            }
            async fn write(&mut self, tx: &mut follower::db::Tx) -> Result<(), follower::db::DbError> {
                $($crate::read_models::registry::TableSet::write(&mut self.$field, tx).await?;)+
                Ok(())
            }
            fn committed(&mut self) {
                $($crate::read_models::registry::TableSet::committed(&mut self.$field);)+
            }
            fn reset(&mut self) {
                $($crate::read_models::registry::TableSet::reset(&mut self.$field);)+
            }
        }
    };
}
pub(super) use table_set;

/// Declares the struct of all read models, from one line for each.
macro_rules! read_models {
    ($(#[$doc:meta])* pub struct $All:ident { $($field:ident: $Tables:ty),+ $(,)? }) => {
        $crate::read_models::registry::table_set! {
            $(#[$doc])*
            pub struct $All { $($field: $Tables),+ }
        }
        impl $crate::read_models::registry::Fold for $All {
            fn caching(conversations: usize) -> Self {
                Self { $($field: $crate::read_models::registry::Fold::caching(conversations)),+ }
            }
            async fn load(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
                $($crate::read_models::registry::Fold::load(&mut self.$field, page, tx).await?;)+
                Ok(())
            }
            fn apply(&mut self, event: &DecodedEvent) {
                $($crate::read_models::registry::Fold::apply(&mut self.$field, event);)+
            }
        }
    };
}
pub(super) use read_models;
