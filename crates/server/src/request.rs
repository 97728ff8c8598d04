//! A number for every request: in its answer (`X-Request-Id`), its log lines and its events, so that one leads to the others.

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use directory::{Actor, Ctx, TenantId, Timestamp};
use opentelemetry::Context;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::app::App;
use crate::clock;
use crate::traces::{Answered, trace_of};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The request's number.
#[derive(Debug, Clone, Copy)]
struct RequestId(Uuid);

/// What operators watch of a request.
struct Watched {
    route: Option<MatchedPath>,
    method: Method,
    begun: Timestamp,
    within: Context,
}

impl Watched {
    fn of(request: &Request, app: &App) -> Self {
        Self {
            route: request.extensions().get().cloned(),
            method: request.method().clone(),
            begun: clock::now(),
            within: match app.traces() {
                Some(_) => trace_of(request.headers()),
                None => Context::new(),
            },
        }
    }

    fn answered(self, app: &App, id: Uuid, status: StatusCode) {
        let ended = clock::now();
        let route = self.route.as_ref().map_or("none", MatchedPath::as_str);
        let method = known(&self.method);
        if let Some(metrics) = app.metrics() {
            let took = ended.duration_since(self.begun).unsigned_abs();
            metrics.answered(route, method, status, took);
        }
        if let Some(traces) = app.traces() {
            traces.note(Answered {
                id,
                route,
                method,
                status,
                begun: self.begun,
                ended,
                within: self.within,
            });
        }
    }
}

/// Gives the request its number.
pub(crate) async fn number(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = clock::fresh_id();
    let is_watched = app.metrics().is_some() || app.traces().is_some();
    let watched = is_watched.then(|| Watched::of(&request, &app));
    request.extensions_mut().insert(RequestId(id));
    // Whatever is logged at all has it.
    let span = tracing::error_span!("request", %id);
    let mut response = next.run(request).instrument(span).await;
    if let Some(watched) = watched {
        watched.answered(&app, id, response.status());
    }
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(HEADER, id);
    }
    response
}

/// The request's number.
pub(crate) fn id(extensions: &Extensions) -> Uuid {
    extensions
        .get::<RequestId>()
        .map_or_else(clock::fresh_id, |&RequestId(id)| id)
}

/// What the request by `actor` brings along.
pub(crate) fn context(parts: &Parts, actor: Actor, tenant: TenantId) -> Ctx {
    match parts.extensions.get::<RequestId>() {
        Some(&RequestId(id)) => clock::context_of(id, actor, tenant),
        None => clock::context(actor, tenant),
    }
}

/// The method; one that somebody made up is like all others of that kind, or there would be no end of series.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
