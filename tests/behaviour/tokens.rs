//! Tokens: taken, rotated without an outage, expired, revoked.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use service::settings::tenants::TenantChange;
use testkit::{Answer, Client, Provost};

use crate::start;

fn days_ago(days: i64) -> Timestamp {
    server::clock::now() - SignedDuration::from_hours(24 * days)
}

async fn authorised(client: &Client, header: &str) -> Answer {
    let request = client.bare(Method::GET, &format!("{}/Users", client.base));
    Answer::of(request.header("Authorization", header).send().await.unwrap()).await
}

#[tokio::test]
async fn a_token_is_taken_with_and_without_the_word_bearer() {
    let provost = start().await;
    let token = provost.client.token.clone();
    for header in [
        format!("Bearer {token}"),
        token.clone(),
        format!("bearer  {token}"),
        format!("Bearer Bearer {token}"),
    ] {
        authorised(&provost.client, &header).await.expect(200);
    }
}

#[tokio::test]
async fn what_opens_nothing_is_401_with_a_reason() {
    let provost = start().await;
    let mut typo = provost.client.token.clone();
    let last = typo.pop().unwrap();
    typo.push(if last == 'a' { 'b' } else { 'a' });
    let strange = server::clock::fresh_secret().unwrap().reveal().to_owned();
    for (header, reason) in [
        (String::new(), "This is no Provost token"),
        ("Basic YTpi".to_owned(), "This is no Provost token"),
        (format!("Bearer {typo}"), "a letter of it is wrong"),
        (format!("Bearer {strange}"), "not known here"),
    ] {
        let answer = authorised(&provost.client, &header).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        let detail = answer.refused(401, "");
        assert!(detail.contains(reason), "{detail}");
        assert!(!detail.contains(&strange));
    }
    let request = provost
        .client
        .bare(Method::GET, &format!("{}/Users", provost.client.base));
    let detail = Answer::of(request.send().await.unwrap()).await.refused(401, "");
    assert!(detail.contains("has no token"), "{detail}");
}

#[tokio::test]
async fn every_endpoint_refuses_a_stranger() {
    let provost = start().await;
    let stranger = provost.client_with("pvt_wrong");
    for path in [
        "/Users",
        "/Users/1",
        "/ServiceProviderConfig",
        "/ResourceTypes",
        "/ResourceTypes/User",
        "/Schemas",
        "/Schemas/x",
        "/Me",
        "/Bulk",
        "/Groups",
        "/Groups/1",
    ] {
        stranger.get(path).await.refused(401, "");
    }
    stranger
        .post("/Users", &testkit::person("ava"))
        .await
        .refused(401, "");
    stranger
        .put("/Users/1", &testkit::person("ava"))
        .await
        .refused(401, "");
    stranger
        .patch("/Users/1", &serde_json::json!({}))
        .await
        .refused(401, "");
    stranger.delete("/Users/1").await.refused(401, "");
    for path in ["/.search", "/Users/.search", "/Groups/.search"] {
        stranger.post(path, &serde_json::json!({})).await.refused(401, "");
    }
}

#[tokio::test]
async fn a_rotation_stops_nothing_until_the_grace_is_over() {
    let provost = start().await;
    let first = provost.connect("rotated").await;
    let second = provost.client_with(&provost.token_at(server::clock::now(), "rotated", 365, 7).await);
    first.get("/Users").await.expect(200);
    second.get("/Users").await.expect(200);
    let third = provost
        .admin_at(server::clock::now(), |tx, ctx| {
            let secret = directory::Secret::from_random([9; 32]);
            let new = service::tokens::NewToken {
                secret,
                connection: "rotated".to_owned(),
                days: 1,
                grace_days: 0,
            };
            service::tokens::create(tx, ctx, &new)
        })
        .await;
    assert!(third.unwrap_err().to_string().contains("has two live tokens"));
}

#[tokio::test]
async fn the_old_token_dies_when_its_grace_is_over_and_says_when() {
    let provost = start().await;
    provost
        .admin(|tx, ctx| {
            service::settings::connections::add(tx, ctx, "Okta", directory::ConnectionKind::Okta)
        })
        .await;
    let old = provost.client_with(&provost.token_at(days_ago(100), "Okta", 365, 7).await);
    old.get("/Users").await.expect(200);
    let new = provost.client_with(&provost.token_at(days_ago(8), "Okta", 365, 7).await);
    let detail = old.get("/Users").await.refused(401, "");
    assert!(detail.starts_with("This token expired on 20"), "{detail}");
    new.get("/Users").await.expect(200);
}

fn revoke(provost: &Provost, connection: &str) -> String {
    let tokens = provost
        .store
        .read(|tx| {
            let settings = service::settings::all(tx, provost.tenant)?;
            let named = service::settings::named(&settings.connections, connection)?.id;
            let ctx = server::clock::context(directory::Actor::System, provost.tenant);
            let all = service::tokens::all(tx, &ctx)?;
            Ok::<_, service::Error>(
                all.into_iter()
                    .filter(|token| token.connection == named)
                    .collect::<Vec<_>>(),
            )
        })
        .unwrap();
    tokens[0].id.to_string()
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_at_once_and_says_when() {
    let provost = start().await;
    provost.client.get("/Users").await.expect(200);
    let id = revoke(&provost, "default");
    provost
        .admin(move |tx, ctx| service::tokens::revoke(tx, ctx, &id))
        .await;
    let detail = provost.client.get("/Users").await.refused(401, "");
    assert!(detail.starts_with("This token was revoked on 20"), "{detail}");
}

#[tokio::test]
async fn only_the_hash_of_a_token_is_kept() {
    let provost = start().await;
    provost.client.get("/Users").await.expect(200);
    let written = provost.everything_written().await;
    let secret = &provost.client.token.as_bytes()["pvt_".len()..];
    assert!(!written.windows(secret.len()).any(|bytes| bytes == secret));
}

#[tokio::test]
async fn who_shows_wrong_tokens_again_and_again_is_told_to_wait_and_nobody_else() {
    let provost = start().await;
    let unknown = server::clock::fresh_secret().unwrap();
    let guesser = provost.client_with(unknown.reveal());
    let mut answers = Vec::new();
    for _ in 0..130 {
        answers.push(guesser.get("/Users").await);
    }
    assert_eq!(answers[0].status, 401);
    assert_eq!(answers[0].headers["www-authenticate"], "Bearer");
    let last = answers.pop().unwrap();
    let seconds: u32 = last.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&seconds));
    let detail = last.refused(429, "");
    assert!(detail.contains("try again in"), "{detail}");
    // A right token, and one that has ended, are answered as ever.
    provost.client.get("/Users").await.expect(200);
    let long_ago = server::clock::now() - jiff::SignedDuration::from_hours(48);
    let old = provost.token_at(long_ago, "default", 1, 0).await;
    provost.client_with(&old).get("/Users").await.expect(401);
}

#[tokio::test]
async fn a_tenant_may_limit_its_own_traffic() {
    let provost = start().await;
    let limit = |max| TenantChange {
        max_requests_per_second: Some(max),
        ..TenantChange::default()
    };
    let few = limit(49);
    let refused = provost.admin_at(server::clock::now(), move |tx, ctx| {
        service::settings::tenants::set(tx, ctx, &few)
    });
    assert!(refused.await.unwrap_err().to_string().contains("at least 50"));
    provost.set_tenant(limit(50)).await;
    let asking = (0..300).map(|_| provost.client.get("/Users?count=0"));
    let answers = futures_util::future::join_all(asking).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(refused.len() > 50 && refused.len() < 250, "{}", refused.len());
    assert_eq!(refused[0].headers["retry-after"], "1");
    provost.set_tenant(limit(0)).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let asking = (0..300).map(|_| provost.client.get("/Users?count=0"));
    let answers = futures_util::future::join_all(asking).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
}
