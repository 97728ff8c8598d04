//! The one place where a failure becomes a status and a body. What the client is told and what the log is told are two
//! things: a refusal's sentence may hold a person's data, so the log gets its kind alone.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use directory::Refusal;
use scim::{Error as ScimError, Kind};

use super::scim;
use crate::limits::Wait;

/// Seconds after which a client may try again.
const RETRY_AFTER: u32 = 5;

/// Why a request has no other answer.
#[derive(Debug)]
pub(super) struct Failure {
    told: ScimError,
    /// The sentence for the provisioning log, where it is another.
    kept: Option<String>,
    /// Seconds after which a client may try again, where that is known.
    retry_after: Option<u32>,
    /// Whether somebody showed what is no token here, and may be guessing.
    is_guess: bool,
}

/// Why a request was refused, as the provisioning log keeps it.
#[derive(Debug, Clone)]
pub(super) struct Reason {
    pub(super) detail: String,
    pub(super) scim_type: Option<&'static str>,
}

impl Failure {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        ScimError::new(kind, detail).into()
    }

    /// Somebody asks too often.
    pub(super) fn too_many(Wait(seconds): Wait) -> Self {
        let detail = format!("Too many requests; try again in {seconds} seconds.");
        Self {
            retry_after: Some(seconds),
            ..Self::new(Kind::TooManyRequests, detail)
        }
    }

    /// Somebody shows what is no token here.
    pub(super) fn guess(detail: &str) -> Self {
        Self {
            is_guess: true,
            ..Self::new(Kind::Unauthorized, detail)
        }
    }

    pub(super) fn is_guess(&self) -> bool {
        self.is_guess
    }
}

impl From<ScimError> for Failure {
    fn from(told: ScimError) -> Self {
        // A path or filter that it quotes may look at what is not kept.
        let kept = Some(without_values(&told.detail));
        Self {
            told,
            kept,
            retry_after: None,
            is_guess: false,
        }
    }
}

/// The sentence without what it quotes, but for a plain name, and without what stands in brackets.
fn without_values(detail: &str) -> String {
    let parts = detail.replace("\\\"", "'");
    let is_name = |part: &str| {
        let is_part = |letter: char| letter.is_alphanumeric() || ":._-/".contains(letter);
        part.chars().all(is_part)
    };
    let parts: Vec<_> = parts
        .split('"')
        .enumerate()
        .map(|(at, part)| {
            if at % 2 == 1 && !is_name(part) {
                "..."
            } else {
                part
            }
        })
        .collect();
    let (mut kept, mut is_inside) = (String::with_capacity(detail.len()), false);
    for letter in parts.join("\"").chars() {
        match letter {
            '[' => {
                is_inside = true;
                kept.push_str("[...");
            }
            ']' => {
                is_inside = false;
                kept.push(']');
            }
            _ if is_inside => {}
            letter => kept.push(letter),
        }
    }
    kept
}

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        match error {
            service::Error::Refused(refusal) => Self {
                told: ScimError::new(kind_of(&refusal), refusal.to_string()),
                kept: Some(refusal.for_the_log()),
                retry_after: None,
                is_guess: false,
            },
            service::Error::Scim(error) => error.into(),
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
        let kind = self.told.kind;
        tracing::info!(status = kind.status(), scim_type = kind.scim_type(), "refused");
        let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = scim(status, self.told.to_json().to_string());
        response.extensions_mut().insert(Reason {
            detail: self.kept.unwrap_or(self.told.detail),
            scim_type: kind.scim_type(),
        });
        let headers = response.headers_mut();
        match kind {
            Kind::Unauthorized => {
                drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            Kind::Unavailable | Kind::TooManyRequests => {
                let seconds = self.retry_after.unwrap_or(RETRY_AFTER);
                drop(headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds)));
            }
            _ => {}
        }
        response
    }
}
