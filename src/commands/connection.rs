//! `provost connection`

use serde_json::json;
use service::settings::connections::{self, ConnectionChange};

use super::Session;
use crate::cli;
use crate::exit::Failure;

pub(super) async fn run(session: &Session, command: cli::Connection) -> Result<(), Failure> {
    match command {
        cli::Connection::List => {
            let settings = session.settings()?;
            let all = &settings.connections;
            let rows: Vec<_> = all
                .iter()
                .map(|one| {
                    vec![
                        one.name.to_string(),
                        one.kind.name().to_owned(),
                        one.unmatched.name().to_owned(),
                        one.no_target.name().to_owned(),
                        one.id.to_string(),
                    ]
                })
                .collect();
            let columns = ["Name", "Kind", "Unmatched", "No target", "Id"];
            session
                .reader
                .list(&columns, &rows, || all.iter().map(|one| json!(one)).collect())?;
        }
        cli::Connection::EndAlarm { name } => {
            let of = name.clone();
            let alarm = session
                .write(move |tx, ctx| service::alarms::end(tx, ctx, &of))
                .await?;
            let sentence = format!(
                "Ended the alarm about {} leavers of {name}; purges go on.",
                alarm.leavers
            );
            session
                .reader
                .done(&sentence, &json!({"connection": name, "leavers": alarm.leavers}))?;
        }
        cli::Connection::Add { name, kind } => {
            let one = session
                .write(move |tx, ctx| connections::add(tx, ctx, &name, kind))
                .await?;
            let next = format!(
                "Added the connection {0}. Make its token: provost token create --connection {0:?}",
                one.name.as_str()
            );
            session.reader.done(&next, &json!(one))?;
        }
        cli::Connection::Set {
            name,
            rename,
            kind,
            unmatched,
            no_target,
        } => {
            let change = ConnectionChange {
                name: rename,
                kind,
                unmatched,
                no_target,
            };
            let one = session
                .write(move |tx, ctx| connections::set(tx, ctx, &name, &change))
                .await?;
            session
                .reader
                .done(&format!("Changed the connection {}.", one.name), &json!(one))?;
        }
        cli::Connection::Remove { name } => {
            let removed = json!({"removed": name});
            let users = session
                .write(move |tx, ctx| connections::remove(tx, ctx, &name))
                .await?;
            session.reader.done(
                &format!("Removed the connection; {users} users are manual now."),
                &removed,
            )?;
        }
    }
    Ok(())
}
