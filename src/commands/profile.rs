//! `provost profile`

use serde_json::json;
use service::settings::profiles::{self, ProfileChange};
use store::counts::{self, Count};

use super::Session;
use crate::cli::{self, ProfileSettings};
use crate::exit::Failure;

pub(super) async fn run(session: &Session, command: cli::Profile) -> Result<(), Failure> {
    match command {
        cli::Profile::List => list(session)?,
        cli::Profile::Add { name, settings } => {
            let change = change(None, settings);
            let one = session
                .write(move |tx, ctx| profiles::add(tx, ctx, &name, &change))
                .await?;
            session
                .reader
                .done(&format!("Added the profile {}.", one.name), &json!(one))?;
        }
        cli::Profile::Set {
            name,
            rename,
            settings,
        } => {
            let change = change(rename, settings);
            let one = session
                .write(move |tx, ctx| profiles::set(tx, ctx, &name, &change))
                .await?;
            session
                .reader
                .done(&format!("Changed the profile {}.", one.name), &json!(one))?;
        }
        cli::Profile::Remove { name } => {
            let removed = json!({"removed": name});
            session
                .write(move |tx, ctx| profiles::remove(tx, ctx, &name))
                .await?;
            session.reader.done("Removed the profile.", &removed)?;
        }
    }
    Ok(())
}

fn change(name: Option<String>, settings: ProfileSettings) -> ProfileChange {
    let ProfileSettings {
        max_users,
        quota,
        purge_days,
        settings,
    } = settings;
    ProfileChange {
        name,
        max_users,
        quota,
        purge_days,
        settings,
    }
}

fn list(session: &Session) -> Result<(), Failure> {
    let settings = session.settings()?;
    let mut rows = Vec::new();
    let mut values = Vec::new();
    for one in &settings.profiles {
        let (all, active) = session.store.read(|tx| {
            let all = counts::get(tx, Count::in_profile(session.tenant, one.id))?;
            Ok::<_, store::Error>((
                all,
                counts::get(tx, Count::active_in_profile(session.tenant, one.id))?,
            ))
        })?;
        rows.push(vec![
            one.name.to_string(),
            active.to_string(),
            (all - active.min(all)).to_string(),
            one.max_users
                .map_or("any number".to_owned(), |max| max.to_string()),
            one.quota.to_string(),
            if one.purge_days == 0 {
                "never".to_owned()
            } else {
                format!("after {} days", one.purge_days)
            },
        ]);
        let mut value = json!(one);
        value["users"] = all.into();
        value["activeUsers"] = active.into();
        values.push(value);
    }
    let columns = [
        "Name",
        "Active users",
        "Preserved users",
        "Maximum",
        "Quota",
        "Preserved users are purged",
    ];
    session.reader.list(&columns, &rows, || values)?;
    Ok(())
}
