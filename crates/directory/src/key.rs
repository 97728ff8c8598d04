//! API keys: what a program shows to the management API.

use jiff::Timestamp;

use crate::{KeyId, Name, Role};

/// What is kept of an API key; of its secret only the hash is.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Shown in lists, and named to revoke it.
    pub id: KeyId,
    /// What people call it; events name it as the one who acted.
    pub name: Name,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created: Timestamp,
    /// From then on it is no longer taken.
    pub expires: Timestamp,
    /// When an administrator ended it.
    pub revoked: Option<Timestamp>,
    /// When it was last taken, to the minute.
    pub last_used: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it opens anything at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}
