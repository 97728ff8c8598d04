//! `/connections` and `/tokens`: which identity providers there are, and what they show.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use directory::{Connection, ConnectionKind, Settings, Timestamp, Token, TokenState, rfc3339};
use serde::Deserialize;
use serde_json::{Value, json};
use service::settings::connections::{self, ConnectionChange};
use service::settings::named;
use service::tokens::{self, NewToken};

use super::input::{Input, Named};
use super::version::{IfMatch, tagged, version_of};
use super::{Answer, json as answer};
use crate::access::caller::{Caller, ChangeSettings, ReadSettings};
use crate::access::problem::Problem;
use crate::clock;

/// `GET /connections`
pub(super) async fn list(caller: Caller<ReadSettings>) -> Answer {
    let connections = &caller.settings.connections;
    Ok(answer(json!({"connections": connections}).to_string()))
}

/// `GET /connections/{name}`
pub(super) async fn show(caller: Caller<ReadSettings>, Named(name): Named) -> Answer {
    let connection = named(&caller.settings.connections, &name)?;
    Ok(tagged(
        StatusCode::OK,
        &version_of(connection),
        &json!(connection),
    ))
}

/// A new connection.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct New {
    name: String,
    #[serde(default = "other")]
    kind: ConnectionKind,
}

fn other() -> ConnectionKind {
    ConnectionKind::Other
}

/// `POST /connections`
pub(super) async fn add(caller: Caller<ChangeSettings>, Input(new): Input<New>) -> Answer {
    let connection = caller
        .write(move |tx, ctx| connections::add(tx, ctx, &new.name, new.kind))
        .await?;
    Ok(made(&connection))
}

fn made(connection: &Connection) -> axum::response::Response {
    tagged(StatusCode::CREATED, &version_of(connection), &json!(connection))
}

/// `PATCH /connections/{name}`
pub(super) async fn set(
    caller: Caller<ChangeSettings>,
    Named(name): Named,
    known: IfMatch,
    Input(change): Input<ConnectionChange>,
) -> Answer {
    let connection = caller
        .write(move |tx, ctx| {
            let settings = tx.settings_to_change(ctx.tenant)?;
            known.check_setting(named(&settings.connections, &name)?)?;
            connections::set(tx, ctx, &name, &change)
        })
        .await?;
    Ok(tagged(
        StatusCode::OK,
        &version_of(&connection),
        &json!(connection),
    ))
}

/// `DELETE /connections/{name}`: its users become manual, its groups and tokens go.
pub(super) async fn remove(caller: Caller<ChangeSettings>, Named(name): Named, known: IfMatch) -> Answer {
    let released = caller
        .write(move |tx, ctx| {
            let settings = tx.settings_to_change(ctx.tenant)?;
            known.check_setting(named(&settings.connections, &name)?)?;
            connections::remove(tx, ctx, &name)
        })
        .await?;
    Ok(answer(json!({"released": released}).to_string()))
}

/// `GET /tokens`: all connections', without their secrets.
pub(super) async fn tokens(caller: Caller<ReadSettings>) -> Answer {
    let ctx = caller.ctx.clone();
    let tokens = caller.app.store.look(move |tx| tokens::all(tx, &ctx)).await?;
    let shown: Vec<_> = tokens
        .iter()
        .map(|token| token_to_json(token, &caller.settings, caller.ctx.now))
        .collect();
    Ok(answer(json!({"tokens": shown}).to_string()))
}

/// How long a token lives.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Lifetime {
    #[serde(default = "year")]
    days: u32,
    #[serde(default = "week")]
    grace_days: u32,
}

fn year() -> u32 {
    365
}

fn week() -> u32 {
    7
}

/// `POST /connections/{name}/tokens`: the secret is in this answer and never again.
pub(super) async fn create_token(
    caller: Caller<ChangeSettings>,
    Named(name): Named,
    Input(lifetime): Input<Lifetime>,
) -> Answer {
    let secret = clock::fresh_secret().map_err(|_| Problem::failed())?;
    let new = NewToken {
        secret: secret.clone(),
        connection: name,
        days: lifetime.days,
        grace_days: lifetime.grace_days,
    };
    let token = caller.write(move |tx, ctx| tokens::create(tx, ctx, &new)).await?;
    let shown = token_to_json(&token, &caller.settings, caller.ctx.now);
    Ok(super::idempotency::once(
        StatusCode::CREATED,
        shown,
        secret.reveal(),
    ))
}

/// `DELETE /tokens/{id}`: ends it at once.
pub(super) async fn revoke(caller: Caller<ChangeSettings>, Named(id): Named) -> Answer {
    caller.write(move |tx, ctx| tokens::revoke(tx, ctx, &id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn token_to_json(token: &Token, settings: &Settings, now: Timestamp) -> Value {
    let connection = settings.connection(token.connection);
    json!({
        "id": token.id,
        "connection": connection.map(|connection| connection.name.as_str()),
        "state": match token.state(now) {
            TokenState::Live => "live",
            TokenState::Expired => "expired",
            TokenState::Revoked => "revoked",
        },
        "created": rfc3339(token.created),
        "expires": rfc3339(token.expires),
        "revoked": token.revoked.map(rfc3339),
        "lastUsed": token.last_used.map(rfc3339),
    })
}
