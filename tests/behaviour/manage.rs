//! The management API, as a program with an API key uses it.

use std::time::Duration;

use directory::{Action, ApiKey, Role};
use reqwest::Method;
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
    let secret = server::clock::fresh_key().unwrap();
    let new = NewKey {
        secret: secret.clone(),
        name: name.to_owned(),
        role,
        days: 30,
    };
    let made = provost.admin(move |tx, ctx| keys::create(tx, ctx, &new)).await;
    (secret.reveal().to_owned(), made)
}

pub(crate) async fn api(provost: &Provost, role: Role) -> Api<'_> {
    let (key, _) = key(provost, role.name(), role).await;
    Api { provost, key }
}

impl Api<'_> {
    pub(crate) async fn call(&self, method: Method, path: &str) -> Answer {
        let root = self.provost.client.base.trim_end_matches("/scim/v2");
        let request = self
            .provost
            .client
            .bare(method, &format!("{root}/api/v1{path}"))
            .header("Authorization", format!("Bearer {}", self.key));
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn send(&self, path: &str, body: Value) -> Answer {
        let root = self.provost.client.base.trim_end_matches("/scim/v2");
        let request = self
            .provost
            .client
            .bare(Method::POST, &format!("{root}/api/v1{path}"))
            .header("Authorization", format!("Bearer {}", self.key))
            .body(body.to_string());
        Answer::of(request.send().await.unwrap()).await
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

/// Every route, with what it takes.
const ROUTES: [(&str, &str, Action); 21] = [
    ("GET", "/exchanges", Action::ReadExchanges),
    ("GET", "/exchanges/unknown", Action::ReadExchanges),
    ("GET", "/users/ava@example.com/exchanges", Action::ReadExchanges),
    ("GET", "/refusals", Action::ReadExchanges),
    ("DELETE", "/refusals/unknown", Action::DismissRefusals),
    ("GET", "/events", Action::ReadEvents),
    ("GET", "/users", Action::ReadUsers),
    ("GET", "/users/ava@example.com", Action::ReadUsers),
    ("GET", "/users/ava@example.com/events", Action::ReadEvents),
    ("POST", "/users/ava@example.com/preserve", Action::PreserveUsers),
    ("POST", "/users/ava@example.com/activate", Action::PreserveUsers),
    ("GET", "/users/ava@example.com/explain", Action::ReadUsers),
    ("POST", "/users/ava@example.com/place", Action::ChangeUsers),
    ("POST", "/users/ava@example.com/unpin", Action::ChangeUsers),
    ("PUT", "/users/ava@example.com/legal-hold", Action::ChangeUsers),
    ("DELETE", "/users/ava@example.com/legal-hold", Action::ChangeUsers),
    ("POST", "/users/ava@example.com/delete", Action::ChangeUsers),
    ("GET", "/connections", Action::ReadSettings),
    ("GET", "/profiles", Action::ReadSettings),
    ("GET", "/storages", Action::ReadSettings),
    ("GET", "/mappings", Action::ReadSettings),
];

#[tokio::test]
async fn every_route_refuses_a_stranger_an_ended_key_and_too_small_a_role() {
    let provost = start().await;
    provost.client.create(&person("ava")).await;
    let (revoked, made) = key(&provost, "revoked", Role::Owner).await;
    let name = made.name.to_string();
    provost.admin(move |tx, ctx| keys::revoke(tx, ctx, &name)).await;
    let mut unknown = server::clock::fresh_key().unwrap().reveal().to_owned();
    for (method, route, action) in ROUTES {
        let method: Method = method.parse().unwrap();
        for key in [&revoked, &unknown, &provost.client.token.clone(), &String::new()] {
            let stranger = Api {
                provost: &provost,
                key: key.clone(),
            };
            let answer = stranger.call(method.clone(), route).await;
            assert_eq!(answer.status, 401, "{route}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            assert!(
                key.is_empty() || !answer.text.contains(key.as_str()),
                "no secret comes back"
            );
        }
        for role in [Role::Owner, Role::Manager, Role::Helpdesk, Role::Auditor] {
            let (secret, _) = key(&provost, &format!("{method} {route} {}", role.name()), role).await;
            let api = Api {
                provost: &provost,
                key: secret,
            };
            let expected = match role.may(action) {
                // Without a reason it is no more than a bad request.
                true if route.ends_with("/delete") => 400,
                true if route.ends_with("/unknown") => 404,
                true => 200,
                false => 403,
            };
            let answer = api.call(method.clone(), route).await;
            assert_eq!(
                answer.status,
                expected,
                "{route} {}: {}",
                role.name(),
                answer.text
            );
        }
        unknown = server::clock::fresh_key().unwrap().reveal().to_owned();
    }
    let key = key(&provost, "no token", Role::Owner).await.0;
    let scim = provost.client.with_token(&key);
    scim.get("/Users").await.expect(401);
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
