//! What mappings would do to users who exist, told before it is done.

use directory::{Ctx, Record, Settings, UserId};
use serde_json::{Value, json};
use store::Tx;

use crate::Error;
use crate::users::{self, Outlook};

/// Who would change, and how.
#[derive(Debug, Default)]
pub struct Seen {
    /// Users who would get what another mapping gives.
    pub moved: usize,
    /// Held users who would be active.
    pub admitted: usize,
    /// Users who would only be marked, or no longer.
    pub marked: usize,
    /// Users about whom a mapping cannot say anything, because it looks at what is not kept.
    pub unknown: usize,
    /// Users who stay as they are.
    pub stay: usize,
    /// The first of those who do not: `{id, userName, now, then, why}` each.
    pub changes: Vec<Value>,
}

/// What the mappings of `settings`, which need not be the tenant's yet, would do; at most `max` users are told one by one. It
/// changes nothing; `tx` is not to be written with.
///
/// # Errors
/// The store's.
pub fn look(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings, max: usize) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let start = UserId::from(uuid::Uuid::nil());
    look_further(
        tx,
        ctx,
        settings,
        &mut seen,
        start,
        Part {
            users: usize::MAX,
            told: max,
        },
    )?;
    Ok(seen)
}

/// How much is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Users.
    pub users: usize,
    /// Those who are told one by one, in all.
    pub told: usize,
}

/// The same for a part of those with ids above `after`, added to what was seen; gives where to go on.
///
/// # Errors
/// The store's.
pub fn look_further(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    seen: &mut Seen,
    after: UserId,
    part: Part,
) -> Result<Option<UserId>, Error> {
    users::preview(tx, ctx, settings, after, part.users, |before, outlook, after| {
        seen.note(settings, before, outlook, &after, part.told);
    })
}

impl Seen {
    fn note(
        &mut self,
        settings: &Settings,
        before: &Record,
        outlook: Outlook<'_>,
        after: &Record,
        max: usize,
    ) {
        let changes = before.facts.placement != after.facts.placement
            || before.facts.lifecycle != after.facts.lifecycle;
        let (count, why) = match outlook {
            Outlook::Unknown(mapping) => (
                &mut self.unknown,
                format!(
                    "cannot be judged: the mapping {} looks at what is not kept",
                    mapping.name
                ),
            ),
            _ if !changes => {
                self.stay += 1;
                return;
            }
            Outlook::Moves(mapping) | Outlook::Loses(mapping) => {
                (&mut self.moved, format!("the mapping {} matches", mapping.name))
            }
            Outlook::Admitted => (&mut self.admitted, "was held, and would be active".to_owned()),
            Outlook::Waits => (&mut self.marked, "is held, now for a seat".to_owned()),
            Outlook::Stays => (
                &mut self.marked,
                "the mark goes: a mapping gives what the user has".to_owned(),
            ),
            Outlook::Unmatched => (
                &mut self.marked,
                "no mapping matches: stays, and is marked so".to_owned(),
            ),
            Outlook::Full(mapping) => (
                &mut self.marked,
                format!(
                    "the mapping {} matches, and its profile is full: stays, and is marked so",
                    mapping.name
                ),
            ),
        };
        *count += 1;
        if self.changes.len() < max {
            self.changes.push(json!({
                "id": before.facts.id,
                "userName": before.facts.account_name,
                "now": place(settings, before),
                "then": place(settings, after),
                "why": why,
            }));
        }
    }

    /// The numbers, in words.
    pub fn sentence(&self) -> String {
        format!(
            "{} users would move to what another mapping gives, {} held ones would be active, {} would only be marked or \
             unmarked, {} cannot be judged, {} stay as they are.",
            self.moved, self.admitted, self.marked, self.unknown, self.stay
        )
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({
            "moved": self.moved,
            "admitted": self.admitted,
            "marked": self.marked,
            "unknown": self.unknown,
            "stay": self.stay,
            "changes": self.changes,
        })
    }
}

/// Profile, storage and quota in words.
fn place(settings: &Settings, record: &Record) -> String {
    let placement = &record.facts.placement;
    let profile = placement.profile.and_then(|id| settings.profile(id));
    let storage = placement.storage.and_then(|id| settings.storage(id));
    let quota = placement.quota(settings);
    [
        profile.map(|profile| profile.name.to_string()),
        storage.map(|storage| storage.name.to_string()),
        quota.map(|quota| quota.to_string()),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}
