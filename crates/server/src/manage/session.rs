//! `/session` and `/invitation`: signing in and out, the second factor, and what one has open elsewhere.
//!
//! A session's secret is a cookie that scripts cannot read and other sites cannot send; what changes something repeats a second
//! secret in a header. Signing in always makes a new session, so that nobody can be made to use one that somebody knows.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use directory::{
    Actor, Administrator, Ctx, Password, Refusal, SecondFactor, Secret, Session, SessionId, rfc3339,
};
use serde::Deserialize;
use serde_json::{Value, json};
use service::administrators::{self, SignIn};
use store::administrators as stored;

use super::caller::{COOKIE, Signed};
use super::input::{Input, Named};
use super::problem::Problem;
use super::{Answer, json as answer};
use crate::Vault;
use crate::app::App;
use crate::exchange::agent;
use crate::{clock, passwords};

/// Recovery codes that are made at once.
const CODES: usize = 10;
/// The tenant where nobody says.
const DEFAULT: &str = "default";

/// Where a request comes from, and what it is sent with.
pub(super) struct From {
    address: Option<std::net::IpAddr>,
    agent: String,
    is_https: bool,
}

impl axum::extract::FromRequestParts<App> for From {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, app: &App) -> Result<Self, Problem> {
        // A form of another site cannot send this type without asking first.
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
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip());
        Ok(Self {
            address: app.address(&parts.headers, peer),
            agent: agent_in(&parts.headers),
            is_https: app.is_https(&parts.headers, peer),
        })
    }
}

fn agent_in(headers: &HeaderMap) -> String {
    let text = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    agent(text.unwrap_or_default()).to_owned()
}

/// What somebody signs in with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Credentials {
    tenant: Option<String>,
    email: String,
    password: String,
    /// A one-time code, or a recovery code.
    code: Option<String>,
}

/// `POST /session`: signs in. Who is unknown, has no password or a wrong one is told the same, and as late.
pub(super) async fn sign_in(
    State(app): State<App>,
    from: From,
    Input(credentials): Input<Credentials>,
) -> Answer {
    app.limits()
        .signs_in(from.address, &credentials.email)
        .map_err(Problem::too_many)?;
    let (tenant, email) = (credentials.tenant.clone(), credentials.email.clone());
    let found = app
        .store
        .look(move |tx| {
            let name = tenant.as_deref().unwrap_or(DEFAULT);
            let Ok(tenant) = service::settings::tenants::show(tx, name) else {
                return Ok(None);
            };
            let one = stored::by_email(tx, tenant.id, &email)?;
            Ok::<_, service::Error>(one.map(|one| (tenant.id, one)))
        })
        .await?;
    let hash = found.as_ref().and_then(|(_, one)| one.password.clone());
    let is_right = passwords::is_right(credentials.password, hash).await;
    let Some((tenant, one)) = found.filter(|_| is_right) else {
        return Err(wrong());
    };
    let ctx = clock::context(Actor::Administrator(one.name.clone()), tenant);
    prove(&app, &ctx, &one, credentials.code.as_deref()).await?;
    begin(&app, ctx, one, &from).await
}

fn wrong() -> Problem {
    let detail = "The address, the password or the code is wrong.";
    Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized", detail)
}

/// Looks at the second factor, if there is one.
async fn prove(app: &App, ctx: &Ctx, one: &Administrator, code: Option<&str>) -> Result<(), Problem> {
    let Some(locked) = &one.second.secret else {
        return Ok(());
    };
    let Some(code) = code.filter(|code| !code.trim().is_empty()) else {
        let detail = "The password is right. Send the one-time code, or a recovery code, as \"code\" too.";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "Code needed", detail));
    };
    app.limits().shows_code(one.id).map_err(Problem::too_many)?;
    let (ctx, id, code) = (ctx.clone(), one.id, code.to_owned());
    let seconds = u64::try_from(ctx.now.as_second()).unwrap_or_default();
    let secret = vault(app)?.open(locked, id.as_bytes());
    if secret.is_none() {
        tracing::error!(
            "a secret cannot be decrypted: secret_key is not the one that it was encrypted under"
        );
    }
    // Recovery codes need no key.
    let step = secret.and_then(|secret| passwords::step_of(&code, &secret, seconds));
    let taken = app.store.write(move |tx| match step {
        Some(step) => {
            // Whoever writes the whole row holds this too.
            tx.lock_settings()?;
            Ok(stored::take_step(tx, ctx.tenant, id, step)?)
        }
        None => administrators::take_recovery(tx, &ctx, id, &code),
    });
    if taken.await? { Ok(()) } else { Err(wrong()) }
}

fn vault(app: &App) -> Result<&Vault, Problem> {
    app.vault().ok_or_else(|| {
        tracing::error!("there is no secret_key, so nothing can be encrypted");
        Problem::failed()
    })
}

async fn begin(app: &App, ctx: Ctx, one: Administrator, from: &From) -> Answer {
    let secret = clock::fresh_session().map_err(|_| Problem::failed())?;
    let csrf = clock::fresh_session().map_err(|_| Problem::failed())?;
    let new = SignIn {
        secret: secret.clone(),
        csrf: csrf.reveal().to_owned(),
        address: from
            .address
            .map_or_else(String::new, |address| address.to_string()),
        agent: from.agent.clone(),
    };
    let known = one.clone();
    let session = app
        .store
        .write(move |tx| administrators::sign_in(tx, &ctx, &known, &new))
        .await?;
    let session = session.ok_or_else(wrong)?;
    let mut response = (StatusCode::CREATED, answer(shown(&session, &one).to_string())).into_response();
    set_cookie(&mut response, &secret, from);
    Ok(response)
}

/// The cookie: no script reads it, no other site sends it, and over HTTPS nothing else carries it.
fn set_cookie(response: &mut Response, secret: &Secret, from: &From) {
    let (value, seconds) = (secret.reveal(), Session::LONGEST.as_secs());
    let secure = if from.is_https { "; Secure" } else { "" };
    put_cookie(
        response,
        &format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"),
    );
}

fn clear_cookie(response: &mut Response) {
    put_cookie(
        response,
        &format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"),
    );
}

fn put_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
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
    let (tenant, id) = (signed.session.tenant, signed.session.id);
    signed
        .app
        .store
        .write(move |tx| stored::end_session(tx, tenant, id))
        .await
        .map_err(service::Error::from)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    clear_cookie(&mut response);
    Ok(response)
}

/// What an invited person chooses.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Acceptance {
    invitation: String,
    password: String,
}

/// `POST /invitation`: takes the password, and signs in.
pub(super) async fn accept(
    State(app): State<App>,
    from: From,
    Input(acceptance): Input<Acceptance>,
) -> Answer {
    let void = || Problem::from(Refusal::VoidInvitation);
    let text = Secret::parse_invitation(acceptance.invitation.trim());
    let Some(text) = text else {
        app.limits().fails(from.address).map_err(Problem::too_many)?;
        return Err(void());
    };
    let (asked, now) = (text.clone(), clock::now());
    let (tenant, one) = app
        .store
        .look(move |tx| administrators::invited(tx, &asked, now))
        .await?;
    let password = Password::parse(&acceptance.password, &one.email)?;
    let hash = passwords::hash(password.reveal().to_owned())
        .await
        .ok_or_else(Problem::failed)?;
    let ctx = clock::context(Actor::Administrator(one.name.clone()), tenant);
    let work = ctx.clone();
    let one = app
        .store
        .write(move |tx| administrators::accept(tx, &work, &text, &hash))
        .await?;
    // Ids that the acceptance gave out are not given out again.
    let ctx = clock::context(ctx.actor, tenant);
    begin(&app, ctx, one, &from).await
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
    signed.confirm(passwords.current).await?;
    let one = &signed.administrator;
    let new = Password::parse(&passwords.new, &one.email)?;
    let hash = passwords::hash(new.reveal().to_owned())
        .await
        .ok_or_else(Problem::failed)?;
    let (ctx, id) = (signed.ctx.clone(), one.id);
    signed
        .app
        .store
        .write(move |tx| administrators::set_password(tx, &ctx, id, &hash))
        .await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    clear_cookie(&mut response);
    Ok(response)
}

/// `POST /session/codes`: the secret of one-time codes, for an app. Nothing is kept before a code confirms it.
pub(super) async fn propose_codes(signed: Signed) -> Answer {
    let mut secret = [0; 20];
    getrandom::fill(&mut secret).map_err(|_| Problem::failed())?;
    let text = passwords::base32(&secret);
    let who = &signed.administrator.email;
    // The address is of letters that need no encoding in a label, or they are encoded.
    let label = axum::http::uri::PathAndQuery::try_from(format!("/Provost:{who}"))
        .map_or_else(|_| "/Provost".to_owned(), |label| label.to_string());
    let link = format!("otpauth://totp{label}?secret={text}&issuer=Provost");
    Ok(answer(json!({"secret": text, "link": link}).to_string()))
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
    signed.confirm(confirmation.password).await?;
    let bad = || {
        Problem::bad_request(
            "The code is none of this secret's; look at the clock of the device, and try again.",
        )
    };
    let secret = unbase32(&confirmation.secret)
        .filter(|secret| secret.len() >= 16)
        .ok_or_else(bad)?;
    let seconds = u64::try_from(signed.ctx.now.as_second()).unwrap_or_default();
    let step = passwords::step_of(&confirmation.code, &secret, seconds).ok_or_else(bad)?;
    let id = signed.administrator.id;
    let codes = fresh_codes().ok_or_else(Problem::failed)?;
    let second = SecondFactor {
        secret: Some(
            vault(&signed.app)?
                .lock(&secret, id.as_bytes())
                .ok_or_else(Problem::failed)?,
        ),
        step: Some(step),
        recovery: codes
            .iter()
            .map(|code| administrators::recovery_hash(code))
            .collect(),
    };
    let ctx = signed.ctx.clone();
    signed
        .app
        .store
        .write(move |tx| administrators::set_second(tx, &ctx, id, &second))
        .await?;
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
    signed.confirm(again.password).await?;
    let (ctx, id) = (signed.ctx.clone(), signed.administrator.id);
    signed
        .app
        .store
        .write(move |tx| administrators::set_second(tx, &ctx, id, &SecondFactor::default()))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /sessions`: where one is signed in.
pub(super) async fn sessions(signed: Signed) -> Answer {
    let (tenant, id, own) = (signed.session.tenant, signed.administrator.id, signed.session.id);
    let all = signed
        .app
        .store
        .look(move |tx| Ok::<_, service::Error>(stored::sessions(tx, tenant, id)?))
        .await?;
    let shown: Vec<_> = all
        .iter()
        .filter(|session| clock::now() < session.ends())
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
    let (tenant, of) = (signed.session.tenant, signed.administrator.id);
    let id = SessionId::parse(&id);
    let ended = signed.app.store.write(move |tx| {
        let own = stored::sessions(tx, tenant, of)?;
        let found = own.iter().find(|session| Some(session.id) == id);
        match found {
            Some(session) => stored::end_session(tx, tenant, session.id).map(|()| true),
            None => Ok(false),
        }
    });
    if ended.await.map_err(service::Error::from)? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let detail = "You have no such session.";
    Err(Problem::new(StatusCode::NOT_FOUND, "Not found", detail))
}

/// Recovery codes of 80 random bits each.
fn fresh_codes() -> Option<Vec<String>> {
    (0..CODES)
        .map(|_| {
            let mut bits = [0; 10];
            getrandom::fill(&mut bits).ok()?;
            let text = passwords::base32(&bits).to_lowercase();
            Some(format!(
                "{}-{}-{}-{}",
                &text[..4],
                &text[4..8],
                &text[8..12],
                &text[12..]
            ))
        })
        .collect()
}

fn unbase32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
        let value = match letter.to_ascii_uppercase() {
            letter @ 'A'..='Z' => u32::from(letter) - u32::from('A'),
            letter @ '2'..='7' => u32::from(letter) - u32::from('2') + 26,
            _ => return None,
        };
        bits = (bits << 5 | value) & 0xfff;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count).to_le_bytes()[0]);
        }
    }
    Some(bytes)
}
