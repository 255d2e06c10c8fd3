//! Where tables are kept: a folder with a SQLite file for each set of them, or a PostgreSQL database with a
//! schema for each.

mod database;

pub use database::pool;
pub use database::{Database, Refused};

use crate::db::{Db, DbError, Sizes};
use std::io;
use std::path::{Path, PathBuf};

/// A place for tables. Cheap to clone.
#[derive(Clone, Debug)]
// A process has a handful of these: a box would only be in the way.
#[allow(clippy::large_enum_variant)]
pub enum Location {
    Folder(PathBuf),
    Postgres(Database),
}

/// Tables cannot be kept here.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    #[error(
        "'{0}' names no place for tables: it may be postgres://user:password@host/database or sqlite:folder"
    )]
    UnknownUrl(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the folder of the tables cannot be used")]
    Folder(#[from] io::Error),
    #[error("the tables cannot be opened")]
    Db(#[from] DbError),
}

impl From<&Path> for Location {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<PathBuf> for Location {
    fn from(folder: PathBuf) -> Self {
        Self::Folder(folder)
    }
}

impl From<&PathBuf> for Location {
    fn from(folder: &PathBuf) -> Self {
        Self::Folder(folder.clone())
    }
}

impl Location {
    /// The place that a URL names, after a look at whether it is Verbatim's.
    pub async fn open(url: &str) -> Result<Self, LocationError> {
        if let Some(folder) = url.strip_prefix("sqlite:") {
            let folder = PathBuf::from(folder.strip_prefix("//").unwrap_or(folder));
            std::fs::create_dir_all(&folder)?;
            return Ok(Self::Folder(folder));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(Database::open(url).await?));
        }
        Err(LocationError::UnknownUrl(hide_password(url)))
    }

    /// A set of tables of its own that stays: a file or a schema named after what it is for.
    pub async fn tables(&self, name: &str, sizes: Sizes, schema: &'static str) -> Result<Db, LocationError> {
        match self {
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder)?;
                Ok(Db::open(&folder.join(format!("{name}.db")), sizes, schema).await?)
            }
            Self::Postgres(database) => {
                let name = format!("verbatim_{}", name.replace('-', "_"));
                Ok(Db::create_schema(database.options(), &name, sizes, schema).await?)
            }
        }
    }

    /// Whether the place can be reached.
    pub async fn check(&self) -> Result<(), DbError> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Postgres(database) => database.check().await,
        }
    }
}

fn hide_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => format!("{}…{}", &url[..scheme + 3], &url[at..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_of_something_else_is_named_without_its_password() {
        let error = Location::open("mysql://me:secret@host/db").await.unwrap_err().to_string();
        assert!(error.contains("mysql://…@host/db") && !error.contains("secret"), "{error}");
    }
}
