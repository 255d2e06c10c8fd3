//! Generations as schemas: `verbatim_read_<n>`, and the table `verbatim.read_models`, which names the one in
//! use. The schema `verbatim` also has views of the tables in use, for analysts who read them with other programs.

use crate::read_models;
use follower::db::DbError;
use follower::location::Database;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

pub(super) fn name(number: u64) -> String {
    format!("verbatim_read_{number}")
}

pub(super) async fn current(database: &Database) -> Result<Option<u64>, DbError> {
    let row =
        sqlx::query("select generation from verbatim.read_models").fetch_optional(database.pool()).await?;
    row.map(|row| row.try_get::<i64, _>(0)).transpose().map(|number| number.map(i64::unsigned_abs))
}

pub(super) async fn existing(database: &Database) -> Result<Vec<u64>, DbError> {
    const SCHEMAS: &str = "select nspname::text from pg_namespace where nspname like 'verbatim\\_read\\_%'";
    let rows = sqlx::query(SCHEMAS).fetch_all(database.pool()).await?;
    let mut numbers = Vec::new();
    for row in rows {
        let name: &str = row.try_get(0)?;
        numbers.extend(name.strip_prefix("verbatim_read_").and_then(|number| number.parse::<u64>().ok()));
    }
    Ok(numbers)
}

pub(super) async fn exists(database: &Database, name: &str) -> Result<bool, DbError> {
    let row =
        sqlx::query("select to_regnamespace($1) is not null").bind(name).fetch_one(database.pool()).await?;
    row.try_get(0)
}

/// Removes a schema and everything in it. It is not an error when it does not exist.
pub(super) async fn remove(database: &Database, name: &str) -> Result<(), DbError> {
    let sql = format!("drop schema if exists {name} cascade");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(database.pool()).await.map(|_| ())
}

/// Records the number of the generation in use and replaces the views, in one transaction.
pub(super) async fn switch_to(database: &Database, number: u64) -> Result<(), DbError> {
    const SET_NUMBER: &str = "insert into verbatim.read_models (generation) values ($1)
        on conflict (one) do update set generation = excluded.generation";
    let mut tx = database.pool().begin().await?;
    sqlx::query(SET_NUMBER).bind(i64::try_from(number).unwrap_or(i64::MAX)).execute(&mut *tx).await?;
    for shape in read_models::shapes() {
        replace_view(&mut tx, number, shape.table).await?;
    }
    tx.commit().await
}

/// Makes `verbatim.<table>` a view of this generation's table, with ids as `uuid` and times as `timestamptz`.
async fn replace_view(connection: &mut PgConnection, number: u64, table: &str) -> Result<(), DbError> {
    const COLUMNS: &str = "select column_name::text, data_type::text from information_schema.columns
        where table_schema = $1 and table_name = $2 order by ordinal_position";
    let schema = name(number);
    let rows = sqlx::query(COLUMNS).bind(&schema).bind(table).fetch_all(&mut *connection).await?;
    let mut columns = Vec::new();
    for row in rows {
        columns.push(view_column(row.try_get(0)?, row.try_get(1)?));
    }
    let select = format!("select {} from {schema}.{table}", columns.join(", "));
    // A view that is replaced keeps the privileges that were granted on it. PostgreSQL cannot replace a view by one
    // with other columns: that view is dropped and created again, and loses them.
    let mut tx = connection.begin().await?;
    let replace = format!("create or replace view verbatim.{table} as {select}");
    let replaced = sqlx::raw_sql(AssertSqlSafe(replace)).execute(&mut *tx).await;
    match replaced {
        Ok(_) => return tx.commit().await,
        Err(DbError::Database(_)) => tx.rollback().await?,
        Err(error) => return Err(error),
    }
    let recreate = format!("drop view verbatim.{table}; create view verbatim.{table} as {select}");
    sqlx::raw_sql(AssertSqlSafe(recreate)).execute(connection).await.map(|_| ())
}

/// The expression of a column in the view.
fn view_column(column: &str, kind: &str) -> String {
    let is_time = ["_at", "_since", "_until"].iter().any(|end| column.ends_with(end));
    match kind {
        "bytea" => format!("encode({column}, 'hex')::uuid as {column}"),
        "bigint" if is_time => {
            format!("timestamptz 'epoch' + {column} * interval '1 microsecond' as {column}")
        }
        _ => column.to_owned(),
    }
}
