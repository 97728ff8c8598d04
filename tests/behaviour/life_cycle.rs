//! Joiners, leavers and those who return: the life-cycle table, row by row.

use serde_json::{Value, json};
use service::settings::profiles::{self, ProfileChange};
use testkit::{Provost, patch, person};

use crate::{id, path, start};

/// Says `active` as Okta's catalogue app does.
async fn say(provost: &Provost, user: &Value, active: bool) -> testkit::Answer {
    let operations = json!([{"op": "replace", "value": {"active": active}}]);
    provost.client.patch(&path(user), &patch(operations)).await
}

fn state(provost: &Provost, user: &Value) -> String {
    let user = provost.user(id(user));
    let text = |key: &str| user[key].as_str().unwrap().to_owned();
    format!("{} {} {}", text("status"), text("idpState"), text("hold"))
}

#[tokio::test]
async fn a_leaver_is_preserved_in_every_shape_that_says_so() {
    let provost = start().await;
    for (number, operation) in [
        json!({"op": "replace", "value": {"active": false}}),
        json!({"op": "Replace", "path": "active", "value": "False"}),
        json!({"op": "replace", "path": "active", "value": false}),
        json!({"op": "Add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": false}),
    ]
    .into_iter()
    .enumerate()
    {
        let user = provost.client.create(&person(&format!("p{number}"))).await;
        let answer = provost
            .client
            .patch(&path(&user), &patch(json!([operation])))
            .await
            .expect(200);
        assert_eq!(answer["active"], false);
        assert_eq!(state(&provost, &user), "preserved inactive none");
        let preservation = &provost.user(id(&user))["preservation"];
        assert_eq!(
            (&preservation["by"], &preservation["cause"]),
            (&json!("default"), &json!("deactivated"))
        );
    }
    let user = provost.client.create(&person("put")).await;
    let mut gone = person("put");
    gone["active"] = json!("false");
    assert_eq!(
        provost.client.put(&path(&user), &gone).await.expect(200)["active"],
        false
    );
    assert_eq!(state(&provost, &user), "preserved inactive none");
}

#[tokio::test]
async fn a_return_restores_the_account_as_it_was() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let before = provost.user(id(&user));
    say(&provost, &user, false).await.expect(200);
    provost.without_everyone().await;
    assert_eq!(say(&provost, &user, true).await.expect(200)["active"], true);
    assert_eq!(state(&provost, &user), "active active none");
    let after = provost.user(id(&user));
    assert_eq!(
        after["decision"], before["decision"],
        "the old decision stays though nothing matches now"
    );
    assert!(after["preservation"].is_null());
}

#[tokio::test]
async fn a_user_who_is_created_inactive_is_staged() {
    let provost = start().await;
    provost.without_everyone().await;
    let mut sent = person("ava");
    sent["active"] = json!(false);
    let user = provost.client.create(&sent).await;
    assert_eq!(user["active"], false);
    assert_eq!(state(&provost, &user), "preserved inactive none");
    let shown = provost.user(id(&user));
    assert_eq!(shown["preservation"]["cause"], "staged");
    assert!(shown["profile"].is_null() && shown["preservation"]["purgeAt"].is_null());
    let detail = say(&provost, &user, true).await.refused(400, "invalidValue");
    assert!(detail.starts_with("No mapping matched"), "{detail}");
    provost.mapping("All", directory::Condition::Any, "default").await;
    let german = directory::Condition::Attribute {
        path: scim::AttributePath::parse("countryCode").unwrap(),
        values: vec!["DE".to_owned()],
        case_sensitive: false,
    };
    provost.mapping("German", german, "default").await;
    say(&provost, &user, true).await.expect(200);
    let shown = provost.user(id(&user));
    assert_eq!(shown["profile"], "default");
    assert_eq!(
        shown["decision"]["mappingName"], "All",
        "what is not kept counts as absent"
    );
}

#[tokio::test]
async fn a_deleted_user_returns_to_the_same_account() {
    for by in ["externalId", "userName"] {
        let provost = start().await;
        let user = provost.client.create(&person("ava")).await;
        provost.client.delete(&path(&user)).await;
        assert_eq!(state(&provost, &user), "preserved absent none");
        let mut back = person("ava");
        if by == "externalId" {
            back["userName"] = json!("ava.nguyen@example.com");
        } else {
            back.as_object_mut().unwrap().remove("externalId");
        }
        let returned = provost.client.create(&back).await;
        assert_eq!(returned["id"], user["id"], "by {by}");
        assert_eq!(returned["userName"], back["userName"], "takes the new userName");
        assert_eq!(returned["meta"]["created"], user["meta"]["created"]);
        assert_eq!(returned["externalId"], "00u-ava");
        assert_eq!(state(&provost, &user), "active active none");
    }
}

#[tokio::test]
async fn a_deactivated_user_who_is_created_again_returns_to_the_same_account() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    say(&provost, &user, false).await.expect(200);
    let returned = provost.client.create(&person("ava")).await;
    assert_eq!(returned["id"], user["id"]);
    assert_eq!(state(&provost, &user), "active active none");
}

#[tokio::test]
async fn an_active_user_who_is_created_again_is_409() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let detail = provost
        .client
        .post("/Users", &person("ava"))
        .await
        .refused(409, "uniqueness");
    assert!(
        detail.contains("00u-ava") && detail.contains(id(&user)),
        "{detail}"
    );
    let mut other = person("bob");
    other["userName"] = json!("AVA@example.com");
    let detail = provost
        .client
        .post("/Users", &other)
        .await
        .refused(409, "uniqueness");
    assert!(detail.contains("AVA@example.com"), "{detail}");
    assert_eq!(provost.client.get("/Users").await.expect(200)["totalResults"], 1);
}

#[tokio::test]
async fn a_recycled_name_waits_for_an_administrator() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    say(&provost, &user, false).await.expect(200);
    let mut other = person("ava");
    other["externalId"] = json!("00u-somebody-else");
    let detail = provost
        .client
        .post("/Users", &other)
        .await
        .refused(409, "uniqueness");
    assert!(
        detail.contains("00u-ava") && detail.contains("00u-somebody-else"),
        "naming both: {detail}"
    );
    assert_eq!(state(&provost, &user), "preserved inactive none");
}

#[tokio::test]
async fn no_update_gives_a_preserved_account_to_somebody_else() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    say(&provost, &user, false).await.expect(200);
    let before = provost.user(id(&user));
    let mut other = person("ava");
    other["externalId"] = json!("00u-somebody-else");
    provost
        .client
        .put(&path(&user), &other)
        .await
        .refused(409, "uniqueness");
    other["active"] = json!(false);
    provost
        .client
        .put(&path(&user), &other)
        .await
        .refused(409, "uniqueness");
    let operations = json!([{"op": "replace", "value": {"active": true, "externalId": "00u-somebody-else"}}]);
    provost
        .client
        .patch(&path(&user), &patch(operations))
        .await
        .refused(409, "uniqueness");
    assert_eq!(provost.user(id(&user)), before);
    let operations = json!([{"op": "remove", "path": "externalId"}]);
    provost
        .client
        .patch(&path(&user), &patch(operations))
        .await
        .expect(200);
    assert_eq!(
        provost.user(id(&user))["externalId"],
        "00u-ava",
        "nor does it forget whose it is"
    );
}

#[tokio::test]
async fn an_administrator_says_whose_a_recycled_name_is() {
    for person_is in [service::users::Person::Same, service::users::Person::Another] {
        let provost = start().await;
        let user = provost.client.create(&person("ava")).await;
        say(&provost, &user, false).await.expect(200);
        let mut again = person("ava");
        again["externalId"] = json!("00u-new");
        provost
            .client
            .post("/Users", &again)
            .await
            .refused(409, "uniqueness");
        let uid = directory::UserId::parse(id(&user)).unwrap();
        provost
            .admin(move |tx, ctx| service::users::resolve(tx, ctx, uid, person_is))
            .await;
        let created = provost.client.create(&again).await;
        let is_same = person_is == service::users::Person::Same;
        assert_eq!(created["id"] == user["id"], is_same);
        let expected = if is_same {
            "active active none"
        } else {
            "preserved absent none"
        };
        assert_eq!(state(&provost, &user), expected);
    }
}

#[tokio::test]
async fn a_deleted_user_whom_an_administrator_activated_is_found_again_by_the_provider() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    provost.client.delete(&path(&user)).await;
    let uid = directory::UserId::parse(id(&user)).unwrap();
    let over = directory::Override::UntilNextWord;
    provost
        .admin(move |tx, ctx| service::users::activate(tx, ctx, uid, over))
        .await;
    assert_eq!(state(&provost, &user), "active absent none");
    let returned = provost.client.create(&person("ava")).await;
    assert_eq!(returned["id"], user["id"]);
    assert_eq!(state(&provost, &user), "active active none");
}

#[tokio::test]
async fn a_deleted_users_name_is_free_for_somebody_else() {
    let provost = start().await;
    let old = provost.client.create(&person("ava")).await;
    provost.client.delete(&path(&old)).await;
    let mut other = person("ava");
    other["externalId"] = json!("00u-somebody-else");
    let new = provost.client.create(&other).await;
    assert_ne!(new["id"], old["id"]);
    assert_eq!(state(&provost, &old), "preserved absent none");
    assert_eq!(provost.user(id(&new))["accountName"], "ava@example.com~2");
}

#[tokio::test]
async fn no_word_of_the_provider_ends_an_administrators_hold() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    provost.preserve(id(&user)).await;
    assert_eq!(state(&provost, &user), "preserved active administrator");
    let seen = provost.client.get(&path(&user)).await.expect(200);
    assert_eq!(
        seen["active"], true,
        "the provider's own word, so that it does not loop"
    );

    let mut repeated = person("ava");
    repeated["title"] = json!("Boss");
    let updated = provost.client.put(&path(&user), &repeated).await.expect(200);
    assert_eq!(
        (&updated["title"], &updated["active"]),
        (&json!("Boss"), &json!(true))
    );
    assert_eq!(state(&provost, &user), "preserved active administrator");

    say(&provost, &user, false).await.expect(200);
    assert_eq!(state(&provost, &user), "preserved inactive administrator");
    let detail = say(&provost, &user, true).await.refused(400, "mutability");
    assert!(
        detail.contains("An administrator (ada) has preserved this account since 20"),
        "{detail}"
    );
    provost
        .client
        .post("/Users", &person("ava"))
        .await
        .refused(400, "mutability");
    provost.client.delete(&path(&user)).await;
    provost
        .client
        .post("/Users", &person("ava"))
        .await
        .refused(400, "mutability");
    assert_eq!(state(&provost, &user), "preserved absent administrator");
}

#[tokio::test]
async fn an_administrator_ends_a_hold_and_not_the_providers_word() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let uid = directory::UserId::parse(id(&user)).unwrap();
    let activate = |over| {
        let work =
            move |tx: &mut store::Tx<'_>, ctx: &directory::Ctx| service::users::activate(tx, ctx, uid, over);
        provost.admin_at(server::clock::now(), work)
    };
    provost.preserve(id(&user)).await;
    activate(directory::Override::No).await.unwrap();
    assert_eq!(state(&provost, &user), "active active none");

    provost.preserve(id(&user)).await;
    say(&provost, &user, false).await.expect(200);
    activate(directory::Override::No).await.unwrap();
    assert_eq!(state(&provost, &user), "preserved inactive none");
    let refused = activate(directory::Override::No).await.unwrap_err();
    assert!(refused.to_string().contains("--override"), "{refused}");
    activate(directory::Override::UntilNextWord).await.unwrap();
    assert_eq!(state(&provost, &user), "active inactive none");
    say(&provost, &user, false).await.expect(200);
    assert_eq!(
        state(&provost, &user),
        "active inactive none",
        "the same word again is none"
    );
    say(&provost, &user, true).await.expect(200);
    say(&provost, &user, false).await.expect(200);
    assert_eq!(state(&provost, &user), "preserved inactive none");
}

#[tokio::test]
async fn a_rename_onto_a_name_that_is_taken_is_409_even_if_the_holder_is_preserved() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let bob = provost.client.create(&person("bob")).await;
    say(&provost, &ava, false).await.expect(200);
    let mut renamed = person("bob");
    renamed["userName"] = json!("AVA@example.com");
    let detail = provost
        .client
        .put(&path(&bob), &renamed)
        .await
        .refused(409, "uniqueness");
    assert!(
        detail.contains("preserved") && detail.contains(id(&ava)),
        "{detail}"
    );
    provost.client.delete(&path(&ava)).await;
    provost.client.put(&path(&bob), &renamed).await.expect(200);
}

#[tokio::test]
async fn the_purge_date_is_fixed_when_the_user_is_preserved() {
    let provost = start().await;
    let days = |days| {
        let change = ProfileChange {
            purge_days: Some(days),
            ..ProfileChange::default()
        };
        provost.admin(move |tx, ctx| profiles::set(tx, ctx, "default", &change))
    };
    days(90).await;
    let user = provost.client.create(&person("ava")).await;
    say(&provost, &user, false).await.expect(200);
    let purge_at = |provost: &Provost| provost.user(id(&user))["preservation"]["purgeAt"].clone();
    let fixed = purge_at(&provost);
    let (at, end): (jiff::Timestamp, jiff::Timestamp) = (
        provost.user(id(&user))["preservation"]["at"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap(),
        fixed.as_str().unwrap().parse().unwrap(),
    );
    assert_eq!(end.duration_since(at).as_hours(), 90 * 24);
    days(1).await;
    provost.client.delete(&path(&user)).await;
    assert_eq!(purge_at(&provost), fixed);
}

#[tokio::test]
async fn leaving_is_never_blocked_by_a_rule_that_came_later() {
    let provost = start().await;
    let bare = |name: &str| json!({"userName": name, "emails": [{"value": "team@example.com"}]});
    let user = provost.client.create(&bare("ava")).await;
    provost.client.create(&bare("bob")).await;
    let change = service::settings::tenants::TenantChange {
        max_active_users: Some(1),
        unique_email: Some(true),
        require_display_name: Some(true),
        ..Default::default()
    };
    provost.set_tenant(change).await;
    say(&provost, &user, false).await.expect(200);
    assert_eq!(state(&provost, &user), "preserved inactive none");
}

/// Waits until the user has the status, as it comes to have by itself.
async fn becomes(provost: &Provost, user: &Value, status: &str) {
    for _ in 0..60 {
        if provost.user(id(user))["status"] == status {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it stays {}", state(provost, user));
}

#[tokio::test]
async fn whom_no_mapping_matches_can_be_held_until_one_does() {
    let provost = start().await;
    provost.without_everyone().await;
    provost.hold_unmatched().await;
    let user = provost.client.create(&person("ava")).await;
    assert_eq!(user["active"], true, "the provider's own word");
    assert_eq!(state(&provost, &user), "held active unmatched");
    assert_eq!(
        user["urn:provost:params:scim:schemas:extension:directory:2.0:User"]["status"],
        "held"
    );
    let mut updated = person("ava");
    updated["title"] = json!("Boss");
    provost.client.put(&path(&user), &updated).await.expect(200);
    assert_eq!(
        state(&provost, &user),
        "held active unmatched",
        "never refused for its placement"
    );
    provost
        .client
        .post("/Users", &person("ava"))
        .await
        .refused(409, "uniqueness");
    provost.mapping("All", directory::Condition::Any, "default").await;
    becomes(&provost, &user, "active").await;
    assert_eq!(provost.user(id(&user))["decision"]["mappingName"], "All");
    let events = provost.events();
    assert!(
        events
            .iter()
            .any(|event| event["kind"] == "user.admitted" && event["actor"] == "Provost")
    );
}

#[tokio::test]
async fn a_user_beyond_a_limit_can_be_held_until_a_seat_is_free() {
    let provost = start().await;
    let change = service::settings::tenants::TenantChange {
        max_active_users: Some(1),
        over_limit: Some(directory::OrHold::Hold),
        ..Default::default()
    };
    provost.set_tenant(change).await;
    let ava = provost.client.create(&person("ava")).await;
    let bob = provost.client.create(&person("bob")).await;
    assert_eq!(bob["active"], true);
    assert_eq!(state(&provost, &bob), "held active limit");
    say(&provost, &ava, false).await.expect(200);
    becomes(&provost, &bob, "active").await;
    assert_eq!(say(&provost, &ava, true).await.expect(200)["active"], true);
    assert_eq!(state(&provost, &ava), "held active limit");
    say(&provost, &ava, false).await.expect(200);
    assert_eq!(state(&provost, &ava), "preserved inactive none");
}

#[tokio::test]
async fn a_held_user_whose_attribute_is_not_kept_waits_for_the_provider_to_send_it() {
    let provost = start().await;
    provost.hold_unmatched().await;
    provost.without_everyone().await;
    let user = provost.client.create(&person("ava")).await;
    let german = directory::Condition::Attribute {
        path: scim::AttributePath::parse("countryCode").unwrap(),
        values: vec!["DE".to_owned()],
        case_sensitive: false,
    };
    provost.mapping("German", german, "default").await;
    provost.mapping("All", directory::Condition::Any, "default").await;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(
        state(&provost, &user),
        "held active unmatched",
        "unknown is not false"
    );
    let mut whole = person("ava");
    whole["countryCode"] = json!("DE");
    provost.client.put(&path(&user), &whole).await.expect(200);
    assert_eq!(provost.user(id(&user))["decision"]["mappingName"], "German");
}

#[tokio::test]
async fn a_create_that_says_inactive_ends_an_administrators_override() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    provost.client.delete(&path(&user)).await;
    let id_ = uid(&user);
    let over = directory::Override::UntilNextWord;
    provost
        .admin(move |tx, ctx| service::users::activate(tx, ctx, id_, over))
        .await;
    let mut gone = person("ava");
    gone["active"] = json!(false);
    let created = provost.client.create(&gone).await;
    assert_eq!((&created["id"], &created["active"]), (&user["id"], &json!(false)));
    assert_eq!(state(&provost, &user), "preserved inactive none");
}

fn uid(user: &Value) -> directory::UserId {
    directory::UserId::parse(id(user)).unwrap()
}

#[tokio::test]
async fn an_administrator_deletes_with_a_reason_and_a_tombstone_is_all_that_stays() {
    let provost = start().await;
    let mut sent = person("ava");
    sent["nickName"] = json!("Nightingale");
    let user = provost.client.create(&sent).await;
    say(&provost, &user, false).await.expect(200);
    let purge = |reason: &'static str| {
        let id = uid(&user);
        provost.admin_at(server::clock::now(), move |tx, ctx| {
            service::users::purge(tx, ctx, id, reason)
        })
    };
    assert!(
        purge("too short")
            .await
            .unwrap_err()
            .to_string()
            .contains("10 to 150")
    );
    purge("asked for in ticket 4711").await.unwrap();
    provost.client.get(&path(&user)).await.refused(404, "");
    assert!(
        provost
            .client
            .find("userName eq \"ava@example.com\"")
            .await
            .is_empty()
    );
    let of_user: Vec<_> = provost
        .events()
        .into_iter()
        .filter(|event| event["user"] == id(&user))
        .collect();
    assert_eq!(of_user.len(), 3, "that it happened stays");
    assert!(!json!(of_user).to_string().contains("Nightingale"));
    let again = purge("asked for in ticket 4711").await.unwrap_err().to_string();
    assert!(
        again.contains("was purged on 20") && again.contains("by ada: asked for in ticket 4711"),
        "{again}"
    );
    let total = provost.client.get("/Users").await.expect(200)["totalResults"].clone();
    assert_eq!(total, 0);
    let new = provost.client.create(&person("ava")).await;
    assert_ne!(new["id"], user["id"], "a purged user is not revived");
}

#[tokio::test]
async fn a_preserved_user_is_purged_when_its_date_passes_unless_a_legal_hold_is_on_it() {
    let provost = start().await;
    let change = ProfileChange {
        purge_days: Some(30),
        ..ProfileChange::default()
    };
    provost
        .admin(move |tx, ctx| profiles::set(tx, ctx, "default", &change))
        .await;
    let mut users = Vec::new();
    for name in ["due", "kept", "later"] {
        let user = provost.client.create(&person(name)).await;
        let (id, days) = (uid(&user), if name == "later" { 29 } else { 31 });
        if name == "kept" {
            let placed = service::users::LegalHold::Placed;
            provost
                .admin(move |tx, ctx| service::users::set_legal_hold(tx, ctx, id, placed))
                .await;
        }
        let then = server::clock::now() - jiff::SignedDuration::from_hours(24 * days);
        provost
            .admin_at(then, move |tx, ctx| service::users::preserve(tx, ctx, id))
            .await
            .unwrap();
        users.push(user);
    }
    for _ in 0..60 {
        if provost.client.get(&path(&users[0])).await.status == 404 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    provost.client.get(&path(&users[0])).await.refused(404, "");
    assert!(
        !serde_json::to_string(&provost.events())
            .unwrap()
            .contains("due@example.com")
    );
    for kept in &users[1..] {
        assert_eq!(state(&provost, kept), "preserved active administrator");
    }
    let id = uid(&users[1]);
    let refused = provost
        .admin_at(server::clock::now(), move |tx, ctx| {
            service::users::purge(tx, ctx, id, "asked for in ticket 4711")
        })
        .await;
    assert!(refused.unwrap_err().to_string().contains("legal hold"));
}
