//! The event feed as a consumer reads it: in order, complete, from any cursor on.

use std::fmt;
use std::str::FromStr;

use directory::{Ctx, Refusal, TenantId, UserId};
use store::Tx;
use store::events::{self, Recorded};

use crate::Error;

/// A place in a tenant's events: everything up to it has been read. It is void after a restore, and in another tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    epoch: i64,
    seq: i64,
    tenant: u32,
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
    let epoch = events::epoch(tx)?;
    let tag = tag_of(ctx.tenant);
    let at = |seq| Cursor {
        epoch,
        seq,
        tenant: tag,
    };
    let after = after.unwrap_or(at(0));
    if after.tenant != tag {
        return Err(void("It belongs to another tenant; read from the start."));
    }
    if after.epoch != epoch {
        return Err(void(
            "The database was restored from a backup since; read from the start.",
        ));
    }
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = match wanted.user {
        Some(user) => events::of_user(tx, ctx.tenant, user, after.seq, most)?,
        None => events::after(tx, ctx.tenant, after.seq, most)?,
    };
    let has_more = found.len() >= limit;
    let next = found.last().map_or(after, |event| at(event.seq));
    let events = found
        .into_iter()
        .filter(|event| wanted.has(event))
        .map(|event| (at(event.seq), event))
        .collect();
    Ok(Page {
        events,
        next,
        has_more,
    })
}

fn void(why: &'static str) -> Error {
    Refusal::VoidCursor { why }.into()
}

/// Enough of a tenant's id to tell that a cursor is another's.
fn tag_of(tenant: TenantId) -> u32 {
    let [.., a, b, c, d] = *tenant.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{:08x}", self.epoch, self.seq, self.tenant)
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
                tenant: u32::from_str_radix(parts.next()?, 16).ok()?,
            };
            (parts.next().is_none() && cursor.seq >= 0).then_some(cursor)
        };
        read().ok_or(Refusal::VoidCursor {
            why: "It is not one that this server gave; copy the whole of it, or read from the start.",
        })
    }
}
