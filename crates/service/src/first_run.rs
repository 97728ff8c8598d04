//! An empty database becomes one that an identity provider can be connected to at once.

use directory::{
    Bytes, Condition, Connection, ConnectionId, ConnectionKind, Ctx, Mapping, MappingId, Name, NoTarget,
    OrHold, Outcome, Profile, ProfileId, Secret, Storage, StorageId, Tenant,
};
use store::Tx;

use crate::Error;
use crate::administrators;
use crate::settings::tenants;
use crate::tokens::{self, NewToken};

/// The name of the tenant, and of its first connection, profile and storage.
pub const DEFAULT: &str = "default";

/// Makes the tenant of `ctx` with a connection, profile, storage, the mapping `Everyone`, a token and an invitation of the
/// first owner, if the database has no tenant yet; says whether it did.
pub fn set_up(tx: &mut Tx<'_>, ctx: &Ctx, secret: &Secret, invitation: &Secret) -> Result<bool, Error> {
    tx.lock_settings()?;
    if !store::settings::tenants(tx)?.is_empty() {
        return Ok(false);
    }
    furnish(tx, ctx, &tenants::blank(ctx.tenant, Name::parse(DEFAULT)?))?;
    let new = NewToken {
        secret: secret.clone(),
        connection: DEFAULT.to_owned(),
        days: 365,
        grace_days: 7,
    };
    tokens::create(tx, ctx, &new)?;
    administrators::invite_first(tx, ctx, invitation)?;
    Ok(true)
}

/// Adds a tenant that an identity provider can be connected to: with a connection, profile and storage of the name
/// `default`, and the mapping `Everyone`.
pub(crate) fn furnish(tx: &mut Tx<'_>, ctx: &Ctx, tenant: &Tenant) -> Result<(), Error> {
    store::settings::put_tenant(tx, tenant)?;
    let name = Name::parse(DEFAULT)?;
    let connection = Connection {
        id: ConnectionId::from(ctx.ids.nth(1)),
        name: name.clone(),
        kind: ConnectionKind::Other,
        unmatched: OrHold::Refuse,
        no_target: NoTarget::Create,
    };
    let profile = Profile {
        id: ProfileId::from(ctx.ids.nth(2)),
        name: name.clone(),
        max_users: None,
        quota: Bytes::new(0),
        purge_days: 0,
        settings: scim::Object::new(),
    };
    let storage = Storage {
        id: StorageId::from(ctx.ids.nth(3)),
        name,
        region: "local".to_owned(),
    };
    let outcome = Outcome {
        profile: profile.id,
        storage: storage.id,
        quota: None,
        activation_mail: true,
    };
    let everyone = Mapping {
        id: MappingId::from(ctx.ids.nth(4)),
        name: Name::parse("Everyone")?,
        position: 1,
        condition: Condition::Any,
        connections: Vec::new(),
        outcome,
        since: Some(ctx.now),
    };
    store::settings::put(tx, ctx.tenant, &connection)?;
    store::settings::put(tx, ctx.tenant, &profile)?;
    store::settings::put(tx, ctx.tenant, &storage)?;
    store::settings::put(tx, ctx.tenant, &everyone)?;
    Ok(())
}
