//! Which consumer has done its part for which event, and when.

use directory::{TenantId, Timestamp};

use crate::sql::{params, statements};
use crate::{Error, Tx};

statements! {
    PUT = "INSERT INTO acknowledgements (tenant, seq, consumer, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    OF_EVENT = "SELECT consumer, at FROM acknowledgements WHERE tenant = ?1 AND seq = ?2 ORDER BY consumer";
}

/// That somebody has done its part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who.
    pub consumer: String,
    /// When.
    pub at: Timestamp,
}

/// Notes an acknowledgement; the first one counts.
pub fn put(tx: &mut Tx<'_>, tenant: TenantId, seq: i64, one: &Acknowledgement) -> Result<(), Error> {
    tx.run(PUT, params![tenant.as_bytes(), seq, &one.consumer, one.at])
}

/// Who has acknowledged the event, by name.
pub fn of_event(tx: &mut Tx<'_>, tenant: TenantId, seq: i64) -> Result<Vec<Acknowledgement>, Error> {
    tx.all(OF_EVENT, params![tenant.as_bytes(), seq], |row| {
        Ok(Acknowledgement {
            consumer: row.text(0)?.to_owned(),
            at: row.time(1)?,
        })
    })
}
