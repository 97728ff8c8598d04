//! What an administrator does to one user. Where it is refused, the user's page says why.

use directory::{Bytes, Ctx, Override, Record, Status, UserId};
use serde::Deserialize;
use service::users::{self, LegalHold, Person, PlaceChange};
use store::Tx;
use store::users::Scope;

use super::page::{Answer, Named, Page, Sent, see_other};
use super::sign_in::Nothing;
use super::users::given;
use crate::access::caller::{Caller, ChangeUsers, PreserveUsers, Right};
use crate::access::problem::Problem;
use crate::manage::users::{demand_within, found};

/// Does it to the user, where the caller deals with it.
async fn change<R: Right>(
    caller: &Caller<R>,
    user: &str,
    work: impl Fn(&mut Tx<'_>, &Ctx, UserId) -> Result<Record, service::Error> + Send + 'static,
) -> Result<Record, Problem> {
    let id = found(caller, user.to_owned()).await?.facts.id;
    let scope = caller.scope.clone();
    caller
        .write(move |tx, ctx| {
            if let Some(user) = store::users::by_id(tx, ctx.tenant, Scope::All, id)? {
                demand_within(scope.as_deref(), &user)?;
            }
            work(tx, ctx, id)
        })
        .await
}

/// Leads to the user's page, or shows it with the reason.
async fn told<R: Right>(page: Page<R>, user: String, done: Result<&str, Problem>) -> Answer {
    match done {
        Ok(word) => Ok(see_other(&format!(
            "/console/users/{}?done={word}",
            super::view::encoded(&user)
        ))),
        Err(problem) => super::user::shown(&page.refusing(&problem), user).await,
    }
}

/// `POST /console/users/{user}/preserve`
pub(super) async fn preserve(Named(user): Named, sent: Sent<PreserveUsers, Nothing>) -> Answer {
    let done = change(&sent.page.caller, &user, users::preserve).await;
    told(sent.page, user, done.map(|_| "preserved")).await
}

#[derive(Deserialize)]
pub(super) struct Activation {
    #[serde(default)]
    overrides: String,
}

/// `POST /console/users/{user}/activate`
pub(super) async fn activate(Named(user): Named, sent: Sent<PreserveUsers, Activation>) -> Answer {
    let over = if sent.form.overrides == "yes" {
        Override::UntilNextWord
    } else {
        Override::No
    };
    let done = change(&sent.page.caller, &user, move |tx, ctx, id| {
        users::activate(tx, ctx, id, over)
    })
    .await;
    let word = done.map(|record| match record.facts.lifecycle.status() {
        Status::Active => "activated",
        _ => "released",
    });
    told(sent.page, user, word).await
}

#[derive(Deserialize)]
pub(super) struct Place {
    #[serde(default)]
    profile: String,
    #[serde(default)]
    storage: String,
    #[serde(default)]
    quota: String,
    #[serde(default)]
    follow: String,
}

impl Place {
    fn change(&self) -> Result<PlaceChange, Problem> {
        if self.follow == "yes" && given(&self.quota).is_some() {
            return Err(Problem::bad_request(
                "Name a quota, or let it follow the profile's: not both.",
            ));
        }
        let is_empty = [&self.profile, &self.storage, &self.quota, &self.follow]
            .into_iter()
            .all(|field| given(field).is_none());
        if is_empty {
            return Err(Problem::bad_request("Choose a profile, a storage or a quota."));
        }
        let quota = match given(&self.quota) {
            _ if self.follow == "yes" => Some(None),
            None => None,
            Some(text) => Some(Some(text.parse::<Bytes>().map_err(Problem::bad_request)?)),
        };
        Ok(PlaceChange {
            profile: given(&self.profile),
            storage: given(&self.storage),
            quota,
        })
    }
}

/// `POST /console/users/{user}/place`
pub(super) async fn place(Named(user): Named, sent: Sent<ChangeUsers, Place>) -> Answer {
    let done = placed(&sent.page.caller, &user, &sent.form).await;
    told(sent.page, user, done.map(|_| "placed")).await
}

async fn placed(caller: &Caller<ChangeUsers>, user: &str, place: &Place) -> Result<Record, Problem> {
    let place = place.change()?;
    if place.profile.is_some() {
        caller.may_give(place.profile.as_deref())?;
    }
    change(caller, user, move |tx, ctx, id| {
        users::set_place(tx, ctx, id, &place)
    })
    .await
}

/// `POST /console/users/{user}/unpin`
pub(super) async fn unpin(Named(user): Named, sent: Sent<ChangeUsers, Nothing>) -> Answer {
    let done = change(&sent.page.caller, &user, users::unpin).await;
    told(sent.page, user, done.map(|_| "unpinned")).await
}

#[derive(Deserialize)]
pub(super) struct Transfer {
    connection: String,
}

/// `POST /console/users/{user}/transfer`
pub(super) async fn transfer(Named(user): Named, sent: Sent<ChangeUsers, Transfer>) -> Answer {
    let to = sent.form.connection;
    let done = change(&sent.page.caller, &user, move |tx, ctx, id| {
        users::transfer(tx, ctx, id, &to)
    })
    .await;
    told(sent.page, user, done.map(|_| "transferred")).await
}

#[derive(Deserialize)]
pub(super) struct Resolution {
    person: String,
    #[serde(default)]
    back: String,
}

/// `POST /console/users/{user}/resolve`
pub(super) async fn resolve(Named(user): Named, sent: Sent<ChangeUsers, Resolution>) -> Answer {
    let person = if sent.form.person == "same" {
        Person::Same
    } else {
        Person::Another
    };
    let done = change(&sent.page.caller, &user, move |tx, ctx, id| {
        users::resolve(tx, ctx, id, person)
    })
    .await;
    if done.is_ok() && sent.form.back == "activity" {
        return Ok(see_other("/console/activity?done=resolved"));
    }
    told(sent.page, user, done.map(|_| "resolved")).await
}

#[derive(Deserialize)]
pub(super) struct Legal {
    hold: String,
}

/// `POST /console/users/{user}/legal-hold`
pub(super) async fn legal_hold(Named(user): Named, sent: Sent<ChangeUsers, Legal>) -> Answer {
    let (hold, word) = if sent.form.hold == "on" {
        (LegalHold::Placed, "held")
    } else {
        (LegalHold::Lifted, "lifted")
    };
    let done = change(&sent.page.caller, &user, move |tx, ctx, id| {
        users::set_legal_hold(tx, ctx, id, hold)
    });
    let done = done.await;
    told(sent.page, user, done.map(|_| word)).await
}

#[derive(Deserialize)]
pub(super) struct Farewell {
    reason: String,
}

/// `POST /console/users/{user}/delete`
pub(super) async fn delete(Named(user): Named, sent: Sent<ChangeUsers, Farewell>) -> Answer {
    let reason = sent.form.reason;
    let record = found(&sent.page.caller, user.clone()).await?;
    let done = change(&sent.page.caller, &user, move |tx, ctx, id| {
        users::purge(tx, ctx, id, &reason)?;
        Ok(record.clone())
    });
    match done.await {
        Ok(_) => Ok(see_other("/console/users?done=purged")),
        Err(problem) => told(sent.page, user, Err(problem)).await,
    }
}
