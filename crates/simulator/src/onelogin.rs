//! OneLogin, call by call: connection test, look-up, create from the administrator's JSON template, read, update, suspend,
//! delete.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::player::{ENTERPRISE, Player, USER, check_list, encode};
use crate::{App, Person};

/// Somebody known not to exist: an empty list, or a 404. Says whether it may go on.
pub(crate) async fn test_connection(client: &Client) -> bool {
    const CALL: &str = "test connection";
    let path = format!(
        "/Users?filter={}",
        encode("userName eq \"nobody.at.all@example.com\"")
    );
    let Some(answer) = client.send(CALL, Method::GET, &path, None).await else {
        return false;
    };
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    let is_right = matches!(answer.status, 200 | 404);
    client.expect(CALL, is_right, || {
        format!("answered {} instead of 200 or 404. {detail}", answer.status)
    });
    if answer.status == 200 {
        check_list(client, CALL, &answer.body);
    }
    is_right
}

/// One person's years with the company.
pub(crate) async fn play(client: &Client, app: App, person: Person) {
    // The template has no externalId.
    let person = Person {
        external_id: String::new(),
        ..person
    };
    let player = Player { client, app, person };
    player.onelogin().await;
}

impl Player<'_> {
    async fn onelogin(mut self) {
        let Some(id) = self.find_or_create(&self.template(true)).await else {
            return;
        };
        self.read("read", &id, true).await;
        self.person.family_name = format!("{}-Smith", self.person.family_name);
        self.put("update", &id, &self.template(true), true).await;
        self.put("suspend", &id, &self.template(false), false).await;
        self.read("read", &id, false).await;
        self.put("unsuspend", &id, &self.template(true), true).await;
        self.read("read", &id, true).await;
        let path = format!("/Users/{id}");
        for (method, status) in [(Method::DELETE, 204), (Method::GET, 404)] {
            if let Some(answer) = self.client.send("delete", method, &path, None).await {
                self.status("delete", &answer, &[status]);
            }
        }
        self.post("return", &self.template(true)).await;
    }

    /// What the template makes of a person: text for a boolean, `null` for the id, and an extension that `schemas` does not
    /// tell of.
    fn template(&self, active: bool) -> Value {
        let person = &self.person;
        let mut body = json!({
            "schemas": [USER],
            "id": null,
            "userName": person.user_name,
            "active": active.to_string(),
            "name": {"givenName": person.given_name, "familyName": person.family_name,
                "formatted": format!("{} {}", person.given_name, person.family_name)},
            "emails": [{"value": person.email, "type": "work", "primary": true}],
            "meta": {"resourceType": "User"},
            ENTERPRISE: {"department": person.department,
                "manager": {"managerId": "1", "displayName": "First Last"}},
        });
        for (name, value) in &person.custom {
            body[name] = value.as_str().into();
        }
        body
    }
}
