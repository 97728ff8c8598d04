//! JumpCloud, call by call: a connection test that creates and deletes a user and a group, look-up, create, update,
//! deactivate, reactivate. It sends no extension.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::player::{GROUP, Player, USER};
use crate::{App, Person};

/// A user and a group are made, and deleted again. Says whether it may go on.
pub(crate) async fn test_connection(client: &Client) -> bool {
    const CALL: &str = "test connection";
    let user = json!({
        "schemas": [USER],
        "userName": "jumpcloud.test@example.com",
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"value": "jumpcloud.test@example.com", "type": "work", "primary": true}],
        "active": true,
    });
    let group = json!({"schemas": [GROUP], "displayName": "JumpCloud test group"});
    for (path, body) in [("/Users", user), ("/Groups", group)] {
        let Some(made) = client.send(CALL, Method::POST, path, Some(&body)).await else {
            return false;
        };
        let detail = made.body["detail"].as_str().unwrap_or_default();
        client.expect(CALL, made.status == 201, || {
            format!("POST {path} answered {} instead of 201. {detail}", made.status)
        });
        let Some(id) = made.body["id"].as_str().filter(|_| made.status == 201) else {
            return false;
        };
        let path = format!("{path}/{id}");
        let Some(gone) = client.send(CALL, Method::DELETE, &path, None).await else {
            return false;
        };
        client.expect(CALL, gone.status == 204, || {
            format!("DELETE answered {} instead of 204", gone.status)
        });
    }
    true
}

/// One person's years with the company.
pub(crate) async fn play(client: &Client, app: App, person: Person) {
    let player = Player { client, app, person };
    player.jumpcloud().await;
}

impl Player<'_> {
    async fn jumpcloud(mut self) {
        let Some(id) = self.find_or_create(&self.plain(true)).await else {
            return;
        };
        self.person.family_name = format!("{}-Smith", self.person.family_name);
        self.put("update", &id, &self.plain(true), true).await;
        self.put("deactivate", &id, &self.plain(false), false).await;
        self.read("read", &id, false).await;
        self.put("reactivate", &id, &self.plain(true), true).await;
        self.read("read", &id, true).await;
    }

    fn plain(&self, active: bool) -> Value {
        let person = &self.person;
        let mut body = json!({
            "schemas": [USER],
            "externalId": person.external_id,
            "userName": person.user_name,
            "displayName": format!("{} {}", person.given_name, person.family_name),
            "name": {"givenName": person.given_name, "familyName": person.family_name},
            "emails": [{"value": person.email, "type": "work", "primary": true}],
            "active": active,
        });
        for (name, value) in &person.custom {
            body[name] = value.as_str().into();
        }
        body
    }
}
