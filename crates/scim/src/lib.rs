//! SCIM 2.0, pure: schema tables (RFC 7643), attribute paths, filters, PATCH, lists, discovery and errors (RFC 7644).
//!
//! The rule this crate keeps: lenient in what it takes in, strict in what it gives out. It does no I/O, is not
//! asynchronous and reads no clock; whatever it is given, it answers with a value or with an [`Error`] that names
//! the place and says what to do.

pub mod discovery;
mod document;
mod error;
pub mod filter;
pub mod json;
pub mod list;
mod patch;
mod path;
mod projection;
mod redact;
pub mod schema;
mod search;
mod sort;
pub mod text;
pub mod time;

pub use document::{Admitted, is_absent};
pub use error::{Error, Kind};
pub use filter::Filter;
pub use patch::{MemberChange, Miss, Patch, Patched, member_ids};
pub use path::AttributePath;
pub use projection::Projection;
pub use redact::NOT_KEPT;
pub use schema::{Attribute, Schema, Schemas};
pub use search::Search;
pub use sort::{Order, Rank, Sort};

/// A JSON object in the order in which it is written.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// Media type of everything SCIM that Provost answers (RFC 7644 section 8.1).
pub const MEDIA_TYPE: &str = "application/scim+json";
