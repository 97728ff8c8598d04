//! Schemas as `/Schemas` shows them (RFC 7643 section 7): no nulls, no empty lists.

use serde_json::{Value, json};

use super::{Attribute, Mutability, Returned, Schema, Type, Uniqueness};

/// URN of the schema of schemas (RFC 7643 section 7).
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

impl Schema {
    /// The Schema resource, found under `base` (the SCIM base URL without a slash at its end).
    pub fn to_json(&self, base: &str) -> Value {
        json!({
            "schemas": [SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": self.attributes.iter().filter(|a| !is_common(a)).map(attribute).collect::<Vec<_>>(),
            "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.id)},
        })
    }
}

/// The common attributes belong to every resource and are in no schema (RFC 7643 section 3.1).
fn is_common(attribute: &Attribute) -> bool {
    matches!(&*attribute.name, "id" | "externalId" | "meta")
}

fn attribute(attribute: &Attribute) -> Value {
    let mut shown = json!({
        "name": attribute.name,
        "type": type_name(attribute.kind),
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
        "caseExact": attribute.case_exact,
        "mutability": mutability(attribute.mutability),
        "returned": returned(attribute.returned),
        "uniqueness": uniqueness(attribute.uniqueness),
    });
    if !attribute.canonical_values.is_empty() {
        shown["canonicalValues"] = json!(attribute.canonical_values);
    }
    if !attribute.reference_types.is_empty() {
        shown["referenceTypes"] = json!(attribute.reference_types);
    }
    if !attribute.sub_attributes.is_empty() {
        shown["subAttributes"] = attribute.sub_attributes.iter().map(self::attribute).collect();
    }
    shown
}

fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::String => "string",
        Type::Boolean => "boolean",
        Type::Decimal => "decimal",
        Type::Integer => "integer",
        Type::DateTime => "dateTime",
        Type::Reference => "reference",
        Type::Binary => "binary",
        Type::Complex => "complex",
    }
}

fn mutability(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
        Mutability::WriteOnly => "writeOnly",
    }
}

fn returned(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Never => "never",
        Returned::Default => "default",
        Returned::Request => "request",
    }
}

fn uniqueness(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
        Uniqueness::Global => "global",
    }
}

#[cfg(test)]
mod tests {
    use crate::Schemas;

    #[test]
    fn schemas_have_no_nulls_and_no_common_attributes() {
        for schema in Schemas::standard().all() {
            let shown = schema.to_json("https://provost.example/scim/v2");
            assert!(!shown.to_string().contains("null"));
            let names: Vec<_> = shown["attributes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|a| a["name"].clone())
                .collect();
            assert!(
                !names.contains(&"id".into()) && !names.contains(&"meta".into()),
                "{names:?}"
            );
        }
    }
}
