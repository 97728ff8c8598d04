//! What a request handed in, made into what the provisioning log keeps: without secrets, without the values of undeclared
//! attributes, and no longer than can be read.

use axum::extract::Query;
use axum::http::{HeaderValue, Method, Uri};
use directory::{Exchange, ExchangeDetail, GroupId, UserId};
use scim::{MemberChange, NOT_KEPT, Object, Patch, Schemas, json, member_ids};
use serde_json::Value;
use service::exchanges::user_name_in;
use store::Store;

use crate::app::BASE_PATH;
use crate::recorder::Sent;
use crate::scim::About;

/// Larger bodies are not read: their length is kept.
pub(crate) const MAX_READ: usize = 1024 * 1024;
/// Larger bodies are not kept, after they were shortened.
const MAX_KEPT: usize = 64 * 1024;
/// Of a longer list, so many values are kept.
const MAX_VALUES: usize = 50;
/// Of a longer text, so many letters are kept.
const MAX_LETTERS: usize = 1_000;
/// Parameters of a query whose values are kept.
const KEPT: [&str; 7] = [
    "startIndex",
    "count",
    "attributes",
    "excludedAttributes",
    "sortBy",
    "sortOrder",
    "cursor",
];
/// Members who are looked for, of those that a group was sent.
const MAX_MEMBERS: usize = 10_000;
/// What is shorter is no token and no API key, and no part of one that could be guessed from.
const SECRET_LENGTH: usize = 24;
/// Of members who were passed over, so many are named.
const MAX_NAMED: usize = 5;

/// The exchange as it is kept.
pub(crate) fn of(sent: Sent, store: &Store) -> Exchange {
    let full = sent.uri.path();
    let path = full.strip_prefix(BASE_PATH).unwrap_or(full);
    let is_of_groups = path.starts_with("/Groups");
    let is_search = path.ends_with("/.search");
    let groups;
    let schemas = if is_of_groups {
        groups = Schemas::groups();
        &groups
    } else {
        &*sent.settings.schemas
    };
    let body = sent.body.as_ref().and_then(|body| json::parse_object(body).ok());
    let query = query_of(&sent.uri, schemas);
    let user = match sent.about {
        Some(About::User(id)) => Some(id),
        _ => id_in(path, "/Users/").and_then(UserId::parse),
    };
    let user_name = match &body {
        Some(body) if !is_of_groups && !is_search => user_name_in(body).map(short),
        _ => None,
    };
    let group = match sent.about {
        Some(About::Group(id)) => Some(id),
        _ => id_in(path, "/Groups/").and_then(GroupId::parse),
    };
    let mut notes = Vec::new();
    if let (Some(group), Some(body), 200..=299) = (group, &body, sent.status) {
        notes.extend(passed_over(&sent, store, group, body));
    }
    let kept = body.and_then(|mut body| {
        if is_search {
            schemas.redact_search(&mut body);
        } else {
            schemas.redact(&mut body);
        }
        readable(body)
    });
    let (reason, scim_type) = sent.reason.map_or((None, None), |(reason, scim_type)| {
        (Some(masked(&reason)), scim_type.map(str::to_owned))
    });
    Exchange {
        id: sent.id,
        tenant: sent.tenant,
        connection: sent.connection,
        user,
        user_name,
        status: sent.status,
        detail: ExchangeDetail {
            at: sent.at,
            method: sent.method.to_string(),
            path: masked(&format!("{path}{query}")),
            micros: u64::try_from(sent.took.as_micros()).unwrap_or_default(),
            address: sent.address.map(|address| address.to_string()),
            agent: sent.agent.as_ref().and_then(agent_in),
            reason,
            scim_type,
            notes,
            body_bytes: sent.body_bytes,
            body: kept,
            purged: false,
        },
    }
}

/// What a client calls itself, no longer than needed.
pub(crate) fn agent(text: &str) -> &str {
    let end = text.char_indices().nth(200).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

fn agent_in(header: &HeaderValue) -> Option<String> {
    let text = header.to_str().ok().map(agent)?;
    // Somebody put a header's value into the wrong field.
    let is_misplaced = text.to_ascii_lowercase().contains("bearer ");
    Some(if is_misplaced {
        NOT_KEPT.to_owned()
    } else {
        masked(text)
    })
}

fn id_in<'p>(path: &'p str, before: &str) -> Option<&'p str> {
    path.strip_prefix(before)
}

/// A query, decoded; a filter without what it compares with, which is somebody's.
fn query_of(uri: &Uri, schemas: &Schemas) -> String {
    if uri.query().is_none() {
        return String::new();
    }
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return String::new();
    };
    let mut text = String::new();
    for (at, (name, value)) in pairs.into_iter().enumerate() {
        let is_known = KEPT.iter().any(|known| known.eq_ignore_ascii_case(&name));
        let kept = if is_known {
            short(&value)
        } else if name.eq_ignore_ascii_case("filter") {
            schemas.redact_filter(&value)
        } else {
            NOT_KEPT.to_owned()
        };
        text.push(if at == 0 { '?' } else { '&' });
        text.push_str(&short(&name));
        text.push('=');
        text.push_str(&kept);
    }
    text
}

/// Says which members a group was sent and does not have: who does not exist, or is another connection's, is passed over.
fn passed_over(sent: &Sent, store: &Store, group: GroupId, body: &Object) -> Option<String> {
    let mut wanted: Vec<String> = Vec::new();
    if sent.method == Method::PATCH {
        let (_, changes) = Patch::parse(body.clone()).ok()?.split_members().ok()?;
        for change in changes {
            match change {
                MemberChange::Add(ids) => wanted.extend(ids),
                MemberChange::Remove(ids) => wanted.retain(|id| !ids.contains(id)),
                MemberChange::Clear => wanted.clear(),
            }
        }
    } else {
        let (_, members) = body.iter().find(|(key, _)| key.eq_ignore_ascii_case("members"))?;
        wanted = member_ids(members).ok()?;
    }
    wanted.truncate(MAX_MEMBERS);
    let bytes: Vec<_> = wanted
        .iter()
        .filter_map(|id| UserId::parse(id.trim()))
        .map(|id| *id.as_bytes())
        .collect();
    let there = store
        .read(|tx| store::groups::members_among(tx, sent.tenant, group, &bytes))
        .ok()?;
    let is_there = |id: &String| UserId::parse(id.trim()).is_some_and(|id| there.contains(id.as_bytes()));
    let missing: Vec<_> = wanted.iter().filter(|id| !is_there(id)).collect();
    let named: Vec<_> = missing.iter().take(MAX_NAMED).map(|id| short(id)).collect();
    let count = missing.len();
    (count > 0).then(|| {
        let more = if count > MAX_NAMED { ", ..." } else { "" };
        format!(
            "{count} of {} members are not in the group a moment later: {}{more}. No user or group of this connection has their \
             id, or they have been taken out again. Push those people first, or assign the app to them.",
            wanted.len(),
            named.join(", ")
        )
    })
}

/// The body with long lists and texts cut; nothing where it is too large even so.
fn readable(mut body: Object) -> Option<Object> {
    body.values_mut().for_each(cut);
    (size_of(&body) <= MAX_KEPT).then_some(body)
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) if text.len() >= SECRET_LENGTH => *text = masked(&short(text)),
        Value::Array(values) => {
            let count = values.len();
            values.truncate(MAX_VALUES);
            values.iter_mut().for_each(cut);
            if count > MAX_VALUES {
                values.push(format!("(and {} more)", count - MAX_VALUES).into());
            }
        }
        Value::Object(parts) => parts.values_mut().for_each(cut),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// How large it is, about.
fn size_of(object: &Object) -> usize {
    object
        .iter()
        .map(|(key, value)| key.len() + size_of_value(value))
        .sum()
}

fn size_of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(size_of_value).sum(),
        Value::Object(parts) => size_of(parts),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_LETTERS) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}...", &text[..at]),
    }
}

/// The text without tokens and API keys that somebody put where they do not belong.
fn masked(text: &str) -> String {
    let mut kept = text.to_owned();
    for prefix in ["pvt_", "pvk_", "pvi_", "pvs_"] {
        let mut from = 0;
        while let Some(at) = kept[from..].find(prefix).map(|at| at + from) {
            let rest = &kept[at + prefix.len()..];
            let end = rest
                .find(|letter: char| !letter.is_ascii_alphanumeric())
                .unwrap_or(rest.len());
            if prefix.len() + end >= SECRET_LENGTH {
                kept.replace_range(at + prefix.len()..at + prefix.len() + end, NOT_KEPT);
            }
            from = at + prefix.len();
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_stands_elsewhere_is_masked() {
        let token = "pvt_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg123456";
        let kept = masked(&format!("/Users?token={token}&x=pvt_x {token}"));
        assert_eq!(kept, "/Users?token=pvt_(not kept)&x=pvt_x pvt_(not kept)");
    }

    #[test]
    fn a_long_list_is_cut() {
        let body = Object::from_iter([("members".to_owned(), vec![Value::from("x"); 500].into())]);
        let kept = readable(body).unwrap();
        let members = kept["members"].as_array().unwrap();
        assert_eq!(
            (members.len(), &members[50]),
            (51, &Value::from("(and 450 more)"))
        );
    }

    #[test]
    fn a_query_is_kept_without_what_is_somebodys() {
        let schemas = Schemas::standard();
        for (sent, kept) in [
            (
                "filter=userName%20eq%20%22ava%22&count=1",
                "?filter=userName eq \"...\"&count=1",
            ),
            ("filter=badge%20eq%20%22hunter2%22", "?filter=(not kept)"),
            ("badge=hunter2", "?badge=(not kept)"),
        ] {
            let uri: Uri = format!("/Users?{sent}").parse().unwrap();
            assert_eq!(query_of(&uri, &schemas), kept);
        }
    }
}
