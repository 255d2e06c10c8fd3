//! The caller of a request: a service that acts for the tenant in `X-Tenant-Id`.

use super::ConversationService;
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Parameter, Response};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use event_schemas::account::Permission;
use event_schemas::{AccountId, Credential, UserId};
use gate::{Authenticator, Caller, PlaceOfRequest, Problem, Role, describe_header};
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
    /// The tenant of a connection, which reads no tables in its own name.
    pub fn without_place(caller: Caller) -> Self {
        Self { caller, place: None }
    }

    pub fn into_caller(self) -> Caller {
        self.caller
    }

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
        let tenant = named_in(&parts.headers)?;
        let tenant = tenant.ok_or_else(|| unreadable("Every request needs `X-Tenant-Id`."))?;
        let caller = if service.trusts_tenant_header && !has_credentials(&parts.headers) {
            of_gateway(tenant).admit(parts).await?
        } else {
            choose_account(&mut parts.headers, tenant);
            <Caller as FromRequestParts<_>>::from_request_parts(parts, service).await?
        };
        let admitted = service.admit(caller, tenant)?;
        let place = PlaceOfRequest::of(parts, admitted.caller.account);
        Ok(Self { place, ..admitted })
    }
}

impl ConversationService {
    /// The service that a client of Socket.IO is. Its tenant is that of `X-Tenant-Id`, or else the one that it names, or
    /// the only account of its token.
    pub(super) async fn identify(
        &self,
        authenticator: &Authenticator,
        handshake: &HeaderMap,
        token: Option<&str>,
        named: Option<AccountId>,
    ) -> Result<Tenant, Problem> {
        let in_header = named_in(handshake)?;
        let tenant = in_header.or(named);
        let caller = match (token, in_header) {
            (Some(token), _) => {
                let account = tenant.map(|tenant| tenant.to_string());
                authenticator.identify_bearer(token, account.as_deref()).await?
            }
            (None, Some(tenant)) if self.trusts_tenant_header && !has_credentials(handshake) => {
                of_gateway(tenant)
            }
            (None, _) => {
                let mut headers = handshake.clone();
                if let Some(tenant) = tenant {
                    choose_account(&mut headers, tenant);
                }
                authenticator.identify(&Method::GET, &headers).await?
            }
        };
        caller.must_have(&[Permission::ConversationsRead, Permission::ConversationsWrite])?;
        let tenant = tenant.unwrap_or(caller.account);
        self.admit(caller, tenant)
    }

    fn admit(&self, caller: Caller, tenant: AccountId) -> Result<Tenant, Problem> {
        if caller.account != tenant {
            return Err(
                Problem::forbidden("`X-Tenant-Id` and `X-Account-Id` name different accounts.").field(TENANT)
            );
        }
        match caller.role {
            Role::Service => {}
            Role::Agent | Role::Supervisor | Role::Administrator | Role::Owner => {
                return Err(Problem::forbidden("This contract is for services."));
            }
        }
        if !self.accounts.include(tenant) {
            return Err(Problem::not_found("contract"));
        }
        Ok(Tenant::without_place(caller))
    }
}

fn unreadable(detail: &str) -> Problem {
    Problem::unreadable(detail).field(TENANT)
}

fn named_in(headers: &HeaderMap) -> Result<Option<AccountId>, Problem> {
    let Some(value) = headers.get(TENANT) else { return Ok(None) };
    let tenant = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    tenant.map(Some).ok_or_else(|| unreadable("`X-Tenant-Id` is not a UUID."))
}

fn has_credentials(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || headers.contains_key("x-user-id")
}

/// The gateway itself, which acts for this tenant.
fn of_gateway(tenant: AccountId) -> Caller {
    let caller = Caller::of(tenant, UserId(tenant.0), Role::Service, Credential::Gateway);
    Caller { name: Some("Conversation service".to_owned()), ..caller }
}

/// A token that names several accounts acts for the tenant. The account of a trusted gateway is its own header's.
fn choose_account(headers: &mut HeaderMap, tenant: AccountId) {
    let chooses = headers.contains_key(header::AUTHORIZATION) && !headers.contains_key(ACCOUNT);
    if let (true, Ok(account)) = (chooses, HeaderValue::from_str(&tenant.to_string())) {
        headers.insert(ACCOUNT, account);
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
