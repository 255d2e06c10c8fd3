//! The database: whose it is, which version its tables have, and their migrations.

use super::ask::Ask;
use super::server::{Line, Server, reason};
use crate::OpenError;
use sqlx::{Connection, Row};

/// What makes tables of format n those of format n + 1.
const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/event-log/postgres/0001_events.sql")];

/// The oldest server that this engine was made for.
const OLDEST: i64 = 15;

/// Creates the tables or brings them to this version. A database that is not ours is not written to.
pub async fn prepare(server: &Server) -> Result<(), OpenError> {
    let path = || server.name.clone();
    let failed =
        |error: sqlx::Error| OpenError::Failed { path: path(), reason: reason(&error), source: error.into() };
    let mut line = server.connect().await.map_err(failed)?;
    let known = MIGRATIONS.len() as i64;
    match look(&mut line).await.map_err(failed)? {
        Found::Server { version } => Err(OpenError::TooOld {
            path: path(),
            found: version.to_string(),
            needed: format!("PostgreSQL {OLDEST}"),
        }),
        Found::Foreign => Err(OpenError::Foreign { path: path() }),
        Found::Log { format } if format > known => {
            Err(OpenError::Newer { path: path(), found: format, known })
        }
        Found::Log { format } if format == known => Ok(()),
        Found::Log { .. } | Found::Nothing => migrate(&mut line).await.map_err(failed),
    }
}

enum Found {
    /// A server of a version that is too old, whatever is on it.
    Server {
        version: i64,
    },
    /// Somebody else's tables.
    Foreign,
    Log {
        format: i64,
    },
    Nothing,
}

async fn look(line: &mut Line) -> Result<Found, sqlx::Error> {
    // Tables that came with an extension are nobody's; schemas of ours all begin with our name.
    let row = line
        .one(&Ask::new(
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
        return Ok(Found::Server { version });
    }
    if log {
        return match line.one(&Ask::new("select format::bigint from verbatim_log.log")).await {
            Ok(row) => Ok(Found::Log { format: row.try_get(0)? }),
            // A table of that name with other columns, or with nothing in it.
            Err(sqlx::Error::RowNotFound) => Ok(Found::Foreign),
            Err(error) if super::server::code(&error) == Some("42703") => Ok(Found::Foreign),
            Err(error) => Err(error),
        };
    }
    Ok(if schema || others { Found::Foreign } else { Found::Nothing })
}

async fn migrate(line: &mut Line) -> Result<(), sqlx::Error> {
    let way = line.way;
    let mut transaction = line.connection.begin().await?;
    sqlx::raw_sql("select pg_advisory_xact_lock(8530219871234117)").execute(&mut *transaction).await?;
    // Another process may have done it while this one waited for the lock.
    let there = "select to_regclass('verbatim_log.log') is not null";
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
    let stamp = Ask::new("insert into verbatim_log.log (format) values ($1)")
        .with(super::ask::Value::Number(MIGRATIONS.len() as i64));
    futures::TryStreamExt::try_collect::<Vec<_>>(stamp.rows(&mut transaction, way)?).await?;
    transaction.commit().await
}
