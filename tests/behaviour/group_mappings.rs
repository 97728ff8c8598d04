//! Mappings for members of groups: people wait for their first membership, and follow it.

use std::time::Duration;

use directory::{Condition, GroupId, OrHold, Reclassify, UserId};
use jiff::SignedDuration;
use scim::filter::Quotes;
use scim::{AttributePath, Filter};
use serde_json::{Value, json};
use service::settings::mappings::{self, MappingChange};
use service::settings::profiles::ProfileChange;
use service::settings::tenants::TenantChange;
use service::users::{self, PlaceChange};
use testkit::{Provost, patch, person};

use crate::{id, path, start};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

async fn group(provost: &Provost, name: &str) -> Value {
    let body = json!({"schemas": [GROUP], "displayName": name});
    provost.client.post("/Groups", &body).await.expect(201)
}

fn of(group: &Value) -> Condition {
    Condition::Group {
        groups: vec![GroupId::parse(id(group)).unwrap()],
    }
}

async fn change(provost: &Provost, group: &Value, op: &str, members: &[&Value]) {
    let members: Vec<_> = members
        .iter()
        .map(|member| json!({"value": member["id"]}))
        .collect();
    let body = patch(json!([{"op": op, "path": "members", "value": members}]));
    provost
        .client
        .patch(&format!("/Groups/{}", id(group)), &body)
        .await
        .expect(200);
}

/// Engineers get the profile Engineering; nobody else is placed.
async fn engineers(provost: &Provost) -> Value {
    let engineers = group(provost, "Engineers").await;
    provost.profile("Engineering", ProfileChange::default()).await;
    provost.mapping("Engineers", of(&engineers), "Engineering").await;
    provost.without_everyone().await;
    engineers
}

/// Waits for work beside requests.
async fn becomes(provost: &Provost, user: &Value, wanted: &Value) {
    let now = || {
        let shown = provost.user(id(user));
        json!([shown["status"], shown["profile"], shown["placementDoubt"]])
    };
    for _ in 0..100 {
        if now() == *wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(now(), *wanted);
}

fn stands(provost: &Provost, user: &Value) -> Value {
    let shown = provost.user(id(user));
    json!([shown["status"], shown["profile"], shown["placementDoubt"]])
}

#[tokio::test]
async fn people_wait_for_the_first_membership_that_decides() {
    let provost = start().await;
    let engineers = engineers(&provost).await;
    let ava = provost.client.create(&person("ava")).await;
    assert_eq!(ava["active"], true, "the provider's word");
    assert_eq!(stands(&provost, &ava), json!(["held", null, null]));
    change(&provost, &engineers, "add", &[&ava]).await;
    assert_eq!(stands(&provost, &ava), json!(["active", "Engineering", null]));
    let shown = provost.client.get(&path(&ava)).await.expect(200);
    assert_eq!(shown["groups"][0]["display"], "Engineers");
    let kinds: Vec<_> = provost
        .events()
        .iter()
        .filter(|event| event["user"] == ava["id"])
        .map(|event| event["kind"].clone())
        .collect();
    assert_eq!(kinds, ["user.created", "user.admitted"]);

    change(&provost, &engineers, "remove", &[&ava]).await;
    let kept = json!(["active", "Engineering", "unmatched"]);
    assert_eq!(stands(&provost, &ava), kept, "nobody loses what it has");
    change(&provost, &engineers, "add", &[&ava]).await;
    assert_eq!(stands(&provost, &ava), json!(["active", "Engineering", null]));
}

#[tokio::test]
async fn a_membership_moves_who_has_a_place() {
    let provost = start().await;
    let engineers = engineers(&provost).await;
    provost.mapping("Others", Condition::Any, "default").await;
    let ava = provost.client.create(&person("ava")).await;
    assert_eq!(stands(&provost, &ava), json!(["active", "default", null]));
    change(&provost, &engineers, "add", &[&ava]).await;
    assert_eq!(stands(&provost, &ava), json!(["active", "Engineering", null]));
    change(&provost, &engineers, "remove", &[&ava]).await;
    in_an_hour(&provost).await;
    assert_eq!(stands(&provost, &ava), json!(["active", "default", null]));

    provost
        .set_tenant(TenantChange {
            reclassify: Some(Reclassify::OnCreate),
            ..TenantChange::default()
        })
        .await;
    change(&provost, &engineers, "add", &[&ava]).await;
    assert_eq!(stands(&provost, &ava), json!(["active", "default", null]));
}

/// What the worker does about late moves when an hour has gone by.
async fn in_an_hour(provost: &Provost) {
    let later = server::clock::now()
        .checked_add(SignedDuration::from_mins(61))
        .unwrap();
    provost.admin_at(later, users::move_due).await.unwrap();
}

#[tokio::test]
async fn who_loses_the_match_moves_an_hour_later_unless_it_leaves_or_gains_another() {
    let provost = start().await;
    let engineers = engineers(&provost).await;
    let designers = group(&provost, "Designers").await;
    provost.profile("Design", ProfileChange::default()).await;
    provost.mapping("Designers", of(&designers), "Design").await;
    provost.mapping("Others", Condition::Any, "default").await;
    let mut people = Vec::new();
    for name in ["ava", "bob", "cyd", "dan", "eve"] {
        people.push(provost.client.create(&person(name)).await);
    }
    let [ava, bob, cyd, dan, eve] = &people[..] else {
        unreachable!()
    };
    change(&provost, &engineers, "add", &[ava, bob, cyd, dan, eve]).await;
    change(&provost, &designers, "add", &[dan]).await;
    for one in &people {
        change(&provost, &engineers, "remove", &[one]).await;
        assert_eq!(stands(&provost, one), json!(["active", "Engineering", "lost"]));
    }
    // A leaver often loses its groups first: the account keeps its place, and comes back to it.
    let say = |active: bool| patch(json!([{"op": "replace", "value": {"active": active}}]));
    provost.client.patch(&path(bob), &say(false)).await.expect(200);
    assert_eq!(stands(&provost, bob), json!(["preserved", "Engineering", null]));
    // A mover gains another group.
    change(&provost, &designers, "add", &[cyd]).await;
    assert_eq!(stands(&provost, cyd), json!(["active", "Design", null]));
    // Who is back in the group has lost nothing.
    change(&provost, &engineers, "add", &[eve]).await;
    assert_eq!(stands(&provost, eve), json!(["active", "Engineering", null]));
    // An update that changes nothing of it neither hurries nor delays.
    let title = patch(json!([{"op": "replace", "value": {"title": "Lead"}}]));
    provost.client.patch(&path(ava), &title).await.expect(200);
    assert_eq!(stands(&provost, ava), json!(["active", "Engineering", "lost"]));
    // The node's worker and another's memberships change nothing either, until the time has come.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(stands(&provost, ava), json!(["active", "Engineering", "lost"]));
    assert_eq!(stands(&provost, dan), json!(["active", "Engineering", "lost"]));

    in_an_hour(&provost).await;
    assert_eq!(stands(&provost, ava), json!(["active", "default", null]));
    assert_eq!(stands(&provost, bob), json!(["preserved", "Engineering", null]));
    assert_eq!(stands(&provost, cyd), json!(["active", "Design", null]));
    assert_eq!(
        stands(&provost, dan),
        json!(["active", "Design", null]),
        "what was left"
    );
    assert_eq!(stands(&provost, eve), json!(["active", "Engineering", null]));
    provost.client.patch(&path(bob), &say(true)).await.expect(200);
    assert_eq!(
        stands(&provost, bob),
        json!(["active", "Engineering", "lost"]),
        "the groups may follow"
    );
}

#[tokio::test]
async fn an_attribute_that_changes_to_what_another_mapping_wants_moves_at_once() {
    let provost = start().await;
    let department = |value: &str| Condition::Attribute {
        path: AttributePath::parse("title").unwrap(),
        values: vec![value.to_owned()],
        case_sensitive: false,
    };
    for name in ["Sales", "Support"] {
        provost.profile(name, ProfileChange::default()).await;
        provost.mapping(name, department(name), name).await;
    }
    let mut ava = person("ava");
    ava["title"] = "Sales".into();
    let ava = provost.client.create(&ava).await;
    let title = |title: &str| patch(json!([{"op": "replace", "value": {"title": title}}]));
    provost
        .client
        .patch(&path(&ava), &title("Support"))
        .await
        .expect(200);
    assert_eq!(stands(&provost, &ava), json!(["active", "Support", null]));
    provost
        .client
        .patch(&path(&ava), &title("Retired"))
        .await
        .expect(200);
    assert_eq!(stands(&provost, &ava), json!(["active", "Support", "lost"]));
    let shown = provost.client.get(&path(&ava)).await.expect(200);
    let mut whole = shown.clone();
    whole["nickName"] = "Av".into();
    provost.client.put(&path(&ava), &whole).await.expect(200);
    assert_eq!(stands(&provost, &ava), json!(["active", "Support", "lost"]));
    // An administrator who applies the mappings waits for nobody.
    provost
        .admin(|tx, ctx| users::reapply(tx, ctx, UserId::from_bytes(&[0; 16]).unwrap()))
        .await;
    assert_eq!(stands(&provost, &ava), json!(["active", "default", null]));
}

#[tokio::test]
async fn a_leaver_is_not_decided_about_and_comes_back_as_a_member() {
    let provost = start().await;
    let engineers = engineers(&provost).await;
    let ava = provost.client.create(&person("ava")).await;
    let say = |active: bool| patch(json!([{"op": "replace", "value": {"active": active}}]));
    provost.client.patch(&path(&ava), &say(false)).await.expect(200);
    change(&provost, &engineers, "add", &[&ava]).await;
    assert_eq!(stands(&provost, &ava)[0], "preserved");
    provost.client.patch(&path(&ava), &say(true)).await.expect(200);
    assert_eq!(stands(&provost, &ava), json!(["active", "Engineering", null]));
}

#[tokio::test]
async fn many_members_and_groups_within_are_decided_about_beside_requests() {
    let provost = start().await;
    let engineers = engineers(&provost).await;
    let mut people = Vec::new();
    for number in 0..30 {
        people.push(provost.client.create(&person(&format!("p{number}"))).await);
    }
    let team = group(&provost, "Team").await;
    let all: Vec<_> = people.iter().collect();
    change(&provost, &team, "add", &all).await;
    assert_eq!(
        stands(&provost, all[0])[0],
        "held",
        "another group decides nothing"
    );
    change(&provost, &engineers, "add", &[&team]).await;
    let placed = json!(["active", "Engineering", null]);
    for one in &all {
        becomes(&provost, one, &placed).await;
    }
    let lost = json!(["active", "Engineering", "unmatched"]);
    let empty = patch(json!([{"op": "replace", "path": "members", "value": []}]));
    let at = format!("/Groups/{}", id(&team));
    provost.client.patch(&at, &empty).await.expect(200);
    for one in &all {
        becomes(&provost, one, &lost).await;
    }
    change(&provost, &engineers, "add", &all).await;
    for one in &all {
        becomes(&provost, one, &placed).await;
    }
    let at = format!("/Groups/{}", id(&engineers));
    provost.client.delete(&at).await.expect(204);
    for one in &all {
        becomes(&provost, one, &lost).await;
    }
}

#[tokio::test]
async fn who_was_judged_whole_need_not_be_sent_again() {
    let provost = start().await;
    let engineers = group(&provost, "Engineers").await;
    let on_badge = || Condition::Attribute {
        path: AttributePath::parse("badgeColour").unwrap(),
        values: vec!["red".to_owned()],
        case_sensitive: false,
    };
    provost.mapping("Red", on_badge(), "default").await;
    provost.mapping("Engineers", of(&engineers), "default").await;
    provost.without_everyone().await;
    let ava = provost.client.create(&person("ava")).await;
    let bob = provost.client.create(&person("bob")).await;
    let cyd = provost.client.create(&person("cyd")).await;
    change(&provost, &engineers, "add", &[&ava]).await;
    assert_eq!(
        stands(&provost, &ava)[0],
        "active",
        "no badge was sent, so it is not red"
    );

    let say = |value: Value| patch(json!([{"op": "replace", "value": value}]));
    let green = say(json!({"badgeColour": "green"}));
    provost.client.patch(&path(&bob), &green).await.expect(200);
    change(&provost, &engineers, "add", &[&bob]).await;
    assert_eq!(
        stands(&provost, &bob)[0],
        "held",
        "its badge changed, and is not known now"
    );
    provost.client.put(&path(&bob), &person("bob")).await.expect(200);
    assert_eq!(stands(&provost, &bob)[0], "active");
    for name in ["dan", "eve"] {
        let one = provost.client.create(&person(name)).await;
        if name == "dan" {
            provost.client.put(&path(&one), &person(name)).await.expect(200);
        } else {
            let titled = say(json!({"title": "Lead"}));
            provost.client.patch(&path(&one), &titled).await.expect(200);
        }
        change(&provost, &engineers, "add", &[&one]).await;
        assert_eq!(
            stands(&provost, &one)[0],
            "active",
            "{name}: no badge all the same"
        );
    }

    let other = MappingChange {
        condition: Some(Condition::Attribute {
            path: AttributePath::parse("badgeColour").unwrap(),
            values: vec!["blue".to_owned()],
            case_sensitive: false,
        }),
        ..MappingChange::default()
    };
    provost
        .admin(move |tx, ctx| mappings::set(tx, ctx, "Red", &other))
        .await;
    change(&provost, &engineers, "add", &[&cyd]).await;
    assert_eq!(stands(&provost, &cyd)[0], "held", "nobody asked for blue then");
}

#[tokio::test]
async fn what_was_sent_once_is_not_taken_for_absent() {
    let provost = start().await;
    let engineers = engineers(&provost).await;
    let filter = "title eq \"Seller\" and not (countryCode eq \"DE\")";
    let filter = Filter::parse(filter, Quotes::Required).unwrap();
    let change_of = MappingChange {
        condition: Some(Condition::Filter { filter }),
        profile: Some("default".to_owned()),
        storage: Some("default".to_owned()),
        ..MappingChange::default()
    };
    provost
        .admin(move |tx, ctx| mappings::add(tx, ctx, "Abroad", &change_of, Some(1)))
        .await;
    let mut german = person("ava");
    german["title"] = json!("Seller");
    german["countryCode"] = json!("DE");
    let ava = provost.client.create(&german).await;
    assert_eq!(stands(&provost, &ava)[0], "held");
    change(&provost, &engineers, "add", &[&ava]).await;
    assert_eq!(stands(&provost, &ava), json!(["active", "Engineering", null]));
}

#[tokio::test]
async fn who_is_held_is_looked_at_when_an_administrator_gives_a_place() {
    let provost = start().await;
    engineers(&provost).await;
    let ava = provost.client.create(&person("ava")).await;
    let place = PlaceChange {
        profile: Some("Engineering".to_owned()),
        ..PlaceChange::default()
    };
    let user = UserId::parse(id(&ava)).unwrap();
    provost
        .admin(move |tx, ctx| users::set_place(tx, ctx, user, &place))
        .await;
    assert_eq!(stands(&provost, &ava), json!(["active", "Engineering", null]));

    drop(provost.connect("Entra").await);
    let everybody = MappingChange {
        condition: Some(Condition::Any),
        connections: Some(vec!["Entra".to_owned()]),
        profile: Some("default".to_owned()),
        storage: Some("default".to_owned()),
        ..MappingChange::default()
    };
    provost
        .admin(move |tx, ctx| mappings::add(tx, ctx, "Entra's", &everybody, None))
        .await;
    let bob = provost.client.create(&person("bob")).await;
    assert_eq!(stands(&provost, &bob)[0], "held");
    let user = UserId::parse(id(&bob)).unwrap();
    provost
        .admin(move |tx, ctx| users::transfer(tx, ctx, user, "Entra"))
        .await;
    assert_eq!(stands(&provost, &bob), json!(["active", "default", null]));
}

#[tokio::test]
async fn who_waits_for_a_seat_may_get_another_by_a_membership() {
    let provost = start().await;
    provost
        .set_tenant(TenantChange {
            over_limit: Some(OrHold::Hold),
            ..TenantChange::default()
        })
        .await;
    let few = ProfileChange {
        max_users: Some(1),
        ..ProfileChange::default()
    };
    provost.profile("Few", few).await;
    let (first, engineers) = (group(&provost, "First").await, engineers(&provost).await);
    provost.mapping("First", of(&first), "Few").await;
    let ava = provost.client.create(&person("ava")).await;
    let bob = provost.client.create(&person("bob")).await;
    change(&provost, &first, "add", &[&ava]).await;
    change(&provost, &first, "add", &[&bob]).await;
    assert_eq!(stands(&provost, &bob), json!(["held", "Few", null]));
    change(&provost, &engineers, "add", &[&bob]).await;
    assert_eq!(stands(&provost, &bob), json!(["active", "Engineering", null]));
}

#[tokio::test]
async fn nobody_waits_for_a_group_that_cannot_come() {
    let provost = start().await;
    let other = provost.connect("Entra").await;
    let engineers = engineers(&provost).await;
    let refused = other.post("/Users", &person("ava")).await;
    refused.refused(400, "invalidValue");
    let bob = provost.client.create(&person("bob")).await;
    assert_eq!(stands(&provost, &bob)[0], "held");
    let at = format!("/Groups/{}", id(&engineers));
    provost.client.delete(&at).await.expect(204);
    let refused = provost.client.post("/Users", &person("cyd")).await;
    refused.refused(400, "invalidValue");
}
