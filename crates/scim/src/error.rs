//! One table from what went wrong to what the client is told (RFC 7644 section 3.12, tables 8 and 9).

use serde_json::{Value, json};

/// URN of the error message (RFC 7644 section 3.12).
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// What went wrong, as a client can tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The filter does not parse or cannot be evaluated.
    InvalidFilter,
    /// The filter would make the server look at more resources than it is willing to.
    TooMany,
    /// A value that must be unique is taken.
    Uniqueness,
    /// A read-only attribute, or a state that this client may not change.
    Mutability,
    /// The body is no JSON or not of the message's form.
    InvalidSyntax,
    /// The path of a PATCH operation does not parse.
    InvalidPath,
    /// The path of a PATCH operation points at nothing.
    NoTarget,
    /// A required value is missing, of the wrong type, or refused by a rule.
    InvalidValue,
    /// No, unknown, expired or revoked credentials.
    Unauthorized,
    /// No such resource or endpoint.
    NotFound,
    /// The endpoint has no such method.
    MethodNotAllowed,
    /// The request did not arrive in time.
    RequestTimeout,
    /// The resource is not at the version that the request asks for.
    PreconditionFailed,
    /// The body is larger than the endpoint takes.
    PayloadTooLarge,
    /// The body is not of a media type that SCIM knows.
    UnsupportedMediaType,
    /// Somebody asks too often.
    TooManyRequests,
    /// The server failed; the log has the reason, the client does not.
    Internal,
    /// Defined by the protocol, and not offered here.
    NotImplemented,
    /// The server cannot answer just now.
    Unavailable,
}

impl Kind {
    /// HTTP status: always 4xx or 5xx.
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// `scimType`, for those kinds that the RFC gives one.
    pub const fn scim_type(self) -> Option<&'static str> {
        self.row().1
    }

    const fn row(self) -> (u16, Option<&'static str>) {
        match self {
            Self::InvalidFilter => (400, Some("invalidFilter")),
            Self::TooMany => (400, Some("tooMany")),
            Self::Uniqueness => (409, Some("uniqueness")),
            Self::Mutability => (400, Some("mutability")),
            Self::InvalidSyntax => (400, Some("invalidSyntax")),
            Self::InvalidPath => (400, Some("invalidPath")),
            Self::NoTarget => (400, Some("noTarget")),
            Self::InvalidValue => (400, Some("invalidValue")),
            Self::Unauthorized => (401, None),
            Self::NotFound => (404, None),
            Self::MethodNotAllowed => (405, None),
            Self::RequestTimeout => (408, None),
            Self::PreconditionFailed => (412, None),
            Self::PayloadTooLarge => (413, None),
            Self::UnsupportedMediaType => (415, None),
            Self::TooManyRequests => (429, None),
            Self::Internal => (500, None),
            Self::NotImplemented => (501, None),
            Self::Unavailable => (503, None),
        }
    }
}

/// An answer that refuses: the kind for the program, the detail for the person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// What went wrong.
    pub kind: Kind,
    /// A sentence that the identity provider's administrator can act on.
    pub detail: String,
    /// The place in a filter where it cannot be read, in characters from 1.
    pub position: Option<usize>,
}

impl Error {
    /// An error of `kind`, with a `detail` that says what to do.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            position: None,
        }
    }

    /// The same about a place in a filter.
    #[must_use]
    pub fn at(self, position: usize) -> Self {
        Self {
            position: Some(position),
            ..self
        }
    }

    /// The error message as it goes over the wire; `status` is a string, as the RFC has it.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "schemas": [SCHEMA],
            "status": self.kind.status().to_string(),
            "detail": self.detail,
        });
        if let Some(scim_type) = self.kind.scim_type() {
            body["scimType"] = scim_type.into();
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_a_string_and_scim_type_only_where_the_rfc_has_one() {
        let refused = Error::new(Kind::Uniqueness, "taken").to_json();
        assert_eq!(refused["status"], "409");
        assert_eq!(refused["scimType"], "uniqueness");
        assert!(
            Error::new(Kind::NotFound, "gone")
                .to_json()
                .get("scimType")
                .is_none()
        );
    }
}
