//! `/groups`: what identity providers pushed.

use directory::{Group, GroupId, Settings, rfc3339};
use serde::Deserialize;
use serde_json::{Value, json};
use service::settings::named;
use store::groups;

use super::input::{Asking, Named};
use super::{Answer, json as answer};
use crate::access::caller::{Caller, ReadUsers};
use crate::access::problem::Problem;

/// The most groups in one answer, and the most members of one.
const MAX: usize = 500;
/// How many where nobody says.
const DEFAULT: usize = 50;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    connection: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /groups?connection=Okta&cursor=...&limit=50`: connection by connection.
pub(super) async fn list(caller: Caller<ReadUsers>, Asking(asked): Asking<Asked>) -> Answer {
    caller.demand_whole()?;
    let settings = caller.settings.clone();
    let only = match &asked.connection {
        Some(name) => Some(named(&settings.connections, name)?.id),
        None => None,
    };
    let limit = asked.limit.unwrap_or(DEFAULT).clamp(1, MAX);
    let start: usize = match &asked.cursor {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Problem::bad_request("The cursor is not one that this server gave; leave it out to begin.")
        })?,
    };
    let found = caller
        .app
        .store
        .scan(move |tx| service::groups::browse(tx, &settings, only, start, limit + 1))
        .await?;
    let next = (found.len() > limit).then(|| (start + limit).to_string());
    let shown: Vec<_> = found
        .iter()
        .take(limit)
        .map(|group| to_json(group, &caller.settings))
        .collect();
    Ok(answer(json!({"groups": shown, "next": next}).to_string()))
}

/// `GET /groups/{id}`: with its first members.
pub(super) async fn show(caller: Caller<ReadUsers>, Named(id): Named) -> Answer {
    caller.demand_whole()?;
    let settings = caller.settings.clone();
    let (group, members) = caller
        .app
        .store
        .scan(move |tx| {
            let group = service::groups::named(tx, &settings, &id, &[])?;
            let ids = groups::member_ids(tx, settings.tenant.id, group.id, MAX + 1)?;
            Ok::<_, service::Error>((group, ids))
        })
        .await?;
    let mut shown = to_json(&group, &caller.settings);
    let ids: Vec<_> = members
        .iter()
        .take(MAX)
        .filter_map(|id| GroupId::from_bytes(id))
        .collect();
    shown["members"] = json!(ids);
    shown["hasMore"] = (members.len() > MAX).into();
    Ok(answer(shown.to_string()))
}

fn to_json(group: &Group, settings: &Settings) -> Value {
    let connection = settings.connection(group.connection);
    json!({
        "id": group.id,
        "displayName": group.attributes.get("displayName"),
        "externalId": group.attributes.get("externalId"),
        "connection": connection.map(|connection| connection.name.as_str()),
        "created": rfc3339(group.created),
        "lastModified": rfc3339(group.modified),
    })
}
