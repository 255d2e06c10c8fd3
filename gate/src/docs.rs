//! The API's description: OpenAPI 3.1, and a page to browse it that loads nothing from another host.

mod complete;

pub(crate) use complete::completed;

use crate::auth::session;
use crate::extract::PATH_SCHEMA;
use crate::problem::Kind;
use crate::stream_caller::SECURITY_SCHEME;
use aide::openapi::{
    ApiKeyLocation, Info, OpenApi, Operation, Parameter, ParameterData, ParameterSchemaOrContent, PathItem,
    PathStyle, ReferenceOr, SchemaObject, SecurityScheme, Server, Tag,
};
use aide::swagger::Swagger;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use schemars::Schema;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// The API's title, version and description, and the groups of its operations.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub title: String,
    pub version: String,
    pub description: String,
    /// Name and description of each group, in the order in which they are shown.
    pub tags: Vec<(&'static str, &'static str)>,
}

pub(crate) fn new_document(about: &About) -> OpenApi {
    let tags = about.tags.iter().map(|(name, description)| Tag {
        name: (*name).to_owned(),
        description: Some((*description).to_owned()),
        ..Tag::default()
    });
    OpenApi {
        info: Info {
            title: about.title.clone(),
            version: about.version.clone(),
            description: Some(about.description.clone()),
            ..Info::default()
        },
        // Relative to the host that served the description.
        servers: vec![Server { url: "/".to_owned(), ..Server::default() }],
        tags: tags.collect(),
        ..OpenApi::default()
    }
}

/// Adds the security scheme and the path parameters' names, which the routers do not know while they are
/// built.
pub(crate) fn complete_document(api: &mut OpenApi) {
    let scheme = SecurityScheme::Http {
        scheme: "bearer".to_owned(),
        bearer_format: Some("JWT".to_owned()),
        description: Some("An API key, or a JWT with `sub`, `accounts`, `role` and `exp`.".to_owned()),
        extensions: Default::default(),
    };
    let components = api.components.get_or_insert_default();
    components.security_schemes.insert("bearer".to_owned(), ReferenceOr::Item(scheme));
    let stream_token = SecurityScheme::ApiKey {
        location: ApiKeyLocation::Query,
        name: "token".to_owned(),
        description: Some("A token of `POST /v1/events/tokens`, which opens an event stream.".to_owned()),
        extensions: Default::default(),
    };
    components.security_schemes.insert(SECURITY_SCHEME.to_owned(), ReferenceOr::Item(stream_token));
    let session = SecurityScheme::ApiKey {
        location: ApiKeyLocation::Cookie,
        name: "__Host-verbatim-session".to_owned(),
        description: Some(
            "The session of a person, which `POST /v1/session` begins. A request that changes something also sends the \
             session's `csrf_token` as `X-CSRF-Token`."
                .to_owned(),
        ),
        extensions: Default::default(),
    };
    components.security_schemes.insert(session::SECURITY_SCHEME.to_owned(), ReferenceOr::Item(session));
    for (path, item) in api.paths.iter_mut().flat_map(|paths| paths.paths.iter_mut()) {
        if let ReferenceOr::Item(item) = item {
            operations(item).for_each(|operation| name_path_parameters(path, operation));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().filter_map(|method| method.as_mut())
}

/// Adds the path parameters to an operation: the route gives their names, the handler their types.
fn name_path_parameters(path: &str, operation: &mut Operation) {
    let schema = operation.extensions.shift_remove(PATH_SCHEMA).unwrap_or_default();
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for (index, name) in names.enumerate() {
        let own_schema = schema
            .pointer(&format!("/properties/{name}"))
            .or_else(|| schema.pointer(&format!("/items/{index}")))
            .or_else(|| schema.pointer(&format!("/prefixItems/{index}")))
            .unwrap_or(&schema);
        let json_schema = Schema::try_from(own_schema.clone()).unwrap_or_else(|_| json_string());
        let parameter = Parameter::Path {
            parameter_data: ParameterData {
                name: name.to_owned(),
                description: None,
                required: true,
                deprecated: None,
                format: ParameterSchemaOrContent::Schema(SchemaObject {
                    json_schema,
                    example: None,
                    external_docs: None,
                }),
                example: None,
                examples: Default::default(),
                explode: None,
                extensions: Default::default(),
            },
            style: PathStyle::Simple,
        };
        operation.parameters.push(ReferenceOr::Item(parameter));
    }
}

fn json_string() -> Schema {
    schemars::json_schema!({ "type": "string" })
}

/// Script and style of the Swagger UI page that aide contains. That page has both inline, which a strict
/// Content-Security-Policy forbids, and calls a validator on another host.
struct Assets {
    style: Bytes,
    script: Bytes,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let page = Bytes::from(Swagger::new("/openapi.json").html());
    let between = |open: &str, close: &str| {
        let text = std::str::from_utf8(&page).unwrap_or_default();
        let start = text.find(open).map(|at| at + open.len());
        let end = start.and_then(|start| text.get(start..)?.find(close).map(|length| start + length));
        start.zip(end).map(|(start, end)| page.slice(start..end)).unwrap_or_default()
    };
    Assets { style: between("<style>", "</style>"), script: between("<script>", "</script>") }
});

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Verbatim API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"#;

/// `validatorUrl` is null because by default the page sends the description to a validator on the internet.
const START: &str = r##"SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  layout: "BaseLayout",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"##;

const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(crate) fn routes(
    document: Bytes,
    others: Vec<(&'static str, Bytes)>,
    problems: Arc<[&'static Kind]>,
) -> axum::Router {
    let all = problems.clone();
    let others = others.into_iter().fold(axum::Router::new(), |routes, (path, document)| {
        routes.route(path, get(async move || asset("application/json", document.clone())))
    });
    others
        .route("/openapi.json", get(async move || asset("application/json", document.clone())))
        .route("/docs", get(async || page(PAGE)))
        .route("/docs/style.css", get(async || asset("text/css; charset=utf-8", ASSETS.style.clone())))
        .route(
            "/docs/swagger-ui.js",
            get(async || asset("text/javascript; charset=utf-8", ASSETS.script.clone())),
        )
        .route("/docs/start.js", get(async || asset("text/javascript; charset=utf-8", START)))
        .route("/problems", get(async move || page(problem_index(&problems))))
        .route(
            "/problems/{name}",
            get(async move |crate::Path(name): crate::Path<String>, headers: HeaderMap| {
                let kind = all.iter().find(|kind| kind.name == name);
                kind.map(|kind| problem_page(kind, &headers))
                    .ok_or_else(|| crate::Problem::not_found("problem"))
            }),
        )
}

fn asset(kind: &'static str, body: impl Into<Bytes>) -> Response {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body.into()).into_response()
}

fn page(html: impl Into<String>) -> Response {
    ([(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)], Html(html.into())).into_response()
}

fn problem_index(problems: &[&'static Kind]) -> String {
    let items = problems.iter().map(|kind| {
        format!(
            "<li><a href=\"/problems/{name}\">{name}</a> ({status}): {title}</li>\n",
            name = kind.name,
            status = kind.status.as_u16(),
            title = kind.title
        )
    });
    html_page("Problems", &format!("<ul>\n{}</ul>", items.collect::<String>()))
}

/// The explanation of a kind of problem: HTML for a browser that opens the problem's `type`, JSON for a
/// program.
fn problem_page(kind: &'static Kind, headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        let status = kind.status.as_u16();
        return page(html_page(kind.title, &format!("<p>Status {status}.</p>\n<p>{}</p>", kind.explanation)));
    }
    let body: Value = json!({
        "type": format!("/problems/{}", kind.name),
        "title": kind.title,
        "status": kind.status.as_u16(),
        "explanation": kind.explanation,
    });
    axum::Json(body).into_response()
}

/// A page with this title and body. Nothing is escaped: all texts are constants of the program, written as
/// HTML.
fn html_page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         </head>\n<body>\n<h1>{title}</h1>\n{body}\n<p><a href=\"/problems\">All problems</a></p>\n\
         </body>\n</html>\n"
    )
}
