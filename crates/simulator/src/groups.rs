//! Groups as identity providers push them, once the people are there.

use reqwest::Method;
use serde_json::{Value, json};

use crate::App;
use crate::client::{Answer, Client};
use crate::player::{GROUP, PATCH_OP, encode};

/// Pushes a group, changes it, and deletes it.
pub(crate) async fn play(client: &Client, app: App, seed: u64) {
    let Some(people) = people(client).await else {
        return;
    };
    let push = Push {
        client,
        name: format!("Simulated group {seed}"),
        people,
    };
    let by_name = format!("displayName eq {}", Value::from(push.name.as_str()));
    // What stops in the middle has been noted.
    let _ = match app {
        App::OktaAiw | App::OktaOin => push.okta(app).await,
        App::Entra | App::EntraAadOptscim062020 => push.entra(app).await,
        App::Authentik => push.authentik().await,
        App::Google => Some(()),
        App::Keycloak => push.keycloak().await,
        App::OneLogin => push.by_members("/Groups").await,
        App::JumpCloud | App::Ping => {
            push.by_members(&format!("/Groups?filter={}", encode(&by_name)))
                .await
        }
    };
}

/// Ids of a few people.
async fn people(client: &Client) -> Option<Vec<String>> {
    let answer = client
        .send("read people", Method::GET, "/Users?startIndex=1&count=5", None)
        .await?;
    let users = answer.body["Resources"].as_array()?;
    let ids = users.iter().filter_map(|user| user["id"].as_str());
    Some(ids.map(str::to_owned).collect())
}

struct Push<'c> {
    client: &'c Client,
    name: String,
    people: Vec<String>,
}

impl Push<'_> {
    async fn okta(&self, app: App) -> Option<()> {
        let name = self.name.replace(' ', "%20");
        let look_up = format!("/Groups?filter=displayName%20eq%20%22{name}%22&startIndex=1&count=100");
        self.delete_left_over(&look_up).await?;
        let [one, rest @ ..] = self.people.as_slice() else {
            return None;
        };
        let body = json!({"schemas": [GROUP], "displayName": self.name, "members": members(std::slice::from_ref(one))});
        let id = self.create(&body).await?;
        let path = format!("/Groups/{id}");
        self.has(&path, std::slice::from_ref(one)).await?;
        if app == App::OktaAiw {
            let body =
                json!({"schemas": [GROUP], "id": id, "displayName": self.name, "members": members(rest)});
            self.send("update group", Method::PUT, &path, Some(&body), &[200])
                .await?;
            self.has(&path, rest).await?;
        } else {
            let rename = json!([{"op": "replace", "value": {"id": id, "displayName": self.name}}]);
            self.patch("rename group", &path, rename).await?;
            let mut swap = vec![json!({"op": "remove", "path": format!("members[value eq \"{one}\"]")})];
            if !rest.is_empty() {
                swap.push(json!({"op": "add", "path": "members", "value": members(rest)}));
            }
            self.patch("swap members", &path, Value::from(swap)).await?;
            self.has(&path, rest).await?;
            let all = json!([{"op": "replace", "path": "members", "value": members(&self.people)}]);
            self.patch("push members", &path, all).await?;
            self.has(&path, &self.people).await?;
            let none = json!([{"op": "replace", "path": "members", "value": []}]);
            self.patch("push nobody", &path, none).await?;
            self.has(&path, &[]).await?;
        }
        self.delete(&path).await
    }

    async fn entra(&self, app: App) -> Option<()> {
        let name = self.name.replace(' ', "%20");
        let by_name = format!("/Groups?excludedAttributes=members&filter=displayName%20eq%20%22{name}%22");
        self.delete_left_over(&by_name).await?;
        let external_id = format!("8aa1a0c0-{}", self.name.len());
        let body = json!({
            "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
            "externalId": external_id, "displayName": self.name, "meta": {"resourceType": "Group"},
        });
        let id = self.create(&body).await?;
        let path = format!("/Groups/{id}");
        let without = format!("{path}?excludedAttributes=members");
        let read = self
            .send("read group", Method::GET, &without, None, &[200])
            .await?;
        self.client
            .expect("read group", read.body.get("members").is_none(), || {
                "members were not excluded".to_owned()
            });
        let by_external_id =
            format!("/Groups?filter=externalId%20eq%20%22{external_id}%22&excludedAttributes=members");
        let found = self
            .send("find group", Method::GET, &by_external_id, None, &[200])
            .await?;
        self.client
            .expect("find group", found.body["totalResults"] == 1, || {
                "the group was not found by its externalId".to_owned()
            });
        let [one, rest @ ..] = self.people.as_slice() else {
            return None;
        };
        for person in &self.people {
            let add = json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": person}]}]);
            self.patch("add member", &path, add).await?;
        }
        self.has(&path, &self.people).await?;
        let remove = if app == App::Entra {
            json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": one}]}])
        } else {
            json!([{"op": "remove", "path": format!("members[value eq \"{one}\"]")}])
        };
        self.patch("remove member", &path, remove).await?;
        self.has(&path, rest).await?;
        let rename =
            json!([{"op": "Replace", "path": "displayName", "value": format!("{} renamed", self.name)}]);
        self.patch("rename group", &path, rename).await?;
        self.delete(&path).await
    }

    /// It looks through all groups first, then creates, renames, and brings each member with an operation of its own.
    async fn authentik(&self) -> Option<()> {
        self.send(
            "discover groups",
            Method::GET,
            "/Groups?startIndex=1",
            None,
            &[200],
        )
        .await?;
        let name = self.name.replace(' ', "+");
        self.delete_left_over(&format!("/Groups?filter=displayName+eq+%22{name}%22"))
            .await?;
        let body =
            json!({"schemas": [GROUP], "displayName": self.name, "externalId": format!("pk-{}", self.name)});
        let id = self.create(&body).await?;
        let path = format!("/Groups/{id}");
        let taken = self
            .send("create group", Method::POST, "/Groups", Some(&body), &[409])
            .await?;
        self.client
            .expect("create group", taken.body["scimType"] == "uniqueness", || {
                "the refusal of a taken name has no scimType uniqueness".to_owned()
            });
        let mut whole = body;
        whole["id"] = id.as_str().into();
        // The message's own schemas are left out.
        let update = json!({"Operations": [{"op": "replace", "value": whole}]});
        self.send("update group", Method::PATCH, &path, Some(&update), &[200, 204])
            .await?;
        let each = |op: &str, people: &[String]| -> Value {
            let operation = |id: &String| json!({"op": op, "path": "members", "value": [{"value": id}]});
            people.iter().map(operation).collect()
        };
        self.patch("add members", &path, each("add", &self.people))
            .await?;
        self.has(&path, &self.people).await?;
        let (gone, kept) = self.people.split_at(self.people.len() / 2);
        self.patch("remove members", &path, each("remove", gone)).await?;
        self.has(&path, kept).await?;
        self.delete(&path).await
    }

    /// Created empty; members come and go in lists, without a filter.
    async fn by_members(&self, look_up: &str) -> Option<()> {
        self.delete_left_over(look_up).await?;
        let body = json!({"schemas": [GROUP], "displayName": self.name});
        let id = self.create(&body).await?;
        let path = format!("/Groups/{id}");
        let change = |op: &str, people: &[String]| {
            let value: Value = people.iter().map(|id| json!({"value": id})).collect();
            json!([{"op": op, "path": "members", "value": value}])
        };
        self.patch("add members", &path, change("add", &self.people))
            .await?;
        self.has(&path, &self.people).await?;
        let (gone, kept) = self.people.split_at(self.people.len() / 2);
        self.patch("remove members", &path, change("remove", gone))
            .await?;
        self.has(&path, kept).await?;
        self.delete(&path).await
    }

    /// Every attribute is replaced by its path.
    async fn keycloak(&self) -> Option<()> {
        self.delete_left_over("//Groups").await?;
        let body = json!({"schemas": [GROUP], "displayName": self.name});
        let id = self.create(&body).await?;
        let path = format!("/Groups/{id}");
        let replaced = json!([
            {"op": "replace", "path": "displayName", "value": self.name},
            {"op": "replace", "path": "externalId", "value": id},
            {"op": "replace", "path": "members", "value": members(&self.people)},
        ]);
        self.patch("update group", &path, replaced).await?;
        self.has(&path, &self.people).await?;
        self.delete(&path).await
    }

    /// A group that an earlier play left behind is deleted first.
    async fn delete_left_over(&self, look_up: &str) -> Option<()> {
        let found = self
            .send("look up group", Method::GET, look_up, None, &[200])
            .await?;
        let groups = found.body["Resources"].as_array();
        let own = groups
            .into_iter()
            .flatten()
            .find(|group| group["displayName"] == self.name.as_str());
        match own.and_then(|group| group["id"].as_str()) {
            Some(id) => self.delete(&format!("/Groups/{id}")).await,
            None => Some(()),
        }
    }

    async fn create(&self, body: &Value) -> Option<String> {
        const CALL: &str = "create group";
        let made = self
            .send(CALL, Method::POST, "/Groups", Some(body), &[201])
            .await?;
        let id = made.body["id"].as_str().map(str::to_owned);
        self.client.expect(
            CALL,
            id.is_some() && made.body["displayName"] == self.name.as_str(),
            || "the answer has no id or another displayName".to_owned(),
        );
        id
    }

    async fn patch(&self, call: &'static str, path: &str, operations: Value) -> Option<()> {
        let body = json!({"schemas": [PATCH_OP], "Operations": operations});
        self.send(call, Method::PATCH, path, Some(&body), &[200, 204])
            .await
            .map(drop)
    }

    /// The group has exactly these members.
    async fn has(&self, path: &str, people: &[String]) -> Option<()> {
        const CALL: &str = "read group";
        let read = self.send(CALL, Method::GET, path, None, &[200]).await?;
        let members = read.body["members"].as_array().cloned().unwrap_or_default();
        let mut ids: Vec<_> = members
            .iter()
            .filter_map(|member| member["value"].as_str())
            .collect();
        let mut expected: Vec<_> = people.iter().map(String::as_str).collect();
        ids.sort_unstable();
        expected.sort_unstable();
        self.client.expect(CALL, ids == expected, || {
            format!(
                "it has {} members instead of {}, or others",
                ids.len(),
                expected.len()
            )
        });
        Some(())
    }

    async fn delete(&self, path: &str) -> Option<()> {
        self.send("delete group", Method::DELETE, path, None, &[204])
            .await?;
        self.send("read deleted group", Method::GET, path, None, &[404])
            .await
            .map(drop)
    }

    async fn send(
        &self,
        call: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
        statuses: &[u16],
    ) -> Option<Answer> {
        let answer = self.client.send(call, method, path, body).await?;
        let is_right = statuses.contains(&answer.status);
        self.client.expect(call, is_right, || {
            let detail = answer.body["detail"].as_str().unwrap_or_default();
            format!("answered {} instead of {statuses:?}. {detail}", answer.status)
        });
        is_right.then_some(answer)
    }
}

fn members(people: &[String]) -> Value {
    people
        .iter()
        .map(|id| json!({"value": id, "display": "somebody@example.com"}))
        .collect()
}
