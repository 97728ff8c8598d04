//! Profiles: named sets of settings that mappings give.

use askama::Template;
use directory::{Bytes, Mapping, Profile};
use serde::Deserialize;
use service::settings::named;
use service::settings::profiles::{self as stored, ProfileChange};
use store::counts::{self, Count};

use super::page::{Answer, Named, Page, Sent, Shell, see_other};
use super::sign_in::Nothing;
use super::users::whole;
use super::view::{number, quota};
use crate::access::caller::{ChangeSettings, ReadSettings, Right};
use crate::access::problem::Problem;
use crate::manage::version::{check_version, version_of};

/// A profile in the list.
struct Line {
    name: String,
    link: String,
    active: u64,
    active_text: String,
    all: String,
    max: Option<u64>,
    max_text: String,
    is_nearly_full: bool,
    quota: String,
    purge: String,
    mappings: usize,
}

#[derive(Template)]
#[template(path = "profiles.html")]
struct Profiles<'p> {
    shell: &'p Shell,
    lines: Vec<Line>,
    form: ProfileForm,
    may_change: bool,
}

/// `GET /console/profiles`
pub(super) async fn profiles(page: Page<ReadSettings>) -> Answer {
    profiles_shown(&page, ProfileForm::default()).await
}

async fn profiles_shown<R: Right>(page: &Page<R>, form: ProfileForm) -> Answer {
    let mut lines = Vec::new();
    for profile in &page.caller.settings.profiles {
        lines.push(line(page, profile).await?);
    }
    page.shows(&Profiles {
        shell: &page.shell,
        may_change: page.shell.may_set_up(),
        lines,
        form,
    })
}

async fn line<R: Right>(page: &Page<R>, profile: &Profile) -> Result<Line, Problem> {
    let (tenant, id) = (page.caller.ctx.tenant, profile.id);
    let counted = page.caller.app.store.look(move |tx| {
        let active = counts::get(tx, Count::active_in_profile(tenant, id))?;
        Ok::<_, service::Error>((active, counts::get(tx, Count::in_profile(tenant, id))?))
    });
    let (active, all) = counted.await?;
    let gives = |mapping: &&Mapping| mapping.outcome.profile == id;
    Ok(Line {
        name: profile.name.to_string(),
        link: profile.id.to_string(),
        active,
        active_text: number(active),
        all: number(all),
        max: profile.max_users,
        max_text: profile.max_users.map_or_else(|| "no maximum".to_owned(), number),
        is_nearly_full: profile.max_users.is_some_and(|max| active * 10 >= max * 9),
        quota: quota(Some(profile.quota)),
        purge: match profile.purge_days {
            0 => "never".to_owned(),
            1 => "after 1 day".to_owned(),
            days => format!("after {days} days"),
        },
        mappings: page.caller.settings.mappings.iter().filter(gives).count(),
    })
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ProfileForm {
    name: String,
    #[serde(default)]
    max_users: String,
    #[serde(default)]
    quota: String,
    #[serde(default)]
    purge_days: String,
    #[serde(default)]
    settings: String,
    /// What the profile was when the page was made.
    #[serde(default)]
    version: String,
}

impl ProfileForm {
    fn of(profile: &Profile) -> Self {
        Self {
            version: version_of(profile),
            name: profile.name.to_string(),
            max_users: profile.max_users.map(|max| max.to_string()).unwrap_or_default(),
            quota: if profile.quota.get() == 0 {
                String::new()
            } else {
                profile.quota.to_string().replace(' ', "")
            },
            purge_days: if profile.purge_days == 0 {
                String::new()
            } else {
                profile.purge_days.to_string()
            },
            settings: if profile.settings.is_empty() {
                String::new()
            } else {
                serde_json::to_string_pretty(&profile.settings).unwrap_or_default()
            },
        }
    }

    fn change(&self) -> Result<ProfileChange, Problem> {
        let quota = match self.quota.trim() {
            "" => Bytes::new(0),
            text => text.parse().map_err(Problem::bad_request)?,
        };
        let settings = match self.settings.trim() {
            "" => scim::Object::new(),
            text => scim::json::parse_object(text.as_bytes())
                .map_err(|error| Problem::bad_request(format!("Settings: {}", error.detail)))?,
        };
        Ok(ProfileChange {
            name: Some(self.name.clone()),
            max_users: Some(whole("The maximum", &self.max_users)?.unwrap_or(0)),
            quota: Some(quota),
            purge_days: Some(whole("The days until a purge", &self.purge_days)?.unwrap_or(0)),
            settings: Some(settings),
        })
    }
}

/// `POST /console/profiles`
pub(super) async fn add_profile(sent: Sent<ChangeSettings, ProfileForm>) -> Answer {
    let Sent { page, form } = sent;
    let added = async {
        let (name, change) = (form.name.clone(), form.change()?);
        page.caller
            .write(move |tx, ctx| stored::add(tx, ctx, &name, &change))
            .await
    };
    match added.await {
        Ok(_) => Ok(see_other("/console/profiles?done=added")),
        Err(problem) => profiles_shown(&page.refusing(&problem), form).await,
    }
}

#[derive(Template)]
#[template(path = "profile.html")]
struct ProfilePage<'p> {
    shell: &'p Shell,
    line: Line,
    form: ProfileForm,
    mappings: Vec<&'p Mapping>,
    may_change: bool,
}

/// `GET /console/profiles/{profile}`
pub(super) async fn profile(page: Page<ReadSettings>, Named(name): Named) -> Answer {
    profile_shown(&page, &name, None).await
}

async fn profile_shown<R: Right>(page: &Page<R>, name: &str, form: Option<ProfileForm>) -> Answer {
    let settings = &page.caller.settings;
    let profile = named(&settings.profiles, name)?;
    page.shows(&ProfilePage {
        shell: &page.shell,
        line: line(page, profile).await?,
        form: form.unwrap_or_else(|| ProfileForm::of(profile)),
        mappings: settings
            .mappings
            .iter()
            .filter(|mapping| mapping.outcome.profile == profile.id)
            .collect(),
        may_change: page.shell.may_set_up(),
    })
}

/// `POST /console/profiles/{profile}`
pub(super) async fn set_profile(Named(name): Named, sent: Sent<ChangeSettings, ProfileForm>) -> Answer {
    let Sent { page, form } = sent;
    let of = name.clone();
    let written = async {
        let (change, known) = (form.change()?, form.version.clone());
        page.caller
            .write(move |tx, ctx| {
                let settings = tx.settings_to_change(ctx.tenant)?;
                check_version(&known, named(&settings.profiles, &of)?)?;
                stored::set(tx, ctx, &of, &change)
            })
            .await
    };
    match written.await {
        Ok(profile) => {
            let link = profile.id;
            Ok(see_other(&format!("/console/profiles/{link}?done=changed")))
        }
        Err(problem) => profile_shown(&page.refusing(&problem), &name, Some(form)).await,
    }
}

/// `POST /console/profiles/{profile}/delete`
pub(super) async fn remove_profile(Named(name): Named, sent: Sent<ChangeSettings, Nothing>) -> Answer {
    let page = sent.page;
    let of = name.clone();
    match page
        .caller
        .write(move |tx, ctx| stored::remove(tx, ctx, &of))
        .await
    {
        Ok(()) => Ok(see_other("/console/profiles?done=removed")),
        Err(problem) => profile_shown(&page.refusing(&problem), &name, None).await,
    }
}
