//! People as Okta sends them.

use serde_json::{Value, json};

/// URN of the core schema.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the enterprise extension.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// URN of the PATCH message.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// An active person, called `name@example.com`, whose externalId is `00u-name`.
pub fn person(name: &str) -> Value {
    json!({
        "schemas": [USER],
        "userName": format!("{name}@example.com"),
        "name": {"givenName": name, "familyName": "Example"},
        "emails": [{"primary": true, "value": format!("{name}@example.com"), "type": "work"}],
        "externalId": format!("00u-{name}"),
        "groups": [],
        "password": "1mz050nq",
        "active": true,
    })
}

/// A PATCH message.
pub fn patch(operations: Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}
