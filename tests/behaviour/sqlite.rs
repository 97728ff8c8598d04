//! What clients and people see, on SQLite.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod connections;
mod discovery;
mod idp_requests;
mod leavers;
mod life_cycle;
mod lists;
mod mappings;
mod names;
mod people;
mod placement;
mod sequences;
mod tokens;
mod transport;
mod users;
mod wire;

const DATABASE: testkit::Database = testkit::Database::Sqlite;

async fn start() -> testkit::Provost {
    testkit::Provost::start(DATABASE).await
}

/// The id of a resource.
fn id(user: &serde_json::Value) -> &str {
    user["id"].as_str().unwrap()
}

/// The path of a resource.
fn path(user: &serde_json::Value) -> String {
    format!("/Users/{}", id(user))
}
