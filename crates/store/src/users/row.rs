//! Columns to record and back.

use directory::{
    Bytes, Cause, ConnectionId, Facts, Hold, IdpState, Lifecycle, NameClaim, Pins, Placement, Preservation,
    ProfileId, Record, Status, StorageId, UserId,
};

use crate::Error;
use crate::sql::Row;

/// `SELECT` with the columns that [`record`] reads, in its order, and the rest of the statement.
macro_rules! select {
    ($rest:literal) => {
        $crate::users::row::select!(concat!("FROM users ", $rest), "")
    };
    ($rest:expr, $more:expr) => {
        concat!(
            "SELECT id, connection, account_name, display_name_derived, idp_state, hold, status, preserved_cause, \
             preserved_by, preserved_at, purge_at, profile, storage, own_quota, decision, version, created, modified, \
             document, doubt, held_since, legal_hold, pins, name_given_up, in_groups, judged",
            $more,
            " ",
            $rest
        )
    };
}
pub(crate) use select;

/// One of several look-ups in one statement: its number stands in the last column, [`WHICH`].
macro_rules! select_as {
    ($which:literal, $rest:literal) => {
        concat!(
            "SELECT * FROM (",
            $crate::users::row::select!(
                concat!("FROM users ", $rest),
                concat!(", CAST(", $which, " AS BIGINT) AS which")
            ),
            ") AS k",
            $which
        )
    };
}
pub(super) use select_as;

/// The column with the number of the look-up.
pub(super) const WHICH: usize = 26;

pub(crate) fn record(row: Row<'_>) -> Result<Record, Error> {
    let facts = Facts {
        id: row.id(0, UserId::from_bytes)?,
        connection: row.optional(1, |row, column| row.id(column, ConnectionId::from_bytes))?,
        account_name: row.text(2)?.to_owned(),
        display_name_derived: row.integer(3)? == 1,
        lifecycle: lifecycle(row)?,
        legal_hold: row.integer(21)? == 1,
        name_claim: match row.integer(23)? {
            1 => NameClaim::GivenUp,
            _ => NameClaim::Kept,
        },
        in_groups: row.integer(24)? == 1,
        placement: Placement {
            profile: row.optional(11, |row, column| row.id(column, ProfileId::from_bytes))?,
            storage: row.optional(12, |row, column| row.id(column, StorageId::from_bytes))?,
            own_quota: row.optional(13, |row, column| unsigned(row, column).map(Bytes::new))?,
            decision: row.optional(14, |row, column| {
                serde_json::from_str(row.text(column)?).map_err(|_| Error::Unreadable { what: "decision" })
            })?,
            pins: Pins::from_bits(row.integer(22)?),
            doubt: row.optional(19, Row::word)?,
        },
        version: unsigned(row, 15)?,
        created: row.time(16)?,
        modified: row.time(17)?,
    };
    Ok(Record {
        facts,
        document: row.text(18)?.to_owned(),
    })
}

fn lifecycle(row: Row<'_>) -> Result<Lifecycle, Error> {
    let idp: IdpState = row.word(4)?;
    match row.word(6)? {
        Status::Active => return Ok(Lifecycle::Active { idp }),
        Status::Held => {
            return Ok(Lifecycle::Held {
                wait: row.word(5)?,
                since: row.time(20)?,
                judged: row.optional(25, Row::time)?,
            });
        }
        Status::Preserved => {}
    }
    let preservation = Preservation {
        cause: row.word::<Cause>(7)?,
        by: row.text(8)?.to_owned(),
        at: row.time(9)?,
        purge_at: row.optional(10, Row::time)?,
    };
    Ok(Lifecycle::Preserved {
        idp,
        hold: row.word::<Hold>(5)?,
        preservation,
    })
}

fn unsigned(row: Row<'_>, column: usize) -> Result<u64, Error> {
    u64::try_from(row.integer(column)?).map_err(|_| Error::Unreadable { what: "number" })
}
