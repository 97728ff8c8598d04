//! Mappings: ordered rules. A new one goes above those for any user at the end, which would hide it.

use directory::{
    Bytes, Condition, Ctx, EventKind, Mapping, MappingId, Name, Outcome, Refusal, Settings, Timestamp,
};
use store::Tx;

use super::{check_free, named, put};
use crate::Error;

/// What an administrator says of a mapping; what is left out stays, or takes its default.
#[derive(Debug, Clone, Default)]
pub struct MappingChange {
    /// A new name.
    pub name: Option<String>,
    /// Whom it is for.
    pub condition: Option<Condition>,
    /// Names of the connections that it is limited to; an empty list is all.
    pub connections: Option<Vec<String>>,
    /// Name of the profile.
    pub profile: Option<String>,
    /// Name of the storage.
    pub storage: Option<String>,
    /// The quota; `Some(None)` follows the profile's.
    pub quota: Option<Option<Bytes>>,
    /// Whether an activation mail is sent.
    pub activation_mail: Option<bool>,
}

/// Adds a mapping at place `at` (from 1), or above the mappings for any user at the end.
///
/// # Errors
/// [`Refusal::BadName`], [`Refusal::NameTaken`], [`Refusal::Unknown`], [`Refusal::BadSetting`].
pub fn add(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    name: &str,
    change: &MappingChange,
    at: Option<u32>,
) -> Result<Mapping, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let mapping = added(ctx, &settings, name, change)?;
    let index = at.map_or_else(|| above_any(&settings), index_of);
    let id = mapping.id;
    let ordered = insert(settings.mappings.clone(), mapping, index);
    write_order(tx, ctx, &settings, ordered, EventKind::SettingAdded, id)
}

/// The new mapping, which has no place yet.
fn added(ctx: &Ctx, settings: &Settings, name: &str, change: &MappingChange) -> Result<Mapping, Refusal> {
    let missing = |what: &str| Refusal::BadSetting {
        detail: format!("A new mapping needs a {what}."),
    };
    let profile = change.profile.as_deref().ok_or_else(|| missing("profile"))?;
    let storage = change.storage.as_deref().ok_or_else(|| missing("storage"))?;
    let blank = Mapping {
        id: MappingId::from(ctx.ids.first()),
        name: Name::parse(name)?,
        position: 0,
        condition: change
            .condition
            .clone()
            .ok_or_else(|| missing("condition: any user, or an attribute and its values"))?,
        connections: Vec::new(),
        outcome: Outcome {
            profile: named(&settings.profiles, profile)?.id,
            storage: named(&settings.storages, storage)?.id,
            quota: None,
            activation_mail: true,
        },
        since: Some(ctx.now),
    };
    let mapping = change.apply(blank, settings)?;
    check_free(&settings.mappings, &mapping.name, None)?;
    Ok(mapping)
}

/// The place above the mappings for any user at the end.
fn above_any(settings: &Settings) -> usize {
    let trailing = settings
        .mappings
        .iter()
        .rev()
        .take_while(|mapping| mapping.condition == Condition::Any)
        .count();
    settings.mappings.len() - trailing
}

/// Changes a mapping. Users whom it placed keep what they have.
///
/// # Errors
/// As [`add`].
pub fn set(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, change: &MappingChange) -> Result<Mapping, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let mapping = changed(ctx, &settings, name, change)?;
    put(tx, ctx, EventKind::SettingChanged, &mapping)?;
    Ok(mapping)
}

/// The mapping as it would be.
fn changed(ctx: &Ctx, settings: &Settings, name: &str, change: &MappingChange) -> Result<Mapping, Refusal> {
    let before = named(&settings.mappings, name)?;
    let mapping = change.apply(before.clone(), settings)?;
    let mapping = Mapping {
        since: since(Some(before), &mapping, ctx),
        ..mapping
    };
    check_free(&settings.mappings, &mapping.name, Some(before))?;
    Ok(mapping)
}

/// The settings as they would be with a new mapping, or with another form of the one that `of` names.
///
/// # Errors
/// As [`add`].
pub fn planned(
    ctx: &Ctx,
    settings: &Settings,
    of: Option<&str>,
    change: &MappingChange,
) -> Result<Settings, Refusal> {
    let mut mappings = settings.mappings.clone();
    if let Some(of) = of {
        let new = changed(ctx, settings, of, change)?;
        for old in mappings.iter_mut().filter(|old| old.id == new.id) {
            *old = new.clone();
        }
    } else {
        // A draft may have no name yet.
        let name = change.name.as_deref().filter(|name| !name.trim().is_empty());
        let change = MappingChange {
            name: None,
            ..change.clone()
        };
        let new = added(ctx, settings, name.unwrap_or("the new mapping"), &change)?;
        mappings = insert(mappings, new, above_any(settings));
    }
    let mappings = (1..)
        .zip(mappings)
        .map(|(position, mapping)| Mapping { position, ..mapping });
    Ok(Settings {
        mappings: mappings.collect(),
        ..settings.clone()
    })
}

/// Moves a mapping to place `at`, from 1.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn move_to(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, at: u32) -> Result<Mapping, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let mapping = named(&settings.mappings, name)?.clone();
    let id = mapping.id;
    let others = settings
        .mappings
        .iter()
        .filter(|other| other.id != id)
        .cloned()
        .collect();
    let ordered = insert(others, mapping, index_of(at));
    write_order(tx, ctx, &settings, ordered, EventKind::SettingChanged, id)
}

/// Brings the mappings into the order of `names`, which are those of all.
///
/// # Errors
/// [`Refusal::Unknown`]; [`Refusal::BadSetting`] where one is missing or named twice.
pub fn reorder(tx: &mut Tx<'_>, ctx: &Ctx, names: &[String]) -> Result<(), Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let mut ordered: Vec<Mapping> = Vec::with_capacity(names.len());
    for name in names {
        let mapping = named(&settings.mappings, name)?;
        if ordered.iter().any(|other| other.id == mapping.id) {
            let detail = format!("The mapping \"{}\" is named twice.", mapping.name);
            return Err(Refusal::BadSetting { detail }.into());
        }
        ordered.push(mapping.clone());
    }
    if ordered.len() != settings.mappings.len() {
        let detail = "The order must name every mapping once.".to_owned();
        return Err(Refusal::BadSetting { detail }.into());
    }
    for moved in numbered(ordered, &settings) {
        put(tx, ctx, EventKind::SettingChanged, &moved)?;
    }
    Ok(())
}

/// Removes a mapping. Users whom it placed keep what they have, and its name.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn remove(tx: &mut Tx<'_>, ctx: &Ctx, name: &str) -> Result<(), Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let mapping = named(&settings.mappings, name)?;
    super::remove(tx, ctx, mapping)?;
    let others: Vec<_> = settings
        .mappings
        .iter()
        .filter(|other| other.id != mapping.id)
        .cloned()
        .collect();
    for other in numbered(others, &settings) {
        store::settings::put(tx, ctx.tenant, &other)?;
    }
    Ok(())
}

/// Since when `new` is for the people that it is for: for as long as `old`, where those are the same.
pub(super) fn since(old: Option<&Mapping>, new: &Mapping, ctx: &Ctx) -> Option<Timestamp> {
    match old {
        Some(old) if old.condition == new.condition && old.connections == new.connections => old.since,
        _ => Some(ctx.now),
    }
}

/// Who uses a profile or storage, in words; `None` where nobody does.
pub(super) fn used_by(users: u64, mapping: Option<&Mapping>) -> Option<String> {
    match (users, mapping) {
        (0, None) => None,
        (0, Some(mapping)) => Some(format!("the mapping {:?}", mapping.name.as_str())),
        (1, _) => Some("1 user".to_owned()),
        (users, _) => Some(format!("{users} users")),
    }
}

fn index_of(at: u32) -> usize {
    usize::try_from(at.max(1) - 1).unwrap_or(usize::MAX)
}

fn insert(mut mappings: Vec<Mapping>, mapping: Mapping, index: usize) -> Vec<Mapping> {
    mappings.insert(index.min(mappings.len()), mapping);
    mappings
}

/// The mappings with their places counted from 1; only those whose place changed.
fn numbered(mappings: Vec<Mapping>, settings: &Settings) -> Vec<Mapping> {
    let place = |id| {
        settings
            .mappings
            .iter()
            .find(|old| old.id == id)
            .map(|old| old.position)
    };
    (1..)
        .zip(mappings)
        .map(|(position, mapping)| Mapping { position, ..mapping })
        .filter(|mapping| place(mapping.id) != Some(mapping.position))
        .collect()
}

fn write_order(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    ordered: Vec<Mapping>,
    kind: EventKind,
    subject: MappingId,
) -> Result<Mapping, Error> {
    let Some((position, mapping)) = (1..).zip(&ordered).find(|(_, mapping)| mapping.id == subject) else {
        return Err(store::Error::Stale.into());
    };
    let mapping = Mapping {
        position,
        ..mapping.clone()
    };
    for other in numbered(ordered, settings)
        .iter()
        .filter(|other| other.id != subject)
    {
        store::settings::put(tx, ctx.tenant, other)?;
    }
    put(tx, ctx, kind, &mapping)?;
    Ok(mapping)
}

impl MappingChange {
    pub(super) fn apply(&self, mapping: Mapping, settings: &Settings) -> Result<Mapping, Refusal> {
        let outcome = mapping.outcome;
        let connections = match &self.connections {
            None => mapping.connections,
            Some(names) => names
                .iter()
                .map(|name| named(&settings.connections, name).map(|connection| connection.id))
                .collect::<Result<_, _>>()?,
        };
        Ok(Mapping {
            id: mapping.id,
            name: self.name.as_deref().map_or(Ok(mapping.name), Name::parse)?,
            position: mapping.position,
            condition: checked(self.condition.clone().unwrap_or(mapping.condition))?,
            connections,
            outcome: Outcome {
                profile: match &self.profile {
                    Some(name) => named(&settings.profiles, name)?.id,
                    None => outcome.profile,
                },
                storage: match &self.storage {
                    Some(name) => named(&settings.storages, name)?.id,
                    None => outcome.storage,
                },
                quota: self.quota.unwrap_or(outcome.quota),
                activation_mail: self.activation_mail.unwrap_or(outcome.activation_mail),
            },
            since: mapping.since,
        })
    }
}

/// A condition that can match.
fn checked(condition: Condition) -> Result<Condition, Refusal> {
    if matches!(&condition, Condition::Group { groups } if groups.is_empty()) {
        let detail = "A mapping on groups needs at least one group.".to_owned();
        return Err(Refusal::BadSetting { detail });
    }
    if let Condition::Attribute { values, .. } = &condition
        && (values.is_empty() || values.iter().any(|value| value.trim().is_empty()))
    {
        let detail =
            "A mapping on an attribute needs at least one value, and no value may be empty.".to_owned();
        return Err(Refusal::BadSetting { detail });
    }
    Ok(condition)
}
