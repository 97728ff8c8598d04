//! Keycloak with a SCIM client, call by call: two slashes where the base URL ends in one, ids of its own in a create, and
//! the server's id as `externalId` once it knows it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::player::{Player, USER, check_list};
use crate::{App, Person};

/// A plain list, below a base URL that ends in a slash. Says whether it may go on.
pub(crate) async fn test_connection(client: &Client) -> bool {
    const CALL: &str = "list";
    let Some(answer) = client.send(CALL, Method::GET, "//Users", None).await else {
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
    player.keycloak().await;
}

impl Player<'_> {
    async fn keycloak(mut self) {
        const CALL: &str = "create";
        let own_id = std::mem::take(&mut self.person.external_id);
        let mut body = self.keycloak_body(true);
        body["id"] = own_id.as_str().into();
        let Some(found) = self.look_up("look up", &self.person.user_name).await else {
            return;
        };
        let id = if let Some(id) = found {
            id
        } else {
            let Some(made) = self.client.send(CALL, Method::POST, "//Users", Some(&body)).await else {
                return;
            };
            self.status(CALL, &made, &[201]);
            self.check_user(CALL, &made, true);
            self.expect(CALL, made.body["id"] != own_id.as_str(), || {
                "the id of the client was taken over".to_owned()
            });
            let Some(id) = made.body["id"].as_str().filter(|_| made.status == 201) else {
                return;
            };
            id.to_owned()
        };
        self.person.external_id.clone_from(&id);
        self.put("link", &id, &self.keycloak_body(true), true).await;
        self.person.family_name = format!("{}-Smith", self.person.family_name);
        self.put("update", &id, &self.keycloak_body(true), true).await;
        self.put("disable", &id, &self.keycloak_body(false), false).await;
        self.read("read", &id, false).await;
        self.put("enable", &id, &self.keycloak_body(true), true).await;
        self.read("read", &id, true).await;
    }

    fn keycloak_body(&self, active: bool) -> Value {
        let person = &self.person;
        let mut body = json!({
            "schemas": [USER],
            "userName": person.user_name,
            "active": active,
            "name": {"givenName": person.given_name, "familyName": person.family_name},
            "emails": [{"primary": true, "value": person.email}],
        });
        if !person.external_id.is_empty() {
            body["externalId"] = person.external_id.as_str().into();
        }
        for (name, value) in &person.custom {
            body[name] = value.as_str().into();
        }
        body
    }
}
