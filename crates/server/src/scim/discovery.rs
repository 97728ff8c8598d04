//! What the server says of itself, true to what this tenant is served.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use scim::list::{self, Page};
use scim::{Kind, Schemas, discovery};
use serde_json::Value;

use super::client::Client;
use super::{Answer, Failure, scim};

/// `GET /ServiceProviderConfig`
pub(super) async fn service_provider_config(client: Client) -> Response {
    scim(
        StatusCode::OK,
        discovery::service_provider_config(&client.base).to_string(),
    )
}

/// `GET /ResourceTypes`
pub(super) async fn resource_types(client: Client) -> Response {
    listed(&all_types(&client))
}

/// `GET /ResourceTypes/{id}`
pub(super) async fn resource_type(client: Client, Path(id): Path<String>) -> Answer {
    let found = all_types(&client)
        .into_iter()
        .find(|one| one["id"] == id.as_str());
    match found {
        Some(found) => Ok(scim(StatusCode::OK, found.to_string())),
        None => Err(unknown("resource type", &id)),
    }
}

fn all_types(client: &Client) -> [Value; 2] {
    [
        discovery::user_resource_type(&client.settings.schemas, &client.base),
        discovery::group_resource_type(&client.base),
    ]
}

/// `GET /Schemas`
pub(super) async fn schemas(client: Client) -> Response {
    let groups = Schemas::groups();
    let schemas: Vec<_> = client
        .settings
        .schemas
        .all()
        .chain(groups.all())
        .map(|schema| schema.to_json(&client.base))
        .collect();
    listed(&schemas)
}

/// `GET /Schemas/{id}`
pub(super) async fn schema(client: Client, Path(id): Path<String>) -> Answer {
    let groups = Schemas::groups();
    let schema = client
        .settings
        .schemas
        .all()
        .chain(groups.all())
        .find(|schema| schema.id.eq_ignore_ascii_case(&id));
    let schema = schema.ok_or_else(|| unknown("schema", &id))?;
    Ok(scim(StatusCode::OK, schema.to_json(&client.base).to_string()))
}

fn listed(resources: &[Value]) -> Response {
    let resources: Vec<_> = resources.iter().map(Value::to_string).collect();
    let total = u64::try_from(resources.len()).unwrap_or(u64::MAX);
    scim(
        StatusCode::OK,
        list::to_json(
            total,
            Page {
                start_index: 1,
                count: resources.len(),
            },
            &resources,
        ),
    )
}

fn unknown(what: &str, id: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("There is no {what} {id:?}."))
}
