//! Answers where no handler answers: unknown endpoints and methods, time-outs, panics. Always SCIM JSON (server rule 12).

use std::any::Any;
use std::time::Duration;

use axum::extract::{OriginalUri, Request};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use scim::Kind;

use super::Failure;
use super::client::Client;
use crate::app::BASE_PATH;

/// How long a request may take in all; identity providers hang up after sixty seconds.
const TIME: Duration = Duration::from_secs(20);

/// The token is looked at so that the provisioning log has a base URL that was mistyped.
pub(super) async fn no_such_endpoint(
    _: Result<Client, Failure>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Redirect, Failure> {
    // A person who opens the server's address wants the console; a program is told what there is.
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if uri.path() == "/" && accept.is_some_and(|accept| accept.contains("text/html")) {
        return Ok(Redirect::to("/console/"));
    }
    let detail = format!(
        "There is nothing at {:?}. The SCIM base URL ends in {BASE_PATH}; users are at {BASE_PATH}/Users.",
        uri.path()
    );
    Err(Failure::new(Kind::NotFound, detail))
}

pub(super) async fn no_such_method(_: Result<Client, Failure>, method: Method) -> Failure {
    Failure::new(
        Kind::MethodNotAllowed,
        format!("This endpoint has no method {method}."),
    )
}

pub(super) async fn not_offered(_: Client, OriginalUri(uri): OriginalUri) -> Failure {
    let last = uri.path().trim_start_matches(BASE_PATH);
    let detail = format!("{last} is defined by SCIM and not offered by this server.");
    Failure::new(Kind::NotImplemented, detail)
}

pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request handler panicked");
    let detail = "The server failed to carry out this request; its log has the reason.";
    Failure::new(Kind::Internal, detail).into_response()
}

pub(super) async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::new(
            Kind::Unavailable,
            "The request took too long: the server or its database is busy. Try again in a moment.",
        )
        .into_response(),
    }
}

/// Whatever answered, an error without a SCIM body gets one.
pub(super) async fn speak_scim(mut response: Response) -> Response {
    let status = response.status();
    let is_scim = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|of| of == scim::MEDIA_TYPE);
    if !(status.is_client_error() || status.is_server_error()) || is_scim {
        return response;
    }
    let kind = match status.as_u16() {
        404 => Kind::NotFound,
        405 => Kind::MethodNotAllowed,
        408 => Kind::RequestTimeout,
        413 => Kind::PayloadTooLarge,
        415 => Kind::UnsupportedMediaType,
        400..=499 => Kind::InvalidSyntax,
        _ => Kind::Internal,
    };
    let reason = status
        .canonical_reason()
        .unwrap_or("The request cannot be answered");
    let mut answer = Failure::new(kind, format!("{reason}.")).into_response();
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::routing::get;
    use axum::{Router, middleware::from_fn};
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    async fn answer(router: Router) -> (u16, String) {
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["content-type"], scim::MEDIA_TYPE);
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn panics() -> &'static str {
        std::panic::resume_unwind(Box::new("hunter2"))
    }

    #[tokio::test]
    async fn a_panic_is_a_scim_500_that_tells_nothing() {
        let router = Router::new()
            .route("/", get(panics))
            .layer(CatchPanicLayer::custom(panicked));
        let (status, body) = answer(router).await;
        assert_eq!(status, 500);
        assert!(
            body.contains("\"status\":\"500\"") && !body.contains("hunter2"),
            "{body}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_a_scim_503() {
        let router = Router::new()
            .route("/", get(pending::<&'static str>))
            .layer(from_fn(in_time));
        let (status, body) = answer(router).await;
        assert_eq!(status, 503);
        assert!(body.contains("took too long"), "{body}");
    }

    #[tokio::test]
    async fn a_refusal_that_is_not_scim_becomes_so_and_keeps_its_allow() {
        let router = Router::new().route("/", axum::routing::put(|| async { "x" }));
        let (status, body) = answer(router.layer(axum::middleware::map_response(speak_scim))).await;
        assert_eq!(status, 405);
        assert!(body.contains("\"status\":\"405\""), "{body}");
    }
}
