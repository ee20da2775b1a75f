//! The headers that keep the page isolated. They go on every response, errors and worker scripts included, because
//! a worker is held to the policy of its own response and not to the page's.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;

/// What the page may load and do. Everything is same-origin; wasm may be compiled; Monaco writes style elements and
/// starts a blob worker where it has no other; nothing may be framed, and nothing may frame the page.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    font-src 'self' data:; connect-src 'self'; frame-src 'none'; manifest-src 'self'; media-src 'none'; \
    object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FIXED: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), usb=(), serial=()",
    ),
];

/// Put the fixed headers, and `Strict-Transport-Security` where asked for, on a response.
pub(crate) fn protect(mut response: Response, hsts: bool) -> Response {
    put(response.headers_mut(), hsts);
    response
}

fn put(headers: &mut HeaderMap, hsts: bool) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if hsts {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
