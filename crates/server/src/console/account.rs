//! The person's own page: password, one-time codes, and where one is signed in.

use askama::Template;
use directory::Action;
use serde::Deserialize;

use super::page::{Answer, Named, Page, Sent, Shell, see_other};
use super::qr::picture;
use super::sign_in::Nothing;
use super::view::{Markup, plain, when};
use crate::access::caller::Right;
use crate::access::problem::Problem;
use crate::access::sign_in::{self, clear_cookie, proposal};

/// What everybody may do who has signed in: deal with what is one's own. Every role reads users.
pub(super) struct Own;

impl Right for Own {
    const ACTION: Action = Action::ReadUsers;
}

/// One of the places where the person is signed in.
struct SessionLine {
    id: String,
    is_this: bool,
    seen: Markup,
    created: Markup,
    address: String,
    agent: String,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account<'p> {
    shell: &'p Shell,
    email: String,
    has_codes: bool,
    recovery_left: usize,
    sessions: Vec<SessionLine>,
}

/// `GET /console/account`
pub(super) async fn show(page: Page<Own>) -> Answer {
    shown(&page).await
}

async fn shown(page: &Page<Own>) -> Answer {
    let one = &page.signed.administrator;
    let own = page.signed.session.id;
    let now = page.shell.now;
    let sessions = sign_in::sessions(&page.signed).await?;
    let line = |session: &directory::Session| SessionLine {
        id: session.id.to_string(),
        is_this: session.id == own,
        seen: when(session.seen, now),
        created: when(session.created, now),
        address: session.address.clone(),
        agent: plain(&session.agent),
    };
    page.shows(&Account {
        shell: &page.shell,
        email: one.email.clone(),
        has_codes: one.second.secret.is_some(),
        recovery_left: one.second.recovery.len(),
        sessions: sessions.iter().map(line).collect(),
    })
}

#[derive(Deserialize)]
pub(super) struct Passwords {
    current: String,
    new: String,
    again: String,
}

/// `POST /console/account/password`
pub(super) async fn change_password(sent: Sent<Own, Passwords>) -> Answer {
    let Sent { page, form } = sent;
    let changed = if form.new == form.again {
        sign_in::change_password(&page.signed, form.current, &form.new).await
    } else {
        Err(Problem::bad_request("The two new passwords are not the same."))
    };
    match changed {
        Ok(()) => {
            let mut response = see_other("/console/sign-in?done=password");
            clear_cookie(&mut response);
            Ok(response)
        }
        Err(problem) => shown(&page.refusing(&problem)).await,
    }
}

#[derive(Template)]
#[template(path = "codes.html")]
struct Codes<'p> {
    shell: &'p Shell,
    secret: String,
    picture: String,
    size: usize,
    recovery: Vec<String>,
}

/// `GET /console/account/codes`: a secret as a picture; nothing is kept before a code confirms it.
pub(super) async fn propose_codes(page: Page<Own>) -> Answer {
    let proposed = sign_in::propose_codes(&page.signed)?;
    shows_codes(&page, proposed)
}

fn shows_codes(page: &Page<Own>, proposed: sign_in::Proposal) -> Answer {
    let (picture, size) = picture(&proposed.link);
    page.shows(&Codes {
        shell: &page.shell,
        secret: proposed.secret,
        picture,
        size,
        recovery: Vec::new(),
    })
}

#[derive(Deserialize)]
pub(super) struct Confirmation {
    secret: String,
    code: String,
    password: String,
}

/// `POST /console/account/codes`: the recovery codes are on this page and never again.
pub(super) async fn confirm_codes(sent: Sent<Own, Confirmation>) -> Answer {
    let Sent { page, form } = sent;
    match sign_in::confirm_codes(&page.signed, form.password, &form.secret, &form.code).await {
        Ok(recovery) => page.shows(&Codes {
            shell: &page.shell,
            secret: String::new(),
            picture: String::new(),
            size: 0,
            recovery,
        }),
        Err(problem) => {
            let proposed = proposal(&page.signed, form.secret);
            shows_codes(&page.refusing(&problem), proposed)
        }
    }
}

#[derive(Deserialize)]
pub(super) struct PasswordAgain {
    password: String,
}

/// `POST /console/account/codes/end`
pub(super) async fn end_codes(sent: Sent<Own, PasswordAgain>) -> Answer {
    let Sent { page, form } = sent;
    match sign_in::end_codes(&page.signed, form.password).await {
        Ok(()) => Ok(see_other("/console/account?done=codes-ended")),
        Err(problem) => shown(&page.refusing(&problem)).await,
    }
}

/// `POST /console/account/sessions/{session}/end`
pub(super) async fn end_session(Named(session): Named, sent: Sent<Own, Nothing>) -> Answer {
    match sign_in::end_session(&sent.page.signed, &session).await {
        Ok(()) => Ok(see_other("/console/account?done=session-ended")),
        Err(problem) => shown(&sent.page.refusing(&problem)).await,
    }
}
