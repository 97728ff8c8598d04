//! `/tenant` and `/keys`: the organisation itself, and what its programs show.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use directory::{ApiKey, Role, rfc3339};
use serde::Deserialize;
use serde_json::{Value, json};
use service::keys::{self, NewKey};
use service::settings::tenants::{self, TenantChange};

use super::input::{Input, Named};
use super::version::{IfMatch, tagged, version_of};
use super::{Answer, json as answer};
use crate::access::caller::{Caller, ChangeSettings, ManageAccess, ReadSettings};
use crate::access::problem::Problem;
use crate::clock;

/// `GET /tenant`
pub(super) async fn show(caller: Caller<ReadSettings>) -> Answer {
    let tenant = &caller.settings.tenant;
    Ok(tagged(StatusCode::OK, &version_of(tenant), &json!(tenant)))
}

/// `PATCH /tenant`
pub(super) async fn set(
    caller: Caller<ChangeSettings>,
    known: IfMatch,
    Input(change): Input<TenantChange>,
) -> Answer {
    let tenant = caller
        .write(move |tx, ctx| {
            known.check_setting(&tx.settings_to_change(ctx.tenant)?.tenant)?;
            tenants::set(tx, ctx, &change)
        })
        .await?;
    Ok(tagged(StatusCode::OK, &version_of(&tenant), &json!(tenant)))
}

/// `GET /keys`: without their secrets.
pub(super) async fn keys(caller: Caller<ManageAccess>) -> Answer {
    let ctx = caller.ctx.clone();
    let keys = caller.app.store.look(move |tx| keys::all(tx, &ctx)).await?;
    let shown: Vec<_> = keys.iter().map(to_json).collect();
    Ok(answer(json!({"keys": shown}).to_string()))
}

/// A key to make.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct New {
    name: String,
    role: Role,
    #[serde(default = "year")]
    days: u32,
}

fn year() -> u32 {
    365
}

/// `POST /keys`: the secret is in this answer and never again.
pub(super) async fn create_key(caller: Caller<ManageAccess>, Input(new): Input<New>) -> Answer {
    let secret = clock::fresh_key().map_err(|_| Problem::failed())?;
    let new = NewKey {
        secret: secret.clone(),
        name: new.name,
        role: new.role,
        days: new.days,
    };
    let key = caller.write(move |tx, ctx| keys::create(tx, ctx, &new)).await?;
    Ok(super::idempotency::once(
        StatusCode::CREATED,
        to_json(&key),
        secret.reveal(),
    ))
}

/// `DELETE /keys/{name}`: ends it at once.
pub(super) async fn revoke_key(caller: Caller<ManageAccess>, Named(name): Named) -> Answer {
    caller.write(move |tx, ctx| keys::revoke(tx, ctx, &name)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn to_json(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "role": key.role.name(),
        "created": rfc3339(key.created),
        "expires": rfc3339(key.expires),
        "revoked": key.revoked.map(rfc3339),
        "lastUsed": key.last_used.map(rfc3339),
    })
}
