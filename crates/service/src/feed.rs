//! The event feed as a consumer reads it: in order, complete, from any cursor on.

use std::fmt;
use std::str::FromStr;

use directory::{Ctx, Refusal, TenantId, UserId};
use store::Tx;
use store::acknowledgements::{self, Acknowledgement};
use store::events::{self, Recorded};

use crate::Error;

/// A place in a tenant's events: everything up to it has been read. It is void in another tenant, and where the database was
/// restored since, so that other events have the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    epoch: i64,
    seq: i64,
    /// Made of the tenant and of the event at that place.
    mark: u32,
}

/// One page of the feed.
#[derive(Debug)]
pub struct Page {
    /// In order.
    pub events: Vec<(Cursor, Recorded)>,
    /// Where to go on.
    pub next: Cursor,
    /// Whether there was more when it was read.
    pub has_more: bool,
}

/// Events that are read at once.
const STRIDE: i64 = 500;
/// How often, for one page.
const MAX_STRIDES: usize = 20;

/// Which events a consumer wants.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Types such as `user.created`, or `user.*` for all of a kind; all where there is none.
    pub types: Vec<String>,
    /// A user whose history it is.
    pub user: Option<UserId>,
}

impl Wanted {
    fn has(&self, event: &Recorded) -> bool {
        let is_type = |wanted: &String| match wanted.strip_suffix('*') {
            Some(kind) => event.kind.starts_with(kind),
            None => event.kind == *wanted,
        };
        self.types.is_empty() || self.types.iter().any(is_type)
    }
}

/// The tenant's events after `after`, or from the first on, at most `limit`.
///
/// # Errors
/// [`Refusal::VoidCursor`].
pub fn read(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    wanted: &Wanted,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page, Error> {
    let (epoch, tenant) = (events::epoch(tx)?, ctx.tenant);
    let at = |event: &Recorded| Cursor {
        epoch,
        seq: event.seq,
        mark: mark_of(tenant, Some(event.request_id.as_bytes())),
    };
    let start = Cursor {
        epoch,
        seq: 0,
        mark: mark_of(tenant, None),
    };
    let after = after.unwrap_or(start);
    let request_id = events::request_of(tx, after.seq)?;
    let is_there = after.seq == 0 || request_id.is_some();
    if !is_there || after.epoch != epoch || after.mark != mark_of(tenant, request_id.as_deref()) {
        let why = "It belongs to another tenant, or the database was restored from a backup since; read from the start.";
        return Err(Refusal::VoidCursor { why }.into());
    }
    let mut page = Page {
        events: Vec::new(),
        next: after,
        has_more: true,
    };
    // Who wants few kinds must not have to ask again and again.
    for _ in 0..MAX_STRIDES {
        let found = match wanted.user {
            Some(user) => events::of_user(tx, tenant, user, page.next.seq, STRIDE)?,
            None => events::after(tx, tenant, page.next.seq, STRIDE)?,
        };
        page.has_more = i64::try_from(found.len()).is_ok_and(|count| count == STRIDE);
        for event in found {
            if page.events.len() == limit {
                page.has_more = true;
                return Ok(page);
            }
            page.next = at(&event);
            if wanted.has(&event) {
                page.events.push((page.next, event));
            }
        }
        if !page.has_more {
            break;
        }
    }
    Ok(page)
}

/// The newest of the events that are wanted.
#[derive(Debug)]
pub struct Latest {
    /// Newest first.
    pub events: Vec<(Cursor, Recorded)>,
    /// Where to go on, older; `None` at the first event.
    pub older: Option<Cursor>,
}

/// The newest events before `before` that are wanted, at most `limit`; no more than `looked` are looked at.
///
/// # Errors
/// [`Refusal::VoidCursor`].
pub fn latest(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    wanted: &Wanted,
    before: Option<Cursor>,
    limit: usize,
    looked: i64,
) -> Result<Latest, Error> {
    let (epoch, tenant) = (events::epoch(tx)?, ctx.tenant);
    if before.is_some_and(|before| before.epoch != epoch) {
        let why = "The database was restored from a backup since; begin at the newest.";
        return Err(Refusal::VoidCursor { why }.into());
    }
    let (mut last, mut left) = (before, looked);
    let mut found = Vec::new();
    while left > 0 {
        let stride = left.min(STRIDE);
        let seq = last.map_or(i64::MAX, |last| last.seq);
        let events = events::before(tx, tenant, wanted.user, seq, stride)?;
        left -= stride;
        let is_end = i64::try_from(events.len()).is_ok_and(|count| count < stride);
        for event in events {
            if found.len() == limit {
                return Ok(Latest {
                    events: found,
                    older: last,
                });
            }
            let mark = mark_of(tenant, Some(event.request_id.as_bytes()));
            let cursor = Cursor {
                epoch,
                seq: event.seq,
                mark,
            };
            last = Some(cursor);
            if wanted.has(&event) {
                found.push((cursor, event));
            }
        }
        if is_end {
            last = None;
            break;
        }
    }
    Ok(Latest {
        events: found,
        older: last,
    })
}

/// Notes that a consumer, by the name of its key, has done its part for these events.
///
/// # Errors
/// [`Refusal::VoidCursor`] where one is no event's of this tenant.
pub fn acknowledge(tx: &mut Tx<'_>, ctx: &Ctx, seen: &[Cursor]) -> Result<(), Error> {
    let epoch = events::epoch(tx)?;
    for cursor in seen {
        let request_id = events::request_of(tx, cursor.seq)?;
        let is_there = request_id.is_some() && cursor.epoch == epoch;
        if !is_there || cursor.mark != mark_of(ctx.tenant, request_id.as_deref()) {
            let why = "It is the id of no event of this tenant.";
            return Err(Refusal::VoidCursor { why }.into());
        }
    }
    let one = Acknowledgement {
        consumer: ctx.actor.name().to_owned(),
        at: ctx.now,
    };
    for cursor in seen {
        acknowledgements::put(tx, ctx.tenant, cursor.seq, &one)?;
    }
    Ok(())
}

/// Who has acknowledged each of these events.
///
/// # Errors
/// The store's.
pub fn acknowledged(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    events: &[(Cursor, Recorded)],
) -> Result<Vec<Vec<Acknowledgement>>, Error> {
    let of = events.iter();
    of.map(|(_, event)| Ok(acknowledgements::of_event(tx, ctx.tenant, event.seq)?))
        .collect()
}

/// Tells a place from the same number in another tenant, or in another life of the database.
fn mark_of(tenant: TenantId, request_id: Option<&[u8]>) -> u32 {
    let mut bytes = tenant.as_bytes().to_vec();
    bytes.extend_from_slice(request_id.unwrap_or_default());
    crc32fast::hash(&bytes)
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:08x}", self.epoch, self.seq, self.mark)
    }
}

impl FromStr for Cursor {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let read = || {
            let mut parts = text.trim().split('-');
            let cursor = Self {
                epoch: parts.next()?.parse().ok()?,
                seq: parts.next()?.parse().ok()?,
                mark: u32::from_str_radix(parts.next()?, 16).ok()?,
            };
            (parts.next().is_none() && cursor.seq >= 0).then_some(cursor)
        };
        read().ok_or(Refusal::VoidCursor {
            why: "It is not one that this server gave; copy the whole of it, or read from the start.",
        })
    }
}
