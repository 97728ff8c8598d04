//! Requests as identity providers were seen to send them, each answered with a status that its sender can work with.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Provost, person};

use crate::{id, start};

const REQUESTS: &str = include_str!("data/idp_requests.json");

#[tokio::test]
async fn every_request_gets_an_answer_that_its_sender_can_work_with() {
    let requests: Vec<Value> = serde_json::from_str(REQUESTS).unwrap();
    let mut replayed = 0;
    for request in &requests {
        let provost = start().await;
        let user = provost.client.create(&person("existing")).await;
        let other = provost.client.create(&person("other")).await;
        let group =
            json!({"displayName": "existing", "externalId": "e", "members": [{"value": other["id"]}]});
        let group = provost.client.post("/Groups", &group).await.expect(201);
        let ids = [
            ("{userId}", id(&user)),
            ("{userId2}", id(&other)),
            ("{groupId}", id(&group)),
        ];
        let answer = replay(&provost, request, &ids).await;
        let named = format!("{} {}", request["idp"], request["name"]);
        let allowed: Vec<u64> = request["status"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_u64)
            .collect();
        assert!(
            allowed.contains(&u64::from(answer.status)),
            "{named}: {} {}",
            answer.status,
            answer.text
        );
        check(&named, &answer, &request["body"]);
        replayed += 1;
    }
    assert_eq!(replayed, 75);
}

async fn replay(provost: &Provost, request: &Value, ids: &[(&str, &str)]) -> Answer {
    let filled = |text: &str| {
        let filled = ids
            .iter()
            .fold(text.to_owned(), |text, (name, id)| text.replace(name, id));
        filled
            .replace("{base}", &provost.client.base)
            .replace("{token}", &provost.client.token)
    };
    let method: Method = request["method"].as_str().unwrap().parse().unwrap();
    let url = format!(
        "{}{}",
        provost.client.base,
        filled(request["path"].as_str().unwrap())
    );
    let mut sent = provost.client.bare(method, &url);
    let headers = request["headers"].as_object().unwrap();
    for (name, value) in headers {
        sent = sent.header(name, filled(value.as_str().unwrap()));
    }
    if !headers.contains_key("Authorization") {
        sent = sent.bearer_auth(&provost.client.token);
    }
    if !request["body"].is_null() {
        sent = sent.body(filled(&request["body"].to_string()));
    }
    Answer::of(sent.send().await.unwrap()).await
}

/// What every sender needs of an answer with a user in it.
fn check(named: &str, answer: &Answer, body: &Value) {
    if answer.text.is_empty() {
        return;
    }
    assert_eq!(answer.headers["content-type"], "application/scim+json", "{named}");
    assert!(answer.body.get("password").is_none(), "{named}");
    if answer.body["userName"].is_string() {
        assert!(answer.body["active"].is_boolean(), "{named}: {}", answer.text);
        if let Some(user_name) = body["userName"].as_str() {
            assert_eq!(answer.body["userName"], user_name, "{named}");
        }
    }
}
