//! Those who leave: nothing blocks it, nobody is lost, and what is to be forgotten is forgotten everywhere.

use directory::{Ctx, Override, UserId};
use serde_json::{Value, json};
use service::Error;
use service::settings::profiles::{self, ProfileChange};
use service::settings::tenants::TenantChange;
use service::users::{self, Person};
use store::Tx;
use testkit::{Provost, patch, person};

use crate::{id, path, start};

const DIRECTORY: &str = "urn:provost:params:scim:schemas:extension:directory:2.0:User";

async fn says(provost: &Provost, user: &Value, active: bool) -> testkit::Answer {
    let operations = json!([{"op": "replace", "value": {"active": active}}]);
    provost.client.patch(&path(user), &patch(operations)).await
}

fn state(provost: &Provost, user: &Value) -> String {
    let user = provost.user(id(user));
    let text = |key: &str| user[key].as_str().unwrap().to_owned();
    format!("{} {} {}", text("status"), text("idpState"), text("hold"))
}

async fn activate(provost: &Provost, user: &Value, over: Override) -> Result<(), Error> {
    let id = UserId::parse(id(user)).unwrap();
    let work = move |tx: &mut Tx<'_>, ctx: &Ctx| users::activate(tx, ctx, id, over).map(drop);
    provost.admin_at(server::clock::now(), work).await
}

async fn remove_connection(provost: &Provost, name: &'static str) {
    provost
        .admin(move |tx, ctx| service::settings::connections::remove(tx, ctx, name))
        .await;
}

/// The days from a preservation to its purge date.
fn days(provost: &Provost, user: &Value) -> Option<i64> {
    let preservation = &provost.user(id(user))["preservation"];
    let at = |key: &str| {
        preservation[key]
            .as_str()
            .map(|text| text.parse::<directory::Timestamp>().unwrap())
    };
    Some(at("purgeAt")?.duration_since(at("at").unwrap()).as_hours() / 24)
}

#[tokio::test]
async fn the_extension_says_who_preserved_and_when_and_nothing_after_a_return() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let left = says(&provost, &ava, false).await.expect(200);
    let extension = &left[DIRECTORY];
    assert_eq!(
        (&extension["status"], &extension["preservedBy"]),
        (&json!("preserved"), &json!("default"))
    );
    let at = extension["preservedAt"].as_str().unwrap();
    assert!(at.parse::<directory::Timestamp>().is_ok(), "{at}");
    let back = says(&provost, &ava, true).await.expect(200);
    let extension = back[DIRECTORY].as_object().unwrap();
    assert!(!extension.contains_key("preservedBy") && !extension.contains_key("preservedAt"));
    provost.preserve(id(&ava)).await;
    let held = provost.client.get(&path(&ava)).await.expect(200);
    assert_eq!(
        (&held["active"], &held[DIRECTORY]["preservedBy"]),
        (&json!(true), &json!("ada"))
    );
}

#[tokio::test]
async fn a_name_or_address_that_is_taken_keeps_nobody_from_leaving() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    provost.client.create(&person("bob")).await;
    provost
        .set_tenant(TenantChange {
            unique_email: Some(true),
            ..TenantChange::default()
        })
        .await;
    let mut gone = person("bob");
    gone["active"] = json!(false);
    gone["title"] = json!("Leaver");
    let left = provost.client.put(&path(&ava), &gone).await.expect(200);
    assert_eq!(
        (&left["active"], &left["title"]),
        (&json!(false), &json!("Leaver"))
    );
    assert_eq!(
        (
            &left["userName"],
            &left["externalId"],
            &left["emails"][0]["value"]
        ),
        (
            &json!("ava@example.com"),
            &json!("00u-ava"),
            &json!("ava@example.com")
        ),
        "the names that are another's stay as they were"
    );
    assert_eq!(state(&provost, &ava), "preserved inactive none");
}

#[tokio::test]
async fn a_manual_user_counts_as_active_whatever_a_connection_said_that_is_no_more() {
    for deletes in [false, true] {
        let provost = start().await;
        let old = provost.connect("Old").await;
        let ava = old.create(&person("ava")).await;
        if deletes {
            old.delete(&path(&ava)).await.expect(204);
        } else {
            let leave = patch(json!([{"op": "replace", "value": {"active": false}}]));
            old.patch(&path(&ava), &leave).await.expect(200);
        }
        remove_connection(&provost, "Old").await;
        activate(&provost, &ava, Override::No).await.unwrap();
        assert_eq!(state(&provost, &ava), "active active none");
        let seen = provost.client.get(&path(&ava)).await.expect(200);
        assert_eq!(seen["active"], true);
        let mut gone = person("ava");
        gone["active"] = json!(false);
        provost.client.put(&path(&ava), &gone).await.expect(200);
        assert_eq!(state(&provost, &ava), "preserved inactive none");
    }
}

#[tokio::test]
async fn an_override_is_no_reason_for_the_next_connection_to_be_unheard() {
    let provost = start().await;
    let old = provost.connect("Old").await;
    let ava = old.create(&person("ava")).await;
    let leave = patch(json!([{"op": "replace", "value": {"active": false}}]));
    old.patch(&path(&ava), &leave).await.expect(200);
    activate(&provost, &ava, Override::UntilNextWord).await.unwrap();
    assert_eq!(provost.user(id(&ava))["overridden"], true);
    remove_connection(&provost, "Old").await;
    assert_eq!(state(&provost, &ava), "active active none");
    assert_eq!(provost.user(id(&ava))["overridden"], false);
    provost.client.patch(&path(&ava), &leave).await.expect(200);
    assert_eq!(state(&provost, &ava), "preserved inactive none");
}

#[tokio::test]
async fn a_recycled_name_of_a_manual_leaver_waits_for_an_administrator_too() {
    let provost = start().await;
    let old = provost.connect("Old").await;
    let bob = old.create(&person("bob")).await;
    let leave = patch(json!([{"op": "replace", "value": {"active": false}}]));
    old.patch(&path(&bob), &leave).await.expect(200);
    remove_connection(&provost, "Old").await;
    let mut another = person("bob");
    another["externalId"] = json!("another");
    let detail = provost
        .client
        .post("/Users", &another)
        .await
        .refused(409, "uniqueness");
    assert!(
        detail.contains("00u-bob") && detail.contains("another"),
        "{detail}"
    );
    assert_eq!(state(&provost, &bob), "preserved inactive none");
    let uid = UserId::parse(id(&bob)).unwrap();
    provost
        .admin(move |tx, ctx| users::resolve(tx, ctx, uid, Person::Same))
        .await;
    assert_eq!(provost.client.create(&another).await["id"], bob["id"]);
}

#[tokio::test]
async fn staged_people_need_no_seat_and_their_clock_starts_after_a_first_activation() {
    let provost = start().await;
    let thirty = ProfileChange {
        purge_days: Some(30),
        ..ProfileChange::default()
    };
    provost
        .admin(move |tx, ctx| profiles::set(tx, ctx, "default", &thirty))
        .await;
    provost
        .set_tenant(TenantChange {
            max_active_users: Some(1),
            ..TenantChange::default()
        })
        .await;
    let ava = provost.client.create(&person("ava")).await;
    let mut staged = person("bob");
    staged["active"] = json!(false);
    let bob = provost.client.create(&staged).await;
    assert_eq!(days(&provost, &bob), None);
    let detail = says(&provost, &bob, true).await.refused(400, "invalidValue");
    assert!(detail.contains("The tenant is full"), "{detail}");
    says(&provost, &ava, false).await.expect(200);
    says(&provost, &bob, true).await.expect(200);
    says(&provost, &bob, false).await.expect(200);
    assert_eq!(days(&provost, &bob), Some(30));
    staged["userName"] = json!("cyd");
    staged["externalId"] = json!("cyd");
    let cyd = provost.client.create(&staged).await;
    provost.client.delete(&path(&cyd)).await.expect(204);
    assert_eq!(days(&provost, &cyd), None, "who never worked has nothing to lose");
}

#[tokio::test]
async fn the_default_profile_never_purges() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    says(&provost, &ava, false).await.expect(200);
    assert_eq!(days(&provost, &ava), None);
}

#[tokio::test]
async fn a_held_user_is_never_purged_and_can_be_deleted() {
    let provost = start().await;
    provost.hold_unmatched().await;
    provost.without_everyone().await;
    let ava = provost.client.create(&person("ava")).await;
    assert_eq!(state(&provost, &ava), "held active unmatched");
    assert!(provost.user(id(&ava))["preservation"].is_null());
    let far = server::clock::now()
        .checked_add(jiff::SignedDuration::from_hours(24 * 4_000))
        .unwrap();
    let purged = provost.admin_at(far, users::purge_due).await.unwrap();
    assert_eq!(purged, 0);
    provost.client.delete(&path(&ava)).await.expect(204);
    assert_eq!(state(&provost, &ava), "preserved absent none");
    provost.client.get(&path(&ava)).await.refused(404, "");
    provost.client.delete(&path(&ava)).await.refused(404, "");
}

#[tokio::test]
async fn after_a_hold_the_provider_is_the_one_who_preserved() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    provost.preserve(id(&ava)).await;
    says(&provost, &ava, false).await.expect(200);
    assert_eq!(provost.user(id(&ava))["preservation"]["by"], "ada");
    activate(&provost, &ava, Override::No).await.unwrap();
    let preservation = provost.user(id(&ava))["preservation"].clone();
    assert_eq!(
        (&preservation["by"], &preservation["cause"]),
        (&json!("default"), &json!("deactivated"))
    );
}

#[tokio::test]
async fn a_hold_ends_even_where_no_seat_is_free_and_no_mapping_matches() {
    let provost = start().await;
    provost.hold_unmatched().await;
    provost
        .set_tenant(TenantChange {
            max_active_users: Some(1),
            over_limit: Some(directory::OrHold::Hold),
            ..TenantChange::default()
        })
        .await;
    let ava = provost.client.create(&person("ava")).await;
    provost.preserve(id(&ava)).await;
    provost.client.create(&person("bob")).await;
    activate(&provost, &ava, Override::No).await.unwrap();
    assert_eq!(state(&provost, &ava), "held active limit");

    provost.without_everyone().await;
    let cyd = provost.client.create(&person("cyd")).await;
    provost.preserve(id(&cyd)).await;
    activate(&provost, &cyd, Override::No).await.unwrap();
    assert_eq!(state(&provost, &cyd), "held active unmatched");
}

#[tokio::test]
async fn a_full_tenant_or_profile_stops_every_kind_of_return() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    says(&provost, &ava, false).await.expect(200);
    provost.client.create(&person("bob")).await;
    let one = ProfileChange {
        max_users: Some(1),
        ..ProfileChange::default()
    };
    provost
        .admin(move |tx, ctx| profiles::set(tx, ctx, "default", &one))
        .await;
    let before = provost.user(id(&ava));
    let full = |detail: String| assert!(detail.contains("The profile \"default\" is full"), "{detail}");
    full(says(&provost, &ava, true).await.refused(400, "invalidValue"));
    full(
        provost
            .client
            .post("/Users", &person("ava"))
            .await
            .refused(400, "invalidValue"),
    );
    full(
        activate(&provost, &ava, Override::UntilNextWord)
            .await
            .unwrap_err()
            .to_string(),
    );
    assert_eq!(provost.user(id(&ava)), before);
}

#[tokio::test]
async fn who_is_purged_is_in_no_file_any_more() {
    let provost = start().await;
    let mut sent = person("florence");
    sent["nickName"] = json!("Nightingale-of-Crimea");
    let user = provost.client.create(&sent).await;
    says(&provost, &user, false).await.expect(200);
    let uid = UserId::parse(id(&user)).unwrap();
    provost
        .admin(move |tx, ctx| users::purge(tx, ctx, uid, "asked to be forgotten"))
        .await;
    for _ in 0..100 {
        let written = provost.everything_written().await;
        let is_there = |secret: &&str| {
            let secret = secret.as_bytes();
            written.windows(secret.len()).any(|window| window == secret)
        };
        let secrets = ["Nightingale-of-Crimea", "florence@example.com", "00u-florence"];
        if !secrets.iter().any(is_there) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("something of the user is left");
}

#[tokio::test]
async fn a_reason_has_ten_to_a_hundred_and_fifty_characters() {
    let provost = start().await;
    for (length, is_enough) in [(9, false), (10, true), (150, true), (151, false)] {
        let user = provost.client.create(&person(&format!("p{length}"))).await;
        let uid = UserId::parse(id(&user)).unwrap();
        let reason = "x".repeat(length);
        let purged = provost
            .admin_at(server::clock::now(), move |tx, ctx| {
                users::purge(tx, ctx, uid, &reason)
            })
            .await;
        assert_eq!(purged.is_ok(), is_enough, "{length}");
    }
}

#[tokio::test]
async fn an_override_without_a_seat_is_refused_and_forgets_nothing() {
    let provost = start().await;
    provost
        .set_tenant(TenantChange {
            max_active_users: Some(1),
            over_limit: Some(directory::OrHold::Hold),
            ..TenantChange::default()
        })
        .await;
    let ava = provost.client.create(&person("ava")).await;
    says(&provost, &ava, false).await.expect(200);
    provost.client.create(&person("bob")).await;
    let refused = activate(&provost, &ava, Override::UntilNextWord)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("The tenant is full"), "{refused}");
    assert_eq!(state(&provost, &ava), "preserved inactive none");
}

#[tokio::test]
async fn a_transfer_takes_no_override_along() {
    let provost = start().await;
    let entra = provost.connect("Entra ID").await;
    let ava = provost.client.create(&person("ava")).await;
    says(&provost, &ava, false).await.expect(200);
    activate(&provost, &ava, Override::UntilNextWord).await.unwrap();
    let uid = UserId::parse(id(&ava)).unwrap();
    provost
        .admin(move |tx, ctx| users::transfer(tx, ctx, uid, "Entra ID"))
        .await;
    let leave = patch(json!([{"op": "replace", "value": {"active": false}}]));
    entra.patch(&path(&ava), &leave).await.expect(200);
    assert_eq!(state(&provost, &ava), "preserved inactive none");
}
