//! The whole list of mappings at once, as a file has it: applied twice it changes nothing, and not at all where an example
//! person would get another profile than the file says.

use directory::{
    Belonging, Carries, Condition, Ctx, EventKind, GroupId, Mapping, MappingId, Name, Outcome, Refusal,
    Settings, Subject, Verdict, decide,
};
use scim::Object;
use store::Tx;

use super::mappings::{MappingChange, since};
use super::{named, put};
use crate::Error;

/// The mappings in their order, and people to try them on.
#[derive(Debug, Clone, Default)]
pub struct MappingList {
    /// Names, and what each says; a new one needs a condition, a profile and a storage.
    pub mappings: Vec<(String, MappingChange)>,
    /// People who must get what is said.
    pub examples: Vec<Example>,
}

/// A person as an identity provider sends it, and the profile that it must get.
#[derive(Debug, Clone)]
pub struct Example {
    /// What people call it.
    pub name: String,
    /// The body of the create.
    pub user: Object,
    /// Name of the connection that it comes from; the first one where none is given.
    pub connection: Option<String>,
    /// The groups that it belongs to; those within which they are count only where they are named too.
    pub groups: Vec<GroupId>,
    /// Name of the profile; `None` where no mapping may match.
    pub profile: Option<String>,
}

/// What applying a list changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// New mappings.
    pub added: usize,
    /// Mappings that say something else now, or stand elsewhere.
    pub changed: usize,
    /// Mappings that the list does not have.
    pub removed: usize,
}

/// Makes the tenant's mappings those of `list`. Users keep what they have.
///
/// # Errors
/// [`Refusal::ExamplesFail`]; those of [`super::mappings::add`].
pub fn apply(tx: &mut Tx<'_>, ctx: &Ctx, list: &MappingList) -> Result<Applied, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let wanted = mappings_of(list, ctx, &settings)?;
    check_examples(&list.examples, &wanted, &settings)?;
    let mut applied = Applied::default();
    for old in &settings.mappings {
        if !wanted.iter().any(|new| new.id == old.id) {
            super::remove(tx, ctx, old)?;
            applied.removed += 1;
        }
    }
    for new in &wanted {
        match settings.mappings.iter().find(|old| old.id == new.id) {
            Some(old) if old == new => {}
            Some(_) => {
                put(tx, ctx, EventKind::SettingChanged, new)?;
                applied.changed += 1;
            }
            None => {
                put(tx, ctx, EventKind::SettingAdded, new)?;
                applied.added += 1;
            }
        }
    }
    Ok(applied)
}

/// The tenant's settings as they would be with `list`, for a look at what it would do.
///
/// # Errors
/// Those of [`apply`].
pub fn planned(list: &MappingList, ctx: &Ctx, settings: &Settings) -> Result<Settings, Error> {
    let mappings = mappings_of(list, ctx, settings)?;
    check_examples(&list.examples, &mappings, settings)?;
    Ok(Settings {
        mappings,
        ..settings.clone()
    })
}

fn mappings_of(list: &MappingList, ctx: &Ctx, settings: &Settings) -> Result<Vec<Mapping>, Error> {
    let mut mappings: Vec<Mapping> = Vec::with_capacity(list.mappings.len());
    for (position, (name, change)) in (1_u32..).zip(&list.mappings) {
        let name = Name::parse(name)?;
        if mappings.iter().any(|other| other.name.is(name.as_str())) {
            let detail = format!("The mapping \"{name}\" stands twice in the list.");
            return Err(Refusal::BadSetting { detail }.into());
        }
        let known = settings.mappings.iter().find(|old| old.name.is(name.as_str()));
        let id = known.map_or_else(|| MappingId::from(ctx.ids.nth(position)), |known| known.id);
        let new = change.apply(blank(id, name, change, settings)?, settings)?;
        mappings.push(Mapping {
            position,
            since: since(known, &new, ctx),
            ..new
        });
    }
    Ok(mappings)
}

/// A file says everything of a mapping; what it leaves out takes its default, whatever was there before.
fn blank(id: MappingId, name: Name, change: &MappingChange, settings: &Settings) -> Result<Mapping, Refusal> {
    let missing = |what: &str| Refusal::BadSetting {
        detail: format!("The mapping \"{name}\" needs a {what}."),
    };
    let profile = change.profile.as_deref().ok_or_else(|| missing("profile"))?;
    let storage = change.storage.as_deref().ok_or_else(|| missing("storage"))?;
    if change.condition.is_none() {
        return Err(missing("condition: any, attribute and values, or filter"));
    }
    Ok(Mapping {
        id,
        position: 0,
        condition: Condition::Any,
        connections: Vec::new(),
        outcome: Outcome {
            profile: named(&settings.profiles, profile)?.id,
            storage: named(&settings.storages, storage)?.id,
            quota: None,
            activation_mail: true,
        },
        since: None,
        name,
    })
}

fn check_examples(examples: &[Example], mappings: &[Mapping], settings: &Settings) -> Result<(), Error> {
    let mut failed = Vec::new();
    for example in examples {
        let sent = settings.schemas.admit(example.user.clone())?;
        let connection = match &example.connection {
            Some(name) => Some(named(&settings.connections, name)?.id),
            None => settings.connections.first().map(|connection| connection.id),
        };
        let belonging = |&group: &GroupId| Belonging {
            group,
            display: group.to_string(),
            is_direct: true,
        };
        let groups: Vec<_> = example.groups.iter().map(belonging).collect();
        let subject = Subject {
            schemas: &settings.schemas,
            connection,
            attributes: &sent.attributes,
            undeclared: &sent.undeclared,
            groups: &groups,
            carries: Carries::Everything,
            kept: None,
        };
        let got = match decide(mappings, &subject) {
            Verdict::Matched(mapping) => settings.profile(mapping.outcome.profile),
            _ => None,
        };
        let is_right = match (got, &example.profile) {
            (Some(got), Some(wanted)) => got.name.is(wanted),
            (None, None) => true,
            _ => false,
        };
        if !is_right {
            let got = got.map_or("no profile", |profile| profile.name.as_str());
            let wanted = example.profile.as_deref().unwrap_or("no profile");
            failed.push(format!("{}: gets {got} instead of {wanted}", example.name));
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Refusal::ExamplesFail { failed }.into())
    }
}
