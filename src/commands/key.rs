//! `provost key`

use directory::{ApiKey, Timestamp, rfc3339};
use serde_json::{Value, json};
use service::keys::{self, NewKey};

use super::{Session, shown};
use crate::cli;
use crate::exit::Failure;
use crate::output::{Reader, pretty, print};

pub(super) async fn run(session: &Session, command: cli::Key) -> Result<(), Failure> {
    match command {
        cli::Key::List => list(session)?,
        cli::Key::Create { name, role, days } => {
            let secret = server::clock::fresh_key()
                .map_err(|error| Failure::found(format!("no randomness: {error}")))?;
            let new = NewKey {
                secret: secret.clone(),
                name,
                role: role.0,
                days,
            };
            let key = session.write(move |tx, ctx| keys::create(tx, ctx, &new)).await?;
            if session.reader == Reader::Program {
                let mut shown = value(&key, key.created);
                shown["key"] = secret.reveal().into();
                print(&pretty(&shown))?;
            } else {
                eprintln!(
                    "Valid until {}. It is shown only now; Provost keeps no copy.",
                    shown(key.expires)
                );
                print(secret.reveal())?;
            }
        }
        cli::Key::Revoke { key } => {
            let key = session.write(move |tx, ctx| keys::revoke(tx, ctx, &key)).await?;
            let shown = value(&key, session.context().now);
            session
                .reader
                .done("Revoked the key; it opens nothing any more.", &shown)?;
        }
    }
    Ok(())
}

fn list(session: &Session) -> Result<(), Failure> {
    let ctx = session.context();
    let all = session.store.read(|tx| keys::all(tx, &ctx))?;
    let rows: Vec<_> = all
        .iter()
        .map(|one| {
            vec![
                one.id.to_string(),
                one.name.to_string(),
                one.role.name().to_owned(),
                state(one, ctx.now).to_owned(),
                shown(one.created),
                shown(one.expires),
                one.last_used.map_or("never".to_owned(), shown),
            ]
        })
        .collect();
    let columns = ["Id", "Name", "Role", "State", "Created", "Expires", "Last used"];
    session.reader.list(&columns, &rows, || {
        all.iter().map(|one| value(one, ctx.now)).collect()
    })?;
    Ok(())
}

fn value(key: &ApiKey, now: Timestamp) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "role": key.role.name(),
        "state": state(key, now),
        "created": rfc3339(key.created),
        "expires": rfc3339(key.expires),
        "revoked": key.revoked.map(rfc3339),
        "lastUsed": key.last_used.map(rfc3339),
    })
}

fn state(key: &ApiKey, now: Timestamp) -> &'static str {
    match key.revoked {
        Some(_) => "revoked",
        None if key.is_live(now) => "live",
        None => "expired",
    }
}
