//! What happened, newest first, in words: of one user, or of everybody.

use askama::Template;
use directory::{Ctx, Settings, names};
use serde::Deserialize;
use serde_json::Value;
use service::feed::{self, Cursor, Wanted};
use store::Tx;
use store::events::Recorded;
use store::users::{Scope, by_id};

use super::page::{Answer, Named, Page, Query, Shell};
use super::view::{Markup, plain, when};
use crate::access::caller::ReadEvents;
use crate::access::problem::Problem;
use crate::manage::users::found;

/// How many at once.
const PAGE: usize = 50;
/// Events among which those are.
const LOOKED: i64 = 20_000;

/// One thing that happened.
pub(super) struct Entry {
    pub(super) at: Markup,
    pub(super) kind: String,
    pub(super) class: &'static str,
    pub(super) text: String,
    pub(super) actor: String,
    pub(super) user: Option<String>,
    pub(super) user_name: String,
    pub(super) changes: Vec<String>,
    pub(super) request: String,
    pub(super) acknowledged: Vec<String>,
}

/// Events in words.
pub(super) fn entries(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    events: &[(Cursor, Recorded)],
) -> Result<Vec<Entry>, service::Error> {
    let acknowledged = feed::acknowledged(tx, ctx, events)?;
    let mut entries = Vec::with_capacity(events.len());
    for ((_, event), consumers) in events.iter().zip(acknowledged) {
        let user = match event.user {
            Some(id) => by_id(tx, ctx.tenant, Scope::All, id)?,
            None => None,
        };
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let done = consumers.iter().map(|one| {
            let seconds = one.at.duration_since(event.at).as_secs().max(0);
            format!("{} was done {seconds} s later", plain(&one.consumer))
        });
        entries.push(Entry {
            at: when(event.at, ctx.now),
            class: class_of(&event.kind),
            text: words(&event.kind, &data, settings),
            kind: event.kind.clone(),
            actor: plain(&event.actor),
            user: event.user.map(|id| id.to_string()),
            user_name: match &user {
                Some(user) => plain(&names::safe(&user.clone().open().display_name())),
                None if event.user.is_some() => "a purged user".to_owned(),
                None => String::new(),
            },
            changes: changes(&data),
            request: event.request_id.to_string(),
            acknowledged: done.collect(),
        });
    }
    Ok(entries)
}

fn class_of(kind: &str) -> &'static str {
    match kind {
        "user.created" | "user.activated" | "user.reactivated" | "user.admitted" => "good",
        "user.deactivated" | "user.deleted" | "user.preserved" => "left",
        "user.purged" | "alarm.raised" | "token.revoked" => "bad",
        _ => "plain",
    }
}

/// What an event says, in a few words.
fn words(kind: &str, data: &Value, settings: &Settings) -> String {
    let named = |pointer: &str| {
        data.pointer(pointer)
            .and_then(Value::as_str)
            .map(plain)
            .unwrap_or_default()
    };
    let connection = |pointer: &str| {
        let id = data
            .pointer(pointer)
            .and_then(Value::as_str)
            .and_then(directory::ConnectionId::parse);
        id.and_then(|id| settings.connection(id))
            .map_or("a connection that is gone".to_owned(), |one| one.name.to_string())
    };
    match kind {
        "user.created" => "was created".to_owned(),
        "user.updated" => "was updated".to_owned(),
        "user.deactivated" => "was deactivated, and is preserved".to_owned(),
        "user.deleted" => "was deleted in the identity provider, and is preserved".to_owned(),
        "user.reactivated" => "came back".to_owned(),
        "user.preserved" => "was preserved by an administrator".to_owned(),
        "user.activated" => "was activated by an administrator".to_owned(),
        "user.purged" => format!("was removed for good: {}", named("/reason")),
        "user.legal_hold" => "had its legal hold changed".to_owned(),
        "user.admitted" => "was held, and is active now".to_owned(),
        "user.placed" => "had its place set or freed".to_owned(),
        "user.moved" => "moved to another profile or quota".to_owned(),
        "user.resolved" => "was told apart from a namesake".to_owned(),
        "user.adopted" => "came under a connection".to_owned(),
        "user.transferred" => "was put under another connection".to_owned(),
        "user.released" => "is managed by nobody now".to_owned(),
        "token.created" => format!("a token of {} was made", connection("/token/connection")),
        "token.revoked" => format!("a token of {} was revoked", connection("/token/connection")),
        "alarm.raised" => format!(
            "many users of {} left at once; purges wait",
            named("/alarm/connection")
        ),
        "alarm.ended" => format!("the alarm about {} ended", named("/alarm/connection")),
        "administrator.signed_in" => "signed in".to_owned(),
        "administrator.invited" => format!("{} was invited", named("/administrator/email")),
        "administrator.joined" => format!("{} joined", named("/administrator/email")),
        "administrator.changed" => format!("{} was changed", named("/administrator/email")),
        "administrator.removed" => format!("{} was removed", named("/administrator/email")),
        "key.created" => format!("the API key {} was made", named("/key/name")),
        "key.revoked" => format!("the API key {} was revoked", named("/key/name")),
        "refusal.dismissed" => "a refusal was put aside".to_owned(),
        other => {
            let (thing, verb) = other.split_once('.').unwrap_or((other, ""));
            let name = data.as_object().into_iter().flatten().find_map(|(_, one)| {
                let name = one.get("name").or_else(|| one.get("displayName"))?;
                name.as_str().map(plain)
            });
            let thing = match thing {
                "setting" => data
                    .as_object()
                    .and_then(|all| all.keys().next().cloned())
                    .unwrap_or_default(),
                thing => thing.to_owned(),
            };
            format!("{thing} {} {}", name.unwrap_or_default(), verb.replace('_', " "))
        }
    }
}

/// What was there before of what changed: `title: Clerk → Head clerk`.
fn changes(data: &Value) -> Vec<String> {
    let Some(before) = data.get("before").and_then(Value::as_object) else {
        return Vec::new();
    };
    let now = data.as_object().into_iter().flatten();
    let now = now
        .filter(|(name, _)| *name != "before")
        .map(|(_, thing)| thing)
        .next();
    let mut told = Vec::new();
    for (name, was) in before {
        let is = now.and_then(|thing| thing.get(name)).unwrap_or(&Value::Null);
        match (was, is) {
            (Value::Object(was), Value::Object(is)) if name.contains(':') => {
                told.extend(
                    was.iter()
                        .map(|(name, was)| change(name, was, is.get(name).unwrap_or(&Value::Null))),
                );
            }
            _ => told.push(change(name, was, is)),
        }
    }
    told.retain(|one| !one.is_empty());
    told.truncate(8);
    told
}

fn change(name: &str, was: &Value, is: &Value) -> String {
    let name = name.rsplit(':').next().unwrap_or(name);
    if was == is {
        return String::new();
    }
    format!("{name}: {} → {}", short(was), short(is))
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => return "–".to_owned(),
        other => super::user::told(other),
    };
    let text = plain(&text);
    if text.chars().count() > 60 {
        text.chars().take(59).chain(['…']).collect()
    } else {
        text
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    before: String,
}

/// A part of the history that is older.
#[derive(Template)]
#[template(path = "timeline.html")]
struct Older<'p> {
    shell: &'p Shell,
    name: String,
    id: String,
    entries: Vec<Entry>,
    next: Option<String>,
}

/// `GET /console/users/{user}/timeline?before=CURSOR`
pub(super) async fn show(page: Page<ReadEvents>, Named(user): Named, Query(asked): Query<Asked>) -> Answer {
    let caller = &page.caller;
    let record = found(caller, user).await?;
    let wanted = Wanted {
        user: Some(record.facts.id),
        ..Wanted::default()
    };
    let (entries, next) = before(&page, wanted, asked.before).await?;
    let older = Older {
        shell: &page.shell,
        name: plain(&names::safe(&record.clone().open().display_name())),
        id: record.facts.id.to_string(),
        entries,
        next,
    };
    page.shows(&older)
}

/// A page of those that are wanted, before a cursor or up to now, and where it goes on.
pub(super) async fn before(
    page: &Page<ReadEvents>,
    wanted: Wanted,
    cursor: String,
) -> Result<(Vec<Entry>, Option<String>), Problem> {
    let caller = &page.caller;
    let cursor = Some(cursor).filter(|text| !text.is_empty());
    let before = cursor.map(|text| text.parse::<Cursor>()).transpose()?;
    let (ctx, settings) = (caller.ctx.clone(), caller.settings.clone());
    let found = caller.app.store.scan(move |tx| {
        let latest = feed::latest(tx, &ctx, &wanted, before, PAGE, LOOKED)?;
        let next = latest.older.map(|older| older.to_string());
        Ok::<_, service::Error>((entries(tx, &ctx, &settings, &latest.events)?, next))
    });
    Ok(found.await?)
}
