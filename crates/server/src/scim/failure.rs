//! The one place where a failure becomes a status and a body. What the client is told and what the log is told are two
//! things: a refusal's sentence may hold a person's data, so the log gets its kind alone.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use directory::Refusal;
use scim::{Error as ScimError, Kind};

use super::scim;

/// Seconds after which a client may try again.
const RETRY_AFTER: u32 = 5;

/// Why a request has no other answer.
#[derive(Debug)]
pub(super) struct Failure(ScimError);

impl Failure {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self(ScimError::new(kind, detail))
    }
}

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Self {
        Self(error)
    }
}

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        match error {
            service::Error::Refused(refusal) => Self::new(kind_of(&refusal), refusal.to_string()),
            service::Error::Scim(error) => Self(error),
            service::Error::Store(error) => {
                tracing::error!(%error, "the database failed a request");
                match error {
                    store::Error::Busy => {
                        Self::new(Kind::Unavailable, "The database is busy; try again in a moment.")
                    }
                    store::Error::Away { .. } => Self::new(
                        Kind::Unavailable,
                        "The database cannot be reached; try again in a moment.",
                    ),
                    store::Error::Full { .. } => Self::new(
                        Kind::Unavailable,
                        "The database has no room left; its administrator must make some.",
                    ),
                    store::Error::OutcomeUnknown => Self::new(
                        Kind::Unavailable,
                        "The database was lost while this request was being written; look whether it was before repeating it.",
                    ),
                    store::Error::Stopped => Self::new(
                        Kind::Unavailable,
                        "The server is stopping; try again in a moment.",
                    ),
                    _ => Self::new(
                        Kind::Internal,
                        "The server failed to carry out this request; its log has the reason.",
                    ),
                }
            }
        }
    }
}

/// A business refusal is never 401, 403 or 404: identity providers take those for broken credentials or a broken
/// service, and stop the whole integration.
fn kind_of(refusal: &Refusal) -> Kind {
    match refusal {
        Refusal::UserNameTaken { .. }
        | Refusal::GroupNameTaken { .. }
        | Refusal::ExternalIdTaken { .. }
        | Refusal::EmailTaken { .. }
        | Refusal::DifferentPerson { .. } => Kind::Uniqueness,
        Refusal::HeldByAdministrator { .. } | Refusal::InactiveInIdp { .. } => Kind::Mutability,
        _ => Kind::InvalidValue,
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let kind = self.0.kind;
        tracing::info!(status = kind.status(), scim_type = kind.scim_type(), "refused");
        let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = scim(status, self.0.to_json().to_string());
        let headers = response.headers_mut();
        match kind {
            Kind::Unauthorized => {
                drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            Kind::Unavailable => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER))),
            _ => {}
        }
        response
    }
}
