//! Dry runs of bot rules over the past.

use super::AppState;
use super::bot_rules::check_references;
use super::merge_patch::{Members, merged};
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::dry_run::{DryRun, DryRunError, Span};
use domain::catalogue::{BotRules, Define, Rejection};
use domain::{Decide, Evolve};
use event_schemas::bot::{BotRule, BotRuleSpec};
use event_schemas::catalogue::Shape;
use event_schemas::{BotRuleId, Timestamp, UserId};
use gate::{Caller, Json, Problem, Supervisor, parse_value};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/bot-rules/dry-run",
        post_with(dry_run, |op| {
            op.id("dryRunBotRules").tag("bot").summary("Test bot rules on past messages").description(
                "The rules are evaluated for the customers' messages of the span, by the same code as in live \
                 operation. Nothing is stored. The acts of the live bot in the span are left out; the acts of people \
                 stay. A span contains at most 250,000 events.",
            )
        }),
    )
}

/// Draft rules, and a span of the past.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DryRunDraft")]
struct Draft {
    /// The rules to test. Absent for the account's own rules.
    #[serde(default)]
    rules: Option<Vec<DraftRule>>,
    from: Timestamp,
    until: Timestamp,
    /// The number of examples of each kind.
    #[serde(default = "five")]
    #[schemars(range(max = 100))]
    examples: usize,
}

fn five() -> usize {
    5
}

const MOST_EXAMPLES: usize = 100;
const MOST_RULES: usize = 1_000;

/// A rule to test: the fields of a new rule, and optionally the id of the rule that it would change.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
struct DraftRule(Members);

impl JsonSchema for DraftRule {
    fn schema_name() -> Cow<'static, str> {
        "DraftRule".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = BotRuleSpec::json_schema(generator);
        let id = generator.subschema_for::<Option<BotRuleId>>();
        if let Some(properties) = schema.ensure_object().get_mut("properties").and_then(Value::as_object_mut)
        {
            properties.insert("id".to_owned(), id.into());
        }
        schema
    }
}

impl DraftRule {
    fn rule(&self, index: usize, author: UserId) -> Result<BotRule, CommandProblem> {
        let Self(mut members) = self.clone();
        // Rules of the same priority are evaluated in the order of their ids.
        let id = match members.take("id") {
            None | Some(Value::Null) => BotRuleId::from_u128(index as u128 + 1),
            Some(id) => parse_value(id).map_err(|problem| problem.field("id"))?,
        };
        Ok(BotRule::of(id, author, merged::<BotRule>(Members::default(), &members)?))
    }
}

async fn dry_run(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    Json(draft): Json<Draft>,
) -> Result<Json<DryRun>, CommandProblem> {
    let account = caller.account;
    if draft.until <= draft.from {
        return Err(Problem::unprocessable("until", "The span must end after it begins.").into());
    }
    if draft.examples > MOST_EXAMPLES {
        return Err(Problem::unprocessable("examples", format!("At most {MOST_EXAMPLES}."))
            .with("limit", MOST_EXAMPLES)
            .into());
    }
    let catalogues = commands.bot_catalogues(account).await?;
    let rules = match &draft.rules {
        Some(drafts) => checked(&commands, &caller, drafts).await?,
        None => catalogues.rules.state.iter().cloned().collect(),
    };
    let playbook =
        catalogues.compile(&rules, catalogues.handoff_rules.state.iter(), &catalogues.settings())?;
    let span = Span { from: draft.from, until: draft.until };
    let _permit = commands.dry_runs.acquire().await.map_err(|_| Problem::internal())?;
    match commands.dry_run(account, Arc::new(playbook), span, draft.examples).await {
        Ok(report) => Ok(Json(report)),
        Err(DryRunError::TooManyEvents { limit }) => {
            let detail = format!("The span contains more than {limit} events: use a shorter one.");
            Err(Problem::unprocessable("until", detail).with("limit", limit).into())
        }
        Err(DryRunError::Load(error)) => Err(error.into()),
        Err(DryRunError::Panicked) => Err(Problem::internal().into()),
    }
}

/// The drafts as rules, each checked together with those before it, as when they are defined.
async fn checked(
    commands: &Commands,
    caller: &Caller,
    drafts: &[DraftRule],
) -> Result<Vec<BotRule>, CommandProblem> {
    if drafts.len() > MOST_RULES {
        return Err(Problem::unprocessable("rules", format!("At most {MOST_RULES}."))
            .with("limit", MOST_RULES)
            .into());
    }
    let mut defined = BotRules::default();
    for (index, draft) in drafts.iter().enumerate() {
        let with_index = |problem: CommandProblem| {
            let problem = Problem::from(problem);
            let field = format!("rules[{index}].{}", problem.field_name().unwrap_or_default());
            CommandProblem::from(problem.field(field))
        };
        let rule = draft.rule(index, caller.user).map_err(with_index)?;
        check_references(commands, caller.account, &rule.actions).await.map_err(with_index)?;
        if defined.get(rule.id).is_some() {
            return Err(
                Problem::unprocessable(format!("rules[{index}].id"), "Another rule has this id.").into()
            );
        }
        let events =
            Define(rule).decide(&defined, Timestamp::from_secs(0)).map_err(|refusal| match refusal {
                Rejection::Invalid { field, reason } => {
                    Problem::unprocessable(format!("rules[{index}].{field}"), format!("`{field}`: {reason}."))
                }
                Rejection::NameTaken { field, value } => Problem::unprocessable(
                    format!("rules[{index}].{field}"),
                    format!("Another rule has this {field}: '{value}'."),
                ),
                Rejection::NotFound | Rejection::ChangedMeanwhile { .. } => Problem::internal(),
            })?;
        events.iter().for_each(|event| defined.evolve(event, Timestamp::from_secs(0)));
    }
    Ok(defined.iter().cloned().collect())
}
