//! What only one may have, both nodes try to give.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use store::{DatabaseUrl, Store};
use testkit::{patch, person};
use tokio::task::JoinSet;

use crate::{Nodes, json, program, rounds};

/// The statuses of as many creates at once as there are people, on both nodes in turn; how often each came.
async fn create_all(nodes: &Nodes, people: Vec<Value>) -> HashMap<u16, usize> {
    let mut creates = JoinSet::new();
    for (number, user) in people.into_iter().enumerate() {
        let client = nodes.client(number);
        creates.spawn(async move { client.post("/Users", &user).await.status });
    }
    let mut statuses = HashMap::new();
    for status in creates.join_all().await {
        *statuses.entry(status).or_default() += 1;
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_make_one_tenant() {
    for _ in 0..rounds() {
        let database = testkit::TestDatabase::empty("together").await;
        let (program, url) = (Arc::new(program()), database.url());
        let starts: Vec<_> = (0..3)
            .map(|_| {
                let (program, url) = (Arc::clone(&program), url.clone());
                std::thread::spawn(move || program.serve(&["--database", &url]))
            })
            .collect();
        let nodes: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();
        let tenants = json(&program.stdout(&["tenant", "list", "--json", "--database", &url]));
        assert_eq!(tenants.as_array().unwrap().len(), 1);
        for node in &nodes {
            assert_eq!(node.client.get("/Users").await.expect(200)["totalResults"], 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixty_four_creates_of_one_name_exactly_one_is_done() {
    let nodes = Nodes::start().await;
    for round in 0..rounds() * 3 {
        let same = |number: usize| {
            let mut user = person(&format!("same-{round}"));
            user["externalId"] = json!(format!("{round}-{number}"));
            user
        };
        let statuses = create_all(&nodes, (0..64).map(same).collect()).await;
        assert_eq!(statuses, HashMap::from([(201, 1), (409, 63)]));
        let found = nodes
            .one
            .client
            .find(&format!("userName eq \"same-{round}@example.com\""))
            .await;
        assert_eq!(found.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_a_hundred_never_takes_one_more() {
    let nodes = Nodes::start().await;
    for round in 0..rounds() {
        let name = format!("Hundred {round}");
        nodes.stdout(&["profile", "add", &name, "--max-users", "100"]);
        nodes.stdout(&["mapping", "set", "Everyone", "--profile", &name]);
        let people = (0..150)
            .map(|number| person(&format!("p{round}-{number}")))
            .collect();
        let statuses = create_all(&nodes, people).await;
        assert_eq!(statuses, HashMap::from([(201, 100), (400, 50)]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_must_be_unique_is_so_on_both_nodes() {
    let nodes = Nodes::start().await;
    nodes.stdout(&["tenant", "set", "default", "--unique-email", "yes"]);
    for round in 0..rounds() {
        let same_address = |number: usize| {
            let mut user = person(&format!("p{round}-{number}"));
            user["emails"][0]["value"] = json!(format!("shared-{round}@example.com"));
            user
        };
        let statuses = create_all(&nodes, (0..32).map(same_address).collect()).await;
        assert_eq!(statuses, HashMap::from([(201, 1), (409, 31)]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_is_dead_on_both_nodes_within_a_second() {
    for _ in 0..rounds() {
        revoke_a_token().await;
    }
}

async fn revoke_a_token() {
    let nodes = Nodes::start().await;
    for client in [&nodes.one.client, &nodes.two.client] {
        client.get("/Users").await.expect(200);
    }
    let tokens = json(&nodes.stdout(&["token", "list", "--json"]));
    nodes.stdout(&["token", "revoke", tokens[0]["id"].as_str().unwrap()]);
    tokio::time::sleep(Duration::from_millis(900)).await;
    for client in [&nodes.one.client, &nodes.two.client] {
        let detail = client.get("/Users").await.refused(401, "");
        assert!(detail.contains("revoked"), "{detail}");
    }
}

/// Writers on both nodes race a reader that keeps its place: none is missed, none comes twice, and what happened to one
/// user is told in the order in which it happened.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_events_misses_none_and_sees_none_twice() {
    for _ in 0..rounds() {
        read_events_while_others_write().await;
    }
}

async fn read_events_while_others_write() {
    let nodes = Nodes::start().await;
    let tenant = tenant(&nodes);
    let store = Store::open(&nodes.url.parse::<DatabaseUrl>().unwrap()).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let (reader, over) = (store.clone(), Arc::clone(&is_over));
    let reading = tokio::task::spawn_blocking(move || {
        let (mut seen, mut after) = (Vec::new(), 0);
        loop {
            let was_over = over.load(Ordering::SeqCst);
            let events = reader
                .read(|tx| store::events::after(tx, tenant, after, 50))
                .unwrap();
            let is_quiet = events.is_empty();
            after = events.last().map_or(after, |event| event.seq);
            seen.extend(events);
            if is_quiet && was_over {
                return seen;
            }
        }
    });
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let (here, there) = (nodes.client(writer), nodes.client(writer + 1));
        writers.spawn(async move {
            for number in 0..8 {
                let user = here.create(&person(&format!("w{writer}-{number}"))).await;
                let path = format!("/Users/{}", user["id"].as_str().unwrap());
                let leave = json!([{"op": "replace", "value": {"active": false}}]);
                there.patch(&path, &patch(leave)).await.expect(200);
                here.delete(&path).await.expect(204);
            }
        });
    }
    writers.join_all().await;
    is_over.store(true, Ordering::SeqCst);
    let seen = reading.await.unwrap();
    let numbers: Vec<i64> = seen.iter().map(|event| event.seq).collect();
    let first = numbers[0];
    let expected: Vec<i64> = (first..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "dense and in order");
    let mut by_user: HashMap<String, Vec<String>> = HashMap::new();
    for event in &seen {
        if let Some(user) = event.user {
            let kind = event.kind.as_str();
            by_user.entry(user.to_string()).or_default().push(kind.to_owned());
        }
    }
    assert_eq!(by_user.len(), 16 * 8);
    for kinds in by_user.values() {
        assert_eq!(kinds, &["user.created", "user.deactivated", "user.deleted"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_right_after_a_storm() {
    for _ in 0..rounds() {
        count_after_a_storm().await;
    }
}

async fn count_after_a_storm() {
    let nodes = Nodes::start().await;
    let mut clients = JoinSet::new();
    for client in 0..16 {
        let (here, there) = (nodes.client(client), nodes.client(client + 1));
        clients.spawn(async move {
            for number in 0..8 {
                let user = here.create(&person(&format!("c{client}-{number}"))).await;
                let path = format!("/Users/{}", user["id"].as_str().unwrap());
                if number % 2 == 0 {
                    there.delete(&path).await.expect(204);
                } else if number % 4 == 1 {
                    let leave = json!([{"op": "replace", "value": {"active": false}}]);
                    there.patch(&path, &patch(leave)).await.expect(200);
                }
            }
        });
    }
    clients.join_all().await;
    for client in [&nodes.one.client, &nodes.two.client] {
        assert_eq!(client.get("/Users?count=0").await.expect(200)["totalResults"], 64);
    }
    let store = Store::open(&nodes.url.parse::<DatabaseUrl>().unwrap()).unwrap();
    let tenant = tenant(&nodes);
    let (active, placed) = store
        .read(|tx| {
            let settings = service::settings::all(tx, tenant)?;
            let profile = settings.profiles[0].id;
            let active = store::counts::get(tx, store::counts::Count::active(tenant))?;
            let placed = store::counts::get(tx, store::counts::Count::in_profile(tenant, profile))?;
            Ok::<_, service::Error>((active, placed))
        })
        .unwrap();
    assert_eq!((active, placed), (32, 128));
}

/// Two writers of one user: the second works on what the first left, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn patches_of_one_user_on_both_nodes_lose_nothing() {
    for _ in 0..rounds() {
        patch_one_user_on_both_nodes().await;
    }
}

async fn patch_one_user_on_both_nodes() {
    let nodes = Nodes::start().await;
    let user = nodes.one.client.create(&person("ava")).await;
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    let mut patches = JoinSet::new();
    for number in 0..32 {
        let (client, path) = (nodes.client(number), path.clone());
        patches.spawn(async move {
            let add =
                json!([{"op": "add", "path": "phoneNumbers", "value": [{"value": number.to_string()}]}]);
            client.patch(&path, &patch(add)).await.expect(200);
        });
    }
    patches.join_all().await;
    let all = nodes.two.client.get(&path).await.expect(200);
    assert_eq!(all["phoneNumbers"].as_array().unwrap().len(), 32);
    assert_eq!(all["meta"]["version"], "W/\"33\"");
}

/// Held users are looked after by one node, and by the other when that one is gone.
#[tokio::test(flavor = "multi_thread")]
async fn work_beside_requests_goes_on_when_a_node_is_gone() {
    let nodes = Nodes::start().await;
    nodes.stdout(&["connection", "set", "default", "--unmatched", "hold"]);
    nodes.stdout(&["mapping", "remove", "Everyone"]);
    nodes.two.client.create(&person("ava")).await;
    let Nodes {
        program,
        url,
        one,
        two,
        _database,
    } = nodes;
    one.kill();
    let add = [
        "mapping",
        "add",
        "All",
        "--any",
        "--profile",
        "default",
        "--storage",
        "default",
    ];
    program.stdout(&[&add[..], &["--database", &url]].concat());
    let since = crate::now();
    loop {
        let found = two.client.find("userName eq \"ava@example.com\"").await;
        let extension = &found[0]["urn:provost:params:scim:schemas:extension:directory:2.0:User"];
        if extension["status"] == "active" {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{found:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn tenant(nodes: &Nodes) -> directory::TenantId {
    let tenants = json(&nodes.stdout(&["tenant", "list", "--json"]));
    directory::TenantId::parse(tenants[0]["id"].as_str().unwrap()).unwrap()
}
