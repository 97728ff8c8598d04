//! Work beside requests that one node does for all. A lease spares work that would be done twice; nothing that must be
//! right rests on it.

use directory::Timestamp;
use jiff::SignedDuration;
use uuid::Uuid;

use crate::sql::{params, statements};
use crate::{Error, Tx};

statements! {
    TAKE = "INSERT INTO leases (name, holder, ends) VALUES (?1, ?2, ?3)
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends = excluded.ends
            WHERE leases.holder = excluded.holder OR leases.ends <= ?4";
    HOLDER = "SELECT holder, ends FROM leases WHERE name = ?1";
}

/// How long a lease lasts.
const TERM: SignedDuration = SignedDuration::from_secs(10);
/// How long before its end it is taken again.
const RENEWAL: SignedDuration = SignedDuration::from_secs(4);

/// What this node is to do about a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It has it.
    Held,
    /// It may [`take`] it.
    Free,
    /// Another node has it.
    Elsewhere,
}

/// How the lease called `name` stands for `holder`.
pub fn look(tx: &mut Tx<'_>, name: &str, holder: Uuid, now: Timestamp) -> Result<Lease, Error> {
    let found = tx.one(HOLDER, params![name], |row| {
        Ok((row.bytes(0)? == holder.as_bytes(), row.time(1)?))
    })?;
    Ok(match found {
        Some((true, ends)) if now.duration_until(ends) > RENEWAL => Lease::Held,
        Some((false, ends)) if ends > now => Lease::Elsewhere,
        _ => Lease::Free,
    })
}

/// Takes the lease, or takes it again; says whether this node has it.
pub fn take(tx: &mut Tx<'_>, name: &str, holder: Uuid, now: Timestamp) -> Result<bool, Error> {
    let ends = now.saturating_add(TERM).unwrap_or(Timestamp::MAX);
    let taken = tx.run_counted(TAKE, params![name, holder.as_bytes(), ends, now])?;
    Ok(taken == 1)
}
