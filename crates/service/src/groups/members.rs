//! Who comes into a group and who leaves it.

use std::collections::BTreeSet;

use directory::{Ctx, Group, Settings, UserId};
use scim::MemberChange;
use store::groups;
use store::users::Scope;
use store::{Tx, due};

use crate::{Error, users};

/// Whether the ids of members are looked at one by one, or many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Each: it is known who came in.
    Each,
    /// Many at once: that costs few round trips, and it is not known.
    Many,
}

/// Whether somebody is in the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Member,
    Outside,
}

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
    let settings = tx.settings(ctx.tenant)?;
    let mut push = Push {
        tx,
        ctx,
        group,
        care: if count > FEW { Care::Many } else { Care::Each },
        matters: users::are_groups_mapped(&settings),
        moved: BTreeSet::new(),
        has_added: false,
    };
    let mut has_changed = false;
    let mut changes = changes.iter().peekable();
    while let Some(change) = changes.next() {
        has_changed |= match change {
            MemberChange::Add(ids) => push.add(&bytes_of(ids))?,
            MemberChange::Remove(ids) => push.remove(&bytes_of(ids))?,
            MemberChange::Clear => match changes.next_if(|next| matches!(next, MemberChange::Add(_))) {
                Some(MemberChange::Add(ids)) if !ids.is_empty() => push.replace(&bytes_of(ids))?,
                _ => push.clear()?,
            },
        };
    }
    push.decide(&settings)?;
    Ok(has_changed)
}

/// Members who come and go in one request.
struct Push<'p, 'c> {
    tx: &'p mut Tx<'c>,
    ctx: &'p Ctx,
    group: &'p Group,
    care: Care,
    /// Whether a membership can change anybody's place.
    matters: bool,
    /// Those about whom the mappings are to decide again, once all have come and gone.
    moved: BTreeSet<[u8; 16]>,
    /// Whether anybody came.
    has_added: bool,
}

impl Push<'_, '_> {
    fn add(&mut self, ids: &BTreeSet<[u8; 16]>) -> Result<bool, Error> {
        let (tenant, group) = (self.ctx.tenant, self.group);
        if self.care == Care::Many {
            let ids = self.of_many(ids, Is::Outside)?;
            groups::add_members(self.tx, tenant, group, &ids)?;
            return Ok(self.note(ids));
        }
        let mut changed = Vec::new();
        for id in ids {
            if groups::add_member(self.tx, tenant, group, id)? {
                changed.push(*id);
            }
        }
        self.has_added |= !changed.is_empty();
        Ok(self.note(changed))
    }

    fn remove(&mut self, ids: &BTreeSet<[u8; 16]>) -> Result<bool, Error> {
        let (tenant, group) = (self.ctx.tenant, self.group.id);
        if self.care == Care::Many {
            let ids = self.of_many(ids, Is::Member)?;
            groups::remove_members(self.tx, tenant, group, &ids)?;
            return Ok(self.note(ids));
        }
        let mut changed = Vec::new();
        for id in ids {
            if groups::remove_member(self.tx, tenant, group, id)? {
                changed.push(*id);
            }
        }
        Ok(self.note(changed))
    }

    /// Of many, those who are members or who are not, where that matters: who stays is not decided about.
    fn of_many(&mut self, ids: &BTreeSet<[u8; 16]>, wanted: Is) -> Result<Vec<[u8; 16]>, Error> {
        let mut many: Vec<_> = ids.iter().copied().collect();
        if self.matters {
            let members = groups::members_among(self.tx, self.ctx.tenant, self.group.id, &many)?;
            many.retain(|id| members.contains(id) == (wanted == Is::Member));
        }
        Ok(many)
    }

    /// Notes who came or went; says whether anybody did.
    fn note(&mut self, ids: Vec<[u8; 16]>) -> bool {
        let has_changed = !ids.is_empty();
        self.moved.extend(ids);
        has_changed
    }

    /// All members are those of `ids` now; who stays is not written.
    fn replace(&mut self, ids: &BTreeSet<[u8; 16]>) -> Result<bool, Error> {
        let known: BTreeSet<_> = groups::member_ids(self.tx, self.ctx.tenant, self.group.id, usize::MAX)?
            .into_iter()
            .collect();
        let gone: BTreeSet<_> = known.difference(ids).copied().collect();
        let new: BTreeSet<_> = ids.difference(&known).copied().collect();
        if gone.len() > FEW {
            self.care = Care::Many;
        }
        let has_lost = self.remove(&gone)?;
        Ok(self.add(&new)? || has_lost)
    }

    fn clear(&mut self) -> Result<bool, Error> {
        if self.matters {
            due::put_members(self.tx, self.ctx.tenant, self.group.id, self.ctx.now)?;
        }
        Ok(groups::clear(self.tx, self.ctx.tenant, self.group.id)?)
    }

    /// Lets the mappings decide about few users at once, and about many, or those of a group within, beside requests.
    fn decide(self, settings: &Settings) -> Result<(), Error> {
        let change = if self.has_added {
            users::Change::Groups
        } else {
            users::Change::LeftGroups
        };
        let Self { tx, ctx, moved, .. } = self;
        if !self.matters {
            return Ok(());
        }
        let ids: Vec<_> = moved.into_iter().collect();
        // With rivals also about those who are decided about at once: one of them may be writing them just now.
        let for_all = self.care == Care::Many || tx.has_rivals();
        if for_all {
            due::put(tx, ctx.tenant, &ids, ctx.now)?;
        }
        if self.care == Care::Many {
            return Ok(());
        }
        for id in ids {
            let user = match UserId::from_bytes(&id) {
                Some(id) => store::users::by_id(tx, ctx.tenant, Scope::All, id)?,
                None => None,
            };
            match user {
                Some(user) => users::decide_again(tx, ctx, settings, user, change)?,
                None if for_all => {}
                None => due::put(tx, ctx.tenant, &[id], ctx.now)?,
            }
        }
        Ok(())
    }
}

/// Users' ids and groups' have one form.
fn bytes_of(ids: &[String]) -> BTreeSet<[u8; 16]> {
    ids.iter()
        .filter_map(|id| UserId::parse(id.trim()))
        .map(|id| *id.as_bytes())
        .collect()
}
