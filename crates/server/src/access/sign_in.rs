//! Signing in, by a password or an invitation, and what a person keeps to prove itself.
//!
//! A session's secret is a cookie that scripts cannot read and other sites cannot send; what changes something repeats a second
//! secret. Signing in always makes a new session, so that nobody can be made to use one that somebody knows.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use directory::{Actor, Administrator, Ctx, Password, Refusal, SecondFactor, Secret, Session};
use serde::Deserialize;
use service::administrators::{self, SignIn};
use store::administrators as stored;

use super::caller::{COOKIE, Signed};
use super::problem::Problem;
use crate::Vault;
use crate::app::App;
use crate::exchange::agent;
use crate::{clock, passwords};

/// Recovery codes that are made at once.
const CODES: usize = 10;
/// The tenant where nobody says.
const DEFAULT: &str = "default";

/// Where a request comes from, and what it is sent with.
pub(crate) struct From {
    pub(crate) address: Option<IpAddr>,
    agent: String,
    is_https: bool,
}

impl From {
    /// The request's.
    pub(crate) fn of(parts: &Parts, app: &App) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip());
        Self {
            address: app.address(&parts.headers, peer),
            agent: agent_in(&parts.headers),
            is_https: app.is_https(&parts.headers, peer),
        }
    }

    /// What a cookie of this client needs beside its value.
    pub(crate) fn cookie_flags(&self) -> &'static str {
        if self.is_https {
            "; HttpOnly; SameSite=Strict; Secure"
        } else {
            "; HttpOnly; SameSite=Strict"
        }
    }
}

/// The address that a request comes from.
pub(crate) fn address_of(parts: &Parts, app: &App) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    app.address(&parts.headers, peer.map(|ConnectInfo(peer)| peer.ip()))
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
pub(crate) struct Credentials {
    pub(crate) tenant: Option<String>,
    pub(crate) email: String,
    pub(crate) password: String,
    /// A one-time code, or a recovery code.
    pub(crate) code: Option<String>,
}

/// Somebody who has just signed in.
pub(crate) struct Begun {
    pub(crate) session: Session,
    pub(crate) administrator: Administrator,
    secret: Secret,
}

impl Begun {
    /// Gives the client the session's cookie.
    pub(crate) fn set_cookie(&self, response: &mut Response, from: &From) {
        let (value, seconds) = (self.secret.reveal(), Session::LONGEST.as_secs());
        let flags = from.cookie_flags();
        put_cookie(
            response,
            &format!("{COOKIE}={value}; Path=/; Max-Age={seconds}{flags}"),
        );
    }
}

/// Takes the session's cookie away.
pub(crate) fn clear_cookie(response: &mut Response) {
    put_cookie(
        response,
        &format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"),
    );
}

pub(crate) fn put_cookie(response: &mut Response, cookie: &str) {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Signs in. Who is unknown, has no password or a wrong one is told the same, and as late.
pub(crate) async fn sign_in(app: &App, from: &From, credentials: Credentials) -> Result<Begun, Problem> {
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
    prove(app, &ctx, &one, credentials.code.as_deref()).await?;
    begin(app, ctx, one, from).await
}

fn wrong() -> Problem {
    let detail = "The address, the password or the code is wrong.";
    Problem::new(StatusCode::UNAUTHORIZED, "Unauthorized", detail)
}

/// What a problem is called where only the code is missing.
pub(crate) const CODE_NEEDED: &str = "Code needed";

/// Looks at the second factor, if there is one.
async fn prove(app: &App, ctx: &Ctx, one: &Administrator, code: Option<&str>) -> Result<(), Problem> {
    let Some(locked) = &one.second.secret else {
        return Ok(());
    };
    let Some(code) = code.filter(|code| !code.trim().is_empty()) else {
        let detail = "The password is right. Send the one-time code, or a recovery code, as \"code\" too.";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, CODE_NEEDED, detail));
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

async fn begin(app: &App, ctx: Ctx, one: Administrator, from: &From) -> Result<Begun, Problem> {
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
    Ok(Begun {
        session: session.ok_or_else(wrong)?,
        administrator: one,
        secret,
    })
}

/// What an invited person chooses.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Acceptance {
    pub(crate) invitation: String,
    pub(crate) password: String,
    /// Where the invitation names no address: that of the first owner.
    pub(crate) email: Option<String>,
}

/// Whom an open invitation invites.
pub(crate) async fn invited(app: &App, from: &From, invitation: &str) -> Result<Administrator, Problem> {
    let Some(text) = Secret::parse_invitation(invitation.trim()) else {
        app.limits().fails(from.address).map_err(Problem::too_many)?;
        return Err(Problem::from(Refusal::VoidInvitation));
    };
    let now = clock::now();
    let found = app
        .store
        .look(move |tx| administrators::invited(tx, &text, now))
        .await?;
    Ok(found.1)
}

/// Takes the password of an invited person, and signs in.
pub(crate) async fn accept(app: &App, from: &From, acceptance: Acceptance) -> Result<Begun, Problem> {
    let text = Secret::parse_invitation(acceptance.invitation.trim());
    let Some(text) = text else {
        app.limits().fails(from.address).map_err(Problem::too_many)?;
        return Err(Problem::from(Refusal::VoidInvitation));
    };
    let (asked, now) = (text.clone(), clock::now());
    let (tenant, one) = app
        .store
        .look(move |tx| administrators::invited(tx, &asked, now))
        .await?;
    let email = administrators::address_of(&one, acceptance.email.as_deref())?;
    let password = Password::parse(&acceptance.password, &email)?;
    let hash = passwords::hash(password.reveal().to_owned())
        .await
        .ok_or_else(Problem::failed)?;
    let ctx = clock::context(Actor::Administrator(email.clone()), tenant);
    let work = ctx.clone();
    let one = app
        .store
        .write(move |tx| administrators::accept(tx, &work, &text, &email, &hash))
        .await?;
    // Ids that the acceptance gave out are not given out again.
    let ctx = clock::context(Actor::Administrator(one.name.clone()), tenant);
    begin(app, ctx, one, from).await
}

/// Takes another password; all sessions of the person end, this one too.
pub(crate) async fn change_password(signed: &Signed, current: String, new: &str) -> Result<(), Problem> {
    signed.confirm(current).await?;
    let one = &signed.administrator;
    let new = Password::parse(new, &one.email)?;
    let hash = passwords::hash(new.reveal().to_owned())
        .await
        .ok_or_else(Problem::failed)?;
    let (ctx, id) = (signed.ctx.clone(), one.id);
    signed
        .app
        .store
        .write(move |tx| administrators::set_password(tx, &ctx, id, &hash))
        .await?;
    Ok(())
}

/// A secret of one-time codes, for an app. Nothing is kept before a code confirms it.
pub(crate) struct Proposal {
    /// In base 32.
    pub(crate) secret: String,
    /// The same as a link (`otpauth:`), which apps read as a picture.
    pub(crate) link: String,
}

/// Proposes a secret.
pub(crate) fn propose_codes(signed: &Signed) -> Result<Proposal, Problem> {
    let mut secret = [0; 20];
    getrandom::fill(&mut secret).map_err(|_| Problem::failed())?;
    Ok(proposal(signed, passwords::base32(&secret)))
}

/// The same secret again, where its first code was wrong.
pub(crate) fn proposal(signed: &Signed, secret: String) -> Proposal {
    let who = &signed.administrator.email;
    // The address is of letters that need no encoding in a label, or they are encoded.
    let label = axum::http::uri::PathAndQuery::try_from(format!("/Provost:{who}"))
        .map_or_else(|_| "/Provost".to_owned(), |label| label.to_string());
    let link = format!("otpauth://totp{label}?secret={secret}&issuer=Provost");
    Proposal { secret, link }
}

/// Takes the secret that was proposed, once a code of it and the password are right; gives recovery codes, which are shown
/// once.
pub(crate) async fn confirm_codes(
    signed: &Signed,
    password: String,
    secret: &str,
    code: &str,
) -> Result<Vec<String>, Problem> {
    signed.confirm(password).await?;
    let bad = || {
        Problem::bad_request(
            "The code is none of this secret's; look at the clock of the device, and try again.",
        )
    };
    let secret = unbase32(secret)
        .filter(|secret| secret.len() >= 16)
        .ok_or_else(bad)?;
    let seconds = u64::try_from(signed.ctx.now.as_second()).unwrap_or_default();
    let step = passwords::step_of(code, &secret, seconds).ok_or_else(bad)?;
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
    Ok(codes)
}

/// No one-time codes any more.
pub(crate) async fn end_codes(signed: &Signed, password: String) -> Result<(), Problem> {
    signed.confirm(password).await?;
    let (ctx, id) = (signed.ctx.clone(), signed.administrator.id);
    signed
        .app
        .store
        .write(move |tx| administrators::set_second(tx, &ctx, id, &SecondFactor::default()))
        .await?;
    Ok(())
}

/// Ends the session.
pub(crate) async fn sign_out(signed: &Signed) -> Result<(), Problem> {
    let (tenant, id) = (signed.session.tenant, signed.session.id);
    let ended = signed
        .app
        .store
        .write(move |tx| stored::end_session(tx, tenant, id));
    Ok(ended.await.map_err(service::Error::from)?)
}

/// Where the person is signed in.
pub(crate) async fn sessions(signed: &Signed) -> Result<Vec<Session>, Problem> {
    let (tenant, id) = (signed.session.tenant, signed.administrator.id);
    let mut all = signed
        .app
        .store
        .look(move |tx| Ok::<_, service::Error>(stored::sessions(tx, tenant, id)?))
        .await?;
    all.retain(|session| signed.ctx.now < session.ends());
    Ok(all)
}

/// Signs the person out elsewhere.
pub(crate) async fn end_session(signed: &Signed, id: &str) -> Result<(), Problem> {
    let (tenant, of) = (signed.session.tenant, signed.administrator.id);
    let id = directory::SessionId::parse(id);
    let ended = signed.app.store.write(move |tx| {
        let own = stored::sessions(tx, tenant, of)?;
        let found = own.iter().find(|session| Some(session.id) == id);
        match found {
            Some(session) => stored::end_session(tx, tenant, session.id).map(|()| true),
            None => Ok(false),
        }
    });
    if ended.await.map_err(service::Error::from)? {
        return Ok(());
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
