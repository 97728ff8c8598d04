//! Profiles: named sets of settings for users.

use directory::{Bytes, Ctx, EventKind, Name, Profile, ProfileId, Refusal, Thing};
use scim::Object;
use serde::Deserialize;
use store::Tx;
use store::counts::{self, Count};

use super::{check_free, named, put};
use crate::Error;

/// A hundred years; what is meant to be longer is never.
const MOST_DAYS: u32 = 36_500;

/// What an administrator says of a profile; what is left out stays, or takes its default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileChange {
    /// A new name.
    pub name: Option<String>,
    /// The most active users; 0 is any number.
    pub max_users: Option<u64>,
    /// Quota of users whose mapping names none.
    pub quota: Option<Bytes>,
    /// Days until a preserved user is purged; 0 is never. Those already preserved keep their date.
    pub purge_days: Option<u32>,
    /// Free-form settings for the product behind.
    pub settings: Option<Object>,
}

/// Adds a profile.
///
/// # Errors
/// [`Refusal::BadName`], [`Refusal::NameTaken`].
pub fn add(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, change: &ProfileChange) -> Result<Profile, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let blank = Profile {
        id: ProfileId::from(ctx.ids.first()),
        name: Name::parse(name)?,
        max_users: None,
        quota: Bytes::new(0),
        purge_days: 0,
        settings: Object::new(),
    };
    let profile = change.apply(blank)?;
    check_free(&settings.profiles, &profile.name, None)?;
    put(tx, ctx, EventKind::SettingAdded, &profile)?;
    Ok(profile)
}

/// Changes a profile; its users follow at once.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::BadName`], [`Refusal::NameTaken`].
pub fn set(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, change: &ProfileChange) -> Result<Profile, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let before = named(&settings.profiles, name)?;
    let profile = change.apply(before.clone())?;
    check_free(&settings.profiles, &profile.name, Some(before))?;
    put(tx, ctx, EventKind::SettingChanged, &profile)?;
    Ok(profile)
}

/// Removes a profile that nobody has and no mapping gives.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::InUse`].
pub fn remove(tx: &mut Tx<'_>, ctx: &Ctx, name: &str) -> Result<(), Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let profile = named(&settings.profiles, name)?;
    let users = counts::get(tx, Count::in_profile(ctx.tenant, profile.id))?;
    let mapping = settings
        .mappings
        .iter()
        .find(|mapping| mapping.outcome.profile == profile.id);
    if let Some(used_by) = super::mappings::used_by(users, mapping) {
        return Err(Refusal::InUse {
            thing: Thing::Profile,
            name: profile.name.to_string(),
            used_by,
        }
        .into());
    }
    // Whoever is limited to it would deal with nobody, or, unticked, with everybody.
    let is_limited =
        |one: &&directory::Administrator| one.profiles.as_ref().is_some_and(|of| of.contains(&profile.id));
    let administrators = store::administrators::all(tx, ctx.tenant)?;
    if let Some(one) = administrators.iter().find(is_limited) {
        return Err(Refusal::InUse {
            thing: Thing::Profile,
            name: profile.name.to_string(),
            used_by: format!("the administrator {}, who is limited to it", one.email),
        }
        .into());
    }
    super::remove(tx, ctx, profile)
}

impl ProfileChange {
    fn apply(&self, profile: Profile) -> Result<Profile, Refusal> {
        if self.purge_days.is_some_and(|days| days > MOST_DAYS) {
            let detail =
                format!("A preserved user is purged after at most {MOST_DAYS} days, or never with 0.");
            return Err(Refusal::BadSetting { detail });
        }
        Ok(Profile {
            id: profile.id,
            name: self.name.as_deref().map_or(Ok(profile.name), Name::parse)?,
            max_users: self
                .max_users
                .map_or(profile.max_users, |max| Some(max).filter(|&max| max > 0)),
            quota: self.quota.unwrap_or(profile.quota),
            purge_days: self.purge_days.unwrap_or(profile.purge_days),
            settings: self.settings.clone().unwrap_or(profile.settings),
        })
    }
}
