//! The Group schema (RFC 7643 section 4.2).

use super::user::{common, complex, text};
use super::{Attribute, GROUP, Mutability, Schema, Type, Uniqueness};

pub(super) fn core() -> Schema {
    let member = |name, kind, description| Attribute {
        mutability: Mutability::Immutable,
        ..Attribute::new(name, kind, description)
    };
    let parts = vec![
        member("value", Type::String, "The id of the member").case_exact(),
        Attribute {
            reference_types: &["User", "Group"],
            ..member("$ref", Type::Reference, "The URI of the member")
        },
        Attribute {
            canonical_values: &["User", "Group"],
            ..member("type", Type::String, "Whether the member is a user or a group")
        },
        text("display", "Taken and left out").read_only(),
    ];
    let mut attributes = common();
    attributes.push(Attribute {
        uniqueness: Uniqueness::Server,
        ..text(
            "displayName",
            "The group's name, unique in its connection whatever its case",
        )
        .required()
    });
    attributes.push(Attribute {
        multi_valued: true,
        ..complex("members", "Users and groups that belong to it", parts)
    });
    Schema {
        id: GROUP.into(),
        name: "Group".into(),
        description: "Group".into(),
        attributes,
    }
}
