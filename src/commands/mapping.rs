//! `provost mapping`

use directory::{Bytes, Condition, Mapping, Settings};
use scim::AttributePath;
use serde_json::{Value, json};
use service::settings::mappings::{self, MappingChange};

use super::Session;
use crate::cli::{self, MappingSettings};
use crate::exit::Failure;

pub(super) async fn run(session: &Session, command: cli::Mapping) -> Result<(), Failure> {
    match command {
        cli::Mapping::List => {
            let settings = session.settings()?;
            let columns = [
                "#",
                "Name",
                "For",
                "Connections",
                "Profile",
                "Storage",
                "Quota",
                "Activation mail",
            ];
            let rows: Vec<_> = settings.mappings.iter().map(|one| row(one, &settings)).collect();
            let values = || {
                settings
                    .mappings
                    .iter()
                    .map(|one| value(one, &settings))
                    .collect()
            };
            session.reader.list(&columns, &rows, values)?;
        }
        cli::Mapping::Add { name, settings, at } => {
            let change = change(None, *settings)?;
            let one = session
                .write(move |tx, ctx| mappings::add(tx, ctx, &name, &change, at))
                .await?;
            done(session, &one, "Added")?;
        }
        cli::Mapping::Set {
            name,
            rename,
            settings,
        } => {
            let change = change(rename, *settings)?;
            let one = session
                .write(move |tx, ctx| mappings::set(tx, ctx, &name, &change))
                .await?;
            done(session, &one, "Changed")?;
        }
        cli::Mapping::Move { name, at } => {
            let one = session
                .write(move |tx, ctx| mappings::move_to(tx, ctx, &name, at))
                .await?;
            done(session, &one, "Moved")?;
        }
        cli::Mapping::Remove { name } => {
            let removed = json!({"removed": name});
            session
                .write(move |tx, ctx| mappings::remove(tx, ctx, &name))
                .await?;
            session.reader.done(
                "Removed the mapping. Users whom it placed keep what they have.",
                &removed,
            )?;
        }
    }
    Ok(())
}

fn done(session: &Session, one: &Mapping, what: &str) -> Result<(), Failure> {
    let sentence = format!(
        "{what} the mapping {} at place {}. It counts for users pushed from now on.",
        one.name, one.position
    );
    session
        .reader
        .done(&sentence, &value(one, &*session.settings()?))?;
    Ok(())
}

fn change(name: Option<String>, settings: MappingSettings) -> Result<MappingChange, Failure> {
    let condition = match settings.attribute {
        Some(path) => Some(Condition::Attribute {
            path: AttributePath::parse(&path).map_err(|error| Failure::usage(error.detail))?,
            values: settings.value,
            case_sensitive: settings.case_sensitive,
        }),
        None if settings.any => Some(Condition::Any),
        None => None,
    };
    Ok(MappingChange {
        name,
        condition,
        connections: Some(settings.connection).filter(|names| !names.is_empty()),
        profile: settings.profile,
        storage: settings.storage,
        quota: settings.quota.map(|quota| quota.0),
        activation_mail: settings.activation_mail,
    })
}

fn row(one: &Mapping, settings: &Settings) -> Vec<String> {
    let (profile, storage) = outcome(one, settings);
    let connections = connections(one, settings);
    vec![
        one.position.to_string(),
        one.name.to_string(),
        one.condition.to_string(),
        if connections.is_empty() {
            "all".to_owned()
        } else {
            connections.join(", ")
        },
        profile,
        storage,
        one.outcome
            .quota
            .map_or("the profile's".to_owned(), |quota| quota.to_string()),
        if one.outcome.activation_mail { "yes" } else { "no" }.to_owned(),
    ]
}

/// The mapping with names for ids.
fn value(one: &Mapping, settings: &Settings) -> Value {
    let (profile, storage) = outcome(one, settings);
    json!({
        "id": one.id,
        "name": one.name,
        "position": one.position,
        "condition": one.condition,
        "connections": connections(one, settings),
        "profile": profile,
        "storage": storage,
        "quota": one.outcome.quota.map(Bytes::get),
        "activationMail": one.outcome.activation_mail,
    })
}

fn outcome(one: &Mapping, settings: &Settings) -> (String, String) {
    let profile = settings
        .profile(one.outcome.profile)
        .map(|profile| profile.name.to_string());
    let storage = settings
        .storage(one.outcome.storage)
        .map(|storage| storage.name.to_string());
    (profile.unwrap_or_default(), storage.unwrap_or_default())
}

fn connections(one: &Mapping, settings: &Settings) -> Vec<String> {
    one.connections
        .iter()
        .filter_map(|&id| settings.connection(id))
        .map(|connection| connection.name.to_string())
        .collect()
}
