//! Pictures of every page of the console, light and dark, on a desktop and a telephone: `scripts/screenshots FOLDER`.

#![expect(clippy::unwrap_used, reason = "a picture that cannot be taken has failed")]

use std::path::{Path, PathBuf};

use directory::{Condition, Ctx};
use scim::schema::Type;
use serde_json::json;
use service::settings::attributes;
use service::settings::profiles::ProfileChange;
use simulator::{App, Plan};
use store::Tx;
use testkit::{Browser, Database, Provost, Scheme};

/// Pages, by the names of their pictures.
const PAGES: [(&str, &str); 26] = [
    ("overview", "/console/"),
    ("users", "/console/users"),
    (
        "users-filtered",
        "/console/users?status=preserved&columns=email&columns=status&columns=purge&columns=profile",
    ),
    ("users-none", "/console/users?search=nobody"),
    ("user-new", "/console/users/new"),
    ("user", "USER"),
    ("groups", "/console/groups"),
    ("mappings", "/console/mappings"),
    ("mapping-new", "/console/mappings/new"),
    ("mapping", "/console/mappings/German%20staff"),
    ("try", "/console/mappings/try"),
    ("apply", "/console/mappings/apply"),
    ("profiles", "/console/profiles"),
    ("profile", "/console/profiles/Germany"),
    ("storages", "/console/storages"),
    ("activity", "/console/activity"),
    ("log", "/console/activity/log"),
    ("exchange", "EXCHANGE"),
    ("audit", "/console/activity/audit"),
    ("reports", "/console/reports"),
    ("report", "/console/reports/provisioning"),
    ("report-mappings", "/console/reports/mappings"),
    ("settings", "/console/settings"),
    ("connection", "/console/settings/connections/Okta"),
    ("administrators", "/console/settings/administrators"),
    ("connect", "/console/connect"),
];

#[tokio::main]
async fn main() {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "screenshots".to_owned()),
    );
    let only = std::env::args().nth(2).unwrap_or_default();
    std::fs::create_dir_all(&folder).unwrap();
    let provost = furnished().await;
    let browser = Browser::start().await;
    let root = provost.client.base.trim_end_matches("/scim/v2").to_owned();
    browser.look(1440, 900, Scheme::Light).await;
    browser
        .go(&format!("{root}/console/invitation?token={}", provost.invitation))
        .await;
    picture(&browser, &folder, "invitation").await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#password", "correct horse battery").await;
    browser.fill("#again", "correct horse battery").await;
    browser.press("Sign in").await;
    browser.sees("Overview").await;
    for (scheme, word) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        for (width, height, size) in [(1440, 900, "desktop"), (390, 844, "phone")] {
            browser.look(width, height, scheme).await;
            for (name, path) in PAGES.iter().filter(|(name, _)| only.is_empty() || *name == only) {
                let path = match *path {
                    "USER" => a_user(&browser, &root).await,
                    "EXCHANGE" => an_exchange(&browser, &root).await,
                    path => path.to_owned(),
                };
                browser.go(&format!("{root}{path}")).await;
                tokio::time::sleep(std::time::Duration::from_millis(250)).await;
                picture(&browser, &folder, &format!("{name}-{size}-{word}")).await;
            }
        }
    }
    if only.is_empty() {
        guide(&browser, &root, &folder).await;
    }
}

async fn guide(browser: &Browser, root: &str, folder: &Path) {
    browser.look(1440, 900, Scheme::Light).await;
    browser
        .go(&format!("{root}/console/connect/new?kind=entra"))
        .await;
    browser.fill("#password", "correct horse battery").await;
    picture(browser, folder, "connect-name").await;
    browser.press("Make the connection and its token").await;
    browser.sees("What Provost sees").await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    picture(browser, folder, "connect-guide").await;
    browser.go(&format!("{root}/console/connect/Okta")).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    picture(browser, folder, "connect-okta").await;
    browser.go(&format!("{root}/console/account/codes")).await;
    picture(browser, folder, "codes").await;
    browser.go(&format!("{root}/console/account")).await;
    picture(browser, folder, "account").await;
    browser.press("Sign out").await;
    picture(browser, folder, "sign-in").await;
}

async fn picture(browser: &Browser, folder: &Path, name: &str) {
    std::fs::write(folder.join(format!("{name}.png")), browser.picture().await).unwrap();
}

async fn a_user(browser: &Browser, root: &str) -> String {
    browser.go(&format!("{root}/console/users")).await;
    let link = browser.find("td a.main").await;
    link.attr("href").await.unwrap().unwrap()
}

async fn an_exchange(browser: &Browser, root: &str) -> String {
    browser
        .go(&format!("{root}/console/activity/log?refused=true"))
        .await;
    let link = browser.find("td a.main").await;
    link.attr("href").await.unwrap().unwrap()
}

/// A server with people of three countries, of whom one is refused.
async fn furnished() -> Provost {
    let provost = Provost::start(Database::Sqlite).await;
    let client = provost.connect("Okta").await;
    let germany = ProfileChange {
        max_users: Some(20),
        quota: Some("50GB".parse().unwrap()),
        purge_days: Some(90),
        ..ProfileChange::default()
    };
    provost.profile("Germany", germany).await;
    provost.profile("France", ProfileChange::default()).await;
    let declare = |tx: &mut Tx<'_>, ctx: &Ctx| attributes::add(tx, ctx, "countryCode", None, Type::String);
    provost.admin(declare).await;
    let of = |value: &str| Condition::Attribute {
        path: scim::AttributePath::parse("countryCode").unwrap(),
        values: vec![value.to_owned()],
        case_sensitive: false,
    };
    provost.mapping("German staff", of("DE"), "Germany").await;
    provost.mapping("French staff", of("FR"), "France").await;
    provost.without_everyone().await;
    let plan = Plan {
        url: client.base.clone(),
        token: client.token.clone(),
        app: App::OktaAiw,
        people: 40,
        seed: 7,
        concurrency: 4,
        custom: vec!["countryCode=DE,FR,DE,PT".parse().unwrap()],
        authority: None,
    };
    simulator::run(plan, || {}).await.unwrap();
    let people = client.get("/Users?startIndex=4&count=4").await.expect(200);
    for person in people["Resources"].as_array().unwrap() {
        let leaving = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "value": {"active": false}}]});
        let path = format!("/Users/{}", person["id"].as_str().unwrap());
        client.patch(&path, &leaving).await.expect(200);
    }
    tokio::time::sleep(std::time::Duration::from_secs(12)).await;
    provost
}
