//! The caller of a request: a service that acts for the tenant in `X-Tenant-Id`.

use super::ConversationService;
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Parameter, Response};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use event_schemas::{AccountId, UserId};
use gate::{Caller, PlaceOfRequest, Problem, Role, describe_header};
use schemars::json_schema;
use std::ops::Deref;
use std::sync::Arc;

const TENANT: &str = "X-Tenant-Id";
const ACCOUNT: &str = "x-account-id";

/// A service that acts for an account which uses the contract.
pub struct Tenant {
    caller: Caller,
    place: Option<PlaceOfRequest>,
}

impl Tenant {
    /// Waits until the account may read the tables.
    pub async fn take_place(&self) {
        if let Some(place) = &self.place {
            place.take().await;
        }
    }
}

impl Deref for Tenant {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl FromRequestParts<Arc<ConversationService>> for Tenant {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<ConversationService>,
    ) -> Result<Self, Problem> {
        let tenant = tenant_id(parts)?;
        let caller = if service.trusts_tenant_header && !has_credentials(parts) {
            of_gateway(tenant).admit(parts).await?
        } else {
            authenticated(parts, service, tenant).await?
        };
        if !service.accounts.include(tenant) {
            return Err(Problem::not_found("contract"));
        }
        let place = PlaceOfRequest::of(parts, caller.account);
        Ok(Self { caller, place })
    }
}

fn tenant_id(parts: &Parts) -> Result<AccountId, Problem> {
    let refused = |detail: &str| Problem::unreadable(detail).field(TENANT);
    let value = parts.headers.get(TENANT).ok_or_else(|| refused("Every request needs `X-Tenant-Id`."))?;
    let tenant = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    tenant.ok_or_else(|| refused("`X-Tenant-Id` is not a UUID."))
}

fn has_credentials(parts: &Parts) -> bool {
    parts.headers.contains_key(header::AUTHORIZATION) || parts.headers.contains_key("x-user-id")
}

/// The gateway itself, which acts for this tenant.
fn of_gateway(tenant: AccountId) -> Caller {
    Caller {
        account: tenant,
        user: UserId(tenant.0),
        role: Role::Service,
        name: Some("Conversation service".to_owned()),
        until: None,
    }
}

/// The service whose token names the tenant.
async fn authenticated(
    parts: &mut Parts,
    service: &Arc<ConversationService>,
    tenant: AccountId,
) -> Result<Caller, Problem> {
    // A token that names several accounts acts for the tenant. The account of a trusted gateway is its own header's.
    let chooses = parts.headers.contains_key(header::AUTHORIZATION) && !parts.headers.contains_key(ACCOUNT);
    if let (true, Ok(account)) = (chooses, HeaderValue::from_str(&tenant.to_string())) {
        parts.headers.insert(ACCOUNT, account);
    }
    let caller = <Caller as FromRequestParts<_>>::from_request_parts(parts, service).await?;
    if caller.account != tenant {
        return Err(
            Problem::forbidden("`X-Tenant-Id` and `X-Account-Id` name different accounts.").field(TENANT)
        );
    }
    match caller.role {
        Role::Service => Ok(caller),
        Role::Agent | Role::Supervisor | Role::Administrator => {
            Err(Problem::forbidden("This contract is for services."))
        }
    }
}

impl OperationInput for Tenant {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        operation.security = vec![[("bearer".to_owned(), Vec::new())].into_iter().collect()];
        describe_header(
            operation,
            TENANT,
            "The account of the request. Behind a gateway that the configuration trusts it is enough; otherwise the \
             token must be a service's that names the account.",
            json_schema!({ "type": "string", "format": "uuid" }),
        );
        for parameter in operation.parameters.iter_mut().filter_map(|parameter| parameter.as_item_mut()) {
            if let Parameter::Header { parameter_data, .. } = parameter
                && parameter_data.name == TENANT
            {
                parameter_data.required = true;
            }
        }
    }

    fn inferred_early_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Response)> {
        gate::Agent::inferred_early_responses(ctx, operation)
    }
}
