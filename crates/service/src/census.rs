//! How many users there are, and how that came about.

use directory::{Status, TenantId, Timestamp};
use store::census::{self, Hour, Stand, hour_of};
use store::counts::{self, Count};
use store::{Tx, users};

use crate::Error;

/// Who waits is counted up to here; they are few.
const MOST_HELD: i64 = 100_000;

/// How many there are of each status now.
///
/// # Errors
/// The store's.
pub fn now(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Stand, Error> {
    let all = counts::get(tx, Count::all(tenant))?;
    let active = counts::get(tx, Count::active(tenant))?;
    let held = users::count_with_status(tx, tenant, Status::Held, MOST_HELD)?;
    Ok(Stand {
        active,
        held,
        preserved: all.saturating_sub(active + held),
    })
}

/// Follows some of what happened since the last time, and notes how many there are now; says whether there may be more.
///
/// # Errors
/// The store's.
pub fn follow(tx: &mut Tx<'_>, at: Timestamp) -> Result<bool, Error> {
    let Some(tenants) = census::follow(tx)? else {
        return Ok(false);
    };
    for tenant in tenants {
        let stand = now(tx, tenant)?;
        census::note(tx, tenant, hour_of(at), stand)?;
    }
    Ok(true)
}

/// The hours since `from` in which anything happened, and before them the last one in which anybody knows how many there were.
///
/// # Errors
/// The store's.
pub fn since(tx: &mut Tx<'_>, tenant: TenantId, from: Timestamp) -> Result<Vec<Hour>, Error> {
    let first = hour_of(from);
    let mut hours: Vec<_> = census::last_before(tx, tenant, first)?.into_iter().collect();
    hours.extend(census::since(tx, tenant, first)?);
    Ok(hours)
}
