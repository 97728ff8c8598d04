//! `/Users`.

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use directory::Record;
use scim::{Patch, list as scim_list};
use service::users;

use super::body::Body;
use super::client::Client;
use super::query::ListQuery;
use super::{Answer, scim};

/// `GET /Users`
pub(super) async fn list(client: Client, query: ListQuery) -> Answer {
    let (ctx, connection, page) = (client.ctx.clone(), client.connection, query.page);
    let is_filtered = query.filter.is_some();
    let listing = client
        .app
        .store
        .scan(move |tx| users::list(tx, &ctx, connection, query.filter.as_ref(), page))
        .await?;
    if !is_filtered {
        mark_end(&client, &listing, page.start_index - 1).await;
    }
    let resources: Vec<_> = listing
        .records
        .iter()
        .map(|record| record.to_scim(&client.settings, Some(&client.base)))
        .collect();
    Ok(scim(
        StatusCode::OK,
        scim_list::to_json(listing.total, page, &resources),
    ))
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
pub(super) async fn create(client: Client, Body(body): Body) -> Answer {
    let sent = client.settings.schemas.admit(body)?;
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    let record = client
        .app
        .store
        .write(move |tx| users::create(tx, &ctx, connection, &sent))
        .await?;
    let mut response = shown(&client, StatusCode::CREATED, &record);
    if let Ok(location) = HeaderValue::try_from(format!("{}/Users/{}", client.base, record.facts.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET /Users/{id}`
pub(super) async fn show(client: Client, Path(id): Path<String>) -> Answer {
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    let record = client
        .app
        .store
        .look(move |tx| users::show(tx, &ctx, connection, &id))
        .await?;
    Ok(shown(&client, StatusCode::OK, &record))
}

/// `PUT /Users/{id}`
pub(super) async fn replace(client: Client, Path(id): Path<String>, Body(body): Body) -> Answer {
    let sent = client.settings.schemas.admit(body)?;
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    let record = client
        .app
        .store
        .write(move |tx| users::replace(tx, &ctx, connection, &id, &sent))
        .await?;
    Ok(shown(&client, StatusCode::OK, &record))
}

/// `PATCH /Users/{id}`
pub(super) async fn patch(client: Client, Path(id): Path<String>, Body(body): Body) -> Answer {
    let patch = Patch::parse(body)?;
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    let record = client
        .app
        .store
        .write(move |tx| users::patch(tx, &ctx, connection, &id, &patch))
        .await?;
    Ok(shown(&client, StatusCode::OK, &record))
}

/// `DELETE /Users/{id}`
pub(super) async fn delete(client: Client, Path(id): Path<String>) -> Answer {
    let (ctx, connection) = (client.ctx.clone(), client.connection);
    client
        .app
        .store
        .write(move |tx| users::delete(tx, &ctx, connection, &id))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn shown(client: &Client, status: StatusCode, record: &Record) -> Response {
    scim(status, record.to_scim(&client.settings, Some(&client.base)))
}
