//! `provost storage`

use serde_json::json;
use service::settings::storages;

use super::Session;
use crate::cli;
use crate::exit::Failure;

pub(super) async fn run(session: &Session, command: cli::Storage) -> Result<(), Failure> {
    match command {
        cli::Storage::List => {
            let settings = session.settings()?;
            let all = &settings.storages;
            let rows: Vec<_> = all
                .iter()
                .map(|one| vec![one.name.to_string(), one.region.clone()])
                .collect();
            session.reader.list(&["Name", "Region"], &rows, || {
                all.iter().map(|one| json!(one)).collect()
            })?;
        }
        cli::Storage::Add { name, region } => {
            let one = session
                .write(move |tx, ctx| storages::add(tx, ctx, &name, &region))
                .await?;
            session
                .reader
                .done(&format!("Added the storage {}.", one.name), &json!(one))?;
        }
        cli::Storage::Set { name, rename, region } => {
            let one = session
                .write(move |tx, ctx| storages::set(tx, ctx, &name, rename.as_deref(), region.as_deref()))
                .await?;
            session
                .reader
                .done(&format!("Changed the storage {}.", one.name), &json!(one))?;
        }
        cli::Storage::Remove { name } => {
            let removed = json!({"removed": name});
            session
                .write(move |tx, ctx| storages::remove(tx, ctx, &name))
                .await?;
            session.reader.done("Removed the storage.", &removed)?;
        }
    }
    Ok(())
}
