//! authentik, call by call: configuration, create or adopt, PUT for every change, delete, and a new link where the old one
//! leads nowhere.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::player::{Player, USER, check_list, encode};
use crate::{App, Person};

/// It reads the configuration before anything else, and does without PATCH where that cannot be read. Says whether it may
/// go on.
pub(crate) async fn test_connection(client: &Client) -> bool {
    const CALL: &str = "configuration";
    let path = "/ServiceProviderConfig";
    let Some(answer) = client.send(CALL, Method::GET, path, None).await else {
        return false;
    };
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    client.expect(CALL, answer.status == 200, || {
        format!("answered {} instead of 200. {detail}", answer.status)
    });
    for name in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        client.expect(CALL, answer.body[name]["supported"].is_boolean(), || {
            format!("{name}.supported is no boolean")
        });
    }
    client.expect(CALL, answer.body["authenticationSchemes"].is_array(), || {
        "authenticationSchemes is no array".to_owned()
    });
    answer.status == 200
}

/// One person's years with the company.
pub(crate) async fn play(client: &Client, app: App, person: Person) {
    let player = Player { client, app, person };
    player.authentik().await;
}

impl Player<'_> {
    async fn authentik(mut self) {
        let Some(id) = self.create_or_adopt().await else {
            return;
        };
        self.person.family_name = format!("{}-Smith", self.person.family_name);
        self.put("update", &id, &self.full(Some(&id), true), true).await;
        self.put("deactivate", &id, &self.full(Some(&id), false), false)
            .await;
        self.put("reactivate", &id, &self.full(Some(&id), true), true)
            .await;
        self.person.user_name = format!("renamed.{}", self.person.user_name);
        self.put("rename", &id, &self.full(Some(&id), true), true).await;
        let path = format!("/Users/{id}");
        if let Some(answer) = self.client.send("delete", Method::DELETE, &path, None).await {
            self.status("delete", &answer, &[204]);
        }
        // Its link leads nowhere now: it drops it and creates the person anew.
        let body = self.full(Some(&id), true);
        if let Some(answer) = self
            .client
            .send("lost link", Method::PUT, &path, Some(&body))
            .await
        {
            self.status("lost link", &answer, &[404]);
        }
        self.post("return", &self.full(None, true)).await;
    }

    /// A 409 means that somebody of the name is there: found by a filter, and taken over by a PUT.
    async fn create_or_adopt(&self) -> Option<String> {
        const CALL: &str = "create";
        let body = self.full(None, true);
        let answer = self
            .client
            .send(CALL, Method::POST, "/Users", Some(&body))
            .await?;
        self.status(CALL, &answer, &[201, 409]);
        self.check_user(CALL, &answer, true);
        if answer.status == 201 {
            let id = answer.body["id"].as_str().map(str::to_owned);
            self.expect(CALL, id.is_some(), || "the answer has no id".to_owned());
            return id;
        }
        for user_name in [
            self.person.user_name.clone(),
            format!("renamed.{}", self.person.user_name),
        ] {
            if let Some(id) = self.find(&user_name).await? {
                self.put("adopt", &id, &self.full(Some(&id), true), true).await;
                return Some(id);
            }
        }
        self.expect("find", false, || {
            "the create was refused, and nobody of the name was found".to_owned()
        });
        None
    }

    /// Blanks in the query are plus signs.
    async fn find(&self, user_name: &str) -> Option<Option<String>> {
        const CALL: &str = "find";
        let filter = encode(&format!("userName eq {}", Value::from(user_name))).replace("%20", "+");
        let path = format!("/Users?filter={filter}");
        let answer = self.client.send(CALL, Method::GET, &path, None).await?;
        self.status(CALL, &answer, &[200]);
        check_list(self.client, CALL, &answer.body);
        Some(answer.body["Resources"][0]["id"].as_str().map(str::to_owned))
    }

    /// The whole user, as every request has it.
    fn full(&self, id: Option<&str>, active: bool) -> Value {
        let person = &self.person;
        let name = format!("{} {}", person.given_name, person.family_name);
        let mut body = json!({
            "schemas": [USER],
            "externalId": person.external_id,
            "userName": person.user_name,
            "name": {"formatted": name, "givenName": person.given_name, "familyName": person.family_name},
            "displayName": name,
            "photos": [],
            "locale": "en",
            "active": active,
            "emails": [{"value": person.email, "type": "other", "primary": true}],
        });
        if let Some(id) = id {
            body["id"] = id.into();
        }
        for (name, value) in &person.custom {
            body[name] = value.as_str().into();
        }
        body
    }
}
