//! Who asks: the API key finds the tenant and the role. A handler's permission is its extractor: one that takes a
//! `Caller<ReadUsers>` refuses whoever may not read users.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::{HeaderMap, StatusCode, header, request::Parts};
use directory::{Action, Actor, Ctx, KeyId, Role, Secret, Settings, Timestamp};
use jiff::SignedDuration;
use store::Tx;

use super::problem::Problem;
use crate::app::App;
use crate::{clock, request};

/// How often the last use of a key is written down.
const NOTED: SignedDuration = SignedDuration::from_mins(1);

/// A right that a handler asks for.
pub(super) trait Right {
    const ACTION: Action;
}

macro_rules! rights {
    ($($name:ident;)*) => {$(
        pub(super) struct $name;
        impl Right for $name {
            const ACTION: Action = Action::$name;
        }
    )*};
}
rights! {
    ReadUsers;
    ReadEvents;
    PreserveUsers;
    ChangeUsers;
    ReadSettings;
    ReadExchanges;
    DismissRefusals;
    ChangeSettings;
    ManageAccess;
}

/// Somebody with a live key and the right.
pub(super) struct Caller<R> {
    pub(super) app: App,
    pub(super) ctx: Ctx,
    pub(super) settings: Arc<Settings>,
    key: KeyId,
    role: Role,
    right: PhantomData<R>,
}

impl<R> Caller<R> {
    /// Refuses who may not do this too: what a request asks for may take more than its endpoint.
    pub(super) fn demand(&self, action: Action) -> Result<(), Problem> {
        demand(self.role, action)
    }

    /// Does `work` as this caller.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>, &Ctx) -> Result<T, service::Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let ctx = self.ctx.clone();
        Ok(self.app.store.write(move |tx| work(tx, &ctx)).await?)
    }

    /// Whether the key is still live: who waits for long may have lost it meanwhile.
    pub(super) async fn check_again(&self) -> Result<(), Problem> {
        let (tenant, key, now) = (self.ctx.tenant, self.key, clock::now());
        let look = self
            .app
            .store
            .look(move |tx| service::keys::is_live(tx, tenant, key, now));
        if look.await? {
            return Ok(());
        }
        Err(ended())
    }
}

impl<R: Right> FromRequestParts<App> for Caller<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Self::of(parts, app).await;
        if caller.as_ref().is_err_and(Problem::is_guess) {
            let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
            let address = app.address(&parts.headers, peer.map(|ConnectInfo(peer)| peer.ip()));
            app.limits().fails(address).map_err(Problem::too_many)?;
        }
        caller
    }
}

impl<R: Right> Caller<R> {
    async fn of(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let now = clock::now();
        let secret = secret_in(&parts.headers)?;
        let found = app
            .store
            .look(move |tx| {
                let Some((tenant, key)) = service::keys::by_secret(tx, &secret)? else {
                    return Ok(None);
                };
                Ok::<_, service::Error>(Some((service::settings::all(tx, tenant)?, key)))
            })
            .await?;
        let (settings, key) = found.ok_or_else(|| {
            Problem::guess("This API key is not known here. Check that it was made on this server.")
        })?;
        if !key.is_live(now) {
            return Err(ended());
        }
        demand(key.role, R::ACTION)?;
        let tenant = settings.tenant.id;
        let is_due = |at: Timestamp| now.duration_since(at) > NOTED;
        if key.last_used.is_none_or(is_due) {
            let id = key.id;
            let noted = app.store.write(move |tx| store::keys::used(tx, tenant, id, now));
            if let Err(error) = noted.await {
                tracing::warn!(%error, "could not note when an API key was last used");
            }
        }
        let actor = Actor::Administrator(format!("API key {}", key.name));
        Ok(Self {
            app: app.clone(),
            ctx: Ctx {
                now,
                ..request::context(parts, actor, tenant)
            },
            settings,
            key: key.id,
            role: key.role,
            right: PhantomData,
        })
    }
}

fn demand(role: Role, action: Action) -> Result<(), Problem> {
    if role.may(action) {
        return Ok(());
    }
    let roles: Vec<_> = action.roles().iter().map(|role| role.name()).collect();
    let detail = format!(
        "This API key has the role {}; this takes one of {}.",
        role.name(),
        roles.join(", ")
    );
    Err(Problem::new(StatusCode::FORBIDDEN, "Forbidden", detail))
}

/// The key in `Authorization`.
pub(super) fn secret_in(headers: &HeaderMap) -> Result<Secret, Problem> {
    let header = headers.get(header::AUTHORIZATION).ok_or_else(|| {
        Problem::guess("This request has no API key. Send one in \"Authorization: Bearer pvk_...\".")
    })?;
    let text = header.to_str().unwrap_or_default().trim();
    let text = match text.split_once(' ') {
        Some((word, rest)) if word.eq_ignore_ascii_case("Bearer") => rest.trim(),
        _ => text,
    };
    Secret::parse_key(text).ok_or_else(|| {
        Problem::guess("This is no API key, or a letter of it is wrong or missing. API keys begin with pvk_; copy it again.")
    })
}

fn ended() -> Problem {
    let detail = "This API key has ended. Make a new one with `provost key create`.";
    Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized", detail)
}
