//! What the server says of itself is what it does.

use serde_json::{Value, json};
use testkit::{ENTERPRISE, USER, person};

use crate::start;

fn names(attributes: &Value) -> Vec<&str> {
    attributes
        .as_array()
        .unwrap()
        .iter()
        .map(|attribute| attribute["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn the_configuration_promises_what_is_there() {
    let provost = start().await;
    let config = provost.client.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config["patch"], json!({"supported": true}));
    assert_eq!(config["etag"]["supported"], true);
    for missing in ["bulk", "changePassword"] {
        assert_eq!(config[missing]["supported"], false, "{missing}");
    }
    assert_eq!(config["filter"]["supported"], true);
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
    let location = format!("{}/ServiceProviderConfig", provost.client.base);
    assert_eq!(config["meta"]["location"], location);
}

#[tokio::test]
async fn resource_types_and_schemas_can_be_listed_and_read_one_by_one() {
    let provost = start().await;
    let types = provost.client.get("/ResourceTypes").await.expect(200);
    assert_eq!(types["totalResults"], 2);
    let user = provost.client.get("/ResourceTypes/User").await.expect(200);
    assert_eq!(user, types["Resources"][0]);
    assert_eq!(
        (&user["schema"], &user["endpoint"]),
        (&json!(USER), &json!("/Users"))
    );
    let schemas = provost.client.get("/Schemas").await.expect(200);
    assert_eq!(schemas["totalResults"], 4);
    for schema in schemas["Resources"].as_array().unwrap() {
        let id = schema["id"].as_str().unwrap();
        assert_eq!(
            &provost.client.get(&format!("/Schemas/{id}")).await.expect(200),
            schema
        );
        assert!(!schema.to_string().contains("null"), "{id}");
    }
    provost.client.get("/Schemas/urn:x").await.refused(404, "");
    let group = provost.client.get("/ResourceTypes/Group").await.expect(200);
    assert_eq!(
        (&group, &group["endpoint"]),
        (&types["Resources"][1], &json!("/Groups"))
    );
}

#[tokio::test]
async fn all_that_a_user_shows_is_in_the_schemas() {
    let provost = start().await;
    let mut sent = person("ava");
    sent[ENTERPRISE] = json!({"department": "Sales", "manager": {"value": "m"}});
    let user = provost.client.create(&sent).await;
    let schemas = provost.client.get("/Schemas").await.expect(200);
    let schemas = schemas["Resources"].as_array().unwrap();
    for (name, value) in user.as_object().unwrap() {
        if ["schemas", "id", "externalId", "meta"].contains(&name.as_str()) {
            continue;
        }
        match schemas.iter().find(|schema| schema["id"] == name.as_str()) {
            Some(schema) => {
                for inner in value.as_object().unwrap().keys() {
                    assert!(
                        names(&schema["attributes"]).contains(&inner.as_str()),
                        "{name}:{inner}"
                    );
                }
            }
            None => assert!(
                names(&schemas[0]["attributes"]).contains(&name.as_str()),
                "{name}"
            ),
        }
    }
}

#[tokio::test]
async fn what_a_tenant_demands_is_required_in_its_schema() {
    let provost = start().await;
    let required = |schemas: &Value| {
        let attributes = schemas["Resources"][0]["attributes"].as_array().unwrap();
        let display_name = attributes
            .iter()
            .find(|attribute| attribute["name"] == "displayName");
        display_name.unwrap()["required"].clone()
    };
    assert_eq!(required(&provost.client.get("/Schemas").await.body), false);
    let change = service::settings::tenants::TenantChange {
        require_display_name: Some(true),
        ..Default::default()
    };
    provost.set_tenant(change).await;
    assert_eq!(required(&provost.client.get("/Schemas").await.body), true);
    let detail = provost
        .client
        .post("/Users", &json!({"userName": "ava"}))
        .await
        .refused(400, "invalidValue");
    assert!(detail.starts_with("displayName is required"), "{detail}");
    provost.client.create(&person("bob")).await;
}

#[tokio::test]
async fn a_declared_attribute_is_stored_returned_and_shown() {
    let provost = start().await;
    provost
        .admin(|tx, ctx| {
            service::settings::attributes::add(tx, ctx, "countryCode", None, scim::schema::Type::String)
        })
        .await;
    provost
        .admin(|tx, ctx| {
            let urn = Some("urn:acme:params:2.0:User");
            service::settings::attributes::add(tx, ctx, "badge", urn, scim::schema::Type::Integer)
        })
        .await;
    let mut sent = person("ava");
    sent["countryCode"] = json!("DE");
    sent["urn:acme:params:2.0:User"] = json!({"BADGE": "7", "unknown": "x"});
    let user = provost.client.create(&sent).await;
    assert_eq!(user["countryCode"], "DE");
    assert_eq!(user["urn:acme:params:2.0:User"], json!({"badge": 7}));
    assert!(
        user["schemas"]
            .as_array()
            .unwrap()
            .contains(&json!("urn:acme:params:2.0:User"))
    );
    let schemas = provost.client.get("/Schemas").await.expect(200);
    assert!(names(&schemas["Resources"][0]["attributes"]).contains(&"countryCode"));
    assert_eq!(schemas["totalResults"], 5);
    let detail = {
        sent["urn:acme:params:2.0:User"] = json!({"badge": "seven"});
        provost
            .client
            .post("/Users", &sent)
            .await
            .refused(400, "invalidValue")
    };
    assert!(
        detail.contains("urn:acme:params:2.0:User:badge must be a whole number"),
        "{detail}"
    );
}
