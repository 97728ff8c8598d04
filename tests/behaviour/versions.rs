//! Versions: what a client knows, and what it may change with it.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, person};

use crate::{id, path, start};

async fn with(
    client: &Client,
    method: Method,
    path: &str,
    header: (&str, &str),
    body: Option<&Value>,
) -> Answer {
    let mut request = client.request(method, path).header(header.0, header.1);
    if let Some(body) = body {
        request = request
            .header("Content-Type", "application/scim+json")
            .body(body.to_string());
    }
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_version_comes_with_every_answer_and_a_client_that_has_it_is_told_so() {
    let provost = start().await;
    let made = provost.client.post("/Users", &person("ava")).await;
    assert_eq!(made.headers["etag"], "W/\"1\"");
    let ava = made.expect(201);
    assert_eq!(ava["meta"]["version"], "W/\"1\"");
    let read = provost.client.get(&path(&ava)).await;
    assert_eq!(read.headers["etag"], "W/\"1\"");
    for (known, status) in [
        ("W/\"1\"", 304),
        ("\"1\"", 304),
        ("*", 304),
        ("W/\"7\", W/\"1\"", 304),
        ("W/\"2\"", 200),
    ] {
        let answer = with(
            &provost.client,
            Method::GET,
            &path(&ava),
            ("If-None-Match", known),
            None,
        )
        .await;
        assert_eq!(
            (answer.status, answer.text.is_empty()),
            (status, status == 304),
            "{known}"
        );
        assert_eq!(answer.headers["etag"], "W/\"1\"");
    }
    let list = provost.client.get("/Users").await.expect(200);
    assert_eq!(list["Resources"][0]["meta"]["version"], "W/\"1\"");
}

#[tokio::test]
async fn a_change_of_what_has_changed_meanwhile_is_412_and_changes_nothing() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let group = provost
        .client
        .post("/Groups", &json!({"displayName": "G"}))
        .await
        .expect(201);
    let mut boss = person("ava");
    boss["title"] = json!("Boss");
    provost.client.put(&path(&ava), &boss).await.expect(200);
    let at_group = format!("/Groups/{}", id(&group));
    provost
        .client
        .put(&at_group, &json!({"displayName": "H"}))
        .await
        .expect(200);
    let operations = testkit::patch(json!([{"op": "replace", "path": "title", "value": "Chief"}]));
    for (path, body) in [
        (path(&ava), person("ava")),
        (at_group.clone(), json!({"displayName": "I"})),
    ] {
        for (method, body) in [
            (Method::PUT, Some(&body)),
            (Method::PATCH, Some(&operations)),
            (Method::DELETE, None),
        ] {
            let answer = with(
                &provost.client,
                method.clone(),
                &path,
                ("If-Match", "W/\"1\""),
                body,
            )
            .await;
            let detail = answer.refused(412, "");
            assert!(detail.contains("W/\"2\""), "{detail}");
        }
    }
    assert_eq!(provost.client.get(&path(&ava)).await.expect(200)["title"], "Boss");
    assert_eq!(
        provost.client.get(&at_group).await.expect(200)["displayName"],
        "H"
    );
    let answer = with(
        &provost.client,
        Method::PATCH,
        &path(&ava),
        ("If-Match", "W/\"2\""),
        Some(&operations),
    )
    .await;
    assert_eq!(answer.headers["etag"], "W/\"3\"");
    assert_eq!(answer.expect(200)["title"], "Chief");
    let mut echoed = provost.client.get(&path(&ava)).await.expect(200);
    echoed["meta"]["version"] = json!("W/\"1\"");
    provost.client.put(&path(&ava), &echoed).await.expect(200);
    with(
        &provost.client,
        Method::DELETE,
        &path(&ava),
        ("If-Match", "*"),
        None,
    )
    .await
    .expect(204);
}

#[tokio::test]
async fn a_membership_is_a_new_version_to_who_reads_and_none_to_who_writes() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales",
        "members": [{"value": ava["id"]}]});
    let group = provost.client.post("/Groups", &body).await.expect(201);
    let known = ("If-None-Match", "W/\"1\"");
    let answer = with(&provost.client, Method::GET, &path(&ava), known, None).await;
    let tag = answer.headers["etag"].to_str().unwrap().to_owned();
    let read = answer.expect(200);
    assert_eq!(
        (&read["meta"]["version"], &read["groups"][0]["display"]),
        (&json!(tag), &json!("Sales"))
    );
    let list = provost.client.find("userName eq \"ava@example.com\"").await;
    assert_eq!(list[0]["meta"]["version"], tag);
    let known = ("If-None-Match", tag.as_str());
    assert_eq!(
        with(&provost.client, Method::GET, &path(&ava), known, None)
            .await
            .status,
        304
    );

    let renamed = testkit::patch(json!([{"op": "replace", "value": {"displayName": "Sellers"}}]));
    provost
        .client
        .patch(&format!("/Groups/{}", id(&group)), &renamed)
        .await
        .expect(200);
    let read = with(&provost.client, Method::GET, &path(&ava), known, None)
        .await
        .expect(200);
    assert_eq!(read["groups"][0]["display"], "Sellers");
    let title = testkit::patch(json!([{"op": "replace", "value": {"title": "Lead"}}]));
    let known = ("If-Match", tag.as_str());
    let written = with(&provost.client, Method::PATCH, &path(&ava), known, Some(&title)).await;
    assert_eq!(
        written.expect(200)["title"],
        "Lead",
        "nobody else wrote what a client can write"
    );
    let refused = with(&provost.client, Method::PATCH, &path(&ava), known, Some(&title)).await;
    assert_eq!(refused.status, 412);
}

#[tokio::test]
async fn a_group_whose_members_are_hidden_is_another_to_who_reads() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Sales",
        "members": [{"value": ava["id"]}]});
    let made = provost.client.post("/Groups", &body).await;
    let tag = made.headers["etag"].to_str().unwrap().to_owned();
    let group = made.expect(201);
    assert_eq!(group["meta"]["version"], tag);
    let at = format!("/Groups/{}", id(&group));
    let known = ("If-None-Match", tag.as_str());
    assert_eq!(
        with(&provost.client, Method::GET, &at, known, None).await.status,
        304
    );
    provost.client.delete(&path(&ava)).await.expect(204);
    let read = with(&provost.client, Method::GET, &at, known, None)
        .await
        .expect(200);
    assert_eq!(read["members"], json!([]));
    let renamed = testkit::patch(json!([{"op": "replace", "value": {"displayName": "Sellers"}}]));
    let known = ("If-Match", tag.as_str());
    with(&provost.client, Method::PATCH, &at, known, Some(&renamed))
        .await
        .expect(200);
    assert_eq!(
        with(&provost.client, Method::PATCH, &at, known, Some(&renamed))
            .await
            .status,
        412
    );
}
