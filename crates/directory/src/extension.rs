//! The read-only extension that shows an identity provider what Provost made of a user.

use std::fmt::Write as _;

use scim::schema::{Attribute, Schema, Type};

use crate::{Record, Settings, rfc3339};

/// URN of the extension.
pub const DIRECTORY: &str = "urn:provost:params:scim:schemas:extension:directory:2.0:User";

/// The extension's schema.
pub fn schema() -> Schema {
    let text = |name: &'static str, description: &'static str| {
        Attribute::new(name, Type::String, description)
            .read_only()
            .case_exact()
    };
    Schema {
        id: DIRECTORY.into(),
        name: "DirectoryUser".into(),
        description: "What Provost made of the user; written by Provost alone".into(),
        attributes: vec![
            text("status", "active, held or preserved"),
            text("preservedBy", "Who preserved the account"),
            Attribute::new(
                "preservedAt",
                Type::DateTime,
                "Since when the account is preserved",
            )
            .read_only(),
            text("profile", "Name of the user's profile"),
            text("storage", "Name of the user's storage"),
            Attribute::new(
                "quota",
                Type::Integer,
                "Bytes that the user may use; 0 is unlimited",
            )
            .read_only(),
            text(
                "mapping",
                "Name, at the time, of the mapping that placed the user",
            ),
            text("managedBy", "Name of the connection that manages the user"),
            text("accountName", "The user's name in the product behind Provost"),
        ],
    }
}

/// Writes the extension's object for `record` to the end of `json`.
pub(crate) fn write(record: &Record, settings: &Settings, json: &mut String) {
    let facts = &record.facts;
    // Writing to a string cannot fail.
    let _ = write!(json, "{{\"status\":\"{}\"", facts.lifecycle.status().name());
    if let Some(preservation) = facts.lifecycle.preservation() {
        member(json, "preservedBy", &preservation.by);
        member(json, "preservedAt", &rfc3339(preservation.at));
    }
    if let Some(profile) = facts.placement.profile.and_then(|id| settings.profile(id)) {
        member(json, "profile", profile.name.as_str());
    }
    if let Some(storage) = facts.placement.storage.and_then(|id| settings.storage(id)) {
        member(json, "storage", storage.name.as_str());
    }
    if let Some(quota) = facts.placement.quota(settings) {
        let _ = write!(json, ",\"quota\":{}", quota.get());
    }
    if let Some(decision) = &facts.placement.decision {
        member(json, "mapping", &decision.mapping_name);
    }
    if let Some(connection) = facts.connection.and_then(|id| settings.connection(id)) {
        member(json, "managedBy", connection.name.as_str());
    }
    member(json, "accountName", &facts.account_name);
    json.push('}');
}

fn member(json: &mut String, name: &str, value: &str) {
    let _ = write!(json, ",\"{name}\":");
    let plain = value
        .bytes()
        .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if plain {
        json.push('"');
        json.push_str(value);
        json.push('"');
    } else {
        let _ = write!(json, "{}", serde_json::Value::from(value));
    }
}
