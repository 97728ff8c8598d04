//! What every page has: who looks at it, where in the console it is, and what has just been done. A page's permission is its
//! extractor, as the management API has it; a form must show the session's second secret too.

use std::any::Any;
use std::str::FromStr as _;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Request};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use directory::{Action, Administrator, Role, Session, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::assets;
use crate::access::caller::{Caller, Right, Signed, cookie_in, count_guess, is_same, signed_in};
use crate::access::problem::Problem;
use crate::app::App;

/// What a handler gives: a page, or why there is none.
pub(super) type Answer = Result<Response, Turned>;

/// What stands around a page.
pub(super) struct Shell {
    /// The path of the page.
    pub(super) path: String,
    /// Who looks at it.
    pub(super) who: String,
    pub(super) role: Role,
    /// Whether the person deals with the users of some profiles alone.
    pub(super) is_limited: bool,
    pub(super) tenant: String,
    /// What forms show.
    pub(super) csrf: String,
    /// What has just been done.
    pub(super) done: Option<&'static str>,
    /// Why something was not done.
    pub(super) error: Option<String>,
    pub(super) now: Timestamp,
}

impl Shell {
    fn of(parts: &Parts, session: &Session, one: &Administrator, tenant: String, now: Timestamp) -> Self {
        Self {
            path: address(parts).path().to_owned(),
            who: one.name.clone(),
            role: one.role,
            is_limited: one.profiles.is_some(),
            tenant,
            csrf: session.csrf.clone(),
            done: done_of(&parts.uri),
            error: None,
            now,
        }
    }

    /// Whether the person may do this.
    pub(super) fn may(&self, action: Action) -> bool {
        self.role.may(action)
    }

    /// Whether the person may change settings, which are everybody's.
    pub(super) fn may_set_up(&self) -> bool {
        self.may(Action::ChangeSettings) && !self.is_limited
    }

    /// Whether the page is below this path.
    pub(super) fn is_at(&self, path: &str) -> bool {
        let rest = self.path.strip_prefix("/console").unwrap_or_default();
        if path == "/" {
            rest.is_empty()
        } else {
            rest.starts_with(path)
        }
    }

    /// What stands behind the names of assets.
    pub(super) fn version() -> &'static str {
        assets::version()
    }

    /// What is said first: a refusal, else what was done.
    pub(super) fn notice(&self) -> &str {
        self.error.as_deref().or(self.done).unwrap_or_default()
    }
}

/// The address as the browser has it: a router takes away the part below which its pages are.
fn address(parts: &Parts) -> Uri {
    let whole = parts.extensions.get::<OriginalUri>();
    whole.map_or_else(|| parts.uri.clone(), |OriginalUri(uri)| uri.clone())
}

/// The page that a person sees: that of a part is elsewhere.
fn shown_at(parts: &Parts) -> Uri {
    let current = parts
        .headers
        .get("hx-current-url")
        .and_then(|url| url.to_str().ok());
    let current = current.and_then(|url| url.parse().ok());
    current.unwrap_or_else(|| address(parts))
}

/// Whether a script asks for a part of a page, and not for the page again.
fn is_part(headers: &HeaderMap) -> bool {
    let has = |name: &str| headers.contains_key(name);
    has("hx-request") && !has("hx-boosted") && !has("hx-history-restore-request")
}

/// What a page can say has been done: words of ours, whatever stands in its address.
const DONE: [(&str, &str); 24] = [
    ("preserved", "The account is preserved."),
    ("activated", "The account is active again."),
    (
        "released",
        "The hold has ended; the account is active once the identity provider says so.",
    ),
    (
        "placed",
        "The place is set by hand. Mappings leave it alone until it is unpinned.",
    ),
    ("unpinned", "The mappings decide again at the next update."),
    ("transferred", "The user is under the other connection now."),
    (
        "held",
        "Nobody can purge this account while the legal hold is on.",
    ),
    ("lifted", "The legal hold is lifted."),
    (
        "purged",
        "The person was removed for good. A tombstone with the reason stays.",
    ),
    (
        "resolved",
        "That is settled. The identity provider's next create goes through.",
    ),
    ("added", "Added."),
    ("saved", "Saved. No user has changed by it."),
    ("changed", "Saved."),
    ("removed", "Removed."),
    ("moved", "Moved. No user has changed by it."),
    ("dismissed", "Put aside until the next refusal."),
    ("revoked", "Revoked. It opens nothing from this moment on."),
    (
        "alarm-ended",
        "The alarm has ended. Users are purged again when their date comes.",
    ),
    ("signed-out", "You are signed out."),
    (
        "password",
        "The password is changed, and all your sessions have ended. Sign in with the new one.",
    ),
    ("codes-ended", "You sign in with your password alone now."),
    ("session-ended", "That session has ended."),
    (
        "created",
        "The user is there, managed by nobody until an identity provider finds it.",
    ),
    (
        "declared",
        "Declared. It is kept from each user's next update on.",
    ),
];

fn done_of(uri: &Uri) -> Option<&'static str> {
    let mut pairs = uri.query().unwrap_or_default().split('&');
    let word = pairs.find_map(|pair| pair.strip_prefix("done="))?;
    DONE.iter()
        .find(|(key, _)| *key == word)
        .map(|&(_, sentence)| sentence)
}

/// Somebody who may see a page.
pub(super) struct Page<R> {
    pub(super) caller: Caller<R>,
    pub(super) shell: Shell,
    /// The person itself.
    pub(super) signed: Signed,
}

impl<R: Right> Page<R> {
    async fn of(parts: &Parts, app: &App, session: Session, one: Administrator) -> Result<Self, Turned> {
        let signed = Signed::by(parts, app, session.clone(), one.clone());
        let caller = Caller::<R>::signed(parts, app, session.clone(), one.clone()).await?;
        let tenant = caller.settings.tenant.name.to_string();
        let shell = Shell::of(parts, &session, &one, tenant, caller.ctx.now);
        Ok(Self {
            caller,
            shell,
            signed,
        })
    }

    /// The same page, which says why something was not done.
    pub(super) fn refusing(mut self, problem: &Problem) -> Self {
        self.shell.error = Some(problem.detail().to_owned());
        self.shell.done = None;
        self
    }

    /// The status of a page that says why something was not done.
    pub(super) fn status(&self) -> StatusCode {
        if self.shell.error.is_some() {
            StatusCode::CONFLICT
        } else {
            StatusCode::OK
        }
    }

    /// The page itself.
    pub(super) fn shows(&self, template: &impl Template) -> Answer {
        Ok((self.status(), render(template)?).into_response())
    }
}

impl<R: Right> FromRequestParts<App> for Page<R> {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Turned> {
        let (session, one) = session_of(parts, app).await?;
        Self::of(parts, app, session, one).await
    }
}

/// Whoever has signed in; who has not is led to the page for it.
async fn session_of(parts: &mut Parts, app: &App) -> Result<(Session, Administrator), Turned> {
    if cookie_in(&parts.headers).is_none() {
        return Err(Turned::stranger(parts));
    }
    match signed_in(parts, app).await {
        Ok(found) => Ok(found),
        Err(problem) if problem.is_guess() => {
            count_guess(parts, app)?;
            Err(Turned::stranger(parts))
        }
        Err(problem) => Err(problem.into()),
    }
}

/// A form that somebody sent who may.
pub(super) struct Sent<R, T> {
    pub(super) page: Page<R>,
    pub(super) form: T,
}

#[derive(Deserialize)]
struct Csrf {
    #[serde(default)]
    csrf: String,
}

impl<R: Right, T: DeserializeOwned> FromRequest<App> for Sent<R, T> {
    type Rejection = Turned;

    async fn from_request(request: Request, app: &App) -> Result<Self, Turned> {
        let (mut parts, body) = request.into_parts();
        let (session, one) = session_of(&mut parts, app).await?;
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), app)
            .await
            .map_err(|error| Problem::new(error.status(), "Bad request", "The form is larger than 1 MiB."))?;
        let Csrf { csrf } = fields(&bytes)?;
        if !is_same(csrf.as_bytes(), session.csrf.as_bytes()) {
            let detail = "This form belongs to another session, so nothing was changed. Open the page again, and send it once more.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "Forbidden", detail).into());
        }
        let page = Page::of(&parts, app, session, one).await?;
        let form = fields(&bytes)?;
        Ok(Self { page, form })
    }
}

/// The fields of a form, as browsers send them.
pub(super) fn fields<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_html_form::from_bytes(bytes).map_err(|_| {
        Problem::bad_request(
            "A field of the form is missing, or is not what the page sends. Open the page again.",
        )
    })
}

/// The parameters of a page's address. One that the page does not know is none of its.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Turned> {
        let text = parts.uri.query().unwrap_or_default();
        let found = serde_html_form::from_str(text);
        found.map(Self).map_err(|_| {
            Problem::bad_request("A part of this address is not what the page takes. Begin from the menu.")
                .into()
        })
    }
}

/// The name in a page's address.
pub(super) struct Named(pub(super) String);

impl FromRequestParts<App> for Named {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Turned> {
        let found = axum::extract::Path::from_request_parts(parts, app).await;
        found.map(|axum::extract::Path(name)| Self(name)).map_err(|_| {
            Problem::bad_request("The name in the address is not valid UTF-8, percent-encoded.").into()
        })
    }
}

/// What is answered instead of a page.
pub(super) enum Turned {
    /// Somebody has not signed in, and is led to do so.
    SignIn {
        next: String,
        is_part: bool,
        /// Whether a form was sent, which did nothing.
        was_sent: bool,
    },
    /// The same, of whom another site's link asks: the browser keeps the cookie back, and sends it when the page asks itself.
    Again,
    /// Somebody who has signed in needs no page for it.
    SignedIn,
    /// There is no such page for this person.
    Refused(Problem),
}

impl Turned {
    fn stranger(parts: &Parts) -> Self {
        let is_linked = parts
            .headers
            .get("sec-fetch-site")
            .is_some_and(|site| site == "cross-site");
        if is_linked && parts.method == Method::GET {
            return Self::Again;
        }
        let address = shown_at(parts);
        let path = address.path_and_query().map_or("/console/", |path| path.as_str());
        let was_sent = parts.method != Method::GET;
        let next = if was_sent { "/console/" } else { path };
        Self::SignIn {
            next: next.to_owned(),
            is_part: is_part(&parts.headers),
            was_sent,
        }
    }
}

impl<E: Into<Problem>> From<E> for Turned {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'p> {
    title: &'p str,
    detail: &'p str,
    version: &'static str,
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        match self {
            Self::Again => {
                let page = "<!doctype html><meta http-equiv=\"refresh\" content=\"0\"><title>Provost</title>";
                Html(page).into_response()
            }
            Self::SignIn {
                next,
                is_part,
                was_sent,
            } => {
                let why = if was_sent { "&done=nothing" } else { "" };
                let to = format!("/console/sign-in?next={}{why}", super::view::encoded(&next));
                if is_part {
                    return (
                        StatusCode::UNAUTHORIZED,
                        [(HeaderName::from_static("hx-redirect"), to)],
                    )
                        .into_response();
                }
                see_other(&to)
            }
            Self::SignedIn => see_other("/console/"),
            Self::Refused(problem) => refused(&problem),
        }
    }
}

fn refused(problem: &Problem) -> Response {
    let title = match problem.status() {
        StatusCode::NOT_FOUND | StatusCode::GONE => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::SERVICE_UNAVAILABLE => "The database is away",
        status if status.is_server_error() => "This went wrong",
        _ => "That was not possible",
    };
    let page = RefusedPage {
        title,
        detail: problem.detail(),
        version: assets::version(),
    };
    let mut response = match page.render() {
        Ok(text) => (problem.status(), Html(text)).into_response(),
        Err(_) => problem.status().into_response(),
    };
    if let Some(seconds) = problem.retry_after() {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// A page of text.
pub(super) fn render(template: &impl Template) -> Result<Html<String>, Problem> {
    template.render().map(Html).map_err(|error| {
        tracing::error!(%error, "a page cannot be rendered");
        Problem::failed()
    })
}

/// Leads to another page.
pub(super) fn see_other(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/console/"));
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

/// The same with a cookie.
pub(super) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// A path of this console, where `text` is one: nobody is led elsewhere.
pub(super) fn own_path(text: &str) -> &str {
    let is_own = (text == "/console" || text.starts_with("/console/") || text.starts_with("/console?"))
        && !text.contains(['\\', '\r', '\n'])
        && Uri::from_str(text).is_ok_and(|uri| uri.authority().is_none());
    if is_own { text } else { "/console/" }
}

/// Whatever else is below `/console`.
pub(super) async fn no_such_page() -> Turned {
    Problem::new(
        StatusCode::NOT_FOUND,
        "Not found",
        "There is no such page. The menu leads to those that there are.",
    )
    .into()
}

pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a page panicked");
    refused(&Problem::failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for own in ["/console/", "/console/users?status=held", "/console/users/x#why"] {
            assert_eq!(own_path(own), own);
        }
        for other in [
            "//evil.example",
            "https://evil.example/console/",
            "/\\evil.example",
            "/api/v1",
            "",
            "/console/\r\nx",
        ] {
            assert_eq!(own_path(other), "/console/");
        }
    }
}
