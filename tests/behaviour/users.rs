//! Create, read, replace, patch, delete: what comes back of what was sent.

use serde_json::{Value, json};
use testkit::{ENTERPRISE, USER, patch, person};

use crate::{id, path, start};

const DIRECTORY: &str = "urn:provost:params:scim:schemas:extension:directory:2.0:User";

/// Every attribute of RFC 7643 sections 4.1 and 4.3 that a client may write.
fn everything() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": "bjensen@example.com",
        "externalId": "701984",
        "name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara",
            "middleName": "Jane", "honorificPrefix": "Ms.", "honorificSuffix": "III"},
        "displayName": "Babs Jensen",
        "nickName": "Babs",
        "profileUrl": "https://login.example.com/bjensen",
        "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true, "display": "Babs"},
            {"value": "babs@jensen.org", "type": "home"}],
        "addresses": [{"type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood", "region": "CA",
            "postalCode": "91608", "country": "US", "formatted": "100 Universal City Plaza\nHollywood", "primary": true}],
        "phoneNumbers": [{"value": "555-555-5555", "type": "work"}, {"value": "tel:+49-30-1", "type": "mobile"}],
        "ims": [{"value": "someaimhandle", "type": "aim"}],
        "photos": [{"value": "https://photos.example.com/F", "type": "photo"}],
        "userType": "Employee",
        "title": "Tour Guide",
        "preferredLanguage": "en-US",
        "locale": "en-US",
        "timezone": "America/Los_Angeles",
        "active": true,
        "entitlements": [{"value": "gold", "display": "Gold"}],
        "roles": [{"value": "guide", "type": "main"}],
        "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVMx"}],
        "userPrincipalName": "bjensen@corp.example.com",
        ENTERPRISE: {"employeeNumber": "701984", "costCenter": "4130", "organization": "Universal Studios",
            "division": "Theme Park", "department": "Tour Operations", "manager": {"value": "26118915", "$ref": "../Users/26118915"}},
    })
}

#[tokio::test]
async fn every_attribute_of_the_rfc_comes_back_as_it_was_sent() {
    let provost = start().await;
    let sent = everything();
    let created = provost.client.create(&sent).await;
    let read = provost.client.get(&path(&created)).await.expect(200);
    assert_eq!(created, read);
    for (name, value) in sent
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "schemas")
    {
        assert_eq!(&read[name], value, "{name}");
    }
    assert_eq!(read["schemas"], json!([USER, ENTERPRISE, DIRECTORY]));
    let replaced = provost.client.put(&path(&created), &read).await.expect(200);
    assert_eq!(replaced, read, "an echo changes nothing, the version neither");
}

#[tokio::test]
async fn a_create_answers_with_the_whole_user_and_where_it_is() {
    let provost = start().await;
    let answer = provost.client.post("/Users", &person("ava")).await;
    assert_eq!(answer.headers["content-type"], "application/scim+json");
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let user = answer.expect(201);
    assert_eq!(location, format!("{}/Users/{}", provost.client.base, id(&user)));
    assert_eq!(user["meta"]["location"], location);
    assert_eq!(user["meta"]["resourceType"], "User");
    assert_eq!(user["meta"]["version"], "W/\"1\"");
    assert_eq!(user["active"], true);
    assert!(user.get("password").is_none() && user.get("groups").is_none());
    let directory = json!({"status": "active", "profile": "default", "storage": "default", "quota": 0,
        "mapping": "Everyone", "managedBy": "default", "accountName": "ava@example.com"});
    assert_eq!(user[DIRECTORY], directory);
}

#[tokio::test]
async fn what_a_client_may_not_write_is_passed_over() {
    let provost = start().await;
    let mut sent = person("ava");
    for (name, value) in [
        ("id", json!("bulkId")),
        ("groups", json!([{"value": "g"}])),
        (
            "meta",
            json!({"created": "1999-01-01T00:00:00Z", "version": "W/\"99\""}),
        ),
        (DIRECTORY, json!({"status": "preserved", "quota": 7})),
    ] {
        sent[name] = value;
    }
    let user = provost.client.create(&sent).await;
    assert_ne!(user["id"], "bulkId");
    assert_eq!(user["meta"]["version"], "W/\"1\"");
    assert_eq!(user[DIRECTORY]["status"], "active");
    assert_eq!(user[DIRECTORY]["quota"], 0);
}

#[tokio::test]
async fn null_and_empty_mean_unassigned_everywhere() {
    let provost = start().await;
    for (number, empty) in [Value::Null, json!(""), json!([])].into_iter().enumerate() {
        let mut sent = everything();
        for value in sent.as_object_mut().unwrap().values_mut() {
            *value = empty.clone();
        }
        let name = format!("empty{number}@example.com");
        sent["schemas"] = json!([USER]);
        sent["userName"] = json!(name);
        let user = provost.client.create(&sent).await;
        assert_eq!(user["displayName"], name);
        assert!(user.get("emails").is_none() && user.get("externalId").is_none_or(|id| id == ""));
        assert_eq!(user["active"], true);
    }
    for missing in [json!({"userName": null}), json!({"userName": " "}), json!({})] {
        let detail = provost
            .client
            .post("/Users", &missing)
            .await
            .refused(400, "invalidValue");
        assert!(detail.starts_with("userName is required"), "{detail}");
    }
}

#[tokio::test]
async fn a_wrong_type_is_refused_by_its_name_and_nothing_is_written() {
    let provost = start().await;
    for (attribute, value, path) in [
        ("userName", json!(7), "userName must be a string"),
        ("active", json!("perhaps"), "active must be true or false"),
        ("name", json!("Ava"), "name must be an object"),
        ("emails", json!([{"value": 7}]), "emails.value must be a string"),
        (
            ENTERPRISE,
            json!({"department": {}}),
            "department must be a string",
        ),
    ] {
        let mut sent = person("ava");
        sent[attribute] = value;
        let detail = provost
            .client
            .post("/Users", &sent)
            .await
            .refused(400, "invalidValue");
        assert!(detail.contains(path), "{detail}");
    }
    assert_eq!(provost.client.get("/Users").await.expect(200)["totalResults"], 0);
    assert_eq!(
        provost
            .events()
            .iter()
            .filter(|event| !event["user"].is_null())
            .count(),
        0
    );
}

#[tokio::test]
async fn ten_thousand_values_are_kept_in_order() {
    let provost = start().await;
    let mut sent = person("ava");
    let roles: Vec<_> = (0..10_000)
        .map(|n| json!({"value": format!("role {n}")}))
        .collect();
    sent["roles"] = json!(roles);
    let user = provost.client.create(&sent).await;
    assert_eq!(user["roles"], json!(roles));
}

#[tokio::test]
async fn unknown_schemas_are_tolerated_and_names_ignore_case() {
    let provost = start().await;
    let sent = json!({"SCHEMAS": ["urn:scim:schemas:core:1.0", USER], "USERNAME": "ava@example.com",
        "Name": {"GIVENNAME": "Ava"}, "urn:x:custom:2.0:User": {"shoeSize": 42}});
    let user = provost.client.create(&sent).await;
    assert_eq!(user["name"], json!({"givenName": "Ava"}));
    assert!(!user.to_string().contains("shoeSize"));
}

#[tokio::test]
async fn a_user_name_is_kept_as_sent_and_unique_whatever_its_case() {
    let provost = start().await;
    let mut sent = person("x");
    sent["userName"] = json!("Straße.ÉRIC@Example.com");
    let user = provost.client.create(&sent).await;
    assert_eq!(user["userName"], "Straße.ÉRIC@Example.com");
    let mut same = person("y");
    same["userName"] = json!("STRASSE.e\u{301}ric@example.COM");
    let detail = provost
        .client
        .post("/Users", &same)
        .await
        .refused(409, "uniqueness");
    assert!(detail.contains(id(&user)), "{detail}");
    assert_eq!(
        provost
            .client
            .find("userName eq \"strasse.éric@example.com\"")
            .await,
        [user]
    );
}

#[tokio::test]
async fn a_put_replaces_and_keeps_what_it_says_nothing_of() {
    let provost = start().await;
    let mut sent = person("ava");
    sent["title"] = json!("Engineer");
    let user = provost.client.create(&sent).await;
    let put = json!({"userName": "ava@example.com", "nickName": "A"});
    let replaced = provost.client.put(&path(&user), &put).await.expect(200);
    assert_eq!(replaced["nickName"], "A");
    assert!(replaced.get("title").is_none() && replaced.get("emails").is_none());
    assert_eq!(
        (&replaced["active"], &replaced["externalId"]),
        (&json!(true), &json!("00u-ava"))
    );
    assert_eq!(replaced["meta"]["version"], "W/\"2\"");
    assert_eq!(replaced["meta"]["created"], user["meta"]["created"]);
    provost.client.put("/Users/none", &put).await.refused(404, "");
}

#[tokio::test]
async fn a_patch_is_carried_out_whole_or_not_at_all() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let operations = json!([
        {"op": "Replace", "path": "name.familyName", "value": "Nguyen"},
        {"op": "add", "path": "phoneNumbers[type eq \"work\"].value", "value": "555"},
        {"op": "add", "path": "manager", "value": [{"value": "m1"}]},
        {"op": "remove", "path": "emails"},
    ]);
    let patched = provost
        .client
        .patch(&path(&user), &patch(operations))
        .await
        .expect(200);
    assert_eq!(patched["name"]["familyName"], "Nguyen");
    assert_eq!(patched["phoneNumbers"], json!([{"type": "work", "value": "555"}]));
    assert_eq!(patched[ENTERPRISE]["manager"]["value"], "m1");
    assert!(patched.get("emails").is_none());

    for (operation, scim_type) in [
        (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
        (
            json!({"op": "replace", "path": "name.shoe", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "emails[", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "active", "value": "x"}),
            "invalidValue",
        ),
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "move", "path": "title"}), "invalidSyntax"),
        (json!({"op": "remove", "path": "userName"}), "invalidValue"),
    ] {
        let operations = json!([{"op": "replace", "path": "title", "value": "Boss"}, operation]);
        let detail = provost
            .client
            .patch(&path(&user), &patch(operations))
            .await
            .refused(400, scim_type);
        assert!(
            scim_type == "invalidValue" || detail.contains("Operation 2"),
            "{detail}"
        );
        assert_eq!(provost.client.get(&path(&user)).await.expect(200), patched);
    }
}

#[tokio::test]
async fn a_password_is_accepted_and_is_nowhere_afterwards() {
    let provost = start().await;
    let mut sent = person("ava");
    sent["password"] = json!("correct-horse-battery");
    let user = provost.client.create(&sent).await;
    let operations = json!([{"op": "replace", "value": {"password": "staple-horse-battery"}},
        {"op": "add", "path": "password", "value": "other-horse-battery"}]);
    provost
        .client
        .patch(&path(&user), &patch(operations))
        .await
        .expect(200);
    let written = provost.everything_written().await;
    assert!(!written.windows(13).any(|bytes| bytes == b"horse-battery"));
}

#[tokio::test]
async fn a_deleted_user_is_gone_for_the_identity_provider() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let answer = provost.client.delete(&path(&user)).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    provost.client.get(&path(&user)).await.refused(404, "");
    provost
        .client
        .put(&path(&user), &person("ava"))
        .await
        .refused(404, "");
    provost.client.delete(&path(&user)).await.refused(404, "");
    assert!(
        provost
            .client
            .find("userName eq \"ava@example.com\"")
            .await
            .is_empty()
    );
    assert_eq!(provost.client.get("/Users").await.expect(200)["totalResults"], 0);
    assert_eq!(provost.user(id(&user))["status"], "preserved");
}

#[tokio::test]
async fn every_change_of_a_user_is_an_event_in_order() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let patched = json!([{"op": "replace", "path": "title", "value": "Boss"}]);
    provost
        .client
        .patch(&path(&user), &patch(patched))
        .await
        .expect(200);
    let active = |active: bool| patch(json!([{"op": "replace", "value": {"active": active}}]));
    provost
        .client
        .patch(&path(&user), &active(false))
        .await
        .expect(200);
    provost
        .client
        .patch(&path(&user), &active(true))
        .await
        .expect(200);
    provost.client.delete(&path(&user)).await;
    let events = provost.events();
    let kinds: Vec<_> = events
        .iter()
        .filter(|event| event["user"] == id(&user))
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "user.created",
            "user.updated",
            "user.deactivated",
            "user.reactivated",
            "user.deleted"
        ]
    );
    let numbers: Vec<_> = events
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    let last = u64::try_from(numbers.len()).unwrap();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "dense, in commit order");
    let updated = events
        .iter()
        .find(|event| event["kind"] == "user.updated")
        .unwrap();
    assert_eq!(updated["data"]["user"]["title"], "Boss");
    assert_eq!(updated["actor"], "default");
}

#[tokio::test]
async fn a_word_on_active_that_is_taken_back_is_not_told_and_what_was_said_last_counts() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let say = |operations: Value| {
        let (client, at) = (provost.client.clone(), path(&ava));
        async move { client.patch(&at, &patch(operations)).await.expect(200) }
    };
    say(json!([{"op": "replace", "path": "active", "value": false}])).await;
    let silent = say(json!([{"op": "remove", "path": "active"}])).await;
    assert!(silent.get("active").is_none(), "{silent}");
    assert_eq!(
        provost.user(id(&ava))["status"],
        "preserved",
        "nobody comes back by silence"
    );
    let titled = say(json!([{"op": "replace", "value": {"title": "Lead"}}])).await;
    assert!(
        titled.get("active").is_none() && titled["title"] == "Lead",
        "{titled}"
    );
    let back = say(json!([{"op": "add", "value": {"active": "True"}}])).await;
    assert_eq!(
        (&back["active"], &provost.user(id(&ava))["status"]),
        (&json!(true), &json!("active"))
    );
    let null = say(json!([{"op": "replace", "path": "active", "value": null}])).await;
    assert_eq!(null["active"], true, "null is no word");
    say(json!([{"op": "remove", "path": "active"}])).await;
    let put = provost.client.put(&path(&ava), &person("ava")).await.expect(200);
    assert_eq!(put["active"], true);
}

#[tokio::test]
async fn who_never_was_active_may_get_another_external_id() {
    let provost = start().await;
    let mut staged = person("ava");
    staged["active"] = json!(false);
    let ava = provost.client.create(&staged).await;
    staged["externalId"] = json!("another");
    let put = provost.client.put(&path(&ava), &staged).await.expect(200);
    assert_eq!(put["externalId"], "another");
}
