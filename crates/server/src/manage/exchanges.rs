//! `/exchanges` and `/refusals`: what identity providers sent, what they were answered, and whom a refusal keeps out.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use directory::{Exchange, RefusedPerson, Settings, rfc3339};
use serde::Deserialize;
use serde_json::{Value, json};
use service::exchanges::{self, Page, Wanted};
use store::log::exchanges::Among;
use uuid::Uuid;

use super::input::{Asking, Named};
use super::users::found;
use super::{Answer, json as answer};
use crate::access::caller::{Caller, DismissRefusals, ReadExchanges};
use crate::access::problem::Problem;
use crate::app::App;

/// The most exchanges or people in one answer.
const MAX: usize = 500;
/// How many where nobody says.
const DEFAULT: usize = 50;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    connection: Option<String>,
    #[serde(default)]
    refused: bool,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// One page of something.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paging {
    cursor: Option<String>,
    limit: Option<usize>,
}

impl Paging {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT).clamp(1, MAX)
    }

    fn cursor(&self) -> Result<Option<Uuid>, Problem> {
        let read = |text: &String| {
            Uuid::try_parse(text).map_err(|_| {
                Problem::bad_request("The cursor is not one that this server gave; leave it out to begin.")
            })
        };
        self.cursor.as_ref().map(read).transpose()
    }
}

/// `GET /exchanges?connection=Okta&refused=true&cursor=...&limit=50`: newest first.
pub(super) async fn list(caller: Caller<ReadExchanges>, Asking(asked): Asking<Asked>) -> Answer {
    let paging = Paging {
        cursor: asked.cursor,
        limit: asked.limit,
    };
    let connection = match &asked.connection {
        Some(name) => Some(service::settings::named(&caller.settings.connections, name)?.id),
        None => None,
    };
    let wanted = Wanted {
        among: exchanges::among(connection, asked.refused),
        before: paging.cursor()?.unwrap_or(Uuid::max()),
        limit: paging.limit(),
    };
    page(&caller, wanted).await
}

/// `GET /users/{user}/exchanges`: those about a user.
pub(super) async fn of_user(
    caller: Caller<ReadExchanges>,
    Named(user): Named,
    Asking(paging): Asking<Paging>,
) -> Answer {
    let found = found(&caller, user).await?;
    let wanted = Wanted {
        among: Among::User(found.facts.id),
        before: paging.cursor()?.unwrap_or(Uuid::max()),
        limit: paging.limit(),
    };
    page(&caller, wanted).await
}

async fn page(caller: &Caller<ReadExchanges>, wanted: Wanted) -> Answer {
    let tenant = caller.ctx.tenant;
    let (Page { exchanges, next }, dropped) = caller
        .app
        .store
        .read_log(move |tx| {
            let page = exchanges::page(tx, tenant, &wanted)?;
            Ok::<_, service::Error>((page, store::log::dropped(tx)?))
        })
        .await?;
    let shown: Vec<_> = exchanges
        .iter()
        .map(|exchange| {
            let mut shown = to_json(exchange, &caller.settings);
            if let Some(shown) = shown.as_object_mut() {
                shown.shift_remove("body");
            }
            shown
        })
        .collect();
    Ok(answer(
        json!({"exchanges": shown, "next": next, "dropped": dropped}).to_string(),
    ))
}

/// `GET /exchanges/{id}`: one, with the body that came.
pub(super) async fn show(caller: Caller<ReadExchanges>, Named(id): Named) -> Answer {
    let tenant = caller.ctx.tenant;
    let exchange = caller
        .app
        .store
        .read_log(move |tx| exchanges::show(tx, tenant, &id))
        .await?;
    Ok(answer(to_json(&exchange, &caller.settings).to_string()))
}

/// `GET /refusals`: the people whom a refusal keeps out, and which mapping would place each now.
pub(super) async fn refused(caller: Caller<ReadExchanges>, Asking(paging): Asking<Paging>) -> Answer {
    let (tenant, limit) = (caller.ctx.tenant, paging.limit());
    let mut after = paging.cursor()?.unwrap_or(Uuid::nil());
    let mut shown = Vec::new();
    let next = loop {
        let people = still_out(&caller.app, tenant, after, limit).await?;
        let Some(last) = people.last().map(|(person, _)| person.id) else {
            break None;
        };
        for (person, exchange) in people.iter().filter(|(_, exchange)| exchange.is_some()) {
            if shown.len() < limit {
                after = person.id;
                shown.push(refused_to_json(
                    person,
                    exchange.as_ref().and_then(Option::as_ref),
                    &caller.settings,
                ));
            }
        }
        if shown.len() == limit {
            break Some(after);
        }
        after = last;
    };
    Ok(answer(json!({"refusals": shown, "next": next}).to_string()))
}

/// A person who was refused; then nothing where the person got in meanwhile, else the last exchange, if it is still kept.
type Kept = (RefusedPerson, Option<Option<Exchange>>);

/// The people after `after` in the order in which they were first refused.
async fn still_out(
    app: &App,
    tenant: directory::TenantId,
    after: Uuid,
    limit: usize,
) -> Result<Vec<Kept>, Problem> {
    let count = i64::try_from(limit).unwrap_or(i64::MAX);
    let people = app
        .store
        .read_log(move |tx| {
            let people = exchanges::refused_after(tx, tenant, after, count)?;
            with_last(tx, tenant, people)
        })
        .await?;
    only_out(app, tenant, people).await
}

/// Each with the last exchange, if it is still kept.
fn with_last(
    tx: &mut store::Tx<'_>,
    tenant: directory::TenantId,
    people: Vec<RefusedPerson>,
) -> Result<Vec<(RefusedPerson, Option<Exchange>)>, service::Error> {
    let with_last = people.into_iter().map(|person| {
        let last = store::log::exchanges::by_id(tx, tenant, person.exchange)?;
        Ok((person, last))
    });
    with_last.collect()
}

/// Looks who got in meanwhile.
async fn only_out(
    app: &App,
    tenant: directory::TenantId,
    people: Vec<(RefusedPerson, Option<Exchange>)>,
) -> Result<Vec<Kept>, Problem> {
    let looked = app
        .store
        .scan(move |tx| {
            let one = |(person, last): (RefusedPerson, Option<Exchange>)| {
                let is_in = exchanges::is_in(tx, tenant, &person, last.as_ref())?;
                Ok::<_, service::Error>((person, (!is_in).then_some(last)))
            };
            people.into_iter().map(one).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(looked)
}

/// The people who are still kept out, newest refusal first, at most `limit`, and where to go on; of one connection where it is
/// named.
pub(crate) async fn kept_out(
    app: &App,
    tenant: directory::TenantId,
    of: Option<directory::ConnectionId>,
    mut before: directory::Timestamp,
    limit: usize,
) -> Result<
    (
        Vec<(RefusedPerson, Option<Exchange>)>,
        Option<directory::Timestamp>,
    ),
    Problem,
> {
    let mut found = Vec::new();
    loop {
        let people = app
            .store
            .read_log(move |tx| {
                let people = exchanges::refused_before(tx, tenant, of, before, limit)?;
                with_last(tx, tenant, people)
            })
            .await?;
        let is_end = people.len() < limit;
        for (person, last) in only_out(app, tenant, people).await? {
            before = person.last;
            if let Some(last) = last {
                found.push((person, last));
            }
            if found.len() == limit {
                return Ok((found, Some(before)));
            }
        }
        if is_end {
            return Ok((found, None));
        }
    }
}

/// `DELETE /refusals/{id}`: puts a person's refusal aside, until the next one.
pub(super) async fn dismiss(caller: Caller<DismissRefusals>, Named(id): Named) -> Answer {
    put_aside(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Puts it aside.
pub(crate) async fn put_aside(caller: &Caller<DismissRefusals>, id: String) -> Result<(), Problem> {
    let (tenant, ctx) = (caller.ctx.tenant, caller.ctx.clone());
    let person = caller
        .app
        .store
        .read_log(move |tx| exchanges::refused_person(tx, tenant, &id))
        .await?;
    let (said, store) = (person.clone(), caller.app.store.clone());
    caller
        .app
        .store
        .write(move |tx| {
            exchanges::dismissed(tx, &ctx, &said);
            Ok::<_, service::Error>(())
        })
        .await?;
    let gone = tokio::task::spawn_blocking(move || {
        store.write_log(|tx| store::log::refused::dismiss(tx, tenant, person.id))
    });
    match gone.await {
        Ok(dismissed) => dismissed.map_err(service::Error::from)?,
        Err(_) => return Err(service::Error::from(store::Error::Panicked).into()),
    };
    Ok(())
}

fn to_json(exchange: &Exchange, settings: &Settings) -> Value {
    let connection = settings.connection(exchange.connection);
    let mut shown = json!({
        "id": exchange.id,
        "connection": connection.map(|connection| connection.name.as_str()),
        "user": exchange.user,
        "userName": exchange.user_name,
        "status": exchange.status,
    });
    if let (Some(shown), Value::Object(detail)) = (shown.as_object_mut(), json!(exchange.detail)) {
        shown.extend(detail);
        shown.insert("at".to_owned(), rfc3339(exchange.detail.at).into());
    }
    shown
}

fn refused_to_json(person: &RefusedPerson, last: Option<&Exchange>, settings: &Settings) -> Value {
    let connection = settings.connection(person.connection);
    json!({
        "id": person.id,
        "connection": connection.map(|connection| connection.name.as_str()),
        "user": person.user,
        "userName": person.user_name,
        "since": rfc3339(person.since),
        "last": rfc3339(person.last),
        "times": person.times,
        "status": person.status,
        "reason": person.reason,
        "exchange": person.exchange,
        "wouldAdmit": last.and_then(|last| exchanges::would_admit(settings, last)),
    })
}
