//! `/administrators`: who signs in, and what each may do.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use directory::{Administrator, Role, Secret, Settings, rfc3339};
use serde::Deserialize;
use serde_json::{Value, json};
use service::administrators::{self, AdministratorChange, NewAdministrator};

use super::input::{Input, Named};
use super::{Answer, json as answer};
use crate::access::caller::{Caller, ManageAccess};
use crate::access::problem::Problem;
use crate::clock;

/// `GET /administrators`
pub(super) async fn list(caller: Caller<ManageAccess>) -> Answer {
    let tenant = caller.ctx.tenant;
    let all = caller
        .app
        .store
        .look(move |tx| Ok::<_, service::Error>(store::administrators::all(tx, tenant)?))
        .await?;
    let shown: Vec<_> = all
        .iter()
        .map(|one| to_json(one, Some(&caller.settings)))
        .collect();
    Ok(answer(json!({"administrators": shown}).to_string()))
}

/// Whom an owner invites.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct New {
    email: String,
    name: Option<String>,
    role: Role,
    profiles: Option<Vec<String>>,
}

/// `POST /administrators`: invites somebody; the invitation is in this answer and never again.
pub(super) async fn invite(caller: Caller<ManageAccess>, Input(new): Input<New>) -> Answer {
    let invitation = clock::fresh_invitation().map_err(|_| Problem::failed())?;
    let new = NewAdministrator {
        email: new.email,
        name: new.name,
        role: new.role,
        profiles: new.profiles,
        invitation: invitation.clone(),
    };
    let one = caller
        .write(move |tx, ctx| administrators::invite(tx, ctx, &new))
        .await?;
    Ok(invited(&one, &caller.settings, &invitation))
}

/// `POST /administrators/{administrator}/invitation`: for who lost the password or the codes; what was there before is void.
pub(super) async fn invite_again(caller: Caller<ManageAccess>, Named(who): Named) -> Answer {
    let invitation = clock::fresh_invitation().map_err(|_| Problem::failed())?;
    let text = invitation.clone();
    let one = caller
        .write(move |tx, ctx| administrators::invite_again(tx, ctx, &who, &text))
        .await?;
    Ok(invited(&one, &caller.settings, &invitation))
}

fn invited(one: &Administrator, settings: &Settings, invitation: &Secret) -> axum::response::Response {
    let shown = to_json(one, Some(settings));
    super::idempotency::once(StatusCode::CREATED, shown, invitation.reveal())
}

/// `PATCH /administrators/{administrator}`
pub(super) async fn set(
    caller: Caller<ManageAccess>,
    Named(who): Named,
    Input(change): Input<AdministratorChange>,
) -> Answer {
    let one = caller
        .write(move |tx, ctx| administrators::set(tx, ctx, &who, &change))
        .await?;
    Ok(answer(to_json(&one, Some(&caller.settings)).to_string()))
}

/// `DELETE /administrators/{administrator}`: signs the person out at once.
pub(super) async fn remove(caller: Caller<ManageAccess>, Named(who): Named) -> Answer {
    caller
        .write(move |tx, ctx| administrators::remove(tx, ctx, &who))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What is shown of an administrator; the profiles by their names where `settings` has them.
pub(super) fn to_json(one: &Administrator, settings: Option<&Settings>) -> Value {
    let named = |profiles: &Vec<directory::ProfileId>| -> Vec<String> {
        let names = profiles.iter().map(|&id| {
            let profile = settings.and_then(|settings| settings.profile(id));
            profile.map_or_else(|| id.to_string(), |profile| profile.name.to_string())
        });
        names.collect()
    };
    json!({
        "id": one.id,
        "email": one.email,
        "name": one.name,
        "role": one.role.name(),
        "profiles": one.profiles.as_ref().map(named),
        "hasJoined": one.password.is_some(),
        "hasCodes": one.second.secret.is_some(),
        "recoveryCodesLeft": one.second.recovery.len(),
        "invitationEnds": one.invitation.map(|open| rfc3339(open.ends)),
        "created": rfc3339(one.created),
        "lastSeen": one.last_seen.map(rfc3339),
    })
}
