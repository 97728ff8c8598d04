//! One user: what the identity provider sent beside what Provost made of it, how it came to that, and what can be done.

use askama::Template;
use directory::{Action, Belonging, Exchange, Lifecycle, NameClaim, Record, Settings, Status, UserId, names};
use serde_json::Value;
use service::explain::Explained;
use service::feed::{self, Wanted};
use service::{exchanges, explain, groups};
use store::log::exchanges::Among;
use uuid::Uuid;

use super::exchange::Line;
use super::page::{Answer, Named, Page, Shell};
use super::timeline::{Entry, entries};
use super::view::{Markup, Row, absolute, maybe_when, plain, quota};
use crate::access::caller::{ReadUsers, Right};
use crate::access::problem::Problem;
use crate::manage::users::found;

/// How much of the history, and of the exchanges, the page shows.
const SHOWN: usize = 20;
/// Events among which those are.
const LOOKED: i64 = 2_000;

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage<'p> {
    shell: &'p Shell,
    settings: &'p Settings,
    row: Row,
    facts: Made,
    sent: Vec<(String, Vec<(String, String)>)>,
    explained: Vec<Explained>,
    groups: Vec<Belonging>,
    timeline: Vec<Entry>,
    older: Option<String>,
    exchanges: Vec<Line>,
    rights: Rights,
    can: Can,
}

/// What Provost made of a user.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that the page asks"
)]
struct Made {
    id: String,
    external_id: String,
    principal_name: String,
    principal_name_is_derived: bool,
    display_name_is_derived: bool,
    idp_state: &'static str,
    preserved_by: String,
    preserved_at: Markup,
    purge_at: Markup,
    purge_day: String,
    pinned: Vec<&'static str>,
    own_quota: bool,
    decided_at: String,
    mapping: String,
    mapping_is_gone: bool,
    decided: String,
    version: u64,
}

/// What the one who looks may see and do.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that the page asks"
)]
struct Rights {
    preserve: bool,
    change: bool,
    events: bool,
    exchanges: bool,
}

/// What can be done with the user as it is.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that the page asks"
)]
struct Can {
    preserve: bool,
    activate: bool,
    needs_override: bool,
    resolve: bool,
}

/// `GET /console/users/{user}`
pub(super) async fn show(page: Page<ReadUsers>, Named(user): Named) -> Answer {
    shown(&page, user).await
}

/// The page of a user, also after something was refused.
pub(super) async fn shown<R: Right>(page: &Page<R>, user: String) -> Answer {
    let caller = &page.caller;
    let record = found(caller, user).await?;
    let rights = Rights {
        preserve: page.shell.may(Action::PreserveUsers),
        change: page.shell.may(Action::ChangeUsers),
        events: page.shell.may(Action::ReadEvents) && !page.shell.is_limited,
        exchanges: page.shell.may(Action::ReadExchanges) && !page.shell.is_limited,
    };
    let (settings, asked, ctx) = (caller.settings.clone(), record.clone(), caller.ctx.clone());
    let with_events = rights.events;
    let (explained, belongings, (timeline, older)) = caller
        .app
        .store
        .scan(move |tx| {
            let mut explained = explain::of_user(tx, &settings, &asked)?;
            for one in &mut explained {
                one.because = plain(&one.because);
            }
            let belongings = groups::of_user(tx, &ctx, &asked)?;
            let wanted = Wanted {
                user: Some(asked.facts.id),
                ..Wanted::default()
            };
            let history = if with_events {
                let latest = feed::latest(tx, &ctx, &wanted, None, SHOWN, LOOKED)?;
                let older = latest.older.map(|older| older.to_string());
                (entries(tx, &ctx, &settings, &latest.events)?, older)
            } else {
                (Vec::new(), None)
            };
            Ok::<_, service::Error>((explained, belongings, history))
        })
        .await?;
    let exchanges = if rights.exchanges {
        last_exchanges(page, record.facts.id).await?
    } else {
        Vec::new()
    };
    let settings = &caller.settings;
    page.shows(&UserPage {
        row: Row::of(&record, settings, page.shell.now),
        facts: made(&record, settings, page.shell.now),
        sent: sent(&record),
        can: can(&record),
        groups: belongings
            .into_iter()
            .map(|one| Belonging {
                display: plain(&one.display),
                ..one
            })
            .collect(),
        shell: &page.shell,
        settings,
        explained,
        timeline,
        older,
        exchanges,
        rights,
    })
}

async fn last_exchanges<R: Right>(page: &Page<R>, user: UserId) -> Result<Vec<Line>, Problem> {
    let wanted = exchanges::Wanted {
        among: Among::User(user),
        before: Uuid::max(),
        limit: SHOWN,
    };
    let tenant = page.caller.ctx.tenant;
    let found = page
        .caller
        .app
        .store
        .read_log(move |tx| exchanges::page(tx, tenant, &wanted))
        .await?;
    let line = |exchange: &Exchange| Line::of(exchange, &page.caller.settings, page.shell.now);
    Ok(found.exchanges.iter().map(line).collect())
}

fn made(record: &Record, settings: &Settings, now: directory::Timestamp) -> Made {
    let facts = &record.facts;
    let user = record.clone().open();
    let display_name = user.display_name();
    let principal_name = names::user_principal_name(&user.attributes);
    let preservation = facts.lifecycle.preservation();
    let decision = facts.placement.decision.as_ref();
    let is_there = |id: &str| {
        settings
            .mappings
            .iter()
            .any(|mapping| mapping.id.to_string() == id)
    };
    Made {
        id: facts.id.to_string(),
        external_id: user.external_id().map(plain).unwrap_or_default(),
        principal_name_is_derived: principal_name.is_none(),
        principal_name: plain(principal_name.unwrap_or(&display_name)),
        display_name_is_derived: facts.display_name_derived,
        idp_state: facts.lifecycle.idp_state().name(),
        preserved_by: preservation.map(|one| plain(&one.by)).unwrap_or_default(),
        preserved_at: maybe_when(preservation.map(|one| one.at), now),
        purge_at: maybe_when(preservation.and_then(|one| one.purge_at), now),
        purge_day: preservation
            .and_then(|one| one.purge_at)
            .map(super::view::day)
            .unwrap_or_default(),
        pinned: facts.placement.pins.names(),
        own_quota: facts.placement.own_quota.is_some(),
        decided_at: decision
            .and_then(|decision| decision.at.parse().ok())
            .map(absolute)
            .unwrap_or_default(),
        mapping: decision
            .map(|decision| decision.mapping_name.clone())
            .unwrap_or_default(),
        mapping_is_gone: decision.is_some_and(|decision| !is_there(&decision.mapping)),
        decided: decision.map(decided).unwrap_or_default(),
        version: facts.version,
    }
}

fn decided(decision: &directory::Decision) -> String {
    let quota = decision.quota.map_or_else(
        || "the profile's quota".to_owned(),
        |bytes| quota(Some(directory::Bytes::new(bytes))),
    );
    format!("{}, {}, {quota}", decision.profile, decision.storage)
}

fn can(record: &Record) -> Can {
    let facts = &record.facts;
    let lifecycle = &facts.lifecycle;
    let is_preserved = lifecycle.status() == Status::Preserved;
    let says_no = lifecycle.idp_state() != directory::IdpState::Active && facts.connection.is_some();
    Can {
        preserve: !matches!(
            lifecycle,
            Lifecycle::Preserved {
                hold: directory::Hold::Administrator,
                ..
            }
        ),
        activate: lifecycle.status() != Status::Active,
        needs_override: is_preserved && says_no,
        resolve: is_preserved && facts.name_claim == NameClaim::Kept,
    }
}

/// What the identity provider sent, schema by schema, each attribute as text.
fn sent(record: &Record) -> Vec<(String, Vec<(String, String)>)> {
    let attributes = record.clone().open().shown_attributes();
    let mut core = Vec::new();
    let mut parts = Vec::new();
    for (name, value) in &attributes {
        match value {
            Value::Object(extension) if name.contains(':') => {
                let title = name.rsplit(':').nth(2).unwrap_or(name).to_owned();
                let lines = extension.iter().map(|(name, value)| (name.clone(), told(value)));
                parts.push((title, lines.collect()));
            }
            _ => core.push((name.clone(), told(value))),
        }
    }
    parts.insert(0, ("core".to_owned(), core));
    parts
}

/// A value in a line or a few.
pub(super) fn told(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Array(values) => values.iter().map(told).collect::<Vec<_>>().join("\n"),
        Value::Object(parts) => {
            let main = parts.get("value").and_then(Value::as_str).map(plain);
            let rest = parts.iter().filter(|(name, value)| {
                (main.is_none() || *name != "value") && *name != "$ref" && **value != Value::Bool(false)
            });
            let rest: Vec<_> = rest
                .map(|(name, value)| match (value, main.is_some()) {
                    (Value::Bool(true), _) => name.clone(),
                    (value, true) if name == "type" => told(value),
                    (value, _) => format!("{name} {}", told(value)),
                })
                .collect();
            match (main, rest.is_empty()) {
                (Some(main), true) => main,
                (Some(main), false) => format!("{main} ({})", rest.join(", ")),
                (None, _) => rest.join(", "),
            }
        }
        other => other.to_string(),
    }
}
