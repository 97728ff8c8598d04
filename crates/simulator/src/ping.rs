//! Ping Identity, call by call: whatever filter an administrator wrote, people who are disabled before they
//! begin, and disabling instead of deleting.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::player::{Player, USER, check_list, encode};
use crate::{App, Person};

/// A look-up of nobody, with names and operators in any case. Says whether it may go on.
pub(crate) async fn test_connection(client: &Client) -> bool {
    const CALL: &str = "test connection";
    let path = format!(
        "/Users?filter={}",
        encode("username Eq \"nobody.at.all@example.com\"")
    );
    let Some(answer) = client.send(CALL, Method::GET, &path, None).await else {
        return false;
    };
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    client.expect(CALL, answer.status == 200, || {
        format!("answered {} instead of 200. {detail}", answer.status)
    });
    check_list(client, CALL, &answer.body);
    answer.status == 200
}

/// One person's years with the company.
pub(crate) async fn play(client: &Client, app: App, person: Person) {
    let player = Player { client, app, person };
    player.ping().await;
}

impl Player<'_> {
    async fn ping(mut self) {
        const CALL: &str = "create disabled";
        let Some(found) = self
            .ping_look_up(&format!(
                "username Eq {}",
                Value::from(self.person.user_name.as_str())
            ))
            .await
        else {
            return;
        };
        let id = if let Some(id) = found {
            id
        } else {
            let body = self.ping_body(false);
            let Some(made) = self.client.send(CALL, Method::POST, "/Users", Some(&body)).await else {
                return;
            };
            self.status(CALL, &made, &[201]);
            self.check_user(CALL, &made, false);
            let Some(id) = made.body["id"].as_str().filter(|_| made.status == 201) else {
                return;
            };
            id.to_owned()
        };
        self.put("enable", &id, &self.ping_body(true), true).await;
        let by_address = format!("emails.value Co {}", Value::from(self.person.email.as_str()));
        let found = self.ping_look_up(&by_address).await.flatten();
        self.expect("look up", found.as_deref() == Some(id.as_str()), || {
            "who has the address was not found by a part of it".to_owned()
        });
        self.person.family_name = format!("{}-Smith", self.person.family_name);
        self.put("update", &id, &self.ping_body(true), true).await;
        self.put("disable", &id, &self.ping_body(false), false).await;
        self.read("read", &id, false).await;
    }

    async fn ping_look_up(&self, filter: &str) -> Option<Option<String>> {
        const CALL: &str = "look up";
        let path = format!("/Users?filter={}", encode(filter));
        let answer = self.client.send(CALL, Method::GET, &path, None).await?;
        self.status(CALL, &answer, &[200]);
        check_list(self.client, CALL, &answer.body);
        Some(answer.body["Resources"][0]["id"].as_str().map(str::to_owned))
    }

    fn ping_body(&self, active: bool) -> Value {
        let person = &self.person;
        let mut body = json!({
            "schemas": [USER],
            "externalId": person.external_id,
            "userName": person.user_name,
            "active": active,
            "name": {"givenName": person.given_name, "familyName": person.family_name},
            "emails": [{"primary": true, "value": person.email, "type": "work"}],
        });
        for (name, value) in &person.custom {
            body[name] = value.as_str().into();
        }
        body
    }
}
