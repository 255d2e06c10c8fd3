//! Serves the agents' pages: the page at `/`, and its files below `/ui/<hash of their bytes>/`, which browsers keep for
//! ever. The files are built from `ui/` and part of the program (docs/ui.md).

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A built file, and the same file compressed.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

macro_rules! assets {
    ($($name:literal $content_type:literal)+) => {
        &[$(Asset {
            name: $name,
            content_type: $content_type,
            plain: include_bytes!(concat!("../../ui/dist/", $name)),
            gzip: include_bytes!(concat!("../../ui/dist/", $name, ".gz")),
            brotli: include_bytes!(concat!("../../ui/dist/", $name, ".br")),
        }),+]
    };
}

/// Every file of `ui/dist` except the page. A test compares it with the folder.
const ASSETS: &[Asset] = assets! {
    // Fetched by `app.js` when a person opens administration.
    "admin.js" "text/javascript; charset=utf-8"
    "app.css" "text/css; charset=utf-8"
    "app.js" "text/javascript; charset=utf-8"
};
const PAGE: &str = include_str!("../../ui/dist/index.html");
/// The folder that the build writes into the page, and the server replaces.
const BUILT_FOLDER: &str = "/ui/built/";

/// No script, style or connection but the program's own, and no page of others around it. Pictures, sounds and videos of
/// messages are at their providers' addresses.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data: https:; media-src https:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The paths below name the bytes, so they never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The routes of the pages. With a folder, the files are read from it for each request.
pub fn router(folder: Option<PathBuf>) -> Router {
    let hash = hash();
    let page = PAGE.replace(BUILT_FOLDER, &format!("/ui/{hash}/"));
    Router::new()
        .route("/", get(serve_page))
        .route("/ui/{*path}", get(serve_asset))
        .with_state(Arc::new(Pages { hash, page: Bytes::from(page), folder }))
}

struct Pages {
    hash: String,
    page: Bytes,
    folder: Option<PathBuf>,
}

/// The first half of the SHA-256 of the page and all files, as hexadecimal digits.
fn hash() -> String {
    let mut hash = Sha256::new();
    hash.update(PAGE);
    for asset in ASSETS {
        hash.update(asset.plain);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

async fn serve_page(State(pages): State<Arc<Pages>>, request: HeaderMap) -> Response {
    if let Some(folder) = &pages.folder {
        return from_disk(folder.join("index.html"), "text/html; charset=utf-8");
    }
    let tag = format!("\"{}\"", pages.hash);
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|tags| tags.split(',')).any(|known| known.trim() == tag);
    let tag = HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers, protection()).into_response();
    }
    (headers, typed("text/html; charset=utf-8"), protection(), pages.page.clone()).into_response()
}

async fn serve_asset(
    State(pages): State<Arc<Pages>>,
    Path(path): Path<String>,
    request: HeaderMap,
) -> Response {
    let Some((hash, name)) = path.split_once('/') else { return not_found() };
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else { return not_found() };
    if let Some(folder) = &pages.folder {
        return from_disk(folder.join(asset.name), asset.content_type);
    }
    if hash != pages.hash {
        return not_found();
    }
    let (coding, body) = if accepts(&request, "br") {
        (Some("br"), asset.brotli)
    } else if accepts(&request, "gzip") {
        (Some("gzip"), asset.gzip)
    } else {
        (None, asset.plain)
    };
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER)),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    let mut response =
        (headers, typed(asset.content_type), protection(), Bytes::from_static(body)).into_response();
    if let Some(coding) = coding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

fn from_disk(file: PathBuf, content_type: &'static str) -> Response {
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    match std::fs::read(file) {
        Ok(bytes) => (headers, typed(content_type), protection(), bytes).into_response(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => not_found(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, protection(), error.to_string()).into_response(),
    }
}

fn not_found() -> Response {
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (StatusCode::NOT_FOUND, headers, protection(), "No page has this address.\n").into_response()
}

/// Whether the browser takes this coding.
fn accepts(request: &HeaderMap, coding: &str) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|accepted| {
        let (name, weight) = accepted.split_once(';').unwrap_or((accepted, "q=1"));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}

fn typed(content_type: &'static str) -> [(HeaderName, HeaderValue); 1] {
    [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]
}

fn protection() -> [(HeaderName, HeaderValue); 3] {
    [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use std::collections::BTreeSet;
    use tower::ServiceExt;

    async fn get(path: &str, headers: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, Bytes) {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let response = router(None).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, axum::body::to_bytes(body, 10_000_000).await.unwrap())
    }

    #[test]
    fn the_table_has_every_built_file() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/dist");
        let built: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.ends_with(".br") && !name.ends_with(".gz") && name != "index.html")
            .collect();
        let served: BTreeSet<String> = ASSETS.iter().map(|asset| asset.name.to_owned()).collect();
        assert_eq!(built, served);
    }

    #[tokio::test]
    async fn the_page_names_files_that_browsers_keep_and_that_come_compressed() {
        let (status, headers, page) = get("/", &[]).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], CONTENT_SECURITY_POLICY);
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(!page.contains(BUILT_FOLDER));
        let (tag, known) = (headers[header::ETAG].to_str().unwrap(), header::IF_NONE_MATCH);
        assert_eq!(get("/", &[(known, tag)]).await.0, StatusCode::NOT_MODIFIED);
        for asset in ASSETS {
            let at = format!("/ui/{}/{}", hash(), asset.name);
            assert_eq!(page.contains(&at), asset.name != "admin.js", "{page}");
            for (accepted, coding, bytes) in [
                ("gzip, deflate, br", Some("br"), asset.brotli),
                ("gzip, br;q=0", Some("gzip"), asset.gzip),
                ("identity", None, asset.plain),
            ] {
                let (status, headers, body) = get(&at, &[(header::ACCEPT_ENCODING, accepted)]).await;
                assert_eq!(status, StatusCode::OK);
                let named = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap());
                assert_eq!((named, &body[..]), (coding, bytes));
                assert_eq!(headers[header::CACHE_CONTROL], FOR_EVER);
                assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            }
        }
    }

    #[tokio::test]
    async fn other_paths_and_hashes_are_not_found() {
        for path in ["/ui/app.js", "/ui/0123/app.js", "/ui/a/b/c", &format!("/ui/{}/other.js", hash())] {
            assert_eq!(get(path, &[]).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
