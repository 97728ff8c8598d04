//! Users: a row is what is searched, and the SCIM document as it is returned.

mod among;
mod row;
mod write;

use directory::{ConnectionId, Facts, Record, TenantId, Timestamp, UserId, Wait};

use jiff::SignedDuration;
use scim::Order;

use crate::counts::{self, Count};
use crate::sql::{Param, by_many, many_ids, params, statements};
use crate::{Error, Tx};
pub use among::{Among, ManagedBy, among_after, count_with_status};
use row::{WHICH, select_as};
pub(crate) use row::{record, select};
pub use write::{MAX_KEY, insert, remove, update};

statements! {
    BY_ID = select!("WHERE tenant = ?1 AND id = ?2");
    BY_IDS = select!(concat!("FROM users WHERE tenant = ?1 AND id IN (", many_ids!(), ")"), "");
    BY_USER_NAME = select!("WHERE tenant = ?1 AND user_name_key = ?2 AND visible = 1");
    FORMER_BY_USER_NAME = select!("WHERE tenant = ?1 AND user_name_key = ?2 AND visible = 0 ORDER BY id DESC");
    FORMER_WITH_NAMESAKES = select!("WHERE tenant = ?1 AND visible = 0 AND name_given_up = 0 AND EXISTS
                                     (SELECT 1 FROM users AS present WHERE present.tenant = ?1
                                      AND present.user_name_key = users.user_name_key AND present.visible = 1)
                                     ORDER BY user_name_key, id LIMIT ?2");
    KNOWN = concat!(
        select_as!(1, "WHERE tenant = ?1 AND connection = ?2 AND external_id = ?3 AND visible = 1"),
        " UNION ALL ",
        select_as!(2, "WHERE tenant = ?1 AND connection = ?2 AND external_id = ?3 AND visible = 0 ORDER BY id DESC LIMIT 1"),
        " UNION ALL ",
        select_as!(3, "WHERE tenant = ?1 AND user_name_key = ?4 AND visible = 1"),
        " UNION ALL ",
        select_as!(4, "WHERE tenant = ?1 AND user_name_key = ?4 AND visible = 0 AND name_given_up = 0
                       AND (connection = ?2 OR connection IS NULL) ORDER BY id DESC LIMIT 1"),
        " UNION ALL ",
        select_as!(5, "WHERE tenant = ?1 AND email_key = ?5 AND connection IS NULL AND visible = 1 ORDER BY id LIMIT 2"),
        " UNION ALL ",
        select_as!(6, "WHERE tenant = ?1 AND account_key = ?6"),
    );
    BY_EXTERNAL_ID = select!("WHERE tenant = ?1 AND connection = ?2 AND external_id = ?3 AND visible = 1");
    MANUAL_BY_EXTERNAL_ID = select!("WHERE tenant = ?1 AND connection IS NULL AND external_id = ?2 AND visible = 1");
    BY_ACCOUNT = select!("WHERE tenant = ?1 AND account_key = ?2");
    BY_EMAIL = select!("WHERE tenant = ?1 AND email_key = ?2 ORDER BY id");
    BY_OTHER_EMAIL = select!("WHERE tenant = ?1 AND id IN
                              (SELECT id FROM other_emails WHERE tenant = ?1 AND email_key = ?2)");
    OWN_AFTER = select!("WHERE tenant = ?1 AND connection = ?2 AND visible = 1 AND version > 0 AND id > ?3
                         ORDER BY id LIMIT ?4");
    MANUAL_AFTER = select!("WHERE tenant = ?1 AND connection IS NULL AND visible = 1 AND version > 0 AND id > ?2
                            ORDER BY id LIMIT ?3");
    OWN_NTH = "SELECT id FROM users WHERE tenant = ?1 AND connection = ?2 AND visible = 1 AND version > 0
               ORDER BY id LIMIT 1 OFFSET ?3";
    ANY_NTH = "SELECT id FROM users WHERE tenant = ?1 AND (connection = ?2 OR connection IS NULL) AND visible = 1
               ORDER BY id LIMIT 1 OFFSET ?3";
    BY_NAME = select!("WHERE tenant = ?1 AND visible = 1 AND (connection = ?2 OR connection IS NULL)
                       ORDER BY user_name_key LIMIT ?3 OFFSET ?4");
    BY_NAME_BACKWARDS = select!("WHERE tenant = ?1 AND visible = 1 AND (connection = ?2 OR connection IS NULL)
                                 ORDER BY user_name_key DESC LIMIT ?3 OFFSET ?4");
    MARK = "SELECT last FROM page_marks WHERE tenant = ?1 AND connection = ?2 AND place = ?3 AND at > ?4";
    SET_MARK = "INSERT INTO page_marks (tenant, connection, place, last, at) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (tenant, connection, place) DO UPDATE SET
                    last = CASE WHEN page_marks.at > ?6 AND page_marks.last < excluded.last
                           THEN page_marks.last ELSE excluded.last END,
                    at = CASE WHEN page_marks.at > ?6 AND page_marks.last < excluded.last
                         THEN page_marks.at ELSE excluded.at END";
    SWEEP_MARKS = "DELETE FROM page_marks WHERE at <= ?1";
    DUE = select!("WHERE tenant = ?1 AND purge_at IS NOT NULL AND legal_hold = 0 AND purge_at <= ?2
                   ORDER BY purge_at LIMIT ?3");
    HELD = select!("WHERE tenant = ?1 AND status = 'held' AND hold = ?2 AND id > ?3 ORDER BY id LIMIT ?4");
    AFTER = select!("WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
}

/// How many users one statement reads by their ids.
pub const AT_ONCE: usize = crate::sql::MANY;

/// How many rows a walk reads at once.
const STRIDE: i64 = 500;

/// Whose users a client sees: a connection its own and manual ones, an administrator all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What SCIM shows to a connection.
    Connection(ConnectionId),
    /// Everything that the tenant has, deleted users too.
    All,
}

impl Scope {
    /// Whether the scope shows the user.
    pub fn shows(self, facts: &Facts) -> bool {
        match self {
            Self::All => true,
            Self::Connection(id) => {
                facts.lifecycle.is_visible() && facts.connection.is_none_or(|of| of == id)
            }
        }
    }
}

/// Those whom a create may mean, in the order in which they count.
#[derive(Debug, Default)]
pub struct Known {
    /// The connection's user with the `externalId`, visible.
    pub by_external_id: Option<Record>,
    /// The connection's user with the `externalId`, deleted.
    pub by_former_external_id: Option<Record>,
    /// Anybody's user with the `userName`, visible.
    pub by_user_name: Option<Record>,
    /// The connection's latest user with the `userName`, deleted.
    pub by_former_user_name: Option<Record>,
    /// The one manual user whom the e-mail address reaches; none where it reaches several.
    pub by_email: Option<Record>,
}

/// The user with this id, if the scope shows it.
pub fn by_id(tx: &mut Tx<'_>, tenant: TenantId, scope: Scope, id: UserId) -> Result<Option<Record>, Error> {
    let found = tx.one(BY_ID, params![tenant.as_bytes(), id.as_bytes()], record)?;
    Ok(found.filter(|record| scope.shows(&record.facts)))
}

/// The users with these ids, deleted ones too, in any order.
pub fn by_ids(tx: &mut Tx<'_>, tenant: TenantId, ids: &[[u8; 16]]) -> Result<Vec<Record>, Error> {
    let mut found = Vec::new();
    by_many(tenant.as_bytes(), ids, &[], |params| {
        found.extend(tx.all(BY_IDS, params, record)?);
        Ok(())
    })?;
    Ok(found)
}

/// The visible user with this folded `userName`, whoever manages it.
pub fn by_user_name(tx: &mut Tx<'_>, tenant: TenantId, key: &str) -> Result<Option<Record>, Error> {
    tx.one(BY_USER_NAME, params![tenant.as_bytes(), key], record)
}

/// Deleted users that once had this folded `userName`, latest first.
pub fn by_former_user_name(tx: &mut Tx<'_>, tenant: TenantId, key: &str) -> Result<Vec<Record>, Error> {
    tx.all(FORMER_BY_USER_NAME, params![tenant.as_bytes(), key], record)
}

/// Deleted users whose folded `userName` a visible user has now, by that name, at most `limit`.
pub fn former_with_namesakes(tx: &mut Tx<'_>, tenant: TenantId, limit: i64) -> Result<Vec<Record>, Error> {
    tx.all(FORMER_WITH_NAMESAKES, params![tenant.as_bytes(), limit], record)
}

/// The connection's visible user with this `externalId`.
pub fn by_external_id(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    external_id: &str,
) -> Result<Option<Record>, Error> {
    tx.one(
        BY_EXTERNAL_ID,
        params![tenant.as_bytes(), connection.as_bytes(), external_id],
        record,
    )
}

/// Visible manual users with this `externalId`, from a connection that is no more.
pub fn manual_by_external_id(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    external_id: &str,
) -> Result<Vec<Record>, Error> {
    tx.all(
        MANUAL_BY_EXTERNAL_ID,
        params![tenant.as_bytes(), external_id],
        record,
    )
}

/// The user with this folded account name.
pub fn by_account(tx: &mut Tx<'_>, tenant: TenantId, key: &str) -> Result<Option<Record>, Error> {
    tx.one(BY_ACCOUNT, params![tenant.as_bytes(), key], record)
}

/// How many users a connection sees.
#[derive(Debug, Clone, Copy)]
pub struct Visible {
    /// Its own.
    pub own: u64,
    /// Manual ones.
    pub manual: u64,
}

/// How many users the connection sees, from the counts that are kept.
pub fn visible(tx: &mut Tx<'_>, tenant: TenantId, connection: ConnectionId) -> Result<Visible, Error> {
    Ok(Visible {
        own: counts::get(tx, Count::visible(tenant, Some(connection)))?,
        manual: counts::get(tx, Count::visible(tenant, None))?,
    })
}

/// For how long the end of a page is remembered.
const MEMORY: SignedDuration = SignedDuration::from_mins(10);

/// One page of what the connection sees, in the order in which users were created. A page that follows one which was read
/// before goes on where that one ended, so that nothing is skipped or repeated because somebody else was written.
pub fn page(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    visible: Visible,
    place: Place,
) -> Result<Page, Error> {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let (of_tenant, of_connection) = (Param::from(tenant.as_bytes()), Param::from(connection.as_bytes()));
    let mut last = UserId::from(uuid::Uuid::nil());
    if place.offset > 0 {
        let since = place.now.saturating_sub(MEMORY).unwrap_or(place.now);
        let mark = tx.one(
            MARK,
            &[
                of_tenant,
                of_connection,
                number(place.offset).into(),
                since.into(),
            ],
            |row| row.id(0, UserId::from_bytes),
        )?;
        let nth = if visible.manual == 0 { OWN_NTH } else { ANY_NTH };
        let before = match mark {
            Some(mark) => Some(mark),
            None => tx.one(
                nth,
                &[of_tenant, of_connection, number(place.offset - 1).into()],
                |row| row.id(0, UserId::from_bytes),
            )?,
        };
        match before {
            Some(before) => last = before,
            None => return Ok(Page::default()),
        }
    }
    let limit = number(place.count + 1);
    let after = Param::from(last.as_bytes());
    let mut records = tx.all(
        OWN_AFTER,
        &[of_tenant, of_connection, after, limit.into()],
        record,
    )?;
    if visible.manual > 0 {
        records.extend(tx.all(MANUAL_AFTER, &[of_tenant, after, limit.into()], record)?);
        records.sort_by_key(|record| record.facts.id);
    }
    let has_more = records.len() > place.count;
    records.truncate(place.count);
    Ok(Page { records, has_more })
}

/// One page of what the connection sees, by the folded `userName`.
pub fn page_by_name(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    order: Order,
    place: Place,
) -> Result<Vec<Record>, Error> {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let statement = match order {
        Order::Ascending => BY_NAME,
        Order::Descending => BY_NAME_BACKWARDS,
    };
    let params = params![
        tenant.as_bytes(),
        connection.as_bytes(),
        number(place.count),
        number(place.offset)
    ];
    tx.all(statement, params, record)
}

/// A page of users.
#[derive(Debug, Default)]
pub struct Page {
    /// Those on it.
    pub records: Vec<Record>,
    /// Whether others follow.
    pub has_more: bool,
}

/// Which page is meant, and when.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// How many users come before it.
    pub offset: usize,
    /// How many it has at most.
    pub count: usize,
    /// Now.
    pub now: Timestamp,
}

/// Remembers that the page before place `offset` ended with `last`.
pub fn mark_page(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    offset: usize,
    last: UserId,
    now: Timestamp,
) -> Result<(), Error> {
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    // Two who read at once share the mark: it is the earlier one, since a user seen twice is no harm.
    let since = now.saturating_sub(MEMORY).unwrap_or(now);
    tx.run(
        SET_MARK,
        params![
            tenant.as_bytes(),
            connection.as_bytes(),
            offset,
            last.as_bytes(),
            now,
            since
        ],
    )
}

/// Forgets pages that nobody goes on from any more.
pub fn sweep_marks(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Error> {
    let until = now.saturating_sub(MEMORY).unwrap_or(now);
    tx.run(SWEEP_MARKS, params![until])
}

/// Users who have this folded address, whether it reaches them or stands beside.
pub fn by_any_email(tx: &mut Tx<'_>, tenant: TenantId, key: &str) -> Result<Vec<Record>, Error> {
    let mut found = by_email(tx, tenant, key)?;
    found.extend(tx.all(BY_OTHER_EMAIL, params![tenant.as_bytes(), key], record)?);
    found.sort_by_key(|record| record.facts.id);
    Ok(found)
}

/// Users whom this folded e-mail address reaches.
pub fn by_email(tx: &mut Tx<'_>, tenant: TenantId, key: &str) -> Result<Vec<Record>, Error> {
    tx.all(BY_EMAIL, params![tenant.as_bytes(), key], record)
}

/// The names that a create may mean somebody by, folded.
#[derive(Debug, Clone, Copy)]
pub struct Names<'n> {
    /// The `userName`.
    pub user_name: &'n str,
    /// The `externalId`, as it was sent.
    pub external_id: Option<&'n str>,
    /// The address that reaches the person.
    pub email: Option<&'n str>,
}

/// Whom a create with these names may mean. A name that is not given finds nobody.
pub fn known(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    connection: ConnectionId,
    names: Names<'_>,
) -> Result<Known, Error> {
    // Whether the account name is free is asked along, so that an insert need not ask again.
    let account = Facts::key_of(&Facts::account_name_of(names.user_name));
    let params = params![
        tenant.as_bytes(),
        connection.as_bytes(),
        names.external_id,
        names.user_name,
        names.email,
        &account,
    ];
    let found = tx.all(KNOWN, params, |row| Ok((row.integer(WHICH)?, record(row)?)))?;
    let is_account_free = found.iter().all(|(which, _)| *which != 6);
    let mut known = Known::default();
    let mut reached = Vec::new();
    for (which, record) in found {
        match which {
            1 => known.by_external_id = Some(record),
            2 => known.by_former_external_id = Some(record),
            3 => known.by_user_name = Some(record),
            4 => known.by_former_user_name = Some(record),
            5 => reached.push(record),
            _ => {}
        }
    }
    if reached.len() == 1 {
        known.by_email = reached.pop();
    }
    if is_account_free {
        tx.found_free(account);
    }
    Ok(known)
}

/// Preserved users of the tenant whose purge date has passed and who are under no legal hold, at most `limit`.
pub fn due(tx: &mut Tx<'_>, tenant: TenantId, now: Timestamp, limit: i64) -> Result<Vec<Record>, Error> {
    tx.all(DUE, params![tenant.as_bytes(), now, limit], record)
}

/// Users of the tenant who wait for this, with ids above `last`, in the order of their ids, at most `limit`.
pub fn held(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    wait: Wait,
    last: UserId,
    limit: i64,
) -> Result<Vec<Record>, Error> {
    tx.all(
        HELD,
        params![tenant.as_bytes(), wait.name(), last.as_bytes(), limit],
        record,
    )
}

/// Users of the tenant with ids above `last`, in the order of their ids, at most `limit`.
pub fn after(tx: &mut Tx<'_>, tenant: TenantId, last: UserId, limit: i64) -> Result<Vec<Record>, Error> {
    tx.all(AFTER, params![tenant.as_bytes(), last.as_bytes(), limit], record)
}

/// Walks the users that the scope shows in the order in which they were created, until `visit` says to stop.
pub fn walk(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    scope: Scope,
    mut visit: impl FnMut(Record) -> Walk,
) -> Result<(), Error> {
    let mut last = UserId::from(uuid::Uuid::nil());
    loop {
        let records = after(tx, tenant, last, STRIDE)?;
        let Some(end) = records.last() else { return Ok(()) };
        last = end.facts.id;
        for record in records {
            if scope.shows(&record.facts) && visit(record) == Walk::Stop {
                return Ok(());
            }
        }
    }
}

/// Whether a walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// To the next user.
    On,
    /// It has what it came for.
    Stop,
}

#[cfg(test)]
pub(crate) fn among_statements() -> &'static [(&'static str, crate::sql::Statement)] {
    among::STATEMENTS
}

#[cfg(test)]
pub(crate) fn write_statements() -> &'static [(&'static str, crate::sql::Statement)] {
    write::STATEMENTS
}
