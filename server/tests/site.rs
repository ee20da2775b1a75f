//! The router in memory: what each kind of request gets, and the headers on all of them.
#![expect(clippy::unwrap_used, reason = "tests")]

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use server::{CONTENT_SECURITY_POLICY, Config, Options, app};
use tower::ServiceExt as _;

type Asked = (&'static str, &'static str, &'static [(&'static str, &'static str)], StatusCode);

struct Site {
    dir: tempfile::TempDir,
    config: Config,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files: [(&str, &str); 9] = [
            ("index.html", "<!doctype html>"),
            ("assets/app-12345678.js", "plain"),
            ("assets/app-12345678.js.br", "brotli"),
            ("assets/app-12345678.js.gz", "gzip"),
            ("workers/engine.js", "engine"),
            ("workers/engine_bg.wasm", "wasm"),
            ("models/minilm/model.int8.bin", "0123456789"),
            ("models/minilm/model.int8.bin.gz", "packed"),
            ("sample.zip", "zip"),
        ];
        for (name, contents) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, contents).unwrap();
        }
        let options = Options { dist: Some(dir.path().to_owned()), ..Options::default() };
        Self { config: Config::load(options).unwrap(), dir }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost:8787");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        app(&self.config).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        self.ask("GET", path, headers).await
    }
}

fn text<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn body(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn every_response_is_isolated_errors_and_workers_included() {
    let site = Site::new();
    let requests: [Asked; 9] = [
        ("GET", "/", &[], StatusCode::OK),
        ("GET", "/healthz", &[], StatusCode::OK),
        ("GET", "/workers/engine.js?v=1", &[], StatusCode::OK),
        ("GET", "/assets/missing.js", &[], StatusCode::NOT_FOUND),
        ("GET", "/%2e%2e/secret", &[], StatusCode::BAD_REQUEST),
        ("POST", "/", &[], StatusCode::METHOD_NOT_ALLOWED),
        ("DELETE", "/healthz", &[], StatusCode::METHOD_NOT_ALLOWED),
        (
            "GET",
            "/models/minilm/model.int8.bin",
            &[("range", "bytes=99-")],
            StatusCode::RANGE_NOT_SATISFIABLE,
        ),
        ("GET", "/", &[("host", "evil.example")], StatusCode::BAD_REQUEST),
    ];
    for (method, path, headers, status) in requests {
        let response = site.ask(method, path, headers).await;
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(text(&response, "content-security-policy"), CONTENT_SECURITY_POLICY, "{method} {path}");
        assert_eq!(text(&response, "cross-origin-opener-policy"), "same-origin");
        assert_eq!(text(&response, "cross-origin-embedder-policy"), "require-corp");
        assert_eq!(text(&response, "cross-origin-resource-policy"), "same-origin");
        assert_eq!(text(&response, "x-content-type-options"), "nosniff");
        assert_eq!(text(&response, "referrer-policy"), "no-referrer");
        assert!(text(&response, "permissions-policy").contains("camera=()"));
        assert_eq!(text(&response, "strict-transport-security"), "", "not on a loopback address");
        if !status.is_success() {
            let sentence = body(response).await;
            assert!(sentence.trim_end().ends_with('.'), "{sentence:?}");
        }
    }
}

#[test]
fn the_policy_is_the_one_that_was_verified_with_the_editor_and_the_workers() {
    assert_eq!(
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; \
         style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; \
         frame-src 'none'; manifest-src 'self'; media-src 'none'; object-src 'none'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
}

#[tokio::test]
async fn models_may_come_from_hosts_that_were_named_and_from_no_other() {
    let mut site = Site::new();
    site.config.model_hosts =
        ["https://a.example", "https://*.b.example"].map(|host| host.parse().unwrap()).to_vec();
    let response = site.get("/", &[]).await;
    let expected = CONTENT_SECURITY_POLICY
        .replace("connect-src 'self'", "connect-src 'self' https://a.example https://*.b.example");
    assert_eq!(text(&response, "content-security-policy"), expected);
}

#[tokio::test]
async fn a_foreign_host_name_is_refused() {
    let site = Site::new();
    let request = Request::builder().uri("/").header("host", "rebound.example").body(Body::empty()).unwrap();
    let response = app(&site.config).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST);
    assert!(body(response).await.contains("ALCOVE_HOSTS"));
}

#[tokio::test]
async fn encodings_are_negotiated() {
    let site = Site::new();
    let path = "/assets/app-12345678.js";
    for (accept, encoding, contents) in
        [("gzip, br", "br", "brotli"), ("gzip", "gzip", "gzip"), ("br;q=0.1, gzip;q=0.2", "gzip", "gzip")]
    {
        let response = site.get(path, &[("accept-encoding", accept)]).await;
        assert_eq!(text(&response, "content-encoding"), encoding);
        assert_eq!(text(&response, "vary"), "Accept-Encoding");
        assert_eq!(text(&response, "content-type"), "text/javascript; charset=utf-8");
        assert_eq!(text(&response, "content-length"), contents.len().to_string());
        assert_eq!(body(response).await, contents);
    }
    let plain = site.get(path, &[]).await;
    assert_eq!(text(&plain, "content-encoding"), "");
    assert_eq!(text(&plain, "vary"), "Accept-Encoding", "a cache must know that there are others");
    assert_eq!(body(plain).await, "plain");
}

#[tokio::test]
async fn caching_fits_the_kind_of_file() {
    let site = Site::new();
    let immutable = "public, max-age=31536000, immutable";
    for (path, expected) in [
        ("/", "no-cache"),
        ("/index.html", "no-cache"),
        ("/assets/app-12345678.js", immutable),
        ("/workers/engine.js?v=abc", "no-cache"),
        ("/workers/engine_bg.wasm?v=abc", "no-cache"),
        ("/models/minilm/model.int8.bin", "no-cache"),
        ("/models/minilm/model.int8.bin?sha256=00ff", immutable),
        ("/sample.zip", "no-cache"),
        ("/assets/missing.js", "no-store"),
        ("/healthz", "no-store"),
    ] {
        assert_eq!(text(&site.get(path, &[]).await, "cache-control"), expected, "{path}");
    }
}

#[tokio::test]
async fn an_unchanged_file_is_not_sent_again() {
    let site = Site::new();
    let path = "/assets/app-12345678.js";
    let first = site.get(path, &[("accept-encoding", "br")]).await;
    let etag = text(&first, "etag").to_owned();
    let again =
        site.get(path, &[("accept-encoding", "br"), ("if-none-match", &format!("\"x\", W/{etag}"))]).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(text(&again, "etag"), etag);
    assert_eq!(text(&again, "vary"), "Accept-Encoding");
    assert_eq!(body(again).await, "");
    let other = site.get(path, &[("if-none-match", &etag)]).await;
    assert_eq!(other.status(), StatusCode::OK, "each encoding has a tag of its own");

    std::fs::write(site.dir.path().join("assets/app-12345678.js.br"), "changed").unwrap();
    let changed = site.get(path, &[("accept-encoding", "br"), ("if-none-match", &etag)]).await;
    assert_eq!(body(changed).await, "changed");
}

#[tokio::test]
async fn parts_of_a_model_file_can_be_had() {
    let site = Site::new();
    let path = "/models/minilm/model.int8.bin";
    let part = site.get(path, &[("range", "bytes=2-4"), ("accept-encoding", "gzip")]).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(text(&part, "content-range"), "bytes 2-4/10");
    assert_eq!(text(&part, "content-length"), "3");
    assert_eq!(text(&part, "content-encoding"), "", "a part of the plain file");
    let etag = text(&part, "etag").to_owned();
    assert_eq!(body(part).await, "234");

    let same = site.get(path, &[("range", "bytes=-1"), ("if-range", &etag)]).await;
    assert_eq!(body(same).await, "9");
    let stale = site.get(path, &[("range", "bytes=-1"), ("if-range", "\"old\"")]).await;
    assert_eq!(stale.status(), StatusCode::OK);
    assert_eq!(body(stale).await, "0123456789");
    let behind = site.get(path, &[("range", "bytes=10-")]).await;
    assert_eq!(text(&behind, "content-range"), "bytes */10");
}

#[tokio::test]
async fn head_has_the_headers_and_no_body() {
    let site = Site::new();
    let response = site.ask("HEAD", "/models/minilm/model.int8.bin", &[]).await;
    assert_eq!(text(&response, "content-length"), "10");
    assert_eq!(body(response).await, "");
}

#[tokio::test]
async fn navigations_get_the_page_and_missing_files_do_not() {
    let site = Site::new();
    let html = ("accept", "text/html,*/*;q=0.8");
    for (path, headers, status) in [
        ("/some/view", vec![html, ("sec-fetch-mode", "navigate")], StatusCode::OK),
        ("/some/view", vec![html], StatusCode::OK),
        ("/some/view", vec![("accept", "*/*")], StatusCode::NOT_FOUND),
        ("/some/view", vec![html, ("sec-fetch-mode", "cors")], StatusCode::NOT_FOUND),
        ("/some/file.js", vec![html, ("sec-fetch-mode", "navigate")], StatusCode::NOT_FOUND),
        ("/assets/view", vec![html, ("sec-fetch-mode", "navigate")], StatusCode::NOT_FOUND),
        ("/workers/view", vec![html], StatusCode::NOT_FOUND),
        ("/models/view", vec![html], StatusCode::NOT_FOUND),
    ] {
        let response = site.get(path, &headers).await;
        assert_eq!(response.status(), status, "{path} {headers:?}");
    }
}

#[tokio::test]
async fn a_missing_build_is_said_and_not_served_as_an_empty_page() {
    let site = Site::new();
    std::fs::remove_file(site.dir.path().join("index.html")).unwrap();
    let page = site.get("/", &[]).await;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(body(page).await.contains("make build"));
    let health = site.get("/healthz", &[]).await;
    assert_eq!(health.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(body(health).await.contains("not built"));
}

#[tokio::test]
async fn health_is_json() {
    let response = Site::new().get("/healthz", &[]).await;
    assert_eq!(text(&response, "content-type"), "application/json");
    let value: serde_json::Value = serde_json::from_str(&body(response).await).unwrap();
    assert_eq!(value["status"], "ok");
}
