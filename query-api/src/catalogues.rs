//! The catalogues of an account: the list of items and one item of every kind. Most catalogues are small, so a page is
//! large.

use crate::params::parsed;
use crate::problem::tables_unavailable;
use crate::response::{List, Tagged};
use crate::state::{Fresh, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::{ApiMethodRouter, get_with};
use aide::transform::TransformOperation;
use event_schemas::automation::Action;
use event_schemas::catalogue::*;
use event_schemas::cloud_event::without_path;
use event_schemas::placeholders::PlaceholderValues;
use event_schemas::{AccountId, ConversationId, Timestamp, Version};
use follower::ReadView;
use gate::{Agent, Json, Path, Problem, Query};
use projections::queries::catalogue_items::{self, AfterItem, CatalogueEntry};
use projections::queries::conversations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The routes of a kind. Kinds whose routes do more than show the stored items have a rule of their own.
macro_rules! routes_of {
    (CannedResponse) => {
        catalogue::<CannedResponse>(
            get_with(canned_responses, |op| {
                described(op, &list_id::<CannedResponse>(), CannedResponse::TAG, CannedResponse::ALL)
            }),
            get_with(canned_response, |op| {
                let summary = "A canned response, and its text for a conversation when one is named";
                described(op, &get_id::<CannedResponse>(), CannedResponse::TAG, summary)
            }),
        )
    };
    (AccountSettings) => {
        ApiRouter::new().api_route(
            &AccountSettings::path(),
            get_with(account_settings, |op| {
                let summary = "The account's settings, or the defaults when none are defined";
                described(op, &get_id::<AccountSettings>(), AccountSettings::TAG, summary)
            }),
        )
    };
    (BotSettings) => {
        ApiRouter::new().api_route(
            &BotSettings::path(),
            get_with(bot_settings, |op| {
                let summary = "The bot's settings, or the defaults when none are defined";
                described(op, &get_id::<BotSettings>(), BotSettings::TAG, summary)
            }),
        )
    };
    ($Item:ident) => {
        plain::<$Item>()
    };
}

macro_rules! routes_of_all {
    ($($Item:ident)+) => { ApiRouter::new()$(.merge(routes_of!($Item)))+ };
}

pub fn routes() -> ApiRouter<QueryState> {
    event_schemas::catalogue_items!(routes_of_all)
}

fn plain<T: Shown>() -> ApiRouter<QueryState> {
    catalogue::<T>(
        get_with(list::<T>, |op| noted::<T>(described(op, &list_id::<T>(), T::TAG, T::ALL))),
        get_with(get::<T>, |op| noted::<T>(described(op, &get_id::<T>(), T::TAG, &capital(T::ONE)))),
    )
}

fn catalogue<T: Item>(
    list: ApiMethodRouter<QueryState>,
    one: ApiMethodRouter<QueryState>,
) -> ApiRouter<QueryState> {
    ApiRouter::new().api_route(&T::path(), list).api_route(&format!("{}/{{id}}", T::path()), one)
}

fn list_id<T: Item>() -> String {
    format!("list{:?}", T::KIND)
}

fn get_id<T: Item>() -> String {
    format!("get{}", T::singular())
}

fn described<'o>(op: TransformOperation<'o>, id: &str, tag: &str, summary: &str) -> TransformOperation<'o> {
    op.id(id).tag(tag).summary(summary)
}

/// With a description of what is hidden, if anything is.
fn noted<T: Shown>(op: TransformOperation<'_>) -> TransformOperation<'_> {
    if T::HIDDEN.is_empty() { op } else { op.description(T::HIDDEN) }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A catalogue item, and the times at which it was defined first and last.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Defined{T}")]
struct Defined<T> {
    account_id: AccountId,
    #[serde(flatten)]
    item: T,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The catalogue's version at the last change of this item. It is also the `ETag`.
    version: Version,
}

impl<P> Defined<P> {
    /// The item as this caller may see it.
    fn shown<T: Shown<Public = P>>(caller: &Agent, entry: CatalogueEntry<P>) -> Self {
        let CatalogueEntry { account_id, mut item, created_at, updated_at, version } = entry;
        T::hide(caller, &mut item);
        Self { account_id, item, created_at, updated_at, version }
    }
}

/// The items that a caller may see, and their parts.
pub trait Shown: Item {
    /// Says in the description what is hidden.
    const HIDDEN: &'static str = "";

    /// Whether the caller may see the item. Only its creator sees a personal one.
    fn is_visible(_caller: &Agent, _item: &Self::Public) -> bool {
        true
    }

    /// Hides the parts that the caller may not see.
    fn hide(_caller: &Agent, _item: &mut Self::Public) {}
}

const ADDRESSES_ARE_HIDDEN: &str = "Administrators see whole addresses, others only their hosts (`https://example.com/…`), \
                                    because a path often is a secret. Send such an address back to keep the one that is \
                                    stored.";

/// Hides what comes after the host in the addresses of webhooks, unless the caller is an administrator.
fn hide_addresses(caller: &Agent, actions: &mut [Action]) {
    for action in actions.iter_mut().filter(|_| !caller.role.is_administrator()) {
        if let Action::Webhook { url } = action {
            *url = without_path(url);
        }
    }
}

macro_rules! shown {
    (Channel) => {
        impl Shown for Channel {
            const HIDDEN: &'static str = "Administrators see the whole `base_url`, others only its host.";

            fn hide(caller: &Agent, channel: &mut PublicChannel) {
                if !caller.role.is_administrator() {
                    channel.base_url = channel.base_url.as_deref().map(without_path);
                }
            }
        }
    };
    (Macro) => {
        impl Shown for Macro {
            const HIDDEN: &'static str = ADDRESSES_ARE_HIDDEN;

            fn is_visible(caller: &Agent, item: &Macro) -> bool {
                item.visibility == MacroVisibility::Everyone || item.created_by == caller.user
            }

            fn hide(caller: &Agent, item: &mut Macro) {
                hide_addresses(caller, &mut item.actions);
            }
        }
    };
    (AutomationRule) => {
        impl Shown for AutomationRule {
            const HIDDEN: &'static str = ADDRESSES_ARE_HIDDEN;

            fn hide(caller: &Agent, item: &mut Self::Public) {
                hide_addresses(caller, &mut item.actions);
            }
        }
    };
    (SavedView) => {
        impl Shown for SavedView {
            fn is_visible(caller: &Agent, item: &SavedView) -> bool {
                item.visibility == ViewVisibility::Everyone || item.created_by == caller.user
            }
        }
    };
    ($Item:ident) => {
        impl Shown for $Item {}
    };
}

macro_rules! shown_all {
    ($($Item:ident)+) => { $(shown!($Item);)+ };
}

event_schemas::catalogue_items!(shown_all);

/// The most items of a page.
const MOST: usize = 1_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    cursor: Option<AfterItem>,
}

async fn all<T: Shown>(
    caller: &Agent,
    tables: &ReadView,
    cursor: Option<AfterItem>,
    keep: impl Fn(&T::Public) -> bool,
) -> Result<Json<List<Defined<T::Public>>>, Problem> {
    let keep = |item: &T::Public| T::is_visible(caller, item) && keep(item);
    let page = catalogue_items::list::<T>(tables.readers(), caller.account, cursor, MOST, keep).await;
    let page = page.map_err(tables_unavailable)?;
    let shown = |entry| Defined::shown::<T>(caller, entry);
    let data = page.items.into_iter().map(shown).collect();
    Ok(Json(List { data, next_cursor: page.next.map(|next| next.to_string()) }))
}

/// An item that the caller may see.
pub async fn visible<T: Shown>(
    caller: &Agent,
    tables: &ReadView,
    id: T::Id,
) -> Result<CatalogueEntry<T::Public>, Problem> {
    let found =
        catalogue_items::get::<T>(tables.readers(), caller.account, id).await.map_err(tables_unavailable)?;
    let found = found.filter(|entry| T::is_visible(caller, &entry.item));
    found.ok_or_else(|| Problem::not_found(T::noun()))
}

async fn one<T: Shown>(
    caller: &Agent,
    tables: &ReadView,
    id: T::Id,
) -> Result<Tagged<Defined<T::Public>>, Problem> {
    let body = Defined::shown::<T>(caller, visible::<T>(caller, tables, id).await?);
    Ok(Tagged { version: body.version, body })
}

async fn list<T: Shown>(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(ListParams { cursor }): Query<ListParams>,
) -> Result<Json<List<Defined<T::Public>>>, Problem> {
    all::<T>(&caller, &tables, cursor, |_| true).await
}

async fn get<T: Shown>(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<T::Id>,
) -> Result<Tagged<Defined<T::Public>>, Problem> {
    one::<T>(&caller, &tables, id).await
}

async fn account_settings(caller: Agent, Fresh(tables): Fresh) -> Result<Json<AccountSettings>, Problem> {
    let account = caller.account;
    let set = catalogue_items::get::<AccountSettings>(tables.readers(), account, account).await;
    let set = set.map_err(tables_unavailable)?;
    Ok(Json(set.map_or_else(|| AccountSettings::usual(account), |entry| entry.item)))
}

async fn bot_settings(caller: Agent, Fresh(tables): Fresh) -> Result<Json<BotSettings>, Problem> {
    let account = caller.account;
    let set = catalogue_items::get::<BotSettings>(tables.readers(), account, account).await;
    let set = set.map_err(tables_unavailable)?;
    Ok(Json(set.map_or_else(|| BotSettings::usual(account), |entry| entry.item)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CannedResponseFilter {
    /// For example `greetings`, `billing` or `closings`.
    #[serde(default)]
    category: Option<String>,
    /// For example `/greeting`.
    #[serde(default)]
    short_code: Option<String>,
    /// The `next_cursor` of the page before. A page has at most 1,000 items and four megabytes.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    cursor: Option<AfterItem>,
}

async fn canned_responses(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(filter): Query<CannedResponseFilter>,
) -> Result<Json<List<Defined<CannedResponse>>>, Problem> {
    let is_asked_for = |response: &CannedResponse| {
        filter.category.as_ref().is_none_or(|category| response.category.as_ref() == Some(category))
            && filter.short_code.as_ref().is_none_or(|code| response.short_code == *code)
    };
    all::<CannedResponse>(&caller, &tables, filter.cursor.clone(), is_asked_for).await
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RenderParams {
    /// The conversation for whose contact the placeholders are replaced.
    #[serde(default)]
    conversation_id: Option<ConversationId>,
}

/// A canned response, and its text for a conversation.
#[derive(Debug, Serialize, JsonSchema)]
struct FilledCannedResponse {
    #[serde(flatten)]
    canned_response: Defined<CannedResponse>,
    /// The text with its placeholders replaced. `null` when no conversation was named.
    rendered: Option<String>,
    /// The placeholders of `rendered` that have no value. The text cannot be sent before they are replaced.
    unfilled: Vec<String>,
}

async fn canned_response(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<<CannedResponse as Shape>::Id>,
    Query(RenderParams { conversation_id }): Query<RenderParams>,
) -> Result<Tagged<FilledCannedResponse>, Problem> {
    let found = one::<CannedResponse>(&caller, &tables, id).await?;
    let (mut rendered, mut unfilled) = (None, Vec::new());
    if let Some(id) = conversation_id {
        let listed = conversations::find(tables.readers(), caller.account, id, None).await;
        let listed = listed.map_err(tables_unavailable)?.ok_or_else(|| Problem::not_found("conversation"))?;
        let conversation = listed.conversation;
        let values = PlaceholderValues {
            contact_name: conversation.display_name.as_deref(),
            contact_identifier: &conversation.contact_identifier,
            agent_name: caller.name.as_deref(),
            facts: conversation.bot_context.as_ref().map(|context| &context.0),
        };
        let filled = values.fill(&found.body.item.content);
        (rendered, unfilled) = (Some(filled.text), filled.unfilled);
    }
    let body = FilledCannedResponse { canned_response: found.body, rendered, unfilled };
    Ok(Tagged { version: found.version, body })
}
