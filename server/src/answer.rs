//! One type for every request that is not answered with a file: a status and a sentence for a person.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Why there is no file, in a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The path is not one that a file of ours could have.
    #[error("This address is not valid. Open Alcove at its start page, /.")]
    BadPath,
    /// No such file.
    #[error("There is nothing at this address. If Alcove was just updated, reload the page.")]
    NotFound,
    /// The folder has no page in it.
    #[error("Alcove is not built yet. Run “make build” in its folder, then reload.")]
    NotBuilt,
    /// Reading failed.
    #[error("A file of Alcove could not be read. The server's log says why.")]
    Unreadable,
    /// Something else than GET or HEAD.
    #[error("Only GET and HEAD are answered here.")]
    Method,
    /// The request names no host, or several.
    #[error("The request does not say which host it is for.")]
    NoHost,
    /// The request names a host that is not ours.
    #[error(
        "This server does not answer to that host name. Open it as localhost, or add the name with --host or ALCOVE_HOSTS."
    )]
    ForeignHost,
    /// A range behind the end of a file of this many bytes.
    #[error("The requested range lies outside the file.")]
    Range {
        /// Length of the file in bytes.
        len: u64,
    },
}

impl Refusal {
    /// The HTTP status that goes with it.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadPath | Self::NoHost => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotBuilt => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreadable => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Range { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), format!("{self}\n")).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::Method => {
                headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            Self::Range { len } => {
                if let Ok(value) = HeaderValue::try_from(format!("bytes */{len}")) {
                    headers.insert(header::CONTENT_RANGE, value);
                }
            }
            _ => {}
        }
        response
    }
}
