//! Who asks: the token finds the tenant and the connection. A handler that takes a [`Client`] refuses strangers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::{Extensions, HeaderMap, header, request::Parts};
use directory::{Actor, ConnectionId, Ctx, Secret, Settings, rfc3339};
use scim::Kind;
use service::tokens::{Shut, judge};

use super::Failure;
use super::record::Draft;
use crate::app::App;
use crate::{clock, request};

/// A connection that showed a live token.
pub(super) struct Client {
    pub(super) app: App,
    pub(super) ctx: Ctx,
    pub(super) connection: ConnectionId,
    pub(super) settings: Arc<Settings>,
    /// The SCIM base URL as this client knows it.
    pub(super) base: String,
}

impl FromRequestParts<App> for Client {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let client = Self::of(parts, app).await;
        let checked = match &client {
            Err(failure) if failure.is_guess() => {
                let address = app.address(&parts.headers, peer(&parts.extensions));
                app.limits().fails(address)
            }
            Err(_) => Ok(()),
            Ok(client) => {
                let limit = client.settings.tenant.max_requests_per_second;
                app.limits().asks(client.ctx.tenant, limit)
            }
        };
        checked.map_err(Failure::too_many)?;
        client
    }
}

impl Client {
    async fn of(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let now = clock::now();
        let secret = secret_in(&parts.headers)?;
        let found = app.store.credential(secret.hash(), now).await;
        let (credential, settings) = found.map_err(service::Error::from)?.ok_or_else(unknown)?;
        let connection = credential.token.connection;
        if let Some(draft) = parts.extensions.get::<Draft>() {
            draft.is_by(credential.tenant, connection, &settings);
        }
        judge(&credential.token, now).map_err(refusal)?;
        let name = settings
            .connection(connection)
            .map(|connection| connection.name.to_string())
            .unwrap_or_default();
        app.note_use(credential.tenant, credential.token.id, now);
        let ctx = Ctx {
            now,
            ..request::context(
                parts,
                Actor::Connection { id: connection, name },
                credential.tenant,
            )
        };
        let base = app.base(&parts.headers, &parts.uri, peer(&parts.extensions));
        Ok(Self {
            app: app.clone(),
            ctx,
            connection,
            settings,
            base,
        })
    }
}

/// The token in `Authorization`, with the word `Bearer` or, as one identity provider's manual header has it, without;
/// and with the word twice, where an administrator pasted it into a field that adds it.
fn secret_in(headers: &HeaderMap) -> Result<Secret, Failure> {
    let Some(header) = headers.get(header::AUTHORIZATION) else {
        return Err(Failure::guess(
            "This request has no token. Send one of this connection's in \"Authorization: Bearer ...\".",
        ));
    };
    let mut text = header.to_str().unwrap_or_default().trim();
    while let Some((word, rest)) = text.split_once(' ')
        && word.eq_ignore_ascii_case("Bearer")
    {
        text = rest.trim_start();
    }
    Secret::parse(text).ok_or_else(|| {
        Failure::guess("This is no Provost token, or a letter of it is wrong or missing. Tokens begin with pvt_; copy it again.")
    })
}

fn unknown() -> Failure {
    Failure::guess("This token is not known here. Check that it was made on this server.")
}

/// Only a token that was real is told more than "unknown".
fn refusal(shut: Shut) -> Failure {
    let (what, at) = match shut {
        Shut::Expired(at) => ("expired", at),
        Shut::Revoked(at) => ("was revoked", at),
    };
    let detail = format!(
        "This token {what} on {}. Make a new one with `provost token create`.",
        rfc3339(at)
    );
    Failure::new(Kind::Unauthorized, detail)
}

pub(super) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(address)| address.ip())
}
