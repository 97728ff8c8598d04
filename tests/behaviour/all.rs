//! Every behaviour, once; mounted for each database.

mod administrators;
mod backups;
mod connections;
mod console;
mod discovery;
mod group_mappings;
mod groups;
mod idp_requests;
mod leavers;
mod life_cycle;
mod lists;
mod manage;
mod mappings;
mod names;
mod people;
mod placement;
mod provisioning_log;
mod queries;
mod sequences;
mod tokens;
mod transport;
mod users;
mod versions;
mod wire;

pub(crate) async fn start() -> testkit::Provost {
    testkit::Provost::start(crate::DATABASE).await
}

/// The id of a resource.
pub(crate) fn id(user: &serde_json::Value) -> &str {
    user["id"].as_str().unwrap()
}

/// The path of a resource.
pub(crate) fn path(user: &serde_json::Value) -> String {
    format!("/Users/{}", id(user))
}
