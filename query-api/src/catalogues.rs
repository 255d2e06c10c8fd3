//! What an account has defined: channels, teams, canned responses, SLA policies, calendars. Catalogues are
//! small: a list is the whole of it.

use crate::answer::{List, Tagged};
use crate::asking::{Fresh, QueryState, unreadable};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use event_schemas::automation::{AutomationRule, Macro, MacroVisibility};
use event_schemas::blanks::Known;
use event_schemas::bot::{BotRule, BotSettings, HandoffRule};
use event_schemas::catalogue::{BusinessCalendar, CannedResponse, SlaPolicy, Team};
use event_schemas::message::ChannelType;
use event_schemas::routing::Queue;
use event_schemas::{
    AccountId, AutomationRuleId, BotRuleId, CalendarId, CannedResponseId, ChannelId, ConversationId,
    HandoffRuleId, MacroId, QueueId, SlaPolicyId, TeamId, Timestamp, Version,
};
use follower::Db;
use gate::{Agent, Json, Path, Problem, Query};
use projections::queries::by_subject::{Listable, catalogue, entry};
use projections::queries::details;
use projections::read_models::automation_rules::AutomationRuleRow;
use projections::read_models::bot_rules::BotRuleRow;
use projections::read_models::bot_settings::BotSettingsRow;
use projections::read_models::calendars::CalendarRow;
use projections::read_models::canned_responses::CannedResponseRow;
use projections::read_models::channels::ChannelRow;
use projections::read_models::handoff_rules::HandoffRuleRow;
use projections::read_models::macros::MacroRow;
use projections::read_models::queues::QueueRow;
use projections::read_models::sla_policies::SlaPolicyRow;
use projections::read_models::teams::TeamRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The two routes of a catalogue.
macro_rules! catalogue_routes {
    ($router:expr, $path:literal, $tag:literal, $list:ident: $list_id:literal $all:literal, $one:ident: $one_id:literal $each:literal) => {
        $router
            .api_route($path, get_with($list, |op| op.id($list_id).tag($tag).summary($all)))
            .api_route(concat!($path, "/{id}"), get_with($one, |op| op.id($one_id).tag($tag).summary($each)))
    };
}

pub fn routes() -> ApiRouter<QueryState> {
    let router = ApiRouter::new();
    let router = catalogue_routes!(router, "/v1/channels", "channels",
        channels: "listChannels" "Channels, without their secrets",
        channel: "getChannel" "A channel, without its secrets");
    let router = catalogue_routes!(router, "/v1/teams", "teams",
        teams: "listTeams" "Teams", team: "getTeam" "A team");
    let router = catalogue_routes!(router, "/v1/canned-responses", "canned responses",
        canned_responses: "listCannedResponses" "Canned responses, by short code",
        canned_response: "getCannedResponse" "A canned response, filled in for a conversation if one is named");
    let router = catalogue_routes!(router, "/v1/sla-policies", "service levels",
        sla_policies: "listSlaPolicies" "SLA policies", sla_policy: "getSlaPolicy" "An SLA policy");
    let router = catalogue_routes!(router, "/v1/bot-rules", "bot",
        bot_rules: "listBotRules" "Bot rules, in the order in which they are asked",
        bot_rule: "getBotRule" "A bot rule");
    let router = catalogue_routes!(router, "/v1/handoff-rules", "bot",
        handoff_rules: "listHandoffRules" "Handoff rules, in the order in which they are asked",
        handoff_rule: "getHandoffRule" "A handoff rule");
    let router = router.api_route(
        "/v1/bot-settings",
        get_with(bot_settings, |op| {
            op.id("getBotSettings")
                .tag("bot")
                .summary("The bot's settings, the usual ones where none were made")
        }),
    );
    let router = catalogue_routes!(router, "/v1/queues", "queues",
        queues: "listQueues" "Queues, as they are defined", queue: "getQueue" "A queue, as it is defined");
    let router = catalogue_routes!(router, "/v1/macros", "automation",
        macros: "listMacros" "Macros that you may run, by name", each_macro: "getMacro" "A macro that you may run");
    let router = catalogue_routes!(router, "/v1/automation-rules", "automation",
        automation_rules: "listAutomationRules" "Automation rules, in the order in which they act",
        automation_rule: "getAutomationRule" "An automation rule");
    catalogue_routes!(router, "/v1/calendars", "service levels",
        calendars: "listCalendars" "Business calendars", calendar: "getCalendar" "A business calendar")
}

/// Something defined, and since when it is so.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Defined{T}")]
struct Defined<T> {
    account_id: AccountId,
    #[serde(flatten)]
    what: T,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The catalogue's version when this was last changed; also the `ETag`.
    version: Version,
}

/// A channel, with its secrets by name alone.
#[derive(Debug, Serialize, JsonSchema)]
struct Channel {
    id: ChannelId,
    channel_type: ChannelType,
    name: String,
    credential_names: Vec<String>,
    base_url: Option<String>,
    is_enabled: bool,
    /// What to give the provider as the webhook's address, after this server's own.
    webhook_path: String,
}

impl From<ChannelRow> for Defined<Channel> {
    fn from(row: ChannelRow) -> Self {
        Self {
            account_id: row.account_id,
            what: Channel {
                id: row.id,
                webhook_path: format!("/v1/webhooks/{}/{}", row.channel_type, row.id),
                channel_type: row.channel_type,
                name: row.name,
                credential_names: row.credential_names.0,
                base_url: row.base_url,
                is_enabled: row.is_enabled,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

macro_rules! defined {
    ($($Row:ident.$field:ident: $Thing:ident),+ $(,)?) => {$(
        impl From<$Row> for Defined<$Thing> {
            fn from(row: $Row) -> Self {
                Self {
                    account_id: row.account_id,
                    what: row.$field.0,
                    created_at: row.created_at,
                    updated_at: row.updated_at,
                    version: row.version,
                }
            }
        }
    )+};
}
defined!(
    TeamRow.team: Team,
    CannedResponseRow.canned_response: CannedResponse,
    SlaPolicyRow.sla_policy: SlaPolicy,
    CalendarRow.calendar: BusinessCalendar,
    QueueRow.queue: Queue,
    BotRuleRow.bot_rule: BotRule,
    HandoffRuleRow.handoff_rule: HandoffRule,
    MacroRow.macro_list: Macro,
    AutomationRuleRow.automation_rule: AutomationRule,
);

async fn all<R: Listable, T>(caller: &Agent, tables: &Db) -> Result<Json<List<Defined<T>>>, Problem>
where
    Defined<T>: From<R>,
{
    let rows = catalogue::<R>(tables.readers(), caller.account).await.map_err(unreadable)?;
    Ok(List::whole(rows, Defined::from))
}

async fn each<R: Listable, T>(
    caller: &Agent,
    tables: &Db,
    id: R::Id,
    name: &str,
) -> Result<Tagged<Defined<T>>, Problem>
where
    Defined<T>: From<R>,
{
    let found = entry::<R>(tables.readers(), caller.account, &id).await.map_err(unreadable)?;
    let what = Defined::from(found.ok_or_else(|| Problem::not_found(name))?);
    Ok(Tagged { version: what.version, what })
}

macro_rules! questions {
    ($($list:ident, $one:ident($Id:ident): $Row:ident as $Thing:ident, $name:literal;)+) => {$(
        async fn $list(caller: Agent, Fresh(tables): Fresh) -> Result<Json<List<Defined<$Thing>>>, Problem> {
            all::<$Row, $Thing>(&caller, &tables).await
        }
        async fn $one(
            caller: Agent,
            Fresh(tables): Fresh,
            Path(id): Path<$Id>,
        ) -> Result<Tagged<Defined<$Thing>>, Problem> {
            each::<$Row, $Thing>(&caller, &tables, id, $name).await
        }
    )+};
}
questions! {
    channels, channel(ChannelId): ChannelRow as Channel, "channel";
    teams, team(TeamId): TeamRow as Team, "team";
    sla_policies, sla_policy(SlaPolicyId): SlaPolicyRow as SlaPolicy, "SLA policy";
    calendars, calendar(CalendarId): CalendarRow as BusinessCalendar, "calendar";
    queues, queue(QueueId): QueueRow as Queue, "queue";
    bot_rules, bot_rule(BotRuleId): BotRuleRow as BotRule, "bot rule";
    handoff_rules, handoff_rule(HandoffRuleId): HandoffRuleRow as HandoffRule, "handoff rule";
    automation_rules, automation_rule(AutomationRuleId): AutomationRuleRow as AutomationRule, "automation rule";
}

/// A personal macro is nobody else's business.
fn may_see(caller: &Agent, list: &Macro) -> bool {
    match list.visibility {
        MacroVisibility::Everyone => true,
        MacroVisibility::Personal => list.created_by == caller.user,
    }
}

async fn macros(caller: Agent, Fresh(tables): Fresh) -> Result<Json<List<Defined<Macro>>>, Problem> {
    let Json(mut list) = all::<MacroRow, Macro>(&caller, &tables).await?;
    list.data.retain(|defined| may_see(&caller, &defined.what));
    Ok(Json(list))
}

async fn each_macro(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<MacroId>,
) -> Result<Tagged<Defined<Macro>>, Problem> {
    let found = each::<MacroRow, Macro>(&caller, &tables, id, "macro").await?;
    if may_see(&caller, &found.what.what) { Ok(found) } else { Err(Problem::not_found("macro")) }
}

async fn bot_settings(caller: Agent, Fresh(tables): Fresh) -> Result<Json<BotSettings>, Problem> {
    let account = caller.account;
    let set = entry::<BotSettingsRow>(tables.readers(), account, &account).await.map_err(unreadable)?;
    Ok(Json(set.map_or_else(|| BotSettings::usual(account), |row| row.bot_settings.0)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Searched {
    /// `greetings`, `billing`, `closings`.
    #[serde(default)]
    category: Option<String>,
    /// `/greeting`
    #[serde(default)]
    short_code: Option<String>,
}

async fn canned_responses(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(searched): Query<Searched>,
) -> Result<Json<List<Defined<CannedResponse>>>, Problem> {
    let Json(mut list) = all::<CannedResponseRow, CannedResponse>(&caller, &tables).await?;
    list.data.retain(|defined| {
        let response = &defined.what;
        searched.category.as_ref().is_none_or(|category| response.category.as_ref() == Some(category))
            && searched.short_code.as_ref().is_none_or(|code| response.short_code == *code)
    });
    Ok(Json(list))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct For {
    /// Fills in the text for this conversation.
    #[serde(default)]
    conversation_id: Option<ConversationId>,
}

/// A canned response, and what it says in a conversation.
#[derive(Debug, Serialize, JsonSchema)]
struct FilledCannedResponse {
    #[serde(flatten)]
    canned_response: Defined<CannedResponse>,
    /// The text with its blanks filled in, where a conversation was named.
    rendered: Option<String>,
}

async fn canned_response(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<CannedResponseId>,
    Query(For { conversation_id }): Query<For>,
) -> Result<Tagged<FilledCannedResponse>, Problem> {
    let found = each::<CannedResponseRow, CannedResponse>(&caller, &tables, id, "canned response").await?;
    let mut rendered = None;
    if let Some(id) = conversation_id {
        let listed = details::conversation(tables.readers(), caller.account, id, None).await;
        let listed = listed.map_err(unreadable)?.ok_or_else(|| Problem::not_found("conversation"))?;
        let conversation = listed.conversation;
        let known = Known {
            contact_name: conversation.display_name.as_deref().unwrap_or(&conversation.contact_identifier),
            contact_identifier: &conversation.contact_identifier,
            agent_name: caller.name.as_deref().unwrap_or_default(),
        };
        rendered = Some(known.fill(&found.what.what.content));
    }
    let what = FilledCannedResponse { canned_response: found.what, rendered };
    Ok(Tagged { version: found.version, what })
}
