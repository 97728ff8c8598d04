//! For those who run it: is it alive, and can it work?

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::app::App;

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz` (and `/health`): 200 and `ok` while the server takes requests. `GET /readyz`: 200 while its database answers
/// too, else 503; a balancer then sends requests elsewhere.
pub(crate) fn router(app: &App) -> Router {
    Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(is_ready))
        .with_state(app.clone())
}

async fn is_ready(State(app): State<App>) -> (StatusCode, &'static str) {
    match tokio::time::timeout(PATIENCE, app.store.look(store::events::last)).await {
        Ok(Ok(_)) => (StatusCode::OK, "ready\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}
