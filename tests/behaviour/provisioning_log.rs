//! What an administrator sees of what identity providers sent, and of those whom a refusal keeps out.

use std::time::Duration;

use directory::{Condition, Role};
use jiff::SignedDuration;
use reqwest::Method;
use scim::AttributePath;
use serde_json::{Value, json};
use service::users::Newcomer;
use testkit::{ENTERPRISE, PATCH_OP, patch, person};

use super::manage::{Api, api};
use crate::{id, path, start};

/// What the API says once it says it: the log is written beside the requests.
async fn until<T>(api: &Api<'_>, path: &str, find: impl Fn(&Value) -> Option<T>) -> T {
    for _ in 0..100 {
        if let Some(found) = find(&api.get(path).await) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} never said so: {:#}", api.get(path).await)
}

fn the_one(list: &str) -> impl Fn(&Value) -> Option<Value> {
    move |page| match page[list].as_array().unwrap().as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

fn department(value: &str) -> Condition {
    Condition::Attribute {
        path: AttributePath::parse("department").unwrap(),
        values: vec![value.to_owned()],
        case_sensitive: false,
    }
}

#[tokio::test]
async fn a_refusal_is_explained_and_the_person_is_listed_until_it_gets_in() {
    let provost = start().await;
    let api = api(&provost, Role::Manager).await;
    provost.without_everyone().await;
    provost
        .mapping(
            "Clearance",
            Condition::Attribute {
                path: AttributePath::parse("clearance").unwrap(),
                values: vec!["red".to_owned()],
                case_sensitive: false,
            },
            "default",
        )
        .await;
    let mut ava = person("ava");
    ava["department"] = "hunter2".into();
    ava["password"] = "hunter2".into();
    ava["clearance"] = "hunter2".into();
    let told = provost
        .client
        .post("/Users", &ava)
        .await
        .refused(400, "invalidValue");
    assert!(
        told.contains("hunter2"),
        "the provider's administrator may read it: {told}"
    );
    provost
        .client
        .post("/Users", &ava)
        .await
        .refused(400, "invalidValue");

    let person = until(&api, "/refusals", |page| {
        the_one("refusals")(page).filter(|one| one["times"] == 2)
    })
    .await;
    assert_eq!(person["userName"], "ava@example.com");
    assert_eq!(person["connection"], "default");
    assert_eq!(person["wouldAdmit"], Value::Null);
    assert!(
        person["reason"].as_str().unwrap().contains("No mapping matched"),
        "{person}"
    );
    let listed = api.get("/exchanges?refused=true&connection=default").await;
    assert_eq!(listed["exchanges"].as_array().unwrap().len(), 2);
    assert!(listed["exchanges"][0].get("body").is_none());
    let last = person["exchange"].as_str().unwrap();
    let exchange = api.get(&format!("/exchanges/{last}")).await;
    assert_eq!(
        (&exchange["method"], &exchange["path"]),
        (&json!("POST"), &json!("/Users"))
    );
    assert_eq!(
        (&exchange["status"], &exchange["scimType"]),
        (&json!(400), &json!("invalidValue"))
    );
    assert_eq!(exchange["address"], "127.0.0.1");
    assert_eq!(exchange["body"]["userName"], "ava@example.com");
    assert_eq!(exchange["body"]["clearance"], "(not kept)");
    assert_eq!(exchange["body"]["password"], "(secret)");
    for text in [person.to_string(), listed.to_string(), exchange.to_string()] {
        assert!(!text.contains("hunter2"), "{text}");
    }

    provost.mapping("Everybody", Condition::Any, "default").await;
    // What is not kept may match the mapping above.
    let person = api.get("/refusals").await["refusals"][0].clone();
    assert_eq!(person["wouldAdmit"], Value::Null);
    provost
        .admin(|tx, ctx| service::settings::mappings::remove(tx, ctx, "Clearance"))
        .await;
    let person = api.get("/refusals").await["refusals"][0].clone();
    assert_eq!(person["wouldAdmit"], "Everybody");
    let made = provost.client.create(&ava).await;
    until(&api, "/refusals", |page| {
        (page["refusals"] == json!([])).then_some(())
    })
    .await;
    let about = until(
        &api,
        &format!("/users/{}/exchanges", id(&made)),
        the_one("exchanges"),
    )
    .await;
    assert_eq!(about["status"], 201);
    assert_eq!(about["user"], made["id"]);
}

#[tokio::test]
async fn who_got_in_by_another_way_is_no_longer_listed() {
    let provost = start().await;
    let api = api(&provost, Role::Manager).await;
    provost.without_everyone().await;
    provost.mapping("Sales", department("Sales"), "default").await;
    provost
        .client
        .post("/Users", &person("ava"))
        .await
        .refused(400, "invalidValue");
    until(&api, "/refusals", the_one("refusals")).await;
    provost
        .admin(|tx, ctx| {
            let sent = json!({"userName": "ava@example.com", "displayName": "Ava", ENTERPRISE: {"department": "Sales"}});
            let newcomer = Newcomer {
                attributes: sent.as_object().unwrap().clone(),
                ..Newcomer::default()
            };
            service::users::import(tx, ctx, &newcomer)
        })
        .await;
    assert_eq!(api.get("/refusals").await["refusals"], json!([]));
}

#[tokio::test]
async fn who_is_in_and_is_sent_again_is_not_kept_out_and_what_may_not_be_kept_is_in_no_reason() {
    let provost = start().await;
    let api = api(&provost, Role::Manager).await;
    let ava = provost.client.create(&person("ava")).await;
    let again = provost.client.post("/Users", &person("ava")).await;
    again.refused(409, "uniqueness");
    for path in [
        "emails[badge eq \"hunter2\"].value",
        "badge eq \"hunter2\"",
        "emails[badge eq \"hunter2",
    ] {
        let odd = patch(json!([{"op": "replace", "path": path, "value": "x"}]));
        provost.client.patch(&crate::path(&ava), &odd).await;
    }
    provost
        .client
        .get("/Users?startIndex=x&filter=password%20eq%20%22hunter2%22&token=hunter2")
        .await;
    let five = |page: &Value| (page["exchanges"].as_array().unwrap().len() >= 4).then_some(());
    until(&api, "/exchanges?refused=true", five).await;
    let listed = api.get("/exchanges?limit=500").await;
    for exchange in listed["exchanges"].as_array().unwrap() {
        let whole = api.get(&format!("/exchanges/{}", id(exchange))).await.to_string();
        assert!(!whole.contains("hunter2"), "{whole}");
    }
    let refusals = api.get("/refusals").await;
    let names: Vec<_> = refusals["refusals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["userName"])
        .collect();
    assert!(!names.contains(&&json!("ava@example.com")), "{refusals}");
}

#[tokio::test]
async fn who_was_sent_twice_and_left_under_another_name_is_not_kept_out() {
    let provost = start().await;
    let api = api(&provost, Role::Manager).await;
    let mut sent = person("ava");
    sent["externalId"] = json!("00u1");
    let ava = provost.client.create(&sent).await;
    let again = provost.client.post("/Users", &sent).await;
    again.refused(409, "uniqueness");
    until(&api, "/exchanges?refused=true", the_one("exchanges")).await;
    let leaving =
        json!([{"op": "replace", "value": {"userName": "ava.married@example.com", "active": false}}]);
    let left = provost.client.patch(&crate::path(&ava), &patch(leaving)).await;
    left.expect(200);
    assert_eq!(api.get("/refusals").await["refusals"], json!([]));
}

#[tokio::test]
async fn a_refusal_is_put_aside_and_said_so() {
    let provost = start().await;
    provost.without_everyone().await;
    let manager = api(&provost, Role::Manager).await;
    provost
        .client
        .post("/Users", &person("ava"))
        .await
        .refused(400, "invalidValue");
    let person = until(&manager, "/refusals", the_one("refusals")).await;
    let route = format!("/refusals/{}", person["id"].as_str().unwrap());
    assert_eq!(manager.call(Method::DELETE, &route).await.status, 204);
    assert_eq!(manager.get("/refusals").await["refusals"], json!([]));
    assert_eq!(manager.call(Method::DELETE, &route).await.status, 404);
    let events = manager.get("/events?types=refusal.*").await;
    let said = &events["events"][0]["data"]["refused"];
    assert_eq!((&said["id"], &said["times"]), (&person["id"], &json!(1)));
    assert!(!said.to_string().contains("ava"), "events are for ever");
    assert_eq!(manager.call(Method::DELETE, "/refusals/nobody").await.status, 404);
}

#[tokio::test]
async fn a_member_who_was_passed_over_is_noted() {
    let provost = start().await;
    let api = api(&provost, Role::Auditor).await;
    let ava = provost.client.create(&person("ava")).await;
    let stranger = "00000000-0000-7000-8000-000000000000";
    let group = json!({"displayName": "Sales", "members": [{"value": id(&ava)}, {"value": stranger}]});
    let group = provost.client.post("/Groups", &group).await.expect(201);
    let noted = |page: &Value| {
        let exchanges = page["exchanges"].as_array().unwrap().clone();
        exchanges
            .into_iter()
            .find(|one| one["path"].as_str().unwrap().starts_with("/Groups"))
    };
    let exchange = until(&api, "/exchanges", noted).await;
    let note = exchange["notes"][0].as_str().unwrap();
    assert!(
        note.contains("1 of 2 members are not in the group") && note.contains(stranger),
        "{note}"
    );
    let add = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": [{"value": id(&ava)}]}]});
    provost
        .client
        .patch(&format!("/Groups/{}", id(&group)), &add)
        .await
        .expect(200);
    let exchange = until(&api, "/exchanges", |page| {
        noted(page).filter(|one| one["method"] == "PATCH")
    })
    .await;
    assert!(exchange.get("notes").is_none(), "{exchange}");
}

#[tokio::test]
async fn a_token_that_has_ended_and_a_mistyped_base_are_seen() {
    let provost = start().await;
    let api = api(&provost, Role::Auditor).await;
    let long_ago = server::clock::now()
        .checked_sub(SignedDuration::from_hours(48))
        .unwrap();
    let old = provost.token_at(long_ago, "default", 1, 0).await;
    provost.client.with_token(&old).get("/Users").await.expect(401);
    let find = |page: &Value| {
        let exchanges = page["exchanges"].as_array().unwrap().clone();
        exchanges.into_iter().find(|one| one["status"] == 401)
    };
    let exchange = until(&api, "/exchanges?refused=true", find).await;
    assert!(
        exchange["reason"].as_str().unwrap().contains("expired on"),
        "{exchange}"
    );
    provost.client.get("/v2/Users").await.expect(404);
    let find = |page: &Value| {
        let exchanges = page["exchanges"].as_array().unwrap().clone();
        exchanges.into_iter().find(|one| one["status"] == 404)
    };
    let exchange = until(&api, "/exchanges?refused=true", find).await;
    assert_eq!(exchange["path"], "/v2/Users");
}

#[tokio::test]
async fn who_is_purged_is_forgotten_by_the_log() {
    let provost = start().await;
    let api = api(&provost, Role::Owner).await;
    let mut sent = person("ava");
    sent["displayName"] = "Ava Unforgettable".into();
    let ava = provost.client.create(&sent).await;
    provost.client.find("userName eq \"ava@example.com\"").await;
    let clash = provost.client.post("/Users", &sent).await;
    clash.refused(409, "uniqueness");
    until(&api, "/exchanges?refused=true", the_one("exchanges")).await;
    let reason = json!({"reason": "asked to be forgotten"});
    api.send(&format!("/users/{}/delete", id(&ava)), reason)
        .await
        .expect(200);
    let all_forgotten = |page: &Value| {
        let exchanges = page["exchanges"].as_array().unwrap();
        // A list that went well is about nobody: what it looked for is not kept.
        let is_list = |one: &Value| one["method"] == "GET";
        let is_forgotten = |one: &Value| one["purged"] == true || is_list(one);
        exchanges.iter().all(is_forgotten).then_some(exchanges.len())
    };
    assert!(until(&api, "/exchanges", all_forgotten).await >= 2);
    let exchanges = api.get("/exchanges").await;
    for exchange in exchanges["exchanges"].as_array().unwrap() {
        let whole = api.get(&format!("/exchanges/{}", id(exchange))).await.to_string();
        assert!(
            !whole.contains("Unforgettable") && !whole.contains("ava@"),
            "{whole}"
        );
    }
    assert_eq!(api.get("/refusals").await["refusals"], json!([]));
}

#[tokio::test]
async fn a_connections_health_is_told_in_sentences() {
    let provost = start().await;
    let api = api(&provost, Role::Auditor).await;
    provost.connect("Okta").await;
    let health = api.get("/connections/Okta/health").await;
    assert_eq!(
        (&health["lastCall"], &health["alarm"]),
        (&Value::Null, &Value::Null)
    );
    assert!(
        health["concerns"][0]
            .as_str()
            .unwrap()
            .contains("Nothing came from it"),
        "{health}"
    );
    let request = provost
        .client
        .request(Method::GET, "/Users")
        .header("User-Agent", "Okta SCIM Client 1.0.0");
    request.send().await.unwrap();
    let request = provost
        .client
        .request(Method::GET, "/Users/nobody")
        .header("User-Agent", "Okta SCIM Client 1.0.0");
    request.send().await.unwrap();
    let heard = |health: &Value| (health["callsLastDay"] == 2).then(|| health.clone());
    let health = until(&api, "/connections/default/health", heard).await;
    assert_eq!(
        (
            &health["errorsLastDay"],
            &health["recognised"],
            &health["tokenDaysLeft"],
            &health["isSilent"]
        ),
        (&json!(1), &json!("okta"), &json!(364), &json!(false))
    );
    assert_eq!(health["lastRefusal"]["status"], 404);
    assert!(
        health["concerns"][0]
            .as_str()
            .unwrap()
            .contains("1 of its 2 requests"),
        "{health}"
    );
}

#[tokio::test]
async fn one_who_leaves_and_returns_again_and_again_is_no_crowd() {
    let provost = start().await;
    let api = api(&provost, Role::Manager).await;
    let ava = provost.client.create(&person("ava")).await;
    for _ in 0..15 {
        for active in [false, true] {
            let word = patch(json!([{"op": "replace", "value": {"active": active}}]));
            provost.client.patch(&path(&ava), &word).await.expect(200);
        }
    }
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(api.get("/connections/default/health").await["alarm"], Value::Null);
}

#[tokio::test]
async fn many_leavers_at_once_freeze_purges_until_somebody_has_looked() {
    let provost = start().await;
    let api = api(&provost, Role::Manager).await;
    let change = json!({"purgeDays": 1});
    api.with(Method::PATCH, "/profiles/default", change)
        .await
        .expect(200);
    let mut people = Vec::new();
    for number in 0..20 {
        people.push(provost.client.create(&person(&format!("p{number}"))).await);
    }
    for one in &people[..10] {
        provost.client.delete(&path(one)).await.expect(204);
    }
    let alarmed = |health: &Value| (!health["alarm"].is_null()).then(|| health.clone());
    let health = until(&api, "/connections/default/health", alarmed).await;
    assert_eq!(health["alarm"]["leavers"], 10);
    assert!(
        health["concerns"].to_string().contains("Nobody is purged"),
        "{health}"
    );
    let raised = api.get("/events?types=alarm.*").await;
    assert_eq!(raised["events"][0]["type"], "alarm.raised");
    assert_eq!(raised["events"][0]["data"]["alarm"]["connection"], "default");

    let later = server::clock::now()
        .checked_add(SignedDuration::from_hours(49))
        .unwrap();
    let purge = || provost.admin_at(later, service::users::purge_due);
    assert_eq!(purge().await.unwrap(), 0, "nobody is purged");
    let removed = api.call(Method::DELETE, "/connections/default").await;
    assert_eq!(
        removed.status, 400,
        "the alarm does not go with the connection: {}",
        removed.text
    );
    let others = json!({"name": "Other"});
    api.send("/connections", others).await.expect(201);
    assert_eq!(
        api.call(Method::DELETE, "/connections/Other/alarm").await.status,
        400
    );
    assert_eq!(
        api.call(Method::DELETE, "/connections/default/alarm")
            .await
            .status,
        204
    );
    assert_eq!(api.get("/connections/default/health").await["alarm"], Value::Null);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(
        api.get("/connections/default/health").await["alarm"],
        Value::Null,
        "it is not raised again for them"
    );
    assert_eq!(purge().await.unwrap(), 10);
    let kinds = api.get("/events?types=alarm.*").await;
    assert_eq!(kinds["events"][1]["type"], "alarm.ended");

    let off = json!({"leaverAlarmPercent": 0});
    api.with(Method::PATCH, "/tenant", off).await.expect(200);
    api.with(Method::PATCH, "/tenant", json!({"leaverAlarmPercent": 101}))
        .await
        .expect(400);
}

#[tokio::test]
async fn pages_of_the_log_are_complete_and_in_order() {
    let provost = start().await;
    let api = api(&provost, Role::Auditor).await;
    let mut paths = Vec::new();
    for number in 0..7 {
        let made = provost.client.create(&person(&format!("p{number}"))).await;
        let off = patch(json!([{"op": "replace", "value": {"active": false}}]));
        provost.client.patch(&path(&made), &off).await.expect(200);
        paths.push(path(&made));
    }
    until(&api, "/exchanges?limit=14", |page| {
        (page["exchanges"].as_array().unwrap().len() == 14).then_some(())
    })
    .await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/exchanges?limit=4{cursor}")).await;
        for exchange in page["exchanges"].as_array().unwrap() {
            seen.push((
                exchange["method"].as_str().unwrap().to_owned(),
                exchange["path"].as_str().unwrap().to_owned(),
            ));
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = paths
        .iter()
        .rev()
        .flat_map(|path| {
            [
                ("PATCH".to_owned(), path.clone()),
                ("POST".to_owned(), "/Users".to_owned()),
            ]
        })
        .collect();
    assert_eq!(seen, expected);
}
