//! The settings as they are: connections, profiles, storages, mappings.

use serde_json::{Value, json};
use store::counts::{self, Count};

use super::caller::{Caller, ReadSettings};
use super::problem::Problem;
use super::{Answer, json as answer};

/// `GET /connections`
pub(super) async fn connections(caller: Caller<ReadSettings>) -> Answer {
    Ok(answer(
        json!({"connections": caller.settings.connections}).to_string(),
    ))
}

/// `GET /storages`
pub(super) async fn storages(caller: Caller<ReadSettings>) -> Answer {
    Ok(answer(json!({"storages": caller.settings.storages}).to_string()))
}

/// `GET /profiles`: with how many users each has.
pub(super) async fn profiles(caller: Caller<ReadSettings>) -> Answer {
    let settings = caller.settings.clone();
    let found = caller.app.store.scan(move |tx| {
        let tenant = settings.tenant.id;
        let one = |profile: &directory::Profile| {
            let mut shown = json!(profile);
            shown["users"] = counts::get(tx, Count::in_profile(tenant, profile.id))?.into();
            shown["activeUsers"] = counts::get(tx, Count::active_in_profile(tenant, profile.id))?.into();
            Ok::<_, service::Error>(shown)
        };
        settings
            .profiles
            .iter()
            .map(one)
            .collect::<Result<Vec<Value>, _>>()
    });
    let profiles = found.await.map_err(Problem::from)?;
    Ok(answer(json!({"profiles": profiles}).to_string()))
}

/// `GET /mappings`: in their order, with how many users each placed.
pub(super) async fn mappings(caller: Caller<ReadSettings>) -> Answer {
    let settings = caller.settings.clone();
    let found = caller.app.store.scan(move |tx| {
        let tenant = settings.tenant.id;
        let one = |mapping: &directory::Mapping| {
            let mut shown = json!(mapping);
            shown["inWords"] = service::groups::in_words(tx, &settings, &mapping.condition)?.into();
            shown["users"] = counts::get(tx, Count::by_mapping(tenant, mapping.id))?.into();
            Ok::<_, service::Error>(shown)
        };
        settings
            .mappings
            .iter()
            .map(one)
            .collect::<Result<Vec<Value>, _>>()
    });
    let mappings = found.await.map_err(Problem::from)?;
    Ok(answer(json!({"mappings": mappings}).to_string()))
}
