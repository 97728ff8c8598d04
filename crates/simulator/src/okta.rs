//! Okta, call by call: connection test, look-up, create, update, deactivate, reactivate, unassign, rename, rehire.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::player::{ENTERPRISE, PATCH_OP, Player, USER, check_list};
use crate::{App, Person};

/// "Test Connector Configuration", with the right token and with a wrong one.
pub(crate) async fn test_connection(client: &Client) -> bool {
    const CALL: &str = "test connection";
    const WRONG: &str = "wrong token";
    let path = "/Users?startIndex=1&count=2";
    let Some(answer) = client.send(CALL, Method::GET, path, None).await else {
        return false;
    };
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    client.expect(CALL, answer.status == 200, || {
        format!("answered {} instead of 200. {detail}", answer.status)
    });
    if answer.status != 200 {
        return false;
    }
    check_list(client, CALL, &answer.body);
    let wrong = "Bearer pvt_0000000000000000000000000000000000000000000000000";
    if let Some(answer) = client.send_as(WRONG, Method::GET, path, None, wrong).await {
        client.expect(WRONG, answer.status == 401, || {
            format!("answered {} instead of 401", answer.status)
        });
    }
    true
}

/// One person's years with the company.
pub(crate) async fn play(client: &Client, app: App, person: Person) {
    let player = Player { client, app, person };
    player.okta().await;
}

/// A full import at the end, as Okta makes it: page by page, in one order, nobody twice.
pub(crate) async fn import(client: &Client, at_least: usize) {
    const CALL: &str = "import";
    let mut seen = std::collections::HashSet::new();
    let mut start = 1;
    loop {
        let path = format!("/Users?startIndex={start}&count=100");
        let Some(answer) = client.send(CALL, Method::GET, &path, None).await else {
            return;
        };
        check_list(client, CALL, &answer.body);
        let Some(users) = answer.body["Resources"]
            .as_array()
            .filter(|users| !users.is_empty())
        else {
            break;
        };
        for user in users {
            let id = user["id"].as_str().unwrap_or_default().to_owned();
            client.expect(CALL, seen.insert(id.clone()), || {
                format!("{path}: the user {id} came twice")
            });
        }
        start += users.len();
        let total = answer.body["totalResults"]
            .as_u64()
            .and_then(|total| usize::try_from(total).ok())
            .unwrap_or(0);
        if start > total {
            break;
        }
    }
    client.expect(CALL, seen.len() >= at_least, || {
        format!("{} users came, of at least {at_least}", seen.len())
    });
}

impl Player<'_> {
    async fn okta(mut self) {
        let Some(id) = self.create_or_link().await else {
            return;
        };
        self.repeat_create().await;
        self.person.title = String::from("Vice President");
        self.person.family_name = format!("{}-Smith", self.person.family_name);
        self.update("update", &id, None).await;
        self.set_active("deactivate", &id, false).await;
        self.set_active("reactivate", &id, true).await;
        self.person.user_name = format!("renamed.{}", self.person.user_name);
        self.update("rename", &id, None).await;
        self.set_active("unassign", &id, false).await;
        self.rehire(&id).await;
    }

    /// Looks the person up by `userName`; creates, or links to who is there.
    async fn create_or_link(&self) -> Option<String> {
        // What an earlier play with this seed left behind goes by its last name.
        let renamed = format!("renamed.{}", self.person.user_name);
        for user_name in [self.person.user_name.as_str(), &renamed] {
            if let Some(id) = self.look_up("look up", user_name).await? {
                self.update("link", &id, Some(true)).await;
                return Some(id);
            }
        }
        self.create().await
    }

    async fn create(&self) -> Option<String> {
        const CALL: &str = "create";
        let answer = self
            .client
            .send(CALL, Method::POST, "/Users", Some(&self.profile(true)))
            .await?;
        self.status(CALL, &answer, &[201]);
        let id = answer.body["id"].as_str().map(str::to_owned);
        self.expect(CALL, id.is_some(), || {
            "the answer has no id (\"Create new user returned empty user\")".to_owned()
        });
        self.check_user(CALL, &answer, true);
        self.expect(CALL, answer.body.get("password").is_none(), || {
            "the answer has the password".to_owned()
        });
        let location = answer
            .headers
            .get("location")
            .and_then(|location| location.to_str().ok());
        let is_his = location
            .zip(id.as_deref())
            .is_some_and(|(location, id)| location.ends_with(id));
        self.expect(CALL, is_his || answer.status != 201, || {
            "the Location header is not the user's".to_owned()
        });
        id.filter(|_| answer.status == 201)
    }

    /// Okta sends a create again after a time-out: it must be told that the user exists.
    async fn repeat_create(&self) {
        const CALL: &str = "repeat create";
        if let Some(answer) = self
            .client
            .send(CALL, Method::POST, "/Users", Some(&self.profile(true)))
            .await
        {
            self.status(CALL, &answer, &[409]);
        }
    }

    /// GET, merge, PUT: what the server returned comes back, with what Okta knows over it.
    async fn update(&self, call: &'static str, id: &str, active: Option<bool>) -> Option<()> {
        let path = format!("/Users/{id}");
        let read = self.client.send("read", Method::GET, &path, None).await?;
        self.status("read", &read, &[200]);
        let mut merged = read.body;
        let is_active = active.or(merged["active"].as_bool()).unwrap_or(true);
        let profile = self.profile(is_active);
        let (Some(merged_fields), Some(fields)) = (merged.as_object_mut(), profile.as_object()) else {
            return None;
        };
        for (key, value) in fields
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "password" | "schemas"))
        {
            merged_fields.insert(key.clone(), value.clone());
        }
        let answer = self.client.send(call, Method::PUT, &path, Some(&merged)).await?;
        self.status(call, &answer, &[200]);
        self.expect(call, answer.body["id"] == id, || "the id changed".to_owned());
        self.check_user(call, &answer, is_active);
        let title = self.person.title.as_str();
        self.expect(call, answer.body["title"] == title, || {
            "the title was not taken over".to_owned()
        });
        Some(())
    }

    async fn set_active(&self, call: &'static str, id: &str, active: bool) {
        if self.app == App::OktaAiw {
            self.update(call, id, Some(active)).await;
            return;
        }
        let body =
            json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "value": {"active": active}}]});
        let path = format!("/Users/{id}");
        let Some(answer) = self.client.send(call, Method::PATCH, &path, Some(&body)).await else {
            return;
        };
        self.status(call, &answer, &[200, 204]);
        if answer.status == 200 {
            self.expect(call, answer.body["active"] == active, || {
                format!("active is not {active} in the answer")
            });
        }
        if let Some(read) = self.client.send("read", Method::GET, &path, None).await {
            self.expect(call, read.body["active"] == active, || {
                format!("active is not {active} when read again")
            });
        }
    }

    /// The person comes back: Okta looks up, finds whom it deactivated, and links to the same account.
    async fn rehire(&self, id: &str) {
        const CALL: &str = "rehire";
        let Some(found) = self.look_up(CALL, &self.person.user_name).await else {
            return;
        };
        self.expect(CALL, found.as_deref() == Some(id), || {
            "the deactivated account was not found again".to_owned()
        });
        self.set_active(CALL, id, true).await;
    }

    /// The body that Okta sends for this person.
    fn profile(&self, active: bool) -> Value {
        let person = &self.person;
        let mut profile = json!({
            "schemas": [USER, ENTERPRISE],
            "userName": person.user_name,
            "name": {"givenName": person.given_name, "familyName": person.family_name},
            "emails": [{"primary": true, "value": person.email, "type": "work"}],
            "displayName": format!("{} {}", person.given_name, person.family_name),
            "title": person.title,
            "locale": "en-US",
            "externalId": person.external_id,
            "groups": [],
            "password": "1mz050nq",
            "active": active,
            ENTERPRISE: {"department": person.department},
        });
        for (name, value) in &person.custom {
            profile[name] = value.as_str().into();
        }
        profile
    }
}
