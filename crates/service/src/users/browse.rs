//! The directory as an administrator looks through it: everybody, deleted users too, page by page.

use directory::{Ctx, ProfileId, Record, Status, UserId, names};
use scim::filter::Operator;
use scim::text::fold;
use store::search::Needle;
use store::users::Scope;
use store::{Tx, search};

use super::candidates;
use crate::Error;

/// Users in one stride.
const STRIDE: i64 = 500;
/// The most users that one page looks at; it is then shorter than was asked for, and goes on.
const MAX_LOOKED: usize = 20_000;

/// Who is looked for: a value, so that lists and changes of many mean the same by it.
#[derive(Debug, Clone)]
pub struct Browse {
    /// Part of a name or address, or its beginning where it is shorter than three letters; empty for everybody.
    pub search: String,
    /// What they are.
    pub status: Option<Status>,
    /// Which profile they have.
    pub profile: Option<ProfileId>,
    /// The profiles that count; all where there is no list.
    pub within: Option<Vec<ProfileId>>,
    /// Ids above this one.
    pub after: UserId,
    /// How many at most.
    pub limit: usize,
}

/// One page.
#[derive(Debug, Default)]
pub struct Browsed {
    /// In the order in which they were created.
    pub records: Vec<Record>,
    /// Where to go on; `None` at the end.
    pub next: Option<UserId>,
}

impl Browse {
    fn has(&self, record: &Record) -> bool {
        let facts = &record.facts;
        self.status
            .is_none_or(|status| status == facts.lifecycle.status())
            && self
                .profile
                .is_none_or(|profile| facts.placement.profile == Some(profile))
            && self.within.as_ref().is_none_or(|within| {
                facts
                    .placement
                    .profile
                    .is_some_and(|profile| within.contains(&profile))
            })
            && self.is_named(record)
    }

    fn is_named(&self, record: &Record) -> bool {
        if self.search.is_empty() {
            return true;
        }
        let wanted = fold(&self.search);
        let is_part = Needle::of(Operator::Co, &self.search).is_some();
        names::searched(&record.clone().open().shown_attributes()).any(|value| {
            let value = fold(value.trim());
            if is_part {
                value.contains(&*wanted)
            } else {
                value.starts_with(&*wanted)
            }
        })
    }
}

/// Those whom `browse` means.
///
/// # Errors
/// The store's.
pub fn browse(tx: &mut Tx<'_>, ctx: &Ctx, browse: &Browse) -> Result<Browsed, Error> {
    let needle =
        Needle::of(Operator::Co, &browse.search).or_else(|| Needle::of(Operator::Sw, &browse.search));
    let mut page = Browsed::default();
    let found = match needle {
        Some(needle) => search::find(tx, ctx.tenant, Scope::All, &needle, candidates::MAX)?,
        None => None,
    };
    if let Some(found) = found {
        let matching = found.into_iter().filter(|record| record.facts.id > browse.after);
        for record in matching.filter(|record| browse.has(record)) {
            if page.records.len() == browse.limit {
                page.next = page.records.last().map(|record| record.facts.id);
                break;
            }
            page.records.push(record);
        }
        return Ok(page);
    }
    let (mut after, mut looked) = (browse.after, 0);
    loop {
        let records = store::users::after(tx, ctx.tenant, after, STRIDE)?;
        if records.is_empty() {
            return Ok(page);
        }
        for record in records {
            if page.records.len() == browse.limit || looked == MAX_LOOKED {
                page.next = Some(after);
                return Ok(page);
            }
            after = record.facts.id;
            looked += 1;
            if browse.has(&record) {
                page.records.push(record);
            }
        }
    }
}
