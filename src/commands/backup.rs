//! `provost backup` and `provost restore`

use std::path::Path;

use serde_json::json;
use store::Saved;

use super::Session;
use crate::cli::Common;
use crate::config::Config;
use crate::exit::Failure;
use crate::output::Reader;

pub(super) fn backup(session: &Session, file: &Path) -> Result<(), Failure> {
    let saved = session.store.backup(file)?;
    let sentence = format!(
        "Saved {} users and {} events to {}. It is on disk; keep it as you keep the database. \
         The provisioning log and secret.key of the data folder, under which one-time codes are encrypted, are not in it.",
        saved.users,
        saved.events,
        file.display()
    );
    tell(session.reader, &sentence, saved)
}

pub(super) fn restore(common: &Common, file: &Path) -> Result<(), Failure> {
    let config = Config::read(common.config.as_deref(), &common.place)?;
    super::serve::make_folder(&config.data)?;
    let url = config.database()?;
    let saved = store::restore(&url, file, server::clock::now())?;
    let sentence = format!(
        "Restored {} users and {} events into {url}. Consumers of events read from the start; identity providers send again \
         what they changed since the backup, and administrators sign in again.",
        saved.users, saved.events
    );
    tell(Reader::of(common.json), &sentence, saved)
}

fn tell(reader: Reader, sentence: &str, saved: Saved) -> Result<(), Failure> {
    let value = json!({"users": saved.users, "events": saved.events});
    Ok(reader.done(sentence, &value)?)
}
