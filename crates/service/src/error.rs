//! What a service answers when it does not do what was asked.

use directory::Refusal;

/// A refusal, a malformed request, or a failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request is not as SCIM has it.
    #[error(transparent)]
    Scim(#[from] scim::Error),
    /// The store failed.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::TooLarge { bytes, max } => Refusal::TooLarge { bytes, max }.into(),
            store::Error::TooLong { attribute } => Refusal::TooLong {
                attribute,
                max: store::users::MAX_KEY,
            }
            .into(),
            other => Self::Store(other),
        }
    }
}
