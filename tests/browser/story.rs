//! What an administrator does, from the first link on.

use directory::Condition;
use scim::AttributePath;
use serde_json::json;
use service::settings::profiles::ProfileChange;
use simulator::{App, Plan};
use testkit::{Database, PASSWORD, person};
use totp_rs::{Algorithm, TOTP};

use crate::Desk;

/// Connects Okta by the wizard, which watches what it pushes; explains who is refused, lets them in by a mapping, preserves and
/// restores somebody, and reads the report.
pub(crate) async fn from_the_first_link_to_a_leaver_who_is_back(database: Database) {
    let desk = Desk::signed_in(database).await;
    let browser = &desk.browser;
    desk.provost.profile("Germany", ProfileChange::default()).await;
    desk.provost.without_everyone().await;
    let of = Condition::Attribute {
        path: AttributePath::parse("countryCode").unwrap(),
        values: vec!["DE".to_owned()],
        case_sensitive: false,
    };
    desk.provost.mapping("German staff", of, "Germany").await;
    browser.press("Connect an identity provider").await;
    browser.click("a[href$='kind=okta']").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Make the connection and its token").await;
    browser.sees("Waiting for the connection test").await;
    let token = browser.find("#secret").await.text().await.unwrap();
    assert!(token.starts_with("pvt_"), "{token}");
    let plan = Plan {
        url: desk.provost.client.base.clone(),
        token,
        app: App::OktaAiw,
        people: 8,
        seed: 3,
        concurrency: 2,
        custom: vec!["countryCode=DE,FR".parse().unwrap()],
        authority: None,
    };
    let playing = tokio::spawn(simulator::run(plan, || {}));
    browser.sees("Heard of it").await;
    browser.sees("came in").await;
    browser.sees("Refused:").await;
    playing.await.unwrap().unwrap();
    browser.press("What was sent").await;
    browser.sees("No mapping matched").await;
    browser.sees("add a mapping for these people").await;
    assert!(
        browser.text().await.contains("countryCode"),
        "the name of what was sent is there"
    );
    assert!(!browser.text().await.contains("\"FR\""), "and its value is not");
    desk.go("/console/users").await;
    let name = browser.find("td a.main").await.text().await.unwrap();
    browser.click("td a.main").await;
    browser.sees("German staff").await;
    browser.press("Preserve").await;
    browser.click("form[action$='/preserve'] button").await;
    browser.sees("The account is preserved.").await;
    assert_eq!(
        browser.find(".head .badge").await.text().await.unwrap(),
        "preserved"
    );
    browser.press("Activate").await;
    browser.click("form[action$='/activate'] button").await;
    browser.sees("The account is active again.").await;
    browser.sees("was activated by an administrator").await;
    desk.go("/console/reports/provisioning").await;
    browser.press("CSV").await;
    let csv = String::from_utf8(browser.downloaded("csv").await).unwrap();
    assert!(
        csv.starts_with("User name,Name,E-mail") && csv.contains(&name),
        "{csv}"
    );
    assert_eq!(
        csv.matches("German staff").count(),
        csv.lines().count() - 1,
        "{csv}"
    );
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// A mapping with chips, a filter that is marked while it is written, a preview, and an order by the buttons.
pub(crate) async fn a_mapping_is_made_with_a_look_before(database: Database) {
    let desk = Desk::signed_in(database).await;
    let browser = &desk.browser;
    desk.provost.profile("Sales", ProfileChange::default()).await;
    for (name, title) in [("ava", "Seller"), ("bob", "Clerk"), ("cyd", "Head, sales")] {
        let mut sent = person(name);
        sent["title"] = json!(title);
        desk.provost.client.create(&sent).await;
    }
    desk.go("/console/mappings").await;
    browser.press("New mapping").await;
    browser.fill("#name", "Sales people").await;
    browser.click("input[value=filter]").await;
    browser.fill("#filter", "title eq \"Seller\" xor").await;
    browser.sees("expected \"and\", \"or\" or the end").await;
    assert_eq!(
        browser.find("#filter-check mark").await.text().await.unwrap(),
        "xor"
    );
    browser.click("input[value=attribute]").await;
    browser.fill("#path", "title").await;
    browser
        .type_keys("#values-input", "Seller\u{e007}Head, sales\u{e007}")
        .await;
    assert_eq!(browser.count(".values-box .chip").await, 2);
    browser.choose("#profile", "Sales").await;
    browser.press("Preview").await;
    browser.sees("2 to what another mapping gives").await;
    assert_eq!(desk.provost.user("ava@example.com")["profile"], "default");
    browser.press("Add mapping").await;
    browser.sees("Saved. No user has changed by it.").await;
    browser.press("Apply to existing users").await;
    browser.press("Apply").await;
    browser.sees("2 users changed").await;
    assert_eq!(desk.provost.user("cyd@example.com")["profile"], "Sales");
    desk.go("/console/mappings").await;
    browser.click("button[aria-label='Move Sales people down']").await;
    browser.sees("never matches").await;
    browser.press("Try it").await;
    browser.fill("#user", "ava@example.com").await;
    browser.press("Try").await;
    browser
        .sees("The mapping Everyone gives the profile default")
        .await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// A search as one types, a selection that outlives the page, and a summary before it happens.
pub(crate) async fn many_are_selected_across_pages(database: Database) {
    let desk = Desk::signed_in(database).await;
    let browser = &desk.browser;
    for number in 0..60 {
        desk.provost
            .client
            .create(&person(&format!("somebody{number}")))
            .await;
    }
    desk.provost.client.create(&person("ava")).await;
    desk.go("/console/users").await;
    browser.type_keys("#search", "somebody5").await;
    browser.sees("11 users").await;
    assert!(
        browser.url().await.contains("search=somebody5"),
        "{}",
        browser.url().await
    );
    browser.run("history.back()").await;
    browser.sees("61 users").await;
    browser.click("tbody tr:nth-child(1) input[name=id]").await;
    browser.press("Next page").await;
    browser.sees("somebody59").await;
    browser.click("tbody tr:last-child input[name=id]").await;
    browser.sees("2 selected").await;
    browser.press("Go on…").await;
    browser.sees("Preserve 2 users?").await;
    browser.sees("until an administrator activates them").await;
    assert_eq!(desk.provost.user("ava@example.com")["status"], "active");
    browser.press("Preserve 2 users").await;
    browser.sees("2 users done").await;
    assert_eq!(desk.provost.user("ava@example.com")["status"], "preserved");
    assert_eq!(desk.provost.user("somebody0@example.com")["status"], "preserved");
    browser.press("Back to the users").await;
    browser.sees("61 users").await;
    assert_eq!(
        browser.count("#bulk-bar:not([hidden])").await,
        0,
        "the selection is over"
    );
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// One-time codes: set up by the page, asked for at the next sign-in, and a recovery code in their place.
pub(crate) async fn one_time_codes_are_read_from_the_picture(database: Database) {
    let desk = Desk::signed_in(database).await;
    let browser = &desk.browser;
    desk.go("/console/account").await;
    browser.press("Set them up").await;
    let path = browser
        .find("svg.qr path")
        .await
        .attr("d")
        .await
        .unwrap()
        .unwrap();
    assert!(path.len() > 1_000, "a picture");
    let secret = browser.find(".steps code").await.text().await.unwrap();
    let code = code_of(&secret);
    browser.fill("#code", &code).await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Turn on").await;
    browser.sees("Keep these recovery codes").await;
    let recovery = browser.find("#codes li").await.text().await.unwrap();
    browser.press("I have kept them").await;
    browser.sees("10 recovery codes are left").await;
    browser.press("Sign out").await;
    browser.sees("You are signed out.").await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.sees("with the code of your app").await;
    browser.fill("#password", PASSWORD).await;
    browser.fill("#code", &recovery).await;
    browser.press("Sign in").await;
    browser.sees("Users over time").await;
}

#[expect(clippy::disallowed_methods, reason = "a code is of its time")]
fn code_of(secret: &str) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let bytes = base32(secret);
    TOTP::new(Algorithm::SHA1, 6, 1, 30, bytes)
        .unwrap()
        .generate(now.as_secs())
}

/// RFC 4648 section 6, without padding.
fn base32(text: &str) -> Vec<u8> {
    let (mut bits, mut count, mut bytes) = (0_u64, 0, Vec::new());
    for letter in text.chars() {
        let value = match letter {
            'A'..='Z' => u64::from(letter) - u64::from('A'),
            letter => u64::from(letter) - u64::from('2') + 26,
        };
        bits = (bits << 5 | value) & 0xffff;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}
