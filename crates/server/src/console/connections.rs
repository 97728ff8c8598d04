//! Connections and their tokens: how each is, and its rotation. Who makes a token shows the password again.

use askama::Template;
use directory::{Connection, ConnectionKind, Ctx, Token, TokenState};
use serde::Deserialize;
use service::settings::connections::{self as stored, ConnectionChange};
use service::settings::named;
use service::tokens::{self, NewToken};
use store::Tx;

use super::page::{Answer, Named, Page, Sent, Shell, see_other};
use super::sign_in::Nothing;
use super::users::whole;
use super::view::{Markup, encoded, maybe_when, number, plain, when};
use crate::access::caller::{ChangeSettings, ReadSettings, Right};
use crate::access::problem::Problem;
use crate::clock;
use crate::manage::health::gather;
use crate::manage::version::{check_version, version_of};

/// A connection in the list.
struct Line {
    name: String,
    link: String,
    kind: &'static str,
    unmatched: &'static str,
    live_tokens: usize,
}

#[derive(Template)]
#[template(path = "connections.html")]
struct List<'p> {
    shell: &'p Shell,
    lines: Vec<Line>,
    may_change: bool,
}

/// `GET /console/settings/connections`
pub(super) async fn list(page: Page<ReadSettings>) -> Answer {
    let tokens = all_tokens(&page).await?;
    let now = page.shell.now;
    let line = |connection: &Connection| Line {
        name: connection.name.to_string(),
        link: connection.id.to_string(),
        kind: connection.kind.name(),
        unmatched: connection.unmatched.name(),
        live_tokens: tokens
            .iter()
            .filter(|token| token.connection == connection.id && token.state(now) == TokenState::Live)
            .count(),
    };
    page.shows(&List {
        shell: &page.shell,
        lines: page.caller.settings.connections.iter().map(line).collect(),
        may_change: page.shell.may_set_up(),
    })
}

async fn all_tokens<R: Right>(page: &Page<R>) -> Result<Vec<Token>, Problem> {
    let ctx = page.caller.ctx.clone();
    Ok(page
        .caller
        .app
        .store
        .look(move |tx| tokens::all(tx, &ctx))
        .await?)
}

/// A token in its connection's list.
struct TokenLine {
    id: String,
    state: Markup,
    is_live: bool,
    created: Markup,
    expires: Markup,
    last_used: Markup,
}

#[derive(Template)]
#[template(path = "connection.html")]
struct ConnectionPage<'p> {
    shell: &'p Shell,
    connection: &'p Connection,
    version: String,
    link: String,
    kinds: &'static [ConnectionKind],
    tokens: Vec<TokenLine>,
    live: usize,
    /// A token that was just made.
    secret: Option<String>,
    may_change: bool,
    last: Markup,
    calls: String,
    errors: String,
    agent: String,
    concerns: Vec<String>,
    has_alarm: bool,
    /// Requests of the last 24 hours: height of each hour's bar, in a hundred, and what it says.
    hours: Vec<Bar>,
    mappings: Vec<String>,
}

struct Bar {
    x: String,
    y: String,
    height: String,
    bad_y: String,
    bad_height: String,
    label: String,
}

/// `GET /console/settings/connections/{connection}`
pub(super) async fn show(page: Page<ReadSettings>, Named(name): Named) -> Answer {
    shown(&page, &name, None).await
}

async fn shown<R: Right>(page: &Page<R>, name: &str, secret: Option<String>) -> Answer {
    page.caller.demand_whole()?;
    let settings = &page.caller.settings;
    let connection = named(&settings.connections, name)?;
    let known = gather(&page.caller, name).await?;
    let now = page.shell.now;
    let judged = service::health::judge(&known.hours, now);
    let mut tokens = all_tokens(page).await?;
    tokens.retain(|token| token.connection == connection.id);
    tokens.reverse();
    let lines: Vec<_> = tokens.iter().map(|token| token_line(token, now)).collect();
    let limited = settings
        .mappings
        .iter()
        .filter(|mapping| mapping.connections.contains(&connection.id));
    page.shows(&ConnectionPage {
        shell: &page.shell,
        version: version_of(connection),
        link: connection.id.to_string(),
        kinds: ConnectionKind::ALL,
        live: lines.iter().filter(|line| line.is_live).count(),
        tokens: lines,
        secret,
        may_change: page.shell.may(directory::Action::ChangeSettings),
        last: maybe_when(judged.last, now),
        calls: number(judged.calls),
        errors: number(judged.errors),
        agent: judged.agent.as_deref().map(plain).unwrap_or_default(),
        concerns: known.concerns(now),
        has_alarm: known.alarm.is_some(),
        hours: bars(&known.hours, now),
        mappings: limited.map(|mapping| mapping.name.to_string()).collect(),
        connection,
    })
}

fn token_line(token: &Token, now: directory::Timestamp) -> TokenLine {
    let (class, word, end) = match token.state(now) {
        TokenState::Live => ("active", "live", token.expires),
        TokenState::Expired => ("preserved", "expired", token.expires),
        TokenState::Revoked => ("preserved", "revoked", token.revoked.unwrap_or(token.expires)),
    };
    TokenLine {
        id: token.id.to_string(),
        state: super::view::badge(class, word),
        is_live: token.state(now) == TokenState::Live,
        created: when(token.created, now),
        expires: when(end, now),
        last_used: maybe_when(token.last_used, now),
    }
}

/// The last 24 hours as bars of a picture of 480 by 60.
fn bars(hours: &[store::log::traffic::Hour], now: directory::Timestamp) -> Vec<Bar> {
    const HEIGHT: u64 = 60;
    let this = store::census::hour_of(now);
    let most = hours
        .iter()
        .filter(|hour| hour.hour > this - 24)
        .map(|hour| hour.calls)
        .max();
    let most = most.unwrap_or_default().max(1);
    let bar = |back: i64| {
        let found = hours.iter().find(|hour| hour.hour == this - back);
        let (calls, errors) = found.map_or((0, 0), |hour| (hour.calls, hour.errors));
        let height = if calls == 0 {
            0
        } else {
            (calls * HEIGHT / most).max(1)
        };
        let bad = if errors == 0 {
            0
        } else {
            (errors * HEIGHT / most).max(1)
        };
        Bar {
            x: ((23 - back) * 20 + 2).to_string(),
            y: (HEIGHT - height).to_string(),
            height: height.to_string(),
            bad_y: (HEIGHT - bad).to_string(),
            bad_height: bad.to_string(),
            label: format!("{back} h ago: {calls} requests, {errors} refused or failed"),
        }
    };
    (0..24).rev().map(bar).collect()
}

#[derive(Deserialize)]
pub(super) struct Form {
    name: String,
    kind: String,
    unmatched: String,
    no_target: String,
    /// What the connection was when the page was made.
    #[serde(default)]
    version: String,
}

/// `POST /console/settings/connections/{connection}`
pub(super) async fn set(Named(name): Named, sent: Sent<ChangeSettings, Form>) -> Answer {
    let Sent { page, form } = sent;
    let of = name.clone();
    let written = async {
        let chosen = |_| Problem::bad_request("One of the choices is none of those that the page offers.");
        let change = ConnectionChange {
            name: Some(form.name),
            kind: Some(form.kind.parse().map_err(chosen)?),
            unmatched: Some(form.unmatched.parse().map_err(chosen)?),
            no_target: Some(form.no_target.parse().map_err(chosen)?),
        };
        let known = form.version;
        page.caller
            .write(move |tx, ctx| {
                let settings = tx.settings_to_change(ctx.tenant)?;
                check_version(&known, named(&settings.connections, &of)?)?;
                stored::set(tx, ctx, &of, &change)
            })
            .await
    };
    match written.await {
        Ok(connection) => {
            let link = connection.id;
            Ok(see_other(&format!(
                "/console/settings/connections/{link}?done=saved"
            )))
        }
        Err(problem) => shown(&page.refusing(&problem), &name, None).await,
    }
}

/// `POST /console/settings/connections/{connection}/delete`
pub(super) async fn remove(Named(name): Named, sent: Sent<ChangeSettings, Nothing>) -> Answer {
    let page = sent.page;
    let of = name.clone();
    match page
        .caller
        .write(move |tx, ctx| stored::remove(tx, ctx, &of))
        .await
    {
        Ok(_) => Ok(see_other("/console/settings/connections?done=removed")),
        Err(problem) => shown(&page.refusing(&problem), &name, None).await,
    }
}

/// How long a token lives, how long the one before it, and the password again.
#[derive(Deserialize)]
pub(super) struct NewTokenForm {
    #[serde(default)]
    days: String,
    #[serde(default)]
    grace_days: String,
    password: String,
}

/// `POST /console/settings/connections/{connection}/tokens`: the secret is on this page and never again.
pub(super) async fn create_token(Named(name): Named, sent: Sent<ChangeSettings, NewTokenForm>) -> Answer {
    let Sent { page, form } = sent;
    let days = whole("Days", &form.days);
    let grace_days = whole("Days of grace", &form.grace_days);
    let made = match (days, grace_days) {
        (Ok(days), Ok(grace_days)) => {
            make_token(
                &page,
                &name,
                days.unwrap_or(365),
                grace_days.unwrap_or(7),
                form.password,
            )
            .await
        }
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    match made {
        Ok(secret) => shown(&page, &name, Some(secret)).await,
        Err(problem) => shown(&page.refusing(&problem), &name, None).await,
    }
}

/// Makes a token, for somebody who knows the password.
async fn make_token(
    page: &Page<ChangeSettings>,
    connection: &str,
    days: u32,
    grace_days: u32,
    password: String,
) -> Result<String, Problem> {
    page.signed.confirm(password).await?;
    let secret = clock::fresh_secret().map_err(|_| Problem::failed())?;
    let new = NewToken {
        secret: secret.clone(),
        connection: connection.to_owned(),
        days,
        grace_days,
    };
    page.caller
        .write(move |tx, ctx| tokens::create(tx, ctx, &new))
        .await?;
    Ok(secret.reveal().to_owned())
}

#[derive(Deserialize)]
pub(super) struct Revocation {
    connection: String,
    password: String,
}

/// `POST /console/settings/tokens/{token}/revoke`
pub(super) async fn revoke(Named(token): Named, sent: Sent<ChangeSettings, Revocation>) -> Answer {
    let Sent { page, form } = sent;
    match revoked(&page, form.password, token).await {
        Ok(()) => {
            let link = encoded(&form.connection);
            Ok(see_other(&format!(
                "/console/settings/connections/{link}?done=revoked"
            )))
        }
        Err(problem) => shown(&page.refusing(&problem), &form.connection, None).await,
    }
}

async fn revoked(page: &Page<ChangeSettings>, password: String, token: String) -> Result<(), Problem> {
    page.signed.confirm(password).await?;
    let revoke = move |tx: &mut Tx<'_>, ctx: &Ctx| tokens::revoke(tx, ctx, &token);
    page.caller.write(revoke).await?;
    Ok(())
}

/// `POST /console/settings/connections/{connection}/end-alarm`
pub(super) async fn end_alarm(Named(name): Named, sent: Sent<ChangeSettings, Nothing>) -> Answer {
    let page = sent.page;
    let of = name.clone();
    match page
        .caller
        .write(move |tx, ctx| service::alarms::end(tx, ctx, &of))
        .await
    {
        Ok(_) => {
            let link = encoded(&name);
            Ok(see_other(&format!(
                "/console/settings/connections/{link}?done=alarm-ended"
            )))
        }
        Err(problem) => shown(&page.refusing(&problem), &name, None).await,
    }
}
