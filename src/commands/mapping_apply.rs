//! `provost mapping preview` and `mapping apply`: what the mappings would do to users who exist, and doing it.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use directory::UserId;
use serde_json::{Value, json};
use service::outlook::{self, Seen};
use service::settings::mapping_list::{self, Applied, MappingList};
use service::users;

use super::Session;
use crate::exit::Failure;

/// How often the mappings decide, at most.
const PASSES: u32 = 5;

/// Whether the one who runs it has said yes beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    Given,
    ToBeAsked,
}

/// Makes the mappings those of `list`.
pub(super) async fn list(session: &Session, list: MappingList) -> Result<Applied, Failure> {
    session
        .write(move |tx, ctx| mapping_list::apply(tx, ctx, &list))
        .await
}

/// What that changed, in words.
pub(super) fn sentence(applied: Applied) -> String {
    format!(
        "{} mappings added, {} changed, {} removed. They count for users pushed from now on.",
        applied.added, applied.changed, applied.removed
    )
}

/// The same for programs.
pub(super) fn value(applied: Applied) -> Value {
    json!({"added": applied.added, "changed": applied.changed, "removed": applied.removed})
}

/// Shows which users would change.
pub(super) async fn preview(session: &Session, list: Option<MappingList>) -> Result<(), Failure> {
    let seen = look(session, list).await?;
    let columns = ["User name", "Now", "Then", "Why"];
    let rows: Vec<_> = seen
        .changes
        .iter()
        .map(|change| {
            ["userName", "now", "then", "why"]
                .map(|key| super::user::text(&change[key]))
                .to_vec()
        })
        .collect();
    session.reader.list(&columns, &rows, || seen.changes.clone())?;
    eprintln!("{} Nothing was changed.", seen.sentence());
    Ok(())
}

/// Applies `list`, if there is one, and then the mappings to the users who exist, once it is clear who would change.
pub(super) async fn with_existing(
    session: &Session,
    list: Option<MappingList>,
    consent: Consent,
) -> Result<(), Failure> {
    let seen = look(session, list.clone()).await?;
    eprintln!("{}", seen.sentence());
    if consent == Consent::ToBeAsked && !is_agreed()? {
        return Err(Failure::usage(
            "nothing was changed; say --yes to apply it, or see `provost mapping preview`",
        ));
    }
    let applied = match list {
        Some(list) => Some(self::list(session, list).await?),
        None => None,
    };
    let mut changed = 0;
    // Who moves away may free a seat that somebody before had been looking for.
    for _ in 0..PASSES {
        let moved = pass(session).await?;
        changed += moved;
        if moved == 0 {
            break;
        }
    }
    let mut value = value(applied.unwrap_or_default());
    value["usersChanged"] = json!(changed);
    let listed = applied.map(|applied| sentence(applied) + " ").unwrap_or_default();
    session
        .reader
        .done(&format!("{listed}{changed} users changed."), &value)?;
    Ok(())
}

/// Lets the mappings decide about everybody once; gives how many changed.
async fn pass(session: &Session) -> Result<usize, Failure> {
    let (mut after, mut changed) = (UserId::from(uuid::Uuid::nil()), 0);
    loop {
        let (seen, stride) = session
            .write(move |tx, ctx| users::reapply(tx, ctx, after))
            .await?;
        changed += stride;
        match seen {
            Some(seen) => after = seen,
            None => return Ok(changed),
        }
    }
}

fn is_agreed() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("Apply? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

async fn look(session: &Session, list: Option<MappingList>) -> Result<Seen, Failure> {
    let (settings, ctx) = (session.settings()?, session.context());
    let planned = match list {
        Some(list) => Arc::new(mapping_list::planned(&list, &ctx, &settings)?),
        None => settings,
    };
    let seen = session
        .store
        .scan(move |tx| outlook::look(tx, &ctx, &planned, usize::MAX))
        .await?;
    Ok(seen)
}
