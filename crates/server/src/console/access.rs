//! Who may sign in, and which programs may ask: administrators and API keys. What gives somebody access asks for the password
//! again.

use askama::Template;
use directory::{Administrator, ApiKey, Role, Secret, Settings};
use serde::Deserialize;
use service::administrators::{self, AdministratorChange, NewAdministrator};
use service::keys;

use super::page::{Answer, Named, Page, Sent, Shell, see_other};
use super::sign_in::Nothing;
use super::users::{given, whole};
use super::view::{Markup, encoded, maybe_when, plain, when};
use crate::access::caller::ManageAccess;
use crate::access::problem::Problem;
use crate::clock;

/// A person in the list.
struct Person {
    id: String,
    email: String,
    name: String,
    role: Role,
    is_limited: bool,
    profiles: Vec<String>,
    state: &'static str,
    has_codes: bool,
    last_seen: Markup,
    is_self: bool,
}

#[derive(Template)]
#[template(path = "administrators.html")]
struct Administrators<'p> {
    shell: &'p Shell,
    settings: &'p Settings,
    people: Vec<Person>,
    /// A link that is shown once, and for whom.
    link: Option<(String, String)>,
}

/// `GET /console/settings/administrators`
pub(super) async fn administrators(page: Page<ManageAccess>) -> Answer {
    shown(&page, None).await
}

async fn shown(page: &Page<ManageAccess>, link: Option<(String, String)>) -> Answer {
    let (caller, tenant) = (&page.caller, page.caller.ctx.tenant);
    let all = caller
        .app
        .store
        .look(move |tx| Ok::<_, service::Error>(store::administrators::all(tx, tenant)?))
        .await?;
    let settings = &caller.settings;
    let own = page.signed.administrator.id;
    let person = |one: &Administrator| Person {
        id: one.id.to_string(),
        email: one.email.clone(),
        name: plain(&one.name),
        role: one.role,
        is_limited: one.profiles.is_some(),
        profiles: one
            .profiles
            .iter()
            .flatten()
            .map(|&id| {
                settings
                    .profile(id)
                    .map_or_else(|| "(gone)".to_owned(), |profile| profile.name.to_string())
            })
            .collect(),
        state: match (&one.password, &one.invitation) {
            (Some(_), _) => "joined",
            (None, Some(open)) if caller.ctx.now < open.ends => "invited",
            _ => "invitation over",
        },
        has_codes: one.second.secret.is_some(),
        last_seen: maybe_when(one.last_seen, caller.ctx.now),
        is_self: one.id == own,
    };
    page.shows(&Administrators {
        shell: &page.shell,
        people: all.iter().map(person).collect(),
        settings,
        link,
    })
}

#[derive(Deserialize)]
pub(super) struct Invitation {
    email: String,
    #[serde(default)]
    name: String,
    role: String,
    /// `some` for the users of `profiles` alone.
    #[serde(default)]
    limit: String,
    #[serde(default)]
    profiles: Vec<String>,
    password: String,
}

/// `POST /console/settings/administrators`: the link is on this page and never again.
pub(super) async fn invite(sent: Sent<ManageAccess, Invitation>) -> Answer {
    let Sent { page, form } = sent;
    match invited(&page, form).await {
        Ok(link) => shown(&page, Some(link)).await,
        Err(problem) => shown(&page.refusing(&problem), None).await,
    }
}

async fn invited(page: &Page<ManageAccess>, form: Invitation) -> Result<(String, String), Problem> {
    page.signed.confirm(form.password).await?;
    let invitation = clock::fresh_invitation().map_err(|_| Problem::failed())?;
    let new = NewAdministrator {
        email: form.email,
        name: given(&form.name),
        role: role(&form.role)?,
        profiles: limit(&form.limit, form.profiles)?,
        invitation: invitation.clone(),
    };
    let one = page
        .caller
        .write(move |tx, ctx| administrators::invite(tx, ctx, &new))
        .await?;
    Ok((one.email, link(page, &invitation)))
}

fn link(page: &Page<ManageAccess>, invitation: &Secret) -> String {
    let url = page.caller.app.public_url();
    format!("{url}/console/invitation?token={}", invitation.reveal())
}

/// Everybody, or the users of some profiles: who forgets to tick one does not give everybody away.
fn limit(limit: &str, profiles: Vec<String>) -> Result<Option<Vec<String>>, Problem> {
    match (limit, profiles.is_empty()) {
        ("some", true) => Err(Problem::bad_request(
            "Tick the profiles whose users the person deals with.",
        )),
        ("some", false) => Ok(Some(profiles)),
        _ => Ok(None),
    }
}

fn role(text: &str) -> Result<Role, Problem> {
    text.parse().map_err(|_| Problem::bad_request("Choose a role."))
}

#[derive(Deserialize)]
pub(super) struct Change {
    #[serde(default)]
    name: String,
    role: String,
    /// `some` for the users of `profiles` alone.
    #[serde(default)]
    limit: String,
    #[serde(default)]
    profiles: Vec<String>,
    password: String,
}

/// `POST /console/settings/administrators/{administrator}`
pub(super) async fn set(Named(who): Named, sent: Sent<ManageAccess, Change>) -> Answer {
    let Sent { page, form } = sent;
    match changed(&page, who, form).await {
        Ok(()) => Ok(see_other("/console/settings/administrators?done=changed")),
        Err(problem) => shown(&page.refusing(&problem), None).await,
    }
}

async fn changed(page: &Page<ManageAccess>, who: String, form: Change) -> Result<(), Problem> {
    page.signed.confirm(form.password).await?;
    let change = AdministratorChange {
        name: given(&form.name),
        role: Some(role(&form.role)?),
        profiles: Some(limit(&form.limit, form.profiles)?),
    };
    page.caller
        .write(move |tx, ctx| administrators::set(tx, ctx, &who, &change))
        .await?;
    Ok(())
}

#[derive(Deserialize)]
pub(super) struct Again {
    password: String,
}

/// `POST /console/settings/administrators/{administrator}/invite`
pub(super) async fn invite_again(Named(who): Named, sent: Sent<ManageAccess, Again>) -> Answer {
    let Sent { page, form } = sent;
    let own = &page.signed.administrator;
    let is_own = own.email.eq_ignore_ascii_case(&who) || own.id.to_string() == who;
    let again = async {
        if is_own {
            return Err(Problem::bad_request(
                "That is you: it would take your password away. Change it on the page of your account.",
            ));
        }
        page.signed.confirm(form.password).await?;
        let invitation = clock::fresh_invitation().map_err(|_| Problem::failed())?;
        let text = invitation.clone();
        let one = page
            .caller
            .write(move |tx, ctx| administrators::invite_again(tx, ctx, &who, &text))
            .await?;
        Ok::<_, Problem>((one.email, link(&page, &invitation)))
    };
    match again.await {
        Ok(link) => shown(&page, Some(link)).await,
        Err(problem) => shown(&page.refusing(&problem), None).await,
    }
}

/// `POST /console/settings/administrators/{administrator}/delete`
pub(super) async fn remove(Named(who): Named, sent: Sent<ManageAccess, Again>) -> Answer {
    let Sent { page, form } = sent;
    let removed = async {
        page.signed.confirm(form.password).await?;
        page.caller
            .write(move |tx, ctx| administrators::remove(tx, ctx, &who))
            .await
    };
    match removed.await {
        Ok(_) => Ok(see_other("/console/settings/administrators?done=removed")),
        Err(problem) => shown(&page.refusing(&problem), None).await,
    }
}

/// A key in the list.
struct KeyLine {
    name: String,
    link: String,
    role: &'static str,
    is_live: bool,
    created: Markup,
    expires: Markup,
    last_used: Markup,
}

#[derive(Template)]
#[template(path = "keys.html")]
struct Keys<'p> {
    shell: &'p Shell,
    lines: Vec<KeyLine>,
    /// The key that was just made: its name and secret.
    made: Option<(String, String)>,
}

/// `GET /console/settings/keys`
pub(super) async fn keys(page: Page<ManageAccess>) -> Answer {
    keys_shown(&page, None).await
}

async fn keys_shown(page: &Page<ManageAccess>, made: Option<(String, String)>) -> Answer {
    let (ctx, now) = (page.caller.ctx.clone(), page.caller.ctx.now);
    let mut all = page.caller.app.store.look(move |tx| keys::all(tx, &ctx)).await?;
    all.reverse();
    let line = |key: &ApiKey| KeyLine {
        name: key.name.to_string(),
        link: encoded(key.name.as_str()),
        role: key.role.name(),
        is_live: key.is_live(now),
        created: when(key.created, now),
        expires: when(key.revoked.unwrap_or(key.expires), now),
        last_used: maybe_when(key.last_used, now),
    };
    page.shows(&Keys {
        shell: &page.shell,
        lines: all.iter().map(line).collect(),
        made,
    })
}

#[derive(Deserialize)]
pub(super) struct NewKey {
    name: String,
    role: String,
    #[serde(default)]
    days: String,
    password: String,
}

/// `POST /console/settings/keys`: the secret is on this page and never again.
pub(super) async fn create_key(sent: Sent<ManageAccess, NewKey>) -> Answer {
    let Sent { page, form } = sent;
    match key_made(&page, form).await {
        Ok(made) => keys_shown(&page, Some(made)).await,
        Err(problem) => keys_shown(&page.refusing(&problem), None).await,
    }
}

async fn key_made(page: &Page<ManageAccess>, form: NewKey) -> Result<(String, String), Problem> {
    page.signed.confirm(form.password).await?;
    let secret = clock::fresh_key().map_err(|_| Problem::failed())?;
    let new = keys::NewKey {
        secret: secret.clone(),
        name: form.name,
        role: role(&form.role)?,
        days: whole("Days", &form.days)?.unwrap_or(365),
    };
    let key = page
        .caller
        .write(move |tx, ctx| keys::create(tx, ctx, &new))
        .await?;
    Ok((key.name.to_string(), secret.reveal().to_owned()))
}

/// `POST /console/settings/keys/{key}/revoke`
pub(super) async fn revoke_key(Named(name): Named, sent: Sent<ManageAccess, Nothing>) -> Answer {
    let page = sent.page;
    let revoked = page
        .caller
        .write(move |tx, ctx| keys::revoke(tx, ctx, &name))
        .await;
    match revoked {
        Ok(_) => Ok(see_other("/console/settings/keys?done=revoked")),
        Err(problem) => keys_shown(&page.refusing(&problem), None).await,
    }
}
