//! One thing done to many users: what would happen is said first; then it is done stride by stride, so that it can be watched and
//! stopped. What is left to do stands in the form itself, so that it goes on after whatever happens to the server.

use std::fmt::Write as _;

use askama::Template;
use axum::response::IntoResponse as _;
use directory::{Action, Record, Settings, UserId};
use serde::Deserialize;
use service::users::{self, Browse, PlaceChange};

use super::page::{Answer, Sent, Shell, render};
use super::users::{Wanted, given};
use super::view::{Row, counted, number};
use crate::access::caller::{Caller, PreserveUsers};
use crate::access::problem::Problem;
use crate::manage::bulk::{Outcome, Verb, carry_out};
use crate::manage::users::browse;

/// Users of one stride.
const STRIDE: usize = 200;
/// How many of them the summary names.
const SAMPLE: usize = 10;
/// Refusals that are told one by one.
const MOST_TOLD: usize = 20;

/// What is done, to whom, and how far it has come.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    action: String,
    /// Ids; several in one field are apart by commas.
    #[serde(default)]
    id: Vec<String>,
    /// `yes` for everybody whom the filter means.
    #[serde(default)]
    all: String,
    #[serde(default)]
    profile_to: String,
    #[serde(default)]
    reason: String,
    /// `yes` once the summary was read.
    #[serde(default)]
    confirmed: String,
    #[serde(default)]
    done: u64,
    #[serde(default)]
    refused: u64,
    /// The refusals that are told, a line each.
    #[serde(default)]
    told: String,
    /// Where to go on in a filter.
    #[serde(default)]
    cursor: String,
    /// When the summary was made, in milliseconds: whoever came or changed since was not in it.
    #[serde(default)]
    as_of: i64,
    #[serde(default)]
    left_alone: u64,
    // The filter of the list from which it was begun.
    #[serde(default)]
    search: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    hold: String,
    #[serde(default)]
    profile: String,
    #[serde(default)]
    storage: String,
    #[serde(default)]
    mapping: String,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    legal_hold: String,
}

impl Job {
    fn verb(&self) -> Result<Verb, Problem> {
        Ok(match self.action.as_str() {
            "preserve" => Verb::Preserve,
            "activate" => Verb::Activate,
            "place" => Verb::Place,
            "unpin" => Verb::Unpin,
            "delete" => Verb::Delete,
            _ => return Err(Problem::bad_request("Choose what is to be done with the users.")),
        })
    }

    fn is_all(&self) -> bool {
        self.all == "yes"
    }

    fn ids(&self) -> Result<Vec<UserId>, Problem> {
        let texts = self.id.iter().flat_map(|text| text.split(','));
        let texts = texts.map(str::trim).filter(|text| !text.is_empty());
        let ids: Option<Vec<_>> = texts.map(UserId::parse).collect();
        let mut ids =
            ids.ok_or_else(|| Problem::bad_request("A user of the selection is none; select again."))?;
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    fn wanted(&self) -> Wanted {
        let job = self.clone();
        Wanted {
            search: job.search,
            status: job.status,
            hold: job.hold,
            profile: job.profile,
            storage: job.storage,
            mapping: job.mapping,
            connection: job.connection,
            legal_hold: job.legal_hold,
            cursor: job.cursor,
            columns: Vec::new(),
        }
    }

    /// Adds what became of a stride.
    fn note(&mut self, outcome: &Outcome) {
        self.done += u64::try_from(outcome.done).unwrap_or_default();
        if outcome.failed.is_some() {
            return;
        }
        self.refused += u64::try_from(outcome.refused.len()).unwrap_or_default();
        for (id, detail) in &outcome.refused {
            if self.told.lines().count() < MOST_TOLD {
                // Writing to a string cannot fail.
                let _ = writeln!(self.told, "{id}: {}", detail.replace(['\n', '\r'], " "));
            }
        }
    }

    fn place(&self) -> PlaceChange {
        PlaceChange {
            profile: given(&self.profile_to),
            ..PlaceChange::default()
        }
    }

    /// What will be lost or gained, before it happens.
    fn consequence(&self, settings: &Settings) -> String {
        match self.action.as_str() {
            "preserve" => "They can no longer work, whatever their identity provider says, until an administrator activates them. \
                           Their data stay."
                .to_owned(),
            "activate" => "They can work again, where their identity provider says so, and take a seat each.".to_owned(),
            "place" => format!(
                "They get the profile {}, set by hand: mappings leave it alone until it is unpinned. Storages stay.",
                service::settings::named(&settings.profiles, &self.profile_to)
                    .map_or("(choose one)", |profile| profile.name.as_str())
            ),
            "unpin" => "Mappings decide about them again at their next update.".to_owned(),
            _ => "They are removed for good, with everything that Provost holds of them; a tombstone with the reason stays. \
                  This cannot be undone."
                .to_owned(),
        }
    }
}

#[derive(Template)]
#[template(path = "bulk.html")]
struct Summary<'p> {
    shell: &'p Shell,
    job: &'p Job,
    title: String,
    consequence: String,
    sample: Vec<Row>,
    more: bool,
    ids: String,
    wanted: Wanted,
    needs_reason: bool,
    settings: &'p Settings,
}

#[derive(Template)]
#[template(path = "bulk_progress.html")]
struct Progress<'p> {
    shell: &'p Shell,
    job: &'p Job,
    is_over: bool,
    failed: Option<String>,
    done: String,
    refused: String,
    told: Vec<&'p str>,
    left: String,
    ids: String,
    wanted: Wanted,
}

/// `POST /console/users/bulk`: the summary first, then a stride at a time.
pub(super) async fn run(sent: Sent<PreserveUsers, Job>) -> Answer {
    let Sent { page, form: mut job } = sent;
    let caller = &page.caller;
    let verb = job.verb()?;
    if !matches!(verb, Verb::Preserve | Verb::Activate) {
        caller.demand(Action::ChangeUsers)?;
    }
    if verb == Verb::Place && (job.confirmed == "yes" || !job.profile_to.is_empty()) {
        caller.may_give(given(&job.profile_to).as_deref())?;
    }
    let ids = job.ids()?;
    if ids.is_empty() && !job.is_all() {
        return Err(Problem::bad_request("Nobody is selected. Tick users in the list first.").into());
    }
    if job.confirmed != "yes" || (job.is_all() && job.as_of == 0) {
        job.as_of = caller.ctx.now.as_millisecond();
        return summary(&page, &job, &ids).await;
    }
    let lacking = match verb {
        Verb::Delete if !(10..=150).contains(&job.reason.trim().chars().count()) => {
            Some("Say why, in 10 to 150 characters.")
        }
        Verb::Place if job.profile_to.is_empty() => Some("Choose a profile."),
        _ => None,
    };
    if let Some(lacking) = lacking {
        let page = page.refusing(&Problem::bad_request(lacking));
        return summary(&page, &job, &ids).await;
    }
    let (batch, mut rest, next) = stride(caller, &mut job, ids).await?;
    let outcome = carry_out(caller, verb, &job.place(), job.reason.trim(), &batch).await;
    job.note(&outcome);
    match &outcome.failed {
        // The same stride comes again: who was done already stays so.
        Some(_) => rest
            .splice(0..0, outcome.refused.iter().map(|(id, _)| *id))
            .for_each(drop),
        None => job.cursor = next.map(|next| next.to_string()).unwrap_or_default(),
    }
    let is_over = rest.is_empty() && job.cursor.is_empty() && outcome.failed.is_none();
    let progress = Progress {
        shell: &page.shell,
        done: counted(job.done, "user", "users"),
        refused: number(job.refused),
        told: job.told.lines().collect(),
        left: number(u64::try_from(rest.len()).unwrap_or_default()),
        ids: joined(&rest),
        wanted: job.wanted(),
        failed: outcome.failed,
        job: &job,
        is_over,
    };
    Ok(render(&progress)?.into_response())
}

async fn summary(page: &super::page::Page<PreserveUsers>, job: &Job, ids: &[UserId]) -> Answer {
    let caller = &page.caller;
    let wanted = Wanted {
        cursor: String::new(),
        ..job.wanted()
    };
    let (records, total, more) = if job.is_all() {
        let browse = Browse {
            limit: SAMPLE,
            ..browse(caller, &wanted.asked())?
        };
        let ctx = caller.ctx.clone();
        let found = caller
            .app
            .store
            .scan(move |tx| users::browse(tx, &ctx, &browse))
            .await?;
        let total = match found.total {
            Some(total) if total.is_capped => format!("{} or more users", number(total.count)),
            Some(total) => counted(total.count, "user", "users"),
            None => "all users".to_owned(),
        };
        let more = found.next.is_some();
        (found.records, total, more)
    } else {
        let (tenant, wanted): (_, Vec<_>) = (caller.ctx.tenant, ids.iter().take(SAMPLE).copied().collect());
        let found = caller.app.store.scan(move |tx| {
            let keys: Vec<_> = wanted.iter().map(|id| *id.as_bytes()).collect();
            Ok::<_, service::Error>(store::users::by_ids(tx, tenant, &keys)?)
        });
        let mut records = found.await?;
        records.retain(|record| caller.sees(record));
        let count = u64::try_from(ids.len()).unwrap_or_default();
        (records, counted(count, "user", "users"), ids.len() > SAMPLE)
    };
    let verb = match job.action.as_str() {
        "preserve" => "Preserve",
        "activate" => "Activate",
        "place" => "Change the profile of",
        "unpin" => "Unpin",
        _ => "Delete",
    };
    let row = |record| Row::of(record, &caller.settings, page.shell.now);
    page.shows(&Summary {
        shell: &page.shell,
        title: format!("{verb} {total}"),
        consequence: job.consequence(&caller.settings),
        sample: records.iter().map(row).collect(),
        ids: joined(ids),
        needs_reason: job.action == "delete",
        settings: &caller.settings,
        more,
        wanted,
        job,
    })
}

/// Those of this stride, those of the selection who are left, and where a filter goes on.
async fn stride(
    caller: &Caller<PreserveUsers>,
    job: &mut Job,
    mut ids: Vec<UserId>,
) -> Result<(Vec<UserId>, Vec<UserId>, Option<UserId>), Problem> {
    if !job.is_all() {
        let rest = ids.split_off(ids.len().min(STRIDE));
        return Ok((ids, rest, None));
    }
    let browse = Browse {
        limit: STRIDE,
        ..browse(caller, &job.wanted().asked())?
    };
    let ctx = caller.ctx.clone();
    let found = caller
        .app
        .store
        .scan(move |tx| users::browse(tx, &ctx, &browse))
        .await?;
    let was_there = |record: &&Record| record.facts.modified.as_millisecond() <= job.as_of;
    let batch: Vec<_> = found
        .records
        .iter()
        .filter(was_there)
        .map(|record| record.facts.id)
        .collect();
    job.left_alone += u64::try_from(found.records.len() - batch.len()).unwrap_or_default();
    Ok((batch, Vec::new(), found.next))
}

fn joined(ids: &[UserId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
