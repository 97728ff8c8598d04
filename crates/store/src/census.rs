//! How many users there were, hour by hour, and what became of users in it. It follows the events beside the commits, so that
//! no request pays for a report.

use std::collections::{BTreeMap, HashMap};

use directory::{TenantId, Timestamp};

use crate::sql::{Row, params, statements};
use crate::{Error, Tx};

statements! {
    PROGRESS = "SELECT value FROM meta WHERE name = 'census_progress'";
    ADVANCE = "UPDATE meta SET value = ?2 WHERE name = 'census_progress' AND value = ?1";
    // Whether somebody was preserved by an event, or was so before, stands in what the event says.
    KINDS = "SELECT seq, tenant, kind, at,
                 CASE WHEN kind IN ('user.deactivated', 'user.deleted', 'user.preserved', 'user.reactivated', 'user.activated')
                 THEN data ELSE '' END
             FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    ADD = "INSERT INTO census (tenant, hour, joined, kept, returned, purged) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
           ON CONFLICT (tenant, hour) DO UPDATE SET joined = census.joined + excluded.joined, kept = census.kept + excluded.kept,
               returned = census.returned + excluded.returned, purged = census.purged + excluded.purged";
    STAND = "INSERT INTO census (tenant, hour, active, held, preserved, joined, kept, returned, purged)
             VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0)
             ON CONFLICT (tenant, hour) DO UPDATE SET active = excluded.active, held = excluded.held, preserved = excluded.preserved";
    SINCE = "SELECT hour, active, held, preserved, joined, kept, returned, purged FROM census
             WHERE tenant = ?1 AND hour >= ?2 ORDER BY hour";
    LAST_BEFORE = "SELECT hour, active, held, preserved, joined, kept, returned, purged FROM census
                   WHERE tenant = ?1 AND hour < ?2 AND active IS NOT NULL ORDER BY hour DESC LIMIT 1";
    REMOVE_CENSUS = "DELETE FROM census WHERE tenant = ?1 AND hour >= 0";
}

/// Events that are followed at once.
const STRIDE: i64 = 5_000;

/// How many there are of each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stand {
    /// Who may work.
    pub active: u64,
    /// Who waits for a mapping or a seat.
    pub held: u64,
    /// Who is preserved.
    pub preserved: u64,
}

/// What became of users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Came into being.
    pub joined: u64,
    /// Were preserved.
    pub kept: u64,
    /// Came back.
    pub returned: u64,
    /// Were purged.
    pub purged: u64,
}

/// One hour.
#[derive(Debug, Clone, Copy)]
pub struct Hour {
    /// Hours since 1970-01-01T00:00Z.
    pub hour: i64,
    /// At its end; `None` where nobody looked then.
    pub stand: Option<Stand>,
    /// In it.
    pub flow: Flow,
}

/// The hour that `at` is in.
pub fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3600)
}

/// Whether there are events that were not followed yet.
pub fn is_behind(tx: &mut Tx<'_>) -> Result<bool, Error> {
    let followed = tx.one(PROGRESS, &[], |row| row.integer(0))?.unwrap_or_default();
    Ok(crate::events::last(tx)? > followed)
}

/// Follows some events; gives the tenants that had any, or nothing where there was no event.
///
/// # Errors
/// [`Error::Stale`] where another node was quicker.
pub fn follow(tx: &mut Tx<'_>) -> Result<Option<Vec<TenantId>>, Error> {
    let before = tx
        .one(PROGRESS, &[], |row| row.integer(0))?
        .ok_or(Error::Unreadable { what: "census" })?;
    let mut last = before;
    let mut flows: BTreeMap<(TenantId, i64), Flow> = BTreeMap::new();
    let events = tx.all(KINDS, params![before, STRIDE], |row| {
        let tenant = row.id(1, TenantId::from_bytes)?;
        let what = (row.text(2)?.to_owned(), row.text(4)?.to_owned());
        Ok((row.integer(0)?, tenant, what, row.time(3)?))
    })?;
    for (seq, tenant, (kind, data), at) in events {
        last = seq;
        let flow = flows.entry((tenant, hour_of(at))).or_default();
        match kind.as_str() {
            "user.created" => flow.joined += 1,
            "user.deactivated" | "user.deleted" | "user.preserved" if turns(&data) => flow.kept += 1,
            "user.reactivated" | "user.activated" if turns(&data) => flow.returned += 1,
            "user.purged" => flow.purged += 1,
            _ => {}
        }
    }
    if last == before {
        return Ok(None);
    }
    tx.run_one(ADVANCE, params![before, last])?;
    let mut tenants = Vec::new();
    for ((tenant, hour), flow) in flows {
        tx.run(
            ADD,
            params![
                tenant.as_bytes(),
                hour,
                number(flow.joined),
                number(flow.kept),
                number(flow.returned),
                number(flow.purged)
            ],
        )?;
        tenants.push(tenant);
    }
    tenants.dedup();
    Ok(Some(tenants))
}

/// Notes how many there are in this hour.
pub fn note(tx: &mut Tx<'_>, tenant: TenantId, hour: i64, stand: Stand) -> Result<(), Error> {
    tx.run(
        STAND,
        params![
            tenant.as_bytes(),
            hour,
            number(stand.active),
            number(stand.held),
            number(stand.preserved)
        ],
    )
}

/// The tenant's hours from `hour` on in which anything happened, in order.
pub fn since(tx: &mut Tx<'_>, tenant: TenantId, hour: i64) -> Result<Vec<Hour>, Error> {
    tx.all(SINCE, params![tenant.as_bytes(), hour], read)
}

/// The last hour before `hour` of which it is known how many there were.
pub fn last_before(tx: &mut Tx<'_>, tenant: TenantId, hour: i64) -> Result<Option<Hour>, Error> {
    tx.one(LAST_BEFORE, params![tenant.as_bytes(), hour], read)
}

fn read(row: Row<'_>) -> Result<Hour, Error> {
    let count = |column| Ok::<_, Error>(u64::try_from(row.integer(column)?).unwrap_or_default());
    let stand = match row.optional(1, Row::integer)? {
        Some(_) => Some(Stand {
            active: count(1)?,
            held: count(2)?,
            preserved: count(3)?,
        }),
        None => None,
    };
    Ok(Hour {
        hour: row.integer(0)?,
        stand,
        flow: Flow {
            joined: count(4)?,
            kept: count(5)?,
            returned: count(6)?,
            purged: count(7)?,
        },
    })
}

/// Whether the user's status is another since the event.
fn turns(data: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Said {
        #[serde(default)]
        before: HashMap<String, serde_json::Value>,
    }
    let said: Result<Said, _> = serde_json::from_str(data);
    said.is_ok_and(|said| {
        let was = said.before.get(directory::extension::DIRECTORY);
        was.is_some_and(|was| was.get("status").is_some())
    })
}

/// Forgets a tenant that is removed.
pub fn remove_all(tx: &mut Tx<'_>, tenant: TenantId) -> Result<(), Error> {
    tx.run(REMOVE_CENSUS, params![tenant.as_bytes()])
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
