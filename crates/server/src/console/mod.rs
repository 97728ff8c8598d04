//! The console: pages for administrators, made on the server, below `/console/`.
//!
//! A page stands on the same functions and permissions as the management API. It has an address that can be shared, and works
//! without scripts for reading and for forms; scripts make it quicker.

mod access;
mod account;
mod activity;
mod assets;
mod chart;
mod connect;
mod connections;
mod exchange;
mod export;
mod filter_text;
mod groups;
mod mapping_form;
mod mappings;
mod overview;
mod page;
mod places;
mod preview;
mod qr;
mod reports;
mod settings;
mod sign_in;
mod timeline;
mod user;
mod user_actions;
mod user_bulk;
mod users;
mod view;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::from_fn;
use axum::response::Redirect;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;

/// Where the console is, below the public URL.
pub const PATH: &str = "/console";

/// Largest form, in bytes.
const MAX_FORM: usize = 1024 * 1024;

/// The pages.
pub(crate) fn router(app: &App) -> Router {
    let pages = Router::new()
        .merge(people())
        .merge(rules())
        .merge(records())
        .merge(administration())
        .route("/attention", get(overview::attention))
        .route("/assets/{name}", get(assets::serve))
        .fallback(page::no_such_page)
        .method_not_allowed_fallback(page::no_such_page);
    Router::new()
        .route("/", get(|| async { Redirect::to("/console/") }))
        .route(PATH, get(overview::show))
        .nest(PATH, pages)
        .layer(CatchPanicLayer::custom(page::panicked))
        .layer(from_fn(guard))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .with_state(app.clone())
}

fn people() -> Router<App> {
    Router::new()
        .route("/users", get(users::list))
        .route("/users/export", get(export::users))
        .route("/users/bulk", post(user_bulk::run))
        .route("/users/new", get(users::blank).post(users::create))
        .route("/users/{user}", get(user::show))
        .route("/users/{user}/timeline", get(timeline::show))
        .route("/users/{user}/preserve", post(user_actions::preserve))
        .route("/users/{user}/activate", post(user_actions::activate))
        .route("/users/{user}/place", post(user_actions::place))
        .route("/users/{user}/unpin", post(user_actions::unpin))
        .route("/users/{user}/transfer", post(user_actions::transfer))
        .route("/users/{user}/resolve", post(user_actions::resolve))
        .route("/users/{user}/legal-hold", post(user_actions::legal_hold))
        .route("/users/{user}/delete", post(user_actions::delete))
        .route("/groups", get(groups::list))
        .route("/groups/{group}", get(groups::show))
}

fn rules() -> Router<App> {
    Router::new()
        .route("/mappings", get(mappings::list))
        .route("/mappings/new", get(mapping_form::blank).post(mapping_form::add))
        .route("/mappings/order", post(mappings::order))
        .route("/mappings/check", post(filter_text::check))
        .route("/mappings/preview", post(preview::draft))
        .route("/mappings/try", get(mappings::try_blank).post(mappings::try_out))
        .route("/mappings/apply", get(preview::before_applying).post(preview::apply))
        .route("/mappings/{mapping}", get(mapping_form::edit).post(mapping_form::set))
        .route("/mappings/{mapping}/move", post(mappings::move_to))
        .route("/mappings/{mapping}/delete", post(mappings::remove))
        .route("/profiles", get(places::profiles).post(places::add_profile))
        .route("/profiles/{profile}", get(places::profile).post(places::set_profile))
        .route("/profiles/{profile}/delete", post(places::remove_profile))
        .route("/storages", get(places::storages).post(places::add_storage))
        .route("/storages/{storage}", get(places::storage).post(places::set_storage))
        .route("/storages/{storage}/delete", post(places::remove_storage))
}

fn records() -> Router<App> {
    Router::new()
        .route("/activity", get(activity::attention))
        .route("/activity/log", get(activity::log))
        .route("/activity/log/{exchange}", get(exchange::show))
        .route("/activity/audit", get(activity::audit))
        .route("/activity/refusals/{refusal}/dismiss", post(activity::dismiss))
        .route("/reports", get(reports::index))
        .route("/reports/{report}", get(reports::show))
        .route("/reports/{report}/download", get(export::report))
}

fn administration() -> Router<App> {
    Router::new()
        .route("/connect", get(connect::choose).post(connect::begin))
        .route("/connect/new", get(connect::name))
        .route("/connect/{connection}", get(connect::guide))
        .route("/connect/{connection}/watch", get(connect::watch))
        .route("/settings", get(settings::show).post(settings::set))
        .route("/settings/attributes", post(settings::declare))
        .route("/settings/connections", get(connections::list))
        .route("/settings/connections/{connection}", get(connections::show).post(connections::set))
        .route("/settings/connections/{connection}/delete", post(connections::remove))
        .route("/settings/connections/{connection}/tokens", post(connections::create_token))
        .route("/settings/connections/{connection}/end-alarm", post(connections::end_alarm))
        .route("/settings/tokens/{token}/revoke", post(connections::revoke))
        .route("/settings/administrators", get(access::administrators).post(access::invite))
        .route("/settings/administrators/{administrator}", post(access::set))
        .route("/settings/administrators/{administrator}/invite", post(access::invite_again))
        .route("/settings/administrators/{administrator}/delete", post(access::remove))
        .route("/settings/keys", get(access::keys).post(access::create_key))
        .route("/settings/keys/{key}/revoke", post(access::revoke_key))
        .route("/account", get(account::show))
        .route("/account/password", post(account::change_password))
        .route("/account/codes", get(account::propose_codes).post(account::confirm_codes))
        .route("/account/codes/end", post(account::end_codes))
        .route("/account/sessions/{session}/end", post(account::end_session))
        .route("/sign-in", get(sign_in::blank).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/invitation", get(sign_in::invited).post(sign_in::accept))
}

/// What a browser may do with the pages: nothing but what they bring along. Scripts and styles are files of this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

async fn guard(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What is shown is people's data; nothing of it stays in a cache.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
