//! The API's description (`OpenAPI` 3.1), made of the table of operations.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::table::{OPERATIONS, Operation};
use super::{API_PATH, json as answer, schemas};

/// `GET /openapi.json`
pub(super) async fn serve() -> Response {
    answer(document().to_string())
}

/// The whole description.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths
            .entry(operation.path.to_owned())
            .or_insert_with(|| json!({}));
        path[operation.method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Provost management API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Users, mappings, events and the provisioning log of a Provost server. Every refusal is a problem \
                            detail (RFC 9457) that says what to do.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": API_PATH}],
        "security": [{"key": []}, {"session": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"session": {
                "type": "apiKey",
                "in": "cookie",
                "name": crate::access::caller::COOKIE,
                "description": "What POST /session sets. Whatever changes something repeats the session's csrf as X-CSRF-Token.",
            }, "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key, made by `provost key create` or `POST /keys`; it begins with pvk_.",
            }},
            "schemas": schemas::all(),
            "responses": {"Problem": {
                "description": "Why not, and what to do.",
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            }},
        },
    })
}

/// What it is called: its handler, without what the compiler puts between the parts.
fn id(operation: &Operation) -> String {
    operation.id.replace("::", "_").replace(' ', "")
}

fn described(operation: &Operation) -> Value {
    let whom = match (operation.action, operation.right) {
        (Some(action), _) => {
            let roles: Vec<_> = action.roles().iter().map(|role| role.name()).collect();
            format!("For the roles {}.", roles.join(", "))
        }
        (None, "Anybody") => "For anybody.".to_owned(),
        (None, _) => "For whoever has signed in.".to_owned(),
    };
    let mut described = json!({
        "operationId": id(operation),
        "tags": [operation.tag()],
        "summary": operation.summary,
        "description": whom,
        "x-right": operation.right,
        "parameters": parameters(operation),
        "responses": responses(operation),
    });
    if let Some(body) = operation.body {
        described["requestBody"] = json!({
            "required": !matches!(body, "Nothing" | "Activation" | "Lifetime" | "ApplyFrom" | "MappingDraft"),
            "content": {"application/json": {"schema": reference(body)}},
        });
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .map(|name| {
            let mut parameter = json!({
                "name": name, "in": "path", "required": true, "schema": {"type": "string", "minLength": 1},
                "description": schemas::in_path(name),
            });
            if let Some(example) = schemas::example(operation.path, name) {
                parameter["example"] = example.into();
            }
            parameter
        })
        .collect();
    parameters.extend(operation.query.iter().map(|&name| {
        let (schema, description) = schemas::in_query(name);
        json!({"name": name, "in": "query", "required": false, "schema": schema, "description": description})
    }));
    if operation.method == "post" {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "schema": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": "^[!-~]+$"},
            "description": "The same request with the same key is carried out once, and answered as it was, for a day.",
        }));
    }
    if matches!(operation.method, "patch" | "delete" | "put") || id(operation).starts_with("users_") {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false,
            "schema": {"type": "string", "pattern": "^[ -~]*$"},
            "description": "The ETag that is known; where it is another by now, nothing is changed.",
        }));
    }
    parameters
}

fn responses(operation: &Operation) -> Value {
    let mut answer = json!({"description": "Done."});
    if id(operation) == "events_export" {
        answer["content"] = json!({"application/x-ndjson": {"schema": {"type": "string"}}});
    }
    if let Some(schema) = operation.answer {
        answer["content"] = json!({"application/json": {"schema": reference(schema)}});
    }
    if id(operation) == "reports_show" {
        let binary = json!({"schema": {"type": "string", "format": "binary"}});
        answer["content"]["text/csv"] = json!({"schema": {"type": "string"}});
        answer["content"]["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"] = binary;
    }
    let mut responses = Map::new();
    responses.insert(operation.status.to_string(), answer);
    responses.insert(
        "default".to_owned(),
        json!({"$ref": "#/components/responses/Problem"}),
    );
    responses.into()
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// All references of a value.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(parts) => {
                if let Some(to) = parts.get("$ref").and_then(Value::as_str) {
                    found.insert(to.to_owned());
                }
                parts.values().for_each(|part| references(part, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_schema_is_used() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(found.contains(&format!("#/components/schemas/{name}")), "{name}");
        }
    }

    #[test]
    fn every_operation_has_its_own_name_and_a_sentence() {
        let names: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.id).collect();
        assert_eq!(names.len(), OPERATIONS.len());
        assert!(
            OPERATIONS
                .iter()
                .all(|operation| operation.summary.ends_with('.'))
        );
        for operation in OPERATIONS {
            for name in operation.query {
                assert!(!schemas::in_query(name).1.is_empty(), "{name}");
            }
        }
    }
}
