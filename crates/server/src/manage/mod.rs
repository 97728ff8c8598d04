//! The management API below `/api/v1`: one flat table of routes.

mod caller;
mod events;
mod exchanges;
mod input;
mod problem;
mod settings;
mod users;

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use problem::Problem;

/// Where the management API is, below the public URL.
const API_PATH: &str = "/api/v1";
/// How long a request may take in all: a reader of events may wait for thirty seconds.
const TIME: Duration = Duration::from_secs(45);

/// What a handler gives: an answer, or why there is none.
type Answer = Result<Response, Problem>;

/// The routes, and the answer to everything else below `/api`.
pub(crate) fn router(app: &App) -> Router {
    let routes = Router::new()
        .route("/events", get(events::read))
        .route("/users", get(users::list))
        .route("/users/{user}", get(users::show))
        .route("/users/{user}/events", get(events::of_user))
        .route("/users/{user}/explain", get(users::explain))
        .route("/users/{user}/preserve", post(users::preserve))
        .route("/users/{user}/activate", post(users::activate))
        .route("/users/{user}/place", post(users::place))
        .route("/users/{user}/unpin", post(users::unpin))
        .route("/users/{user}/legal-hold", put(users::hold).delete(users::lift))
        .route("/users/{user}/delete", post(users::delete))
        .route("/exchanges", get(exchanges::list))
        .route("/exchanges/{id}", get(exchanges::show))
        .route("/users/{user}/exchanges", get(exchanges::of_user))
        .route("/refusals", get(exchanges::refused))
        .route("/refusals/{id}", delete(exchanges::dismiss))
        .route("/connections", get(settings::connections))
        .route("/profiles", get(settings::profiles))
        .route("/storages", get(settings::storages))
        .route("/mappings", get(settings::mappings))
        .fallback(no_such_endpoint)
        .method_not_allowed_fallback(no_such_method);
    Router::new()
        .nest(API_PATH, routes)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(in_time))
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
    let detail = "The server failed to carry out this request; its log has the reason.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "Failed", detail).into_response()
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
