//! The directory as an administrator looks through it: everybody, deleted users too, page by page.

use directory::{Ctx, Hold, ProfileId, Record, Status, UserId, names};
use scim::filter::Operator;
use scim::text::fold;
use store::counts::{self, Count};
use store::search::Needle;
use store::users::{Among, ManagedBy, among_after, by_ids, count_with_status};
use store::{Tx, search};

use crate::Error;

/// Users in one stride.
const STRIDE: i64 = 500;
/// The most users that one page looks at; it is then shorter than was asked for, and goes on.
const MAX_LOOKED: usize = 20_000;
/// Where more may have a name, they are found quicker one after the other than by that.
const MAX_FOUND: usize = 20_000;
/// Filtered lists are counted up to here.
const COUNTED: u64 = 1_000;
/// Users who are looked at only to count them.
const MAX_COUNTED: usize = 4_000;

/// Who is looked for: a value, so that lists and changes of many mean the same by it.
#[derive(Debug, Clone, Default)]
pub struct Browse {
    /// Part of a name or address, or its beginning where it is shorter than three letters; empty for everybody.
    pub search: String,
    /// What the rows say of them.
    pub among: Among,
    /// What Provost holds against the identity provider's word.
    pub hold: Option<Hold>,
    /// The profiles that count; all where there is no list.
    pub within: Option<Vec<ProfileId>>,
    /// Ids above this one; all where there is none.
    pub after: Option<UserId>,
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
        let (facts, among) = (&record.facts, &self.among);
        let placement = &facts.placement;
        let is_placed_by = |mapping: &directory::MappingId| {
            let decision = placement.decision.as_ref();
            decision.is_some_and(|decision| decision.mapping == mapping.to_string())
        };
        let is_managed_by = |by: ManagedBy| match by {
            ManagedBy::Connection(id) => facts.connection == Some(id),
            ManagedBy::Nobody => facts.connection.is_none(),
        };
        let is_within =
            |within: &Vec<ProfileId>| placement.profile.is_some_and(|profile| within.contains(&profile));
        among
            .status
            .is_none_or(|status| status == facts.lifecycle.status())
            && among
                .profile
                .is_none_or(|profile| placement.profile == Some(profile))
            && among
                .storage
                .is_none_or(|storage| placement.storage == Some(storage))
            && among.mapping.as_ref().is_none_or(is_placed_by)
            && among.managed_by.is_none_or(is_managed_by)
            && (!among.on_legal_hold || facts.legal_hold)
            && self.hold.is_none_or(|hold| hold == facts.lifecycle.hold())
            && self.within.as_ref().is_none_or(is_within)
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

    /// A hold tells the status, by which users are found.
    fn with_status(mut self) -> Self {
        let told = match self.hold {
            Some(Hold::Administrator) => Some(Status::Preserved),
            Some(Hold::Unmatched | Hold::Limit) => Some(Status::Held),
            Some(Hold::None) | None => None,
        };
        self.among.status = self.among.status.or(told);
        self
    }

    /// The next users who may be meant, in the order of their ids.
    fn next(
        &self,
        tx: &mut Tx<'_>,
        tenant: directory::TenantId,
        after: UserId,
        limit: i64,
    ) -> Result<Vec<Record>, Error> {
        let among = self.among;
        let is_told = among.profile.is_some()
            || among.mapping.is_some()
            || among.on_legal_hold
            || matches!(among.status, Some(Status::Held | Status::Preserved));
        let Some(within) = self.within.as_ref().filter(|_| !is_told) else {
            return Ok(among_after(tx, tenant, among, after, limit)?);
        };
        // Who deals with some profiles finds their users by those.
        let mut found = Vec::new();
        for &profile in within {
            let profile = Some(profile);
            found.extend(among_after(tx, tenant, Among { profile, ..among }, after, limit)?);
        }
        found.sort_by_key(|record| record.facts.id);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    fn start(&self) -> UserId {
        self.after.unwrap_or(UserId::from(uuid::Uuid::nil()))
    }
}

/// Those whom `browse` means.
///
/// # Errors
/// The store's.
pub fn browse(tx: &mut Tx<'_>, ctx: &Ctx, browse: &Browse) -> Result<Browsed, Error> {
    let browse = &browse.clone().with_status();
    let needle =
        Needle::of(Operator::Co, &browse.search).or_else(|| Needle::of(Operator::Sw, &browse.search));
    let found = match needle {
        Some(needle) => search::find_ids(tx, ctx.tenant, &needle, MAX_FOUND)?,
        None => None,
    };
    match found {
        Some(ids) => among_found(tx, ctx, browse, &ids),
        None => one_by_one(tx, ctx, browse),
    }
}

/// Looks at those who may be meant. They are counted from the first one on, and no further than anybody reads.
fn among_found(tx: &mut Tx<'_>, ctx: &Ctx, browse: &Browse, ids: &[UserId]) -> Result<Browsed, Error> {
    let mut page = Browsed::default();
    let (start, mut counted, mut at) = (browse.start(), 0, 0);
    while at < ids.len() && (counted <= COUNTED || page.next.is_none()) {
        if counted > COUNTED {
            at = at.max(ids.partition_point(|id| *id <= start));
        }
        let end = ids.len().min(at + store::users::AT_ONCE);
        let keys: Vec<_> = ids[at..end].iter().map(|id| *id.as_bytes()).collect();
        let mut records = by_ids(tx, ctx.tenant, &keys)?;
        records.sort_by_key(|record| record.facts.id);
        at = end;
        for record in records.into_iter().filter(|record| browse.has(record)) {
            counted += 1;
            if record.facts.id <= start {
                continue;
            }
            if page.records.len() < browse.limit {
                page.records.push(record);
            } else if page.next.is_none() {
                page.next = page.records.last().map(|record| record.facts.id);
            }
        }
    }
    page.total = Some(Total::up_to(counted));
    Ok(page)
}

/// Looks at everybody whom an index gives, one after the other.
fn one_by_one(tx: &mut Tx<'_>, ctx: &Ctx, browse: &Browse) -> Result<Browsed, Error> {
    let mut page = Browsed {
        total: total(tx, ctx, browse)?,
        ..Browsed::default()
    };
    // Where nobody has counted, who fills the first page does so for a while.
    let counts = page.total.is_none() && browse.after.is_none();
    let (mut after, mut looked, mut counted) = (browse.start(), 0, 0);
    // Few are read for a page of few; many where most are not meant.
    let mut stride = i64::try_from(browse.limit + 1).unwrap_or(STRIDE);
    loop {
        let records = browse.next(tx, ctx.tenant, after, stride)?;
        stride = STRIDE;
        if records.is_empty() {
            if counts {
                page.total = Some(Total::up_to(counted));
            }
            return Ok(page);
        }
        for record in records {
            let is_full = page.records.len() == browse.limit;
            if is_full && page.next.is_none() {
                page.next = Some(after);
            }
            if is_full && (!counts || looked >= MAX_COUNTED || counted > COUNTED) {
                page.total = page
                    .total
                    .or_else(|| (counted > COUNTED).then(|| Total::up_to(counted)));
                return Ok(page);
            }
            if looked == MAX_LOOKED {
                page.next = Some(after);
                return Ok(page);
            }
            after = record.facts.id;
            looked += 1;
            if browse.has(&record) {
                counted += 1;
                if !is_full {
                    page.records.push(record);
                }
            }
        }
    }
}

/// How many are meant, where a count is kept, or an index counts them.
fn total(tx: &mut Tx<'_>, ctx: &Ctx, browse: &Browse) -> Result<Option<Total>, Error> {
    if !browse.search.is_empty() || browse.within.is_some() || browse.hold.is_some() {
        return Ok(None);
    }
    let (tenant, among) = (ctx.tenant, browse.among);
    let count = match among {
        Among {
            on_legal_hold: true, ..
        }
        | Among {
            managed_by: Some(_), ..
        } => return Ok(None),
        Among {
            status: Some(Status::Active),
            profile,
            storage: None,
            mapping: None,
            ..
        } => match profile {
            None => Count::active(tenant),
            Some(profile) => Count::active_in_profile(tenant, profile),
        },
        Among {
            status: Some(status),
            profile: None,
            storage: None,
            mapping: None,
            ..
        } => {
            let up_to = i64::try_from(COUNTED + 1).unwrap_or(i64::MAX);
            return Ok(Some(Total::up_to(count_with_status(tx, tenant, status, up_to)?)));
        }
        Among { status: Some(_), .. } => return Ok(None),
        Among {
            profile,
            storage,
            mapping,
            ..
        } => match (profile, storage, mapping) {
            (None, None, None) => Count::all(tenant),
            (Some(profile), None, None) => Count::in_profile(tenant, profile),
            (None, Some(storage), None) => Count::in_storage(tenant, storage),
            (None, None, Some(mapping)) => Count::by_mapping(tenant, mapping),
            _ => return Ok(None),
        },
    };
    Ok(Some(Total::of(counts::get(tx, count)?)))
}
