//! What an identity provider sent, and what it was answered: a line of the log, and one request read side by side with the
//! reason.

use askama::Template;
use directory::{Exchange, Settings, Timestamp, Verdict};
use service::exchanges;

use super::page::{Answer, Named, Page, Shell};
use super::view::{Markup, absolute, plain, when};
use crate::access::caller::ReadExchanges;

/// One request in a list.
pub(super) struct Line {
    pub(super) id: String,
    pub(super) at: Markup,
    pub(super) connection: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) is_refused: bool,
    pub(super) who: String,
    pub(super) user: Option<String>,
    pub(super) reason: String,
    pub(super) took: String,
}

impl Line {
    pub(super) fn of(exchange: &Exchange, settings: &Settings, now: Timestamp) -> Self {
        let detail = &exchange.detail;
        let connection = settings.connection(exchange.connection);
        let own = detail.body.as_ref().and_then(exchanges::user_name_in);
        let who = exchange.user_name.as_deref().or(own).unwrap_or_default();
        Self {
            id: exchange.id.to_string(),
            at: when(detail.at, now),
            connection: connection.map_or_else(|| "(gone)".to_owned(), |one| one.name.to_string()),
            method: detail.method.clone(),
            path: plain(&detail.path),
            status: exchange.status,
            is_refused: exchange.is_refused(),
            who: plain(who),
            user: exchange.user.map(|id| id.to_string()),
            reason: detail.reason.as_deref().map(plain).unwrap_or_default(),
            took: took(detail.micros),
        }
    }
}

fn took(micros: u64) -> String {
    if micros < 10_000 {
        format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
    } else {
        format!("{} ms", micros / 1_000)
    }
}

#[derive(Template)]
#[template(path = "exchange.html")]
struct ExchangePage<'p> {
    shell: &'p Shell,
    line: Line,
    at: String,
    body: Option<String>,
    body_bytes: String,
    notes: Vec<String>,
    scim_type: &'p str,
    agent: String,
    address: &'p str,
    purged: bool,
    would_admit: Option<String>,
    advice: Vec<&'static str>,
    decided: String,
}

/// `GET /console/activity/log/{exchange}`
pub(super) async fn show(page: Page<ReadExchanges>, Named(id): Named) -> Answer {
    let caller = &page.caller;
    let tenant = caller.ctx.tenant;
    let exchange = caller
        .app
        .store
        .read_log(move |tx| exchanges::show(tx, tenant, &id))
        .await?;
    let detail = &exchange.detail;
    let body = detail.body.as_ref();
    page.shows(&ExchangePage {
        shell: &page.shell,
        line: Line::of(&exchange, &caller.settings, page.shell.now),
        at: absolute(detail.at),
        body: body.map(pretty),
        body_bytes: detail.body_bytes.map(super::view::number).unwrap_or_default(),
        notes: detail.notes.iter().map(|note| plain(note)).collect(),
        scim_type: detail.scim_type.as_deref().unwrap_or_default(),
        agent: detail.agent.as_deref().map(plain).unwrap_or_default(),
        address: detail.address.as_deref().unwrap_or_default(),
        purged: detail.purged,
        would_admit: exchanges::would_admit(&caller.settings, &exchange).filter(|_| exchange.is_refused()),
        advice: advice(&exchange),
        decided: decided(&exchange, &caller.settings),
    })
}

/// A body that people read: lines as JSON has them, and nothing in them that turns or hides.
fn pretty(body: &scim::Object) -> String {
    let text = serde_json::to_string_pretty(body).unwrap_or_default();
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// What the mappings, as they are, would say of what is kept of the request.
fn decided(exchange: &Exchange, settings: &Settings) -> String {
    match exchanges::verdict(settings, exchange) {
        None => String::new(),
        Some(Verdict::Matched(mapping)) => format!("The mapping {} places this person now.", mapping.name),
        Some(Verdict::Unknown(mapping)) => format!(
            "The mapping {} looks at an attribute whose value is not kept, so it cannot be said from here. Push the person again.",
            mapping.name
        ),
        Some(Verdict::Unmatched(_)) => "Still no mapping matches.".to_owned(),
    }
}

/// What to do here and there about a refusal.
fn advice(exchange: &Exchange) -> Vec<&'static str> {
    let scim_type = exchange.detail.scim_type.as_deref().unwrap_or_default();
    let reason = exchange.detail.reason.as_deref().unwrap_or_default();
    match (exchange.status, scim_type) {
        (400, _) if reason.starts_with("No mapping matched") => vec![
            "Here: add a mapping for these people, or a last one for any user; then push the person again.",
            "In the identity provider: look at the attribute's value, and whether the app sends it at all.",
        ],
        (400, _) if reason.contains("is full") => vec![
            "Here: raise the maximum, preserve somebody, or let a mapping place the person elsewhere.",
            "Or hold people beyond a limit instead of refusing them: Settings, Beyond a limit.",
        ],
        (400, "mutability") => {
            vec!["Here: activate the account on the user's page, if the person may work again."]
        }
        (400, "invalidFilter") => {
            vec!["In the identity provider: correct the expression by which it looks for users."]
        }
        (400, _) => {
            vec!["In the identity provider: correct what the reason names, and push the person again."]
        }
        (409, _) if reason.contains("recycled") => vec![
            "Here: say on the user's page whether this is the same person or somebody else; the next push then goes through.",
        ],
        (409, _) => vec![
            "Here: look at who has the name.",
            "In the identity provider: link the two, or give one of them another name.",
        ],
        (401, _) => {
            vec!["In the identity provider: paste a live token. A new one is made on the connection's page."]
        }
        (404, _) => {
            vec!["In the identity provider: it asks for something that is not here any more; push it again."]
        }
        (412, _) => vec!["Nothing: somebody else was quicker, and the identity provider tries again."],
        (status, _) if status >= 500 => {
            vec!["Here: look at the server's log; the request's number leads to the lines."]
        }
        _ => Vec::new(),
    }
}
