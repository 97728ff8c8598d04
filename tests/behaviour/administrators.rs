//! Persons who sign in: invited, with passwords and one-time codes, and what each may do.

use directory::Role;
use reqwest::Method;
use serde_json::{Value, json};
use service::settings::profiles::ProfileChange;
use testkit::{Answer, Provost, person};
use totp_rs::{Algorithm, TOTP};

use super::manage::{Api, api};
use crate::{id, start};

const PASSWORD: &str = "correct horse battery";

/// A browser's part: the cookie and the other secret.
struct Browser<'p> {
    provost: &'p Provost,
    cookie: String,
    csrf: String,
}

impl<'p> Browser<'p> {
    /// Nobody yet.
    fn new(provost: &'p Provost) -> Self {
        Self {
            provost,
            cookie: String::new(),
            csrf: String::new(),
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let root = self.provost.client.base.trim_end_matches("/scim/v2");
        let request = self.provost.client.bare(method, &format!("{root}/api/v1{path}"));
        let request = request.header("Content-Type", "application/json");
        if self.cookie.is_empty() {
            request
        } else {
            request.header("Cookie", format!("theme=dark; {}", self.cookie))
        }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.request(method, path).header("X-CSRF-Token", &self.csrf);
        Answer::of(request.body(body.to_string()).send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// Takes over what an answer set.
    fn keep(&mut self, answer: &Answer) {
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        let csrf = answer.body["csrf"].as_str().unwrap_or_default();
        csrf.clone_into(&mut self.csrf);
    }

    async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password});
        let answer = self.send(Method::POST, "/session", body).await;
        if answer.status == 201 {
            self.keep(&answer);
        }
        answer
    }
}

/// Invites somebody, who joins.
async fn joined<'p>(owner: &Api<'p>, provost: &'p Provost, email: &str, more: Value) -> Browser<'p> {
    let mut new = json!({"email": email, "role": "manager"});
    for (name, value) in more.as_object().unwrap() {
        new[name] = value.clone();
    }
    let invited = owner.send("/administrators", new).await.expect(201);
    let mut browser = Browser::new(provost);
    let body = json!({"invitation": invited["secret"], "password": PASSWORD});
    let answer = browser.send(Method::POST, "/invitation", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    browser.keep(&answer);
    browser
}

#[tokio::test]
async fn an_invited_person_chooses_a_password_signs_in_and_out() {
    let provost = start().await;
    let owner = api(&provost, Role::Owner).await;
    let invited = owner
        .send(
            "/administrators",
            json!({"email": "Ada@example.com", "role": "manager", "name": "Ada"}),
        )
        .await
        .expect(201);
    assert_eq!(
        (&invited["hasJoined"], &invited["name"]),
        (&json!(false), &json!("Ada"))
    );
    let twice = json!({"email": "ada@EXAMPLE.com", "role": "owner"});
    owner.send("/administrators", twice).await.expect(409);
    let mut browser = Browser::new(&provost);
    let weak = json!({"invitation": invited["secret"], "password": "password1234"});
    let refused = browser.send(Method::POST, "/invitation", weak).await.expect(400);
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("everybody tries first")
    );
    let good = json!({"invitation": invited["secret"], "password": PASSWORD});
    let answer = browser.send(Method::POST, "/invitation", good.clone()).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    browser.keep(&answer);
    assert_eq!(answer.expect(201)["administrator"]["email"], "Ada@example.com");
    browser.send(Method::POST, "/invitation", good).await.expect(410);

    let me = browser.get("/session").await.expect(200);
    assert_eq!(me["administrator"]["role"], "manager");
    assert!(!me.to_string().contains("argon2"), "{me}");
    provost.client.create(&person("ava")).await;
    let preserved = browser
        .send(Method::POST, "/users/ava@example.com/preserve", json!({}))
        .await;
    assert_eq!(
        preserved.expect(200)["preservation"]["by"],
        "Ada",
        "events name the person"
    );
    assert_eq!(browser.get("/administrators").await.status, 403);
    assert_eq!(
        browser.send(Method::DELETE, "/session", json!({})).await.status,
        204
    );
    assert_eq!(
        browser.get("/session").await.status,
        401,
        "it is over on the server too"
    );
    browser.sign_in("ada@example.com", PASSWORD).await.expect(201);
    let sessions = browser.get("/sessions").await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(sessions["sessions"][0]["isThis"], true);
    let kinds = owner.get("/events?types=administrator.*").await;
    let kinds: Vec<_> = kinds["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(
        kinds,
        [
            // The first owner's link, which nobody has followed.
            "administrator.invited",
            "administrator.invited",
            "administrator.joined",
            "administrator.signed_in",
            "administrator.signed_in"
        ]
    );
    let listed = owner.get("/administrators").await.to_string();
    assert!(!listed.contains("argon2") && !listed.contains("pvi_"), "{listed}");
}

#[tokio::test]
async fn another_site_can_neither_act_nor_sign_somebody_in() {
    let provost = start().await;
    let owner = api(&provost, Role::Owner).await;
    let browser = joined(&owner, &provost, "ada@example.com", json!({})).await;
    provost.client.create(&person("ava")).await;
    let path = "/users/ava@example.com/preserve";
    let without = browser
        .request(Method::POST, path)
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(without.status(), 403, "the cookie alone changes nothing");
    let wrong = browser
        .request(Method::POST, path)
        .header("X-CSRF-Token", "guess")
        .body("{}");
    assert_eq!(wrong.send().await.unwrap().status(), 403);
    assert_eq!(
        browser.get("/users/ava@example.com").await.expect(200)["status"],
        "active"
    );
    // A form cannot send JSON's type.
    let root = provost.client.base.trim_end_matches("/scim/v2");
    let form = provost
        .client
        .bare(Method::POST, &format!("{root}/api/v1/session"));
    let body = json!({"email": "ada@example.com", "password": PASSWORD}).to_string();
    let form = form.header("Content-Type", "text/plain").body(body);
    assert_eq!(form.send().await.unwrap().status(), 415);
    // Whoever plants a cookie gains nothing: signing in makes another.
    let mut planted = Browser::new(&provost);
    planted.cookie = browser.cookie.clone();
    planted.sign_in("ada@example.com", PASSWORD).await.expect(201);
    assert_ne!(planted.cookie, browser.cookie);
    // An API key is no session.
    let answer = owner.call(Method::GET, "/session").await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn who_is_unknown_and_who_is_wrong_are_told_the_same_and_guessing_ends() {
    let provost = start().await;
    let owner = api(&provost, Role::Owner).await;
    joined(&owner, &provost, "ada@example.com", json!({})).await;
    let invited = json!({"email": "bob@example.com", "role": "owner"});
    owner.send("/administrators", invited).await.expect(201);
    let mut told = Vec::new();
    for (email, password) in [
        ("ada@example.com", "wrong horse battery"),
        ("nobody@example.com", PASSWORD),
        ("bob@example.com", PASSWORD),
        ("ada@example.com", ""),
    ] {
        let answer = Browser::new(&provost).sign_in(email, password).await;
        assert_eq!(answer.status, 401, "{email}");
        assert!(!answer.headers.contains_key("set-cookie"));
        told.push(answer.body);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    let mut last = 0;
    for _ in 0..12 {
        last = Browser::new(&provost)
            .sign_in("ada@example.com", "wrong horse battery")
            .await
            .status;
    }
    assert_eq!(last, 429);
    let answer = Browser::new(&provost).sign_in("ada@example.com", PASSWORD).await;
    assert!(
        answer.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse::<u32>()
            .unwrap()
            <= 10
    );
    assert_eq!(
        Browser::new(&provost)
            .sign_in("bob@example.com", "x")
            .await
            .status,
        401,
        "nobody else waits"
    );
    let elsewhere = json!({"tenant": "nowhere", "email": "eve@example.com", "password": PASSWORD});
    Browser::new(&provost)
        .send(Method::POST, "/session", elsewhere)
        .await
        .expect(401);
}

fn code(secret: &str) -> String {
    let secret = totp_rs::Secret::Encoded(secret.to_owned()).to_bytes().unwrap();
    let totp = TOTP::new(Algorithm::SHA1, 6, 1, 30, secret).unwrap();
    totp.generate(server::clock::now().as_second().unsigned_abs())
}

#[tokio::test]
async fn one_time_codes_are_taken_once_and_recovery_codes_stand_in_for_them() {
    let provost = start().await;
    let owner = api(&provost, Role::Owner).await;
    let browser = joined(&owner, &provost, "ada@example.com", json!({})).await;
    let proposal = browser
        .send(Method::POST, "/session/codes", json!({}))
        .await
        .expect(200);
    let secret = proposal["secret"].as_str().unwrap().to_owned();
    assert!(
        proposal["link"]
            .as_str()
            .unwrap()
            .starts_with("otpauth://totp/Provost:"),
        "{proposal}"
    );
    let confirm = |password: &str, code: &str| json!({"password": password, "secret": secret, "code": code});
    let wrong = confirm("wrong horse battery", &code(&secret));
    browser
        .send(Method::PUT, "/session/codes", wrong)
        .await
        .expect(403);
    browser
        .send(Method::PUT, "/session/codes", confirm(PASSWORD, "000000"))
        .await
        .expect(400);
    let first = code(&secret);
    let confirmed = browser
        .send(Method::PUT, "/session/codes", confirm(PASSWORD, &first))
        .await
        .expect(200);
    let recovery: Vec<String> = serde_json::from_value(confirmed["recoveryCodes"].clone()).unwrap();
    assert_eq!(recovery.len(), 10);
    let written = provost.everything_written().await;
    let has = |text: &str| written.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(
        !has(&secret) && !has(&recovery[0]) && !has(PASSWORD),
        "no secret is in the database"
    );

    let sign_in = |code: Option<&str>| {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "code": code});
        let browser = Browser::new(&provost);
        async move { browser.send(Method::POST, "/session", body).await }
    };
    let needed = sign_in(None).await.expect(401);
    assert_eq!(needed["title"], "Code needed");
    sign_in(Some(&first)).await.expect(401);
    assert_eq!(sign_in(Some("123")).await.status, 401);
    sign_in(Some(&recovery[3].to_uppercase())).await.expect(201);
    sign_in(Some(&recovery[3])).await.expect(401);
    let me = browser.get("/session").await.expect(200);
    assert_eq!(me["administrator"]["recoveryCodesLeft"], 9);
    let end = json!({"password": PASSWORD});
    assert_eq!(
        browser.send(Method::POST, "/session/codes/end", end).await.status,
        204
    );
    sign_in(None).await.expect(201);
}

#[tokio::test]
async fn who_is_limited_to_profiles_deals_with_their_users_alone() {
    let provost = start().await;
    let owner = api(&provost, Role::Owner).await;
    provost.profile("Sales", ProfileChange::default()).await;
    let ava = provost.client.create(&person("ava")).await;
    provost.client.create(&person("bob")).await;
    owner
        .send("/users/ava@example.com/place", json!({"profile": "Sales"}))
        .await
        .expect(200);
    let sales = joined(
        &owner,
        &provost,
        "ada@example.com",
        json!({"profiles": ["Sales"]}),
    )
    .await;
    let listed = sales.get("/users").await.expect(200);
    assert_eq!(listed["users"].as_array().unwrap().len(), 1);
    assert_eq!(listed["users"][0]["id"], ava["id"]);
    sales.get("/users/ava@example.com").await.expect(200);
    for path in ["/users/bob@example.com", "/users/bob@example.com/explain"] {
        assert_eq!(sales.get(path).await.status, 404, "{path}");
    }
    sales
        .send(Method::POST, "/users/bob@example.com/preserve", json!({}))
        .await
        .expect(404);
    sales
        .send(Method::POST, "/users/ava@example.com/preserve", json!({}))
        .await
        .expect(200);
    let all = json!({"action": "preserve", "filter": {}});
    assert_eq!(
        sales.send(Method::POST, "/bulk/users", all).await.expect(200)["done"],
        1
    );
    let bob = owner.get("/users/bob@example.com").await;
    let named = json!({"action": "preserve", "users": [bob["id"]]});
    assert_eq!(
        sales.send(Method::POST, "/bulk/users", named).await.expect(200)["done"],
        0
    );
    assert_eq!(owner.get("/users/bob@example.com").await["status"], "active");
    let away = json!({"profile": "default"});
    sales
        .send(Method::POST, "/users/ava@example.com/place", away)
        .await
        .expect(403);
    let new = json!({"attributes": {"userName": "zoe@example.com", "displayName": "Zoe"}});
    sales.send(Method::POST, "/users", new.clone()).await.expect(403);
    let mut placed = new;
    placed["place"] = json!({"profile": "sales", "storage": "default"});
    sales.send(Method::POST, "/users", placed).await.expect(201);
    for path in ["/events", "/exchanges", "/refusals", "/groups", "/namesakes"] {
        assert_eq!(sales.get(path).await.status, 403, "{path}");
    }
    sales
        .send(Method::POST, "/profiles", json!({"name": "x"}))
        .await
        .expect(403);
    sales.get("/profiles").await.expect(200);
    let whole = json!({"profiles": null});
    owner
        .with(Method::PATCH, "/administrators/ada@example.com", whole)
        .await
        .expect(200);
    assert_eq!(
        sales.get("/users").await.expect(200)["users"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn an_owner_stays_and_who_is_removed_or_changes_the_password_is_signed_out() {
    let provost = start().await;
    let owner = api(&provost, Role::Owner).await;
    let mut ada = joined(&owner, &provost, "ada@example.com", json!({"role": "owner"})).await;
    let bob = joined(&owner, &provost, "bob@example.com", json!({"role": "helpdesk"})).await;
    let less = json!({"role": "auditor"});
    let refused = owner
        .with(Method::PATCH, "/administrators/ada@example.com", less)
        .await
        .expect(409);
    assert!(
        refused["detail"].as_str().unwrap().contains("last one"),
        "{refused}"
    );
    assert_eq!(
        owner
            .call(Method::DELETE, "/administrators/ada@example.com")
            .await
            .status,
        409
    );
    bob.get("/session").await.expect(200);
    assert_eq!(
        ada.send(Method::DELETE, "/administrators/bob@example.com", json!({}))
            .await
            .status,
        204
    );
    assert_eq!(bob.get("/session").await.status, 401);

    let mut other = Browser::new(&provost);
    other.sign_in("ada@example.com", PASSWORD).await.expect(201);
    let listed = ada.get("/sessions").await.expect(200);
    let elsewhere = listed["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["isThis"] == false)
        .unwrap();
    let path = format!("/sessions/{}", id(elsewhere));
    assert_eq!(ada.send(Method::DELETE, &path, json!({})).await.status, 204);
    assert_eq!(
        other.get("/session").await.status,
        401,
        "signed out from elsewhere"
    );
    let change = |current: &str, new: &str| json!({"current": current, "new": new});
    ada.send(
        Method::POST,
        "/session/password",
        change("wrong horse battery", "purple monkey dishwasher"),
    )
    .await
    .expect(403);
    ada.send(Method::POST, "/session/password", change(PASSWORD, "short"))
        .await
        .expect(400);
    let changed = ada
        .send(
            Method::POST,
            "/session/password",
            change(PASSWORD, "purple lemon dishwasher"),
        )
        .await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    assert_eq!(ada.get("/session").await.status, 401);
    ada.sign_in("ada@example.com", PASSWORD).await.expect(401);
    ada.sign_in("ada@example.com", "purple lemon dishwasher")
        .await
        .expect(201);
    let again = owner
        .call(Method::POST, "/administrators/ada@example.com/invitation")
        .await
        .expect(201);
    assert!(again["secret"].as_str().unwrap().starts_with("pvi_"));
    assert_eq!(
        ada.get("/session").await.status,
        401,
        "what was there before is void"
    );
}

#[tokio::test]
async fn a_session_that_somebody_planted_opens_nothing_after_the_sign_in() {
    let provost = start().await;
    let owner = api(&provost, Role::Owner).await;
    joined(&owner, &provost, "ada@example.com", json!({})).await;
    let planted = format!("provost_session=pvs_{}", "a".repeat(43));
    let mut victim = Browser::new(&provost);
    victim.cookie.clone_from(&planted);
    victim.sign_in("ada@example.com", PASSWORD).await.expect(201);
    assert_ne!(victim.cookie, planted);
    victim.get("/session").await.expect(200);
    let mut attacker = Browser::new(&provost);
    attacker.cookie = planted;
    assert_eq!(attacker.get("/session").await.status, 401);
    let before = victim.cookie.clone();
    victim.sign_in("ada@example.com", PASSWORD).await.expect(201);
    assert_ne!(victim.cookie, before, "each sign-in has a secret of its own");
}
