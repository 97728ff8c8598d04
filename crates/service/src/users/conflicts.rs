//! What must be unique, and whom a clash is with.

use directory::{ConnectionId, Ctx, Facts, Record, Refusal, Settings, Status, User};
use store::Tx;

use crate::Error;

/// Refuses a user whose names are another's. Only visible users own names.
pub(super) fn check(
    tx: &mut Tx<'_>,
    settings: &Settings,
    user: &User,
    before: Option<&User>,
) -> Result<(), Error> {
    let connection = user.facts.connection;
    let tenant = settings.tenant.id;
    let user_name = user.user_name()?;
    let key = Facts::key_of(user_name);
    let renamed =
        before.is_none_or(|before| before.user_name().map(Facts::key_of).ok().as_ref() != Some(&key));
    if renamed && let Some(holder) = another(store::users::by_user_name(tx, tenant, &key)?, user) {
        return Err(user_name_taken(settings, connection, user_name, &holder).into());
    }
    // A manual user's externalId is from a connection that is no more, and means nothing to another.
    if let (Some(external_id), Some(managing)) = (user.external_id(), connection)
        && before.is_none_or(|before| {
            before.external_id() != Some(external_id) || before.facts.connection != connection
        })
        && let Some(holder) = another(
            store::users::by_external_id(tx, tenant, managing, external_id)?,
            user,
        )
    {
        let holder = describe(settings, connection, &holder);
        return Err(Refusal::ExternalIdTaken {
            external_id: external_id.to_owned(),
            holder,
        }
        .into());
    }
    // What was so before is no reason to refuse a change, which may be a leaver's.
    if before.is_some_and(|before| before.email().map(Facts::key_of) == user.email().map(Facts::key_of)) {
        return Ok(());
    }
    check_email(tx, settings, user)
}

fn check_email(tx: &mut Tx<'_>, settings: &Settings, user: &User) -> Result<(), Error> {
    let Some(email) = user.email().filter(|_| settings.tenant.unique_email) else {
        return Ok(());
    };
    tx.lock_tenant(settings.tenant.id)?;
    let holders = store::users::by_email(tx, settings.tenant.id, &Facts::key_of(email))?;
    let holder = holders
        .into_iter()
        .find(|holder| holder.facts.id != user.facts.id && holder.facts.lifecycle.is_visible());
    match holder {
        Some(holder) => {
            let holder = describe(settings, user.facts.connection, &holder);
            Err(Refusal::EmailTaken {
                email: email.to_owned(),
                holder,
            }
            .into())
        }
        None => Ok(()),
    }
}

/// The refusal that names who has the `userName`.
pub(super) fn user_name_taken(
    settings: &Settings,
    viewer: Option<ConnectionId>,
    user_name: &str,
    holder: &Record,
) -> Refusal {
    Refusal::UserNameTaken {
        user_name: user_name.to_owned(),
        holder: describe(settings, viewer, holder),
    }
}

/// The holder in words: status, and who manages it; its id only to a connection that may see it, or an administrator.
pub(super) fn describe(settings: &Settings, viewer: Option<ConnectionId>, holder: &Record) -> String {
    let status = holder.facts.lifecycle.status().name();
    match holder.facts.connection {
        Some(other) if viewer.is_some_and(|viewer| viewer != other) => {
            let name = settings
                .connection(other)
                .map_or("another connection", |other| other.name.as_str());
            let article = if status.starts_with('a') { "an" } else { "a" };
            format!("{article} {status} user that the connection \"{name}\" manages has it")
        }
        _ => format!("the {status} user {} has it", holder.facts.id),
    }
}

/// Two external ids for what may be one person.
pub(super) struct DifferentIds {
    known: String,
    given: String,
}

impl DifferentIds {
    pub(super) fn refusal(self, user_name: &str) -> Refusal {
        Refusal::DifferentPerson {
            user_name: user_name.to_owned(),
            known: self.known,
            given: self.given,
        }
    }
}

/// The external ids of two states of a user, where both have one and they differ.
pub(super) fn different_ids(known: &User, given: &User) -> Option<DifferentIds> {
    let (known, given) = (known.external_id()?, given.external_id()?);
    (known != given).then(|| DifferentIds {
        known: known.to_owned(),
        given: given.to_owned(),
    })
}

/// Their external ids, where they say that a visible user and the one of a request are two people. What a connection that
/// is no more called a manual user says nothing about who works under that name now; who left it is another matter,
/// unless one identity provider replaces another.
pub(super) fn another_person(
    ctx: &Ctx,
    settings: &Settings,
    known: &User,
    given: &User,
) -> Option<DifferentIds> {
    let says_nothing = known.facts.connection.is_none()
        && (known.facts.lifecycle.status() != Status::Preserved
            || settings.tenant.accepts_new_external_ids(ctx.now));
    different_ids(known, given).filter(|_| !says_nothing)
}

fn another(found: Option<Record>, user: &User) -> Option<Record> {
    found.filter(|found| found.facts.id != user.facts.id)
}
