//! Small print of the wire: who is meant by what, what is unique, and what a PATCH does at the edges.

use serde_json::{Value, json};
use service::settings::connections::ConnectionChange;
use service::settings::tenants::TenantChange;
use testkit::{ENTERPRISE, Provost, patch, person};

use crate::{id, path, start};

async fn patched(provost: &Provost, user: &Value, operations: Value) -> Value {
    provost
        .client
        .patch(&path(user), &patch(operations))
        .await
        .expect(200)
}

#[tokio::test]
async fn the_external_id_says_who_is_meant_before_the_name_does() {
    let provost = start().await;
    let a1 = provost.client.create(&person("a1")).await;
    let b1 = provost.client.create(&person("b1")).await;
    for user in [&a1, &b1] {
        provost.client.delete(&path(user)).await.expect(204);
    }
    let mut mixed = person("b1");
    mixed["externalId"] = json!("00u-a1");
    let back = provost.client.create(&mixed).await;
    assert_eq!(
        (&back["id"], &back["userName"]),
        (&a1["id"], &json!("b1@example.com"))
    );

    let a2 = provost.client.create(&person("a2")).await;
    let b2 = provost.client.create(&person("b2")).await;
    let leave = json!([{"op": "replace", "value": {"active": false}}]);
    patched(&provost, &a2, leave).await;
    let before = provost.user(id(&a2));
    mixed["userName"] = json!("b2@example.com");
    mixed["externalId"] = json!("00u-a2");
    let detail = provost
        .client
        .post("/Users", &mixed)
        .await
        .refused(409, "uniqueness");
    assert!(detail.contains(id(&b2)), "{detail}");
    assert_eq!(provost.user(id(&a2)), before);
}

#[tokio::test]
async fn a_refused_create_changes_nothing_of_the_one_who_is_there() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let (before, events) = (provost.user(id(&ava)), provost.events().len());
    for key in ["userName", "externalId"] {
        let mut again = person("ava");
        again[key] = json!("something else");
        again["title"] = json!("Boss");
        provost
            .client
            .post("/Users", &again)
            .await
            .refused(409, "uniqueness");
    }
    assert_eq!((provost.user(id(&ava)), provost.events().len()), (before, events));
}

#[tokio::test]
async fn under_a_hold_attributes_still_change_and_a_new_word_is_refused() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    provost.preserve(id(&ava)).await;
    let operations = json!([{"op": "replace", "value": {"active": true, "title": "Boss"}}]);
    assert_eq!(patched(&provost, &ava, operations).await["title"], "Boss");
    patched(
        &provost,
        &ava,
        json!([{"op": "replace", "value": {"active": false}}]),
    )
    .await;
    let before = provost.user(id(&ava));
    let detail = provost
        .client
        .put(&path(&ava), &person("ava"))
        .await
        .refused(400, "mutability");
    assert!(detail.contains("An administrator must activate it"), "{detail}");
    assert_eq!(provost.user(id(&ava)), before);
}

#[tokio::test]
async fn a_rename_onto_a_visible_name_is_409_naming_the_holder() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let bob = provost.client.create(&person("bob")).await;
    let before = provost.user(id(&bob));
    let mut renamed = person("bob");
    renamed["userName"] = json!("AVA@example.com");
    let put = provost.client.put(&path(&bob), &renamed).await;
    let operations = json!([{"op": "replace", "path": "userName", "value": "AVA@example.com"}]);
    let patched = provost.client.patch(&path(&bob), &patch(operations)).await;
    for answer in [put, patched] {
        let detail = answer.refused(409, "uniqueness");
        assert!(detail.contains("active") && detail.contains(id(&ava)), "{detail}");
    }
    assert_eq!(provost.user(id(&bob)), before);
}

#[tokio::test]
async fn an_address_that_must_be_unique_is_so_for_changes_too() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let bob = provost.client.create(&person("bob")).await;
    provost
        .set_tenant(TenantChange {
            unique_email: Some(true),
            ..TenantChange::default()
        })
        .await;
    let mut same = person("bob");
    same["emails"][0]["value"] = json!("AVA@example.com");
    let operations =
        json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "ava@example.com"}]);
    let before = provost.user(id(&bob));
    provost
        .client
        .put(&path(&bob), &same)
        .await
        .refused(409, "uniqueness");
    provost
        .client
        .patch(&path(&bob), &patch(operations))
        .await
        .refused(409, "uniqueness");
    assert_eq!(provost.user(id(&bob)), before);
    provost.client.delete(&path(&ava)).await.expect(204);
    provost.client.put(&path(&bob), &same).await.expect(200);
}

#[tokio::test]
async fn what_is_missing_is_named_before_any_mapping_is_asked() {
    let provost = start().await;
    provost.without_everyone().await;
    provost
        .set_tenant(TenantChange {
            require_display_name: Some(true),
            ..TenantChange::default()
        })
        .await;
    let detail = provost
        .client
        .post("/Users", &json!({"userName": "a"}))
        .await
        .refused(400, "invalidValue");
    assert!(detail.starts_with("displayName is required"), "{detail}");
    let schema = provost
        .client
        .get(&format!("/Schemas/{}", testkit::USER))
        .await
        .expect(200);
    let attributes = schema["attributes"].as_array().unwrap();
    for name in ["userName", "displayName"] {
        let attribute = attributes
            .iter()
            .find(|attribute| attribute["name"] == name)
            .unwrap();
        assert_eq!(attribute["required"], true, "{name}");
    }
}

#[tokio::test]
async fn groups_of_a_user_are_read_only() {
    let provost = start().await;
    let mut sent = person("ava");
    sent["groups"] = json!([{"value": "g1"}]);
    let ava = provost.client.create(&sent).await;
    assert!(ava.get("groups").is_none(), "{ava}");
    let add = json!([{"op": "add", "path": "groups", "value": [{"value": "g1"}]}]);
    provost
        .client
        .patch(&path(&ava), &patch(add))
        .await
        .refused(400, "mutability");
    let echoed = patched(
        &provost,
        &ava,
        json!([{"op": "replace", "value": {"groups": [{"value": "g1"}]}}]),
    )
    .await;
    assert!(echoed.get("groups").is_none());
    assert!(
        provost
            .client
            .put(&path(&ava), &sent)
            .await
            .expect(200)
            .get("groups")
            .is_none()
    );
}

#[tokio::test]
async fn a_principal_name_with_a_flat_urn_is_kept_under_it() {
    let provost = start().await;
    let mut sent = person("ava");
    sent["urn:acme:2.0:User:userPrincipalName"] = json!("p@x");
    let ava = provost.client.create(&sent).await;
    assert_eq!(ava["urn:acme:2.0:User"]["userPrincipalName"], "p@x");
    assert_eq!(provost.user(id(&ava))["userPrincipalName"], "p@x");
}

#[tokio::test]
async fn an_account_name_that_looks_numbered_follows_a_rename() {
    let provost = start().await;
    let mut sent = person("zed");
    sent["userName"] = json!("zed~5");
    let zed = provost.client.create(&sent).await;
    assert_eq!(provost.user(id(&zed))["accountName"], "zed~5");
    sent["userName"] = json!("zed");
    provost.client.put(&path(&zed), &sent).await.expect(200);
    assert_eq!(provost.user(id(&zed))["accountName"], "zed");
}

#[tokio::test]
async fn external_ids_that_differ_in_case_are_two() {
    let provost = start().await;
    for (name, external_id) in [("ava", "00u-A"), ("bob", "00u-a")] {
        let mut sent = person(name);
        sent["externalId"] = json!(external_id);
        provost.client.create(&sent).await;
    }
    assert_eq!(
        provost.client.find("externalId eq \"00u-a\"").await[0]["userName"],
        "bob@example.com"
    );
}

#[tokio::test]
async fn a_put_that_says_nothing_of_active_keeps_a_leaver_preserved() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    patched(
        &provost,
        &ava,
        json!([{"op": "replace", "value": {"active": false}}]),
    )
    .await;
    let mut silent = person("ava");
    silent.as_object_mut().unwrap().remove("active");
    let answer = provost.client.put(&path(&ava), &silent).await.expect(200);
    assert_eq!(answer["active"], false);
    assert_eq!(provost.user(id(&ava))["status"], "preserved");
}

#[tokio::test]
async fn a_patch_passes_over_what_it_does_not_know_and_removes_what_it_names() {
    let provost = start().await;
    let mut sent = person("ava");
    sent["phoneNumbers"] = json!([{"value": "1", "type": "work"}, {"value": "2", "type": "home"}]);
    sent[ENTERPRISE] = json!({"manager": {"value": "m1"}});
    let ava = provost.client.create(&sent).await;
    let message = json!({
        "schemas": [testkit::PATCH_OP],
        "requestId": 7,
        "Operations": [{"op": "replace", "name": "x", "id": "7", "path": "TITLE", "value": "T"}],
    });
    let answer = provost.client.patch(&path(&ava), &message).await.expect(200);
    assert_eq!(answer["title"], "T");

    let version = answer["meta"]["version"].clone();
    let nothing = json!([{"op": "remove", "path": "phoneNumbers[type eq \"fax\"]"}, {"op": "remove", "path": "nickName"}]);
    assert_eq!(
        patched(&provost, &ava, nothing).await["meta"]["version"],
        version,
        "nothing changed"
    );
    let twice = json!([{"op": "add", "path": "phoneNumbers", "value": [{"value": "1", "type": "work"}]}]);
    assert_eq!(
        patched(&provost, &ava, twice).await["phoneNumbers"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let no_manager = json!([{"op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": ""}]);
    assert!(
        patched(&provost, &ava, no_manager)
            .await
            .get(ENTERPRISE)
            .is_none()
    );
    for all in [
        json!([{"op": "remove", "path": "phoneNumbers"}]),
        json!([{"op": "replace", "path": "phoneNumbers", "value": []}]),
    ] {
        provost.client.put(&path(&ava), &sent).await.expect(200);
        assert!(patched(&provost, &ava, all).await.get("phoneNumbers").is_none());
    }
}

#[tokio::test]
async fn a_connection_may_want_no_target_as_the_rfc_has_it() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let operations = json!([{"op": "replace", "path": "phoneNumbers[type eq \"fax\"].value", "value": "7"}]);
    provost
        .set_connection(ConnectionChange {
            no_target: Some(directory::NoTarget::Refuse),
            ..ConnectionChange::default()
        })
        .await;
    let detail = provost
        .client
        .patch(&path(&ava), &patch(operations.clone()))
        .await
        .refused(400, "noTarget");
    assert!(detail.contains("phoneNumbers"), "{detail}");
    provost
        .set_connection(ConnectionChange {
            no_target: Some(directory::NoTarget::Create),
            ..ConnectionChange::default()
        })
        .await;
    let made = patched(&provost, &ava, operations).await;
    assert_eq!(made["phoneNumbers"], json!([{"type": "fax", "value": "7"}]));
}

#[tokio::test]
async fn order_is_compared_in_texts_numbers_and_times() {
    let provost = start().await;
    provost
        .admin(|tx, ctx| {
            service::settings::attributes::add(tx, ctx, "badge", None, scim::schema::Type::Integer)
        })
        .await;
    for (name, badge) in [("ava", 7), ("zed", 12)] {
        let mut sent = person(name);
        sent["badge"] = json!(badge);
        provost.client.create(&sent).await;
    }
    for (filter, expected) in [
        ("meta.created gt \"2020-01-01T00:00:00Z\"", 2),
        ("meta.created lt \"2020-01-01T00:00:00Z\"", 0),
        ("meta.lastModified le \"2999-01-01T00:00:00+02:00\"", 2),
        ("userName ge \"z\"", 1),
        ("userName le \"b\"", 1),
        ("badge ge 7", 2),
        ("badge gt 7", 1),
        ("badge lt 12", 1),
        ("active gt false", 0),
    ] {
        assert_eq!(provost.client.find(filter).await.len(), expected, "{filter}");
    }
}
