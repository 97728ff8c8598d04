//! Questions: every way of finding people gives what the evaluator would, whichever index it goes by.

use std::cell::Cell;

use directory::{Ctx, Record, UserId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scim::filter::{Literal, Operator, Quotes};
use scim::list::Page;
use scim::{AttributePath, Filter, Object, Order, Sort};
use serde_json::{Value, json};
use service::users::{self, Query};
use store::users::{Scope, Walk};
use testkit::{Provost, patch, person};

use crate::{id, path, start};

/// Questions that are asked; more with `PROVOST_QUESTIONS`.
const QUESTIONS: u32 = 2_000;

/// Names that databases, patterns and scripts take each their own way.
const NAMES: [&str; 24] = [
    "ava",
    "Ava",
    "avalon",
    "Zoë",
    "ZOE",
    "Straße",
    "STRASSE",
    "李明",
    "李",
    "Мария",
    "мария",
    "50%",
    "5_0",
    "a\\b",
    "a'b",
    "a\"b",
    "x y",
    " pad ",
    "İstanbul",
    "ΣΊΣΥΦΟΣ",
    "a",
    "ab",
    "e\u{301}a",
    "ﬁne",
];

fn names() -> impl Strategy<Value = String> {
    let one = prop::sample::select(&NAMES[..]);
    prop_oneof![
        2 => one.clone().prop_map(str::to_owned),
        1 => (one.clone(), one).prop_map(|(left, right)| format!("{left}{right}")),
    ]
}

/// Somebody with `number`, so that the names differ that must.
fn somebody(number: usize) -> impl Strategy<Value = Value> {
    let email = (names(), prop::sample::select(vec!["work", "home"]))
        .prop_map(|(name, kind)| json!({"value": format!("{name}@Example.com"), "type": kind}));
    (
        names(),
        prop::option::of(names()),
        prop::option::of((names(), names())),
        prop::collection::vec(email, 0..3),
        any::<bool>(),
    )
        .prop_map(move |(user_name, display_name, name, emails, active)| {
            let mut user =
                json!({"userName": format!("{user_name}{number}"), "emails": emails, "active": active});
            if number.is_multiple_of(3) {
                user["externalId"] = format!("Id{number}").into();
            }
            if let Some(display_name) = display_name {
                user["displayName"] = display_name.into();
            }
            if let Some((given, family)) = name {
                user["name"] = json!({"givenName": given, "familyName": family});
            }
            user
        })
}

/// A part of a name, a whole one, or something else.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (names(), 0..4_usize, 1..6_usize)
            .prop_map(|(name, from, count)| name.chars().skip(from).take(count).collect()),
        2 => names(),
        1 => (names(), 0..60_usize).prop_map(|(name, number)| format!("{name}{number}")),
        1 => names().prop_map(|name| format!("{name}@example.COM")),
        1 => (0..60_usize).prop_map(|number| format!("Id{number}")),
    ]
}

fn compared(paths: Vec<&'static str>) -> impl Strategy<Value = Filter> {
    use Operator::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    let operator = prop::sample::select(vec![Eq, Eq, Co, Co, Sw, Sw, Ew, Ne, Gt, Ge, Lt, Le]);
    let path = prop::sample::select(paths).prop_map(|path| AttributePath::parse(path).unwrap());
    (path, operator, text())
        .prop_map(|(path, operator, text)| Filter::Compare(path, operator, Literal::Text(text)))
}

fn question() -> impl Strategy<Value = Filter> {
    let paths = vec![
        "userName",
        "USERNAME",
        "displayName",
        "name.givenName",
        "name.familyName",
        "name",
        "emails",
        "emails.value",
        "emails.type",
        "externalId",
        "id",
        "nickName",
        "active",
        "shoeSize",
        "urn:ietf:params:scim:schemas:core:2.0:User:displayName",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    ];
    let email = prop_oneof![
        compared(vec!["value", "type"]),
        (compared(vec!["value"]), compared(vec!["value", "type"]))
            .prop_map(|(left, right)| Filter::And(Box::new(left), Box::new(right))),
        (compared(vec!["value"]), compared(vec!["value"]))
            .prop_map(|(left, right)| Filter::Or(Box::new(left), Box::new(right))),
    ];
    let leaf = prop_oneof![
        6 => compared(paths),
        1 => email.prop_map(|inner| Filter::Element(AttributePath::parse("emails").unwrap(), Box::new(inner))),
        1 => Just(Filter::parse("active eq true", Quotes::Required).unwrap()),
        1 => Just(Filter::parse("displayName pr", Quotes::Required).unwrap()),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let two = || (inner.clone(), inner.clone());
        prop_oneof![
            two().prop_map(|(left, right)| Filter::And(Box::new(left), Box::new(right))),
            two().prop_map(|(left, right)| Filter::Or(Box::new(left), Box::new(right))),
            inner.clone().prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

fn query() -> impl Strategy<Value = Query> {
    let by = prop::sample::select(vec![
        "userName",
        "displayName",
        "emails",
        "name.familyName",
        "active",
        "meta.created",
    ]);
    let order = prop::sample::select(vec![Order::Ascending, Order::Descending]);
    let sort = (by, order).prop_map(|(by, order)| Sort {
        by: AttributePath::parse(by).unwrap(),
        order,
    });
    let page = (1..20_usize, 0..80_usize).prop_map(|(start_index, count)| Page { start_index, count });
    (
        prop::option::weighted(0.95, question()),
        prop::option::of(sort),
        page,
    )
        .prop_map(|(filter, sort, page)| Query { filter, sort, page })
}

/// What the evaluator says of everybody, one by one.
fn evaluated(everybody: &[(UserId, Object)], query: &Query, schemas: &scim::Schemas) -> (usize, Vec<UserId>) {
    let mut found: Vec<_> = everybody
        .iter()
        .filter(|(_, resource)| {
            query
                .filter
                .as_ref()
                .is_none_or(|filter| filter.matches(schemas, resource))
        })
        .collect();
    if let Some(sort) = &query.sort {
        found.sort_by(|(_, left), (_, right)| {
            let rank = |resource| sort.rank(schemas, resource);
            sort.compare(rank(left).as_ref(), rank(right).as_ref())
        });
    }
    let total = found.len();
    let page = found
        .into_iter()
        .map(|(id, _)| *id)
        .skip(query.page.start_index - 1)
        .take(query.page.count);
    (total, page.collect())
}

fn everybody(provost: &Provost, settings: &directory::Settings) -> Vec<(UserId, Object)> {
    let scope = Scope::Connection(settings.connections[0].id);
    let mut all: Vec<Record> = Vec::new();
    provost
        .store
        .read(|tx| {
            store::users::walk(tx, provost.tenant, scope, |record| {
                all.push(record);
                Walk::On
            })
        })
        .unwrap();
    all.iter()
        .map(|record| {
            (
                record.facts.id,
                serde_json::from_str(&record.to_scim(settings, None)).unwrap(),
            )
        })
        .collect()
}

#[test]
fn every_index_finds_what_the_evaluator_finds() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cases = option_env!("PROVOST_QUESTIONS")
        .and_then(|text| text.parse().ok())
        .unwrap_or(QUESTIONS);
    // Everybody is made anew now and then; half of them before the index looks, and half after.
    let rounds = 20;
    for _ in 0..rounds {
        ask(&runtime, cases / rounds);
    }
}

fn ask(runtime: &tokio::runtime::Runtime, cases: u32) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let mut drawn = |number| {
        use proptest::strategy::ValueTree;
        somebody(number).new_tree(&mut runner).unwrap().current()
    };
    let provost = runtime.block_on(async {
        let provost = start().await;
        let mut early = Vec::new();
        for number in 0..30 {
            early.push(provost.client.create(&drawn(number)).await);
        }
        provost.store.index_names().await.unwrap();
        for number in 30..50 {
            provost.client.create(&drawn(number)).await;
        }
        for (number, user) in early.iter().enumerate().take(10) {
            if number.is_multiple_of(5) {
                provost.client.delete(&path(user)).await.expect(204);
            } else {
                provost
                    .client
                    .put(&path(user), &drawn(100 + number))
                    .await
                    .expect(200);
            }
        }
        provost
    });
    let settings = provost
        .store
        .read(|tx| service::settings::all(tx, provost.tenant))
        .unwrap();
    let connection = settings.connections[0].id;
    let everybody = everybody(&provost, &settings);
    assert!(everybody.len() > 40, "{}", everybody.len());
    let ctx: Ctx = server::clock::context(directory::Actor::System, provost.tenant);
    let found_anybody = Cell::new(0);
    runner
        .run(&query(), |query| {
            let listing = provost
                .store
                .read(|tx| users::list(tx, &ctx, connection, &query))
                .unwrap();
            let found: Vec<_> = listing.records.iter().map(|record| record.facts.id).collect();
            let total = usize::try_from(listing.total).unwrap();
            found_anybody.set(found_anybody.get() + usize::from(!found.is_empty()));
            prop_assert_eq!((total, found), evaluated(&everybody, &query, &settings.schemas));
            Ok(())
        })
        .unwrap();
    assert!(found_anybody.get() > 5, "most questions must find somebody");
}

async fn order(provost: &Provost, query: &str) -> Vec<String> {
    let list = provost.client.get(&format!("/Users?{query}")).await.expect(200);
    list["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["displayName"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_list_comes_in_the_order_that_is_asked_for() {
    let provost = start().await;
    for (name, title) in [("bob", Some("Lead")), ("Ava", None), ("cyd", Some("agent"))] {
        let mut user = person(name);
        user["displayName"] = name.into();
        if let Some(title) = title {
            user["title"] = title.into();
        }
        provost.client.create(&user).await;
    }
    for (query, expected) in [
        ("sortBy=userName", ["Ava", "bob", "cyd"]),
        ("sortBy=USERNAME&sortOrder=descending", ["cyd", "bob", "Ava"]),
        ("sortBy=title", ["cyd", "bob", "Ava"]),
        ("sortBy=title&sortOrder=descending", ["Ava", "bob", "cyd"]),
        ("sortBy=emails.value&sortOrder=descending", ["cyd", "bob", "Ava"]),
        ("sortOrder=descending", ["bob", "Ava", "cyd"]),
    ] {
        assert_eq!(order(&provost, query).await, expected, "{query}");
    }
    assert_eq!(
        order(&provost, "sortBy=userName&startIndex=2&count=1").await,
        ["bob"]
    );
    let body = json!({"sortBy": "userName", "sortOrder": "descending", "count": 2});
    let list = provost.client.post("/Users/.search", &body).await.expect(200);
    assert_eq!(
        (&list["totalResults"], &list["Resources"][0]["displayName"]),
        (&json!(3), &json!("cyd"))
    );
    provost
        .client
        .get("/Users?sortBy=userName&sortOrder=up")
        .await
        .refused(400, "invalidValue");

    for name in ["zeta", "Alpha"] {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name});
        provost.client.post("/Groups", &body).await.expect(201);
    }
    let groups = provost.client.get("/Groups?sortBy=displayName").await.expect(200);
    assert_eq!(groups["Resources"][0]["displayName"], "Alpha");
    let config = provost.client.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config["sort"]["supported"], true);
}

#[tokio::test]
async fn a_part_of_a_name_finds_people_before_and_after_they_are_indexed() {
    let provost = start().await;
    let mut sent = person("zoe");
    sent["displayName"] = "Zoë Müller".into();
    let zoe = provost.client.create(&sent).await;
    let finds = |filter: &'static str| {
        let client = provost.client.clone();
        async move { client.find(filter).await.len() }
    };
    for _ in 0..2 {
        for filter in [
            "displayName co \"MÜLL\"",
            "userName co \"oe@ex\"",
            "emails co \"zoe\"",
            "displayName sw \"Z\"",
        ] {
            assert_eq!(finds(filter).await, 1, "{filter}");
        }
        provost.store.index_names().await.unwrap();
    }
    let renamed = patch(json!([{"op": "replace", "value": {"displayName": "Zoë Berg"}}]));
    provost.client.patch(&path(&zoe), &renamed).await.expect(200);
    for _ in 0..2 {
        assert_eq!(finds("displayName co \"müller\"").await, 0);
        assert_eq!(
            finds("displayName co \"berg\" or displayName co \"nobody\"").await,
            1
        );
        provost.store.index_names().await.unwrap();
    }
    let id = UserId::parse(id(&zoe)).unwrap();
    provost
        .admin(move |tx, ctx| users::purge(tx, ctx, id, "asked to be forgotten"))
        .await;
    for _ in 0..2 {
        assert_eq!(finds("displayName co \"berg\"").await, 0);
        provost.store.index_names().await.unwrap();
    }
}
