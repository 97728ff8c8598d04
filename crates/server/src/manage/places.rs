//! `/profiles`, `/storages` and `/attributes`: what mappings give, and what is kept of people beyond the standard.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use directory::{Profile, Settings, Storage};
use serde::Deserialize;
use serde_json::{Value, json};
use service::settings::profiles::{self, ProfileChange};
use service::settings::{attributes, named, storages};
use store::Tx;
use store::counts::{self, Count};

use super::input::{Input, Named};
use super::version::{IfMatch, tagged, version_of};
use super::{Answer, json as answer};
use crate::access::caller::{Caller, ChangeSettings, ReadSettings};
use crate::access::problem::Problem;

/// `GET /profiles`: with how many users each has.
pub(super) async fn profiles(caller: Caller<ReadSettings>) -> Answer {
    let settings = caller.settings.clone();
    let found = caller.app.store.scan(move |tx| {
        let of = settings.profiles.iter();
        of.map(|profile| counted(tx, &settings, profile))
            .collect::<Result<Vec<_>, _>>()
    });
    let profiles = found.await?;
    Ok(answer(json!({"profiles": profiles}).to_string()))
}

/// `GET /profiles/{name}`
pub(super) async fn show_profile(caller: Caller<ReadSettings>, Named(name): Named) -> Answer {
    let profile = named(&caller.settings.profiles, &name)?.clone();
    let (version, settings) = (version_of(&profile), caller.settings.clone());
    let shown = caller
        .app
        .store
        .look(move |tx| counted(tx, &settings, &profile))
        .await?;
    Ok(tagged(StatusCode::OK, &version, &shown))
}

fn counted(tx: &mut Tx<'_>, settings: &Settings, profile: &Profile) -> Result<Value, service::Error> {
    let tenant = settings.tenant.id;
    let mut shown = json!(profile);
    shown["users"] = counts::get(tx, Count::in_profile(tenant, profile.id))?.into();
    shown["activeUsers"] = counts::get(tx, Count::active_in_profile(tenant, profile.id))?.into();
    Ok(shown)
}

/// `POST /profiles`
pub(super) async fn add_profile(
    caller: Caller<ChangeSettings>,
    Input(change): Input<ProfileChange>,
) -> Answer {
    let name = change.name.clone().ok_or_else(|| Problem::missing("name"))?;
    let profile = caller
        .write(move |tx, ctx| profiles::add(tx, ctx, &name, &change))
        .await?;
    Ok(tagged(
        StatusCode::CREATED,
        &version_of(&profile),
        &json!(profile),
    ))
}

/// `PATCH /profiles/{name}`
pub(super) async fn set_profile(
    caller: Caller<ChangeSettings>,
    Named(name): Named,
    known: IfMatch,
    Input(change): Input<ProfileChange>,
) -> Answer {
    let profile = caller
        .write(move |tx, ctx| {
            let settings = tx.settings_to_change(ctx.tenant)?;
            known.check_setting(named(&settings.profiles, &name)?)?;
            profiles::set(tx, ctx, &name, &change)
        })
        .await?;
    Ok(tagged(StatusCode::OK, &version_of(&profile), &json!(profile)))
}

/// `DELETE /profiles/{name}`
pub(super) async fn remove_profile(
    caller: Caller<ChangeSettings>,
    Named(name): Named,
    known: IfMatch,
) -> Answer {
    caller
        .write(move |tx, ctx| {
            let settings = tx.settings_to_change(ctx.tenant)?;
            known.check_setting(named(&settings.profiles, &name)?)?;
            profiles::remove(tx, ctx, &name)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /storages`: with how many users each has.
pub(super) async fn storages(caller: Caller<ReadSettings>) -> Answer {
    let settings = caller.settings.clone();
    let found = caller.app.store.scan(move |tx| {
        let one = |storage: &Storage| {
            let mut shown = json!(storage);
            shown["users"] = counts::get(tx, Count::in_storage(settings.tenant.id, storage.id))?.into();
            Ok::<_, service::Error>(shown)
        };
        settings.storages.iter().map(one).collect::<Result<Vec<_>, _>>()
    });
    let storages = found.await?;
    Ok(answer(json!({"storages": storages}).to_string()))
}

/// `GET /storages/{name}`
pub(super) async fn show_storage(caller: Caller<ReadSettings>, Named(name): Named) -> Answer {
    let storage = named(&caller.settings.storages, &name)?;
    Ok(tagged(StatusCode::OK, &version_of(storage), &json!(storage)))
}

/// What is said of a storage.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StorageChange {
    name: Option<String>,
    region: Option<String>,
}

/// `POST /storages`
pub(super) async fn add_storage(
    caller: Caller<ChangeSettings>,
    Input(change): Input<StorageChange>,
) -> Answer {
    let name = change.name.ok_or_else(|| Problem::missing("name"))?;
    let region = change.region.unwrap_or_else(|| "local".to_owned());
    let storage = caller
        .write(move |tx, ctx| storages::add(tx, ctx, &name, &region))
        .await?;
    Ok(tagged(
        StatusCode::CREATED,
        &version_of(&storage),
        &json!(storage),
    ))
}

/// `PATCH /storages/{name}`
pub(super) async fn set_storage(
    caller: Caller<ChangeSettings>,
    Named(name): Named,
    known: IfMatch,
    Input(change): Input<StorageChange>,
) -> Answer {
    let storage = caller
        .write(move |tx, ctx| {
            let settings = tx.settings_to_change(ctx.tenant)?;
            known.check_setting(named(&settings.storages, &name)?)?;
            storages::set(tx, ctx, &name, change.name.as_deref(), change.region.as_deref())
        })
        .await?;
    Ok(tagged(StatusCode::OK, &version_of(&storage), &json!(storage)))
}

/// `DELETE /storages/{name}`
pub(super) async fn remove_storage(
    caller: Caller<ChangeSettings>,
    Named(name): Named,
    known: IfMatch,
) -> Answer {
    caller
        .write(move |tx, ctx| {
            let settings = tx.settings_to_change(ctx.tenant)?;
            known.check_setting(named(&settings.storages, &name)?)?;
            storages::remove(tx, ctx, &name)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /attributes`: those that are declared.
pub(super) async fn attributes(caller: Caller<ReadSettings>) -> Answer {
    Ok(answer(
        json!({"attributes": caller.settings.declared}).to_string(),
    ))
}

/// A custom attribute to declare.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewAttribute {
    name: String,
    urn: Option<String>,
    #[serde(rename = "type", default = "string")]
    kind: scim::schema::Type,
}

fn string() -> scim::schema::Type {
    scim::schema::Type::String
}

/// `POST /attributes`: it is stored and shown from each user's next update on.
pub(super) async fn declare(caller: Caller<ChangeSettings>, Input(new): Input<NewAttribute>) -> Answer {
    let attribute = caller
        .write(move |tx, ctx| attributes::add(tx, ctx, &new.name, new.urn.as_deref(), new.kind))
        .await?;
    Ok((StatusCode::CREATED, answer(json!(attribute).to_string())).into_response())
}
