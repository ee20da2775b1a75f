//! The headers that keep the page isolated. They go on every response, errors and worker scripts included, because
//! a worker is held to the policy of its own response and not to the page's.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use crate::Config;

/// What the page may load and do. Everything is same-origin; wasm may be compiled; Monaco writes style elements and
/// starts a blob worker where it has no other; nothing may be framed, and nothing may frame the page.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    font-src 'self' data:; connect-src 'self'; frame-src 'none'; manifest-src 'self'; media-src 'none'; \
    object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const FIXED: [(HeaderName, &str); 6] = [
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

/// What goes on every response of a server.
#[derive(Clone, Debug)]
pub(crate) struct Protection {
    policy: HeaderValue,
    hsts: bool,
}

impl Protection {
    /// As configured: with hosts that models may be downloaded from, the page may fetch from those as well.
    pub(crate) fn new(config: &Config) -> Self {
        let hosts: String = config.model_hosts.iter().map(|host| format!(" {}", host.0)).collect();
        let policy =
            CONTENT_SECURITY_POLICY.replacen("connect-src 'self'", &format!("connect-src 'self'{hosts}"), 1);
        // A host that could end the directive was refused with the configuration.
        let policy =
            HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
        Self { policy, hsts: config.hsts }
    }

    /// Put the headers, and `Strict-Transport-Security` where asked for, on a response.
    pub(crate) fn put_on(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        for (name, value) in FIXED {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if self.hsts {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        response
    }
}
