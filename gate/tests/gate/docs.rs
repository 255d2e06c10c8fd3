use super::service::{Service, send_get};
use serde_json::Value;

async fn description() -> Value {
    send_get(&Service::default().build(), "/openapi.json", &[]).await.json()
}

#[tokio::test]
async fn the_description_names_every_parameter_of_every_path_with_its_type() {
    let api = description().await;
    assert_eq!((api["openapi"].as_str(), api["servers"][0]["url"].as_str()), (Some("3.1.0"), Some("/")));
    for (path, item) in api["paths"].as_object().unwrap() {
        let names: Vec<_> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        for operation in item.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let described: Vec<_> = parameters.iter().filter(|p| p["in"] == "path").collect();
            assert_eq!(described.iter().map(|p| p["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
            assert!(described.iter().all(|p| p["required"] == true));
        }
    }
    let parameters = |path: &str| api["paths"][path]["get"]["parameters"].clone();
    assert_eq!(parameters("/pairs/{account}/{number}")[1]["schema"]["type"], "integer");
    assert_eq!(parameters("/tuples/{first}/{second}")[0]["schema"]["format"], "uuid");
    assert!(!api.to_string().contains("x-path-schema"));
}

#[tokio::test]
async fn the_description_has_the_security_scheme_and_the_problem_schema() {
    let api = description().await;
    assert_eq!(api["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let guarded = &api["paths"]["/admins"]["get"];
    assert!(guarded["security"][0]["bearer"].is_array());
    for status in ["401", "403", "429", "default"] {
        let schema = &guarded["responses"][status]["content"]["application/problem+json"]["schema"];
        assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{status}");
    }
    assert!(api["paths"]["/things"]["post"].get("security").is_none());
    assert!(api["components"]["schemas"]["Problem"]["properties"]["type"].is_object());
}

/// The `src` and `href` URLs of a page.
fn linked_urls(html: &str) -> Vec<&str> {
    let after =
        |attribute: &'static str| html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
    after("src=\"").chain(after("href=\"")).collect()
}

#[tokio::test]
async fn the_docs_page_loads_nothing_from_other_hosts_and_has_no_inline_script() {
    let router = Service::default().build();
    let page = send_get(&router, "/docs", &[]).await;
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    let urls = linked_urls(&page.text);
    assert!(urls.iter().all(|url| url.starts_with("/docs/") || url.starts_with("data:")));
    assert!(!page.text.contains("<script>") && !page.text.contains("<style"));
    for url in urls.iter().filter(|url| url.starts_with('/')) {
        let asset = send_get(&router, url, &[]).await;
        assert!(asset.status == 200 && asset.text.len() > 50, "{url}");
    }

    let style = send_get(&router, "/docs/style.css", &[]).await.text;
    assert!(style.contains(".swagger-ui") && !style.contains("@import") && !style.contains("url(http"));
    let script = send_get(&router, "/docs/swagger-ui.js", &[]).await.text;
    assert!(
        script.contains("SwaggerUIBundle") && script.trim_end().ends_with(")));"),
        "the script is incomplete"
    );
    let start = send_get(&router, "/docs/start.js", &[]).await.text;
    assert!(start.contains("validatorUrl: null") && start.contains("/openapi.json"));
}

#[tokio::test]
async fn a_problems_type_can_be_opened() {
    let router = Service::default().build();
    let problem = send_get(&router, "/whoami", &[]).await.json();
    let url = problem["type"].as_str().unwrap();
    let explained = send_get(&router, url, &[]).await.json();
    assert_eq!((&explained["type"], &explained["status"]), (&problem["type"], &problem["status"]));
    let page = send_get(&router, url, &[("accept", "text/html,*/*")]).await;
    assert!(page.header("content-type").starts_with("text/html") && page.text.contains("Bearer"));
    let index = send_get(&router, "/problems", &[]).await.text;
    assert!(linked_urls(&index).contains(&url));
    send_get(&router, "/problems/nothing", &[]).await.is_problem(404, "not-found");
}
