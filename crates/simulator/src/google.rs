//! Google Workspace, call by call: it lists everybody, creates, updates, suspends and restores, and its bodies are plain
//! `application/json` with a schema of SCIM 1.1 beside the one of 2.0.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::player::{Player, USER, check_list};
use crate::{App, Person};

/// A plain list. Says whether it may go on.
pub(crate) async fn test_connection(client: &Client) -> bool {
    const CALL: &str = "list";
    let Some(answer) = client.send(CALL, Method::GET, "/Users", None).await else {
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
    // Its bodies have no externalId.
    let person = Person {
        external_id: String::new(),
        ..person
    };
    let player = Player { client, app, person };
    player.google().await;
}

impl Player<'_> {
    async fn google(mut self) {
        let Some(id) = self.find_or_create(&self.google_body(true)).await else {
            return;
        };
        self.person.family_name = format!("{}-Smith", self.person.family_name);
        self.put("update", &id, &self.google_body(true), true).await;
        self.put("suspend", &id, &self.google_body(false), false).await;
        self.read("read", &id, false).await;
        self.put("restore", &id, &self.google_body(true), true).await;
        self.read("read", &id, true).await;
    }

    fn google_body(&self, active: bool) -> Value {
        let person = &self.person;
        let mut body = json!({
            "schemas": ["urn:scim:schemas:core:1.0", USER],
            "userName": person.user_name,
            "emails": [{"primary": true, "value": person.email, "type": "work"}],
            "displayName": format!("{} {}", person.given_name, person.family_name),
            "name": {"givenName": person.given_name, "familyName": person.family_name},
            "active": active,
        });
        for (name, value) in &person.custom {
            body[name] = value.as_str().into();
        }
        body
    }
}
