//! Places: by which mapping, when again, and what was set by hand.

use directory::{Bytes, Condition, UserId};
use scim::AttributePath;
use scim::filter::Quotes;
use serde_json::{Value, json};
use service::settings::mappings::{self, MappingChange};
use service::settings::profiles::ProfileChange;
use service::settings::storages;
use service::users::{self, PlaceChange};
use testkit::{ENTERPRISE, Provost, patch, person};

use crate::{id, path, start};

fn attribute(path: &str, values: &[&str]) -> Condition {
    Condition::Attribute {
        path: AttributePath::parse(path).unwrap(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
        case_sensitive: false,
    }
}

async fn set_place(provost: &Provost, user: &Value, place: PlaceChange) {
    let id = UserId::parse(id(user)).unwrap();
    provost
        .admin(move |tx, ctx| users::set_place(tx, ctx, id, &place))
        .await;
}

/// `by_hand`: quota 7 and the storage Frankfurt.
async fn frankfurt(provost: &Provost) -> PlaceChange {
    provost
        .admin(|tx, ctx| storages::add(tx, ctx, "Frankfurt", ""))
        .await;
    PlaceChange {
        profile: None,
        storage: Some("Frankfurt".to_owned()),
        quota: Some(Some(Bytes::new(7))),
    }
}

fn is_by_hand(shown: &Value) -> bool {
    shown["quota"] == 7 && shown["storage"] == "Frankfurt" && shown["pinned"] == json!(["storage", "quota"])
}

#[tokio::test]
async fn what_was_set_before_the_first_placement_stays() {
    let provost = start().await;
    let by_hand = frankfurt(&provost).await;
    let mut staged = person("ava");
    staged["active"] = json!(false);
    let ava = provost.client.create(&staged).await;
    set_place(&provost, &ava, by_hand.clone()).await;
    let on = patch(json!([{"op": "replace", "value": {"active": true}}]));
    provost.client.patch(&path(&ava), &on).await.expect(200);
    assert!(is_by_hand(&provost.user(id(&ava))), "{}", provost.user(id(&ava)));

    provost.hold_unmatched().await;
    provost.without_everyone().await;
    let bob = provost.client.create(&person("bob")).await;
    set_place(&provost, &bob, by_hand).await;
    provost.mapping("All", Condition::Any, "default").await;
    provost.client.put(&path(&bob), &person("bob")).await.expect(200);
    let shown = provost.user(id(&bob));
    assert!(is_by_hand(&shown) && shown["status"] == "active", "{shown}");
}

#[tokio::test]
async fn a_storage_that_was_set_by_hand_is_kept_and_shown() {
    let provost = start().await;
    let by_hand = frankfurt(&provost).await;
    provost.profile("Sales", ProfileChange::default()).await;
    provost
        .mapping("Sellers", attribute("title", &["Seller"]), "Sales")
        .await;
    let ava = provost.client.create(&person("ava")).await;
    set_place(&provost, &ava, by_hand).await;
    let mut seller = person("ava");
    seller["title"] = json!("Seller");
    provost.client.put(&path(&ava), &seller).await.expect(200);
    let shown = provost.user(id(&ava));
    assert!(is_by_hand(&shown), "{shown}");
    assert_eq!(shown["profile"], "Sales", "the profile was not set by hand");
}

#[tokio::test]
async fn a_new_mapping_for_any_user_goes_above_those_that_are_there() {
    let provost = start().await;
    provost.connect("Entra").await;
    let change = MappingChange {
        condition: Some(Condition::Any),
        connections: Some(vec!["Entra".to_owned()]),
        profile: Some("default".to_owned()),
        storage: Some("default".to_owned()),
        ..MappingChange::default()
    };
    let added = provost
        .admin(move |tx, ctx| mappings::add(tx, ctx, "EntraAll", &change, None))
        .await;
    assert_eq!(added.position, 1);
    let settings = provost
        .store
        .read(|tx| service::settings::all(tx, provost.tenant))
        .unwrap();
    assert!(
        directory::shadowed(&settings.mappings)
            .iter()
            .all(Option::is_none)
    );
}

#[tokio::test]
async fn a_mapping_is_for_its_connections_and_no_other() {
    let provost = start().await;
    let entra = provost.connect("Entra").await;
    let change = MappingChange {
        condition: Some(Condition::Any),
        connections: Some(vec!["Entra".to_owned()]),
        profile: Some("default".to_owned()),
        storage: Some("default".to_owned()),
        ..MappingChange::default()
    };
    provost
        .admin(move |tx, ctx| mappings::add(tx, ctx, "Limited", &change, None))
        .await;
    let ava = entra.create(&person("ava")).await;
    let bob = provost.client.create(&person("bob")).await;
    let by = |user: &Value| provost.user(id(user))["decision"]["mappingName"].clone();
    assert_eq!((by(&ava), by(&bob)), (json!("Limited"), json!("Everyone")));

    provost.without_everyone().await;
    let detail = provost
        .client
        .post("/Users", &person("cyd"))
        .await
        .refused(400, "invalidValue");
    assert!(detail.contains("there is none for this connection"), "{detail}");
    provost.hold_unmatched().await;
    let cyd = provost.client.create(&person("cyd")).await;
    assert_eq!(provost.user(id(&cyd))["status"], "held");
    provost
        .admin(|tx, ctx| mappings::remove(tx, ctx, "Limited"))
        .await;
    entra
        .post("/Users", &person("dan"))
        .await
        .refused(400, "invalidValue");
}

#[tokio::test]
async fn undeclared_parts_of_declared_attributes_decide_too() {
    let provost = start().await;
    provost.profile("Bonn", ProfileChange::default()).await;
    provost
        .mapping("Sites", attribute("addresses.site", &["Bonn"]), "Bonn")
        .await;
    provost
        .mapping("Teams", attribute("manager.managerId", &["1"]), "Bonn")
        .await;
    let mut ava = person("ava");
    ava["addresses"] = json!([{"locality": "x"}, {"site": "bonn", "locality": "y"}]);
    let mut bob = person("bob");
    bob[ENTERPRISE] = json!({"manager": [{"value": "m", "managerId": "1"}]});
    for sent in [ava, bob] {
        let user = provost.client.create(&sent).await;
        assert_eq!(provost.user(id(&user))["profile"], "Bonn", "{sent}");
    }
    // What a PATCH does not carry is unknown, so the mapping on sites would end the search.
    provost
        .admin(|tx, ctx| mappings::move_to(tx, ctx, "Teams", 1))
        .await;
    let cyd = provost.client.create(&person("cyd")).await;
    let operations = json!([{"op": "add", "path": format!("{ENTERPRISE}:manager"), "value": {"value": "m", "managerId": "1"}}]);
    provost
        .client
        .patch(&path(&cyd), &patch(operations))
        .await
        .expect(200);
    assert_eq!(provost.user(id(&cyd))["profile"], "Bonn");
}

#[tokio::test]
async fn blanks_around_a_text_say_nothing_to_a_filter_and_an_attribute_alike() {
    let provost = start().await;
    provost.profile("Sales", ProfileChange::default()).await;
    let filter = scim::Filter::parse("department eq \"Sales\"", Quotes::Required).unwrap();
    provost
        .mapping("Filter", Condition::Filter { filter }, "Sales")
        .await;
    provost
        .mapping("City", attribute("city", &["Z\u{fc}rich"]), "Sales")
        .await;
    let mut ava = person("ava");
    ava[ENTERPRISE] = json!({"department": " Sales "});
    let mut bob = person("bob");
    bob["city"] = json!("Zu\u{308}rich ");
    for (sent, mapping) in [(ava, "Filter"), (bob, "City")] {
        let user = provost.client.create(&sent).await;
        assert_eq!(provost.user(id(&user))["decision"]["mappingName"], mapping);
    }
    provost.without_everyone().await;
    for nothing in [json!(null), json!([]), json!(" "), json!("")] {
        let mut sent = person("cyd");
        sent["city"] = nothing;
        let detail = provost
            .client
            .post("/Users", &sent)
            .await
            .refused(400, "invalidValue");
        assert!(detail.contains("city (the request carries none)"), "{detail}");
    }
}

#[tokio::test]
async fn the_decision_says_which_mapping_gave_what_and_when() {
    let provost = start().await;
    let change = MappingChange {
        quota: Some(Some(Bytes::new(5))),
        ..MappingChange::default()
    };
    let mapping = provost
        .admin(move |tx, ctx| mappings::set(tx, ctx, "Everyone", &change))
        .await;
    let before = server::clock::now();
    let ava = provost.client.create(&person("ava")).await;
    let decision = provost.user(id(&ava))["decision"].clone();
    assert_eq!(decision["mapping"], mapping.id.to_string());
    assert_eq!(
        (
            &decision["mappingName"],
            &decision["profile"],
            &decision["storage"],
            &decision["quota"]
        ),
        (
            &json!("Everyone"),
            &json!("default"),
            &json!("default"),
            &json!(5)
        )
    );
    let at: directory::Timestamp = decision["at"].as_str().unwrap().parse().unwrap();
    assert!(
        at.as_millisecond() >= before.as_millisecond() && at <= server::clock::now(),
        "{at}"
    );
}

#[tokio::test]
async fn a_mapping_that_is_edited_or_moved_changes_nobody_until_their_next_update() {
    let provost = start().await;
    provost.profile("Gold", ProfileChange::default()).await;
    provost
        .mapping("Boss", attribute("title", &["Boss"]), "default")
        .await;
    let ava = provost.client.create(&person("ava")).await;
    let before = provost.user(id(&ava));
    let change = MappingChange {
        profile: Some("Gold".to_owned()),
        quota: Some(Some(Bytes::new(9))),
        ..MappingChange::default()
    };
    provost
        .admin(move |tx, ctx| mappings::set(tx, ctx, "Everyone", &change))
        .await;
    provost
        .admin(|tx, ctx| mappings::move_to(tx, ctx, "Everyone", 1))
        .await;
    assert_eq!(provost.user(id(&ava)), before);
    provost.client.put(&path(&ava), &person("ava")).await.expect(200);
    let after = provost.user(id(&ava));
    assert_eq!((&after["profile"], &after["quota"]), (&json!("Gold"), &json!(9)));
}

#[tokio::test]
async fn preserved_users_are_never_decided_again() {
    let provost = start().await;
    provost.profile("Germany", ProfileChange::default()).await;
    provost
        .mapping("Germans", attribute("countryCode", &["DE"]), "Germany")
        .await;
    let ava = provost.client.create(&person("ava")).await;
    let bob = provost.client.create(&person("bob")).await;
    provost.preserve(id(&bob)).await;
    for (user, name, active) in [(&ava, "ava", false), (&ava, "ava", false), (&bob, "bob", true)] {
        let mut german = person(name);
        german["countryCode"] = json!("DE");
        german["active"] = json!(active);
        provost.client.put(&path(user), &german).await.expect(200);
        let shown = provost.user(id(user));
        assert_eq!(
            (&shown["profile"], &shown["status"]),
            (&json!("default"), &json!("preserved"))
        );
        assert!(shown["placementDoubt"].is_null());
    }
    assert!(provost.events().iter().all(|event| event["kind"] != "user.moved"));
}

#[tokio::test]
async fn a_name_that_changes_counts_for_a_mapping_on_the_display_name_that_follows_it() {
    let provost = start().await;
    provost.profile("Zed", ProfileChange::default()).await;
    provost
        .mapping("Zeds", attribute("displayName", &["Zed Example"]), "Zed")
        .await;
    let ava = provost.client.create(&person("ava")).await;
    let operations = json!([{"op": "replace", "path": "name.givenName", "value": "Zed"}]);
    provost
        .client
        .patch(&path(&ava), &patch(operations))
        .await
        .expect(200);
    assert_eq!(provost.user(id(&ava))["profile"], "Zed");
}
