//! A number for every request: in its answer (`X-Request-Id`), its log lines and its events, so that one leads to the others.

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use directory::{Actor, Ctx, TenantId};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::app::App;
use crate::clock;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The request's number.
#[derive(Debug, Clone, Copy)]
struct RequestId(Uuid);

/// Gives the request its number.
pub(crate) async fn number(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = clock::fresh_id();
    let counted = app.metrics().map(|_| {
        let route = request.extensions().get::<MatchedPath>().cloned();
        (route, request.method().clone(), clock::now())
    });
    request.extensions_mut().insert(RequestId(id));
    // Whatever is logged at all has it.
    let span = tracing::error_span!("request", %id);
    let mut response = next.run(request).instrument(span).await;
    if let (Some(metrics), Some((route, method, begun))) = (app.metrics(), counted) {
        let took = clock::now().duration_since(begun).unsigned_abs();
        let route = route.as_ref().map_or("none", MatchedPath::as_str);
        metrics.answered(route, &method, response.status(), took);
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
