//! `GET /Users`: filters and pages.

use serde_json::{Value, json};
use testkit::person;

use crate::{id, path, start};

fn ids(list: &Value) -> Vec<String> {
    list["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| id(user).to_owned())
        .collect()
}

#[tokio::test]
async fn pages_come_in_one_order_and_their_numbers_are_integers() {
    let provost = start().await;
    let mut created = Vec::new();
    for number in 0..7 {
        created.push(id(&provost.client.create(&person(&format!("p{number}"))).await).to_owned());
    }
    let mut seen = Vec::new();
    for start in [1, 4, 7] {
        let page = provost
            .client
            .get(&format!("/Users?startIndex={start}&count=3"))
            .await
            .expect(200);
        assert_eq!(
            page["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"])
        );
        assert_eq!(
            (&page["totalResults"], &page["startIndex"]),
            (&json!(7), &json!(start))
        );
        assert_eq!(page["itemsPerPage"], ids(&page).len());
        seen.extend(ids(&page));
    }
    assert_eq!(seen, created, "in the order in which they were created");
    for (query, items, first) in [
        ("count=0", 0, 1),
        ("startIndex=-5&count=2", 2, 1),
        ("startIndex=99", 0, 99),
        ("count=-1", 0, 1),
        ("", 7, 1),
        ("STARTINDEX=7", 1, 7),
    ] {
        let page = provost.client.get(&format!("/Users?{query}")).await.expect(200);
        assert_eq!(page["totalResults"], 7, "{query}");
        assert_eq!(
            (ids(&page).len(), &page["startIndex"]),
            (items, &json!(first)),
            "{query}"
        );
    }
    provost
        .client
        .get("/Users?count=many")
        .await
        .refused(400, "invalidValue");
}

#[tokio::test]
async fn nobody_is_an_empty_list() {
    let provost = start().await;
    let list = provost
        .client
        .get("/Users?filter=userName%20eq%20%22nobody%40okta.local%22&startIndex=1&count=100")
        .await;
    let empty = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0,
        "startIndex": 1, "itemsPerPage": 0, "Resources": []});
    assert_eq!(list.expect(200), empty);
}

#[tokio::test]
async fn each_identifier_finds_its_user() {
    let provost = start().await;
    let mut sent = person("ava");
    sent["emails"] = json!([{"value": "Ava@Work.example", "type": "work", "primary": true}, {"value": "ava@home.example", "type": "home"}]);
    let ava = provost.client.create(&sent).await;
    provost.client.create(&person("bob")).await;
    for filter in [
        "userName eq \"AVA@example.com\"".to_owned(),
        "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"ava@example.com\"".to_owned(),
        "externalId eq \"00u-ava\"".to_owned(),
        format!("id eq \"{}\"", id(&ava)),
        "emails eq \"ava@work.example\"".to_owned(),
        "emails.value eq \"ava@home.example\"".to_owned(),
        "emails[type eq \"home\"].value eq \"ava@home.example\"".to_owned(),
        "emails[type eq \"home\" and value eq \"ava@home.example\"]".to_owned(),
        "userName eq ava@example.com".to_owned(),
        "userName eq \"ava@example.com\" and active eq \"True\"".to_owned(),
        "name.givenName eq \"AVA\"".to_owned(),
        "userName sw \"a\"".to_owned(),
    ] {
        let found = provost.client.find(&filter).await;
        assert_eq!(found, std::slice::from_ref(&ava), "{filter}");
    }
    for filter in [
        "externalId eq \"00U-AVA\"",
        "id eq \"nonsense\"",
        "userName eq \"ava@example.com\" and active eq false",
        "emails[type eq \"work\"].value eq \"ava@home.example\"",
        "shoeSize eq \"42\"",
    ] {
        assert!(provost.client.find(filter).await.is_empty(), "{filter}");
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_says_where_and_what_was_expected() {
    let provost = start().await;
    let refused = |query: &'static str| {
        let client = provost.client.clone();
        async move {
            client
                .get(&format!("/Users?filter={query}"))
                .await
                .refused(400, "invalidFilter")
        }
    };
    assert_eq!(
        refused("userName+is+%22a%22").await,
        "The filter cannot be read at position 10: expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr), found 'i'."
    );
    assert!(refused("userName+eq").await.contains("position 12"));
    assert!(refused("%28%28userName+pr").await.contains("found the end"));
}

#[tokio::test]
async fn a_blank_may_be_a_plus_and_a_plus_is_percent_2b() {
    let provost = start().await;
    let mut sent = person("x");
    sent["userName"] = json!("ava+tag@example.com");
    let ava = provost.client.create(&sent).await;
    let list = provost
        .client
        .get("/Users?filter=userName+eq+%22ava%2Btag@example.com%22")
        .await
        .expect(200);
    assert_eq!(ids(&list), [id(&ava)]);
}

#[tokio::test]
async fn deactivated_users_are_still_listed() {
    let provost = start().await;
    let mut sent = person("ava");
    sent["active"] = json!(false);
    provost.client.create(&sent).await;
    let list = provost
        .client
        .get("/Users?startIndex=1&count=2")
        .await
        .expect(200);
    assert_eq!(
        (&list["totalResults"], &list["Resources"][0]["active"]),
        (&json!(1), &json!(false))
    );
}

#[tokio::test]
async fn pages_skip_and_repeat_nobody_while_others_come_and_go() {
    let provost = start().await;
    let old = provost.connect("Old").await;
    let mut created = Vec::new();
    for number in 0..10 {
        // Every third one is manual in the end.
        let client = if number % 3 == 0 { &old } else { &provost.client };
        created.push(client.create(&person(&format!("p{number}"))).await);
    }
    provost
        .admin(|tx, ctx| service::settings::connections::remove(tx, ctx, "Old"))
        .await;
    let page = |start: usize| {
        let client = provost.client.clone();
        async move {
            client
                .get(&format!("/Users?startIndex={start}&count=4"))
                .await
                .expect(200)
        }
    };
    let first = page(1).await;
    assert_eq!(first["totalResults"], 10);
    provost.client.delete(&path(&created[0])).await.expect(204);
    provost.client.delete(&path(&created[2])).await.expect(204);
    let second = page(5).await;
    provost.client.create(&person("late")).await;
    let third = page(9).await;
    let mut seen: Vec<_> = [first, second, third].iter().flat_map(ids).collect();
    assert_eq!(
        seen.pop(),
        Some(
            provost.user("late@example.com")["id"]
                .as_str()
                .unwrap()
                .to_owned()
        )
    );
    let expected: Vec<_> = created.iter().map(|user| id(user).to_owned()).collect();
    assert_eq!(seen, expected);
    let deep = page(1_000).await;
    assert_eq!(
        (&deep["totalResults"], &deep["itemsPerPage"]),
        (&json!(9), &json!(0))
    );
    let jump = page(7).await;
    assert_eq!(
        ids(&jump)[0],
        id(&created[8]),
        "a page that follows none counts from the start"
    );
}

#[tokio::test]
async fn what_no_index_could_hold_is_refused_and_odd_characters_are_kept() {
    let provost = start().await;
    for key in ["userName", "externalId"] {
        let mut long = person("ava");
        long[key] = json!("x".repeat(2_001));
        let detail = provost
            .client
            .post("/Users", &long)
            .await
            .refused(400, "invalidValue");
        assert!(detail.contains(key) && detail.contains("2000"), "{detail}");
    }
    let mut odd = person("odd");
    odd["userName"] = json!("a\u{0}b\u{1f600}@x");
    odd["nickName"] = json!("\u{0}\u{7f}\u{2028}");
    let made = provost.client.create(&odd).await;
    assert_eq!(
        (&made["userName"], &made["nickName"]),
        (&odd["userName"], &odd["nickName"])
    );
    assert_eq!(
        provost.client.get(&path(&made)).await.expect(200)["userName"],
        odd["userName"]
    );
    provost
        .client
        .post("/Users", &odd)
        .await
        .refused(409, "uniqueness");
    assert!(
        provost
            .client
            .find("userName eq \"nobody\\u0000\"")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_client_gets_the_attributes_that_it_asks_for() {
    let provost = start().await;
    let ava = provost.client.create(&person("ava")).await;
    let keys = |user: &Value| user.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let only = provost
        .client
        .get(&format!("{}?attributes=userName,name.givenName", path(&ava)))
        .await
        .expect(200);
    assert_eq!(keys(&only), ["schemas", "id", "userName", "name"]);
    assert_eq!(only["name"], json!({"givenName": "ava"}));
    let without = provost
        .client
        .get("/Users?excludedAttributes=emails,meta")
        .await
        .expect(200);
    let without = &without["Resources"][0];
    assert!(
        without.get("emails").is_none() && without.get("meta").is_none() && without["userName"].is_string()
    );
    let put = provost
        .client
        .put(&format!("{}?attributes=title", path(&ava)), &person("ava"))
        .await
        .expect(200);
    assert_eq!(keys(&put), ["schemas", "id"]);
    let both = format!("{}?attributes=title&excludedAttributes=name", path(&ava));
    provost.client.get(&both).await.refused(400, "invalidValue");
    provost
        .client
        .get("/Users?attributes=%22x%22")
        .await
        .refused(400, "invalidValue");
}

#[tokio::test]
async fn a_search_is_a_list_whose_question_is_in_the_body() {
    let provost = start().await;
    for name in ["ava", "ben", "cleo"] {
        provost.client.create(&person(name)).await;
    }
    let asked = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "userName sw \"b\" or userName sw \"c\"",
        "attributes": ["userName"],
        "startIndex": 2,
        "count": 5,
    });
    let found = provost.client.post("/Users/.search", &asked).await.expect(200);
    assert_eq!(
        (
            &found["totalResults"],
            &found["startIndex"],
            &found["itemsPerPage"]
        ),
        (&json!(2), &json!(2), &json!(1))
    );
    let user = &found["Resources"][0];
    assert_eq!(
        (&user["userName"], &user["emails"]),
        (&json!("cleo@example.com"), &Value::Null)
    );
    let everybody = provost.client.post("/Users/.search", &json!({})).await;
    assert_eq!(everybody.expect(200)["totalResults"], 3);
    let detail = provost
        .client
        .post("/Users/.search", &json!({"filter": "userName is \"b\""}))
        .await
        .refused(400, "invalidFilter");
    assert!(detail.contains("at position 10"), "{detail}");
    provost.client.get("/Users/.search").await.refused(405, "");
}

#[tokio::test]
async fn a_search_over_everything_finds_users_and_then_groups() {
    let provost = start().await;
    let mut made = Vec::new();
    for name in ["ava", "ben"] {
        made.push(id(&provost.client.create(&person(name)).await).to_owned());
    }
    for name in ["Sales", "Support"] {
        let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name});
        made.push(id(&provost.client.post("/Groups", &group).await.expect(201)).to_owned());
    }
    for count in 1..=4 {
        let mut seen = Vec::new();
        while seen.len() < made.len() {
            let asked = json!({"startIndex": seen.len() + 1, "count": count});
            let page = provost.client.post("/.search", &asked).await.expect(200);
            assert_eq!(page["itemsPerPage"], count.min(made.len() - seen.len()));
            seen.extend(ids(&page));
        }
        assert_eq!(seen, made, "in pages of {count}");
    }
    let one = json!({"filter": "displayName eq \"Support\"", "excludedAttributes": ["members"]});
    let found = provost.client.post("/.search", &one).await.expect(200);
    assert_eq!(
        (&found["totalResults"], ids(&found)),
        (&json!(1), made[3..].to_vec())
    );
    let total = provost.client.post("/.search", &json!({"count": 0})).await;
    assert_eq!(total.expect(200)["totalResults"], 4);
}
