//! `POST /bulk/users`: one thing done to many, who are named or found; what would happen can be looked at first.

use directory::{Action, Ctx, Override, Record, UserId};
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::json;
use service::users::{self, PlaceChange};
use store::Tx;
use store::users::Scope;

use super::input::Input;
use super::users::{Asked, demand_within};
use super::{Answer, json as answer};
use crate::access::caller::{Caller, PreserveUsers};
use crate::access::problem::Problem;

/// The most users of one request; who wants more goes on with `next`.
const MAX: usize = 500;
/// Users who are written at once.
const ABREAST: usize = 50;

/// What is done to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Verb {
    Preserve,
    Activate,
    Place,
    Unpin,
    Delete,
}

/// What is done, and to whom.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Bulk {
    action: Verb,
    /// Ids; instead of a filter.
    users: Option<Vec<UserId>>,
    /// As `GET /users` takes it; instead of ids.
    filter: Option<Asked>,
    /// For `place`.
    #[serde(default)]
    place: PlaceChange,
    /// For `delete`.
    #[serde(default)]
    reason: String,
    /// Only says who is meant.
    #[serde(default)]
    dry_run: bool,
}

/// What became of many users.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// To how many it was done.
    pub(crate) done: usize,
    /// To whom it was not, and why.
    pub(crate) refused: Vec<(UserId, String)>,
    /// Why the server failed for some, and not they were refused.
    pub(crate) failed: Option<String>,
}

fn deed(
    verb: Verb,
    place: &PlaceChange,
    reason: &str,
) -> impl Fn(&mut Tx<'_>, &Ctx, UserId) -> Result<(), service::Error> + Clone + Send + 'static + use<> {
    let (place, reason) = (place.clone(), reason.to_owned());
    move |tx, ctx, id| match verb {
        Verb::Preserve => users::preserve(tx, ctx, id).map(drop),
        Verb::Activate => users::activate(tx, ctx, id, Override::No).map(drop),
        Verb::Place => users::set_place(tx, ctx, id, &place).map(drop),
        Verb::Unpin => users::unpin(tx, ctx, id).map(drop),
        Verb::Delete => users::purge(tx, ctx, id, &reason),
    }
}

/// Does it to each on its own: one who is refused stops no other.
pub(crate) async fn carry_out(
    caller: &Caller<PreserveUsers>,
    verb: Verb,
    place: &PlaceChange,
    reason: &str,
    ids: &[UserId],
) -> Outcome {
    let deed = deed(verb, place, reason);
    let mut outcome = Outcome::default();
    for abreast in ids.chunks(ABREAST) {
        let works = abreast.iter().map(|&id| {
            let (deed, scope) = (deed.clone(), caller.scope.clone());
            caller.write(move |tx, ctx| {
                if let Some(user) = store::users::by_id(tx, ctx.tenant, Scope::All, id)? {
                    demand_within(scope.as_deref(), &user)?;
                }
                deed(tx, ctx, id)
            })
        });
        for (id, done) in abreast.iter().zip(join_all(works).await) {
            match done {
                Ok(()) => outcome.done += 1,
                Err(problem) => {
                    if problem.status().is_server_error() {
                        outcome.failed = Some(problem.detail().to_owned());
                    }
                    outcome.refused.push((*id, problem.detail().to_owned()));
                }
            }
        }
    }
    outcome
}

/// Does it to each on its own: one who is refused stops no other.
pub(super) async fn change(caller: Caller<PreserveUsers>, Input(bulk): Input<Bulk>) -> Answer {
    if !matches!(bulk.action, Verb::Preserve | Verb::Activate) {
        caller.demand(Action::ChangeUsers)?;
    }
    if bulk.action == Verb::Place && bulk.place.profile.is_some() {
        caller.may_give(bulk.place.profile.as_deref())?;
    }
    let (ids, next) = meant(&caller, &bulk).await?;
    if bulk.dry_run {
        return Ok(answer(json!({"meant": ids, "next": next}).to_string()));
    }
    let Outcome { done, refused, .. } =
        carry_out(&caller, bulk.action, &bulk.place, &bulk.reason, &ids).await;
    let refused: Vec<_> = refused
        .iter()
        .map(|(id, detail)| json!({"id": id, "detail": detail}))
        .collect();
    Ok(answer(
        json!({"done": done, "refused": refused, "next": next}).to_string(),
    ))
}

/// The users who are meant, and where to go on.
async fn meant(
    caller: &Caller<PreserveUsers>,
    bulk: &Bulk,
) -> Result<(Vec<UserId>, Option<UserId>), Problem> {
    match (&bulk.users, &bulk.filter) {
        (Some(ids), None) if ids.len() <= MAX => {
            let (tenant, wanted) = (caller.ctx.tenant, ids.clone());
            let found = caller.app.store.scan(move |tx| {
                let one = |&id: &UserId| store::users::by_id(tx, tenant, Scope::All, id);
                Ok::<_, service::Error>(wanted.iter().map(one).collect::<Result<Vec<_>, _>>()?)
            });
            let found = found.await?;
            let is_ours = |(_, record): &(&UserId, Option<Record>)| {
                record
                    .as_ref()
                    .map_or(caller.scope.is_none(), |record| caller.sees(record))
            };
            let ours = ids.iter().zip(found).filter(is_ours).map(|(&id, _)| id);
            Ok((ours.collect(), None))
        }
        (Some(_), None) => Err(Problem::bad_request(format!("{MAX} users at once are the most."))),
        (None, Some(filter)) => {
            let browse = users::Browse {
                limit: MAX,
                ..super::users::browse(caller, filter)?
            };
            let ctx = caller.ctx.clone();
            let page = caller
                .app
                .store
                .scan(move |tx| users::browse(tx, &ctx, &browse))
                .await?;
            let ids = page.records.iter().map(|record| record.facts.id).collect();
            Ok((ids, page.next))
        }
        _ => Err(Problem::bad_request(
            "Say who is meant: either \"users\", a list of ids, or \"filter\", as GET /users takes it.",
        )),
    }
}
