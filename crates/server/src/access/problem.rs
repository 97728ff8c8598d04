//! Why the management API has no other answer: problem details (RFC 9457), in one place.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use directory::Refusal;
use serde_json::json;

use crate::limits::Wait;

/// A status, a title that stays the same for its kind, and a sentence for the one who asked.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    /// Seconds after which it may be tried again.
    retry_after: Option<u32>,
    /// Whether the caller may be guessing keys.
    is_guess: bool,
}

impl Problem {
    /// Somebody asks too often.
    pub(crate) fn too_many(Wait(seconds): Wait) -> Self {
        let detail = format!("Too many requests; try again in {seconds} seconds.");
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests", detail)
        }
    }

    /// Somebody shows what is no API key here.
    pub(crate) fn guess(detail: &str) -> Self {
        Self {
            is_guess: true,
            ..Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", detail)
        }
    }

    pub(crate) fn is_guess(&self) -> bool {
        self.is_guess
    }

    pub(crate) fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title,
            detail: detail.into(),
            retry_after: None,
            is_guess: false,
        }
    }

    /// A member that the body must have.
    pub(crate) fn missing(name: &str) -> Self {
        Self::bad_request(format!("missing field `{name}`."))
    }

    /// The server's own fault; its log says more.
    pub(crate) fn failed() -> Self {
        let detail = "The server failed to carry out this request; its log has the reason.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Failed", detail)
    }

    /// What stays the same for its kind.
    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Seconds after which it may be tried again.
    pub(crate) fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// The sentence.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Bad request", detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, title) = match &refusal {
            Refusal::VoidCursor { .. } => (StatusCode::GONE, "Void cursor"),
            Refusal::VoidInvitation => (StatusCode::GONE, "Void invitation"),
            Refusal::ChangedMeanwhile => (StatusCode::PRECONDITION_FAILED, "Changed meanwhile"),
            refusal if refusal.is_unknown() => (StatusCode::NOT_FOUND, "Not found"),
            Refusal::Missing { .. } => (StatusCode::BAD_REQUEST, "Bad request"),
            refusal if refusal.is_usage() => (StatusCode::BAD_REQUEST, "Bad request"),
            _ => (StatusCode::CONFLICT, "Refused by a rule"),
        };
        Self::new(status, title, refusal.to_string())
    }
}

impl From<service::Error> for Problem {
    fn from(error: service::Error) -> Self {
        match error {
            service::Error::Refused(refusal) => refusal.into(),
            service::Error::Scim(error) => Self::bad_request(error.detail),
            service::Error::Store(error) => {
                tracing::error!(%error, "the database failed a request");
                match error {
                    store::Error::Busy | store::Error::Away { .. } | store::Error::Stopped => Self::new(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "Unavailable",
                        "The database is busy or cannot be reached; try again in a moment.",
                    ),
                    _ => Self::failed(),
                }
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (
            self.status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body.to_string(),
        )
            .into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}
