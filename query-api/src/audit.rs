//! The audit: who changed what in the account, as pages, or whole as CSV or JSON lines.

use crate::params::{Paging, limit, parsed};
use crate::problem::{list_problem, no_tables, tables_unavailable};
use crate::response::List;
use crate::state::{Auditor, Fresh, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use aide::openapi::MediaType;
use aide::transform::TransformOperation;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use event_schemas::{AccountId, Timestamp};
use futures::stream;
use gate::{Problem, Query};
use projections::queries::{Cursor, Limit, ListError, Listed, Page};
use projections::read_models::audit::{self, AuditEntryRow, AuditFilter, AuditKind};
use schemars::JsonSchema;
use serde::Deserialize;
use std::io;
use uuid::Uuid;

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new().api_route("/v1/audit", get_with(list, described))
}

fn described(op: TransformOperation) -> TransformOperation {
    op.id("listAudit")
        .tag("people")
        .summary("Who changed what in the account, newest first")
        .description(
            "An entry for each change of definitions (channels, teams, rules, policies), people, API keys and agents: who, \
             when, with which session, key or token, and each field before and after. Secrets are `***`; a changed one is \
             in the list. For supervisors, administrators and services. With `Accept: text/csv` or \
             `application/x-ndjson` the response has all entries that the filters select, without pages.",
        )
        .response::<200, gate::Json<List<AuditEntryRow>>>()
        .with(|mut op| {
            let responses = op.inner_mut().responses.get_or_insert_default();
            let ok = responses.responses.get_mut(&aide::openapi::StatusCode::Code(200));
            if let Some(response) = ok.and_then(|response| response.as_item_mut()) {
                response.content.insert("text/csv".to_owned(), MediaType::default());
                response.content.insert("application/x-ndjson".to_owned(), MediaType::default());
            }
            op
        })
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuditParams {
    /// The id of the person or program that acted.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<Uuid>")]
    actor_id: Option<Uuid>,
    /// `account`, `people`, `api_keys`, `agents`, or a catalogue: `teams`, `channels`, `bot_rules`.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    kind: Option<AuditKind>,
    /// The id of the item, person, key or agent.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<Uuid>")]
    item_id: Option<Uuid>,
    /// From this time on.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<Timestamp>")]
    from: Option<Timestamp>,
    /// Before this time.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<Timestamp>")]
    to: Option<Timestamp>,
    /// Between 1 and 200. The default is 50.
    #[serde(default, deserialize_with = "limit")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 200))]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    cursor: Option<Cursor>,
}

impl AuditParams {
    fn filter(&self) -> AuditFilter {
        let Self { actor_id, kind, item_id, from, to, .. } = *self;
        AuditFilter { actor: actor_id, kind, item: item_id, from, until: to }
    }
}

async fn list(
    State(state): State<QueryState>,
    caller: Auditor,
    Fresh(tables): Fresh,
    headers: HeaderMap,
    Query(params): Query<AuditParams>,
) -> Result<Response, Problem> {
    let filter = params.filter();
    let Some(format) = Format::wanted(&headers) else {
        let page = Paging { limit: params.limit, cursor: params.cursor }.of(caller.account);
        let listed = audit::list(tables.readers(), page, filter).await.map_err(list_problem)?;
        return Ok(List::rows(listed).into_response());
    };
    let first = whole_page(caller.account, params.cursor)?;
    let first = audit::list(tables.readers(), first, filter).await.map_err(list_problem)?;
    Ok(export(state, caller.account, filter, format, first))
}

/// The page of an export after a cursor.
fn whole_page(account: AccountId, after: Option<Cursor>) -> Result<Page, Problem> {
    let limit = Limit::new(Limit::MOST).map_err(|_| Problem::internal())?;
    Ok(Page { account, limit, after })
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    JsonLines,
}

impl Format {
    /// `None` for a page in JSON.
    fn wanted(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get(header::ACCEPT)?.to_str().ok()?;
        accepted.split(',').find_map(|kind| match kind.split(';').next()?.trim() {
            "text/csv" => Some(Self::Csv),
            "application/x-ndjson" => Some(Self::JsonLines),
            _ => None,
        })
    }

    const fn content_type(self) -> HeaderValue {
        match self {
            Self::Csv => HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
            Self::JsonLines => HeaderValue::from_static("application/x-ndjson"),
        }
    }

    const fn file(self) -> HeaderValue {
        match self {
            Self::Csv => HeaderValue::from_static("attachment; filename=\"audit.csv\""),
            Self::JsonLines => HeaderValue::from_static("attachment; filename=\"audit.ndjson\""),
        }
    }

    fn write(self, rows: &[AuditEntryRow], is_first: bool) -> io::Result<Bytes> {
        match self {
            Self::Csv => csv_of(rows, is_first),
            Self::JsonLines => {
                let mut lines = Vec::new();
                for row in rows {
                    serde_json::to_writer(&mut lines, row)?;
                    lines.push(b'\n');
                }
                Ok(lines.into())
            }
        }
    }
}

const COLUMNS: [&str; 12] = [
    "at",
    "actor_type",
    "actor_id",
    "actor_name",
    "credential_type",
    "credential_id",
    "kind",
    "action",
    "event_type",
    "item_id",
    "item_name",
    "changes",
];

fn csv_of(rows: &[AuditEntryRow], is_first: bool) -> io::Result<Bytes> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    if is_first {
        writer.write_record(COLUMNS)?;
    }
    for row in rows {
        let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
        writer.write_record([
            row.at.to_string(),
            row.actor_type.clone(),
            id(row.actor_id),
            no_formula(row.actor_name.clone()),
            row.credential_type.clone().unwrap_or_default(),
            id(row.credential_id),
            row.kind.clone(),
            row.action.clone(),
            row.event_type.clone(),
            row.item_id.to_string(),
            no_formula(row.item_name.clone()),
            serde_json::to_string(&row.changes)?,
        ])?;
    }
    writer.into_inner().map(Bytes::from).map_err(|error| io::Error::other(error.to_string()))
}

/// A text that spreadsheets do not take for a formula (OWASP, "CSV Injection").
fn no_formula(text: Option<String>) -> String {
    let text = text.unwrap_or_default();
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text,
    }
}

/// The rest of an export.
enum Rest {
    Page { rows: Listed<AuditEntryRow>, is_first: bool },
    After(Cursor),
    Nothing,
}

/// All entries, a page at a time as the client reads. When one cannot be read the connection is cut, so that the client
/// does not take the response for complete.
fn export(
    state: QueryState,
    account: AccountId,
    filter: AuditFilter,
    format: Format,
    first: Listed<AuditEntryRow>,
) -> Response {
    let begin = Rest::Page { rows: first, is_first: true };
    let chunks = stream::try_unfold(begin, move |rest| {
        let state = state.clone();
        async move {
            let (rows, is_first) = match rest {
                Rest::Page { rows, is_first } => (rows, is_first),
                Rest::After(cursor) => (next(&state, account, filter, cursor).await?, false),
                Rest::Nothing => return Ok(None),
            };
            let chunk = format.write(&rows.rows, is_first)?;
            let rest = rows.next.map_or(Rest::Nothing, Rest::After);
            Ok::<_, io::Error>(Some((chunk, rest)))
        }
    });
    let headers =
        [(header::CONTENT_TYPE, format.content_type()), (header::CONTENT_DISPOSITION, format.file())];
    (headers, Body::from_stream(chunks)).into_response()
}

async fn next(
    state: &QueryState,
    account: AccountId,
    filter: AuditFilter,
    after: Cursor,
) -> io::Result<Listed<AuditEntryRow>> {
    let failed = |problem: Problem| io::Error::other(problem.detail().to_owned());
    let db = state.tables.db().map_err(no_tables).map_err(failed)?;
    let page = whole_page(account, Some(after)).map_err(failed)?;
    audit::list(db.readers(), page, filter).await.map_err(|error| match error {
        ListError::Db(error) => failed(tables_unavailable(error)),
        error @ ListError::Cursor(_) => failed(list_problem(error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula_of_a_spreadsheet() {
        for (name, shown) in [("=1+1", "'=1+1"), ("@a", "'@a"), ("Billing", "Billing"), ("", "")] {
            assert_eq!(no_formula(Some(name.to_owned())), shown);
        }
    }
}
