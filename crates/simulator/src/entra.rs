//! Microsoft Entra ID, call by call: test, match, create, read, update, disable, enable, rename, manager, delete, and a
//! return. It has two ways: the default, whose PATCH is one `Replace` a value with text booleans, and the one behind
//! `aadOptscim062020`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::player::{ENTERPRISE, PATCH_OP, Player, USER, check_list, encode};
use crate::{App, Person};

/// A name that nobody has, as the connection test asks for one.
const NOBODY: &str = "5b2d3c2e-8c1f-4f3a-9a1e-0d4c2b7a6f11";

/// "Test Connection": a user who does not exist is an empty list. Says whether it may go on.
pub(crate) async fn test_connection(client: &Client) -> bool {
    const CALL: &str = "test connection";
    let path = format!("/Users?filter={}", encode(&format!("userName eq \"{NOBODY}\"")));
    let Some(answer) = client.send(CALL, Method::GET, &path, None).await else {
        return false;
    };
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    client.expect(CALL, answer.status == 200, || {
        format!("answered {} instead of 200. {detail}", answer.status)
    });
    check_list(client, CALL, &answer.body);
    client.expect(CALL, answer.body["totalResults"] == 0, || {
        "somebody was found whom nobody is".to_owned()
    });
    answer.status == 200
}

/// One person's years with the company.
pub(crate) async fn play(client: &Client, app: App, person: Person) {
    let player = Player { client, app, person };
    player.entra().await;
}

impl Player<'_> {
    async fn entra(mut self) {
        let Some(id) = self.match_or_create().await else {
            return;
        };
        self.read("read", &id, true).await;
        self.person.family_name = format!("{}-Smith", self.person.family_name);
        self.person.email = format!("new.{}", self.person.email);
        let changes = self.changes();
        self.patch("update", &id, changes).await;
        self.read("read", &id, true).await;
        self.manager(&id).await;
        self.say("disable", &id, false).await;
        self.say("enable", &id, true).await;
        self.person.user_name = format!("renamed.{}", self.person.user_name);
        let rename = json!([{"op": "Replace", "value": {"userName": self.person.user_name}}]);
        self.patch("rename", &id, rename).await;
        self.read("read", &id, true).await;
        self.say("soft delete", &id, false).await;
        self.delete(&id).await;
        self.assign("return").await;
    }

    async fn match_or_create(&self) -> Option<String> {
        for user_name in [
            self.person.user_name.clone(),
            format!("renamed.{}", self.person.user_name),
        ] {
            if let Some(id) = self.look_up("match", &user_name).await? {
                let value = json!({"userName": self.person.user_name, "externalId": self.person.external_id});
                self.patch("link", &id, json!([{"op": "Replace", "value": value}]))
                    .await;
                let changes = self.changes();
                self.patch("update", &id, changes).await;
                self.say("enable", &id, true).await;
                return Some(id);
            }
        }
        self.assign("create").await
    }

    /// Assigned to the app: the user is created there.
    async fn assign(&self, call: &'static str) -> Option<String> {
        let person = &self.person;
        let mut body = json!({
            "schemas": [USER, ENTERPRISE],
            "externalId": person.external_id,
            "userName": person.user_name,
            "active": true,
            "displayName": format!("{} {}", person.given_name, person.family_name),
            "emails": [{"primary": true, "type": "work", "value": person.email}],
            "meta": {"resourceType": "User"},
            "name": {"formatted": format!("{} {}", person.given_name, person.family_name),
                "familyName": person.family_name, "givenName": person.given_name},
            "roles": [{"primary": "True", "value": "Member"}],
            "addresses": null,
        });
        for (name, value) in &person.custom {
            body["urn:ietf:params:scim:schemas:extension:custom:2.0:User"][name] = value.as_str().into();
        }
        let answer = self
            .client
            .send(call, Method::POST, "/Users", Some(&body))
            .await?;
        self.status(call, &answer, &[201]);
        self.check_user(call, &answer, true);
        let id = answer.body["id"].as_str().map(str::to_owned);
        self.expect(call, id.is_some(), || "the answer has no id".to_owned());
        id.filter(|_| answer.status == 201)
    }

    /// The name and the address, in this app's way.
    fn changes(&self) -> Value {
        let person = &self.person;
        if self.app == App::EntraAadOptscim062020 {
            return json!([
                {"op": "replace", "path": "emails[type eq \"work\"].value", "value": person.email},
                {"op": "replace", "value": {"name.familyName": person.family_name, (format!("{ENTERPRISE}:department")): person.department}},
            ]);
        }
        json!([
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": person.email},
            {"op": "Replace", "path": "name.familyName", "value": person.family_name},
            {"op": "Add", "path": format!("{ENTERPRISE}:department"), "value": person.department},
            {"op": "Add", "path": "roles[primary eq \"True\"].display", "value": "Member of staff"},
        ])
    }

    async fn patch(&self, call: &'static str, id: &str, operations: Value) {
        let body = json!({"schemas": [PATCH_OP], "Operations": operations});
        let path = format!("/Users/{id}");
        if let Some(answer) = self.client.send(call, Method::PATCH, &path, Some(&body)).await {
            self.status(call, &answer, &[200, 204]);
        }
    }

    async fn say(&self, call: &'static str, id: &str, active: bool) {
        let value = match (self.app, active) {
            (App::EntraAadOptscim062020, active) => json!(active),
            (_, true) => json!("True"),
            (_, false) => json!("False"),
        };
        let verb = if self.app == App::EntraAadOptscim062020 {
            "replace"
        } else {
            "Replace"
        };
        self.patch(call, id, json!([{"op": verb, "path": "active", "value": value}]))
            .await;
        self.read(call, id, active).await;
    }

    /// A manager is set as bare text, and taken away with an empty value.
    async fn manager(&self, id: &str) {
        const CALL: &str = "manager";
        let path = format!("{ENTERPRISE}:manager");
        self.patch(CALL, id, json!([{"op": "Add", "path": path, "value": id}]))
            .await;
        let answer = self
            .client
            .send(CALL, Method::GET, &format!("/Users/{id}"), None)
            .await;
        if let Some(answer) = answer {
            let manager = &answer.body[ENTERPRISE]["manager"]["value"];
            self.expect(CALL, manager == id, || {
                "the manager was not taken over".to_owned()
            });
        }
        self.patch(
            CALL,
            id,
            json!([{"op": "Replace", "path": path, "value": {"value": ""}}]),
        )
        .await;
        let answer = self
            .client
            .send(CALL, Method::GET, &format!("/Users/{id}"), None)
            .await;
        if let Some(answer) = answer {
            let manager = &answer.body[ENTERPRISE]["manager"];
            self.expect(CALL, manager.is_null(), || {
                "the manager was not taken away".to_owned()
            });
        }
    }

    /// Thirty days after the soft delete; it may be sent twice.
    async fn delete(&self, id: &str) {
        const CALL: &str = "hard delete";
        let path = format!("/Users/{id}");
        for (method, allowed) in [(Method::DELETE, 204), (Method::GET, 404), (Method::DELETE, 404)] {
            if let Some(answer) = self.client.send(CALL, method, &path, None).await {
                self.status(CALL, &answer, &[allowed]);
            }
        }
    }
}
