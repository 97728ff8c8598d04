//! Connections are walls.

use serde_json::json;
use testkit::{patch, person};

use crate::{id, path, start};

#[tokio::test]
async fn a_connection_sees_and_changes_its_own_users_alone() {
    let provost = start().await;
    let entra = provost.connect("Entra ID").await;
    let ava = provost.client.create(&person("ava")).await;
    entra.get(&path(&ava)).await.refused(404, "");
    entra.put(&path(&ava), &person("ava")).await.refused(404, "");
    entra
        .patch(
            &path(&ava),
            &patch(json!([{"op": "replace", "value": {"active": false}}])),
        )
        .await
        .refused(404, "");
    entra.delete(&path(&ava)).await.refused(404, "");
    for filter in [
        "userName eq \"ava@example.com\"",
        "externalId eq \"00u-ava\"",
        "emails eq \"ava@example.com\"",
        "userName pr",
    ] {
        assert!(entra.find(filter).await.is_empty(), "{filter}");
    }
    assert!(entra.find(&format!("id eq \"{}\"", id(&ava))).await.is_empty());
    let bob = entra.create(&person("bob")).await;
    let list = provost.client.get("/Users").await.expect(200);
    assert_eq!(
        (&list["totalResults"], &list["Resources"][0]["id"]),
        (&json!(1), &ava["id"])
    );
    assert_eq!(provost.user(id(&bob))["managedBy"], "Entra ID");
}

#[tokio::test]
async fn a_name_that_another_connection_has_is_409_naming_it() {
    let provost = start().await;
    let entra = provost.connect("Entra ID").await;
    let ava = entra.create(&person("ava")).await;
    let detail = provost
        .client
        .post("/Users", &person("ava"))
        .await
        .refused(409, "uniqueness");
    assert!(
        detail.contains("Entra ID") && !detail.contains(id(&ava)),
        "{detail}"
    );
    let bob = provost.client.create(&person("bob")).await;
    let mut renamed = person("bob");
    renamed["userName"] = json!("ava@example.com");
    let detail = provost
        .client
        .put(&path(&bob), &renamed)
        .await
        .refused(409, "uniqueness");
    assert!(detail.contains("Entra ID"), "{detail}");
    let mut same_external_id = person("cyd");
    same_external_id["externalId"] = json!("00u-ava");
    provost.client.create(&same_external_id).await;
}

#[tokio::test]
async fn a_connection_that_is_removed_leaves_its_users_manual_and_they_can_be_adopted() {
    let provost = start().await;
    let entra = provost.connect("Entra ID").await;
    let ava = entra.create(&person("ava")).await;
    let removed = provost
        .admin(|tx, ctx| service::settings::connections::remove(tx, ctx, "Entra ID"))
        .await;
    assert_eq!(removed, 1);
    entra.get("/Users").await.refused(401, "");
    assert!(provost.user(id(&ava))["managedBy"].is_null());
    assert_eq!(
        provost.client.find("userName eq \"ava@example.com\"").await.len(),
        1
    );
    let mut from_another = person("ava");
    from_another["externalId"] = json!("id-of-another-provider");
    let adopted = provost.client.post("/Users", &from_another).await.expect(201);
    assert_eq!(adopted["id"], ava["id"]);
    assert_eq!(provost.user(id(&ava))["managedBy"], "default");
}

#[tokio::test]
async fn an_administrator_puts_a_user_under_another_connection() {
    let provost = start().await;
    let entra = provost.connect("Entra ID").await;
    let ava = provost.client.create(&person("ava")).await;
    let uid = directory::UserId::parse(id(&ava)).unwrap();
    let transfer = || {
        let work = move |tx: &mut store::Tx<'_>, ctx: &directory::Ctx| {
            service::users::transfer(tx, ctx, uid, "entra id")
        };
        provost.admin_at(server::clock::now(), work)
    };
    let mut namesake = person("bob");
    namesake["externalId"] = json!("00u-ava");
    let bob = entra.create(&namesake).await;
    let refused = transfer().await.unwrap_err().to_string();
    assert!(
        refused.contains("00u-ava") && refused.contains(id(&bob)),
        "{refused}"
    );
    entra.delete(&path(&bob)).await;
    transfer().await.unwrap();
    provost.client.get(&path(&ava)).await.refused(404, "");
    assert_eq!(entra.get(&path(&ava)).await.expect(200)["id"], ava["id"]);
    assert_eq!(entra.get("/Users").await.expect(200)["totalResults"], 1);
    assert_eq!(provost.client.get("/Users").await.expect(200)["totalResults"], 0);
}

#[tokio::test]
async fn a_replaced_connection_loses_nobody_and_runs_into_nobody() {
    let provost = start().await;
    let old = provost.connect("Old").await;
    let ava = old.create(&person("ava")).await;
    let gone = old.create(&person("gone")).await;
    old.delete(&path(&gone)).await;
    provost
        .admin(|tx, ctx| service::settings::connections::remove(tx, ctx, "Old"))
        .await;
    let back = provost
        .client
        .create(&json!({"userName": "gone@example.com"}))
        .await;
    assert_eq!(
        back["id"], gone["id"],
        "who had left the old connection returns by the new one"
    );
    let mut same_id = person("bob");
    same_id["externalId"] = json!("00u-ava");
    provost.client.create(&same_id).await;
    let leave = patch(json!([{"op": "replace", "value": {"active": false}}]));
    let left = provost.client.patch(&path(&ava), &leave).await.expect(200);
    assert_eq!(
        (&left["active"], &left["externalId"]),
        (&json!(false), &json!(null)),
        "leaving is never blocked: the externalId is bob's"
    );
}
