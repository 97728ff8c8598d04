//! Manual users, who find their identity provider, and namesakes.

use directory::Ctx;
use serde_json::{Value, json};
use service::settings::tenants::TenantChange;
use service::users::{Imported, Newcomer, PlaceChange};
use store::Tx;
use testkit::{Provost, person};

use crate::{id, path, start};

/// An administrator imports a person; gives its id.
async fn import(provost: &Provost, attributes: Value, place: PlaceChange) -> String {
    let newcomer = Newcomer {
        attributes: attributes.as_object().unwrap().clone(),
        place,
        ..Newcomer::default()
    };
    let work = move |tx: &mut Tx<'_>, ctx: &Ctx| service::users::import(tx, ctx, &newcomer);
    match provost.admin(work).await {
        Imported::Added(record) => record.facts.id.to_string(),
        Imported::Known(record) => panic!("{} is known", record.facts.account_name),
    }
}

#[tokio::test]
async fn a_manual_user_is_adopted_by_its_name_and_keeps_what_was_set_by_hand() {
    let provost = start().await;
    provost
        .profile("Gold", service::settings::profiles::ProfileChange::default())
        .await;
    let gold = PlaceChange {
        profile: Some("Gold".to_owned()),
        ..PlaceChange::default()
    };
    let ava = import(&provost, json!({"userName": "AVA@example.com"}), gold).await;
    assert!(provost.user(&ava)["managedBy"].is_null());
    assert_eq!(provost.user(&ava)["status"], "active");

    let found = provost.client.find("userName eq \"ava@example.com\"").await;
    assert_eq!(found[0]["id"], ava, "a connection sees manual users");
    let adopted = provost.client.post("/Users", &person("ava")).await.expect(201);
    assert_eq!(adopted["id"], ava);
    let shown = provost.user(&ava);
    assert_eq!(
        (&shown["managedBy"], &shown["profile"]),
        (&json!("default"), &json!("Gold"))
    );
    assert_eq!(shown["pinned"], json!(["profile"]));
    provost
        .client
        .put(&path(&adopted), &person("ava"))
        .await
        .expect(200);
    assert_eq!(
        provost.user(&ava)["profile"],
        "Gold",
        "no mapping moves what was set by hand"
    );
}

#[tokio::test]
async fn a_manual_user_is_adopted_when_the_provider_finds_and_writes_it() {
    let provost = start().await;
    let ava = import(
        &provost,
        json!({"userName": "ava@example.com"}),
        PlaceChange::default(),
    )
    .await;
    let found = provost.client.find("userName eq \"ava@example.com\"").await;
    let written = provost
        .client
        .put(&path(&found[0]), &person("ava"))
        .await
        .expect(200);
    assert_eq!(written["id"], ava);
    assert_eq!(provost.user(&ava)["managedBy"], "default");
    assert!(
        provost
            .events()
            .iter()
            .any(|event| event["kind"] == "user.adopted")
    );
}

#[tokio::test]
async fn the_address_of_exactly_one_manual_user_finds_it_where_no_name_does() {
    let provost = start().await;
    let mail = |address: &str| json!([{"value": address}]);
    let ava = import(
        &provost,
        json!({"userName": "ava", "emails": mail("Ava@example.com")}),
        PlaceChange::default(),
    )
    .await;
    let adopted = provost.client.post("/Users", &person("ava")).await.expect(201);
    assert_eq!(
        (&adopted["id"], &adopted["userName"]),
        (&json!(ava), &json!("ava@example.com"))
    );

    for name in ["bob1", "bob2"] {
        import(
            &provost,
            json!({"userName": name, "emails": mail("bob@example.com")}),
            PlaceChange::default(),
        )
        .await;
    }
    let bob = provost.client.create(&person("bob")).await;
    assert!(
        !["bob1", "bob2"]
            .iter()
            .any(|name| provost.user(name)["id"] == bob["id"]),
        "an address of two says nothing"
    );

    let other = provost.connect("Entra ID").await;
    let cyd = other.create(&person("cyd")).await;
    let mut same_address = person("cyd2");
    same_address["emails"] = mail("cyd@example.com");
    let new = provost.client.create(&same_address).await;
    assert_ne!(
        new["id"], cyd["id"],
        "an address of another connection's user says nothing"
    );
}

#[tokio::test]
async fn a_new_external_id_is_the_same_person_while_a_provider_is_exchanged() {
    let provost = start().await;
    let until = |days: i64| TenantChange {
        accept_new_external_ids_until: Some(Some(
            server::clock::now()
                .checked_add(jiff::SignedDuration::from_hours(24 * days))
                .unwrap(),
        )),
        ..TenantChange::default()
    };
    for (name, days, is_same) in [("ava", 1, true), ("bob", -1, false)] {
        let before = provost.client.create(&person(name)).await;
        provost.client.delete(&path(&before)).await;
        provost.set_tenant(until(days)).await;
        let mut back = person(name);
        back["externalId"] = json!(format!("new-{name}"));
        let after = provost.client.create(&back).await;
        assert_eq!(after["id"] == before["id"], is_same, "{name}");
        assert_eq!(after["externalId"], format!("new-{name}"));
    }
}

#[tokio::test]
async fn those_who_have_the_name_of_somebody_who_left_are_shown() {
    let provost = start().await;
    let before = provost.client.create(&person("ava")).await;
    provost.client.create(&person("bob")).await;
    provost.client.delete(&path(&before)).await;
    let namesakes = || {
        provost
            .store
            .read(|tx| service::users::namesakes(tx, provost.tenant, 100))
            .unwrap()
    };
    assert!(namesakes().is_empty());
    let mut another = person("AVA");
    another["externalId"] = json!("00u-another");
    let after = provost.client.create(&another).await;
    let pairs = namesakes();
    assert_eq!(pairs.len(), 1);
    assert_eq!(pairs[0].former.facts.id.to_string(), id(&before));
    assert_eq!(pairs[0].present.facts.id.to_string(), id(&after));
}

#[tokio::test]
async fn an_import_is_refused_as_a_create_is_and_changes_nothing() {
    let provost = start().await;
    let left = provost.client.create(&person("left")).await;
    provost.client.delete(&path(&left)).await;
    provost.without_everyone().await;
    let before = provost.events().len();
    for (attributes, why) in [
        (json!({"userName": "ava"}), "No mapping matched"),
        (json!({"displayName": "Ava"}), "userName is required"),
        (
            json!({"userName": "left@example.com"}),
            "who left and is preserved",
        ),
    ] {
        let newcomer = Newcomer {
            attributes: attributes.as_object().unwrap().clone(),
            ..Newcomer::default()
        };
        let refused = provost
            .admin_at(server::clock::now(), move |tx, ctx| {
                service::users::import(tx, ctx, &newcomer)
            })
            .await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(provost.events().len(), before);
}

#[tokio::test]
async fn a_leaver_of_a_file_returns_by_its_provider_and_is_purged_by_its_profile() {
    let provost = start().await;
    let change = service::settings::profiles::ProfileChange {
        purge_days: Some(30),
        ..Default::default()
    };
    provost.profile("Short", change).await;
    let short = PlaceChange {
        profile: Some("Short".to_owned()),
        ..PlaceChange::default()
    };
    let ava = import(
        &provost,
        json!({"userName": "ava@example.com", "active": false}),
        short,
    )
    .await;
    let shown = provost.user(&ava);
    assert_eq!(
        (&shown["status"], &shown["hold"]),
        (&json!("preserved"), &json!("none"))
    );
    assert!(!shown["preservation"]["purgeAt"].is_null(), "{shown}");
    assert_eq!(provost.client.create(&person("ava")).await["id"], ava);
    let shown = provost.user(&ava);
    assert_eq!(
        (&shown["status"], &shown["profile"]),
        (&json!("active"), &json!("Short"))
    );
    assert_eq!(shown["storage"], "default");
}

#[tokio::test]
async fn an_address_of_somebody_who_left_is_not_that_person() {
    let provost = start().await;
    let old = provost.connect("Old").await;
    let jane = old.create(&person("jane")).await;
    let leave = testkit::patch(json!([{"op": "replace", "value": {"active": false}}]));
    old.patch(&path(&jane), &leave).await.expect(200);
    provost
        .admin(|tx, ctx| service::settings::connections::remove(tx, ctx, "Old"))
        .await;
    let mut hire = person("joe");
    hire["emails"][0]["value"] = json!("jane@example.com");
    let joe = provost.client.create(&hire).await;
    assert_ne!(joe["id"], jane["id"]);
    assert_eq!(provost.user(id(&jane))["status"], "preserved");
}

#[tokio::test]
async fn who_has_given_up_a_name_is_never_found_by_it_again() {
    for (known, given) in [(None, Some("new")), (Some("q2"), None), (None, None)] {
        let provost = start().await;
        let with = |external_id: Option<&str>| json!({"userName": "so@x.example", "externalId": external_id});
        let before = provost.client.create(&with(known)).await;
        let leave = testkit::patch(json!([{"op": "replace", "value": {"active": false}}]));
        provost.client.patch(&path(&before), &leave).await.expect(200);
        let uid = directory::UserId::parse(id(&before)).unwrap();
        provost
            .admin(move |tx, ctx| service::users::resolve(tx, ctx, uid, service::users::Person::Another))
            .await;
        let after = provost.client.create(&with(given)).await;
        assert_ne!(after["id"], before["id"], "{known:?} {given:?}");
        assert_eq!(provost.user(id(&before))["status"], "preserved");
        let namesakes = provost
            .store
            .read(|tx| service::users::namesakes(tx, provost.tenant, 100))
            .unwrap();
        assert!(namesakes.is_empty(), "it is settled");
    }
}
