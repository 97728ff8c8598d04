//! Versions of what the API shows (RFC 9110 section 13): an `ETag` on the way out, `If-Match` on the way in, so that nobody
//! writes over what somebody else changed meanwhile.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::FromRequestParts;
use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use axum::response::{IntoResponse as _, Response};
use directory::Refusal;
use serde::Serialize;
use serde_json::Value;

use super::json;

/// The versions that the caller knows; nothing where it says nothing.
#[derive(Debug, Clone)]
pub(super) struct IfMatch(Option<String>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::IF_MATCH);
        Ok(Self(
            header.map(|header| header.to_str().unwrap_or_default().to_owned()),
        ))
    }
}

impl IfMatch {
    /// Refuses what is no longer as the caller knows it.
    ///
    /// # Errors
    /// [`Refusal::ChangedMeanwhile`].
    pub(super) fn check(&self, version: &str) -> Result<(), Refusal> {
        let Some(known) = &self.0 else { return Ok(()) };
        let is_this = |tag: &str| tag == "*" || tag.trim_matches('"') == version;
        if known.split(',').map(str::trim).any(is_this) {
            Ok(())
        } else {
            Err(Refusal::ChangedMeanwhile)
        }
    }

    /// The same for a setting, whose version is made of what it says.
    ///
    /// # Errors
    /// [`Refusal::ChangedMeanwhile`].
    pub(super) fn check_setting(&self, setting: &impl Serialize) -> Result<(), Refusal> {
        if self.0.is_none() {
            return Ok(());
        }
        self.check(&version_of(setting))
    }
}

/// The version of a setting.
pub(crate) fn version_of(setting: &impl Serialize) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(setting)
        .unwrap_or_default()
        .hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Refuses a form that was opened before somebody else changed what it is about; one that says nothing is taken.
///
/// # Errors
/// [`Refusal::ChangedMeanwhile`].
pub(crate) fn check_version(known: &str, setting: &impl Serialize) -> Result<(), Refusal> {
    if known.is_empty() || known == version_of(setting) {
        Ok(())
    } else {
        Err(Refusal::ChangedMeanwhile)
    }
}

/// An answer with its version.
pub(super) fn tagged(status: StatusCode, version: &str, shown: &Value) -> Response {
    let mut response = (status, json(shown.to_string())).into_response();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
