//! The organisation's own settings, and the custom attributes that are kept.

use askama::Template;
use directory::{Settings, Timestamp};
use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use service::settings::attributes;
use service::settings::tenants::{self, TenantChange};

use super::page::{Answer, Page, Sent, Shell, see_other};
use super::users::{given, whole};
use crate::access::caller::{ChangeSettings, ReadSettings, Right};
use crate::access::problem::Problem;
use crate::manage::version::{check_version, version_of};

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage<'p> {
    shell: &'p Shell,
    settings: &'p Settings,
    may_change: bool,
    accept_until: String,
    version: String,
    kinds: [&'static str; 6],
}

/// `GET /console/settings`
pub(super) async fn show(page: Page<ReadSettings>) -> Answer {
    shown(&page)
}

fn shown<R: Right>(page: &Page<R>) -> Answer {
    let settings = &page.caller.settings;
    let until = settings.tenant.accept_new_external_ids_until;
    page.shows(&SettingsPage {
        shell: &page.shell,
        version: version_of(&settings.tenant),
        may_change: page.shell.may_set_up(),
        accept_until: until
            .map(|at| {
                // The day whose end it is.
                let at = at.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(at);
                at.to_zoned_datetime(TimeZone::UTC)
                    .strftime("%Y-%m-%d")
                    .to_string()
            })
            .unwrap_or_default(),
        kinds: ["string", "boolean", "integer", "decimal", "dateTime", "reference"],
        settings,
    })
}

#[derive(Deserialize)]
pub(super) struct Form {
    name: String,
    cloud_identity: String,
    reclassify: String,
    over_limit: String,
    #[serde(default)]
    unique_email: String,
    #[serde(default)]
    require_display_name: String,
    #[serde(default)]
    max_active_users: String,
    #[serde(default)]
    max_requests_per_second: String,
    log_days: String,
    leaver_alarm_percent: String,
    #[serde(default)]
    accept_until: String,
    /// What the settings were when the page was made.
    #[serde(default)]
    version: String,
}

impl Form {
    fn change(&self) -> Result<TenantChange, Problem> {
        let chosen = |_| Problem::bad_request("One of the choices is none of those that the page offers.");
        Ok(TenantChange {
            name: Some(self.name.clone()),
            require_display_name: Some(self.require_display_name == "yes"),
            unique_email: Some(self.unique_email == "yes"),
            cloud_identity: Some(self.cloud_identity.parse().map_err(chosen)?),
            reclassify: Some(self.reclassify.parse().map_err(chosen)?),
            max_active_users: Some(whole("The most active users", &self.max_active_users)?.unwrap_or(0)),
            over_limit: Some(self.over_limit.parse().map_err(chosen)?),
            accept_new_external_ids_until: Some(until(&self.accept_until)?),
            log_days: whole("Days of the log", &self.log_days)?,
            leaver_alarm_percent: whole("The alarm's share", &self.leaver_alarm_percent)?,
            max_requests_per_second: Some(
                whole("Requests a second", &self.max_requests_per_second)?.unwrap_or(0),
            ),
        })
    }
}

/// The end of a day.
fn until(text: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = given(text) else { return Ok(None) };
    let bad = || Problem::bad_request("A date is written as 2026-12-31.");
    let day: Date = text.parse().map_err(|_| bad())?;
    let end = day
        .tomorrow()
        .and_then(|next| next.to_zoned_datetime(TimeZone::UTC));
    end.map(|end| Some(end.timestamp())).map_err(|_| bad())
}

/// `POST /console/settings`
pub(super) async fn set(sent: Sent<ChangeSettings, Form>) -> Answer {
    let Sent { page, form } = sent;
    let written = async {
        let (change, known) = (form.change()?, form.version);
        page.caller
            .write(move |tx, ctx| {
                check_version(&known, &tx.settings_to_change(ctx.tenant)?.tenant)?;
                tenants::set(tx, ctx, &change)
            })
            .await
    };
    match written.await {
        Ok(_) => Ok(see_other("/console/settings?done=saved")),
        Err(problem) => shown(&page.refusing(&problem)),
    }
}

#[derive(Deserialize)]
pub(super) struct NewAttribute {
    name: String,
    #[serde(default)]
    urn: String,
    kind: String,
}

/// `POST /console/settings/attributes`
pub(super) async fn declare(sent: Sent<ChangeSettings, NewAttribute>) -> Answer {
    let Sent { page, form } = sent;
    let declared = async {
        let kind = serde_json::from_value(serde_json::Value::from(form.kind))
            .map_err(|_| Problem::bad_request("Choose what the attribute holds."))?;
        let (name, urn) = (form.name, given(&form.urn));
        page.caller
            .write(move |tx, ctx| attributes::add(tx, ctx, &name, urn.as_deref(), kind))
            .await
    };
    match declared.await {
        Ok(_) => Ok(see_other("/console/settings?done=declared#attributes")),
        Err(problem) => shown(&page.refusing(&problem)),
    }
}
