//! What goes on: the people whom a refusal keeps out and the namesakes first, then what identity providers send, and who changed
//! what.

use askama::Template;
use directory::{Exchange, RefusedPerson, Settings, Timestamp, UserId};
use serde::Deserialize;
use service::exchanges::{self, Wanted};
use service::feed;
use service::users;
use uuid::Uuid;

use super::exchange::Line;
use super::page::{Answer, Named, Page, Query, Sent, Shell, see_other};
use super::sign_in::Nothing;
use super::timeline::{Entry, before};
use super::view::{Markup, Row, encoded, number, plain, when};
use crate::access::caller::{DismissRefusals, ReadEvents, ReadExchanges};
use crate::manage::exchanges::{kept_out, put_aside};

/// How many at once.
const PAGE: usize = 50;

/// Somebody who is kept out.
struct Refused {
    id: String,
    user_name: String,
    user: Option<String>,
    connection: String,
    since: Markup,
    last: Markup,
    times: String,
    reason: String,
    exchange: String,
    would_admit: Option<String>,
    /// The user whom the reason names: somebody else, often, who has the name.
    about: Option<String>,
}

/// Two who have, or had, the same name.
struct Pair {
    former: Row,
    present: Row,
}

#[derive(Template)]
#[template(path = "activity.html")]
struct Attention<'p> {
    shell: &'p Shell,
    refused: Vec<Refused>,
    next: Option<String>,
    pairs: Vec<Pair>,
    may_change: bool,
    may_dismiss: bool,
}

#[derive(Deserialize)]
pub(super) struct From {
    /// Milliseconds since 1970.
    #[serde(default)]
    before: String,
}

/// `GET /console/activity`
pub(super) async fn attention(page: Page<ReadExchanges>, Query(from): Query<From>) -> Answer {
    let caller = &page.caller;
    let tenant = caller.ctx.tenant;
    let before = from
        .before
        .parse()
        .ok()
        .and_then(|at| Timestamp::from_millisecond(at).ok());
    let (kept, next) = kept_out(&caller.app, tenant, None, before.unwrap_or(Timestamp::MAX), PAGE).await?;
    let pairs = caller
        .app
        .store
        .scan(move |tx| users::namesakes(tx, tenant, PAGE))
        .await?;
    let (settings, now) = (&caller.settings, page.shell.now);
    let pair = |pair: &users::Namesakes| Pair {
        former: Row::of(&pair.former, settings, now),
        present: Row::of(&pair.present, settings, now),
    };
    page.shows(&Attention {
        shell: &page.shell,
        refused: kept
            .iter()
            .map(|(person, last)| refused(person, last.as_ref(), settings, now))
            .collect(),
        next: next.map(|next| format!("/console/activity?before={}", next.as_millisecond())),
        pairs: pairs.iter().map(pair).collect(),
        may_change: page.shell.may(directory::Action::ChangeUsers),
        may_dismiss: page.shell.may(directory::Action::DismissRefusals),
    })
}

fn refused(person: &RefusedPerson, last: Option<&Exchange>, settings: &Settings, now: Timestamp) -> Refused {
    let connection = settings.connection(person.connection);
    Refused {
        id: person.id.to_string(),
        user_name: plain(&person.user_name),
        user: person.user.map(|id| id.to_string()),
        connection: connection.map_or_else(|| "(gone)".to_owned(), |one| one.name.to_string()),
        since: when(person.since, now),
        last: when(person.last, now),
        times: number(person.times),
        reason: plain(&person.reason),
        about: (person
            .reason
            .split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-'))
        .find_map(UserId::parse)
        .map(|id| id.to_string()),
        exchange: person.exchange.to_string(),
        would_admit: last.and_then(|last| exchanges::would_admit(settings, last)),
    }
}

/// `POST /console/activity/refusals/{refusal}/dismiss`
pub(super) async fn dismiss(Named(id): Named, sent: Sent<DismissRefusals, Nothing>) -> Answer {
    put_aside(&sent.page.caller, id).await?;
    Ok(see_other("/console/activity?done=dismissed"))
}

#[derive(Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    connection: String,
    #[serde(default)]
    refused: String,
    #[serde(default)]
    before: String,
}

#[derive(Template)]
#[template(path = "log.html")]
struct Log<'p> {
    shell: &'p Shell,
    settings: &'p Settings,
    asked: Asked,
    lines: Vec<Line>,
    next: Option<String>,
    dropped: String,
    days: u32,
    here: String,
}

/// `GET /console/activity/log?connection=Okta&refused=true`
pub(super) async fn log(page: Page<ReadExchanges>, Query(asked): Query<Asked>) -> Answer {
    let caller = &page.caller;
    let settings = &caller.settings;
    let connection = match asked.connection.as_str() {
        "" => None,
        name => Some(service::settings::named(&settings.connections, name)?.id),
    };
    let before = Uuid::try_parse(&asked.before).unwrap_or(Uuid::max());
    let wanted = Wanted {
        among: exchanges::among(connection, asked.refused == "true"),
        before,
        limit: PAGE,
    };
    let tenant = caller.ctx.tenant;
    let (found, dropped) = caller
        .app
        .store
        .read_log(move |tx| {
            let found = exchanges::page(tx, tenant, &wanted)?;
            Ok::<_, service::Error>((found, store::log::dropped(tx)?))
        })
        .await?;
    let here = format!(
        "/console/activity/log?connection={}&refused={}",
        encoded(&asked.connection),
        encoded(&asked.refused)
    );
    let now = page.shell.now;
    page.shows(&Log {
        lines: found
            .exchanges
            .iter()
            .map(|one| Line::of(one, settings, now))
            .collect(),
        next: found.next.map(|next| format!("{here}&before={next}")),
        dropped: if dropped == 0 {
            String::new()
        } else {
            number(dropped)
        },
        days: settings.tenant.log_days,
        shell: &page.shell,
        settings,
        asked,
        here,
    })
}

#[derive(Deserialize)]
pub(super) struct AuditAsked {
    #[serde(default)]
    before: String,
    #[serde(default)]
    kind: String,
}

/// What the trail can be narrowed to.
const KINDS: [(&str, &str); 7] = [
    ("user", "Users"),
    ("group", "Groups"),
    ("mapping", "Mappings"),
    ("setting", "Settings"),
    ("token", "Tokens"),
    ("administrator", "Administrators"),
    ("key", "API keys"),
];

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit<'p> {
    shell: &'p Shell,
    kinds: [(&'static str, &'static str); 7],
    kind: String,
    entries: Vec<Entry>,
    next: Option<String>,
}

/// `GET /console/activity/audit?kind=mapping`
pub(super) async fn audit(page: Page<ReadEvents>, Query(asked): Query<AuditAsked>) -> Answer {
    let known = KINDS.iter().find(|(kind, _)| *kind == asked.kind);
    let wanted = feed::Wanted {
        types: known.iter().map(|(kind, _)| format!("{kind}.*")).collect(),
        user: None,
    };
    let (entries, next) = before(&page, wanted, asked.before).await?;
    let kind = known.map(|(kind, _)| (*kind).to_owned()).unwrap_or_default();
    page.shows(&Audit {
        shell: &page.shell,
        next: next.map(|next| format!("/console/activity/audit?kind={kind}&before={next}")),
        kinds: KINDS,
        kind,
        entries,
    })
}
