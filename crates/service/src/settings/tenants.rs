//! Tenants: customer organisations, and what they ask for beyond the rules.

use directory::{
    CloudIdentity, Ctx, EventKind, Name, OrHold, Reclassify, Refusal, Tenant, TenantId, Thing, Timestamp,
    UserId,
};
use serde::Deserialize;
use store::Tx;

use super::append;
use crate::{Error, first_run};

/// No tenant may let fewer requests a second through.
const FEWEST_REQUESTS: u32 = 50;

/// What an administrator says of a tenant; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantChange {
    /// A new name.
    pub name: Option<String>,
    /// Refuse users without a display name.
    pub require_display_name: Option<bool>,
    /// Refuse a second user with the same e-mail address.
    pub unique_email: Option<bool>,
    /// Which name cloud applications know users by.
    pub cloud_identity: Option<CloudIdentity>,
    /// When mappings are asked again about a user who exists.
    pub reclassify: Option<Reclassify>,
    /// The most active users; 0 is any number.
    pub max_active_users: Option<u64>,
    /// What becomes of a user beyond a limit.
    pub over_limit: Option<OrHold>,
    /// Until when a deleted user's name with another externalId is the same person; `Some(None)` ends it now.
    #[serde(default, deserialize_with = "super::told")]
    pub accept_new_external_ids_until: Option<Option<Timestamp>>,
    /// Days for which exchanges are kept, 1 to 365.
    pub log_days: Option<u32>,
    /// More leavers of a connection within an hour than this many of a hundred raise an alarm; 0 is never.
    pub leaver_alarm_percent: Option<u32>,
    /// The most requests of identity providers in a second, at least 50; 0 is any number.
    pub max_requests_per_second: Option<u32>,
}

/// The tenant called `name`.
///
/// # Errors
/// [`Refusal::Unknown`], with the names that there are.
pub fn show(tx: &mut Tx<'_>, name: &str) -> Result<Tenant, Error> {
    let found = match Name::parse(name) {
        Ok(name) => store::settings::tenant_by_name(tx, &name)?,
        Err(_) => None,
    };
    if let Some(tenant) = found {
        Ok(tenant)
    } else {
        let known = store::settings::tenants(tx)?
            .into_iter()
            .map(|tenant| tenant.name.to_string())
            .collect();
        Err(Refusal::Unknown {
            thing: Thing::Tenant,
            name: name.to_owned(),
            known,
        }
        .into())
    }
}

/// A tenant with the defaults.
pub(crate) fn blank(id: TenantId, name: Name) -> Tenant {
    Tenant {
        id,
        name,
        require_display_name: false,
        unique_email: false,
        cloud_identity: CloudIdentity::Email,
        reclassify: Reclassify::OnUpdate,
        max_active_users: None,
        over_limit: OrHold::Refuse,
        accept_new_external_ids_until: None,
        log_days: Tenant::LOG_DAYS,
        leaver_alarm_percent: Tenant::LEAVER_ALARM_PERCENT,
        max_requests_per_second: None,
    }
}

/// Adds a tenant, furnished as the first one is; its connection needs a token before it can be used.
///
/// # Errors
/// [`Refusal::BadName`], [`Refusal::NameTaken`].
pub fn add(tx: &mut Tx<'_>, ctx: &Ctx, name: &str) -> Result<Tenant, Error> {
    tx.lock_settings()?;
    let tenant = blank(ctx.tenant, Name::parse(name)?);
    check_free(tx, &tenant)?;
    first_run::furnish(tx, ctx, &tenant)?;
    append(tx, ctx, EventKind::SettingAdded, "tenant", &tenant, None);
    Ok(tenant)
}

/// Removes the tenant of `ctx` with its settings and tokens.
///
/// # Errors
/// [`Refusal::InUse`] where it has users, [`Refusal::LastOne`].
pub fn remove(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<(), Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let tenant = &settings.tenant;
    let (thing, name) = (Thing::Tenant, tenant.name.to_string());
    let first = UserId::from(uuid::Uuid::nil());
    if !store::users::after(tx, tenant.id, first, 1)?.is_empty() {
        let used_by = "its users; delete them first".to_owned();
        return Err(Refusal::InUse { thing, name, used_by }.into());
    }
    if store::settings::tenants(tx)?.len() == 1 {
        return Err(Refusal::LastOne { thing, name }.into());
    }
    for token in store::tokens::all(tx, tenant.id)? {
        store::tokens::remove(tx, tenant.id, token.id)?;
    }
    store::administrators::remove_all(tx, tenant.id)?;
    store::repeats::remove_all(tx, tenant.id)?;
    store::census::remove_all(tx, tenant.id)?;
    for connection in &settings.connections {
        store::alarms::remove(tx, tenant.id, connection.id)?;
    }
    store::settings::remove_tenant(tx, tenant.id)?;
    append(tx, ctx, EventKind::SettingRemoved, "tenant", tenant, None);
    Ok(())
}

fn check_free(tx: &mut Tx<'_>, tenant: &Tenant) -> Result<(), Error> {
    match store::settings::tenant_by_name(tx, &tenant.name)? {
        Some(holder) if holder.id != tenant.id => Err(Refusal::NameTaken {
            thing: Thing::Tenant,
            name: tenant.name.to_string(),
        }
        .into()),
        _ => Ok(()),
    }
}

/// Changes the tenant of `ctx`.
///
/// # Errors
/// [`Refusal::BadName`], [`Refusal::NameTaken`], [`Refusal::BadSetting`].
pub fn set(tx: &mut Tx<'_>, ctx: &Ctx, change: &TenantChange) -> Result<Tenant, Error> {
    let before = tx.settings_to_change(ctx.tenant)?.tenant.clone();
    let tenant = Tenant {
        id: before.id,
        name: change
            .name
            .as_deref()
            .map_or(Ok(before.name.clone()), Name::parse)?,
        require_display_name: change.require_display_name.unwrap_or(before.require_display_name),
        unique_email: change.unique_email.unwrap_or(before.unique_email),
        cloud_identity: change.cloud_identity.unwrap_or(before.cloud_identity),
        reclassify: change.reclassify.unwrap_or(before.reclassify),
        max_active_users: change
            .max_active_users
            .map_or(before.max_active_users, |max| Some(max).filter(|&max| max > 0)),
        over_limit: change.over_limit.unwrap_or(before.over_limit),
        accept_new_external_ids_until: change
            .accept_new_external_ids_until
            .unwrap_or(before.accept_new_external_ids_until),
        log_days: change.log_days.unwrap_or(before.log_days),
        leaver_alarm_percent: change.leaver_alarm_percent.unwrap_or(before.leaver_alarm_percent),
        max_requests_per_second: change
            .max_requests_per_second
            .map_or(before.max_requests_per_second, |max| {
                Some(max).filter(|&max| max > 0)
            }),
    };
    if tenant
        .max_requests_per_second
        .is_some_and(|max| max < FEWEST_REQUESTS)
    {
        let detail = format!(
            "A limit of requests is at least {FEWEST_REQUESTS} a second, or 0 for none: identity providers send many at once."
        );
        return Err(Refusal::BadSetting { detail }.into());
    }
    if tenant.leaver_alarm_percent > 100 {
        let detail =
            "The alarm about leavers is a share of 1 to 100 of a hundred users, or 0 for never.".to_owned();
        return Err(Refusal::BadSetting { detail }.into());
    }
    if !(1..=365).contains(&tenant.log_days) {
        let detail = "The provisioning log is kept for 1 to 365 days.".to_owned();
        return Err(Refusal::BadSetting { detail }.into());
    }
    check_free(tx, &tenant)?;
    store::settings::put_tenant(tx, &tenant)?;
    append(
        tx,
        ctx,
        EventKind::SettingChanged,
        "tenant",
        &tenant,
        Some(&before),
    );
    Ok(tenant)
}
