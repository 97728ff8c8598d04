//! For those who run it: is it alive?

use axum::Router;
use axum::routing::get;

/// `GET /health`: 200 and `ok` while the server takes requests.
pub(crate) fn router() -> Router {
    Router::new().route("/health", get(async || "ok\n"))
}
