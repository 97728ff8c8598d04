//! SCIM 2.0 over HTTP (RFC 7644): one flat table of routes.

mod body;
mod client;
mod discovery;
mod failure;
mod groups;
mod guard;
mod precondition;
mod query;
mod record;
mod search;
mod users;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::{App, BASE_PATH};
use failure::Failure;
pub(crate) use record::About;

/// Largest body, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// Largest body of a group, in bytes.
const MAX_GROUP_BODY: usize = 32 * 1024 * 1024;

/// The routes below `/scim/v2`, and the answer to everything else.
pub(crate) fn router(app: &App) -> Router {
    let routes = Router::new()
        .route("/Users", get(users::list).post(users::create))
        .route(
            "/Users/{id}",
            get(users::show)
                .put(users::replace)
                .patch(users::patch)
                .delete(users::delete),
        )
        .route("/ServiceProviderConfig", get(discovery::service_provider_config))
        .route("/ResourceTypes", get(discovery::resource_types))
        .route("/ResourceTypes/{id}", get(discovery::resource_type))
        .route("/Schemas", get(discovery::schemas))
        .route("/Schemas/{id}", get(discovery::schema))
        .route("/Me", any(guard::not_offered))
        .route("/Bulk", any(guard::not_offered))
        .route("/.search", post(search::everything))
        .route("/Users/.search", post(users::search))
        .merge(groups());
    Router::new()
        .nest(BASE_PATH, routes)
        .fallback(guard::no_such_endpoint)
        .method_not_allowed_fallback(guard::no_such_method)
        .layer(map_response(guard::speak_scim))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn(guard::in_time))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(app.clone(), record::record))
        .with_state(app.clone())
}

/// Groups may be large, and so may what tells their members.
fn groups() -> Router<App> {
    Router::new()
        .route("/Groups", get(groups::list).post(groups::create))
        .route(
            "/Groups/{id}",
            get(groups::show)
                .put(groups::replace)
                .patch(groups::patch)
                .delete(groups::delete),
        )
        .route("/Groups/.search", post(groups::search))
        .layer(DefaultBodyLimit::max(MAX_GROUP_BODY))
}

/// A JSON text as SCIM answers it.
fn scim(status: StatusCode, json: String) -> Response {
    (status, [(header::CONTENT_TYPE, scim::MEDIA_TYPE)], json).into_response()
}

/// What a handler gives: an answer, or why there is none.
type Answer = Result<Response, Failure>;
