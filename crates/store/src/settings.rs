//! Settings: loaded whole, remembered for one generation, and checked against it in every transaction, so that a
//! change made by another process is seen at once.

use std::sync::Arc;

use directory::{Connection, DeclaredAttribute, Mapping, Name, Profile, Settings, Storage, Tenant, TenantId};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::sql::{params, statements};
use crate::{Error, Tx};

statements! {
    GENERATION = "SELECT value FROM meta WHERE name = 'settings_generation'";
    NEXT_GENERATION = "UPDATE meta SET value = value + 1 WHERE name = 'settings_generation'";
    TENANT = "SELECT body FROM tenants WHERE id = ?1";
    TENANT_BY_NAME = "SELECT body FROM tenants WHERE name_key = ?1";
    TENANTS = "SELECT body FROM tenants ORDER BY name_key";
    PUT_TENANT = "INSERT INTO tenants (id, name_key, body) VALUES (?1, ?2, ?3)
                  ON CONFLICT (id) DO UPDATE SET name_key = excluded.name_key, body = excluded.body";
    REMOVE_TENANT = "DELETE FROM tenants WHERE id = ?1";
    REMOVE_ALL = "DELETE FROM settings WHERE tenant = ?1";
    ALL = "SELECT kind, body FROM settings WHERE tenant = ?1 ORDER BY kind, name_key";
    PUT = "INSERT INTO settings (tenant, kind, id, name_key, body) VALUES (?1, ?2, ?3, ?4, ?5)
           ON CONFLICT (tenant, kind, id) DO UPDATE SET name_key = excluded.name_key, body = excluded.body";
    BODY = "SELECT body FROM settings WHERE tenant = ?1 AND kind = ?2 AND id = ?3";
    REMOVE = "DELETE FROM settings WHERE tenant = ?1 AND kind = ?2 AND id = ?3";
}

/// A kind of setting that belongs to a tenant.
pub trait Setting: Serialize + DeserializeOwned {
    /// What the table calls it.
    const KIND: &'static str;
    /// Its id.
    fn key(&self) -> Uuid;
    /// Its name, folded: unique in the tenant among its kind.
    fn name_key(&self) -> String;
}

macro_rules! setting {
    ($type:ty, $kind:literal) => {
        impl Setting for $type {
            const KIND: &'static str = $kind;

            fn key(&self) -> Uuid {
                Uuid::from_bytes(*self.id.as_bytes())
            }

            fn name_key(&self) -> String {
                self.name.key()
            }
        }
    };
}
setting!(Connection, "connection");
setting!(Profile, "profile");
setting!(Storage, "storage");
setting!(Mapping, "mapping");

impl Setting for DeclaredAttribute {
    const KIND: &'static str = "attribute";

    fn key(&self) -> Uuid {
        Uuid::from_bytes(*self.id.as_bytes())
    }

    fn name_key(&self) -> String {
        format!("{}:{}", self.urn, self.name).to_ascii_lowercase()
    }
}

/// Adds the setting or takes its new form.
pub fn put<S: Setting>(tx: &mut Tx<'_>, tenant: TenantId, setting: &S) -> Result<(), Error> {
    let (id, body) = (setting.key(), to_text(setting)?);
    tx.run(
        PUT,
        params![
            tenant.as_bytes(),
            S::KIND,
            id.as_bytes(),
            &setting.name_key(),
            &body
        ],
    )?;
    tx.settings_changed()
}

/// Removes the setting.
pub fn remove<S: Setting>(tx: &mut Tx<'_>, tenant: TenantId, setting: &S) -> Result<(), Error> {
    tx.run_one(
        REMOVE,
        params![tenant.as_bytes(), S::KIND, setting.key().as_bytes()],
    )?;
    tx.settings_changed()
}

/// What is stored of this setting.
pub fn stored<S: Setting>(tx: &mut Tx<'_>, tenant: TenantId, setting: &S) -> Result<Option<S>, Error> {
    let id = setting.key();
    tx.one(BODY, params![tenant.as_bytes(), S::KIND, id.as_bytes()], |row| {
        from_text(row.text(0)?)
    })
}

/// Adds the tenant or takes its new form.
pub fn put_tenant(tx: &mut Tx<'_>, tenant: &Tenant) -> Result<(), Error> {
    tx.run(
        PUT_TENANT,
        params![tenant.id.as_bytes(), &tenant.name.key(), &to_text(tenant)?],
    )?;
    tx.settings_changed()
}

/// Removes the tenant with its settings.
pub fn remove_tenant(tx: &mut Tx<'_>, tenant: TenantId) -> Result<(), Error> {
    tx.run(REMOVE_ALL, params![tenant.as_bytes()])?;
    tx.run_one(REMOVE_TENANT, params![tenant.as_bytes()])?;
    tx.settings_changed()
}

/// The tenant with this name.
pub fn tenant_by_name(tx: &mut Tx<'_>, name: &Name) -> Result<Option<Tenant>, Error> {
    tx.one(TENANT_BY_NAME, params![&name.key()], |row| {
        from_text(row.text(0)?)
    })
}

/// All tenants, by name.
pub fn tenants(tx: &mut Tx<'_>) -> Result<Vec<Tenant>, Error> {
    tx.all(TENANTS, &[], |row| from_text(row.text(0)?))
}

pub(crate) fn load(tx: &mut Tx<'_>, id: TenantId) -> Result<Settings, Error> {
    let tenant: Option<Tenant> = tx.one(TENANT, params![id.as_bytes()], |row| from_text(row.text(0)?))?;
    let tenant = tenant.ok_or(Error::Unreadable { what: "tenant" })?;
    let bodies = tx.all(ALL, params![id.as_bytes()], |row| {
        Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned()))
    })?;
    let mut mappings: Vec<Mapping> = of_kind(&bodies)?;
    mappings.sort_by_key(|mapping| mapping.position);
    let declared: Vec<DeclaredAttribute> = of_kind(&bodies)?;
    let schemas = Arc::new(Settings::schemas_of(&tenant, &declared));
    Ok(Settings {
        tenant,
        connections: of_kind(&bodies)?,
        profiles: of_kind(&bodies)?,
        storages: of_kind(&bodies)?,
        mappings,
        declared,
        schemas,
    })
}

fn of_kind<S: Setting>(bodies: &[(String, String)]) -> Result<Vec<S>, Error> {
    bodies
        .iter()
        .filter(|(kind, _)| kind == S::KIND)
        .map(|(_, body)| from_text(body))
        .collect()
}

/// Counts the changes of settings and tokens in the whole database.
pub fn generation(tx: &mut Tx<'_>) -> Result<i64, Error> {
    Ok(tx.one(GENERATION, &[], |row| row.integer(0))?.unwrap_or_default())
}

pub(crate) fn next_generation(tx: &mut Tx<'_>) -> Result<(), Error> {
    tx.run_one(NEXT_GENERATION, &[])
}

fn to_text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::Unreadable { what: "setting" })
}

fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::Unreadable { what: "setting" })
}
