//! An identity provider deletes a user: the account is preserved, and no longer seen by it.

use directory::{ConnectionId, Ctx, EventKind, Mark};
use store::Tx;

use super::{place, record, show};
use crate::Error;

/// Deletes the user as the identity provider sees it.
///
/// # Errors
/// SCIM's 404.
pub fn delete(tx: &mut Tx<'_>, ctx: &Ctx, connection: ConnectionId, id: &str) -> Result<(), Error> {
    let settings = tx.settings(ctx.tenant)?;
    let before = show(tx, ctx, connection, id)?;
    let mut user = before.clone().open();
    let mark = Mark {
        by: ctx.actor.name(),
        at: ctx.now,
        purge_days: place::purge_days(&settings, &user.facts),
    };
    user.facts.connection = Some(connection);
    user.facts.lifecycle = user.facts.lifecycle.delete(mark);
    record::changed(tx, ctx, &settings, user, before, EventKind::UserDeleted).map(drop)
}
