//! Who asks: an API key, or the session of somebody who has signed in, finds the tenant and the role. A handler's permission is
//! its extractor: one that takes a `Caller<ReadUsers>` refuses whoever may not read users. The console's pages stand on the
//! same.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, Method, StatusCode, header, request::Parts};
use directory::{
    Action, Actor, Administrator, ApiKey, Ctx, ProfileId, Record, Role, Secret, Session, Settings, TenantId,
    Timestamp,
};
use jiff::SignedDuration;
use service::administrators;
use store::Tx;

use super::problem::Problem;
use super::sign_in::address_of;
use crate::app::App;
use crate::{clock, passwords, request};

/// The cookie that holds a session's secret.
pub(crate) const COOKIE: &str = "provost_session";
/// The header that repeats the session's other secret, where something is changed.
const CSRF: &str = "x-csrf-token";
/// What a page's requests carry that nobody has made.
const POLL: &str = "x-poll";
/// How often the last use of a key or session is written down.
const NOTED: SignedDuration = SignedDuration::from_mins(1);

/// A right that a handler asks for.
pub(crate) trait Right {
    const ACTION: Action;
}

macro_rules! rights {
    ($($name:ident;)*) => {$(
        pub(crate) struct $name;
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
    AcknowledgeEvents;
}

/// Somebody who may do what the handler does.
pub(crate) struct Caller<R> {
    pub(crate) app: App,
    pub(crate) ctx: Ctx,
    pub(crate) settings: Arc<Settings>,
    /// The profiles whose users the caller deals with; `None` for all.
    pub(crate) scope: Option<Vec<ProfileId>>,
    role: Role,
    shown: Shown,
    right: PhantomData<R>,
}

/// What the caller shows.
enum Shown {
    Key(ApiKey),
    Session(Box<(Session, Administrator)>),
}

impl<R> Caller<R> {
    /// Refuses who may not do this too: what a request asks for may take more than its endpoint.
    pub(crate) fn demand(&self, action: Action) -> Result<(), Problem> {
        demand(self.role, action)
    }

    /// Refuses who is limited to profiles: what the endpoint tells or changes is about everybody.
    pub(crate) fn demand_whole(&self) -> Result<(), Problem> {
        if self.scope.is_none() {
            return Ok(());
        }
        Err(forbidden(
            "You deal with the users of some profiles; this is about everybody.".to_owned(),
        ))
    }

    /// Whether the caller deals with the user.
    pub(crate) fn sees(&self, record: &Record) -> bool {
        is_within(self.scope.as_deref(), record)
    }

    /// Refuses a profile that is not the caller's to give.
    pub(crate) fn may_give(&self, profile: Option<&str>) -> Result<(), Problem> {
        let Some(scope) = &self.scope else { return Ok(()) };
        let given = profile.map(|name| service::settings::named(&self.settings.profiles, name));
        match given.transpose()? {
            Some(profile) if scope.contains(&profile.id) => Ok(()),
            _ => Err(forbidden(
                "You deal with the users of some profiles; name one of those.".to_owned(),
            )),
        }
    }

    /// Does `work` as this caller.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>, &Ctx) -> Result<T, service::Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let ctx = self.ctx.clone();
        Ok(self.app.store.write(move |tx| work(tx, &ctx)).await?)
    }

    /// Whether what the caller showed is still good: who waits for long may have lost it meanwhile.
    pub(crate) async fn check_again(&self) -> Result<(), Problem> {
        let (tenant, now) = (self.ctx.tenant, clock::now());
        let is_good = match &self.shown {
            Shown::Key(key) => {
                let key = key.id;
                let look = move |tx: &mut Tx<'_>| service::keys::is_live(tx, tenant, key, now);
                self.app.store.look(look).await?
            }
            Shown::Session(signed) => {
                let (id, of) = (signed.0.id, signed.1.id);
                let look = move |tx: &mut Tx<'_>| {
                    let sessions = store::administrators::sessions(tx, tenant, of)?;
                    let is_there = sessions.iter().any(|one| one.id == id && now < one.ends());
                    Ok::<_, service::Error>(is_there)
                };
                self.app.store.look(look).await?
            }
        };
        if is_good { Ok(()) } else { Err(ended()) }
    }
}

impl<R: Right> FromRequestParts<App> for Caller<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Self::of(parts, app).await;
        if caller.as_ref().is_err_and(Problem::is_guess) {
            count_guess(parts, app)?;
        }
        caller
    }
}

/// Whether the user has one of these profiles; anybody has where there is no list.
pub(crate) fn is_within(scope: Option<&[ProfileId]>, record: &Record) -> bool {
    let profile = record.facts.placement.profile;
    scope.is_none_or(|scope| profile.is_some_and(|profile| scope.contains(&profile)))
}

pub(crate) fn count_guess(parts: &Parts, app: &App) -> Result<(), Problem> {
    let address = address_of(parts, app);
    app.limits().fails(address).map_err(Problem::too_many)
}

impl<R: Right> Caller<R> {
    async fn of(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let by_session =
            !parts.headers.contains_key(header::AUTHORIZATION) && cookie_in(&parts.headers).is_some();
        if by_session {
            let (session, one) = signed_in(parts, app).await?;
            check_csrf(parts, &session)?;
            return Self::signed(parts, app, session, one).await;
        }
        let (tenant, key) = key_of(parts, app).await?;
        let name = format!("API key {}", key.name);
        let known = (key.role, None, name);
        Self::known(parts, app, tenant, known, Shown::Key(key)).await
    }

    /// Somebody who has signed in. Whether the request was meant, where it changes something, is looked at elsewhere.
    pub(crate) async fn signed(
        parts: &Parts,
        app: &App,
        session: Session,
        one: Administrator,
    ) -> Result<Self, Problem> {
        let known = (one.role, one.profiles.clone(), one.name.clone());
        let tenant = session.tenant;
        Self::known(
            parts,
            app,
            tenant,
            known,
            Shown::Session(Box::new((session, one))),
        )
        .await
    }

    async fn known(
        parts: &Parts,
        app: &App,
        tenant: TenantId,
        (role, scope, name): (Role, Option<Vec<ProfileId>>, String),
        shown: Shown,
    ) -> Result<Self, Problem> {
        demand(role, R::ACTION)?;
        let settings = app
            .store
            .look(move |tx| service::settings::all(tx, tenant))
            .await?;
        let caller = Self {
            app: app.clone(),
            ctx: Ctx {
                now: clock::now(),
                ..request::context(parts, Actor::Administrator(name), tenant)
            },
            settings,
            scope,
            role,
            shown,
            right: PhantomData,
        };
        let is_about_some = matches!(
            R::ACTION,
            Action::ReadUsers | Action::PreserveUsers | Action::ChangeUsers | Action::ReadSettings
        );
        if !is_about_some {
            caller.demand_whole()?;
        }
        Ok(caller)
    }
}

/// The live key that the request shows.
async fn key_of(parts: &Parts, app: &App) -> Result<(TenantId, ApiKey), Problem> {
    let now = clock::now();
    let secret = secret_in(&parts.headers)?;
    let found = app
        .store
        .look(move |tx| service::keys::by_secret(tx, &secret))
        .await?;
    let (tenant, key) = found.ok_or_else(|| {
        Problem::guess("This API key is not known here. Check that it was made on this server.")
    })?;
    if !key.is_live(now) {
        return Err(ended());
    }
    if is_due(key.last_used, now) {
        let id = key.id;
        let noted = app.store.write(move |tx| store::keys::used(tx, tenant, id, now));
        if let Err(error) = noted.await {
            tracing::warn!(%error, "could not note when an API key was last used");
        }
    }
    Ok((tenant, key))
}

fn is_due(noted: Option<Timestamp>, now: Timestamp) -> bool {
    noted.is_none_or(|at| now.duration_since(at) > NOTED)
}

/// The session that the request's cookie opens.
pub(crate) async fn signed_in(parts: &Parts, app: &App) -> Result<(Session, Administrator), Problem> {
    let now = clock::now();
    let Some(secret) = cookie_in(&parts.headers) else {
        return Err(Problem::guess("You are not signed in."));
    };
    let hash = secret.hash();
    let found = app
        .store
        .look(move |tx| administrators::session(tx, hash, now))
        .await?;
    let Some((session, one)) = found else {
        return Err(Problem::guess("You are not signed in any more; sign in again."));
    };
    // A page that looks by itself is no sign that anybody is there.
    let is_by_itself = parts.headers.contains_key(POLL);
    if !is_by_itself && is_due(Some(session.seen), now) {
        let used = session.clone();
        let noted = app
            .store
            .write(move |tx| store::administrators::use_session(tx, &used, now));
        if let Err(error) = noted.await {
            tracing::warn!(%error, "could not note when a session was last used");
        }
    }
    Ok((session, one))
}

/// What changes something must repeat the session's other secret: a page of another site can make a browser send the cookie at
/// most, and does not know that.
fn check_csrf(parts: &Parts, session: &Session) -> Result<(), Problem> {
    let is_safe = matches!(parts.method, Method::GET | Method::HEAD);
    let repeated = parts.headers.get(CSRF).map(axum::http::HeaderValue::as_bytes);
    if is_safe || repeated.is_some_and(|said| is_same(said, session.csrf.as_bytes())) {
        return Ok(());
    }
    Err(forbidden(
        "This changes something, so it must repeat the session's \"csrf\" in the header X-CSRF-Token."
            .to_owned(),
    ))
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differences == 0
}

/// Somebody who has signed in, for what is the person's own.
pub(crate) struct Signed {
    pub(crate) app: App,
    pub(crate) ctx: Ctx,
    pub(crate) session: Session,
    pub(crate) administrator: Administrator,
}

impl Signed {
    /// Refuses who does not know the password: what follows would let somebody at an open screen keep the account.
    pub(crate) async fn confirm(&self, password: String) -> Result<(), Problem> {
        self.app
            .limits()
            .signs_in(None, &self.administrator.email)
            .map_err(Problem::too_many)?;
        if passwords::is_right(password, self.administrator.password.clone()).await {
            return Ok(());
        }
        Err(forbidden("The password is wrong.".to_owned()))
    }
}

impl FromRequestParts<App> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let signed = signed_in(parts, app).await;
        if signed.as_ref().is_err_and(Problem::is_guess) {
            count_guess(parts, app)?;
        }
        let (session, administrator) = signed?;
        check_csrf(parts, &session)?;
        Ok(Self::by(parts, app, session, administrator))
    }
}

impl Signed {
    /// Somebody whose session is known.
    pub(crate) fn by(parts: &Parts, app: &App, session: Session, administrator: Administrator) -> Self {
        let actor = Actor::Administrator(administrator.known_as());
        Self {
            app: app.clone(),
            ctx: Ctx {
                now: clock::now(),
                ..request::context(parts, actor, session.tenant)
            },
            session,
            administrator,
        }
    }
}

fn demand(role: Role, action: Action) -> Result<(), Problem> {
    if role.may(action) {
        return Ok(());
    }
    let roles: Vec<_> = action.roles().iter().map(|role| role.name()).collect();
    let (role, roles) = (role.name(), roles.join(", "));
    Err(forbidden(format!(
        "Your role is {role}; this takes one of {roles}."
    )))
}

fn forbidden(detail: String) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "Forbidden", detail)
}

/// The key in `Authorization`.
pub(crate) fn secret_in(headers: &HeaderMap) -> Result<Secret, Problem> {
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

/// The session's secret in the cookies.
pub(crate) fn cookie_in(headers: &HeaderMap) -> Option<Secret> {
    let all = headers.get_all(header::COOKIE).into_iter();
    let pairs = all
        .filter_map(|header| header.to_str().ok())
        .flat_map(|text| text.split(';'));
    let own = pairs.filter_map(|pair| pair.trim().split_once('='));
    own.filter(|(name, _)| *name == COOKIE)
        .find_map(|(_, value)| Secret::parse_session(value))
}

fn ended() -> Problem {
    let detail =
        "This API key or session has ended. Make a new key with `provost key create`, or sign in again.";
    Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized", detail)
}
