//! `/session` and `/invitation`: signing in and out, the second factor, and what one has open elsewhere.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use directory::{Administrator, Session, rfc3339};
use serde::Deserialize;
use serde_json::{Value, json};

use super::input::{Input, Named};
use super::{Answer, json as answer};
use crate::access::caller::Signed;
use crate::access::problem::Problem;
use crate::access::sign_in::{self, Acceptance, Begun, Credentials, From, clear_cookie};
use crate::app::App;

/// A program that signs in. A form of another site cannot send JSON without asking first.
pub(super) struct Program(From);

impl FromRequestParts<App> for Program {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let is_json = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|named| named.to_str().ok())
            .is_some_and(|named| named.trim_start().starts_with("application/json"));
        if !is_json {
            let detail = "Send the body as application/json.";
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported media type",
                detail,
            ));
        }
        Ok(Self(From::of(parts, app)))
    }
}

/// `POST /session`: signs in.
pub(super) async fn sign_in(
    State(app): State<App>,
    Program(from): Program,
    Input(credentials): Input<Credentials>,
) -> Answer {
    let begun = sign_in::sign_in(&app, &from, credentials).await?;
    Ok(welcomed(&begun, &from))
}

/// `POST /invitation`: takes the password, and signs in.
pub(super) async fn accept(
    State(app): State<App>,
    Program(from): Program,
    Input(acceptance): Input<Acceptance>,
) -> Answer {
    let begun = sign_in::accept(&app, &from, acceptance).await?;
    Ok(welcomed(&begun, &from))
}

fn welcomed(begun: &Begun, from: &From) -> axum::response::Response {
    let shown = shown(&begun.session, &begun.administrator).to_string();
    let mut response = (StatusCode::CREATED, answer(shown)).into_response();
    begun.set_cookie(&mut response, from);
    response
}

fn shown(session: &Session, one: &Administrator) -> Value {
    json!({
        "administrator": super::administrators::to_json(one, None),
        "csrf": session.csrf,
        "ends": rfc3339(session.ends()),
    })
}

/// `GET /session`: who one is.
pub(super) async fn show(signed: Signed) -> Answer {
    Ok(answer(shown(&signed.session, &signed.administrator).to_string()))
}

/// `DELETE /session`: signs out.
pub(super) async fn sign_out(signed: Signed) -> Answer {
    sign_in::sign_out(&signed).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    clear_cookie(&mut response);
    Ok(response)
}

/// The password that is, and the one that shall be.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewPassword {
    current: String,
    new: String,
}

/// `POST /session/password`: takes another password; all sessions end, this one too.
pub(super) async fn change_password(signed: Signed, Input(passwords): Input<NewPassword>) -> Answer {
    sign_in::change_password(&signed, passwords.current, &passwords.new).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    clear_cookie(&mut response);
    Ok(response)
}

/// `POST /session/codes`: the secret of one-time codes, for an app.
pub(super) async fn propose_codes(signed: Signed) -> Answer {
    let proposal = sign_in::propose_codes(&signed)?;
    Ok(answer(
        json!({"secret": proposal.secret, "link": proposal.link}).to_string(),
    ))
}

/// The secret that was proposed, a code of it, and the password again.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Confirmation {
    password: String,
    secret: String,
    code: String,
}

/// `PUT /session/codes`: takes the secret, and gives recovery codes, which are shown once.
pub(super) async fn confirm_codes(signed: Signed, Input(confirmation): Input<Confirmation>) -> Answer {
    let Confirmation {
        password,
        secret,
        code,
    } = confirmation;
    let codes = sign_in::confirm_codes(&signed, password, &secret, &code).await?;
    Ok(answer(json!({"recoveryCodes": codes}).to_string()))
}

/// The password again.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Again {
    password: String,
}

/// `POST /session/codes/end`: no one-time codes any more.
pub(super) async fn end_codes(signed: Signed, Input(again): Input<Again>) -> Answer {
    sign_in::end_codes(&signed, again.password).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /sessions`: where one is signed in.
pub(super) async fn sessions(signed: Signed) -> Answer {
    let own = signed.session.id;
    let shown: Vec<_> = sign_in::sessions(&signed)
        .await?
        .iter()
        .map(|session| {
            json!({
                "id": session.id,
                "created": rfc3339(session.created),
                "seen": rfc3339(session.seen),
                "ends": rfc3339(session.ends()),
                "address": session.address,
                "agent": session.agent,
                "isThis": session.id == own,
            })
        })
        .collect();
    Ok(answer(json!({"sessions": shown}).to_string()))
}

/// `DELETE /sessions/{id}`: signs out elsewhere.
pub(super) async fn end(signed: Signed, Named(id): Named) -> Answer {
    sign_in::end_session(&signed, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
