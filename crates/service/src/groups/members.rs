//! Who comes into a group and who leaves it.

use std::collections::HashSet;

use directory::{Ctx, Group, UserId};
use scim::MemberChange;
use store::Tx;
use store::groups::{self, Care};

use crate::Error;

/// More members than this in one request are not looked at one by one.
const FEW: usize = 20;

/// Carries out `changes` in their order; says whether anything changed. Who does not exist, or belongs to another connection, is
/// passed over: one bad id must not stop a push.
pub(super) fn change(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    group: &Group,
    changes: &[MemberChange],
) -> Result<bool, Error> {
    let count: usize = changes
        .iter()
        .map(|change| match change {
            MemberChange::Add(ids) | MemberChange::Remove(ids) => ids.len(),
            MemberChange::Clear => 0,
        })
        .sum();
    let care = if count > FEW { Care::Many } else { Care::Each };
    let mut has_changed = false;
    let mut changes = changes.iter().peekable();
    while let Some(change) = changes.next() {
        has_changed |= match change {
            MemberChange::Add(ids) => add(tx, ctx, group, &bytes_of(ids), care)?,
            MemberChange::Remove(ids) => remove(tx, ctx, group, &bytes_of(ids), care)?,
            MemberChange::Clear => match changes.next_if(|next| matches!(next, MemberChange::Add(_))) {
                Some(MemberChange::Add(ids)) if !ids.is_empty() => {
                    replace(tx, ctx, group, &bytes_of(ids), care)?
                }
                _ => groups::clear(tx, ctx.tenant, group.id)?,
            },
        };
    }
    Ok(has_changed)
}

/// All members are those of `ids` now; who stays is not written.
fn replace(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    group: &Group,
    ids: &HashSet<[u8; 16]>,
    care: Care,
) -> Result<bool, Error> {
    let known: HashSet<_> = groups::member_ids(tx, ctx.tenant, group.id, usize::MAX)?
        .into_iter()
        .collect();
    let gone: HashSet<_> = known.difference(ids).copied().collect();
    let new: HashSet<_> = ids.difference(&known).copied().collect();
    let care = if gone.len() > FEW { Care::Many } else { care };
    let has_lost = remove(tx, ctx, group, &gone, care)?;
    Ok(add(tx, ctx, group, &new, care)? || has_lost)
}

fn add(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    group: &Group,
    ids: &HashSet<[u8; 16]>,
    care: Care,
) -> Result<bool, Error> {
    let mut has_changed = false;
    for id in ids {
        has_changed |= groups::add_member(tx, ctx.tenant, group, id, care)?;
    }
    Ok(has_changed)
}

fn remove(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    group: &Group,
    ids: &HashSet<[u8; 16]>,
    care: Care,
) -> Result<bool, Error> {
    let mut has_changed = false;
    for id in ids {
        has_changed |= groups::remove_member(tx, ctx.tenant, group.id, id, care)?;
    }
    Ok(has_changed)
}

/// Users' ids and groups' have one form.
fn bytes_of(ids: &[String]) -> HashSet<[u8; 16]> {
    ids.iter()
        .filter_map(|id| UserId::parse(id.trim()))
        .map(|id| *id.as_bytes())
        .collect()
}
