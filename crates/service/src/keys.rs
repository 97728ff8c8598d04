//! API keys: made, taken, revoked.

use directory::{
    ApiKey, Ctx, Event, EventKind, KeyId, Name, Refusal, Role, Secret, TenantId, Thing, Timestamp, rfc3339,
};
use jiff::SignedDuration;
use serde_json::json;
use store::Tx;

use crate::Error;

/// What a new key shall be.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its text, of fresh randomness.
    pub secret: Secret,
    /// What people call it, unique among the keys that live.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Days that it is valid, 1 to 730.
    pub days: u32,
}

/// Makes a key.
///
/// # Errors
/// [`Refusal::BadName`], [`Refusal::NameTaken`], [`Refusal::BadSetting`].
pub fn create(tx: &mut Tx<'_>, ctx: &Ctx, new: &NewKey) -> Result<ApiKey, Error> {
    tx.lock_settings()?;
    if !directory::TOKEN_DAYS.contains(&new.days) {
        let detail = "An API key is valid for 1 to 730 days.".to_owned();
        return Err(Refusal::BadSetting { detail }.into());
    }
    let name = Name::parse(&new.name)?;
    let is_taken = |key: &ApiKey| key.revoked.is_none() && key.name.is(name.as_str());
    if store::keys::all(tx, ctx.tenant)?.iter().any(is_taken) {
        let (thing, name) = (Thing::Key, name.to_string());
        return Err(Refusal::NameTaken { thing, name }.into());
    }
    let days = SignedDuration::from_hours(24 * i64::from(new.days));
    let key = ApiKey {
        id: KeyId::from(ctx.ids.first()),
        name,
        role: new.role,
        created: ctx.now,
        expires: ctx.now.saturating_add(days).unwrap_or(Timestamp::MAX),
        revoked: None,
        last_used: None,
    };
    store::keys::insert(tx, ctx.tenant, &key, new.secret.hash())?;
    append(tx, ctx, EventKind::KeyCreated, &key);
    Ok(key)
}

/// Ends a key at once, by its id or name.
///
/// # Errors
/// [`Refusal::Unknown`], where no key that lives is meant.
pub fn revoke(tx: &mut Tx<'_>, ctx: &Ctx, text: &str) -> Result<ApiKey, Error> {
    tx.lock_settings()?;
    let wanted = KeyId::parse(text.trim());
    let live: Vec<_> = store::keys::all(tx, ctx.tenant)?
        .into_iter()
        .filter(|key| key.revoked.is_none())
        .collect();
    let unknown = Refusal::Unknown {
        thing: Thing::Key,
        name: text.to_owned(),
        known: live.iter().map(|key| key.name.to_string()).collect(),
    };
    let found = live
        .into_iter()
        .find(|key| Some(key.id) == wanted || key.name.is(text.trim()));
    let key = found.ok_or(unknown)?;
    store::keys::revoke(tx, ctx.tenant, key.id, ctx.now)?;
    let key = ApiKey {
        revoked: Some(ctx.now),
        ..key
    };
    append(tx, ctx, EventKind::KeyRevoked, &key);
    Ok(key)
}

/// All keys of the tenant, oldest first.
///
/// # Errors
/// The store's.
pub fn all(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Vec<ApiKey>, Error> {
    Ok(store::keys::all(tx, ctx.tenant)?)
}

/// The key with this secret and its tenant, live or not.
///
/// # Errors
/// The store's.
pub fn by_secret(tx: &mut Tx<'_>, secret: &Secret) -> Result<Option<(TenantId, ApiKey)>, Error> {
    Ok(store::keys::by_hash(tx, secret.hash())?)
}

/// Whether the key opens anything at `now`.
///
/// # Errors
/// The store's.
pub fn is_live(tx: &mut Tx<'_>, tenant: TenantId, id: KeyId, now: Timestamp) -> Result<bool, Error> {
    let keys = store::keys::all(tx, tenant)?;
    Ok(keys.iter().any(|key| key.id == id && key.is_live(now)))
}

fn append(tx: &mut Tx<'_>, ctx: &Ctx, kind: EventKind, key: &ApiKey) {
    let data = json!({"key": {
        "id": key.id,
        "name": key.name,
        "role": key.role.name(),
        "expires": rfc3339(key.expires),
    }});
    tx.append(
        ctx,
        Event {
            kind,
            user: None,
            data: data.to_string(),
        },
    );
}
