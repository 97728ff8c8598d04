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
    Store(#[from] store::Error),
}
