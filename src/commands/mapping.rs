//! `provost mapping`

use std::path::Path;

use directory::{Answer, Bytes, Condition, Mapping, Settings, shadowed};
use scim::filter::Quotes;
use scim::{AttributePath, Filter};
use serde_json::{Value, json};
use service::explain::{self, Explained};
use service::settings::mappings::{self, MappingChange};
use service::settings::named;

use super::mapping_apply::{self, Consent};
use super::{Session, mapping_file};
use crate::cli::{self, MappingSettings};
use crate::exit::Failure;

pub(super) async fn run(session: &Session, command: cli::Mapping) -> Result<(), Failure> {
    match command {
        cli::Mapping::List => list(session)?,
        cli::Mapping::Add { name, settings, at } => {
            let change = change(session, None, *settings)?;
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
            let change = change(session, rename, *settings)?;
            let one = session
                .write(move |tx, ctx| mappings::set(tx, ctx, &name, &change))
                .await?;
            done(session, &one, "Changed")?;
        }
        cli::Mapping::Apply { file, existing, yes } => {
            let list = file
                .as_deref()
                .map(|file| mapping_file::read(session, file))
                .transpose()?;
            if existing {
                let consent = if yes { Consent::Given } else { Consent::ToBeAsked };
                mapping_apply::with_existing(session, list, consent).await?;
            } else if let Some(list) = list {
                let applied = mapping_apply::list(session, list).await?;
                session
                    .reader
                    .done(&mapping_apply::sentence(applied), &mapping_apply::value(applied))?;
            }
        }
        cli::Mapping::Preview { file } => {
            let list = file
                .as_deref()
                .map(|file| mapping_file::read(session, file))
                .transpose()?;
            mapping_apply::preview(session, list).await?;
        }
        cli::Mapping::Explain {
            user,
            file,
            connection,
        } => {
            let explained = explain(session, user.as_deref(), file.as_deref(), &connection)?;
            let rows: Vec<_> = explained.iter().map(explained_row).collect();
            let columns = ["#", "Mapping", "For", "", "Because"];
            session.reader.list(&columns, &rows, || {
                explained.iter().map(Explained::to_json).collect()
            })?;
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

fn list(session: &Session) -> Result<(), Failure> {
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
    let above = shadowed(&settings.mappings);
    let row = |(one, above): (&Mapping, Option<&Mapping>)| {
        let mut cells = row(one, &settings);
        cells[2] = in_words(session, one, &settings)?;
        if let Some(above) = above {
            cells[2] = format!("{} (never matches: {} is above)", cells[2], above.name);
        }
        Ok(cells)
    };
    let rows: Vec<_> = settings
        .mappings
        .iter()
        .zip(above)
        .map(row)
        .collect::<Result<_, Failure>>()?;
    let values = || {
        settings
            .mappings
            .iter()
            .map(|one| value(one, &settings))
            .collect()
    };
    session.reader.list(&columns, &rows, values)?;
    Ok(())
}

fn explain(
    session: &Session,
    user: Option<&str>,
    file: Option<&Path>,
    connection: &str,
) -> Result<Vec<Explained>, Failure> {
    let settings = session.settings()?;
    if let Some(user) = user {
        let record = session
            .store
            .read(|tx| service::users::find(tx, session.tenant, user))?;
        return Ok(session
            .store
            .read(|tx| explain::of_user(tx, &settings, &record))?);
    }
    let path = file.unwrap_or(Path::new("-"));
    let bytes =
        std::fs::read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let body = scim::json::parse_object(&bytes).map_err(service::Error::from)?;
    let sent = settings.schemas.admit(body).map_err(service::Error::from)?;
    let connection = named(&settings.connections, connection).map_err(service::Error::from)?;
    Ok(session
        .store
        .read(|tx| explain::of_body(tx, &settings, &sent, Some(connection.id)))?)
}

fn explained_row(one: &Explained) -> Vec<String> {
    let answer = match (one.decides, one.answer) {
        (true, Answer::Matched) => "matched: this one decides",
        (true, Answer::Unknown) => "unknown: nobody below is asked",
        (_, answer) => answer.name(),
    };
    vec![
        one.position.to_string(),
        one.name.clone(),
        one.condition.clone(),
        answer.to_owned(),
        one.because.clone(),
    ]
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

fn change(
    session: &Session,
    name: Option<String>,
    settings: MappingSettings,
) -> Result<MappingChange, Failure> {
    let condition = match settings.attribute {
        _ if !settings.group.is_empty() => Some(session.of_groups(&settings.group, &settings.connection)?),
        Some(path) => Some(Condition::Attribute {
            path: AttributePath::parse(&path).map_err(|error| Failure::usage(error.detail))?,
            values: settings.value,
            case_sensitive: settings.case_sensitive,
        }),
        None if settings.any => Some(Condition::Any),
        None => match settings.filter {
            Some(text) => Some(Condition::Filter {
                filter: Filter::parse(&text, Quotes::Required)
                    .map_err(|error| Failure::usage(error.detail))?,
            }),
            None => None,
        },
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

/// Whom the mapping is for.
fn in_words(session: &Session, one: &Mapping, settings: &Settings) -> Result<String, Failure> {
    Ok(session
        .store
        .read(|tx| service::groups::in_words(tx, settings, &one.condition))?)
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
