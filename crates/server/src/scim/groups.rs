//! `/Groups`.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use directory::{ConnectionId, Ctx};
use scim::{Patch, Schemas, member_ids};
use serde_json::Value;
use service::groups::{self, Members, Shown};
use store::Tx;

use super::body::Body;
use super::client::Client;
use super::precondition::{Precondition, with_version};
use super::query::{ListQuery, Shape, searched};
use super::record::About;
use super::search::Found;
use super::{Answer, Failure, scim};

/// The most members of a group that a PATCH is answered with, unless they are asked for.
const MAX_TOLD: usize = 1_000;

/// `GET /Groups`
pub(super) async fn list(client: Client, query: ListQuery, shape: Shape) -> Answer {
    let page = query.0.page;
    let found = find(&client, query, &shape).await?;
    Ok(found.answer(page))
}

/// `POST /Groups/.search`
pub(super) async fn search(client: Client, Body(body): Body) -> Answer {
    let (query, shape) = searched(&body)?;
    list(client, query, shape).await
}

/// One page of a list.
pub(super) async fn find(client: &Client, query: ListQuery, shape: &Shape) -> Result<Found, Failure> {
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    let members = shape.members();
    let listing = client
        .app
        .store
        .scan(move |tx| groups::list(tx, &ctx, connection, &query.0, members))
        .await?;
    let resources = listing
        .groups
        .iter()
        .map(|shown| text(client, shape, shown))
        .collect();
    Ok(Found {
        total: listing.total,
        resources,
    })
}

/// `POST /Groups`
pub(super) async fn create(client: Client, shape: Shape, Body(body): Body) -> Answer {
    let members = members_in(&body)?.unwrap_or_default();
    let sent = Schemas::groups().admit(body)?;
    let (ctx, connection, told) = (client.ctx.clone(), client.connection, shape.members());
    let shown = client
        .app
        .store
        .write(move |tx| {
            let group = groups::create(tx, &ctx, connection, &sent, &members)?;
            groups::show(tx, &ctx, connection, &group.id.to_string(), told)
        })
        .await?;
    let location = format!("{}/Groups/{}", client.base, shown.group.id);
    let mut response = answer(&client, &shape, StatusCode::CREATED, &shown);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET /Groups/{id}`
pub(super) async fn show(
    client: Client,
    Path(id): Path<String>,
    shape: Shape,
    known: Precondition,
) -> Answer {
    let (ctx, connection, told) = (client.ctx.clone(), client.connection, shape.members());
    let shown = client
        .app
        .store
        .scan(move |tx| groups::show(tx, &ctx, connection, &id, told))
        .await?;
    let response = answer(&client, &shape, StatusCode::OK, &shown);
    let version = shown.group.version_with(shown.members.as_deref());
    Ok(known.answer(&version, response))
}

/// `PUT /Groups/{id}`
pub(super) async fn replace(
    client: Client,
    Path(id): Path<String>,
    shape: Shape,
    known: Precondition,
    Body(body): Body,
) -> Answer {
    let members = members_in(&body)?;
    let sent = Schemas::groups().admit(body)?;
    let (ctx, connection, told) = (client.ctx.clone(), client.connection, shape.members());
    let shown = client
        .app
        .store
        .write(move |tx| {
            check(&known, tx, &ctx, connection, &id)?;
            groups::replace(tx, &ctx, connection, &id, &sent, members.as_deref())?;
            groups::show(tx, &ctx, connection, &id, told)
        })
        .await?;
    Ok(answer(&client, &shape, StatusCode::OK, &shown))
}

/// `PATCH /Groups/{id}`: the group, or nothing where it has many members and nobody asked for them.
pub(super) async fn patch(
    client: Client,
    Path(id): Path<String>,
    shape: Shape,
    known: Precondition,
    Body(body): Body,
) -> Answer {
    let (patch, changes) = Patch::parse(body)?.split_members()?;
    let is_asked = shape.0.asks_for("members");
    let (ctx, connection, told) = (client.ctx.clone(), client.connection, shape.members());
    let shown = client
        .app
        .store
        .write(move |tx| {
            check(&known, tx, &ctx, connection, &id)?;
            let group = groups::patch(tx, &ctx, connection, &id, &patch, &changes)?;
            let is_large =
                told == Members::Told && !is_asked && groups::has_more_than(tx, &ctx, group.id, MAX_TOLD)?;
            if is_large {
                return Ok(None);
            }
            groups::show(tx, &ctx, connection, &id, told).map(Some)
        })
        .await?;
    Ok(shown.map_or_else(
        || StatusCode::NO_CONTENT.into_response(),
        |shown| answer(&client, &shape, StatusCode::OK, &shown),
    ))
}

/// `DELETE /Groups/{id}`
pub(super) async fn delete(client: Client, Path(id): Path<String>, known: Precondition) -> Answer {
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    client
        .app
        .store
        .write(move |tx| {
            check(&known, tx, &ctx, connection, &id)?;
            groups::delete(tx, &ctx, connection, &id)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The ids of the members that a POST or PUT tells; `None` where it says nothing of them.
fn members_in(body: &scim::Object) -> Result<Option<Vec<String>>, Failure> {
    let found = body.iter().find(|(key, _)| key.eq_ignore_ascii_case("members"));
    let found: Option<&Value> = found.map(|(_, members)| members);
    Ok(found.map(member_ids).transpose()?)
}

fn text(client: &Client, shape: &Shape, shown: &Shown) -> String {
    let json = shown.group.to_scim(Some(&client.base), shown.members.as_deref());
    shape.text(&Schemas::groups(), json)
}

fn answer(client: &Client, shape: &Shape, status: StatusCode, shown: &Shown) -> Response {
    let mut response = scim(status, text(client, shape, shown));
    response.extensions_mut().insert(About::Group(shown.group.id));
    let version = shown.group.version_with(shown.members.as_deref());
    with_version(&version, response)
}

/// Refuses a change of a group that is not as the client knows it.
fn check(
    known: &Precondition,
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    id: &str,
) -> Result<(), service::Error> {
    if known.is_any() {
        let shown = groups::show(tx, ctx, connection, id, Members::LeftOut)?;
        known.check(&shown.group.version.to_string())?;
    }
    Ok(())
}
