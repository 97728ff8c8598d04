//! `/users`: who there is, one by one, and what an administrator does to them.

use axum::response::Response;
use directory::{Bytes, Ctx, Record, Settings, UserId};
use serde::Deserialize;
use serde_json::json;
use service::explain::Explained;
use service::users::{self, Browse, LegalHold, PlaceChange};

use super::caller::{Caller, ChangeUsers, PreserveUsers, ReadUsers, Right};
use super::input::{Asking, Input, Named};
use super::problem::Problem;
use super::{Answer, json as answer};

/// The most users in one answer.
const MAX: usize = 500;
/// How many where nobody says.
const DEFAULT: usize = 50;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    search: String,
    status: Option<String>,
    profile: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /users?search=ava&status=active&profile=Germany&cursor=...&limit=50`
pub(super) async fn list(caller: Caller<ReadUsers>, Asking(asked): Asking<Asked>) -> Answer {
    let browse = browse(&caller.settings, &asked)?;
    let ctx = caller.ctx.clone();
    let page = caller
        .app
        .store
        .scan(move |tx| users::browse(tx, &ctx, &browse))
        .await?;
    let shown: Vec<_> = page
        .records
        .iter()
        .map(|record| record.to_json(&caller.settings))
        .collect();
    Ok(answer(json!({"users": shown, "next": page.next}).to_string()))
}

fn browse(settings: &Settings, asked: &Asked) -> Result<Browse, Problem> {
    let status = asked.status.as_deref().map(str::parse).transpose();
    let profile = match &asked.profile {
        Some(name) => Some(service::settings::named(&settings.profiles, name)?.id),
        None => None,
    };
    let after = match &asked.cursor {
        Some(text) => UserId::parse(text).ok_or_else(|| {
            Problem::bad_request("The cursor is not one that this server gave; leave it out to begin.")
        })?,
        None => UserId::from(uuid::Uuid::nil()),
    };
    Ok(Browse {
        search: asked.search.trim().to_owned(),
        status: status.map_err(|_| Problem::bad_request("status is one of active, held and preserved."))?,
        profile,
        after,
        limit: asked.limit.unwrap_or(DEFAULT).clamp(1, MAX),
    })
}

/// `GET /users/{user}`: by id, userName, account name or e-mail.
pub(super) async fn show(caller: Caller<ReadUsers>, Named(user): Named) -> Answer {
    let record = found(&caller, user).await?;
    Ok(shown(&caller, &record))
}

/// `POST /users/{user}/preserve`
pub(super) async fn preserve(caller: Caller<PreserveUsers>, Named(user): Named) -> Answer {
    let id = found(&caller, user).await?.facts.id;
    changed(&caller, move |tx, ctx| users::preserve(tx, ctx, id)).await
}

/// `POST /users/{user}/activate`
pub(super) async fn activate(caller: Caller<PreserveUsers>, Named(user): Named) -> Answer {
    let id = found(&caller, user).await?.facts.id;
    changed(&caller, move |tx, ctx| {
        users::activate(tx, ctx, id, directory::Override::No)
    })
    .await
}

/// `GET /users/{user}/explain`: what each mapping says of the user, and why.
pub(super) async fn explain(caller: Caller<ReadUsers>, Named(user): Named) -> Answer {
    let record = found(&caller, user).await?;
    let settings = caller.settings.clone();
    let explained = caller
        .app
        .store
        .look(move |tx| service::explain::of_user(tx, &settings, &record))
        .await?;
    let told: Vec<_> = explained.iter().map(Explained::to_json).collect();
    Ok(answer(json!({"mappings": told}).to_string()))
}

/// Why a user goes for good.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Farewell {
    reason: String,
}

/// `POST /users/{user}/delete`: for good, with a reason that is kept.
pub(super) async fn delete(
    caller: Caller<ChangeUsers>,
    Named(user): Named,
    Input(farewell): Input<Farewell>,
) -> Answer {
    let (id, ctx) = (found(&caller, user).await?.facts.id, caller.ctx.clone());
    caller
        .app
        .store
        .write(move |tx| users::purge(tx, &ctx, id, &farewell.reason))
        .await?;
    Ok(answer(json!({"purged": id}).to_string()))
}

/// A place that is set by hand; what is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    profile: Option<String>,
    storage: Option<String>,
    quota: Option<u64>,
}

/// `POST /users/{user}/place`: sets profile, storage and quota (bytes, 0 is unlimited), and pins what is set.
pub(super) async fn place(
    caller: Caller<ChangeUsers>,
    Named(user): Named,
    Input(place): Input<Place>,
) -> Answer {
    let change = PlaceChange {
        profile: place.profile,
        storage: place.storage,
        quota: place.quota.map(|bytes| Some(Bytes::new(bytes))),
    };
    let id = found(&caller, user).await?.facts.id;
    changed(&caller, move |tx, ctx| users::set_place(tx, ctx, id, &change)).await
}

/// `POST /users/{user}/unpin`: the mappings decide again at the user's next update.
pub(super) async fn unpin(caller: Caller<ChangeUsers>, Named(user): Named) -> Answer {
    let id = found(&caller, user).await?.facts.id;
    changed(&caller, move |tx, ctx| users::unpin(tx, ctx, id)).await
}

/// `PUT /users/{user}/legal-hold`: forbids to purge the user.
pub(super) async fn hold(caller: Caller<ChangeUsers>, Named(user): Named) -> Answer {
    legal(&caller, user, LegalHold::Placed).await
}

/// `DELETE /users/{user}/legal-hold`: allows it again.
pub(super) async fn lift(caller: Caller<ChangeUsers>, Named(user): Named) -> Answer {
    legal(&caller, user, LegalHold::Lifted).await
}

async fn legal(caller: &Caller<ChangeUsers>, user: String, hold: LegalHold) -> Answer {
    let id = found(caller, user).await?.facts.id;
    changed(caller, move |tx, ctx| users::set_legal_hold(tx, ctx, id, hold)).await
}

async fn found<R: Right>(caller: &Caller<R>, user: String) -> Result<Record, Problem> {
    let tenant = caller.ctx.tenant;
    Ok(caller
        .app
        .store
        .look(move |tx| users::find(tx, tenant, &user))
        .await?)
}

async fn changed<R: Right>(
    caller: &Caller<R>,
    work: impl Fn(&mut store::Tx<'_>, &Ctx) -> Result<Record, service::Error> + Send + 'static,
) -> Answer {
    let ctx = caller.ctx.clone();
    let record = caller.app.store.write(move |tx| work(tx, &ctx)).await?;
    Ok(shown(caller, &record))
}

fn shown<R: Right>(caller: &Caller<R>, record: &Record) -> Response {
    answer(record.to_json(&caller.settings).to_string())
}
