//! `provost admin`

use directory::{Administrator, Secret, Settings, rfc3339};
use serde_json::{Value, json};
use service::administrators::{self, AdministratorChange, NewAdministrator};

use super::{Session, shown, welcome};
use crate::cli;
use crate::exit::Failure;
use crate::output::{Reader, pretty, print};

pub(super) async fn run(session: &Session, command: cli::Admin) -> Result<(), Failure> {
    let settings = session.settings()?;
    match command {
        cli::Admin::List => list(session, &settings)?,
        cli::Admin::Add {
            email,
            role,
            name,
            profile,
        } => {
            let invitation = fresh()?;
            let new = NewAdministrator {
                email,
                name,
                role: role.0,
                profiles: Some(profile).filter(|names| !names.is_empty()),
                invitation: invitation.clone(),
            };
            let one = session
                .write(move |tx, ctx| administrators::invite(tx, ctx, &new))
                .await?;
            tell(session, &settings, &one, &invitation)?;
        }
        cli::Admin::Invite { email } => {
            let invitation = fresh()?;
            let text = invitation.clone();
            let one = session
                .write(move |tx, ctx| administrators::invite_again(tx, ctx, &email, &text))
                .await?;
            tell(session, &settings, &one, &invitation)?;
        }
        cli::Admin::Set {
            email,
            role,
            name,
            profile,
            all_profiles,
        } => {
            let limit = match profile.as_slice() {
                _ if all_profiles => Some(None),
                [] => None,
                names => Some(Some(names.to_vec())),
            };
            let change = AdministratorChange {
                name,
                role: role.map(|role| role.0),
                profiles: limit,
            };
            let one = session
                .write(move |tx, ctx| administrators::set(tx, ctx, &email, &change))
                .await?;
            let sentence = format!("{} is {} now.", one.email, one.role.name());
            session.reader.done(&sentence, &value(&one, &settings))?;
        }
        cli::Admin::Remove { email } => {
            let one = session
                .write(move |tx, ctx| administrators::remove(tx, ctx, &email))
                .await?;
            let sentence = format!("{} is no administrator any more, and is signed out.", one.email);
            session.reader.done(&sentence, &value(&one, &settings))?;
        }
    }
    Ok(())
}

fn fresh() -> Result<Secret, Failure> {
    server::clock::fresh_invitation().map_err(|error| Failure::found(format!("no randomness: {error}")))
}

/// The invitation's link alone on stdout, and what to do with it on stderr.
fn tell(
    session: &Session,
    settings: &Settings,
    one: &Administrator,
    invitation: &Secret,
) -> Result<(), Failure> {
    if session.reader == Reader::Program {
        let mut shown = value(one, settings);
        shown["invitation"] = invitation.reveal().into();
        shown["link"] = welcome::invitation_link(&session.console, invitation).into();
        return Ok(print(&pretty(&shown))?);
    }
    eprintln!(
        "{} may choose a password until {} with this link, which works once and is shown only now.",
        one.email,
        one.invitation.map_or_else(String::new, |open| shown(open.ends))
    );
    Ok(print(&welcome::invitation_link(&session.console, invitation))?)
}

fn list(session: &Session, settings: &Settings) -> Result<(), Failure> {
    let ctx = session.context();
    let all = session
        .store
        .read(|tx| Ok::<_, service::Error>(store::administrators::all(tx, ctx.tenant)?))?;
    let rows: Vec<_> = all
        .iter()
        .map(|one| {
            vec![
                one.email.clone(),
                one.name.clone(),
                one.role.name().to_owned(),
                profiles(one, settings).map_or("all".to_owned(), |names| names.join(", ")),
                if one.password.is_some() {
                    "joined"
                } else {
                    "invited"
                }
                .to_owned(),
                if one.second.secret.is_some() { "yes" } else { "no" }.to_owned(),
                one.last_seen.map_or("never".to_owned(), shown),
            ]
        })
        .collect();
    let columns = [
        "E-mail",
        "Name",
        "Role",
        "Profiles",
        "State",
        "Codes",
        "Last seen",
    ];
    session.reader.list(&columns, &rows, || {
        all.iter().map(|one| value(one, settings)).collect()
    })?;
    Ok(())
}

fn profiles(one: &Administrator, settings: &Settings) -> Option<Vec<String>> {
    let name = |&id: &directory::ProfileId| {
        settings
            .profile(id)
            .map_or_else(|| id.to_string(), |profile| profile.name.to_string())
    };
    one.profiles.as_ref().map(|ids| ids.iter().map(name).collect())
}

fn value(one: &Administrator, settings: &Settings) -> Value {
    json!({
        "id": one.id,
        "email": one.email,
        "name": one.name,
        "role": one.role.name(),
        "profiles": profiles(one, settings),
        "hasJoined": one.password.is_some(),
        "hasCodes": one.second.secret.is_some(),
        "created": rfc3339(one.created),
        "lastSeen": one.last_seen.map(rfc3339),
    })
}
