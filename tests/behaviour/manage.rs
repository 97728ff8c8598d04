//! The management API, as a program with an API key uses it.

use std::collections::BTreeSet;
use std::time::Duration;

use directory::{Action, ApiKey, Ctx, Role, TenantId};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use service::keys::{self, NewKey};
use testkit::{Answer, Provost, patch, person};
use tokio::time::Instant;

use crate::{id, path, start};

/// Speaks to the management API with one key.
pub(crate) struct Api<'p> {
    provost: &'p Provost,
    key: String,
}

async fn key(provost: &Provost, name: &str, role: Role) -> (String, ApiKey) {
    key_of(provost, provost.tenant, name, role).await
}

async fn key_of(provost: &Provost, tenant: TenantId, name: &str, role: Role) -> (String, ApiKey) {
    let secret = server::clock::fresh_key().unwrap();
    let new = NewKey {
        secret: secret.clone(),
        name: name.to_owned(),
        role,
        days: 30,
    };
    let work = move |tx: &mut store::Tx<'_>, ctx: &Ctx| {
        let ctx = Ctx {
            tenant,
            ..ctx.clone()
        };
        keys::create(tx, &ctx, &new)
    };
    let made = provost.admin(work).await;
    (secret.reveal().to_owned(), made)
}

pub(crate) async fn api(provost: &Provost, role: Role) -> Api<'_> {
    let (key, _) = key(provost, role.name(), role).await;
    Api { provost, key }
}

impl Api<'_> {
    pub(crate) async fn call(&self, method: Method, path: &str) -> Answer {
        Answer::of(self.request(method, path).send().await.unwrap()).await
    }

    pub(crate) async fn send(&self, path: &str, body: Value) -> Answer {
        self.with(Method::POST, path, body).await
    }

    pub(crate) async fn with(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.request(method, path).body(body.to_string());
        Answer::of(request.send().await.unwrap()).await
    }

    async fn matched(&self, method: Method, path: &str, tag: &str, body: Value) -> Answer {
        let request = self.request(method, path).header("If-Match", tag);
        Answer::of(request.body(body.to_string()).send().await.unwrap()).await
    }

    async fn keyed(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        Answer::of(request.body(body.to_string()).send().await.unwrap()).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let root = self.provost.client.base.trim_end_matches("/scim/v2");
        let request = self.provost.client.bare(method, &format!("{root}/api/v1{path}"));
        request.header("Authorization", format!("Bearer {}", self.key))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path).await.expect(200)
    }

    async fn refused(&self, path: &str, status: u16) -> String {
        let answer = self.call(Method::GET, path).await;
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let problem = answer.expect(status);
        assert_eq!(problem["status"], status);
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// What anybody may ask for. This list only shrinks.
const OPEN: [&str; 3] = ["/api/v1/openapi.json", "/api/docs", "/api/docs.css"];
/// What anybody may ask for with what proves who it is. This list only shrinks.
const SIGNING_IN: [&str; 2] = ["POST /session", "POST /invitation"];

/// The method and path of every operation that the server describes, with a person in place of each parameter, and the action
/// that it names; none where it is for whoever has signed in.
fn described(document: &Value) -> Vec<(Method, String, Option<Action>)> {
    let action = |name: &str| {
        Action::ALL
            .into_iter()
            .find(|action| format!("{action:?}") == name)
    };
    let mut described = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = path
                .replace("{user}", "ava@example.com")
                .replace("{group}", "nobody")
                .replace("{administrator}", "nobody")
                .replace("{id}", "nobody")
                .replace("{name}", "nobody");
            let method: Method = method.to_uppercase().parse().unwrap();
            let right = operation["x-right"].as_str().unwrap();
            let is_open = SIGNING_IN.contains(&format!("{method} {path}").as_str());
            assert_eq!(right == "Anybody", is_open, "{method} {path}");
            if !is_open {
                assert!(right == "Signed" || action(right).is_some(), "{right}");
                described.push((method, path, action(right)));
            }
        }
    }
    described
}

#[tokio::test]
async fn every_route_refuses_a_stranger_an_ended_key_and_too_small_a_role() {
    let provost = start().await;
    provost.client.create(&person("ava")).await;
    let other = provost.admin(|tx, ctx| {
        let ctx = Ctx {
            tenant: TenantId::from(ctx.ids.nth(50)),
            ..ctx.clone()
        };
        service::settings::tenants::add(tx, &ctx, "other")
    });
    let other = other.await.id;
    let (revoked, made) = key(&provost, "revoked", Role::Owner).await;
    let name = made.name.to_string();
    provost.admin(move |tx, ctx| keys::revoke(tx, ctx, &name)).await;
    let unknown = server::clock::fresh_key().unwrap().reveal().to_owned();
    let foreign = key_of(&provost, other, "foreign", Role::Owner).await.0;
    let mut by_role = Vec::new();
    for role in [Role::Owner, Role::Manager, Role::Helpdesk, Role::Auditor] {
        by_role.push((role, key(&provost, role.name(), role).await.0));
    }
    let no_token = key(&provost, "no token", Role::Owner).await.0;
    let scim = provost.client.with_token(&no_token);
    scim.get("/Users").await.expect(401);
    let speak = |key: &str| Api {
        provost: &provost,
        key: key.to_owned(),
    };
    let document = speak("").get("/openapi.json").await;
    let routes = described(&document);
    assert!(routes.len() > 50, "{}", routes.len());
    let mut seen = BTreeSet::new();
    for (method, route, action) in routes {
        for key in [&revoked, &unknown, &provost.client.token.clone(), &String::new()] {
            let answer = speak(key).call(method.clone(), &route).await;
            // Who shows wrong keys again and again is told to wait.
            assert!([401, 429].contains(&answer.status), "{method} {route}");
            seen.insert(answer.status);
            assert!(
                key.is_empty() || !answer.text.contains(key.as_str()),
                "no secret comes back"
            );
        }
        // Another tenant's owner finds nobody of this one.
        if route.contains("ava@example.com") {
            let answer = speak(&foreign).call(method.clone(), &route).await;
            assert!(
                [400, 404].contains(&answer.status),
                "{method} {route}: {}",
                answer.text
            );
        }
        for (role, key) in &by_role {
            let answer = speak(key).call(method.clone(), &route).await;
            // What is a person's own is no key's.
            let Some(action) = action else {
                assert!([401, 429].contains(&answer.status), "{method} {route}");
                continue;
            };
            let is_forbidden = answer.status == 403;
            assert_eq!(
                is_forbidden,
                !role.may(action),
                "{method} {route} {}: {}",
                role.name(),
                answer.text
            );
            assert!(
                ![401, 405].contains(&answer.status) && answer.status < 500,
                "{method} {route}: {}",
                answer.text
            );
        }
    }
    assert_eq!(seen, BTreeSet::from([401, 429]));
    assert_eq!(speak(&foreign).get("/users").await["users"], json!([]));
    let root = provost.client.base.trim_end_matches("/scim/v2");
    for open in OPEN {
        let answer = provost
            .client
            .bare(Method::GET, &format!("{root}{open}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{open}");
    }
}

#[tokio::test]
async fn settings_are_made_changed_and_removed_by_program() {
    let provost = start().await;
    let api = api(&provost, Role::Manager).await;
    let okta = api
        .send("/connections", json!({"name": "Okta", "kind": "okta"}))
        .await
        .expect(201);
    assert_eq!(okta["unmatched"], "refuse");
    let changed = api
        .with(Method::PATCH, "/connections/okta", json!({"unmatched": "hold"}))
        .await
        .expect(200);
    assert_eq!(
        (&changed["unmatched"], &changed["id"]),
        (&json!("hold"), &okta["id"])
    );
    let token = api
        .send("/connections/Okta/tokens", json!({"days": 30}))
        .await
        .expect(201);
    let client = provost.client_with(token["secret"].as_str().unwrap());
    client.get("/Users").await.expect(200);
    let listed = api.get("/tokens").await;
    assert!(!listed.to_string().contains(token["secret"].as_str().unwrap()));
    assert_eq!(listed["tokens"][1]["connection"], "Okta");

    let gold = api
        .send("/profiles", json!({"name": "Gold", "maxUsers": 10, "quota": 5}))
        .await
        .expect(201);
    assert_eq!((&gold["maxUsers"], &gold["purgeDays"]), (&json!(10), &json!(0)));
    api.send("/storages", json!({"name": "Frankfurt", "region": "eu"}))
        .await
        .expect(201);
    let condition = json!({"kind": "filter", "filter": "department eq \"Sales\""});
    let sales = json!({"name": "Sales", "condition": condition, "profile": "Gold", "storage": "Frankfurt", "connections": ["Okta"]});
    let sales = api.send("/mappings", sales).await.expect(201);
    assert_eq!(
        (&sales["position"], &sales["profile"]),
        (&json!(1), &json!("Gold"))
    );
    let order = json!({"names": ["Everyone", "Sales"]});
    let ordered = api.send("/mapping/order", order).await.expect(200);
    assert_eq!(ordered["mappings"][1]["hiddenBy"], "Everyone");
    api.with(Method::PATCH, "/mappings/Sales", json!({"at": 1, "quota": null}))
        .await
        .expect(200);
    let mut ava = person("ava");
    ava[testkit::ENTERPRISE] = json!({"department": "Sales"});
    let tried = api
        .send("/mapping/try", json!({"user": ava, "connection": "Okta"}))
        .await
        .expect(200);
    assert_eq!(
        (&tried["mappings"][0]["answer"], &tried["mappings"][0]["decides"]),
        (&json!("matched"), &json!(true))
    );
    client.create(&ava).await;
    let draft = json!({"mappings": [{"name": "All", "condition": {"kind": "any"}, "profile": "default", "storage": "default"}]});
    let preview = api.send("/mapping/preview", draft).await.expect(200);
    assert_eq!(
        (&preview["moved"], &preview["changes"][0]["now"]),
        (&json!(1), &json!("Gold, Frankfurt, 5 B"))
    );
    let applied = api.send("/mapping/apply", json!({})).await.expect(200);
    assert_eq!(applied, json!({"changed": 0, "next": null}));

    let in_use = api.call(Method::DELETE, "/profiles/Gold").await;
    assert_eq!(in_use.status, 409, "{}", in_use.text);
    assert_eq!(api.call(Method::DELETE, "/mappings/Sales").await.status, 204);
    assert_eq!(
        api.call(Method::DELETE, "/connections/Okta").await.expect(200),
        json!({"released": 1})
    );
    client.get("/Users").await.expect(401);
    let tenant = api
        .with(
            Method::PATCH,
            "/tenant",
            json!({"logDays": 90, "uniqueEmail": true}),
        )
        .await
        .expect(200);
    assert_eq!(
        (&tenant["logDays"], &tenant["uniqueEmail"]),
        (&json!(90), &json!(true))
    );
    let said = api.send("/mappings", json!({"name": "x", "condition": {"kind": "filter", "filter": "a eq"}, "profile": "Gold", "storage": "default"}));
    let problem = said.await.expect(400);
    assert!(
        problem["detail"].as_str().unwrap().contains("condition:"),
        "{problem}"
    );
    for body in [
        json!({"id": okta["id"], "name": "x"}),
        json!({"name": "x", "position": 1}),
    ] {
        api.send("/profiles", body).await.expect(400);
    }
}

#[tokio::test]
async fn who_knows_an_old_version_changes_nothing() {
    let provost = start().await;
    let api = api(&provost, Role::Manager).await;
    let long = json!({"purgeDays": 3_000_000});
    let refused = api
        .with(Method::PATCH, "/profiles/default", long)
        .await
        .expect(400);
    assert!(
        refused["detail"].as_str().unwrap().contains("never with 0"),
        "{refused}"
    );
    let shown = api.call(Method::GET, "/profiles/default").await;
    let tag = shown.headers["etag"].to_str().unwrap().to_owned();
    let changed = api
        .matched(Method::PATCH, "/profiles/default", &tag, json!({"purgeDays": 30}))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_ne!(changed.headers["etag"], tag.as_str());
    let refused = api
        .matched(Method::PATCH, "/profiles/default", &tag, json!({"purgeDays": 60}))
        .await;
    assert!(
        refused.expect(412)["detail"]
            .as_str()
            .unwrap()
            .contains("changed it meanwhile")
    );
    let refused = api
        .matched(Method::DELETE, "/mappings/Everyone", &tag, json!({}))
        .await;
    refused.expect(412);
    assert_eq!(api.get("/profiles/default").await["purgeDays"], 30);
    provost.client.create(&person("ava")).await;
    let ava = api.call(Method::GET, "/users/ava@example.com").await;
    let tag = ava.headers["etag"].to_str().unwrap().to_owned();
    api.matched(Method::POST, "/users/ava@example.com/preserve", &tag, json!({}))
        .await
        .expect(200);
    api.matched(Method::POST, "/users/ava@example.com/activate", &tag, json!({}))
        .await
        .expect(412);
    assert_eq!(api.get("/users/ava@example.com").await["status"], "preserved");
}

#[tokio::test]
async fn a_request_that_is_sent_again_with_its_key_is_carried_out_once() {
    let provost = start().await;
    let api = api(&provost, Role::Owner).await;
    let gold = json!({"name": "Gold"});
    let made = api.keyed("/profiles", "k1", &gold).await.expect(201);
    let again = api.keyed("/profiles", "k1", &gold).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.expect(201), made);
    let other = api.keyed("/profiles", "k1", &json!({"name": "Silver"})).await;
    assert!(
        other.expect(422)["detail"]
            .as_str()
            .unwrap()
            .contains("another request")
    );
    let elsewhere = api.keyed("/storages", "k1", &gold).await;
    elsewhere.expect(422);
    // A refusal changed nothing, and is no answer to keep.
    api.keyed("/profiles", "k2", &gold).await.expect(409);
    assert_eq!(api.call(Method::DELETE, "/profiles/Gold").await.status, 204);
    api.keyed("/profiles", "k2", &gold).await.expect(201);
    let token = json!({"days": 30});
    let first = api
        .keyed("/connections/default/tokens", "k3", &token)
        .await
        .expect(201);
    let again = api
        .keyed("/connections/default/tokens", "k3", &token)
        .await
        .expect(201);
    assert_eq!(first["id"], again["id"]);
    assert!(
        first["secret"].is_string() && again.get("secret").is_none(),
        "a secret is shown once"
    );
    api.keyed("/profiles", &"k".repeat(101), &gold).await.expect(400);

    // Who is purged stands in no answer that is kept.
    provost.client.create(&person("ava")).await;
    api.keyed("/users/ava@example.com/preserve", "k4", &json!({}))
        .await
        .expect(200);
    api.send(
        "/users/ava@example.com/delete",
        json!({"reason": "asked to be forgotten"}),
    )
    .await
    .expect(200);
    api.keyed("/users/ava@example.com/preserve", "k4", &json!({}))
        .await
        .expect(410);
}

#[tokio::test]
async fn many_are_changed_at_once_and_one_who_is_refused_stops_no_other() {
    let provost = start().await;
    let manager = api(&provost, Role::Manager).await;
    let helpdesk = api(&provost, Role::Helpdesk).await;
    let mut ids = Vec::new();
    for name in ["ava", "bob", "cyd"] {
        ids.push(id(&provost.client.create(&person(name)).await).to_owned());
    }
    let dry = json!({"action": "preserve", "filter": {"search": "ava"}, "dryRun": true});
    assert_eq!(
        helpdesk.send("/bulk/users", dry).await.expect(200)["meant"],
        json!([ids[0]])
    );
    let all = json!({"action": "preserve", "filter": {}});
    assert_eq!(helpdesk.send("/bulk/users", all).await.expect(200)["done"], 3);
    let delete = json!({"action": "delete", "users": ids, "reason": "they all have left us"});
    helpdesk.send("/bulk/users", delete.clone()).await.expect(403);
    manager
        .call(Method::PUT, &format!("/users/{}/legal-hold", ids[1]))
        .await
        .expect(200);
    let outcome = manager.send("/bulk/users", delete).await.expect(200);
    assert_eq!(outcome["done"], 2);
    assert_eq!(outcome["refused"][0]["id"], ids[1]);
    assert!(
        outcome["refused"][0]["detail"]
            .as_str()
            .unwrap()
            .contains("legal hold")
    );
    for body in [
        json!({"action": "preserve", "filter": {"limit": 0}}),
        json!({"action": "preserve"}),
        json!({"action": "preserve", "users": [], "filter": {}}),
        json!({"action": "preserve", "users": [], "dryrun": true}),
    ] {
        manager.send("/bulk/users", body).await.expect(400);
    }
}

#[tokio::test]
async fn a_manual_user_is_added_transferred_and_told_from_its_namesake() {
    let provost = start().await;
    let api = api(&provost, Role::Manager).await;
    let new =
        json!({"attributes": {"userName": "zoe@example.com", "displayName": "Zoe"}, "place": {"quota": 7}});
    let zoe = api.send("/users", new.clone()).await.expect(201);
    assert_eq!(
        (&zoe["managedBy"], &zoe["pinned"]),
        (&json!(null), &json!(["quota"]))
    );
    api.send("/users", new).await.expect(409);
    let moved = api
        .send(
            "/users/zoe@example.com/transfer",
            json!({"connection": "default"}),
        )
        .await
        .expect(200);
    assert_eq!(moved["managedBy"], "default");
    let mut old = person("ava");
    old["externalId"] = "1".into();
    let ava = provost.client.create(&old).await;
    provost.client.delete(&path(&ava)).await.expect(204);
    old["externalId"] = "2".into();
    let newer = provost.client.create(&old).await;
    assert_ne!(id(&newer), id(&ava));
    let namesakes = api.get("/namesakes").await;
    assert_eq!(namesakes["namesakes"][0]["former"]["id"], ava["id"]);
    assert_eq!(namesakes["namesakes"][0]["present"]["id"], newer["id"]);
    let settled = api
        .send(
            &format!("/users/{}/resolve", id(&ava)),
            json!({"person": "another"}),
        )
        .await;
    settled.expect(200);
    assert_eq!(api.get("/namesakes").await["namesakes"], json!([]));
    let group = json!({"displayName": "Sales", "members": [{"value": id(&newer)}]});
    provost.client.post("/Groups", &group).await.expect(201);
    assert_eq!(api.get("/groups").await["groups"][0]["displayName"], "Sales");
    assert_eq!(api.get("/groups/sales").await["members"], json!([id(&newer)]));
}

#[tokio::test]
async fn events_are_read_in_order_from_any_cursor_on() {
    let provost = start().await;
    let api = api(&provost, Role::Auditor).await;
    let mut people = Vec::new();
    for number in 0..5 {
        people.push(provost.client.create(&person(&format!("p{number}"))).await);
    }
    let off = patch(json!([{"op": "replace", "value": {"active": false}}]));
    provost.client.patch(&path(&people[2]), &off).await.expect(200);

    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/events?limit=2&after={after}")).await;
        let events = page["events"].as_array().unwrap().clone();
        assert!(events.len() <= 2);
        seen.extend(events);
        page["next"].as_str().unwrap().clone_into(&mut after);
        if page["hasMore"] == false {
            break;
        }
    }
    let users: Vec<_> = seen
        .iter()
        .filter(|event| event["type"] == "user.created")
        .map(|event| event["user"].as_str().unwrap())
        .collect();
    assert_eq!(users, people.iter().map(id).collect::<Vec<_>>());
    let last = seen.last().unwrap();
    assert_eq!(
        (&last["type"], &last["actor"]),
        (&json!("user.deactivated"), &json!("default"))
    );
    assert_eq!(last["data"]["user"]["active"], false);
    assert_eq!(last["id"], after);

    let all = api.get("/events?types=user.deactivated,token.*&limit=1000").await;
    let kinds: Vec<_> = all["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["type"])
        .collect();
    assert_eq!(kinds, ["token.created", "user.deactivated"]);
    let history = api.get(&format!("/users/{}/events", id(&people[2]))).await;
    assert_eq!(history["events"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_consumer_says_that_its_part_is_done_and_history_shows_when() {
    let provost = start().await;
    let product = api(&provost, Role::Manager).await;
    let ava = provost.client.create(&person("ava")).await;
    let off = patch(json!([{"op": "replace", "value": {"active": false}}]));
    provost.client.patch(&path(&ava), &off).await.expect(200);
    let feed = product.get("/events?types=user.*").await;
    let ended = &feed["events"][1]["id"];
    assert!(feed["events"][1].get("acknowledged").is_none());
    for _ in 0..2 {
        let answer = product
            .send("/acknowledgements", json!({"events": [ended]}))
            .await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    }
    let history = product.get(&format!("/users/{}/events", id(&ava))).await;
    assert_eq!(history["events"][0]["acknowledged"], json!([]));
    let done = &history["events"][1]["acknowledged"];
    assert_eq!(
        (done.as_array().unwrap().len(), &done[0]["consumer"]),
        (1, &json!("API key manager"))
    );
    assert!(done[0]["secondsAfter"].as_f64().unwrap() >= 0.0);
    assert_eq!(history["events"][1]["data"]["user"]["active"], false);
    let strange = json!({"events": [ended, "1-9999-00000000"]});
    product.send("/acknowledgements", strange).await.expect(410);
    let all = product.call(Method::GET, "/event-export?types=user.*").await;
    assert_eq!(all.headers["content-type"], "application/x-ndjson");
    let lines: Vec<Value> = all
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, feed["events"].as_array().unwrap().clone());
    let kinds = product.get("/events?types=mapping.*").await;
    assert_eq!(kinds["events"], json!([]));
    provost.without_everyone().await;
    let kinds = product.get("/events?types=mapping.*").await;
    assert_eq!(kinds["events"][0]["type"], "mapping.removed");
}

#[tokio::test]
async fn a_reader_may_wait_for_what_comes_next() {
    let provost = start().await;
    let api = api(&provost, Role::Owner).await;
    let next = api.get("/events?limit=1000").await["next"]
        .as_str()
        .unwrap()
        .to_owned();
    let begun = Instant::now();
    let nothing = api.get(&format!("/events?after={next}&wait=1")).await;
    assert_eq!(
        (nothing["events"].as_array().unwrap().len(), &nothing["next"]),
        (0, &json!(next))
    );
    assert!(begun.elapsed() >= Duration::from_millis(900));
    let waiting = format!("/events?after={next}&wait=20&types=user.*");
    let (came, ()) = tokio::join!(api.get(&waiting), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        provost.client.create(&person("ava")).await;
    });
    assert_eq!(came["events"][0]["type"], "user.created");
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "it answers when something comes"
    );
}

#[tokio::test]
async fn a_cursor_that_is_void_is_refused_and_says_why() {
    let provost = start().await;
    let api = api(&provost, Role::Owner).await;
    let next = api.get("/events").await["next"].as_str().unwrap().to_owned();
    for nonsense in ["x", "1-2", "1--2-00000000", &format!("{next}-1")] {
        let detail = api.refused(&format!("/events?after={nonsense}"), 410).await;
        assert!(detail.contains("copy the whole of it"), "{detail}");
    }
    for (place, other) in [(2, "0badcafe"), (1, "99999"), (1, "1"), (0, "7")] {
        let mut parts: Vec<_> = next.split('-').collect();
        parts[place] = other;
        let detail = api
            .refused(&format!("/events?after={}", parts.join("-")), 410)
            .await;
        assert!(
            detail.contains("another tenant, or the database was restored"),
            "{detail}"
        );
    }
    let detail = api.refused("/events?limti=5", 400).await;
    assert!(detail.contains("unknown field `limti`"), "{detail}");
    api.refused("/users/%ff", 400).await;
    api.refused("/events?limit=many", 400).await;
    api.refused("/nothing", 404).await;
}

#[tokio::test]
async fn users_are_looked_through_found_and_preserved() {
    let provost = start().await;
    let api = api(&provost, Role::Helpdesk).await;
    let mut people = Vec::new();
    for name in ["ava", "bob", "cyd", "avalon"] {
        people.push(provost.client.create(&person(name)).await);
    }
    provost.client.delete(&path(&people[1])).await.expect(204);
    let names = |list: &Value| -> Vec<String> {
        let users = list["users"].as_array().unwrap();
        users
            .iter()
            .map(|user| user["userName"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut seen = Vec::new();
    let mut at = "/users?limit=3".to_owned();
    loop {
        let page = api.get(&at).await;
        seen.extend(names(&page));
        match page["next"].as_str() {
            Some(next) => at = format!("/users?limit=3&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(
        seen,
        [
            "ava@example.com",
            "bob@example.com",
            "cyd@example.com",
            "avalon@example.com"
        ]
    );
    assert_eq!(
        names(&api.get("/users?search=AVA").await),
        ["ava@example.com", "avalon@example.com"]
    );
    assert_eq!(names(&api.get("/users?search=c").await), ["cyd@example.com"]);
    let total = async |path: &str| api.get(path).await["total"].clone();
    let exactly = |count: u64| json!({"count": count, "isCapped": false});
    assert_eq!(total("/users?limit=1").await, exactly(4));
    assert_eq!(total("/users?status=active&limit=1").await, exactly(3));
    assert_eq!(total("/users?status=preserved").await, exactly(1));
    assert_eq!(total("/users?profile=default&limit=1").await, exactly(4));
    // Who is found by the index is counted; it is written beside the requests.
    let mut found = Value::Null;
    for _ in 0..100 {
        found = total("/users?search=ava&limit=1").await;
        if !found.is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(found, exactly(2));
    assert_eq!(total("/users?status=preserved&profile=default").await, exactly(1));
    assert_eq!(
        names(&api.get("/users?status=preserved&profile=default").await),
        ["bob@example.com"]
    );
    assert_eq!(names(&api.get("/users?profile=default&limit=2").await).len(), 2);
    assert_eq!(
        names(&api.get("/users?status=preserved").await),
        ["bob@example.com"]
    );
    assert_eq!(names(&api.get("/users?search=AVA&limit=1").await).len(), 1);
    api.refused("/users?status=lost", 400).await;
    api.refused("/users?profile=Nobody", 404).await;
    api.refused("/users?cursor=1", 400).await;
    let detail = api.refused("/users/nobody@example.com", 404).await;
    assert!(detail.contains("nobody@example.com"), "{detail}");

    let shown = api.get("/users/ava@example.com").await;
    assert_eq!(
        shown,
        provost.user(id(&people[0])),
        "as the command line shows it"
    );
    let preserved = api
        .call(Method::POST, "/users/ava@example.com/preserve")
        .await
        .expect(200);
    assert_eq!(
        (&preserved["status"], &preserved["preservation"]["by"]),
        (&json!("preserved"), &json!("API key helpdesk"))
    );
    let active = api
        .call(Method::POST, "/users/ava@example.com/activate")
        .await
        .expect(200);
    assert_eq!(active["status"], "active");
    let answer = api.call(Method::DELETE, "/users/ava@example.com").await;
    assert_eq!(
        (answer.status, answer.headers["allow"].to_str().unwrap()),
        (405, "GET,HEAD")
    );
}

#[tokio::test]
async fn an_event_says_what_was_there_before() {
    let provost = start().await;
    let api = api(&provost, Role::Owner).await;
    let ava = provost.client.create(&person("ava")).await;
    let change = patch(json!([{"op": "replace", "value": {"title": "Lead", "active": false}}]));
    provost.client.patch(&path(&ava), &change).await.expect(200);
    let history = api.get(&format!("/users/{}/events", id(&ava))).await;
    assert!(history["events"][0]["data"].get("before").is_none());
    let directory = "urn:provost:params:scim:schemas:extension:directory:2.0:User";
    let before = &history["events"][1]["data"]["before"];
    assert_eq!(
        (&before["title"], &before["active"]),
        (&json!(null), &json!(true))
    );
    assert_eq!(before[directory]["status"], "active");
    assert_eq!(before.as_object().unwrap().len(), 3, "{before}");
}

#[tokio::test]
async fn users_are_placed_held_and_deleted_by_program() {
    let provost = start().await;
    let api = api(&provost, Role::Manager).await;
    provost.client.create(&person("ava")).await;
    provost
        .profile("Sales", service::settings::profiles::ProfileChange::default())
        .await;
    let placed = api
        .send(
            "/users/ava@example.com/place",
            json!({"profile": "Sales", "quota": 7}),
        )
        .await
        .expect(200);
    assert_eq!(
        (&placed["profile"], &placed["quota"], &placed["pinned"]),
        (&json!("Sales"), &json!(7), &json!(["profile", "quota"]))
    );
    let freed = api
        .send("/users/ava@example.com/unpin", json!({}))
        .await
        .expect(200);
    assert_eq!(freed["pinned"], json!([]));
    for (body, said) in [
        (json!({"profle": "Sales"}), "unknown field `profle`"),
        (json!({"quota": "secret"}), "has not the type"),
        (json!(["Sales"]), "must be a JSON object"),
    ] {
        let problem = api.send("/users/ava@example.com/place", body).await.expect(400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said) && !detail.contains("secret"), "{detail}");
    }
    let unknown = api
        .send("/users/ava@example.com/place", json!({"profile": "Nobody"}))
        .await;
    assert_eq!(unknown.status, 404);
    let explained = api.get("/users/ava@example.com/explain").await;
    assert_eq!(explained["mappings"][0]["answer"], "matched");
    let profiles = api.get("/profiles").await;
    assert_eq!(profiles["profiles"][1]["activeUsers"], 1, "{profiles}");
    let mappings = api.get("/mappings").await;
    assert_eq!(mappings["mappings"][0]["inWords"], "any user");

    api.call(Method::PUT, "/users/ava@example.com/legal-hold")
        .await
        .expect(200);
    let reason = json!({"reason": "asked to be forgotten"});
    let refused = api.send("/users/ava@example.com/delete", reason.clone()).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    api.call(Method::DELETE, "/users/ava@example.com/legal-hold")
        .await
        .expect(200);
    let short = api
        .send("/users/ava@example.com/delete", json!({"reason": "x"}))
        .await;
    assert!((400..410).contains(&short.status));
    api.send("/users/ava@example.com/delete", reason)
        .await
        .expect(200);
    api.refused("/users/ava@example.com", 404).await;
}

#[tokio::test]
async fn an_answer_leads_to_its_events_by_a_number() {
    let provost = start().await;
    let api = api(&provost, Role::Owner).await;
    let created = provost.client.post("/Users", &person("ava")).await;
    let number = created.headers["x-request-id"].to_str().unwrap().to_owned();
    let events = api.get("/events?types=user.created").await;
    assert_eq!(events["events"][0]["requestId"], number);
    let refused = provost.client.post("/Users", &person("ava")).await;
    let other = refused.headers["x-request-id"].to_str().unwrap();
    assert_ne!(other, number, "refusals have one too");
    let root = provost.client.base.trim_end_matches("/scim/v2");
    for path in ["healthz", "readyz", "health"] {
        let answer = provost
            .client
            .bare(Method::GET, &format!("{root}/{path}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
}
