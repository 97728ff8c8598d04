//! Time, chance and the one who acts come in as data, so that everything below is a function of its arguments.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{ConnectionId, TenantId};

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// An identity provider, by its connection.
    Connection {
        /// The connection.
        id: ConnectionId,
        /// Its name at the time.
        name: String,
    },
    /// A person with rights, by name; `command line` for whoever may run the program.
    Administrator(String),
    /// Provost itself.
    System,
}

impl Actor {
    /// The name that reports and events show.
    pub fn name(&self) -> &str {
        match self {
            Self::Connection { name, .. } | Self::Administrator(name) => name,
            Self::System => "Provost",
        }
    }
}

/// Fresh ids, drawn before the transaction begins: a transaction that is run again uses the same ones.
#[derive(Debug, Clone, Copy)]
pub struct Ids(Uuid);

impl Ids {
    /// Ids that follow `first`, a `UUIDv7`.
    pub fn from(first: Uuid) -> Self {
        Self(first)
    }

    /// The `n`th id, from 0.
    pub fn nth(&self, n: u32) -> Uuid {
        Uuid::from_u128(self.0.as_u128().wrapping_add(u128::from(n)))
    }

    /// The ids that follow the first one.
    #[must_use]
    pub fn after(&self) -> Self {
        Self(self.nth(1))
    }

    /// The first one, for those who need one.
    pub fn first(&self) -> Uuid {
        self.0
    }
}

/// What a request brings along.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The time that counts for this request.
    pub now: Timestamp,
    /// Who acts.
    pub actor: Actor,
    /// In which tenant.
    pub tenant: TenantId,
    /// Ties events and log lines to the request.
    pub request_id: Uuid,
    /// Fresh ids.
    pub ids: Ids,
}
