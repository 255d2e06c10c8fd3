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
use follower::Db;
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
    (Macro) => {
        catalogue::<Macro>(
            get_with(macros, |op| described(op, &list_id::<Macro>(), Macro::TAG, Macro::ALL)),
            get_with(one_macro, |op| {
                described(op, &get_id::<Macro>(), Macro::TAG, "A macro that you may run")
            }),
        )
    };
    (AutomationRule) => {
        catalogue::<AutomationRule>(
            get_with(automation_rules, |op| {
                described(op, &list_id::<AutomationRule>(), AutomationRule::TAG, AutomationRule::ALL)
                    .description(ADDRESSES_ARE_HIDDEN)
            }),
            get_with(automation_rule, |op| {
                let summary = capital(AutomationRule::ONE);
                described(op, &get_id::<AutomationRule>(), AutomationRule::TAG, &summary)
                    .description(ADDRESSES_ARE_HIDDEN)
            }),
        )
    };
    (Channel) => {
        catalogue::<Channel>(
            get_with(channels, |op| {
                described(op, &list_id::<Channel>(), Channel::TAG, Channel::ALL)
                    .description(ADDRESSES_ARE_HIDDEN)
            }),
            get_with(channel, |op| {
                described(op, &get_id::<Channel>(), Channel::TAG, &capital(Channel::ONE))
                    .description(ADDRESSES_ARE_HIDDEN)
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

fn plain<T: Item>() -> ApiRouter<QueryState> {
    catalogue::<T>(
        get_with(list::<T>, |op| described(op, &list_id::<T>(), T::TAG, T::ALL)),
        get_with(get::<T>, |op| described(op, &get_id::<T>(), T::TAG, &capital(T::ONE))),
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

impl<T> From<CatalogueEntry<T>> for Defined<T> {
    fn from(entry: CatalogueEntry<T>) -> Self {
        let CatalogueEntry { account_id, item, created_at, updated_at, version } = entry;
        Self { account_id, item, created_at, updated_at, version }
    }
}

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

async fn all<T: Item>(
    caller: &Agent,
    tables: &Db,
    cursor: Option<AfterItem>,
    keep: impl Fn(&T::Public) -> bool,
) -> Result<Json<List<Defined<T::Public>>>, Problem> {
    let page = catalogue_items::list::<T>(tables.readers(), caller.account, cursor, MOST, keep).await;
    let page = page.map_err(tables_unavailable)?;
    let data = page.items.into_iter().map(Defined::from).collect();
    Ok(Json(List { data, next_cursor: page.next.map(|next| next.to_string()) }))
}

async fn one<T: Item>(caller: &Agent, tables: &Db, id: T::Id) -> Result<Tagged<Defined<T::Public>>, Problem> {
    let found =
        catalogue_items::get::<T>(tables.readers(), caller.account, id).await.map_err(tables_unavailable)?;
    let found = found.ok_or_else(|| Problem::not_found(T::noun()))?;
    let body = Defined::from(found);
    Ok(Tagged { version: body.version, body })
}

async fn list<T: Item>(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(ListParams { cursor }): Query<ListParams>,
) -> Result<Json<List<Defined<T::Public>>>, Problem> {
    all::<T>(&caller, &tables, cursor, |_| true).await
}

async fn get<T: Item>(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<T::Id>,
) -> Result<Tagged<Defined<T::Public>>, Problem> {
    one::<T>(&caller, &tables, id).await
}

/// Whether the caller may see the macro. Only its creator sees a personal macro.
fn may_see(caller: &Agent, item: &Macro) -> bool {
    match item.visibility {
        MacroVisibility::Everyone => true,
        MacroVisibility::Personal => item.created_by == caller.user,
    }
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

async fn automation_rules(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(ListParams { cursor }): Query<ListParams>,
) -> Result<Json<List<Defined<AutomationRule>>>, Problem> {
    let Json(mut list) = all::<AutomationRule>(&caller, &tables, cursor, |_| true).await?;
    list.data.iter_mut().for_each(|defined| hide_addresses(&caller, &mut defined.item.actions));
    Ok(Json(list))
}

async fn automation_rule(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<<AutomationRule as Shape>::Id>,
) -> Result<Tagged<Defined<AutomationRule>>, Problem> {
    let mut found = one::<AutomationRule>(&caller, &tables, id).await?;
    hide_addresses(&caller, &mut found.body.item.actions);
    Ok(found)
}

fn hide_base_url(caller: &Agent, channel: &mut PublicChannel) {
    if !caller.role.is_administrator() {
        channel.base_url = channel.base_url.as_deref().map(without_path);
    }
}

async fn channels(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(ListParams { cursor }): Query<ListParams>,
) -> Result<Json<List<Defined<PublicChannel>>>, Problem> {
    let Json(mut list) = all::<Channel>(&caller, &tables, cursor, |_| true).await?;
    list.data.iter_mut().for_each(|defined| hide_base_url(&caller, &mut defined.item));
    Ok(Json(list))
}

async fn channel(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<<Channel as Shape>::Id>,
) -> Result<Tagged<Defined<PublicChannel>>, Problem> {
    let mut found = one::<Channel>(&caller, &tables, id).await?;
    hide_base_url(&caller, &mut found.body.item);
    Ok(found)
}

async fn macros(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(ListParams { cursor }): Query<ListParams>,
) -> Result<Json<List<Defined<Macro>>>, Problem> {
    let Json(mut list) = all::<Macro>(&caller, &tables, cursor, |item| may_see(&caller, item)).await?;
    list.data.iter_mut().for_each(|defined| hide_addresses(&caller, &mut defined.item.actions));
    Ok(Json(list))
}

async fn one_macro(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<<Macro as Shape>::Id>,
) -> Result<Tagged<Defined<Macro>>, Problem> {
    let mut found = one::<Macro>(&caller, &tables, id).await?;
    hide_addresses(&caller, &mut found.body.item.actions);
    if may_see(&caller, &found.body.item) { Ok(found) } else { Err(Problem::not_found(Macro::noun())) }
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
