//! What Provost means, pure: users, mappings, life cycle, settings, tokens, events.
//!
//! Every type here is valid by construction and every rule is a function of its arguments: no I/O, no clock, no
//! chance. A transition consumes the state that it leaves and may refuse with a [`Refusal`].

mod administrator;
mod alarm;
mod bytes;
mod context;
mod decide;
mod event;
mod exchange;
pub mod extension;
mod group;
mod ids;
mod key;
mod lifecycle;
mod mapping;
pub mod names;
mod refusal;
mod roles;
mod settings;
mod token;
mod user;

pub use administrator::{Administrator, Invitation, Password, SecondFactor, Session};
pub use alarm::Alarm;
pub use bytes::Bytes;
pub use context::{Actor, Ctx, Ids};
pub use decide::{Answer, Carries, Judged, Looked, Subject, Verdict, decide, judge};
pub use event::{Event, EventKind};
pub use exchange::{Exchange, ExchangeDetail, RefusedPerson};
pub use group::{Belonging, Group, Member, belongings_to_json};
pub use ids::{
    AdministratorId, AttributeId, ConnectionId, GroupId, KeyId, MappingId, ProfileId, SessionId, StorageId,
    TenantId, TokenId, UserId,
};
pub use jiff::Timestamp;
pub use key::ApiKey;
pub use lifecycle::{Cause, Hold, IdpState, Lifecycle, Mark, Override, Preservation, Status, Wait};
pub use mapping::{Condition, Decision, Mapping, Outcome, shadowed};
pub use refusal::{Refusal, Thing, UNMATCHED};
pub use roles::{Action, Role};
pub use settings::{
    CloudIdentity, Connection, ConnectionKind, DeclaredAttribute, Name, NoTarget, OrHold, Profile,
    Reclassify, Settings, Storage, Tenant,
};
pub use token::{Secret, TOKEN_DAYS, Token, TokenHash, TokenState};
pub use user::{Doubt, Facts, NameClaim, Pins, Placement, Record, User};

/// `at` as SCIM and the API write it: UTC, milliseconds, `Z` (RFC 3339).
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}
