//! What a program sends: a JSON object with what the endpoint knows and nothing else, so that a misspelled name is an error
//! and no change.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::access::problem::Problem;
use crate::app::App;

/// The body; an empty one is an empty object.
pub(super) struct Input<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, app).await.map_err(|error| {
            let status = error.status();
            let title = if status == StatusCode::PAYLOAD_TOO_LARGE {
                "Too large"
            } else {
                "Bad request"
            };
            Problem::new(status, title, error.body_text())
        })?;
        let text = if bytes.is_empty() { b"{}" } else { &bytes[..] };
        let object = scim::json::parse_object(text).map_err(|error| Problem::bad_request(error.detail))?;
        let input = serde_json::from_value(serde_json::Value::Object(object));
        // What serde says of a value could hold it; its path and kind are all that is told.
        input
            .map(Self)
            .map_err(|error| Problem::bad_request(told(&error)))
    }
}

/// The parameters of the query; one that the endpoint does not know is an error, and not a list of everybody.
pub(super) struct Asking<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asking<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => {
                let text = error.body_text();
                let unknown = text.find("unknown field").map(|at| format!("{}.", &text[at..]));
                Err(Problem::bad_request(unknown.unwrap_or_else(|| {
                    "A parameter of the query is not what this endpoint takes; docs/api.md shows them."
                        .to_owned()
                })))
            }
        }
    }
}

/// The name in the path.
pub(super) struct Named(pub(super) String);

impl FromRequestParts<App> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, app).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::bad_request(
                "The name in the path is not valid UTF-8, percent-encoded.",
            )),
        }
    }
}

/// The names that it knows, or what it wants: never a value.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("unknown field") || text.starts_with("missing field") {
        return format!("{text}.");
    }
    "A value of the body has not the type that this endpoint takes; docs/api.md shows it.".to_owned()
}
