//! The router: health, files, and the page for addresses that a person navigates to.

use std::io::SeekFrom;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::files::{Located, content_type, locate};
use crate::negotiate::{Encoding, RangeAsked, choose_encoding, names_etag, parse_range};
use crate::{Config, Hosts, Refusal, headers};

/// Bytes read from disk at a time.
const READ_BYTES: usize = 128 * 1024;
/// A file name with its hash in it never changes.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Kept, but asked about every time.
const REVALIDATE: &str = "no-cache";

/// What every request needs; cheap to clone.
#[derive(Clone)]
struct Site(Arc<Inner>);

struct Inner {
    dist: PathBuf,
    hosts: Hosts,
    protection: headers::Protection,
    started: Instant,
}

/// The whole server over the folder in `config`, without sockets.
pub fn app(config: &Config) -> Router {
    let site = Site(Arc::new(Inner {
        dist: config.dist.clone(),
        hosts: Hosts::new(config),
        protection: headers::Protection::new(config),
        started: Instant::now(),
    }));
    Router::new()
        .route("/healthz", get(health))
        .method_not_allowed_fallback(|| async { Refusal::Method })
        .fallback(file)
        .layer(from_fn_with_state(site.clone(), around))
        .with_state(site)
}

/// Around everything: the host check, the headers, one log line.
async fn around(State(site): State<Site>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = match site.0.hosts.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let response = site.0.protection.put_on(response);
    let status = response.status().as_u16();
    let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
    if status >= 500 {
        tracing::error!(%method, path, status, elapsed_ms, "request");
    } else if status >= 400 {
        tracing::info!(%method, path, status, elapsed_ms, "request");
    } else {
        tracing::debug!(%method, path, status, elapsed_ms, "request");
    }
    response
}

/// Whether the server can do its work, for people and probes.
async fn health(State(site): State<Site>) -> Response {
    let built = site.0.dist.join("index.html").is_file();
    let status = if built { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = Json(serde_json::json!({
        "status": if built { "ok" } else { "not built" },
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_s": site.0.started.elapsed().as_secs(),
    }));
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}

async fn file(State(site): State<Site>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return Refusal::Method.into_response();
    }
    match answer(&site, &method, &uri, &headers).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(site: &Site, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Response, Refusal> {
    // The folder may appear or be swapped while the server runs, so it is resolved each time.
    let root = site.0.dist.canonicalize().map_err(|_| Refusal::NotBuilt)?;
    let located = match locate(&root, uri.path()) {
        Ok(located) => located,
        Err(Refusal::NotFound) if is_navigation(uri.path(), headers) => {
            locate(&root, "/").map_err(|_| Refusal::NotBuilt)?
        }
        Err(refusal) => return Err(refusal),
    };
    send(&located, method, uri, headers).await
}

/// A person opening an address of the page, as opposed to the page asking for a file that is missing.
fn is_navigation(path: &str, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let wants_page = text(header::ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    let navigates = text(header::HeaderName::from_static("sec-fetch-mode")).is_none_or(|m| m == "navigate");
    let looks_like_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let reserved = ["/assets/", "/workers/", "/models/"].iter().any(|prefix| path.starts_with(prefix));
    path == "/" || (wants_page && navigates && !looks_like_file && !reserved)
}

async fn send(
    located: &Located,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let packed = |encoding: Encoding| {
        let mut path = located.path.clone().into_os_string();
        path.push(encoding.ending());
        PathBuf::from(path)
    };
    let there: Vec<Encoding> = [Encoding::Brotli, Encoding::Gzip]
        .into_iter()
        .filter(|&encoding| std::fs::symlink_metadata(packed(encoding)).is_ok_and(|meta| meta.is_file()))
        .collect();
    // Parts are parts of the plain file, so that a download can be continued with any encoding.
    let asked_part = text(header::RANGE);
    let encoding = match asked_part {
        Some(_) => Encoding::Identity,
        None => choose_encoding(text(header::ACCEPT_ENCODING), &there),
    };
    let path = packed(encoding);
    let unreadable = |err: std::io::Error| {
        tracing::error!(path = %path.display(), %err, "a file could not be read");
        Refusal::Unreadable
    };
    let mut file = tokio::fs::File::open(&path).await.map_err(unreadable)?;
    let meta = file.metadata().await.map_err(unreadable)?;
    let etag = etag(&meta, encoding);
    let len = meta.len();

    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    let etag_value = HeaderValue::try_from(etag.as_str()).map_err(|_| Refusal::Unreadable)?;
    out.insert(header::ETAG, etag_value);
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control(&located.name, uri)));
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if !there.is_empty() {
        out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    if text(header::IF_NONE_MATCH).is_some_and(|list| names_etag(list, &etag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(&located.name)));
    if let Some(token) = encoding.token() {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(token));
    }
    let fresh = text(header::IF_RANGE).is_none_or(|known| known == etag);
    let (start, length) = match parse_range(asked_part.filter(|_| fresh), len) {
        RangeAsked::Whole => (0, len),
        RangeAsked::Unsatisfiable => return Err(Refusal::Range { len }),
        RangeAsked::Part { start, end } => {
            let value = HeaderValue::try_from(format!("bytes {start}-{end}/{len}"));
            out.insert(header::CONTENT_RANGE, value.map_err(|_| Refusal::Unreadable)?);
            file.seek(SeekFrom::Start(start)).await.map_err(unreadable)?;
            (start, end - start + 1)
        }
    };
    out.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if out.contains_key(header::CONTENT_RANGE) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    debug_assert!(start + length <= len);
    if method != Method::HEAD {
        *response.body_mut() = Body::from_stream(ReaderStream::with_capacity(file.take(length), READ_BYTES));
    }
    Ok(response)
}

/// Changes whenever the file does; the build writes each file once and moves it into place.
fn etag(meta: &std::fs::Metadata, encoding: Encoding) -> String {
    let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let stamp = modified.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let suffix = encoding.token().unwrap_or("id");
    format!("\"{:x}-{stamp:x}-{suffix}\"", meta.len())
}

/// How long a browser may keep a file without asking.
fn cache_control(name: &str, uri: &Uri) -> &'static str {
    let pinned = |query: &str| query.split('&').any(|pair| pair.starts_with("sha256="));
    if name.starts_with("assets/") || (name.starts_with("models/") && uri.query().is_some_and(pinned)) {
        IMMUTABLE
    } else {
        REVALIDATE
    }
}
