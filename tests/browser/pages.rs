//! Every page by axe-core, light and dark, wide and narrow: no barrier, no complaint of the browser, nothing beside the screen.

use serde_json::{Value, json};
use service::settings::profiles::ProfileChange;
use testkit::{Database, Scheme, person};

use crate::{Desk, axe};

const PAGES: [&str; 35] = [
    "/console/",
    "/console/attention",
    "/console/users",
    "/console/users?status=preserved&columns=email&columns=status&columns=purge",
    "/console/users?search=nobody",
    "/console/users/new",
    "USER",
    "/console/groups",
    "GROUP",
    "/console/mappings",
    "/console/mappings/new",
    "/console/mappings/Everyone",
    "/console/mappings/try",
    "/console/mappings/apply",
    "/console/profiles",
    "/console/profiles/Gold",
    "/console/storages",
    "/console/storages/default",
    "/console/activity",
    "/console/activity/log",
    "EXCHANGE",
    "/console/activity/audit",
    "/console/reports",
    "/console/reports/provisioning",
    "/console/reports/weekly",
    "/console/reports/mappings",
    "/console/connect",
    "/console/connect/new?kind=okta",
    "/console/connect/default",
    "/console/settings",
    "/console/settings/connections",
    "/console/settings/connections/default",
    "/console/settings/administrators",
    "/console/settings/keys",
    "/console/account",
];

/// Runs axe over every page.
pub(crate) async fn no_page_has_a_barrier(database: Database) {
    let desk = Desk::of(database).await;
    let axe = axe();
    desk.go("/console/sign-in").await;
    let mut barriers = check(&desk, &axe, "/console/sign-in").await;
    let desk = Desk::signed_in(database).await;
    furnish(&desk).await;
    for (scheme, width) in [(Scheme::Light, 1280), (Scheme::Dark, 1280), (Scheme::Light, 360)] {
        desk.browser.look(width, 800, scheme).await;
        for page in PAGES {
            let path = match page {
                "USER" => first(&desk, "/console/users").await,
                "GROUP" => first(&desk, "/console/groups").await,
                "EXCHANGE" => first(&desk, "/console/activity/log?refused=true").await,
                page => page.to_owned(),
            };
            desk.go(&path).await;
            // A part of a page has no head, which says what a telephone makes of it.
            if page == "/console/attention" {
                continue;
            }
            barriers.extend(check(&desk, &axe, page).await);
            let wide = desk
                .browser
                .run("return document.documentElement.scrollWidth")
                .await;
            // The window's own width grows with what hangs over on a telephone.
            let is_within = wide.as_u64().unwrap() <= u64::from(width);
            assert!(is_within, "{page} is {wide} wide on {width}");
        }
    }
    assert!(barriers.is_empty(), "{barriers:#?}");
    assert_eq!(desk.browser.complaints().await, Vec::<String>::new());
}

/// What axe finds wrong with the page that is shown.
async fn check(desk: &Desk, axe: &str, page: &str) -> Vec<Value> {
    // The policy of the page allows no script but its own; the driver's stand outside of it.
    desk.browser.run(axe).await;
    let found = desk
        .browser
        .run_later("const done = arguments[arguments.length - 1]; axe.run(document, {resultTypes: ['violations']}).then((found) => done(found.violations));")
        .await;
    let violations = found.as_array().unwrap().iter();
    violations
        .map(|one| json!({"page": page, "rule": one["id"], "help": one["help"], "where": one["nodes"][0]["html"], "why": one["nodes"][0]["failureSummary"]}))
        .collect()
}

async fn first(desk: &Desk, list: &str) -> String {
    desk.go(list).await;
    let link = desk.browser.find("td a.main").await;
    link.attr("href").await.unwrap().unwrap()
}

/// Some of everything.
async fn furnish(desk: &Desk) {
    let provost = &desk.provost;
    let gold = ProfileChange {
        max_users: Some(2),
        ..ProfileChange::default()
    };
    provost.profile("Gold", gold).await;
    let ava = provost.client.create(&person("ava")).await;
    let bob = provost.client.create(&person("bob")).await;
    provost
        .client
        .delete(&format!("/Users/{}", bob["id"].as_str().unwrap()))
        .await;
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Staff", "members": [{"value": ava["id"]}]});
    provost.client.post("/Groups", &group).await.expect(201);
    provost
        .client
        .post("/Users", &json!({"userName": ""}))
        .await
        .expect(400);
    provost
        .client
        .post(
            "/Users",
            &json!({"userName": "ava@example.com", "externalId": "else"}),
        )
        .await
        .expect(409);
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
}
