//! Account name, name, e-mail and UPN: what the console shows and the product behind uses.

use serde_json::{Value, json};
use testkit::{ENTERPRISE, patch, person};

use crate::{id, path, start};

#[tokio::test]
async fn special_characters_become_underscores_and_clashes_are_numbered() {
    let provost = start().await;
    let mut accounts = Vec::new();
    for user_name in ["a?b*c/d\\e<f>g", "a_b_c_d_e_f_g", "A<b>c?d*e/f\\g"] {
        let user = provost
            .client
            .create(&json!({"userName": user_name, "displayName": "<Ava/>"}))
            .await;
        assert_eq!(
            (&user["userName"], &user["displayName"]),
            (&json!(user_name), &json!("<Ava/>"))
        );
        let shown = provost.user(id(&user));
        assert_eq!(shown["name"], "_Ava__");
        accounts.push(shown["accountName"].as_str().unwrap().to_owned());
    }
    assert_eq!(accounts, ["a_b_c_d_e_f_g", "a_b_c_d_e_f_g~2", "A_b_c_d_e_f_g~3"]);
}

#[tokio::test]
async fn the_account_name_follows_the_user_name() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let mut renamed = person("ava");
    renamed["userName"] = json!("ava.nguyen/berlin");
    provost.client.put(&path(&user), &renamed).await.expect(200);
    assert_eq!(provost.user(id(&user))["accountName"], "ava.nguyen_berlin");
    assert_eq!(
        provost.user("AVA.Nguyen_Berlin")["id"],
        user["id"],
        "found by account name"
    );
}

#[tokio::test]
async fn the_display_name_is_given_or_follows_from_the_name() {
    let provost = start().await;
    for (number, (sent, shown)) in [
        (
            json!({"displayName": "Babs", "name": {"givenName": "B", "familyName": "J"}}),
            "Babs",
        ),
        (
            json!({"name": {"givenName": "Barbara", "familyName": "Jensen", "formatted": "x"}}),
            "Barbara Jensen",
        ),
        (json!({"name": {"formatted": "Ms Jensen"}}), "Ms Jensen"),
        (
            json!({"displayName": "", "name": {"givenName": "Barbara"}}),
            "Barbara",
        ),
        (json!({}), "p4"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut user = sent;
        user["userName"] = json!(format!("p{number}"));
        assert_eq!(provost.client.create(&user).await["displayName"], shown);
    }
}

#[tokio::test]
async fn a_derived_display_name_that_is_echoed_stays_derived() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let mut echo = provost.client.get(&path(&user)).await.expect(200);
    assert_eq!(echo["displayName"], "ava Example");
    echo["name"]["familyName"] = json!("Nguyen");
    let updated = provost.client.put(&path(&user), &echo).await.expect(200);
    assert_eq!(updated["displayName"], "ava Nguyen");
    let operations = json!([{"op": "replace", "value": {"name.givenName": "Eva"}}]);
    let updated = provost
        .client
        .patch(&path(&user), &patch(operations))
        .await
        .expect(200);
    assert_eq!(updated["displayName"], "Eva Nguyen");
}

fn emails(emails: Value) -> Value {
    let mut user = person("ava");
    user["emails"] = emails;
    user
}

#[tokio::test]
async fn the_address_is_primary_then_work_then_first_then_the_user_name() {
    let provost = start().await;
    let user = provost.client.create(&emails(json!([]))).await;
    for (sent, reached) in [
        (
            json!([{"value": "h@x", "type": "home"}, {"value": "w@x", "type": "work"}, {"value": "p@x", "primary": true}]),
            "p@x",
        ),
        (
            json!([{"value": "h@x", "type": "home"}, {"value": "w@x", "type": "work"}]),
            "w@x",
        ),
        (
            json!([{"value": "h@x", "type": "home"}, {"value": "o@x", "type": "other"}]),
            "h@x",
        ),
        (json!([]), "ava@example.com"),
    ] {
        provost.client.put(&path(&user), &emails(sent)).await.expect(200);
        assert_eq!(provost.user(id(&user))["email"], reached);
    }
}

#[tokio::test]
async fn an_address_may_be_shared_unless_the_tenant_forbids_it() {
    let provost = start().await;
    let shared = |name: &str| {
        let mut user = person(name);
        user["emails"] = json!([{"value": "Team@example.com"}]);
        user
    };
    provost.client.create(&shared("ava")).await;
    provost.client.create(&shared("bob")).await;
    let change = service::settings::tenants::TenantChange {
        unique_email: Some(true),
        ..Default::default()
    };
    provost.set_tenant(change).await;
    let detail = provost
        .client
        .post("/Users", &shared("cyd"))
        .await
        .refused(409, "uniqueness");
    assert!(
        detail.contains("Team@example.com") && detail.contains("unique_email"),
        "{detail}"
    );
    provost.client.create(&person("dan")).await;
}

#[tokio::test]
async fn the_principal_name_is_returned_where_it_was_sent_and_else_is_the_display_name() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    assert_eq!(provost.user(id(&user))["userPrincipalName"], "ava Example");
    for (number, at) in ["", ENTERPRISE, "urn:acme:custom:2.0:User"]
        .into_iter()
        .enumerate()
    {
        let mut sent = person(&format!("p{number}"));
        if at.is_empty() {
            sent["userPrincipalName"] = json!("p@corp.example");
        } else {
            sent[at] = json!({"userPrincipalName": "p@corp.example", "dropped": true});
        }
        let user = provost.client.create(&sent).await;
        let back = if at.is_empty() { &user } else { &user[at] };
        assert_eq!(back["userPrincipalName"], "p@corp.example", "{at}");
        assert!(!user.to_string().contains("dropped"));
        assert_eq!(provost.user(id(&user))["userPrincipalName"], "p@corp.example");
        assert_eq!(
            provost.user(id(&user))["cloudIdentity"],
            format!("p{number}@example.com")
        );
    }
    let change = service::settings::tenants::TenantChange {
        cloud_identity: Some(directory::CloudIdentity::Upn),
        ..Default::default()
    };
    provost.set_tenant(change).await;
    assert_eq!(provost.user("p0@example.com")["cloudIdentity"], "p@corp.example");
}
