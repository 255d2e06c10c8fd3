//! The database: whether it is this program's, the format of its tables, and their migrations.

use super::lock::take_lock;
use super::server::{Connection, Server, reason};
use super::statement::Statement;
use crate::OpenError;
use sqlx::{Connection as _, Row};

/// The script at index n brings tables of format n to format n + 1.
pub const MIGRATIONS: [&str; 3] = [
    include_str!("../../../migrations/event-log/postgres/0001_events.sql"),
    include_str!("../../../migrations/event-log/postgres/0002_one_row.sql"),
    include_str!("../../../migrations/event-log/postgres/0003_without_gaps.sql"),
];

/// The oldest major version of the server that this engine supports.
const OLDEST: i64 = 15;

/// Creates the tables or migrates them to this version. A database of another program is not written to.
pub async fn prepare(server: &Server) -> Result<(), OpenError> {
    let failed = |error: sqlx::Error| {
        let path = server.name.clone();
        OpenError::Failed { path, reason: reason(&error), source: error.into() }
    };
    let mut connection = server.connect().await.map_err(failed)?;
    let found = inspect(&mut connection).await.map_err(failed)?;
    match verdict(found, &server.name)? {
        Ready::Yes => Ok(()),
        Ready::AfterMigration => migrate(&mut connection).await.map_err(failed),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Ready {
    Yes,
    AfterMigration,
}

/// The step that the database needs, by its contents.
fn verdict(found: Found, name: &str) -> Result<Ready, OpenError> {
    let (path, known) = (name.to_owned(), MIGRATIONS.len() as i64);
    match found {
        Found::OldServer { version } => Err(OpenError::TooOld {
            path,
            found: version.to_string(),
            needed: format!("PostgreSQL {OLDEST}"),
        }),
        Found::Foreign => Err(OpenError::Foreign { path }),
        Found::Log { format } if format > known => Err(OpenError::Newer { path, found: format, known }),
        Found::Log { format } if format == known => Ok(Ready::Yes),
        Found::Log { .. } | Found::Nothing => Ok(Ready::AfterMigration),
    }
}

enum Found {
    /// The server is too old, whatever is in the database.
    OldServer {
        version: i64,
    },
    /// The database holds tables of another program.
    Foreign,
    Log {
        format: i64,
    },
    Nothing,
}

async fn inspect(connection: &mut Connection) -> Result<Found, sqlx::Error> {
    // Tables of an extension belong to no program; the schemas of this program all begin with its name.
    let row = connection
        .fetch_one(&Statement::new(
            "select current_setting('server_version_num')::bigint / 10000, \
             to_regclass('verbatim_log.log') is not null, \
             to_regnamespace('verbatim_log') is not null, \
             exists (select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace \
             where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^(pg_|information_schema$|verbatim)' \
             and not exists (select from pg_catalog.pg_depend as d where d.objid = c.oid \
             and d.classid = 'pg_catalog.pg_class'::regclass and d.deptype = 'e'))",
        ))
        .await?;
    let (version, log, schema, others): (i64, bool, bool, bool) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    if version < OLDEST {
        return Ok(Found::OldServer { version });
    }
    if log {
        return match connection
            .fetch_one(&Statement::new("select format::bigint from verbatim_log.log"))
            .await
        {
            Ok(row) => Ok(Found::Log { format: row.try_get(0)? }),
            // The table of that name has no rows.
            Err(sqlx::Error::RowNotFound) => Ok(Found::Foreign),
            // The table of that name has other columns.
            Err(error) if super::server::code(&error) == Some("42703") => Ok(Found::Foreign),
            Err(error) => Err(error),
        };
    }
    Ok(if schema || others { Found::Foreign } else { Found::Nothing })
}

async fn migrate(connection: &mut Connection) -> Result<(), sqlx::Error> {
    let protocol = connection.protocol;
    let mut transaction = connection.inner.begin().await?;
    sqlx::raw_sql(concat!("select ", take_lock!())).execute(&mut *transaction).await?;
    // Another process may have migrated while this one waited for the lock. The table is looked up by name in
    // the catalogue itself, because an earlier lookup may be cached.
    let there = "select exists (select from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n \
                 on n.oid = c.relnamespace where n.nspname = 'verbatim_log' and c.relname = 'log')";
    let there: bool = sqlx::raw_sql(there).fetch_one(&mut *transaction).await?.try_get(0)?;
    let format: i64 = if there {
        sqlx::raw_sql("select format::bigint from verbatim_log.log")
            .fetch_one(&mut *transaction)
            .await?
            .try_get(0)?
    } else {
        0
    };
    for migration in MIGRATIONS.iter().skip(usize::try_from(format).unwrap_or_default()) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    sqlx::raw_sql("delete from verbatim_log.log").execute(&mut *transaction).await?;
    let stamp = Statement::new("insert into verbatim_log.log (format) values ($1)")
        .with(super::statement::Value::Number(MIGRATIONS.len() as i64));
    futures::TryStreamExt::try_collect::<Vec<_>>(stamp.rows(&mut transaction, protocol)?).await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_too_old_is_named_with_the_one_that_is_needed() {
        let refused =
            verdict(Found::OldServer { version: 14 }, "the database 'desk' at db:5432").unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the database 'desk' at db:5432 is on a server of version 14, and PostgreSQL 15 or newer is needed"
        );
    }
}
