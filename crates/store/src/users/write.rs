//! Writing users: the row, its account name and the counts, in one go.

use directory::{Facts, Lifecycle, NameClaim, Record, Settings, TenantId, User, names};

use crate::sql::{Param, params, statements};
use crate::{Error, Tx, counts, events, groups, search};

statements! {
    ACCOUNT_TAKEN = "SELECT id FROM users WHERE tenant = ?1 AND account_key = ?2";
    FORGET_EMAILS = "DELETE FROM other_emails WHERE tenant = ?1 AND id = ?2";
    ADD_EMAIL = "INSERT INTO other_emails (tenant, email_key, id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    INSERT = "INSERT INTO users (tenant, id, connection, user_name_key, account_name, account_key, external_id,
                  email_key, display_name_derived, visible, idp_state, hold, status, preserved_cause, preserved_by,
                  preserved_at, purge_at, profile, storage, own_quota, decision, version, created, modified, document, doubt, held_since,
                  legal_hold, pins, name_given_up, judged)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                  ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31)";
    UPDATE = "UPDATE users SET connection = ?3, user_name_key = ?4, account_name = ?5, account_key = ?6,
                  external_id = ?7, email_key = ?8, display_name_derived = ?9, visible = ?10, idp_state = ?11,
                  hold = ?12, status = ?13, preserved_cause = ?14, preserved_by = ?15, preserved_at = ?16,
                  purge_at = ?17, profile = ?18, storage = ?19, own_quota = ?20, decision = ?21, version = ?22,
                  created = ?23, modified = ?24, document = ?25, doubt = ?26,
                  held_since = ?27, legal_hold = ?28, pins = ?29, name_given_up = ?30, judged = ?31
              WHERE tenant = ?1 AND id = ?2 AND version = ?32";
    REMOVE = "DELETE FROM users WHERE tenant = ?1 AND id = ?2 AND version = ?3";
}

/// The largest document, in bytes: what a GET returns of it must fit into a PUT, or a leaver could not be deactivated.
const MAX_DOCUMENT: usize = 1_000_000;
/// The longest name that a user is found by, in bytes: it must fit into an index of every database.
pub const MAX_KEY: usize = 2_000;
/// What dates and a version may add to a document later.
const MARGIN: usize = 1_000;

/// Adds a user; its account name is made unique.
pub fn insert(tx: &mut Tx<'_>, settings: &Settings, mut user: User) -> Result<Record, Error> {
    name_account(tx, settings, &mut user, None)?;
    let (keys, record) = keyed(settings, user, MAX_DOCUMENT)?;
    with_params(settings, &keys, &record, None, |params| tx.run(INSERT, params))?;
    add_emails(tx, settings, &keys, &record.facts)?;
    counts::move_user(tx, settings.tenant.id, None, Some(&record.facts));
    Ok(record)
}

/// Writes a user's new state over `before`, one version later. The account name follows the user name.
///
/// # Errors
/// [`Error::Stale`] where the row is not at the version of `before`.
pub fn update(
    tx: &mut Tx<'_>,
    settings: &Settings,
    mut user: User,
    before: &Record,
) -> Result<Record, Error> {
    name_account(tx, settings, &mut user, Some(before))?;
    let before = &before.facts;
    user.facts.version = before.version + 1;
    let (keys, record) = keyed(settings, user, MAX_DOCUMENT + MARGIN)?;
    with_params(settings, &keys, &record, Some(before.version), |params| {
        tx.run_one(UPDATE, params)
    })?;
    tx.run(
        FORGET_EMAILS,
        params![settings.tenant.id.as_bytes(), record.facts.id.as_bytes()],
    )?;
    add_emails(tx, settings, &keys, &record.facts)?;
    counts::move_user(tx, settings.tenant.id, Some(before), Some(&record.facts));
    Ok(record)
}

/// Removes a user for good: the row, its addresses, and what its events hold of it.
///
/// # Errors
/// [`Error::Stale`] where the row is not at the version of `before`.
pub fn remove(tx: &mut Tx<'_>, tenant: TenantId, before: &Facts) -> Result<(), Error> {
    let version = i64::try_from(before.version).unwrap_or(i64::MAX);
    let key = params![tenant.as_bytes(), before.id.as_bytes(), version];
    tx.run_one(REMOVE, key)?;
    tx.run(FORGET_EMAILS, &key[..2])?;
    events::forget(tx, tenant, before.id)?;
    groups::forget(tx, tenant, before.id)?;
    search::forget(tx, tenant, before.id)?;
    tx.purged();
    counts::move_user(tx, tenant, Some(before), None);
    Ok(())
}

/// What rows are found by, folded in Rust.
struct Keys {
    user_name: String,
    account: String,
    external_id: Option<String>,
    email: Option<String>,
    other_emails: Vec<String>,
}

impl Keys {
    fn check(&self) -> Result<(), Error> {
        let is_long = |key: &String| key.len() > MAX_KEY;
        let too_long = |attribute| Err(Error::TooLong { attribute });
        if is_long(&self.user_name) || is_long(&self.account) {
            too_long("userName")
        } else if self.external_id.as_ref().is_some_and(is_long) {
            too_long("externalId")
        } else if self.email.iter().chain(&self.other_emails).any(is_long) {
            too_long("emails")
        } else {
            Ok(())
        }
    }
}

fn add_emails(tx: &mut Tx<'_>, settings: &Settings, keys: &Keys, facts: &Facts) -> Result<(), Error> {
    for email in &keys.other_emails {
        tx.run(
            ADD_EMAIL,
            params![settings.tenant.id.as_bytes(), email, facts.id.as_bytes()],
        )?;
    }
    Ok(())
}

fn keyed(settings: &Settings, user: User, max: usize) -> Result<(Keys, Record), Error> {
    let email = user.email().map(Facts::key_of);
    let other_emails = names::addresses(&user.attributes)
        .map(Facts::key_of)
        .filter(|key| Some(key) != email.as_ref())
        .collect();
    // Nobody is without a name: this is what a damaged document opens as, and it must not be written over.
    let user_name = user.user_name().map_err(|_| Error::Unreadable { what: "user" })?;
    let keys = Keys {
        user_name: Facts::key_of(user_name),
        account: Facts::key_of(&user.facts.account_name),
        external_id: user.external_id().map(str::to_owned),
        email,
        other_emails,
    };
    keys.check()?;
    let record = user.into_record(settings);
    let bytes = record.document.len();
    if bytes > max {
        return Err(Error::TooLarge { bytes, max });
    }
    Ok((keys, record))
}

/// Two user names that become the same account name get `~2`, `~3` ... appended. Who is not renamed keeps the number.
fn name_account(
    tx: &mut Tx<'_>,
    settings: &Settings,
    user: &mut User,
    before: Option<&Record>,
) -> Result<(), Error> {
    let base = Facts::account_name_of(user.user_name().unwrap_or_default());
    if user.facts.account_name == base {
        return Ok(());
    }
    if let Some(before) = before {
        let was = before.clone().open();
        if was.user_name().map(Facts::account_name_of).ok().as_ref() == Some(&base) {
            return Ok(());
        }
    }
    let mut candidate = base.clone();
    for number in 2_u64.. {
        let key = Facts::key_of(&candidate);
        if tx.takes_free(&key) {
            break;
        }
        let taken = tx.one(
            ACCOUNT_TAKEN,
            params![settings.tenant.id.as_bytes(), &key],
            |row| Ok(row.bytes(0)? != user.facts.id.as_bytes()),
        )?;
        if taken != Some(true) {
            break;
        }
        candidate = format!("{base}~{number}");
    }
    user.facts.account_name = candidate;
    Ok(())
}

fn with_params<T>(
    settings: &Settings,
    keys: &Keys,
    record: &Record,
    expected_version: Option<u64>,
    run: impl FnOnce(&[Param<'_>]) -> Result<T, Error>,
) -> Result<T, Error> {
    let facts = &record.facts;
    let preservation = facts.lifecycle.preservation();
    let (held_since, judged) = match facts.lifecycle {
        Lifecycle::Held { since, judged, .. } => (Some(since), judged),
        _ => (None, None),
    };
    let placement = &facts.placement;
    let decision = placement
        .decision
        .as_ref()
        .and_then(|decision| serde_json::to_string(decision).ok());
    let version = |version: u64| i64::try_from(version).unwrap_or(i64::MAX);
    let mut params = [
        Param::from(settings.tenant.id.as_bytes()),
        facts.id.as_bytes().into(),
        facts
            .connection
            .as_ref()
            .map(directory::ConnectionId::as_bytes)
            .into(),
        (&keys.user_name).into(),
        (&facts.account_name).into(),
        (&keys.account).into(),
        keys.external_id.as_ref().into(),
        keys.email.as_ref().into(),
        facts.display_name_derived.into(),
        facts.lifecycle.is_visible().into(),
        facts.lifecycle.idp_state().name().into(),
        facts.lifecycle.hold().name().into(),
        facts.lifecycle.status().name().into(),
        preservation.map(|preservation| preservation.cause.name()).into(),
        preservation.map(|preservation| &preservation.by).into(),
        preservation.map(|preservation| preservation.at).into(),
        preservation.and_then(|preservation| preservation.purge_at).into(),
        placement
            .profile
            .as_ref()
            .map(directory::ProfileId::as_bytes)
            .into(),
        placement
            .storage
            .as_ref()
            .map(directory::StorageId::as_bytes)
            .into(),
        placement.own_quota.map(|quota| version(quota.get())).into(),
        decision.as_ref().into(),
        version(facts.version).into(),
        facts.created.into(),
        facts.modified.into(),
        (&record.document).into(),
        placement.doubt.map(directory::Doubt::name).into(),
        held_since.into(),
        facts.legal_hold.into(),
        placement.pins.bits().into(),
        (facts.name_claim == NameClaim::GivenUp).into(),
        judged.into(),
        Param::Null,
    ];
    let Some(expected) = expected_version else {
        return run(&params[..31]);
    };
    params[31] = version(expected).into();
    run(&params)
}
