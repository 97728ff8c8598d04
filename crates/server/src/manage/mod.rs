//! The management API below `/api/v1`: one flat table of routes.

mod administrators;
pub(crate) mod bulk;
pub(crate) mod connections;
mod docs;
mod events;
pub(crate) mod exchanges;
mod groups;
pub(crate) mod health;
mod idempotency;
mod input;
pub(crate) mod mappings;
pub(crate) mod openapi;
pub(crate) mod places;
pub(crate) mod reports;
mod schemas;
mod session;
mod table;
mod tenant;
pub(crate) mod users;
pub(crate) mod version;

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, OriginalUri, Request};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

use crate::access::problem::Problem;
use crate::app::App;

/// Where the management API is, below the public URL.
const API_PATH: &str = "/api/v1";
/// How long a request may take in all: a reader of events may wait for thirty seconds.
const TIME: Duration = Duration::from_secs(45);

/// Largest body, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// What a handler gives: an answer, or why there is none.
type Answer = Result<Response, Problem>;

/// The routes, and the answer to everything else below `/api`.
pub(crate) fn router(app: &App) -> Router {
    let routes = table::routes()
        .route("/openapi.json", get(openapi::serve))
        .fallback(no_such_endpoint)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(app.clone(), idempotency::repeat));
    Router::new()
        .nest(API_PATH, routes)
        .route("/api/docs", get(docs::page))
        .route("/api/docs.css", get(docs::style))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(in_time))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app.clone())
}

async fn no_such_endpoint(OriginalUri(uri): OriginalUri) -> Problem {
    let detail = format!("There is nothing at {:?}.", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "Not found", detail)
}

async fn no_such_method(method: Method) -> Problem {
    let detail = format!("This endpoint has no method {method}.");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail)
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request handler panicked");
    Problem::failed().into_response()
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Unavailable",
            "The request took too long: the server or its database is busy. Try again in a moment.",
        )
        .into_response(),
    }
}

/// A JSON text as the API answers it.
fn json(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
