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
mod storages;
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
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;

/// Where the console is, below the public URL.
pub const PATH: &str = "/console";

/// Largest form, in bytes.
const MAX_FORM: usize = 1024 * 1024;

/// The pages.
pub(crate) fn router(app: &App) -> Router {
    Router::new()
        .route(
            "/favicon.ico",
            get(|| async { Redirect::to("/console/assets/mark.svg") }),
        )
        .merge(pages())
        .route("/console/assets/{name}", get(assets::serve))
        .route("/console/{*rest}", any(page::no_such_page))
        .layer(CatchPanicLayer::custom(page::panicked))
        .layer(from_fn(guard))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .with_state(app.clone())
}

macro_rules! table {
    ($($method:ident $path:literal $($handler:ident)::+;)*) => {
        /// All pages and forms.
        fn pages() -> Router<App> {
            Router::new()$(.route(concat!("/console", $path), $method($($handler)::+)))*
        }

        /// The same by method and path, with the names of parameters in braces.
        pub const PAGES: &[(&str, &str)] = &[$((stringify!($method), concat!("/console", $path))),*];
    };
}

table! {
    get "" overview::show;
    get "/attention" overview::attention;

    get "/users" users::list;
    get "/users/export" export::users;
    post "/users/bulk" user_bulk::run;
    get "/users/new" users::blank;
    post "/users/new" users::create;
    get "/users/{user}" user::show;
    get "/users/{user}/timeline" timeline::show;
    post "/users/{user}/preserve" user_actions::preserve;
    post "/users/{user}/activate" user_actions::activate;
    post "/users/{user}/place" user_actions::place;
    post "/users/{user}/unpin" user_actions::unpin;
    post "/users/{user}/transfer" user_actions::transfer;
    post "/users/{user}/resolve" user_actions::resolve;
    post "/users/{user}/legal-hold" user_actions::legal_hold;
    post "/users/{user}/delete" user_actions::delete;
    get "/groups" groups::list;
    get "/groups/{group}" groups::show;

    get "/mappings" mappings::list;
    get "/mappings/new" mapping_form::blank;
    post "/mappings/new" mapping_form::add;
    post "/mappings/order" mappings::order;
    post "/mappings/check" filter_text::check;
    post "/mappings/preview" preview::draft;
    get "/mappings/try" mappings::try_blank;
    post "/mappings/try" mappings::try_out;
    get "/mappings/apply" preview::before_applying;
    post "/mappings/apply" preview::apply;
    get "/mappings/{mapping}" mapping_form::edit;
    post "/mappings/{mapping}" mapping_form::set;
    post "/mappings/{mapping}/move" mappings::move_to;
    post "/mappings/{mapping}/delete" mappings::remove;
    get "/profiles" places::profiles;
    post "/profiles" places::add_profile;
    get "/profiles/{profile}" places::profile;
    post "/profiles/{profile}" places::set_profile;
    post "/profiles/{profile}/delete" places::remove_profile;
    get "/storages" storages::list;
    post "/storages" storages::add;
    get "/storages/{storage}" storages::show;
    post "/storages/{storage}" storages::set;
    post "/storages/{storage}/delete" storages::remove;

    get "/activity" activity::attention;
    get "/activity/log" activity::log;
    get "/activity/log/{exchange}" exchange::show;
    get "/activity/audit" activity::audit;
    post "/activity/refusals/{refusal}/dismiss" activity::dismiss;
    get "/reports" reports::index;
    get "/reports/{report}" reports::show;
    get "/reports/{report}/download" export::report;

    get "/connect" connect::choose;
    post "/connect" connect::begin;
    get "/connect/new" connect::name;
    get "/connect/{connection}" connect::guide;
    get "/connect/{connection}/watch" connect::watch;
    get "/settings" settings::show;
    post "/settings" settings::set;
    post "/settings/attributes" settings::declare;
    get "/settings/connections" connections::list;
    get "/settings/connections/{connection}" connections::show;
    post "/settings/connections/{connection}" connections::set;
    post "/settings/connections/{connection}/delete" connections::remove;
    post "/settings/connections/{connection}/tokens" connections::create_token;
    post "/settings/connections/{connection}/end-alarm" connections::end_alarm;
    post "/settings/tokens/{token}/revoke" connections::revoke;
    get "/settings/administrators" access::administrators;
    post "/settings/administrators" access::invite;
    post "/settings/administrators/{administrator}" access::set;
    post "/settings/administrators/{administrator}/invite" access::invite_again;
    post "/settings/administrators/{administrator}/delete" access::remove;
    get "/settings/keys" access::keys;
    post "/settings/keys" access::create_key;
    post "/settings/keys/{key}/revoke" access::revoke_key;

    get "/account" account::show;
    post "/account/password" account::change_password;
    get "/account/codes" account::propose_codes;
    post "/account/codes" account::confirm_codes;
    post "/account/codes/end" account::end_codes;
    post "/account/sessions/{session}/end" account::end_session;
    get "/sign-in" sign_in::blank;
    post "/sign-in" sign_in::sign_in;
    post "/sign-out" sign_in::sign_out;
    get "/invitation" sign_in::invited;
    post "/invitation" sign_in::accept;
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
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
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
