//! `/users`: who there is, one by one, and what an administrator does to them.

use axum::http::StatusCode;
use axum::response::Response;
use directory::{Ctx, Override, ProfileId, Record, Refusal, Settings, UserId};
use scim::Object;
use serde::Deserialize;
use serde_json::json;
use service::explain::Explained;
use service::settings::named;
use service::users::{self, Browse, Imported, LegalHold, Newcomer, Person, PlaceChange};
use store::users::{Among, ManagedBy, Scope};

use super::input::{Asking, Input, Named};
use super::version::{IfMatch, tagged};
use super::{Answer, json as answer};
use crate::access::caller::{Caller, ChangeUsers, PreserveUsers, ReadUsers, Right, is_within};
use crate::access::problem::Problem;

/// The most users in one answer.
const MAX: usize = 500;
/// How many where nobody says.
const DEFAULT: usize = 50;

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Asked {
    #[serde(default)]
    pub(crate) search: String,
    pub(crate) status: Option<String>,
    pub(crate) hold: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) storage: Option<String>,
    pub(crate) mapping: Option<String>,
    /// Name of the connection, or `manual`.
    pub(crate) connection: Option<String>,
    pub(crate) legal_hold: Option<bool>,
    pub(crate) cursor: Option<String>,
    pub(crate) limit: Option<usize>,
}

/// What stands for those whom no connection manages.
const MANUAL: &str = "manual";

/// `GET /users?search=ava&status=active&profile=Germany&cursor=...&limit=50`
pub(super) async fn list(caller: Caller<ReadUsers>, Asking(asked): Asking<Asked>) -> Answer {
    let browse = browse(&caller, &asked)?;
    let ctx = caller.ctx.clone();
    let page = caller
        .app
        .store
        .scan(move |tx| users::browse(tx, &ctx, &browse))
        .await?;
    let shown: Vec<_> = page
        .records
        .iter()
        .map(|record| record.to_json(&caller.settings))
        .collect();
    let total = page
        .total
        .map(|total| json!({"count": total.count, "isCapped": total.is_capped}));
    Ok(answer(
        json!({"users": shown, "next": page.next, "total": total}).to_string(),
    ))
}

/// Whom a request means, of those whom the caller deals with.
pub(crate) fn browse<R>(caller: &Caller<R>, asked: &Asked) -> Result<Browse, Problem> {
    if asked.limit == Some(0) {
        return Err(Problem::bad_request("limit is at least 1."));
    }
    let after = asked.cursor.as_deref().map(|text| {
        UserId::parse(text).ok_or_else(|| {
            Problem::bad_request("The cursor is not one that this server gave; leave it out to begin.")
        })
    });
    let hold = asked.hold.as_deref().map(str::parse).transpose();
    Ok(Browse {
        search: asked.search.trim().to_owned(),
        among: among(&caller.settings, asked)?,
        hold: hold
            .map_err(|_| Problem::bad_request("hold is one of none, administrator, unmatched and limit."))?,
        within: caller.scope.clone(),
        after: after.transpose()?,
        limit: asked.limit.unwrap_or(DEFAULT).clamp(1, MAX),
    })
}

fn among(settings: &Settings, asked: &Asked) -> Result<Among, Problem> {
    let status = asked.status.as_deref().map(str::parse).transpose();
    let profile = asked
        .profile
        .as_deref()
        .map(|name| named(&settings.profiles, name));
    let storage = asked
        .storage
        .as_deref()
        .map(|name| named(&settings.storages, name));
    let mapping = asked
        .mapping
        .as_deref()
        .map(|name| named(&settings.mappings, name));
    let managed_by = asked.connection.as_deref().map(|name| {
        // A connection may be called so too.
        match named(&settings.connections, name) {
            Ok(connection) => Ok(ManagedBy::Connection(connection.id)),
            Err(_) if name == MANUAL => Ok(ManagedBy::Nobody),
            Err(unknown) => Err(unknown),
        }
    });
    Ok(Among {
        status: status.map_err(|_| Problem::bad_request("status is one of active, held and preserved."))?,
        profile: profile.transpose()?.map(|profile| profile.id),
        storage: storage.transpose()?.map(|storage| storage.id),
        mapping: mapping.transpose()?.map(|mapping| mapping.id),
        managed_by: managed_by.transpose()?,
        on_legal_hold: asked.legal_hold.unwrap_or_default(),
    })
}

/// `GET /users/{user}`: by id, userName, account name or e-mail.
pub(super) async fn show(caller: Caller<ReadUsers>, Named(user): Named) -> Answer {
    let record = found(&caller, user).await?;
    Ok(shown(&caller, &record))
}

/// A person whom no identity provider manages.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct New {
    /// SCIM attributes.
    attributes: Object,
    #[serde(default)]
    place: PlaceChange,
}

/// `POST /users`: a manual user, until an identity provider finds it.
pub(super) async fn create(caller: Caller<ChangeUsers>, Input(new): Input<New>) -> Answer {
    caller.may_give(new.place.profile.as_deref())?;
    let newcomer = Newcomer {
        attributes: new.attributes,
        place: new.place,
        ..Newcomer::default()
    };
    let record = caller
        .write(move |tx, ctx| match users::import(tx, ctx, &newcomer)? {
            Imported::Added(record) => Ok(record),
            Imported::Known(record) => Err(Refusal::UserNameTaken {
                user_name: record.facts.account_name,
                holder: format!("the user {} has it", record.facts.id),
            }
            .into()),
        })
        .await?;
    Ok(tagged(
        StatusCode::CREATED,
        &record.facts.version.to_string(),
        &record.to_json(&caller.settings),
    ))
}

/// Where a user goes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Transfer {
    connection: String,
}

/// `POST /users/{user}/transfer`: puts the user under another connection.
pub(super) async fn transfer(
    caller: Caller<ChangeUsers>,
    Named(user): Named,
    known: IfMatch,
    Input(transfer): Input<Transfer>,
) -> Answer {
    let id = found(&caller, user).await?.facts.id;
    changed(&caller, id, known, move |tx, ctx| {
        users::transfer(tx, ctx, id, &transfer.connection)
    })
    .await
}

/// Whose name it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Resolution {
    person: Whose,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Whose {
    Same,
    Another,
}

/// `POST /users/{user}/resolve`: says whom the name of a preserved user belongs to.
pub(super) async fn resolve(
    caller: Caller<ChangeUsers>,
    Named(user): Named,
    known: IfMatch,
    Input(resolution): Input<Resolution>,
) -> Answer {
    let id = found(&caller, user).await?.facts.id;
    let person = match resolution.person {
        Whose::Same => Person::Same,
        Whose::Another => Person::Another,
    };
    changed(&caller, id, known, move |tx, ctx| {
        users::resolve(tx, ctx, id, person)
    })
    .await
}

/// `GET /namesakes`: who has a name that somebody else had before.
pub(super) async fn namesakes(caller: Caller<ReadUsers>) -> Answer {
    caller.demand_whole()?;
    let tenant = caller.ctx.tenant;
    let pairs = caller
        .app
        .store
        .scan(move |tx| users::namesakes(tx, tenant, usize::MAX))
        .await?;
    let shown: Vec<_> = pairs
        .iter()
        .map(|pair| {
            json!({
                "former": pair.former.to_json(&caller.settings),
                "present": pair.present.to_json(&caller.settings),
            })
        })
        .collect();
    Ok(answer(json!({"namesakes": shown}).to_string()))
}

/// `POST /users/{user}/preserve`
pub(super) async fn preserve(
    caller: Caller<PreserveUsers>,
    Named(user): Named,
    known: IfMatch,
    Input(Nothing {}): Input<Nothing>,
) -> Answer {
    let id = found(&caller, user).await?.facts.id;
    changed(&caller, id, known, move |tx, ctx| users::preserve(tx, ctx, id)).await
}

/// How an account is brought back.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Activation {
    /// Also where the identity provider says that the person is inactive or gone, until its next word.
    #[serde(default)]
    r#override: bool,
}

/// `POST /users/{user}/activate`
pub(super) async fn activate(
    caller: Caller<PreserveUsers>,
    Named(user): Named,
    known: IfMatch,
    Input(activation): Input<Activation>,
) -> Answer {
    let id = found(&caller, user).await?.facts.id;
    let over = if activation.r#override {
        Override::UntilNextWord
    } else {
        Override::No
    };
    changed(&caller, id, known, move |tx, ctx| {
        users::activate(tx, ctx, id, over)
    })
    .await
}

/// `GET /users/{user}/explain`: what each mapping says of the user, and why.
pub(super) async fn explain(caller: Caller<ReadUsers>, Named(user): Named) -> Answer {
    let record = found(&caller, user).await?;
    let settings = caller.settings.clone();
    let explained = caller
        .app
        .store
        .look(move |tx| service::explain::of_user(tx, &settings, &record))
        .await?;
    let told: Vec<_> = explained.iter().map(Explained::to_json).collect();
    Ok(answer(json!({"mappings": told}).to_string()))
}

/// Why a user goes for good.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Farewell {
    reason: String,
}

/// `POST /users/{user}/delete`: for good, with a reason that is kept.
pub(super) async fn delete(
    caller: Caller<ChangeUsers>,
    Named(user): Named,
    Input(farewell): Input<Farewell>,
) -> Answer {
    let (id, scope) = (found(&caller, user).await?.facts.id, caller.scope.clone());
    caller
        .write(move |tx, ctx| {
            if let Some(user) = store::users::by_id(tx, ctx.tenant, Scope::All, id)? {
                demand_within(scope.as_deref(), &user)?;
            }
            users::purge(tx, ctx, id, &farewell.reason)
        })
        .await?;
    Ok(answer(json!({"purged": id}).to_string()))
}

/// A body that says nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// `POST /users/{user}/place`: sets profile, storage and quota (bytes, 0 is unlimited), and pins what is set.
pub(super) async fn place(
    caller: Caller<ChangeUsers>,
    Named(user): Named,
    known: IfMatch,
    Input(change): Input<PlaceChange>,
) -> Answer {
    if change.profile.is_some() {
        caller.may_give(change.profile.as_deref())?;
    }
    let id = found(&caller, user).await?.facts.id;
    changed(&caller, id, known, move |tx, ctx| {
        users::set_place(tx, ctx, id, &change)
    })
    .await
}

/// `POST /users/{user}/unpin`: the mappings decide again at the user's next update.
pub(super) async fn unpin(
    caller: Caller<ChangeUsers>,
    Named(user): Named,
    known: IfMatch,
    Input(Nothing {}): Input<Nothing>,
) -> Answer {
    let id = found(&caller, user).await?.facts.id;
    changed(&caller, id, known, move |tx, ctx| users::unpin(tx, ctx, id)).await
}

/// `PUT /users/{user}/legal-hold`: forbids to purge the user.
pub(super) async fn hold(caller: Caller<ChangeUsers>, Named(user): Named, known: IfMatch) -> Answer {
    legal(&caller, user, known, LegalHold::Placed).await
}

/// `DELETE /users/{user}/legal-hold`: allows it again.
pub(super) async fn lift(caller: Caller<ChangeUsers>, Named(user): Named, known: IfMatch) -> Answer {
    legal(&caller, user, known, LegalHold::Lifted).await
}

async fn legal(caller: &Caller<ChangeUsers>, user: String, known: IfMatch, hold: LegalHold) -> Answer {
    let id = found(caller, user).await?.facts.id;
    changed(caller, id, known, move |tx, ctx| {
        users::set_legal_hold(tx, ctx, id, hold)
    })
    .await
}

/// The user of this name or id, where the caller deals with it.
pub(crate) async fn found<R>(caller: &Caller<R>, user: String) -> Result<Record, Problem> {
    let (tenant, scope) = (caller.ctx.tenant, caller.scope.clone());
    let look = move |tx: &mut store::Tx<'_>| {
        let found = users::find(tx, tenant, &user);
        match (scope.as_deref(), found) {
            (scope, Ok(record)) if is_within(scope, &record) => Ok(record),
            // Who else has the name, or had it, is not theirs to know.
            (Some(_), Ok(_) | Err(service::Error::Refused(_))) => Err(nobody(&user).into()),
            (_, found) => found,
        }
    };
    Ok(caller.app.store.look(look).await?)
}

/// Refuses a user whom the caller does not deal with, as if there were nobody.
pub(crate) fn demand_within(scope: Option<&[ProfileId]>, record: &Record) -> Result<(), Refusal> {
    if is_within(scope, record) {
        return Ok(());
    }
    Err(nobody(&record.facts.id.to_string()))
}

fn nobody(user: &str) -> Refusal {
    Refusal::Unknown {
        thing: directory::Thing::User,
        name: user.chars().take(300).collect(),
        known: Vec::new(),
    }
}

async fn changed<R: Right>(
    caller: &Caller<R>,
    id: UserId,
    known: IfMatch,
    work: impl Fn(&mut store::Tx<'_>, &Ctx) -> Result<Record, service::Error> + Send + 'static,
) -> Answer {
    let scope = caller.scope.clone();
    let record = caller
        .write(move |tx, ctx| {
            if let Some(user) = store::users::by_id(tx, ctx.tenant, Scope::All, id)? {
                known.check(&user.facts.version.to_string())?;
                demand_within(scope.as_deref(), &user)?;
            }
            work(tx, ctx)
        })
        .await?;
    Ok(shown(caller, &record))
}

fn shown<R: Right>(caller: &Caller<R>, record: &Record) -> Response {
    let version = record.facts.version.to_string();
    tagged(StatusCode::OK, &version, &record.to_json(&caller.settings))
}
