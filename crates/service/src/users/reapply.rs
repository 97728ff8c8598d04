//! The mappings as they are now, applied to users who exist: looked at first, then done, stride by stride, so that the
//! server goes on.

use std::sync::Arc;

use directory::{Ctx, EventKind, Record, Settings, Status, UserId};
use store::Tx;

use super::outlook::Change;
pub use super::outlook::Outlook;
use super::{place, record};
use crate::Error;

/// Users in one transaction.
const STRIDE: i64 = 100;

/// What the mappings of `settings`, which need not be the tenant's yet, would do to each user with an id above `after` who is not
/// preserved, in the order in which they were created, each after those before it. Gives the last id that it looked at, or `None`
/// at the end; it looks at `most` users, give or take a stride. It changes nothing; `tx` is not to be written with.
///
/// # Errors
/// The store's.
pub fn preview(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    mut after: UserId,
    most: usize,
    mut visit: impl FnMut(&Record, Outlook<'_>, Record),
) -> Result<Option<UserId>, Error> {
    let mut looked = 0;
    while looked < most {
        let records = store::users::after(tx, ctx.tenant, after, STRIDE)?;
        let Some(last) = records.last() else {
            return Ok(None);
        };
        after = last.facts.id;
        looked += records.len();
        for before in records.iter().filter(|record| is_decided(record)) {
            let mut user = before.clone().open();
            let outlook = place::again(tx, ctx, settings, &mut user, Change::Nothing)?;
            store::counts::suppose(tx, ctx.tenant, Some(&before.facts), &user.facts);
            visit(before, outlook, user.into_record(settings));
        }
    }
    Ok(Some(after))
}

/// Does it to the users with ids above `after`; gives the last id that it looked at, or `None` at the end, and
/// how many changed.
///
/// # Errors
/// The store's.
pub fn reapply(tx: &mut Tx<'_>, ctx: &Ctx, after: UserId) -> Result<(Option<UserId>, usize), Error> {
    let settings: Arc<Settings> = tx.settings(ctx.tenant)?;
    let records = store::users::after(tx, ctx.tenant, after, STRIDE)?;
    let is_end = records.len() < usize::try_from(STRIDE).unwrap_or(usize::MAX);
    let last = records.last().map(|record| record.facts.id);
    let mut changed = 0;
    for before in records.into_iter().filter(is_decided) {
        let (version, mut user) = (before.facts.version, before.clone().open());
        let kind = match place::again(tx, ctx, &settings, &mut user, Change::Nothing)? {
            Outlook::Admitted => EventKind::UserAdmitted,
            _ => EventKind::UserPlaced,
        };
        let after = record::changed(tx, ctx, &settings, user, before, kind)?;
        changed += usize::from(after.facts.version != version);
    }
    Ok((last.filter(|_| !is_end), changed))
}

/// Preserved users are never decided again.
fn is_decided(record: &Record) -> bool {
    record.facts.lifecycle.status() != Status::Preserved
}
