//! Users, as identity providers and administrators deal with them.

mod administrate;
mod admit;
mod browse;
mod candidates;
mod conflicts;
mod create;
mod delete;
mod due;
mod find;
mod forget;
mod import;
mod list;
mod outlook;
mod place;
mod purge;
mod reapply;
mod record;
mod set;
mod update;

use directory::{ConnectionId, Ctx, Record, UserId};
use scim::{Error as ScimError, Kind};
use store::Tx;
use store::users::{Scope, by_id};

use crate::Error;

pub(crate) use administrate::release;
pub use administrate::{Person, activate, preserve, resolve, transfer};
pub use admit::{admit, is_anybody_held};
pub use browse::{Browse, Browsed, Total, browse};
pub use create::create;
pub use delete::delete;
pub(crate) use due::{are_groups_mapped, decide_again};
pub use due::{decide_due, is_any_decision_due, is_any_move_due, move_due};
pub use find::{Namesakes, all, find, namesakes};
pub use forget::forget;
pub use import::{Imported, Leaver, Newcomer, import, try_import};
pub use list::{Listing, Query, list, mark_page};
pub(crate) use outlook::Change;
pub(crate) use place::known_of;
pub use purge::{LegalHold, is_anybody_due, purge, purge_due, set_legal_hold};
pub use reapply::{Outlook, preview, reapply};
pub use set::{PlaceChange, set_place, unpin};
pub use update::{patch, replace};

/// The user with this id, as the connection sees it.
///
/// # Errors
/// SCIM's 404.
pub fn show(tx: &mut Tx<'_>, ctx: &Ctx, connection: ConnectionId, id: &str) -> Result<Record, Error> {
    let user = UserId::parse(id)
        .map(|id| by_id(tx, ctx.tenant, Scope::Connection(connection), id))
        .transpose()?;
    user.flatten()
        .ok_or_else(|| ScimError::new(Kind::NotFound, format!("There is no user with the id {id:?}.")).into())
}
