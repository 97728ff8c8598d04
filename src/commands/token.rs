//! `provost token`

use directory::{Settings, Timestamp, Token, TokenState, rfc3339};
use serde_json::{Value, json};
use service::tokens::{self, NewToken};

use super::{Session, shown};
use crate::cli;
use crate::exit::Failure;
use crate::output::{Reader, pretty, print};

pub(super) async fn run(session: &Session, command: cli::Token) -> Result<(), Failure> {
    match command {
        cli::Token::List => list(session)?,
        cli::Token::Create {
            connection,
            days,
            grace_days,
        } => {
            let secret = server::clock::fresh_secret()
                .map_err(|error| Failure::found(format!("no randomness: {error}")))?;
            let new = NewToken {
                secret: secret.clone(),
                connection,
                days,
                grace_days,
            };
            let token = session
                .write(move |tx, ctx| tokens::create(tx, ctx, &new))
                .await?;
            if session.reader == Reader::Program {
                let mut shown = value(&token, &*session.settings()?, token.created);
                shown["token"] = secret.reveal().into();
                print(&pretty(&shown))?;
            } else {
                eprintln!(
                    "Valid until {}. It is shown only now; Provost keeps no copy.",
                    shown(token.expires)
                );
                print(secret.reveal())?;
            }
        }
        cli::Token::Revoke { id } => {
            let token = session.write(move |tx, ctx| tokens::revoke(tx, ctx, &id)).await?;
            let shown = value(&token, &*session.settings()?, session.context().now);
            session.reader.done(
                "Revoked the token; within a second it opens nothing anywhere.",
                &shown,
            )?;
        }
    }
    Ok(())
}

fn list(session: &Session) -> Result<(), Failure> {
    let (settings, ctx) = (session.settings()?, session.context());
    let all = session.store.read(|tx| tokens::all(tx, &ctx))?;
    let rows: Vec<_> = all
        .iter()
        .map(|one| {
            vec![
                one.id.to_string(),
                connection(one, &settings),
                state(one, ctx.now).to_owned(),
                shown(one.created),
                shown(one.expires),
                one.last_used.map_or("never".to_owned(), shown),
            ]
        })
        .collect();
    let columns = ["Id", "Connection", "State", "Created", "Expires", "Last used"];
    session.reader.list(&columns, &rows, || {
        all.iter().map(|one| value(one, &settings, ctx.now)).collect()
    })?;
    Ok(())
}

fn value(token: &Token, settings: &Settings, now: Timestamp) -> Value {
    json!({
        "id": token.id,
        "connection": connection(token, settings),
        "state": state(token, now),
        "created": rfc3339(token.created),
        "expires": rfc3339(token.expires),
        "revoked": token.revoked.map(rfc3339),
        "lastUsed": token.last_used.map(rfc3339),
    })
}

fn state(token: &Token, now: Timestamp) -> &'static str {
    match token.state(now) {
        TokenState::Live => "live",
        TokenState::Expired => "expired",
        TokenState::Revoked => "revoked",
    }
}

fn connection(token: &Token, settings: &Settings) -> String {
    settings
        .connection(token.connection)
        .map(|connection| connection.name.to_string())
        .unwrap_or_default()
}
