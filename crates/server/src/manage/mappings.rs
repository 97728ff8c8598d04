//! `/mappings`: the ordered rules, what they would do, and doing it.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use directory::{Bytes, Condition, Mapping, Refusal, Settings, UserId};
use scim::Object;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use service::explain::{self, Explained};
use service::settings::mappings::{self, MappingChange};
use service::settings::{mapping_list, named};
use service::users;
use store::Tx;
use store::counts::{self, Count};

use super::input::{Input, Named};
use super::version::{IfMatch, tagged, version_of};
use super::{Answer, json as answer};
use crate::access::caller::{Caller, ChangeSettings, ReadSettings};
use crate::access::problem::Problem;

/// The most users of whom a preview says what they would get.
const MAX_SHOWN: usize = 500;

/// `GET /mappings`: in their order, with how many users each placed.
pub(super) async fn list(caller: Caller<ReadSettings>) -> Answer {
    let settings = caller.settings.clone();
    let found = caller.app.store.scan(move |tx| all(tx, &settings));
    let mappings = found.await?;
    Ok(answer(json!({"mappings": mappings}).to_string()))
}

fn all(tx: &mut Tx<'_>, settings: &Settings) -> Result<Vec<Value>, service::Error> {
    let hidden = directory::shadowed(&settings.mappings);
    let one = |(mapping, by): (&Mapping, Option<&Mapping>)| {
        let mut shown = to_json(tx, settings, mapping)?;
        shown["hiddenBy"] = by.map(|by| by.name.as_str()).into();
        Ok(shown)
    };
    settings.mappings.iter().zip(hidden).map(one).collect()
}

/// `GET /mappings/{name}`
pub(super) async fn show(caller: Caller<ReadSettings>, Named(name): Named) -> Answer {
    let mapping = named(&caller.settings.mappings, &name)?.clone();
    let (version, settings) = (version_of(&mapping), caller.settings.clone());
    let shown = caller
        .app
        .store
        .look(move |tx| to_json(tx, &settings, &mapping))
        .await?;
    Ok(tagged(StatusCode::OK, &version, &shown))
}

fn to_json(tx: &mut Tx<'_>, settings: &Settings, mapping: &Mapping) -> Result<Value, service::Error> {
    let outcome = &mapping.outcome;
    let connections: Vec<_> = mapping
        .connections
        .iter()
        .filter_map(|&id| settings.connection(id))
        .map(|connection| &connection.name)
        .collect();
    Ok(json!({
        "id": mapping.id,
        "name": mapping.name,
        "position": mapping.position,
        "condition": mapping.condition,
        "inWords": service::groups::in_words(tx, settings, &mapping.condition)?,
        "connections": connections,
        "profile": settings.profile(outcome.profile).map(|profile| &profile.name),
        "storage": settings.storage(outcome.storage).map(|storage| &storage.name),
        "quota": outcome.quota,
        "activationMail": outcome.activation_mail,
        "users": counts::get(tx, Count::by_mapping(settings.tenant.id, mapping.id))?,
    }))
}

/// What is said of a mapping.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Said {
    name: Option<String>,
    condition: Option<Value>,
    connections: Option<Vec<String>>,
    profile: Option<String>,
    storage: Option<String>,
    /// Bytes, or null to follow the profile's.
    #[serde(default, deserialize_with = "given")]
    quota: Option<Value>,
    activation_mail: Option<bool>,
    /// Place from 1, for a new one.
    at: Option<u32>,
}

impl Said {
    fn change(self) -> Result<MappingChange, Refusal> {
        Ok(MappingChange {
            name: self.name,
            condition: self.condition.map(condition).transpose()?,
            connections: self.connections,
            profile: self.profile,
            storage: self.storage,
            quota: self.quota.map(quota).transpose()?,
            activation_mail: self.activation_mail,
        })
    }
}

/// `null` is something that is said.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn quota(value: Value) -> Result<Option<Bytes>, Refusal> {
    serde_json::from_value(value).map_err(|error| Refusal::BadSetting {
        detail: format!(
            "quota: {error}. It is a number of bytes, 0 for unlimited, or null to follow the profile's."
        ),
    })
}

/// A condition as it is shown; an error says what is wrong with it.
fn condition(value: Value) -> Result<Condition, Refusal> {
    serde_json::from_value(value).map_err(|error| Refusal::BadSetting {
        detail: format!(
            "condition: {error}. It is one of {{\"kind\":\"any\"}}, {{\"kind\":\"attribute\",\"path\":...,\"values\":[...],\
             \"caseSensitive\":false}}, {{\"kind\":\"group\",\"groups\":[ids]}} and {{\"kind\":\"filter\",\"filter\":...}}."
        ),
    })
}

/// `POST /mappings`
pub(super) async fn add(caller: Caller<ChangeSettings>, Input(said): Input<Said>) -> Answer {
    let name = said.name.clone().ok_or_else(|| Problem::missing("name"))?;
    let (at, change) = (said.at, said.change()?);
    written(&caller, StatusCode::CREATED, move |tx, ctx| {
        mappings::add(tx, ctx, &name, &change, at)
    })
    .await
}

/// `PATCH /mappings/{name}`: users whom it placed keep what they have.
pub(super) async fn set(
    caller: Caller<ChangeSettings>,
    Named(name): Named,
    known: IfMatch,
    Input(said): Input<Said>,
) -> Answer {
    let (at, change) = (said.at, said.change()?);
    written(&caller, StatusCode::OK, move |tx, ctx| {
        let settings = tx.settings_to_change(ctx.tenant)?;
        known.check_setting(named(&settings.mappings, &name)?)?;
        let set = mappings::set(tx, ctx, &name, &change)?;
        match at {
            Some(at) => mappings::move_to(tx, ctx, set.name.as_str(), at),
            None => Ok(set),
        }
    })
    .await
}

async fn written(
    caller: &Caller<ChangeSettings>,
    status: StatusCode,
    work: impl Fn(&mut Tx<'_>, &directory::Ctx) -> Result<Mapping, service::Error> + Send + 'static,
) -> Answer {
    let (version, shown) = caller
        .write(move |tx, ctx| {
            let mapping = work(tx, ctx)?;
            let settings = tx.settings(ctx.tenant)?;
            Ok((version_of(&mapping), to_json(tx, &settings, &mapping)?))
        })
        .await?;
    Ok(tagged(status, &version, &shown))
}

/// `DELETE /mappings/{name}`: users whom it placed keep what they have.
pub(super) async fn remove(caller: Caller<ChangeSettings>, Named(name): Named, known: IfMatch) -> Answer {
    caller
        .write(move |tx, ctx| {
            let settings = tx.settings_to_change(ctx.tenant)?;
            known.check_setting(named(&settings.mappings, &name)?)?;
            mappings::remove(tx, ctx, &name)
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The order of the mappings, by their names; it names them all.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Order {
    names: Vec<String>,
}

/// `POST /mapping/order`
pub(super) async fn order(caller: Caller<ChangeSettings>, Input(order): Input<Order>) -> Answer {
    let shown = caller
        .write(move |tx, ctx| {
            mappings::reorder(tx, ctx, &order.names)?;
            let settings = tx.settings(ctx.tenant)?;
            all(tx, &settings)
        })
        .await?;
    Ok(answer(json!({"mappings": shown}).to_string()))
}

/// A person to try the mappings on, as an identity provider would send it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Trial {
    user: Object,
    connection: Option<String>,
}

/// `POST /mapping/try`: what each mapping says of a person, and why. Nothing is kept.
pub(super) async fn try_out(caller: Caller<ReadSettings>, Input(trial): Input<Trial>) -> Answer {
    let settings = caller.settings.clone();
    let sent = settings
        .schemas
        .admit(trial.user)
        .map_err(|error| Problem::bad_request(error.detail))?;
    let connection = match &trial.connection {
        Some(name) => Some(named(&settings.connections, name)?.id),
        None => settings.connections.first().map(|connection| connection.id),
    };
    let explained = caller
        .app
        .store
        .look(move |tx| explain::of_body(tx, &settings, &sent, connection))
        .await?;
    let told: Vec<_> = explained.iter().map(Explained::to_json).collect();
    Ok(answer(json!({"mappings": told}).to_string()))
}

/// A list of mappings that is not the tenant's yet.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Draft {
    /// All mappings in their order; the present ones where there is none.
    mappings: Option<Vec<Said>>,
}

/// `POST /mapping/preview`: which users would change, with the present mappings or with those of a draft. Nothing changes.
pub(super) async fn preview(caller: Caller<ReadSettings>, Input(draft): Input<Draft>) -> Answer {
    caller.demand_whole()?;
    let ctx = caller.ctx.clone();
    let planned = match draft.mappings {
        None => caller.settings.clone(),
        Some(said) => {
            let one = |said: Said| {
                let name = said.name.clone().ok_or_else(|| Problem::missing("name"))?;
                Ok::<_, Problem>((name, said.change()?))
            };
            let list = mapping_list::MappingList {
                mappings: said.into_iter().map(one).collect::<Result<_, _>>()?,
                examples: Vec::new(),
            };
            std::sync::Arc::new(mapping_list::planned(&list, &ctx, &caller.settings)?)
        }
    };
    let preview = caller
        .app
        .store
        .scan(move |tx| service::outlook::look(tx, &ctx, &planned, MAX_SHOWN))
        .await?;
    Ok(answer(preview.to_json().to_string()))
}

/// Where to go on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct From {
    cursor: Option<String>,
}

/// `POST /mapping/apply`: lets the mappings decide about the next hundred users who exist; `next` is where to go on.
pub(super) async fn apply(caller: Caller<ChangeSettings>, Input(from): Input<From>) -> Answer {
    let after = match &from.cursor {
        None => UserId::from(uuid::Uuid::nil()),
        Some(text) => UserId::parse(text).ok_or_else(|| {
            Problem::bad_request("The cursor is not one that this server gave; leave it out to begin.")
        })?,
    };
    let (next, changed) = caller
        .write(move |tx, ctx| users::reapply(tx, ctx, after))
        .await?;
    Ok(answer(json!({"changed": changed, "next": next}).to_string()))
}
