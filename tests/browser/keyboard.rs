//! The keyboard alone: the way to the content, menus that open and close, and an order that is changed.

use service::settings::profiles::ProfileChange;
use testkit::{Database, person};

use crate::Desk;

/// WebDriver's names of keys.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

/// Goes through the list of users, a menu and a form without a mouse.
pub(crate) async fn all_goes_without_a_mouse(database: Database) {
    let desk = Desk::signed_in(database).await;
    let browser = &desk.browser;
    desk.provost.profile("Gold", ProfileChange::default()).await;
    desk.provost.client.create(&person("ava")).await;
    desk.go("/console/users").await;
    browser.type_keys("body", TAB).await;
    assert_eq!(focused(&desk).await, "Skip to the content");
    browser.type_keys(":focus", ENTER).await;
    browser.type_keys("body", "/").await;
    let focus = browser.run("return document.activeElement.id").await;
    assert_eq!(focus, "search", "the key / leads to the search");
    browser.type_keys("#search", &format!("ava{ENTER}")).await;
    browser.sees("1 user").await;
    browser.run("document.querySelector('td a.main').focus()").await;
    browser.type_keys(":focus", ENTER).await;
    browser.sees("What Provost made of it").await;
    browser
        .run(
            "[...document.querySelectorAll('summary')].find((one) => one.textContent === 'Preserve').focus()",
        )
        .await;
    browser.type_keys(":focus", ENTER).await;
    browser.sees("can no longer work").await;
    browser.type_keys(":focus", ESCAPE).await;
    assert_eq!(browser.count("details.menu[open]").await, 0);
    assert_eq!(focused(&desk).await, "Preserve", "the focus is where it was");
    browser.type_keys(":focus", ENTER).await;
    browser.type_keys(":focus", TAB).await;
    assert_eq!(focused(&desk).await, "Preserve");
    browser.type_keys(":focus", ENTER).await;
    browser.sees("The account is preserved.").await;
    let outline = browser
        .run("document.querySelector('.head summary').focus({focusVisible: true}); return getComputedStyle(document.activeElement).outlineStyle")
        .await;
    assert_eq!(outline, "solid", "the focus is to be seen");
}

async fn focused(desk: &Desk) -> String {
    let text = desk
        .browser
        .run("return document.activeElement.textContent.trim()")
        .await;
    text.as_str().unwrap_or_default().to_owned()
}
