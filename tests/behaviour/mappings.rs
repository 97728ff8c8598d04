//! Which mapping places whom, and what a refusal tells.

use directory::{Bytes, Condition};
use scim::AttributePath;
use serde_json::{Value, json};
use service::settings::mappings::{self, MappingChange};
use service::settings::profiles::{self, ProfileChange};
use testkit::{ENTERPRISE, Provost, patch, person};

use crate::{id, path, start};

fn attribute(path: &str, values: &[&str]) -> Condition {
    Condition::Attribute {
        path: AttributePath::parse(path).unwrap(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
        case_sensitive: false,
    }
}

/// Profiles and mappings: `Germany` for countryCode DE or AT, `Sales` for the department, then everybody.
async fn ordered() -> Provost {
    let provost = start().await;
    for name in ["Germany", "Sales"] {
        provost.profile(name, ProfileChange::default()).await;
    }
    provost
        .mapping("Germany", attribute("countryCode", &["DE", "AT"]), "Germany")
        .await;
    provost
        .mapping("Sales", attribute("department", &["Sales"]), "Sales")
        .await;
    provost
}

fn with(name: &str, more: Value) -> Value {
    let mut user = person(name);
    for (key, value) in more.as_object().unwrap() {
        user[key] = value.clone();
    }
    user
}

#[tokio::test]
async fn the_first_mapping_that_matches_decides() {
    let provost = ordered().await;
    for (name, more, mapping, profile) in [
        (
            "a",
            json!({"countryCode": "de", ENTERPRISE: {"department": "Sales"}}),
            "Germany",
            "Germany",
        ),
        (
            "b",
            json!({"countryCode": "FR", ENTERPRISE: {"department": "SALES"}}),
            "Sales",
            "Sales",
        ),
        ("c", json!({"countryCode": "FR"}), "Everyone", "default"),
        ("d", json!({}), "Everyone", "default"),
    ] {
        let user = provost.client.create(&with(name, more)).await;
        let shown = provost.user(id(&user));
        assert_eq!(shown["decision"]["mappingName"], mapping, "{name}");
        assert_eq!(shown["profile"], profile, "{name}");
        assert_eq!(shown["storage"], "default");
    }
}

#[tokio::test]
async fn an_undeclared_attribute_decides_and_is_in_no_file() {
    let provost = ordered().await;
    let secret = "zz-only-in-this-request-zz";
    let sent = with(
        "ava",
        json!({"countryCode": "DE", "clearance": secret, ENTERPRISE: {"clearance": secret},
        "name": {"givenName": "Ava", "clearance": secret}, "urn:acme:2.0:User": {"clearance": [secret]}}),
    );
    let user = provost.client.create(&sent).await;
    assert_eq!(provost.user(id(&user))["profile"], "Germany");
    assert!(!user.to_string().contains("countryCode"));
    let operations = json!([{"op": "add", "path": "clearance", "value": secret}, {"op": "add", "value": {"clearance": secret}}]);
    provost
        .client
        .patch(&path(&user), &patch(operations))
        .await
        .expect(200);
    provost.without_everyone().await;
    let refused = provost
        .client
        .post("/Users", &with("bob", json!({"countryCode": secret})))
        .await;
    let detail = refused.refused(400, "invalidValue");
    assert!(
        detail.contains(secret),
        "the identity provider's administrator may read it: {detail}"
    );
    let written = provost.everything_written().await;
    assert!(
        written.windows(11).any(|bytes| bytes == b"ava@example"),
        "the search finds what is written"
    );
    assert!(
        !written
            .windows(secret.len())
            .any(|bytes| bytes == secret.as_bytes())
    );
}

#[tokio::test]
async fn what_was_not_kept_is_unknown_after_its_declaration_until_it_is_sent_again() {
    let provost = ordered().await;
    let sent = with("ava", json!({"countryCode": "DE"}));
    let ava = provost.client.create(&sent).await;
    // Ids and times are told apart to the millisecond.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    provost
        .admin(|tx, ctx| {
            service::settings::attributes::add(tx, ctx, "countryCode", None, scim::schema::Type::String)
        })
        .await;
    let moved = json!([{"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Sales"}]);
    provost.client.patch(&path(&ava), &patch(moved)).await.expect(200);
    assert_eq!(
        provost.user(id(&ava))["profile"],
        "Germany",
        "nobody knows that she left Germany"
    );
    let ben = provost.client.create(&with("ben", json!({}))).await;
    let moved = json!([{"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Sales"}]);
    provost.client.patch(&path(&ben), &patch(moved)).await.expect(200);
    assert_eq!(
        provost.user(id(&ben))["profile"],
        "Sales",
        "of who came later it is known"
    );
}

#[tokio::test]
async fn nobody_matched_is_a_refusal_that_explains() {
    let provost = ordered().await;
    provost.without_everyone().await;
    let sent = with("ava", json!({"countryCode": "FR"}));
    let detail = provost
        .client
        .post("/Users", &sent)
        .await
        .refused(400, "invalidValue");
    assert_eq!(
        detail,
        "No mapping matched. The mappings looked at countryCode (the request carries \"FR\") and department (the request \
         carries none). Correct the person's attributes in the identity provider, or add a mapping in Provost, such as a \
         last one for any user."
    );
    assert_eq!(provost.client.get("/Users").await.expect(200)["totalResults"], 0);
    let detail = provost
        .client
        .post("/Users", &json!({"displayName": "Ava"}))
        .await
        .refused(400, "invalidValue");
    assert!(
        detail.starts_with("userName is required"),
        "never the mapping-miss message: {detail}"
    );
}

#[tokio::test]
async fn a_new_mapping_goes_above_those_for_any_user_and_the_order_can_be_changed() {
    let provost = ordered().await;
    let names = |provost: &Provost| {
        let settings = provost
            .store
            .read(|tx| service::settings::all(tx, provost.tenant))
            .unwrap();
        settings
            .mappings
            .iter()
            .map(|mapping| format!("{} {}", mapping.position, mapping.name))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&provost), ["1 Germany", "2 Sales", "3 Everyone"]);
    provost
        .admin(|tx, ctx| mappings::move_to(tx, ctx, "Sales", 1))
        .await;
    assert_eq!(names(&provost), ["1 Sales", "2 Germany", "3 Everyone"]);
    let both = with(
        "ava",
        json!({"countryCode": "DE", ENTERPRISE: {"department": "Sales"}}),
    );
    let user = provost.client.create(&both).await;
    assert_eq!(provost.user(id(&user))["profile"], "Sales");
}

#[tokio::test]
async fn the_decision_outlives_its_mapping() {
    let provost = ordered().await;
    let user = provost
        .client
        .create(&with("ava", json!({"countryCode": "DE"})))
        .await;
    let before = provost.user(id(&user))["decision"].clone();
    provost
        .admin(|tx, ctx| {
            let change = MappingChange {
                name: Some("Deutschland".to_owned()),
                ..MappingChange::default()
            };
            mappings::set(tx, ctx, "Germany", &change)
        })
        .await;
    assert_eq!(provost.user(id(&user))["decision"], before);
    provost
        .admin(|tx, ctx| mappings::remove(tx, ctx, "Deutschland"))
        .await;
    let after = provost.user(id(&user));
    assert_eq!(after["decision"], before);
    assert_eq!(before["mappingName"], "Germany");
    assert_eq!(after["profile"], "Germany");
}

#[tokio::test]
async fn a_mappings_own_quota_stays_and_the_profiles_is_followed() {
    let provost = ordered().await;
    provost
        .admin(|tx, ctx| {
            let change = MappingChange {
                quota: Some(Some(Bytes::new(5))),
                ..MappingChange::default()
            };
            mappings::set(tx, ctx, "Germany", &change)
        })
        .await;
    let german = provost
        .client
        .create(&with("ava", json!({"countryCode": "DE"})))
        .await;
    let other = provost.client.create(&person("bob")).await;
    provost
        .admin(|tx, ctx| {
            let quota = || ProfileChange {
                quota: Some(Bytes::new(9)),
                ..ProfileChange::default()
            };
            profiles::set(tx, ctx, "default", &quota())?;
            profiles::set(tx, ctx, "Germany", &quota())
        })
        .await;
    assert_eq!(provost.user(id(&german))["quota"], 5);
    assert_eq!(provost.user(id(&other))["quota"], 9, "followed live");
}

#[tokio::test]
async fn values_are_a_list_and_may_hold_commas() {
    let provost = start().await;
    provost.profile("Druva", ProfileChange::default()).await;
    provost
        .mapping("Druva", attribute("org", &["Druva,ind", "Druva,usa"]), "Druva")
        .await;
    for (name, org, profile) in [
        ("a", "druva,IND", "Druva"),
        ("b", "Druva", "default"),
        ("c", " Druva,usa ", "Druva"),
    ] {
        let user = provost.client.create(&with(name, json!({"org": org}))).await;
        assert_eq!(provost.user(id(&user))["profile"], profile, "{org}");
    }
}

async fn removal_refused(provost: &Provost) -> String {
    let removed = provost.admin_at(server::clock::now(), |tx, ctx| {
        profiles::remove(tx, ctx, "Germany")
    });
    removed.await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_is_in_use_cannot_be_removed() {
    let provost = ordered().await;
    let user = provost
        .client
        .create(&with("ava", json!({"countryCode": "DE"})))
        .await;
    assert!(removal_refused(&provost).await.contains("1 user"));
    provost.client.delete(&path(&user)).await;
    assert!(
        removal_refused(&provost).await.contains("1 user"),
        "a preserved user keeps its profile"
    );
}

#[tokio::test]
async fn a_full_profile_and_a_full_tenant_refuse_with_the_limits_name() {
    let provost = start().await;
    provost
        .admin(|tx, ctx| {
            let change = ProfileChange {
                max_users: Some(2),
                ..ProfileChange::default()
            };
            profiles::set(tx, ctx, "default", &change)
        })
        .await;
    let ava = provost.client.create(&person("ava")).await;
    provost.client.create(&person("bob")).await;
    let detail = provost
        .client
        .post("/Users", &person("cyd"))
        .await
        .refused(400, "invalidValue");
    assert!(
        detail.contains("The profile \"default\" is full: 2 active users"),
        "{detail}"
    );
    provost
        .client
        .patch(
            &path(&ava),
            &patch(json!([{"op": "replace", "value": {"active": false}}])),
        )
        .await
        .expect(200);
    provost.client.create(&person("cyd")).await;
    let back = patch(json!([{"op": "replace", "value": {"active": true}}]));
    let detail = provost
        .client
        .patch(&path(&ava), &back)
        .await
        .refused(400, "invalidValue");
    assert!(detail.contains("is full"), "{detail}");
    let change = service::settings::tenants::TenantChange {
        max_active_users: Some(1),
        ..Default::default()
    };
    provost.set_tenant(change).await;
    let detail = provost
        .client
        .post("/Users", &person("dan"))
        .await
        .refused(400, "invalidValue");
    assert!(detail.contains("The tenant is full: 1 active users"), "{detail}");
}

/// Sends a PATCH with one replacement.
async fn replace(provost: &Provost, user: &Value, attribute: &str, value: &str) -> Value {
    let operations = json!([{"op": "replace", "path": attribute, "value": value}]);
    let answer = provost.client.patch(&path(user), &patch(operations)).await;
    answer.expect(200);
    provost.user(id(user))
}

#[tokio::test]
async fn a_mover_gets_another_profile_and_quota_and_keeps_the_storage() {
    let provost = ordered().await;
    provost
        .admin(|tx, ctx| {
            service::settings::storages::add(tx, ctx, "Frankfurt", "eu-central-1")?;
            let change = MappingChange {
                storage: Some("Frankfurt".to_owned()),
                quota: Some(Some(Bytes::new(5))),
                ..MappingChange::default()
            };
            mappings::set(tx, ctx, "Sales", &change)
        })
        .await;
    let user = provost.client.create(&person("ava")).await;
    let moved = provost
        .client
        .put(
            &path(&user),
            &with("ava", json!({ENTERPRISE: {"department": "Sales"}})),
        )
        .await;
    moved.expect(200);
    let shown = provost.user(id(&user));
    assert_eq!((&shown["profile"], &shown["quota"]), (&json!("Sales"), &json!(5)));
    assert_eq!(shown["storage"], "default", "it never moves by itself");
    assert_eq!(shown["decision"]["mappingName"], "Sales");
    let kinds: Vec<_> = provost
        .events()
        .into_iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(kinds[kinds.len() - 2..], ["user.updated", "user.moved"]);
    let back = replace(&provost, &user, "department", "Legal").await;
    assert_eq!(
        back["decision"]["mappingName"], "Sales",
        "countryCode is above, and unknown to a PATCH"
    );
    let put = provost.client.put(&path(&user), &person("ava")).await;
    put.expect(200);
    assert_eq!(provost.user(id(&user))["profile"], "default");
}

#[tokio::test]
async fn a_patch_decides_again_only_if_it_touches_what_a_mapping_looks_at() {
    let provost = start().await;
    provost.profile("Boss", ProfileChange::default()).await;
    let user = provost
        .client
        .create(&with("ava", json!({"title": "Boss"})))
        .await;
    provost
        .mapping("Boss", attribute("title", &["Boss"]), "Boss")
        .await;
    assert_eq!(
        replace(&provost, &user, "nickName", "A").await["profile"],
        "default",
        "a new mapping moves nobody by itself"
    );
    assert_eq!(replace(&provost, &user, "title", "boss").await["profile"], "Boss");
}

#[tokio::test]
async fn who_matches_no_more_or_finds_the_profile_full_stays_and_is_marked() {
    let provost = ordered().await;
    provost
        .admin(|tx, ctx| {
            let change = ProfileChange {
                max_users: Some(1),
                ..ProfileChange::default()
            };
            profiles::set(tx, ctx, "Sales", &change)
        })
        .await;
    let sales = json!({ENTERPRISE: {"department": "Sales"}});
    provost.client.create(&with("first", sales.clone())).await;
    let user = provost.client.create(&person("ava")).await;
    provost
        .client
        .put(&path(&user), &with("ava", sales))
        .await
        .expect(200);
    let shown = provost.user(id(&user));
    assert_eq!(
        (&shown["profile"], &shown["placementDoubt"]),
        (&json!("default"), &json!("full"))
    );
    provost.without_everyone().await;
    provost.client.put(&path(&user), &person("ava")).await.expect(200);
    let shown = provost.user(id(&user));
    assert_eq!(
        (&shown["profile"], &shown["placementDoubt"]),
        (&json!("default"), &json!("unmatched"))
    );
    provost
        .client
        .put(&path(&user), &with("ava", json!({"countryCode": "DE"})))
        .await
        .expect(200);
    let shown = provost.user(id(&user));
    assert_eq!(
        (&shown["profile"], &shown["placementDoubt"]),
        (&json!("Germany"), &Value::Null)
    );
}

#[tokio::test]
async fn preserved_users_and_tenants_that_decide_once_are_left_alone() {
    let provost = ordered().await;
    let user = provost.client.create(&person("ava")).await;
    let german = |active: bool| with("ava", json!({"countryCode": "DE", "active": active}));
    provost.client.put(&path(&user), &german(false)).await.expect(200);
    assert_eq!(provost.user(id(&user))["profile"], "default");
    provost.client.put(&path(&user), &german(true)).await.expect(200);
    assert_eq!(
        provost.user(id(&user))["profile"],
        "Germany",
        "a return is decided"
    );
    let change = service::settings::tenants::TenantChange {
        reclassify: Some(directory::Reclassify::OnCreate),
        ..Default::default()
    };
    provost.set_tenant(change).await;
    provost.client.put(&path(&user), &person("ava")).await.expect(200);
    assert_eq!(provost.user(id(&user))["profile"], "Germany");
}

#[tokio::test]
async fn a_filter_places_and_its_refusal_names_what_it_looked_at() {
    let provost = start().await;
    provost.profile("Sales", ProfileChange::default()).await;
    let filter = scim::Filter::parse(
        "department eq \"Sales\" and not (countryCode eq \"DE\")",
        scim::filter::Quotes::Required,
    );
    let filter = filter.unwrap();
    provost
        .mapping("Sales abroad", Condition::Filter { filter }, "Sales")
        .await;
    let abroad = json!({"countryCode": "FR", ENTERPRISE: {"department": "Sales"}});
    let user = provost.client.create(&with("ava", abroad)).await;
    assert_eq!(provost.user(id(&user))["decision"]["mappingName"], "Sales abroad");
    provost.without_everyone().await;
    let home = json!({"countryCode": "DE", ENTERPRISE: {"department": "Sales"}});
    let detail = provost
        .client
        .post("/Users", &with("bob", home))
        .await
        .refused(400, "invalidValue");
    assert!(
        detail.contains(
            "department (the request carries \"Sales\") and countryCode (the request carries \"DE\")"
        ),
        "{detail}"
    );
}

#[tokio::test]
async fn what_an_administrator_set_by_hand_stays_until_it_is_freed() {
    let provost = ordered().await;
    let user = provost.client.create(&person("ava")).await;
    let uid = directory::UserId::parse(id(&user)).unwrap();
    let change = service::users::PlaceChange {
        profile: Some("Sales".to_owned()),
        quota: Some(Some(Bytes::new(7))),
        ..Default::default()
    };
    provost
        .admin(move |tx, ctx| service::users::set_place(tx, ctx, uid, &change))
        .await;
    let german = with("ava", json!({"countryCode": "DE"}));
    provost.client.put(&path(&user), &german).await.expect(200);
    let shown = provost.user(id(&user));
    assert_eq!((&shown["profile"], &shown["quota"]), (&json!("Sales"), &json!(7)));
    assert_eq!(shown["pinned"], json!(["profile", "quota"]));
    provost.client.delete(&path(&user)).await;
    provost.client.create(&german).await;
    assert_eq!(
        provost.user(id(&user))["profile"],
        "Sales",
        "a return changes nothing of it"
    );
    provost
        .admin(move |tx, ctx| service::users::unpin(tx, ctx, uid))
        .await;
    assert_eq!(
        provost.user(id(&user))["profile"],
        "Sales",
        "freed, it moves at the next update"
    );
    provost.client.put(&path(&user), &german).await.expect(200);
    let shown = provost.user(id(&user));
    assert_eq!(
        (&shown["profile"], &shown["quota"]),
        (&json!("Germany"), &json!(0))
    );
}

/// What a look at the mappings' work says: for each user who would change, its account name and what would become of it.
fn preview(provost: &Provost) -> Vec<(String, String)> {
    let ctx = server::clock::context(directory::Actor::System, provost.tenant);
    let mut seen = Vec::new();
    provost
        .store
        .read(|tx| {
            let settings = service::settings::all(tx, provost.tenant)?;
            let start = directory::UserId::from(uuid::Uuid::nil());
            service::users::preview(tx, &ctx, &settings, start, usize::MAX, |before, outlook, _| {
                let name = before.facts.account_name.clone();
                let what = format!("{outlook:?}");
                let what = what.split('(').next().unwrap_or_default().to_owned();
                seen.push((name, what));
            })
        })
        .unwrap();
    seen
}

#[tokio::test]
async fn mappings_are_applied_to_users_who_exist_as_the_preview_said() {
    let provost = start().await;
    for (name, department) in [("ava", "Sales"), ("bob", "Sales"), ("cyd", "Law"), ("dan", "")] {
        let mut sent = person(name);
        sent[ENTERPRISE] = json!({"department": department});
        provost.client.create(&sent).await;
    }
    let gone = provost.client.create(&person("gone")).await;
    provost.client.delete(&path(&gone)).await;
    let one_seat = ProfileChange {
        max_users: Some(1),
        ..Default::default()
    };
    provost.profile("Sellers", one_seat).await;
    provost.profile("Lawyers", ProfileChange::default()).await;
    provost.without_everyone().await;
    for (name, department, profile) in [("Sales", "Sales", "Sellers"), ("Law", "Law", "Lawyers")] {
        provost
            .mapping(name, attribute("department", &[department]), profile)
            .await;
    }
    let seen = preview(&provost);
    let expected = [
        ("ava", "Moves"),
        ("bob", "Full"),
        ("cyd", "Moves"),
        ("dan", "Unmatched"),
    ]
    .map(|(name, what)| (format!("{name}@example.com"), what.to_owned()));
    assert_eq!(seen, expected, "a seat that one would take is no other's");
    assert_eq!(
        provost.user("ava@example.com")["profile"],
        "default",
        "a look changes nothing"
    );

    let nobody = directory::UserId::from(uuid::Uuid::nil());
    let (last, changed) = provost
        .admin(move |tx, ctx| service::users::reapply(tx, ctx, nobody))
        .await;
    assert_eq!((last, changed), (None, 4));
    let of = |name: &str| {
        let user = provost.user(&format!("{name}@example.com"));
        (user["profile"].clone(), user["placementDoubt"].clone())
    };
    assert_eq!(of("ava"), (json!("Sellers"), json!(null)));
    assert_eq!(of("bob"), (json!("default"), json!("full")));
    assert_eq!(of("cyd"), (json!("Lawyers"), json!(null)));
    assert_eq!(of("dan"), (json!("default"), json!("unmatched")));

    provost
        .mapping("Germans", attribute("countryCode", &["DE"]), "default")
        .await;
    provost
        .admin(|tx, ctx| mappings::move_to(tx, ctx, "Germans", 1))
        .await;
    assert!(
        preview(&provost).iter().all(|(_, what)| what == "Unknown"),
        "who cannot be judged is shown"
    );
    let (_, changed) = provost
        .admin(move |tx, ctx| service::users::reapply(tx, ctx, nobody))
        .await;
    assert_eq!(changed, 0);
}
