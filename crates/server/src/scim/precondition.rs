//! `If-Match` and `If-None-Match` (RFC 7644 section 3.14, RFC 9110 section 13). They are headers and nothing else: a
//! `meta.version` in a body is never one.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scim::{Error as ScimError, Kind};

use crate::app::App;

/// What a client knows of a resource.
#[derive(Debug, Clone, Default)]
pub(super) struct Precondition {
    must_match: Option<String>,
    must_not_match: Option<String>,
}

impl FromRequestParts<App> for Precondition {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self {
            must_match: joined(&parts.headers, &header::IF_MATCH),
            must_not_match: joined(&parts.headers, &header::IF_NONE_MATCH),
        })
    }
}

impl Precondition {
    /// Whether it asks for anything before a change.
    pub(super) fn is_any(&self) -> bool {
        self.must_match.is_some() || self.must_not_match.is_some()
    }

    /// Refuses a change of a resource that is at another version.
    ///
    /// # Errors
    /// SCIM's 412.
    pub(super) fn check(&self, version: &str) -> Result<(), ScimError> {
        // What a client cannot write, such as a user's groups, may have changed.
        let written = version.split('.').next().unwrap_or(version);
        let is_right = self.must_match.as_ref().is_none_or(|tags| {
            tags.split(',')
                .any(|tag| names(tag.split('.').next().unwrap_or(tag), written))
        }) && !self
            .must_not_match
            .as_ref()
            .is_some_and(|tags| names(tags, version));
        if is_right {
            return Ok(());
        }
        let detail = format!(
            "The resource is at version W/\"{version}\" now. Read it again, and send what is to change then."
        );
        Err(ScimError::new(Kind::PreconditionFailed, detail))
    }

    /// The answer to a read: the version beside it, or nothing but that where the client has it already.
    pub(super) fn answer(&self, version: &str, mut response: Response) -> Response {
        if self
            .must_not_match
            .as_ref()
            .is_some_and(|tags| names(tags, version))
        {
            response = StatusCode::NOT_MODIFIED.into_response();
        }
        with_version(version, response)
    }
}

/// The answer with its version.
pub(super) fn with_version(version: &str, mut response: Response) -> Response {
    if let Ok(tag) = HeaderValue::try_from(format!("W/\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Whether the list of tags names the version; weak and strong ones are alike (every version is its own).
fn names(tags: &str, version: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"') == version)
}
