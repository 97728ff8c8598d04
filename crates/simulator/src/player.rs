//! What every identity provider's play has in common: the person, the look-up, and an eye on each answer.

use reqwest::Method;
use serde_json::Value;

use crate::client::{Answer, Client};
use crate::{App, Person};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// One person's years with the company.
pub(crate) struct Player<'c> {
    pub(crate) client: &'c Client,
    pub(crate) app: App,
    pub(crate) person: Person,
}

impl Player<'_> {
    /// `None` where no answer came; inside, the id of who was found.
    pub(crate) async fn look_up(&self, call: &'static str, user_name: &str) -> Option<Option<String>> {
        let filter = format!("userName eq {}", Value::from(user_name));
        let path = format!("/Users?filter={}&startIndex=1&count=100", encode(&filter));
        let answer = self.client.send(call, Method::GET, &path, None).await?;
        if answer.status == 404 {
            return Some(None);
        }
        self.status(call, &answer, &[200]);
        check_list(self.client, call, &answer.body);
        let found = answer.body["Resources"]
            .as_array()
            .and_then(|users| users.first());
        let Some(user) = found else { return Some(None) };
        let same = user["userName"]
            .as_str()
            .is_some_and(|name| name.to_lowercase() == user_name.to_lowercase());
        self.expect(call, same, || "the user found has another userName".to_owned());
        Some(user["id"].as_str().map(str::to_owned))
    }

    /// The user as it is told, with its media type.
    pub(crate) async fn read(&self, call: &'static str, id: &str, active: bool) {
        let path = format!("/Users/{id}");
        let Some(answer) = self.client.send(call, Method::GET, &path, None).await else {
            return;
        };
        self.status(call, &answer, &[200]);
        self.check_user(call, &answer, active);
        let is_scim = answer
            .headers
            .get("content-type")
            .is_some_and(|of| of.as_bytes().starts_with(b"application/scim+json"));
        self.expect(call, is_scim, || {
            "the Content-Type is not application/scim+json".to_owned()
        });
    }

    /// Whoever has the name is linked, and nobody is made twice.
    pub(crate) async fn find_or_create(&self, body: &Value) -> Option<String> {
        match self.look_up("look up", &self.person.user_name).await? {
            Some(id) => {
                self.put("link", &id, body, true).await;
                Some(id)
            }
            None => self.post("create", body).await,
        }
    }

    /// Creates the user; its id where that was done.
    pub(crate) async fn post(&self, call: &'static str, body: &Value) -> Option<String> {
        let answer = self.client.send(call, Method::POST, "/Users", Some(body)).await?;
        self.status(call, &answer, &[201]);
        self.check_user(call, &answer, true);
        let id = answer.body["id"].as_str().map(str::to_owned);
        self.expect(call, id.is_some(), || "the answer has no id".to_owned());
        id.filter(|_| answer.status == 201)
    }

    /// Replaces the user.
    pub(crate) async fn put(&self, call: &'static str, id: &str, body: &Value, active: bool) {
        let path = format!("/Users/{id}");
        if let Some(answer) = self.client.send(call, Method::PUT, &path, Some(body)).await {
            self.status(call, &answer, &[200]);
            self.expect(call, answer.body["id"] == id, || "the id changed".to_owned());
            self.check_user(call, &answer, active);
        }
    }

    pub(crate) fn check_user(&self, call: &'static str, answer: &Answer, active: bool) {
        if answer.status >= 300 {
            return;
        }
        let user = &answer.body;
        let person = &self.person;
        self.expect(call, user["userName"] == person.user_name.as_str(), || {
            "userName is not as it was sent".to_owned()
        });
        self.expect(call, user["active"] == active, || {
            format!("active is not {active}: an Okta would go on \"rescheduling\" for ever")
        });
        self.expect(
            call,
            user["name"]["familyName"] == person.family_name.as_str(),
            || "the name is not as it was sent".to_owned(),
        );
        self.expect(call, user["emails"][0]["value"] == person.email.as_str(), || {
            "the e-mail address is not as it was sent".to_owned()
        });
        let external_id = user["externalId"].as_str().unwrap_or_default();
        self.expect(call, external_id == person.external_id, || {
            "externalId is not as it was sent".to_owned()
        });
        self.expect(
            call,
            user["schemas"].is_array() && user["meta"].is_object(),
            || "schemas or meta are missing".to_owned(),
        );
    }

    pub(crate) fn status(&self, call: &'static str, answer: &Answer, allowed: &[u16]) {
        self.expect(call, allowed.contains(&answer.status), || {
            let detail = answer.body["detail"]
                .as_str()
                .map(|detail| format!(": {detail}"))
                .unwrap_or_default();
            format!("answered {} instead of {allowed:?}{detail}", answer.status)
        });
    }

    pub(crate) fn expect(&self, call: &'static str, holds: bool, what: impl FnOnce() -> String) {
        self.client
            .expect(call, holds, || format!("{}: {}", self.person.user_name, what()));
    }
}

/// A list as identity providers read it: integers, and an array where there are any.
pub(crate) fn check_list(client: &Client, call: &'static str, list: &Value) {
    for name in ["totalResults", "startIndex", "itemsPerPage"] {
        client.expect(call, list[name].is_u64(), || format!("{name} is no whole number"));
    }
    let has_users = list["Resources"].is_array() || list["totalResults"] == 0;
    client.expect(call, has_users, || "Resources is no array".to_owned());
}

/// Percent-encoding of a query value, `%40` for `@` as they write it.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
