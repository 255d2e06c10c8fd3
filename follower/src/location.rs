//! The location of tables: a folder with a SQLite file for each set of tables, or a PostgreSQL database with a schema
//! for each set.

mod database;

pub use database::pool;
pub use database::{Database, Refused};

use crate::db::{Db, DbError, Sizes};
use std::io;
use std::path::{Path, PathBuf};

/// The location of tables. Cheap to clone.
#[derive(Clone, Debug)]
// A process has only a few values of this type, so a box would save nothing.
#[allow(clippy::large_enum_variant)]
pub enum Location {
    Folder(PathBuf),
    Postgres(Database),
}

/// The reason why a location cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    #[error("'{0}' is not a location of tables: use postgres://user:password@host/database or sqlite:folder")]
    UnknownUrl(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the folder of the tables cannot be used")]
    Folder(#[from] io::Error),
    #[error("the tables cannot be opened")]
    Db(#[from] DbError),
}

impl LocationError {
    /// Whether a retry may help: the server cannot be reached at present.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused(Refused::NoServer { .. } | Refused::Unusable { .. }) | Self::Db(_) => true,
            Self::Refused(_) | Self::UnknownUrl(_) | Self::Folder(_) => false,
        }
    }
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
    /// Opens the location of a URL. A PostgreSQL database must be empty or Verbatim's own.
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

    /// Opens a set of tables outside the generations: a file or a schema with this name.
    pub async fn tables(&self, name: &str, sizes: Sizes, schema: &'static str) -> Result<Db, LocationError> {
        match self {
            Self::Folder(folder) => {
                std::fs::create_dir_all(folder)?;
                Ok(Db::open(&folder.join(format!("{name}.db")), sizes, schema).await?)
            }
            Self::Postgres(database) => {
                Ok(Db::create_schema(database.options(), &schema_name(name), sizes, schema).await?)
            }
        }
    }

    /// Opens a set of tables with this name. `None` when it does not exist.
    pub async fn existing_tables(&self, name: &str, sizes: Sizes) -> Result<Option<Db>, LocationError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(format!("{name}.db"));
                if !path.exists() {
                    return Ok(None);
                }
                Ok(Some(Db::open(&path, sizes, "").await?))
            }
            Self::Postgres(database) => {
                let schema = schema_name(name);
                const EXISTS: &str = "select to_regclass($1 || '.checkpoints') is not null";
                let exists: bool =
                    sqlx::query_scalar(EXISTS).bind(&schema).fetch_one(database.pool()).await?;
                Ok(exists.then(|| Db::open_schema(database.options(), &schema, sizes)))
            }
        }
    }

    /// Removes a set of tables. It is not an error when it does not exist. No process may have it open.
    pub async fn remove_tables(&self, name: &str) -> Result<(), LocationError> {
        match self {
            Self::Folder(folder) => {
                for suffix in ["", "-wal", "-shm"] {
                    match std::fs::remove_file(folder.join(format!("{name}.db{suffix}"))) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                        Ok(()) | Err(_) => {}
                    }
                }
                Ok(())
            }
            Self::Postgres(database) => {
                let drop = format!("drop schema if exists {} cascade", schema_name(name));
                sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(database.pool()).await?;
                Ok(())
            }
        }
    }

    /// Checks that the location can be reached.
    pub async fn check(&self) -> Result<(), DbError> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Postgres(database) => database.check().await,
        }
    }
}

fn schema_name(tables: &str) -> String {
    format!("verbatim_{}", tables.replace('-', "_"))
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
    async fn an_unsupported_url_is_reported_without_its_password() {
        let error = Location::open("mysql://me:secret@host/db").await.unwrap_err().to_string();
        assert!(error.contains("mysql://…@host/db") && !error.contains("secret"), "{error}");
    }
}
