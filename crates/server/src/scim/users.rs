//! `/Users`.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use directory::{Belonging, ConnectionId, Ctx, Record};
use scim::Patch;
use service::users;
use store::Tx;

use super::body::Body;
use super::client::Client;
use super::precondition::{Precondition, with_version};
use super::query::{ListQuery, Shape, searched};
use super::record::About;
use super::search::Found;
use super::{Answer, Failure, scim};

/// `GET /Users`
pub(super) async fn list(client: Client, query: ListQuery, shape: Shape) -> Answer {
    let page = query.0.page;
    let found = find(&client, query, &shape).await?;
    Ok(found.answer(page))
}

/// `POST /Users/.search`
pub(super) async fn search(client: Client, Body(body): Body) -> Answer {
    let (query, shape) = searched(&body)?;
    list(client, query, shape).await
}

/// One page of a list.
pub(super) async fn find(client: &Client, query: ListQuery, shape: &Shape) -> Result<Found, Failure> {
    let (ctx, connection, page) = (client.ctx.clone(), client.connection, query.0.page);
    let is_whole = query.0.filter.is_none() && query.0.sort.is_none();
    let listing = client
        .app
        .store
        .scan(move |tx| users::list(tx, &ctx, connection, &query.0))
        .await?;
    if is_whole {
        mark_end(client, &listing, page.start_index - 1).await;
    }
    let belongings = |id| listing.belongings.get(&id).map_or(&[][..], Vec::as_slice);
    let resources = listing
        .records
        .iter()
        .map(|record| {
            let json = record.to_scim_in(belongings(record.facts.id), &client.settings, Some(&client.base));
            shape.text(&client.settings.schemas, json)
        })
        .collect();
    Ok(Found {
        total: listing.total,
        resources,
    })
}

/// Remembers where the page ended; a list is no worse for it where that fails.
async fn mark_end(client: &Client, listing: &users::Listing, offset: usize) {
    let next = offset + listing.records.len();
    let has_more = u64::try_from(next).is_ok_and(|next| next < listing.total);
    let Some(last) = listing
        .records
        .last()
        .filter(|_| has_more)
        .map(|record| record.facts.id)
    else {
        return;
    };
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    let marked = client
        .app
        .store
        .write(move |tx| users::mark_page(tx, &ctx, connection, next, last));
    if let Err(error) = marked.await {
        tracing::warn!(%error, "could not remember where a page ended");
    }
}

/// `POST /Users`
pub(super) async fn create(client: Client, shape: Shape, Body(body): Body) -> Answer {
    let sent = client.settings.schemas.admit(body)?;
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    let user = client
        .app
        .store
        .write(move |tx| with_groups(users::create(tx, &ctx, connection, &sent)?, tx, &ctx))
        .await?;
    let mut response = shown(&client, &shape, StatusCode::CREATED, &user);
    if let Ok(location) = HeaderValue::try_from(format!("{}/Users/{}", client.base, user.0.facts.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET /Users/{id}`
pub(super) async fn show(
    client: Client,
    Path(id): Path<String>,
    shape: Shape,
    known: Precondition,
) -> Answer {
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    let user = client
        .app
        .store
        .look(move |tx| with_groups(users::show(tx, &ctx, connection, &id)?, tx, &ctx))
        .await?;
    let response = shown(&client, &shape, StatusCode::OK, &user);
    Ok(known.answer(&user.0.version_in(&user.1), response))
}

/// `PUT /Users/{id}`
pub(super) async fn replace(
    client: Client,
    Path(id): Path<String>,
    shape: Shape,
    known: Precondition,
    Body(body): Body,
) -> Answer {
    let sent = client.settings.schemas.admit(body)?;
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    let user = client
        .app
        .store
        .write(move |tx| {
            check(&known, tx, &ctx, connection, &id)?;
            with_groups(users::replace(tx, &ctx, connection, &id, &sent)?, tx, &ctx)
        })
        .await?;
    Ok(shown(&client, &shape, StatusCode::OK, &user))
}

/// `PATCH /Users/{id}`
pub(super) async fn patch(
    client: Client,
    Path(id): Path<String>,
    shape: Shape,
    known: Precondition,
    Body(body): Body,
) -> Answer {
    let patch = Patch::parse(body)?;
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    let user = client
        .app
        .store
        .write(move |tx| {
            check(&known, tx, &ctx, connection, &id)?;
            with_groups(users::patch(tx, &ctx, connection, &id, &patch)?, tx, &ctx)
        })
        .await?;
    Ok(shown(&client, &shape, StatusCode::OK, &user))
}

/// `DELETE /Users/{id}`
pub(super) async fn delete(client: Client, Path(id): Path<String>, known: Precondition) -> Answer {
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    client
        .app
        .store
        .write(move |tx| {
            check(&known, tx, &ctx, connection, &id)?;
            users::delete(tx, &ctx, connection, &id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A user and the groups that it belongs to.
type InGroups = (Record, Vec<Belonging>);

fn with_groups(user: Record, tx: &mut Tx<'_>, ctx: &Ctx) -> Result<InGroups, service::Error> {
    let belongings = service::groups::of_user(tx, ctx, &user)?;
    Ok((user, belongings))
}

fn shown(client: &Client, shape: &Shape, status: StatusCode, (user, belongings): &InGroups) -> Response {
    let json = user.to_scim_in(belongings, &client.settings, Some(&client.base));
    let mut response = scim(status, shape.text(&client.settings.schemas, json));
    response.extensions_mut().insert(About::User(user.facts.id));
    with_version(&user.version_in(belongings), response)
}

/// Refuses a change of a user who is not as the client knows it.
fn check(
    known: &Precondition,
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    id: &str,
) -> Result<(), service::Error> {
    if known.is_any() {
        let user = users::show(tx, ctx, connection, id)?;
        let belongings = service::groups::of_user(tx, ctx, &user)?;
        known.check(&user.version_in(&belongings))?;
    }
    Ok(())
}
