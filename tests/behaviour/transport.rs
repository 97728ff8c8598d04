//! HTTP as identity providers speak it, well and badly. Whatever comes, the answer is SCIM JSON.

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, Provost, patch, person};

use crate::{id, path, start};

async fn raw(provost: &Provost, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = provost
        .client
        .request(Method::POST, "/Users")
        .header("Content-Type", content_type);
    Answer::of(request.body(body).send().await.unwrap()).await
}

#[tokio::test]
async fn every_form_of_the_path_leads_to_the_same_place() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let root = provost.client.base.trim_end_matches("/scim/v2").to_owned();
    for path in [
        "/scim/v2/Users/",
        "/scim/v2//Users",
        "//scim/v2/Users",
        "/scim/Users",
        "/scim//v2/Users",
    ] {
        let request = provost.client.bare(Method::GET, &format!("{root}{path}?count=1"));
        let list = Answer::of(request.bearer_auth(&provost.client.token).send().await.unwrap()).await;
        assert_eq!(list.expect(200)["Resources"][0]["id"], user["id"], "{path}");
    }
    let answer = raw(&provost, "application/scim+json", person("bob").to_string()).await;
    answer.expect(201);
    let twice = provost
        .client
        .request(Method::POST, "//Users/")
        .body(person("cyd").to_string());
    Answer::of(twice.send().await.unwrap()).await.expect(201);
}

#[tokio::test]
async fn media_types_that_scim_knows_are_taken_and_others_are_415() {
    let provost = start().await;
    let types = [
        "application/scim+json; charset=utf-8",
        "application/json",
        "Application/SCIM+JSON;charset=UTF-8",
    ];
    for (number, content_type) in types.into_iter().enumerate() {
        let answer = raw(&provost, content_type, person(&format!("p{number}")).to_string()).await;
        assert_eq!(answer.headers["content-type"], "application/scim+json");
        answer.expect(201);
    }
    let detail = raw(&provost, "text/xml", "<user/>").await.refused(415, "");
    assert!(
        detail.contains("\"text/xml\"") && detail.contains("application/scim+json"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_object_says_where() {
    let provost = start().await;
    let bomb = "[".repeat(500_000);
    let deep = format!("{{\"a\":{}", "{\"a\":".repeat(100_000));
    for (body, expected) in [
        ("", "line 1 column 0"),
        ("{\"userName\":", "line 1 column 12"),
        ("{\"userName\":\"a\"} trailing", "trailing"),
        ("[1]", "it is an array"),
        ("\"text\"", "it is a string"),
        ("null", "it is null"),
        ("{\"active\":true,\"active\":false}", "\"active\" stands twice"),
        ("{\"active\":true,\"Active\":false}", "stands twice"),
        (
            "{\"name\":{\"givenName\":\"a\",\"givenName\":\"b\"}}",
            "stands twice",
        ),
        (&bomb, "nested deeper than 32"),
        (&deep, "nested deeper than 32"),
    ] {
        let detail = raw(&provost, "application/json", body.to_owned())
            .await
            .refused(400, "invalidSyntax");
        assert!(detail.contains(expected), "{detail}");
    }
    raw(
        &provost,
        "application/json",
        b"{\"userName\":\"\xff\xfe\"}".to_vec(),
    )
    .await
    .refused(400, "invalidSyntax");
    assert_eq!(provost.client.get("/Users").await.expect(200)["totalResults"], 0);
}

#[tokio::test]
async fn a_secret_in_a_broken_body_is_not_repeated() {
    let provost = start().await;
    let answer = raw(
        &provost,
        "application/json",
        "{\"password\":\"hunter2-hunter2\",}",
    )
    .await;
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_413_and_one_below_is_taken() {
    let provost = start().await;
    let mut sent = person("ava");
    sent["nickName"] = json!("x".repeat(990_000));
    let user = provost.client.create(&sent).await;
    sent["nickName"] = json!("x".repeat(1024 * 1024));
    let detail = provost.client.put(&path(&user), &sent).await.refused(413, "");
    assert!(detail.contains("1048576 bytes"), "{detail}");
    let mut echo = provost.client.get(&path(&user)).await.expect(200);
    echo["active"] = json!(false);
    provost.client.put(&path(&user), &echo).await.expect(200);
}

#[tokio::test]
async fn no_user_grows_past_what_could_be_sent_back() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let photo = |n: usize| json!([{"op": "add", "path": "photos", "value": [{"value": format!("{n}{}", "x".repeat(600_000))}]}]);
    let patched = provost
        .client
        .patch(&path(&user), &patch(photo(1)))
        .await
        .expect(200);
    let detail = provost
        .client
        .patch(&path(&user), &patch(photo(2)))
        .await
        .refused(400, "invalidValue");
    assert!(detail.contains("is the most"), "{detail}");
    assert_eq!(provost.client.get(&path(&user)).await.expect(200), patched);
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_offered_is_said_in_scim() {
    let provost = start().await;
    let root = provost.client.base.trim_end_matches("/scim/v2").to_owned();
    for path in [
        "/",
        "/scim/v2",
        "/scim/v3/Users",
        "/scim/v2/Widgets",
        "/scim/v2/Users/1/2",
    ] {
        let request = provost.client.bare(Method::GET, &format!("{root}{path}"));
        let detail = Answer::of(request.send().await.unwrap()).await.refused(404, "");
        assert!(detail.contains("/scim/v2/Users"), "{detail}");
    }
    let answer = provost.client.delete("/Users").await;
    assert_eq!(answer.headers["allow"], "GET,HEAD,POST");
    answer.refused(405, "");
    let detail = provost.client.get("/Me").await.refused(501, "");
    assert!(detail.contains("/Me"), "{detail}");
    let detail = provost.client.get("/Bulk").await.refused(501, "");
    assert!(detail.contains("/Bulk"), "{detail}");
    provost.client.get("/Users/no-such-id").await.refused(404, "");
    let answer = Answer::of(
        provost
            .client
            .bare(Method::GET, &format!("{root}/health"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((answer.status, answer.text.trim()), (200, "ok"));
}

#[tokio::test]
async fn the_base_of_locations_is_the_one_that_the_client_used() {
    let provost = start().await;
    let user = provost.client.create(&person("ava")).await;
    let request = provost
        .client
        .request(Method::GET, &path(&user))
        .header("Host", "provost.example.com:8443");
    let request = request
        .header("X-Forwarded-Host", "evil.example")
        .header("X-Forwarded-Proto", "https");
    let seen = Answer::of(request.send().await.unwrap()).await.expect(200);
    let expected = format!("http://provost.example.com:8443/scim/v2/Users/{}", id(&user));
    assert_eq!(seen["meta"]["location"], expected, "no proxy is trusted here");
}
