//! Tokens: made, taken, rotated without an outage, revoked.

use directory::{
    ConnectionId, Ctx, Event, EventKind, Refusal, Secret, Thing, Timestamp, Token, TokenId, TokenState,
    rfc3339,
};
use jiff::SignedDuration;
use serde_json::json;
use store::Tx;

use crate::Error;
use crate::settings::named;

/// What a new token shall be.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its text, of fresh randomness.
    pub secret: Secret,
    /// Name of the connection that it opens.
    pub connection: String,
    /// Days that it is valid, 1 to 730.
    pub days: u32,
    /// Days that the connection's other token stays alive, 0 to 30.
    pub grace_days: u32,
}

/// Makes a token. The connection's other one stays alive for the grace, so that a rotation stops nothing.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::BadSetting`]; [`Refusal::TwoTokens`] where there are two live ones.
pub fn create(tx: &mut Tx<'_>, ctx: &Ctx, new: &NewToken) -> Result<Token, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let connection = named(&settings.connections, &new.connection)?;
    if !directory::TOKEN_DAYS.contains(&new.days) || new.grace_days > 30 {
        let detail =
            "A token is valid for 1 to 730 days, and the one before it stays alive for 0 to 30 days."
                .to_owned();
        return Err(Refusal::BadSetting { detail }.into());
    }
    let is_live =
        |token: &Token| token.connection == connection.id && token.state(ctx.now) == TokenState::Live;
    let live: Vec<_> = store::tokens::all(tx, ctx.tenant)?
        .into_iter()
        .filter(is_live)
        .collect();
    if let [older, _, ..] = live.as_slice() {
        let (connection, expires) = (connection.name.to_string(), rfc3339(older.expires));
        return Err(Refusal::TwoTokens {
            connection,
            older: older.id.to_string(),
            expires,
        }
        .into());
    }
    for old in live {
        let expires = old.expires.min(after(ctx.now, new.grace_days));
        store::tokens::set_end(tx, ctx.tenant, &Token { expires, ..old })?;
    }
    let token = Token {
        id: TokenId::from(ctx.ids.first()),
        connection: connection.id,
        created: ctx.now,
        expires: after(ctx.now, new.days),
        revoked: None,
        last_used: None,
    };
    store::tokens::insert(tx, ctx.tenant, &token, new.secret.hash())?;
    append(tx, ctx, EventKind::TokenCreated, &token);
    Ok(token)
}

/// Ends a token at once.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::BadSetting`] where it has ended already.
pub fn revoke(tx: &mut Tx<'_>, ctx: &Ctx, id: &str) -> Result<Token, Error> {
    let wanted = TokenId::parse(id.trim());
    let found = store::tokens::all(tx, ctx.tenant)?
        .into_iter()
        .find(|token| Some(token.id) == wanted);
    let unknown = || Refusal::Unknown {
        thing: Thing::Token,
        name: id.to_owned(),
        known: Vec::new(),
    };
    let token = found.ok_or_else(unknown)?;
    if token.state(ctx.now) != TokenState::Live {
        return Err(Refusal::BadSetting {
            detail: format!("The token {id} has ended already."),
        }
        .into());
    }
    let token = Token {
        revoked: Some(ctx.now),
        ..token
    };
    store::tokens::set_end(tx, ctx.tenant, &token)?;
    append(tx, ctx, EventKind::TokenRevoked, &token);
    Ok(token)
}

/// All tokens of the tenant, oldest first.
pub fn all(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Vec<Token>, Error> {
    Ok(store::tokens::all(tx, ctx.tenant)?)
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    /// It was a real one.
    Expired(Timestamp),
    /// It was a real one.
    Revoked(Timestamp),
}

/// Whether the token opens anything at `now`.
///
/// # Errors
/// [`Shut`], which says why not.
pub fn judge(token: &Token, now: Timestamp) -> Result<(), Shut> {
    match (token.state(now), token.revoked) {
        (TokenState::Live, _) => Ok(()),
        (_, Some(revoked)) => Err(Shut::Revoked(revoked)),
        _ => Err(Shut::Expired(token.expires)),
    }
}

fn after(now: Timestamp, days: u32) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(24 * i64::from(days)))
        .unwrap_or(Timestamp::MAX)
}

fn append(tx: &mut Tx<'_>, ctx: &Ctx, kind: EventKind, token: &Token) {
    let connection: ConnectionId = token.connection;
    let data =
        json!({"token": {"id": token.id, "connection": connection, "expires": rfc3339(token.expires)}});
    tx.append(
        ctx,
        Event {
            kind,
            user: None,
            data: data.to_string(),
        },
    );
}
