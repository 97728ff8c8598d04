//! The ordered list of mappings, its order, and trying it on a person.

use askama::Template;
use directory::{Condition, Settings};
use serde::Deserialize;
use service::explain::{self, Explained};
use service::settings::mappings as stored;
use store::counts::{self, Count};

use super::page::{Answer, Named, Page, Sent, Shell, see_other};
use super::sign_in::Nothing;
use super::view::{number, quota};
use crate::access::caller::{ChangeSettings, ReadSettings, Right};
use crate::access::problem::Problem;

/// A mapping in the list.
struct Line {
    position: u32,
    name: String,
    link: String,
    condition: String,
    connections: Vec<String>,
    profile: String,
    storage: String,
    quota: String,
    mail: bool,
    users: String,
    hidden_by: String,
    is_any: bool,
}

#[derive(Template)]
#[template(path = "mappings.html")]
struct List<'p> {
    shell: &'p Shell,
    lines: Vec<Line>,
    may_change: bool,
    has_any: bool,
}

/// `GET /console/mappings`
pub(super) async fn list(page: Page<ReadSettings>) -> Answer {
    shown(&page).await
}

async fn shown<R: Right>(page: &Page<R>) -> Answer {
    let settings = page.caller.settings.clone();
    let lines = page.caller.app.store.look(move |tx| lines(tx, &settings)).await?;
    page.shows(&List {
        shell: &page.shell,
        has_any: lines
            .iter()
            .any(|line| line.is_any && line.connections.is_empty()),
        may_change: page.shell.may_set_up(),
        lines,
    })
}

fn lines(tx: &mut store::Tx<'_>, settings: &Settings) -> Result<Vec<Line>, service::Error> {
    let hidden = directory::shadowed(&settings.mappings);
    let mut lines = Vec::new();
    for (mapping, by) in settings.mappings.iter().zip(hidden) {
        let outcome = &mapping.outcome;
        let connections = mapping
            .connections
            .iter()
            .filter_map(|&id| settings.connection(id));
        lines.push(Line {
            position: mapping.position,
            name: mapping.name.to_string(),
            link: mapping.id.to_string(),
            condition: service::groups::in_words(tx, settings, &mapping.condition)?,
            connections: connections.map(|one| one.name.to_string()).collect(),
            profile: settings
                .profile(outcome.profile)
                .map(|one| one.name.to_string())
                .unwrap_or_default(),
            storage: settings
                .storage(outcome.storage)
                .map(|one| one.name.to_string())
                .unwrap_or_default(),
            quota: outcome
                .quota
                .map_or_else(|| "profile’s".to_owned(), |bytes| quota(Some(bytes))),
            mail: outcome.activation_mail,
            users: number(counts::get(
                tx,
                Count::by_mapping(settings.tenant.id, mapping.id),
            )?),
            hidden_by: by.map(|by| by.name.to_string()).unwrap_or_default(),
            is_any: mapping.condition == Condition::Any,
        });
    }
    Ok(lines)
}

/// The order, by the names.
#[derive(Deserialize)]
pub(super) struct Order {
    #[serde(default)]
    name: Vec<String>,
}

/// `POST /console/mappings/order`: what was dragged.
pub(super) async fn order(sent: Sent<ChangeSettings, Order>) -> Answer {
    let Sent { page, form } = sent;
    let ordered = page
        .caller
        .write(move |tx, ctx| stored::reorder(tx, ctx, &form.name))
        .await;
    moved(page, ordered).await
}

async fn moved(page: Page<ChangeSettings>, done: Result<(), Problem>) -> Answer {
    match done {
        Ok(()) => Ok(see_other("/console/mappings?done=moved")),
        Err(problem) => shown(&page.refusing(&problem)).await,
    }
}

#[derive(Deserialize)]
pub(super) struct To {
    at: u32,
}

/// `POST /console/mappings/{mapping}/move`: what was moved by its buttons.
pub(super) async fn move_to(Named(name): Named, sent: Sent<ChangeSettings, To>) -> Answer {
    let Sent { page, form } = sent;
    let done = page
        .caller
        .write(move |tx, ctx| stored::move_to(tx, ctx, &name, form.at).map(drop))
        .await;
    moved(page, done).await
}

/// `POST /console/mappings/{mapping}/delete`
pub(super) async fn remove(Named(name): Named, sent: Sent<ChangeSettings, Nothing>) -> Answer {
    let page = sent.page;
    match page
        .caller
        .write(move |tx, ctx| stored::remove(tx, ctx, &name))
        .await
    {
        Ok(()) => Ok(see_other("/console/mappings?done=removed")),
        Err(problem) => shown(&page.refusing(&problem)).await,
    }
}

/// A person to try the mappings on.
#[derive(Debug, Deserialize)]
pub(super) struct Trial {
    #[serde(default)]
    body: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    connection: String,
}

#[derive(Template)]
#[template(path = "try.html")]
struct TryPage<'p> {
    shell: &'p Shell,
    settings: &'p Settings,
    form: Trial,
    explained: Option<Vec<Explained>>,
    outcome: String,
}

const EXAMPLE: &str = r#"{
  "userName": "ava@example.com",
  "displayName": "Ava Nguyen",
  "countryCode": "DE",
  "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Sales" }
}"#;

/// `GET /console/mappings/try`
pub(super) async fn try_blank(page: Page<ReadSettings>) -> Answer {
    page.shows(&TryPage {
        shell: &page.shell,
        settings: &page.caller.settings,
        form: Trial {
            body: EXAMPLE.to_owned(),
            user: String::new(),
            connection: String::new(),
        },
        explained: None,
        outcome: String::new(),
    })
}

/// `POST /console/mappings/try`: nothing is kept of it.
pub(super) async fn try_out(sent: Sent<ReadSettings, Trial>) -> Answer {
    let Sent { page, form } = sent;
    let (page, explained) = match explained(&page, &form).await {
        Ok(explained) => (page, Some(explained)),
        Err(problem) => (page.refusing(&problem), None),
    };
    let settings = &page.caller.settings;
    page.shows(&TryPage {
        shell: &page.shell,
        outcome: explained
            .as_deref()
            .map(|all| outcome(all, settings))
            .unwrap_or_default(),
        settings,
        explained,
        form,
    })
}

async fn explained(page: &Page<ReadSettings>, form: &Trial) -> Result<Vec<Explained>, Problem> {
    let settings = page.caller.settings.clone();
    let store = &page.caller.app.store;
    if !form.user.trim().is_empty() {
        let record = crate::manage::users::found(&page.caller, form.user.trim().to_owned()).await?;
        return Ok(store
            .look(move |tx| explain::of_user(tx, &settings, &record))
            .await?);
    }
    let bad = |error: scim::Error| Problem::bad_request(format!("The body: {}", error.detail));
    let body = scim::json::parse_object(form.body.as_bytes()).map_err(bad)?;
    let sent = settings.schemas.admit(body).map_err(bad)?;
    let connection = match form.connection.as_str() {
        "" => settings.connections.first().map(|one| one.id),
        name => Some(service::settings::named(&settings.connections, name)?.id),
    };
    Ok(store
        .look(move |tx| explain::of_body(tx, &settings, &sent, connection))
        .await?)
}

/// What the person would get, in a sentence.
fn outcome(explained: &[Explained], settings: &Settings) -> String {
    let Some(decides) = explained.iter().find(|one| one.decides) else {
        return "No mapping matches: this person would be refused, or held where the connection holds people.".to_owned();
    };
    let mapping = settings
        .mappings
        .iter()
        .find(|mapping| mapping.name.is(&decides.name));
    let place = mapping.map(|mapping| {
        let profile = settings.profile(mapping.outcome.profile);
        let storage = settings.storage(mapping.outcome.storage);
        (
            profile.map(|one| one.name.to_string()).unwrap_or_default(),
            storage.map(|one| one.name.to_string()).unwrap_or_default(),
        )
    });
    let (profile, storage) = place.unwrap_or_default();
    match decides.answer {
        directory::Answer::Unknown => format!(
            "It cannot be said: the mapping {} looks at something that is not kept, or at groups that come later.",
            decides.name
        ),
        _ => format!(
            "The mapping {} gives the profile {profile} and the storage {storage}.",
            decides.name
        ),
    }
}
