//! `Idempotency-Key`: a POST that is sent again is not carried out again, and is answered as it was. A key stands for one
//! request of one caller for a day.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use directory::{TenantId, TokenHash};
use serde_json::Value;
use service::repeats::{self, Seen};
use store::Tx;
use store::repeats::Key;

use super::{MAX_BODY, json};
use crate::access::caller::{cookie_in, secret_in};
use crate::access::problem::Problem;
use crate::app::App;
use crate::clock;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The answer was given before.
const REPEATED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What is kept of an answer that shows a secret once.
#[derive(Debug, Clone)]
struct WithoutSecret(String);

/// An answer that shows a secret, once: it is not kept with the others.
pub(super) fn once(status: StatusCode, mut shown: Value, secret: &str) -> Response {
    let kept = WithoutSecret(shown.to_string());
    shown["secret"] = secret.into();
    let mut response = (status, json(shown.to_string())).into_response();
    response.extensions_mut().insert(kept);
    response
}

/// Carries a request with a key out once.
pub(super) async fn repeat(State(app): State<App>, request: Request, next: Next) -> Response {
    // What keeps nothing may be asked again as it is, and its answer holds what is not to be kept.
    let keeps_nothing = ["/mapping/try", "/mapping/preview"].contains(&request.uri().path());
    let key = match (
        request.method(),
        request.headers().get(KEY).filter(|_| !keeps_nothing),
    ) {
        (&Method::POST, Some(key)) => key.clone(),
        _ => return next.run(request).await,
    };
    // Who shows no key of a tenant's is refused in any case.
    let (tenant, caller) = match asked_by(&app, request.headers()).await {
        Ok(Some(by)) => by,
        Ok(None) => return next.run(request).await,
        Err(problem) => return problem.into_response(),
    };
    match carried_out_once(&app, &key, (tenant, caller), request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

/// The tenant of a live key or session, and what stands for who shows it.
async fn asked_by(app: &App, headers: &HeaderMap) -> Result<Option<(TenantId, TokenHash)>, Problem> {
    let now = clock::now();
    if let Ok(secret) = secret_in(headers) {
        let hash = secret.hash();
        let look = move |tx: &mut Tx<'_>| service::keys::by_secret(tx, &secret);
        let found = app.store.look(look).await?;
        let live = found.filter(|(_, key)| key.is_live(now));
        return Ok(live.map(|(tenant, _)| (tenant, hash)));
    }
    let Some(secret) = cookie_in(headers) else {
        return Ok(None);
    };
    let hash = secret.hash();
    let look = move |tx: &mut Tx<'_>| service::administrators::session(tx, hash, now);
    let found = app.store.look(look).await?;
    Ok(found.map(|(session, _)| (session.tenant, hash)))
}

async fn carried_out_once(
    app: &App,
    key: &HeaderValue,
    (tenant, caller): (TenantId, TokenHash),
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=100).contains(&key.len()))
        .ok_or_else(|| {
            Problem::bad_request("An Idempotency-Key has 1 to 100 ASCII characters, such as a UUID.")
        })?
        .to_owned();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Too large",
            "The body is too large.",
        )
    })?;
    let of = repeats::Repeat::of(Key { tenant, caller, key }, parts.uri.path(), &body);
    let (claim, now) = (of.clone(), clock::now());
    let seen = app.store.write(move |tx| repeats::claim(tx, &claim, now)).await?;
    match seen {
        Seen::New => {}
        Seen::Other => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "Key used before",
                "This Idempotency-Key stands for another request; send a fresh one.",
            ));
        }
        Seen::UnderWay => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "Under way",
                "The request with this Idempotency-Key is still being carried out, or its outcome is unknown; look \
                 whether it was, and send a fresh key to repeat it.",
            ));
        }
        Seen::Forgotten => {
            return Err(Problem::new(
                StatusCode::GONE,
                "Answered before",
                "The request with this Idempotency-Key was carried out. Its answer is not kept any more, since somebody was \
                 purged meanwhile; read what you need anew.",
            ));
        }
        Seen::Answered { status, body } => return Ok(answered_again(status, body)),
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    Ok(kept(app, of, response).await)
}

fn answered_again(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, json(body)).into_response();
    response
        .headers_mut()
        .insert(REPEATED, HeaderValue::from_static("true"));
    response
}

/// Keeps the answer, if it is one; a refusal changed nothing, and may be tried again.
async fn kept(app: &App, of: repeats::Repeat, response: Response) -> Response {
    let status = response.status();
    let secretless = response.extensions().get::<WithoutSecret>().cloned();
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let text = match &secretless {
        Some(WithoutSecret(text)) => text.clone(),
        None => String::from_utf8_lossy(&body).into_owned(),
    };
    let written = app.store.write(move |tx| {
        if status.is_success() {
            repeats::keep(tx, &of, status.as_u16(), &text)
        } else if status.is_client_error() {
            repeats::release(tx, &of)
        } else {
            // Nobody knows what became of it.
            Ok(())
        }
    });
    if let Err(error) = written.await {
        tracing::warn!(%error, "could not keep the answer to a request with an Idempotency-Key");
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}
