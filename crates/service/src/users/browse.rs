//! The directory as an administrator looks through it: everybody, deleted users too, page by page.

use directory::{Ctx, ProfileId, Record, Status, UserId, names};
use scim::filter::Operator;
use scim::text::fold;
use store::counts::{self, Count};
use store::search::Needle;
use store::users::{Among, Scope, among_after, count_with_status};
use store::{Tx, search};

use super::candidates;
use crate::Error;

/// Users in one stride.
const STRIDE: i64 = 500;
/// The most users that one page looks at; it is then shorter than was asked for, and goes on.
const MAX_LOOKED: usize = 20_000;

/// Filtered lists are counted up to here.
const COUNTED: u64 = 1_000;

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
    /// How many there are in all; `None` where nobody can say without looking at each.
    pub total: Option<Total>,
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// So many.
    pub count: u64,
    /// Or more: it is counted no further.
    pub is_capped: bool,
}

impl Total {
    fn of(count: u64) -> Self {
        Self {
            count,
            is_capped: false,
        }
    }

    fn up_to(counted: u64) -> Self {
        Self {
            count: counted.min(COUNTED),
            is_capped: counted > COUNTED,
        }
    }
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
        let matching = found.into_iter().filter(|record| browse.has(record));
        let mut counted = 0;
        for record in matching {
            counted += 1;
            if record.facts.id <= browse.after {
                continue;
            }
            if page.records.len() < browse.limit {
                page.records.push(record);
                continue;
            }
            page.next = page.records.last().map(|record| record.facts.id);
            if counted > COUNTED {
                break;
            }
        }
        page.total = Some(Total::up_to(counted));
        return Ok(page);
    }
    page.total = total(tx, ctx, browse)?;
    let among = Among {
        status: browse.status,
        profile: browse.profile,
    };
    // Few are read for a page of few; many where most are not meant.
    let mut stride = i64::try_from(browse.limit + 1).unwrap_or(STRIDE);
    let (mut after, mut looked) = (browse.after, 0);
    loop {
        let records = among_after(tx, ctx.tenant, among, after, stride)?;
        stride = STRIDE;
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

/// How many are meant, where a count is kept, or an index counts them.
fn total(tx: &mut Tx<'_>, ctx: &Ctx, browse: &Browse) -> Result<Option<Total>, Error> {
    if !browse.search.is_empty() || browse.within.is_some() {
        return Ok(None);
    }
    let tenant = ctx.tenant;
    let up_to = i64::try_from(COUNTED + 1).unwrap_or(i64::MAX);
    Ok(match (browse.status, browse.profile) {
        (None, None) => Some(Total::of(counts::get(tx, Count::all(tenant))?)),
        (None, Some(profile)) => Some(Total::of(counts::get(tx, Count::in_profile(tenant, profile))?)),
        (Some(Status::Active), None) => Some(Total::of(counts::get(tx, Count::active(tenant))?)),
        (Some(Status::Active), Some(profile)) => Some(Total::of(counts::get(
            tx,
            Count::active_in_profile(tenant, profile),
        )?)),
        (Some(status), None) => Some(Total::up_to(count_with_status(tx, tenant, status, up_to)?)),
        (Some(_), Some(_)) => None,
    })
}
