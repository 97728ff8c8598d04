//! Administrators: invited, signed in, changed, removed. Passwords come in hashed: that takes long, and no transaction waits
//! for it.

use directory::{
    Administrator, AdministratorId, Ctx, Event, EventKind, Invitation, ProfileId, Refusal, Role,
    SecondFactor, Secret, Session, SessionId, Settings, TenantId, Thing, Timestamp, TokenHash,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::Tx;
use store::administrators as stored;

use crate::Error;
use crate::settings::named;

/// Whom an owner invites.
#[derive(Debug, Clone)]
pub struct NewAdministrator {
    /// The address to sign in with.
    pub email: String,
    /// What events call the person; the address where nothing is said.
    pub name: Option<String>,
    /// What it may do.
    pub role: Role,
    /// Names of the profiles that it is limited to.
    pub profiles: Option<Vec<String>>,
    /// The invitation's text, of fresh randomness.
    pub invitation: Secret,
}

/// Invites somebody; who has the invitation's text may choose the password.
///
/// # Errors
/// [`Refusal::BadSetting`], [`Refusal::NameTaken`], [`Refusal::Unknown`] for a profile.
pub fn invite(tx: &mut Tx<'_>, ctx: &Ctx, new: &NewAdministrator) -> Result<Administrator, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let email = address(&new.email)?;
    if stored::by_email(tx, ctx.tenant, &email)?.is_some() {
        return Err(Refusal::NameTaken {
            thing: Thing::Administrator,
            name: email,
        }
        .into());
    }
    let one = Administrator {
        id: AdministratorId::from(ctx.ids.first()),
        name: name_of(new.name.as_deref(), &email)?,
        email,
        role: new.role,
        profiles: limited(&settings, new.profiles.as_deref())?,
        password: None,
        second: SecondFactor::default(),
        invitation: Some(invitation(ctx, &new.invitation)),
        created: ctx.now,
        last_seen: None,
    };
    stored::put(tx, ctx.tenant, &one)?;
    append(tx, ctx, EventKind::AdministratorInvited, &one);
    Ok(one)
}

/// What stands for the address of the first owner, until the person gives one.
const FIRST: &str = "first owner";

/// Invites whoever gets hold of `text` first, as an owner: nobody can invite anybody before.
///
/// # Errors
/// The store's.
pub fn invite_first(tx: &mut Tx<'_>, ctx: &Ctx, text: &Secret) -> Result<(), Error> {
    let one = Administrator {
        id: AdministratorId::from(ctx.ids.first()),
        name: FIRST.to_owned(),
        email: FIRST.to_owned(),
        role: Role::Owner,
        profiles: None,
        password: None,
        second: SecondFactor::default(),
        invitation: Some(invitation(ctx, text)),
        created: ctx.now,
        last_seen: None,
    };
    stored::put(tx, ctx.tenant, &one)?;
    append(tx, ctx, EventKind::AdministratorInvited, &one);
    Ok(())
}

/// Whether an invitation names no address, so that the person gives one.
pub fn is_first(one: &Administrator) -> bool {
    one.email == FIRST
}

/// The address that an invited person will sign in with.
///
/// # Errors
/// [`Refusal::BadSetting`] where it is to be given, and is none.
pub fn address_of(one: &Administrator, given: Option<&str>) -> Result<String, Refusal> {
    if is_first(one) {
        address(given.unwrap_or_default())
    } else {
        Ok(one.email.clone())
    }
}

/// Invites somebody again, who lost the password or the codes: what was there before opens nothing any more.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn invite_again(tx: &mut Tx<'_>, ctx: &Ctx, who: &str, text: &Secret) -> Result<Administrator, Error> {
    tx.lock_settings()?;
    let before = find(tx, ctx, who)?;
    let one = Administrator {
        password: None,
        second: SecondFactor::default(),
        invitation: Some(invitation(ctx, text)),
        ..before
    };
    stored::put(tx, ctx.tenant, &one)?;
    stored::end_sessions(tx, ctx.tenant, one.id)?;
    append(tx, ctx, EventKind::AdministratorInvited, &one);
    Ok(one)
}

fn invitation(ctx: &Ctx, text: &Secret) -> Invitation {
    Invitation {
        hash: text.hash(),
        ends: ctx
            .now
            .saturating_add(Invitation::LASTS)
            .unwrap_or(Timestamp::MAX),
    }
}

/// Whom an open invitation invites, and where.
///
/// # Errors
/// [`Refusal::VoidInvitation`].
pub fn invited(tx: &mut Tx<'_>, text: &Secret, now: Timestamp) -> Result<(TenantId, Administrator), Error> {
    let found = stored::by_invitation(tx, text.hash())?;
    let is_open = |(_, one): &(TenantId, Administrator)| one.invitation.is_some_and(|open| now < open.ends);
    found
        .filter(is_open)
        .ok_or_else(|| Refusal::VoidInvitation.into())
}

/// Takes the password (its hash) of somebody who was invited, and will sign in with `email`; the invitation is void then.
///
/// # Errors
/// [`Refusal::VoidInvitation`]; [`Refusal::NameTaken`] where somebody else has the address.
pub fn accept(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    text: &Secret,
    email: &str,
    password: &str,
) -> Result<Administrator, Error> {
    tx.lock_settings()?;
    let (_, before) = invited(tx, text, ctx.now)?;
    let holder = stored::by_email(tx, ctx.tenant, email)?;
    if holder.is_some_and(|holder| holder.id != before.id) {
        return Err(Refusal::NameTaken {
            thing: Thing::Administrator,
            name: email.to_owned(),
        }
        .into());
    }
    let name = if is_first(&before) {
        email.to_owned()
    } else {
        before.name.clone()
    };
    let one = Administrator {
        name,
        email: email.to_owned(),
        password: Some(password.to_owned()),
        invitation: None,
        ..before
    };
    stored::put(tx, ctx.tenant, &one)?;
    append(tx, ctx, EventKind::AdministratorJoined, &one);
    Ok(one)
}

/// What an owner says of an administrator; what is left out stays.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdministratorChange {
    /// What events call the person.
    pub name: Option<String>,
    /// What it may do.
    pub role: Option<Role>,
    /// Names of the profiles that it is limited to; `Some(None)` ends the limit.
    #[serde(default, deserialize_with = "crate::settings::told")]
    pub profiles: Option<Option<Vec<String>>>,
}

/// Changes an administrator.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::LastOne`] for the last owner.
pub fn set(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    who: &str,
    change: &AdministratorChange,
) -> Result<Administrator, Error> {
    let settings = tx.settings_to_change(ctx.tenant)?;
    let before = find(tx, ctx, who)?;
    let one = Administrator {
        name: match &change.name {
            Some(name) => name_of(Some(name), &before.email)?,
            None => before.name.clone(),
        },
        role: change.role.unwrap_or(before.role),
        profiles: match &change.profiles {
            Some(names) => limited(&settings, names.as_deref())?,
            None => before.profiles.clone(),
        },
        ..before.clone()
    };
    if is_whole_owner(&before) && !is_whole_owner(&one) {
        keep_an_owner(tx, ctx, &before)?;
    }
    stored::put(tx, ctx.tenant, &one)?;
    append(tx, ctx, EventKind::AdministratorChanged, &one);
    Ok(one)
}

/// Removes an administrator, who is signed out at once.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::LastOne`] for the last owner.
pub fn remove(tx: &mut Tx<'_>, ctx: &Ctx, who: &str) -> Result<Administrator, Error> {
    tx.lock_settings()?;
    let one = find(tx, ctx, who)?;
    if is_whole_owner(&one) {
        keep_an_owner(tx, ctx, &one)?;
    }
    stored::remove(tx, ctx.tenant, one.id)?;
    append(tx, ctx, EventKind::AdministratorRemoved, &one);
    Ok(one)
}

fn is_whole_owner(one: &Administrator) -> bool {
    one.role == Role::Owner && one.profiles.is_none()
}

fn keep_an_owner(tx: &mut Tx<'_>, ctx: &Ctx, leaving: &Administrator) -> Result<(), Error> {
    let others = stored::all(tx, ctx.tenant)?;
    if others
        .iter()
        .any(|one| one.id != leaving.id && is_whole_owner(one) && !is_first(one))
    {
        return Ok(());
    }
    Err(Refusal::LastOne {
        thing: Thing::Administrator,
        name: leaving.email.clone(),
    }
    .into())
}

/// The administrator with this address or id.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn find(tx: &mut Tx<'_>, ctx: &Ctx, who: &str) -> Result<Administrator, Error> {
    let found = match AdministratorId::parse(who.trim()) {
        Some(id) => stored::by_id(tx, ctx.tenant, id)?,
        None => stored::by_email(tx, ctx.tenant, who)?,
    };
    found.ok_or_else(|| {
        Refusal::Unknown {
            thing: Thing::Administrator,
            name: who.chars().take(100).collect(),
            known: Vec::new(),
        }
        .into()
    })
}

/// Takes a new password; whoever else is signed in as this person is signed out.
///
/// # Errors
/// The store's.
pub fn set_password(tx: &mut Tx<'_>, ctx: &Ctx, id: AdministratorId, password: &str) -> Result<(), Error> {
    tx.lock_settings()?;
    let before = find(tx, ctx, &id.to_string())?;
    let one = Administrator {
        password: Some(password.to_owned()),
        ..before
    };
    stored::put(tx, ctx.tenant, &one)?;
    stored::end_sessions(tx, ctx.tenant, id)?;
    append(tx, ctx, EventKind::AdministratorChanged, &one);
    Ok(())
}

/// Takes another way to prove oneself beside the password, or none.
///
/// # Errors
/// The store's.
pub fn set_second(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    id: AdministratorId,
    second: &SecondFactor,
) -> Result<(), Error> {
    tx.lock_settings()?;
    let before = find(tx, ctx, &id.to_string())?;
    let one = Administrator {
        second: second.clone(),
        ..before
    };
    stored::put(tx, ctx.tenant, &one)?;
    append(tx, ctx, EventKind::AdministratorChanged, &one);
    Ok(())
}

/// The hash of a recovery code, as it is kept.
pub fn recovery_hash(code: &str) -> String {
    use std::fmt::Write as _;
    let plain: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let digest = Sha256::digest(plain.as_bytes());
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Takes a recovery code, which is gone then; says whether it was one.
///
/// # Errors
/// The store's.
pub fn take_recovery(tx: &mut Tx<'_>, ctx: &Ctx, id: AdministratorId, code: &str) -> Result<bool, Error> {
    tx.lock_settings()?;
    let mut one = find(tx, ctx, &id.to_string())?;
    let hash = recovery_hash(code);
    let before = one.second.recovery.len();
    one.second.recovery.retain(|known| *known != hash);
    if one.second.recovery.len() == before {
        return Ok(false);
    }
    stored::put(tx, ctx.tenant, &one)?;
    Ok(true)
}

/// What a sign-in brings along.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The session's secret, of fresh randomness.
    pub secret: Secret,
    /// What requests that change something repeat.
    pub csrf: String,
    /// Where the person is.
    pub address: String,
    /// With what.
    pub agent: String,
}

/// Signs somebody in, who has shown what `known` asks for; nobody where that is another by now: a password that was changed
/// meanwhile opens nothing.
///
/// # Errors
/// The store's.
pub fn sign_in(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    known: &Administrator,
    new: &SignIn,
) -> Result<Option<Session>, Error> {
    tx.lock_settings()?;
    let one = stored::by_id(tx, ctx.tenant, known.id)?;
    let is_same =
        |one: &Administrator| one.password == known.password && one.second.secret == known.second.secret;
    let Some(one) = one.filter(is_same) else {
        return Ok(None);
    };
    let session = Session {
        id: SessionId::from(ctx.ids.first()),
        tenant: ctx.tenant,
        administrator: one.id,
        csrf: new.csrf.clone(),
        created: ctx.now,
        seen: ctx.now,
        address: new.address.clone(),
        agent: new.agent.clone(),
    };
    for old in stored::sessions(tx, ctx.tenant, one.id)? {
        if old.ends() <= ctx.now {
            stored::end_session(tx, ctx.tenant, old.id)?;
        }
    }
    stored::put_session(tx, &session, new.secret.hash())?;
    stored::use_session(tx, &session, ctx.now)?;
    append(tx, ctx, EventKind::AdministratorSignedIn, &one);
    Ok(Some(session))
}

/// The session with this secret and whose it is, if it is not over.
///
/// # Errors
/// The store's.
pub fn session(
    tx: &mut Tx<'_>,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<(Session, Administrator)>, Error> {
    let Some(session) = stored::session_by_hash(tx, hash)?.filter(|session| now < session.ends()) else {
        return Ok(None);
    };
    let one = stored::by_id(tx, session.tenant, session.administrator)?;
    Ok(one.map(|one| (session, one)))
}

fn limited(settings: &Settings, names: Option<&[String]>) -> Result<Option<Vec<ProfileId>>, Refusal> {
    let Some(names) = names else { return Ok(None) };
    let ids = names
        .iter()
        .map(|name| named(&settings.profiles, name).map(|profile| profile.id));
    ids.collect::<Result<_, _>>().map(Some)
}

fn address(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let is_address = text.len() <= 254
        && text
            .split_once('@')
            .is_some_and(|(who, at)| !who.is_empty() && at.contains('.'))
        && !text
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control());
    if is_address {
        Ok(text.to_owned())
    } else {
        let given: String = text.chars().take(100).collect();
        Err(Refusal::BadSetting {
            detail: format!("{given:?} is no e-mail address."),
        })
    }
}

fn name_of(name: Option<&str>, email: &str) -> Result<String, Refusal> {
    directory::Name::parse(name.unwrap_or(email)).map(|name| name.to_string())
}

fn append(tx: &mut Tx<'_>, ctx: &Ctx, kind: EventKind, one: &Administrator) {
    let data = json!({"administrator": {
        "id": one.id,
        "email": one.email,
        "name": one.name,
        "role": one.role.name(),
        "profiles": one.profiles,
        "hasCodes": one.second.secret.is_some(),
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
