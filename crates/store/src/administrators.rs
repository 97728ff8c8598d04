//! Administrators and their sessions.

use directory::{
    Administrator, AdministratorId, Facts, Invitation, ProfileId, SecondFactor, Session, SessionId, TenantId,
    Timestamp, TokenHash,
};

use crate::sql::{Param, Row, params, statements};
use crate::{Error, Tx};

/// `SELECT` with the columns that [`administrator`] reads, and the rest of the statement.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, email, name, role, profiles, password, totp, totp_step, recovery, invitation, invitation_ends, \
             created, last_seen, tenant FROM administrators ",
            $rest
        )
    };
}

/// `SELECT` with the columns that [`session`] reads, and the rest of the statement.
macro_rules! select_session {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, administrator, csrf, created, seen, address, agent FROM sessions ",
            $rest
        )
    };
}

statements! {
    PUT = "INSERT INTO administrators (tenant, id, email, email_key, name, role, profiles, password, totp, totp_step, recovery,
               invitation, invitation_ends, created, last_seen)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
           ON CONFLICT (tenant, id) DO UPDATE SET email = excluded.email, email_key = excluded.email_key, name = excluded.name,
               role = excluded.role, profiles = excluded.profiles, password = excluded.password, totp = excluded.totp,
               totp_step = excluded.totp_step, recovery = excluded.recovery, invitation = excluded.invitation,
               invitation_ends = excluded.invitation_ends, last_seen = excluded.last_seen";
    ADMINISTRATOR = select!("WHERE tenant = ?1 AND id = ?2");
    BY_EMAIL = select!("WHERE tenant = ?1 AND email_key = ?2");
    BY_INVITATION = select!("WHERE invitation = ?1");
    ADMINISTRATORS = select!("WHERE tenant = ?1 ORDER BY email_key");
    TAKE_STEP = "UPDATE administrators SET totp_step = ?3 WHERE tenant = ?1 AND id = ?2 AND (totp_step IS NULL OR totp_step < ?3)";
    SEEN = "UPDATE administrators SET last_seen = ?3 WHERE tenant = ?1 AND id = ?2";
    REMOVE = "DELETE FROM administrators WHERE tenant = ?1 AND id = ?2";
    REMOVE_ALL = "DELETE FROM administrators WHERE tenant = ?1";
    END_ALL_SESSIONS = "DELETE FROM sessions WHERE tenant = ?1";
    PUT_SESSION = "INSERT INTO sessions (tenant, id, administrator, hash, csrf, created, seen, address, agent)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    SESSION_BY_HASH = select_session!("WHERE hash = ?1");
    SESSIONS = select_session!("WHERE tenant = ?1 AND administrator = ?2 ORDER BY id");
    USE_SESSION = "UPDATE sessions SET seen = ?3 WHERE tenant = ?1 AND id = ?2";
    END_SESSION = "DELETE FROM sessions WHERE tenant = ?1 AND id = ?2";
    END_SESSIONS = "DELETE FROM sessions WHERE tenant = ?1 AND administrator = ?2";
}

/// Adds an administrator, or takes its new form.
pub fn put(tx: &mut Tx<'_>, tenant: TenantId, one: &Administrator) -> Result<(), Error> {
    let unwritable = |_| Error::Unreadable {
        what: "administrator",
    };
    let profiles = one.profiles.as_ref().map(serde_json::to_string).transpose();
    let profiles = profiles.map_err(unwritable)?;
    let recovery = serde_json::to_string(&one.second.recovery).map_err(unwritable)?;
    let (hash, ends) = one.invitation.as_ref().map_or((Param::Null, None), |open| {
        (open.hash.as_bytes().into(), Some(open.ends))
    });
    let secret = one.second.secret.as_deref().map_or(Param::Null, Param::Bytes);
    tx.run(
        PUT,
        params![
            tenant.as_bytes(),
            one.id.as_bytes(),
            &one.email,
            &Facts::key_of(&one.email),
            &one.name,
            one.role.name(),
            profiles.as_ref(),
            one.password.as_ref(),
            secret,
            one.second.step,
            &recovery,
            hash,
            ends,
            one.created,
            one.last_seen,
        ],
    )
}

/// The administrator with this id.
pub fn by_id(tx: &mut Tx<'_>, tenant: TenantId, id: AdministratorId) -> Result<Option<Administrator>, Error> {
    tx.one(
        ADMINISTRATOR,
        params![tenant.as_bytes(), id.as_bytes()],
        administrator,
    )
}

/// The administrator with this address, whatever its case.
pub fn by_email(tx: &mut Tx<'_>, tenant: TenantId, email: &str) -> Result<Option<Administrator>, Error> {
    let key = Facts::key_of(email);
    tx.one(BY_EMAIL, params![tenant.as_bytes(), &key], administrator)
}

/// Whom an invitation invites, and where.
pub fn by_invitation(tx: &mut Tx<'_>, hash: TokenHash) -> Result<Option<(TenantId, Administrator)>, Error> {
    tx.one(BY_INVITATION, params![hash.as_bytes()], |row| {
        Ok((row.id(13, TenantId::from_bytes)?, administrator(row)?))
    })
}

/// All administrators of the tenant, by address.
pub fn all(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<Administrator>, Error> {
    tx.all(ADMINISTRATORS, params![tenant.as_bytes()], administrator)
}

/// Takes the code of a time step; says whether it was not taken before.
pub fn take_step(tx: &mut Tx<'_>, tenant: TenantId, id: AdministratorId, step: i64) -> Result<bool, Error> {
    let taken = tx.run_counted(TAKE_STEP, params![tenant.as_bytes(), id.as_bytes(), step])?;
    Ok(taken == 1)
}

/// Removes an administrator with its sessions.
pub fn remove(tx: &mut Tx<'_>, tenant: TenantId, id: AdministratorId) -> Result<(), Error> {
    end_sessions(tx, tenant, id)?;
    tx.run_one(REMOVE, params![tenant.as_bytes(), id.as_bytes()])
}

/// Removes all of a tenant that is removed.
pub fn remove_all(tx: &mut Tx<'_>, tenant: TenantId) -> Result<(), Error> {
    tx.run(END_ALL_SESSIONS, params![tenant.as_bytes()])?;
    tx.run(REMOVE_ALL, params![tenant.as_bytes()])
}

/// Adds a session.
pub fn put_session(tx: &mut Tx<'_>, session: &Session, hash: TokenHash) -> Result<(), Error> {
    tx.run(
        PUT_SESSION,
        params![
            session.tenant.as_bytes(),
            session.id.as_bytes(),
            session.administrator.as_bytes(),
            hash.as_bytes(),
            &session.csrf,
            session.created,
            session.seen,
            &session.address,
            &session.agent,
        ],
    )
}

/// The session with this hash, over or not.
pub fn session_by_hash(tx: &mut Tx<'_>, hash: TokenHash) -> Result<Option<Session>, Error> {
    tx.one(SESSION_BY_HASH, params![hash.as_bytes()], session)
}

/// The sessions of an administrator, oldest first.
pub fn sessions(tx: &mut Tx<'_>, tenant: TenantId, of: AdministratorId) -> Result<Vec<Session>, Error> {
    tx.all(SESSIONS, params![tenant.as_bytes(), of.as_bytes()], session)
}

/// Notes that a session was used.
pub fn use_session(tx: &mut Tx<'_>, session: &Session, at: Timestamp) -> Result<(), Error> {
    let tenant = session.tenant.as_bytes();
    tx.run(USE_SESSION, params![tenant, session.id.as_bytes(), at])?;
    tx.run(SEEN, params![tenant, session.administrator.as_bytes(), at])
}

/// Ends a session.
pub fn end_session(tx: &mut Tx<'_>, tenant: TenantId, id: SessionId) -> Result<(), Error> {
    tx.run(END_SESSION, params![tenant.as_bytes(), id.as_bytes()])
}

/// Ends all sessions of an administrator.
pub fn end_sessions(tx: &mut Tx<'_>, tenant: TenantId, of: AdministratorId) -> Result<(), Error> {
    tx.run(END_SESSIONS, params![tenant.as_bytes(), of.as_bytes()])
}

fn administrator(row: Row<'_>) -> Result<Administrator, Error> {
    let unreadable = |_| Error::Unreadable {
        what: "administrator",
    };
    let text = |row: Row<'_>, column| row.text(column).map(str::to_owned);
    let profiles = row.optional(4, text)?;
    let profiles = profiles.map(|text| serde_json::from_str::<Vec<ProfileId>>(&text));
    let hash = row.optional(9, |row, column| {
        row.id(column, |bytes| {
            Some(TokenHash::from_bytes(bytes.try_into().ok()?))
        })
    })?;
    let ends = row.optional(10, Row::time)?;
    Ok(Administrator {
        id: row.id(0, AdministratorId::from_bytes)?,
        email: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        role: row.word(3)?,
        profiles: profiles.transpose().map_err(unreadable)?,
        password: row.optional(5, text)?,
        second: SecondFactor {
            secret: row.optional(6, |row, column| row.bytes(column).map(<[u8]>::to_vec))?,
            step: row.optional(7, Row::integer)?,
            recovery: serde_json::from_str(row.text(8)?).map_err(unreadable)?,
        },
        invitation: hash.zip(ends).map(|(hash, ends)| Invitation { hash, ends }),
        created: row.time(11)?,
        last_seen: row.optional(12, Row::time)?,
    })
}

fn session(row: Row<'_>) -> Result<Session, Error> {
    Ok(Session {
        id: row.id(0, SessionId::from_bytes)?,
        tenant: row.id(1, TenantId::from_bytes)?,
        administrator: row.id(2, AdministratorId::from_bytes)?,
        csrf: row.text(3)?.to_owned(),
        created: row.time(4)?,
        seen: row.time(5)?,
        address: row.text(6)?.to_owned(),
        agent: row.text(7)?.to_owned(),
    })
}
