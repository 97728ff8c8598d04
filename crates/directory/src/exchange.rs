//! Exchanges: what an identity provider sent and what it was answered, as the provisioning log keeps it; and the people whom
//! a refusal keeps out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ConnectionId, TenantId, UserId};

/// One SCIM request and its answer. It holds no secret and no undeclared attribute's value.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request's number; events and log lines have it too.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// Which connection's token it showed.
    pub connection: ConnectionId,
    /// The user whom it is about, where there is one.
    pub user: Option<UserId>,
    /// The `userName` that its body carries, as it was sent.
    pub user_name: Option<String>,
    /// HTTP status of the answer.
    pub status: u16,
    /// The rest.
    pub detail: ExchangeDetail,
}

/// What is only read, and never searched.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeDetail {
    /// When the request came.
    pub at: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path below the SCIM base, with its query.
    pub path: String,
    /// Microseconds until the answer was ready.
    pub micros: u64,
    /// The address that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `User-Agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// SCIM's word for that (RFC 7644 section 3.12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scim_type: Option<String>,
    /// What was not as the identity provider may think, though it was not refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Bytes of the body, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u64>,
    /// The body, redacted; left out where it is none that can be read, or too large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<scim::Object>,
    /// Whether the person was purged since, and with them what this held.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub purged: bool,
}

impl Exchange {
    /// Whether the answer says no.
    pub fn is_refused(&self) -> bool {
        self.status >= 400
    }
}

impl ExchangeDetail {
    /// What stays when the person is purged: that there was a request.
    #[must_use]
    pub fn forgotten(self) -> Self {
        let path = self.path.split('?').next().unwrap_or_default().to_owned();
        Self {
            at: self.at,
            method: self.method,
            path,
            micros: self.micros,
            address: None,
            agent: None,
            reason: None,
            scim_type: self.scim_type,
            notes: Vec::new(),
            body_bytes: self.body_bytes,
            body: None,
            purged: true,
        }
    }
}

/// A person whom a refusal keeps out, or whose change was refused, until a later request goes through.
#[derive(Debug, Clone)]
pub struct RefusedPerson {
    /// The first exchange that was refused; names this row.
    pub id: Uuid,
    /// Which connection sent the person.
    pub connection: ConnectionId,
    /// The user, where there is one already.
    pub user: Option<UserId>,
    /// The `userName` as it was sent last; empty where only the user's id was.
    pub user_name: String,
    /// When it was refused first.
    pub since: Timestamp,
    /// When it was refused last.
    pub last: Timestamp,
    /// How often.
    pub times: u64,
    /// The last exchange.
    pub exchange: Uuid,
    /// HTTP status of the last answer.
    pub status: u16,
    /// Why, in the last answer.
    pub reason: String,
}
