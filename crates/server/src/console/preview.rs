//! What mappings would do, before anything is saved or done; and doing it to the users who exist, with its progress. What was
//! seen so far stands in the page itself, so that any server can go on, and leaving the page is stopping.

use std::sync::Arc;

use askama::Template;
use directory::{Settings, Timestamp, UserId};
use serde::Deserialize;
use serde_json::Value;
use service::outlook::{Part, Seen, look_further};
use service::settings::mappings as stored;
use service::users;
use uuid::Uuid;

use super::mapping_form::MappingForm;
use super::page::{Answer, Page, Sent, Shell};
use super::view::{counted, number, plain};
use crate::access::caller::{ChangeSettings, ReadSettings, Right};
use crate::access::problem::Problem;
use crate::manage::exchanges::kept_out;

/// Users who are looked at for one answer.
const PART: usize = 2_000;
/// Users who are told one by one.
const TOLD: usize = 20;
/// Strides of a hundred users that are applied for one answer.
const STRIDES: usize = 5;
/// Refused people who are looked at.
const REFUSED: usize = 100;

/// Somebody who would change.
struct Change {
    id: String,
    name: String,
    now: String,
    then: String,
    why: String,
}

#[derive(Template)]
#[template(path = "preview.html")]
struct PreviewPage<'p> {
    shell: &'p Shell,
    preview: Preview,
    /// What is looked at, for the next part.
    form: &'p MappingForm,
}

/// What was seen, as it is told.
struct Preview {
    problem: String,
    moved: String,
    admitted: String,
    marked: String,
    unknown: String,
    stay: String,
    changes: Vec<Change>,
    looked: String,
    /// What goes along to look further; empty at the end.
    seen: String,
    after: String,
    /// Refused people whom the draft would let in.
    lets_in: Vec<String>,
}

/// `POST /console/mappings/preview`: what would be, with the mapping of the form as it is.
pub(super) async fn draft(sent: Sent<ReadSettings, MappingForm>) -> Answer {
    let Sent { page, form } = sent;
    page.caller.demand_whole()?;
    let preview = looked(&page, &form).await.unwrap_or_else(|problem| Preview {
        problem: problem.detail().to_owned(),
        ..Preview::empty()
    });
    page.shows(&PreviewPage {
        shell: &page.shell,
        form: &form,
        preview,
    })
}

impl Preview {
    fn empty() -> Self {
        Self {
            problem: String::new(),
            moved: String::new(),
            admitted: String::new(),
            marked: String::new(),
            unknown: String::new(),
            stay: String::new(),
            changes: Vec::new(),
            looked: String::new(),
            seen: String::new(),
            after: String::new(),
            lets_in: Vec::new(),
        }
    }

    fn of(seen: &Seen, next: Option<UserId>, lets_in: Vec<String>) -> Self {
        let count = |count: usize| number(u64::try_from(count).unwrap_or_default());
        let text = |value: &Value| plain(value.as_str().unwrap_or_default());
        let change = |change: &Value| Change {
            id: text(&change["id"]),
            name: text(&change["userName"]),
            now: text(&change["now"]),
            then: text(&change["then"]),
            why: text(&change["why"]),
        };
        let all = seen.moved + seen.admitted + seen.marked + seen.unknown + seen.stay;
        Self {
            moved: count(seen.moved),
            admitted: count(seen.admitted),
            marked: count(seen.marked),
            unknown: count(seen.unknown),
            stay: count(seen.stay),
            looked: counted(u64::try_from(all).unwrap_or_default(), "user", "users"),
            changes: seen.changes.iter().map(change).collect(),
            seen: next.map(|_| seen.to_json().to_string()).unwrap_or_default(),
            after: next.map(|next| next.to_string()).unwrap_or_default(),
            lets_in,
            ..Self::empty()
        }
    }
}

async fn looked(page: &Page<ReadSettings>, form: &MappingForm) -> Result<Preview, Problem> {
    let planned = Arc::new(planned(page, form).await?);
    let mut seen = form.seen.as_deref().map(read_seen).unwrap_or_default();
    let after = UserId::parse(&form.after).unwrap_or(UserId::from(Uuid::nil()));
    let is_first = form.after.is_empty();
    let (ctx, settings) = (page.caller.ctx.clone(), Arc::clone(&planned));
    let (seen, next) = page
        .caller
        .app
        .store
        .scan(move |tx| {
            let part = Part {
                users: PART,
                told: TOLD,
            };
            let next = look_further(tx, &ctx, &settings, &mut seen, after, part)?;
            Ok::<_, service::Error>((seen, next))
        })
        .await?;
    let lets_in = if is_first {
        let_in(page, &planned).await?
    } else {
        Vec::new()
    };
    Ok(Preview::of(&seen, next, lets_in))
}

/// The settings with the mapping of the form, new or changed.
async fn planned(page: &Page<ReadSettings>, form: &MappingForm) -> Result<Settings, Problem> {
    let (ctx, settings) = (&page.caller.ctx, &page.caller.settings);
    if form.present == "yes" {
        return Ok(Settings::clone(settings));
    }
    let form = form.clone().with_groups(page).await?;
    let change = form.change()?;
    Ok(stored::planned(
        ctx,
        settings,
        Some(form.of.as_str()).filter(|of| !of.is_empty()),
        &change,
    )?)
}

/// The refused people whom these mappings would place.
async fn let_in<R: Right>(page: &Page<R>, planned: &Settings) -> Result<Vec<String>, Problem> {
    let caller = &page.caller;
    let (people, _) = kept_out(&caller.app, caller.ctx.tenant, None, Timestamp::MAX, REFUSED).await?;
    let admitted = people.iter().filter_map(|(person, last)| {
        let mapping = service::exchanges::would_admit(planned, last.as_ref()?)?;
        Some(format!("{} (by {mapping})", plain(&person.user_name)))
    });
    Ok(admitted.collect())
}

/// What an earlier part saw; who sends something else sees something else.
fn read_seen(text: &str) -> Seen {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let count = |name: &str| {
        value[name]
            .as_u64()
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or_default()
    };
    Seen {
        moved: count("moved"),
        admitted: count("admitted"),
        marked: count("marked"),
        unknown: count("unknown"),
        stay: count("stay"),
        changes: value["changes"].as_array().cloned().unwrap_or_default(),
    }
}

#[derive(Template)]
#[template(path = "apply.html")]
struct ApplyPage<'p> {
    shell: &'p Shell,
}

/// `GET /console/mappings/apply`: what applying the mappings would do is looked at when the page is there.
pub(super) async fn before_applying(page: Page<ChangeSettings>) -> Answer {
    page.shows(&ApplyPage { shell: &page.shell })
}

/// How far applying has come.
#[derive(Debug, Deserialize)]
pub(super) struct Progress {
    #[serde(default)]
    after: String,
    #[serde(default)]
    changed: u64,
    #[serde(default)]
    looked: u64,
}

#[derive(Template)]
#[template(path = "apply_progress.html")]
struct ProgressPage<'p> {
    shell: &'p Shell,
    after: String,
    changed: u64,
    looked: u64,
    of: u64,
    is_over: bool,
    sentence: String,
}

/// `POST /console/mappings/apply`: the next five hundred users.
pub(super) async fn apply(sent: Sent<ChangeSettings, Progress>) -> Answer {
    let Sent { page, form } = sent;
    let tenant = page.caller.ctx.tenant;
    let mut next = Some(UserId::parse(&form.after).unwrap_or(UserId::from(Uuid::nil())));
    let (mut changed, mut looked) = (form.changed, form.looked);
    for _ in 0..STRIDES {
        let Some(after) = next else { break };
        let (further, some) = page
            .caller
            .write(move |tx, ctx| users::reapply(tx, ctx, after))
            .await?;
        next = further;
        changed += u64::try_from(some).unwrap_or_default();
        looked += 100;
    }
    let of = page
        .caller
        .app
        .store
        .look(move |tx| Ok::<_, service::Error>(store::counts::get(tx, store::counts::Count::all(tenant))?))
        .await?;
    page.shows(&ProgressPage {
        shell: &page.shell,
        after: next.map(|next| next.to_string()).unwrap_or_default(),
        is_over: next.is_none(),
        sentence: format!("{} changed so far.", counted(changed, "user", "users")),
        looked: looked.min(of),
        changed,
        of,
    })
}
