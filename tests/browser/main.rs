//! The console as a person uses it: real pages of a real server in a real Chromium, each story on both databases.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod keyboard;
mod pages;
mod story;

use std::path::Path;

use testkit::{Browser, Database, PASSWORD, Provost};

/// Mounts each story for each database.
macro_rules! on_both {
    ($($module:ident::$story:ident;)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                crate::$module::$story(testkit::Database::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $story() {
                crate::$module::$story(testkit::Database::Postgres).await;
            })*
        }
    };
}

on_both! {
    story::from_the_first_link_to_a_leaver_who_is_back;
    story::a_mapping_is_made_with_a_look_before;
    story::many_are_selected_across_pages;
    story::one_time_codes_are_read_from_the_picture;
    pages::no_page_has_a_barrier;
    keyboard::all_goes_without_a_mouse;
}

/// A server, and a browser at it.
struct Desk {
    provost: Provost,
    browser: Browser,
    root: String,
}

impl Desk {
    /// Nobody has signed in.
    async fn of(database: Database) -> Self {
        let provost = Provost::start(database).await;
        let root = provost.client.base.trim_end_matches("/scim/v2").to_owned();
        Self {
            browser: Browser::start().await,
            provost,
            root,
        }
    }

    /// The first owner has followed the one-time link.
    async fn signed_in(database: Database) -> Self {
        let desk = Self::of(database).await;
        desk.go(&format!("/console/invitation?token={}", desk.provost.invitation))
            .await;
        desk.browser.fill("#email", "ada@example.com").await;
        desk.browser.fill("#password", PASSWORD).await;
        desk.browser.fill("#again", PASSWORD).await;
        desk.browser.press("Sign in").await;
        desk.browser.sees("Overview").await;
        desk
    }

    async fn go(&self, path: &str) {
        self.browser.go(&format!("{}{path}", self.root)).await;
    }
}

/// axe-core as `scripts/axe` brought it.
fn axe() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/package/axe.min.js");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("there is no {}; run scripts/axe", path.display()))
}
