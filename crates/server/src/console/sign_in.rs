//! Signing in and out, and the first sign-in by an invitation.
//!
//! A form that signs somebody in shows a value that a cookie of this server has too: a page of another site can send neither, so
//! it cannot sign a person in as somebody else.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use directory::Secret;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::assets;
use super::page::{Answer, Query, Turned, fields, own_path, render, see_other, with_cookie};
use crate::access::caller::{Signed, cookie_in, is_same};
use crate::access::problem::Problem;
use crate::access::sign_in::{self, Acceptance, CODE_NEEDED, Credentials, From, clear_cookie};
use crate::app::App;
use crate::clock;

/// The cookie whose value the form repeats.
const FORM_COOKIE: &str = "provost_form";

#[derive(Template, Default)]
#[template(path = "sign_in.html")]
struct SignInPage {
    error: String,
    /// What happened before, as a class of notice and a sentence.
    told: Option<(&'static str, &'static str)>,
    email: String,
    tenant: String,
    next: String,
    form: String,
    /// Whether the password was right, and a code is wanted too.
    wants_code: bool,
    has_tenants: bool,
    version: &'static str,
}

/// What became of a form without a session.
const LOST: &str = "You were signed out before that was sent, so nothing was done. Sign in, and do it again.";

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
}

/// `GET /console/sign-in`
pub(super) async fn blank(State(app): State<App>, from: Visitor, Query(asked): Query<Asked>) -> Answer {
    let page = SignInPage {
        next: own_path(&asked.next).to_owned(),
        told: match asked.done.as_str() {
            "signed-out" | "password" => Some(("good", "You are signed out.")),
            "nothing" => Some(("warn", LOST)),
            _ => None,
        },
        ..SignInPage::default()
    };
    shown(&app, &from, page, StatusCode::OK).await
}

async fn shown(app: &App, from: &Visitor, page: SignInPage, status: StatusCode) -> Answer {
    let tenants = app
        .store
        .look(|tx| Ok::<_, service::Error>(store::settings::tenants(tx)?))
        .await?;
    let page = SignInPage {
        form: from.form.clone(),
        has_tenants: tenants.len() > 1,
        version: assets::version(),
        ..page
    };
    let response = (status, render(&page)?).into_response();
    Ok(from.with_form_cookie(response))
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct SignInForm {
    #[serde(default)]
    tenant: String,
    email: String,
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// `POST /console/sign-in`
pub(super) async fn sign_in(State(app): State<App>, sent: Stranger<SignInForm>) -> Answer {
    let Stranger { from, form } = sent;
    let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let credentials = Credentials {
        tenant: some(&form.tenant),
        email: form.email.trim().to_owned(),
        password: form.password,
        code: some(&form.code),
    };
    match sign_in::sign_in(&app, &from.from, credentials).await {
        Ok(begun) => {
            let mut response = see_other(own_path(&form.next));
            begun.set_cookie(&mut response, &from.from);
            Ok(response)
        }
        Err(problem) if problem.status().is_server_error() => Err(problem.into()),
        Err(problem) => {
            let wants_code = problem.title() == CODE_NEEDED;
            let page = SignInPage {
                error: if wants_code {
                    "The password is right. Enter it again with the code of your app, or with a recovery code.".to_owned()
                } else {
                    problem.detail().to_owned()
                },
                wants_code: wants_code || !form.code.is_empty(),
                email: form.email,
                tenant: form.tenant,
                next: own_path(&form.next).to_owned(),
                ..SignInPage::default()
            };
            shown(&app, &from, page, problem.status()).await
        }
    }
}

/// `POST /console/sign-out`
pub(super) async fn sign_out(sent: super::page::Sent<super::account::Own, Nothing>) -> Answer {
    let signed: &Signed = &sent.page.signed;
    sign_in::sign_out(signed).await?;
    let mut response = see_other("/console/sign-in?done=signed-out");
    clear_cookie(&mut response);
    Ok(response)
}

/// A form that says nothing but that it was sent.
#[derive(Deserialize)]
pub(super) struct Nothing {}

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    error: String,
    token: String,
    email: String,
    /// Whether the invitation names no address.
    wants_email: bool,
    form: String,
    version: &'static str,
}

#[derive(Deserialize)]
pub(super) struct Invited {
    #[serde(default)]
    token: String,
}

/// `GET /console/invitation?token=...`: where the one-time link leads.
pub(super) async fn invited(State(app): State<App>, from: Visitor, Query(asked): Query<Invited>) -> Answer {
    let one = sign_in::invited(&app, &from.from, &asked.token).await?;
    let wants_email = service::administrators::is_first(&one);
    let page = InvitationPage {
        error: String::new(),
        token: asked.token,
        email: if wants_email { String::new() } else { one.email },
        wants_email,
        form: from.form.clone(),
        version: assets::version(),
    };
    Ok(from.with_form_cookie(render(&page)?.into_response()))
}

#[derive(Deserialize)]
pub(super) struct AcceptanceForm {
    token: String,
    #[serde(default)]
    email: String,
    password: String,
    again: String,
}

/// `POST /console/invitation`: takes the password, and signs in.
pub(super) async fn accept(State(app): State<App>, sent: Stranger<AcceptanceForm>) -> Answer {
    let Stranger { from, form } = sent;
    let one = sign_in::invited(&app, &from.from, &form.token).await?;
    let wants_email = service::administrators::is_first(&one);
    let acceptance = Acceptance {
        invitation: form.token.clone(),
        password: form.password.clone(),
        email: Some(form.email.clone()).filter(|_| wants_email),
    };
    let accepted = if form.password == form.again {
        sign_in::accept(&app, &from.from, acceptance).await
    } else {
        Err(Problem::bad_request("The two passwords are not the same."))
    };
    match accepted {
        Ok(begun) => {
            let mut response = see_other("/console/");
            begun.set_cookie(&mut response, &from.from);
            Ok(response)
        }
        Err(problem) => {
            let page = InvitationPage {
                error: problem.detail().to_owned(),
                token: form.token,
                email: if wants_email { form.email } else { one.email },
                wants_email,
                form: from.form.clone(),
                version: assets::version(),
            };
            let response = (problem.status(), render(&page)?).into_response();
            Ok(from.with_form_cookie(response))
        }
    }
}

/// Somebody who has not signed in, and the value that a form repeats.
pub(super) struct Visitor {
    from: From,
    form: String,
    is_new: bool,
}

impl Visitor {
    fn of(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let known = form_cookie_in(&parts.headers);
        let is_new = known.is_none();
        let form = match known {
            Some(known) => known,
            None => clock::fresh_session()
                .map_err(|_| Problem::failed())?
                .reveal()
                .to_owned(),
        };
        Ok(Self {
            from: From::of(parts, app),
            form,
            is_new,
        })
    }

    fn with_form_cookie(&self, response: Response) -> Response {
        if !self.is_new {
            return response;
        }
        let (value, flags) = (&self.form, self.from.cookie_flags());
        with_cookie(response, &format!("{FORM_COOKIE}={value}; Path=/console{flags}"))
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Turned;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Turned> {
        // Who has signed in already is where they want to be; a session that has ended is none.
        if parts.uri.path().ends_with("/sign-in")
            && cookie_in(&parts.headers).is_some()
            && crate::access::caller::signed_in(parts, app).await.is_ok()
        {
            return Err(Turned::SignedIn);
        }
        Ok(Self::of(parts, app)?)
    }
}

/// A form of somebody who has not signed in.
pub(super) struct Stranger<T> {
    from: Visitor,
    form: T,
}

#[derive(Deserialize)]
struct Repeated {
    #[serde(default)]
    form: String,
}

impl<T: DeserializeOwned> FromRequest<App> for Stranger<T> {
    type Rejection = Turned;

    async fn from_request(request: Request, app: &App) -> Result<Self, Turned> {
        let (parts, body) = request.into_parts();
        let known = form_cookie_in(&parts.headers);
        let from = Visitor::of(&parts, app)?;
        let bytes = Bytes::from_request(Request::from_parts(parts, body), app)
            .await
            .map_err(|error| Problem::new(error.status(), "Bad request", "The form is larger than 1 MiB."))?;
        let Repeated { form } = fields(&bytes)?;
        if !known.is_some_and(|known| is_same(known.as_bytes(), form.as_bytes())) {
            let detail = "This form was not opened in this browser, or too long ago. Open the page again; cookies must be allowed.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "Forbidden", detail).into());
        }
        let form = fields(&bytes)?;
        Ok(Self { from, form })
    }
}

fn form_cookie_in(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(COOKIE).into_iter();
    let pairs = all
        .filter_map(|header| header.to_str().ok())
        .flat_map(|text| text.split(';'));
    let mut own = pairs.filter_map(|pair| pair.trim().split_once('='));
    let value = own.find(|(name, _)| *name == FORM_COOKIE)?.1;
    Secret::parse_session(value).map(|secret| secret.reveal().to_owned())
}
