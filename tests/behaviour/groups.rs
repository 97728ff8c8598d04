//! Groups as identity providers push them.

use serde_json::{Value, json};
use testkit::{Client, Provost, patch, person};

use crate::{id, path, start};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn group(name: &str, members: &[&Value]) -> Value {
    let members: Vec<_> = members
        .iter()
        .map(|member| json!({"value": member["id"], "display": "x"}))
        .collect();
    json!({"schemas": [GROUP], "displayName": name, "members": members})
}

fn at(group: &Value) -> String {
    format!("/Groups/{}", id(group))
}

fn members(group: &Value) -> Vec<&str> {
    let mut ids: Vec<_> = group["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["value"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids
}

async fn people(client: &Client, names: &[&str]) -> Vec<Value> {
    let mut people = Vec::new();
    for name in names {
        people.push(client.create(&person(name)).await);
    }
    people
}

async fn change(provost: &Provost, group: &Value, operations: Value) -> Value {
    provost
        .client
        .patch(&at(group), &patch(operations))
        .await
        .expect(200)
}

#[tokio::test]
async fn a_group_is_created_read_listed_and_deleted() {
    let provost = start().await;
    let ava = &people(&provost.client, &["ava"]).await[0];
    let answer = provost.client.post("/Groups", &group("Sales", &[ava])).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let made = answer.expect(201);
    assert_eq!(location, format!("{}{}", provost.client.base, at(&made)));
    assert_eq!(
        (&made["displayName"], &made["meta"]["resourceType"]),
        (&json!("Sales"), &json!("Group"))
    );
    let member = &made["members"][0];
    assert_eq!((&member["value"], &member["type"]), (&ava["id"], &json!("User")));
    assert_eq!(member["$ref"], format!("{}{}", provost.client.base, path(ava)));
    assert_eq!(provost.client.get(&at(&made)).await.expect(200), made);

    for filter in ["displayName eq \"sales\"", "displayName sw \"Sa\"", "id pr"] {
        let url = reqwest::Url::parse_with_params("http://x/", [("filter", filter)]).unwrap();
        let list = provost
            .client
            .get(&format!("/Groups?{}", url.query().unwrap()))
            .await
            .expect(200);
        assert_eq!(
            (&list["totalResults"], &list["Resources"][0]),
            (&json!(1), &made),
            "{filter}"
        );
    }
    let without = provost
        .client
        .get(&format!("{}?excludedAttributes=members", at(&made)))
        .await
        .expect(200);
    assert!(without.get("members").is_none(), "{without}");
    provost.client.delete(&at(&made)).await.expect(204);
    provost.client.get(&at(&made)).await.refused(404, "");
    provost.client.delete(&at(&made)).await.refused(404, "");
    assert_eq!(provost.client.get("/Groups").await.expect(200)["totalResults"], 0);
    assert_eq!(provost.client.get(&path(ava)).await.expect(200)["active"], true);
}

#[tokio::test]
async fn a_group_name_is_unique_in_its_connection_whatever_its_case() {
    let provost = start().await;
    let sales = provost
        .client
        .post("/Groups", &group("Sales", &[]))
        .await
        .expect(201);
    let law = provost
        .client
        .post("/Groups", &group("Law", &[]))
        .await
        .expect(201);
    let detail = provost
        .client
        .post("/Groups", &group("SALES", &[]))
        .await
        .refused(409, "uniqueness");
    assert!(detail.contains(id(&sales)), "{detail}");
    provost
        .client
        .put(&at(&law), &group("sales", &[]))
        .await
        .refused(409, "uniqueness");
    let renamed = provost
        .client
        .put(&at(&sales), &group("SALES", &[]))
        .await
        .expect(200);
    assert_eq!(renamed["displayName"], "SALES");
    let detail = provost
        .client
        .post("/Groups", &json!({"schemas": [GROUP]}))
        .await
        .refused(400, "invalidValue");
    assert!(detail.contains("displayName is required"), "{detail}");
    let entra = provost.connect("Entra ID").await;
    entra.post("/Groups", &group("Sales", &[])).await.expect(201);
    entra.get(&at(&sales)).await.refused(404, "");
    assert_eq!(entra.get("/Groups").await.expect(200)["totalResults"], 1);
}

#[tokio::test]
async fn members_come_and_go_in_every_shape_that_providers_send() {
    let provost = start().await;
    let people = people(&provost.client, &["ava", "bob", "cyd"]).await;
    let [ava, bob, cyd] = [id(&people[0]), id(&people[1]), id(&people[2])];
    let made = provost.client.post("/Groups", &group("G", &[])).await.expect(201);
    let all = |ids: &[&str]| -> Vec<Value> { ids.iter().map(|id| json!({"value": id})).collect() };
    let steps: [(Value, Vec<&str>); 11] = [
        (
            json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": ava}]}]),
            vec![ava],
        ),
        (
            json!([{"op": "add", "path": "members", "value": all(&[bob, cyd])}]),
            vec![ava, bob, cyd],
        ),
        (
            json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": bob}]}]),
            vec![ava, cyd],
        ),
        (
            json!([{"op": "remove", "path": format!("members[value eq \"{ava}\"]")}]),
            vec![cyd],
        ),
        (
            json!([{"op": "replace", "value": {"id": id(&made), "displayName": "G"}}]),
            vec![cyd],
        ),
        (
            json!([{"op": "remove", "path": format!("members[value eq \"{cyd}\"]")},
                {"op": "add", "path": "members", "value": [{"value": ava, "display": "x"}]}]),
            vec![ava],
        ),
        (
            json!([{"op": "replace", "path": "members", "value": all(&[bob, cyd])}]),
            vec![bob, cyd],
        ),
        (
            json!([{"op": "replace", "value": {"members": all(&[ava]), "id": id(&made), "displayName": "G"}}]),
            vec![ava],
        ),
        (
            json!([{"op": "add", "path": "members", "value": all(&[bob, "nobody", "00000000-0000-0000-0000-000000000000"])}]),
            vec![ava, bob],
        ),
        (json!([{"op": "replace", "path": "members", "value": []}]), vec![]),
        (json!([{"op": "remove", "path": "members"}]), vec![]),
    ];
    for (operations, expected) in steps {
        let after = change(&provost, &made, operations.clone()).await;
        assert_eq!(members(&after), expected, "{operations}");
        assert_eq!(provost.client.get(&at(&made)).await.expect(200), after);
    }
    let put = provost
        .client
        .put(&at(&made), &group("G", &[&people[0], &people[2]]))
        .await
        .expect(200);
    assert_eq!(members(&put), [ava, cyd]);
    let silent = provost
        .client
        .put(&at(&made), &json!({"schemas": [GROUP], "displayName": "H"}))
        .await
        .expect(200);
    assert_eq!(
        (members(&silent), &silent["displayName"]),
        (vec![ava, cyd], &json!("H")),
        "a PUT that says nothing of members changes none"
    );
    let version = silent["meta"]["version"].clone();
    let same = change(
        &provost,
        &made,
        json!([{"op": "add", "path": "members", "value": all(&[ava])}]),
    )
    .await;
    assert_eq!(same["meta"]["version"], version, "nothing changed");
}

#[tokio::test]
async fn a_deactivated_user_stays_a_member_and_a_deleted_one_is_hidden() {
    let provost = start().await;
    let people = people(&provost.client, &["ava", "bob"]).await;
    let made = provost
        .client
        .post("/Groups", &group("G", &[&people[0], &people[1]]))
        .await
        .expect(201);
    let leave = json!([{"op": "replace", "value": {"active": false}}]);
    provost
        .client
        .patch(&path(&people[0]), &patch(leave))
        .await
        .expect(200);
    provost.client.delete(&path(&people[1])).await.expect(204);
    let now = provost.client.get(&at(&made)).await.expect(200);
    assert_eq!(members(&now), [id(&people[0])]);
    provost.client.post("/Users", &person("bob")).await.expect(201);
    let now = provost.client.get(&at(&made)).await.expect(200);
    assert_eq!(members(&now).len(), 2, "who returns is a member as before");
}

#[tokio::test]
async fn a_user_shows_the_groups_that_it_belongs_to_directly_and_indirectly() {
    let provost = start().await;
    let people = people(&provost.client, &["ava", "bob"]).await;
    let inner = provost
        .client
        .post("/Groups", &group("Inner", &[&people[0]]))
        .await
        .expect(201);
    let outer = provost
        .client
        .post("/Groups", &group("Outer", &[&inner]))
        .await
        .expect(201);
    assert_eq!(outer["members"][0]["type"], "Group");
    // A ring of groups, which must end somewhere.
    change(
        &provost,
        &inner,
        json!([{"op": "add", "path": "members", "value": [{"value": id(&outer)}]}]),
    )
    .await;
    let shown = provost.client.get(&path(&people[0])).await.expect(200);
    let groups: Vec<_> = shown["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            (
                group["display"].as_str().unwrap(),
                group["type"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(groups, [("Inner", "direct"), ("Outer", "indirect")]);
    let list = provost.client.get("/Users").await.expect(200);
    assert_eq!(list["Resources"][0]["groups"], shown["groups"]);
    assert!(list["Resources"][1].get("groups").is_none());
    let echoed = provost.client.put(&path(&people[0]), &shown).await.expect(200);
    assert_eq!(echoed["groups"], shown["groups"]);
    provost.client.delete(&at(&outer)).await.expect(204);
    let shown = provost.client.get(&path(&people[0])).await.expect(200);
    assert_eq!(shown["groups"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_large_group_is_patched_without_its_members() {
    let provost = start().await;
    let ids: Vec<Value> = {
        let mut ids = Vec::new();
        for number in 0..1_001 {
            let newcomer = service::users::Newcomer {
                attributes: json!({"userName": format!("m{number}")})
                    .as_object()
                    .unwrap()
                    .clone(),
                ..Default::default()
            };
            let imported = provost
                .admin(move |tx, ctx| service::users::import(tx, ctx, &newcomer))
                .await;
            let service::users::Imported::Added(record) = imported else {
                panic!("known")
            };
            ids.push(json!({"value": record.facts.id.to_string()}));
        }
        ids
    };
    let made = provost
        .client
        .post("/Groups", &json!({"displayName": "All", "members": ids}))
        .await
        .expect(201);
    assert_eq!(members(&made).len(), 1_001);
    let ava = provost.client.create(&person("ava")).await;
    let add = patch(json!([{"op": "add", "path": "members", "value": [{"value": id(&ava)}]}]));
    let answer = provost.client.patch(&at(&made), &add).await;
    assert!(answer.text.is_empty());
    answer.expect(204);
    let asked = provost
        .client
        .patch(&format!("{}?attributes=displayName,members", at(&made)), &add)
        .await
        .expect(200);
    assert_eq!(members(&asked).len(), 1_002);
    let narrow = provost
        .client
        .patch(&format!("{}?excludedAttributes=members", at(&made)), &add)
        .await
        .expect(200);
    assert!(narrow.get("members").is_none());
    let emptied = provost
        .client
        .put(&at(&made), &json!({"displayName": "All", "members": []}))
        .await
        .expect(200);
    assert!(members(&emptied).is_empty());
}

#[tokio::test]
async fn what_happens_to_groups_is_told() {
    let provost = start().await;
    let ava = &people(&provost.client, &["ava"]).await[0];
    let made = provost.client.post("/Groups", &group("G", &[])).await.expect(201);
    change(
        &provost,
        &made,
        json!([{"op": "add", "path": "members", "value": [{"value": id(ava)}]}]),
    )
    .await;
    change(
        &provost,
        &made,
        json!([{"op": "replace", "value": {"displayName": "H", "externalId": "e"}}]),
    )
    .await;
    let without = change(&provost, &made, json!([{"op": "remove", "path": "externalId"}])).await;
    assert!(without.get("externalId").is_none(), "{without}");
    provost.client.delete(&at(&made)).await.expect(204);
    let kinds: Vec<_> = provost
        .events()
        .iter()
        .filter_map(|event| event["kind"].as_str().map(str::to_owned))
        .filter(|kind| kind.starts_with("group."))
        .collect();
    assert_eq!(
        kinds,
        [
            "group.created",
            "group.members_changed",
            "group.updated",
            "group.updated",
            "group.deleted"
        ]
    );
}
