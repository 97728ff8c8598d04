//! A request's body: a JSON object of a media type that SCIM knows, in time and within its size.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use scim::{Kind, Object, json};

use super::record::Draft;
use super::{Failure, MAX_BODY, MAX_GROUP_BODY};
use crate::app::App;

/// How long a client may take to send the body.
const TIME: Duration = Duration::from_secs(15);

/// The object in the body.
pub(super) struct Body(pub(super) Object);

impl FromRequest<App> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let draft = request.extensions().get::<Draft>().cloned();
        check_media_type(request.headers())?;
        let is_group = request.uri().path().contains("/Groups");
        let max = if is_group { MAX_GROUP_BODY } else { MAX_BODY };
        let received = tokio::time::timeout(TIME, Bytes::from_request(request, app)).await;
        let bytes = match received {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                let detail = format!("The body is larger than {max} bytes, which is the most here.");
                return Err(Failure::new(Kind::PayloadTooLarge, detail));
            }
            Ok(Err(_)) => return Err(Failure::new(Kind::InvalidSyntax, "The body broke off.")),
            Err(_) => {
                return Err(Failure::new(
                    Kind::RequestTimeout,
                    "The body did not arrive in time.",
                ));
            }
        };
        if let Some(draft) = draft {
            draft.has_body(&bytes);
        }
        Ok(Self(json::parse_object(&bytes)?))
    }
}

/// `application/scim+json` and `application/json`, with any parameters (server rule 1). A client that names none is
/// taken at its body's word.
fn check_media_type(headers: &HeaderMap) -> Result<(), Failure> {
    let Some(named) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let named = named.to_str().unwrap_or_default();
    let media_type = named.split(';').next().unwrap_or_default().trim();
    let is_known = [scim::MEDIA_TYPE, "application/json"]
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known));
    if is_known {
        return Ok(());
    }
    let detail = format!(
        "The body is of type {media_type:?}; send {} or application/json.",
        scim::MEDIA_TYPE
    );
    Err(Failure::new(Kind::UnsupportedMediaType, detail))
}
