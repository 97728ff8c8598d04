//! The first page: how many users there are, how the connections are, and what needs somebody.

use askama::Template;
use directory::{Action, Profile, Timestamp};
use jiff::SignedDuration;
use service::feed::{self, Wanted};
use service::users;
use store::counts::{self, Count};

use super::chart::{Chart, points};
use super::page::{Answer, Page, Shell, see_other};
use super::timeline::{Entry, entries};
use super::view::{Markup, counted, maybe_when, number};
use crate::access::caller::{Caller, ReadSettings, ReadUsers};
use crate::access::problem::Problem;
use crate::manage::exchanges::kept_out;
use crate::manage::health::{Known, gather};

/// How far back the picture looks.
const DAYS: i64 = 30;
/// How many of the latest events are told.
const LATEST: usize = 8;
/// Events among which those are.
const LOOKED: i64 = 200;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'p> {
    shell: &'p Shell,
    active: String,
    held: String,
    preserved: String,
    chart: Chart,
    connections: Vec<Card>,
    latest: Vec<Entry>,
}

/// A connection, in short.
struct Card {
    name: String,
    link: String,
    kind: &'static str,
    users: String,
    last: Markup,
    calls: String,
    concerns: Vec<String>,
}

/// `GET /console/`
pub(super) async fn show(page: Page<ReadUsers>) -> Answer {
    let caller = &page.caller;
    // Who deals with some users is told nothing about all.
    if page.shell.is_limited {
        return Ok(see_other("/console/users"));
    }
    let ctx = caller.ctx.clone();
    let from = ctx
        .now
        .saturating_sub(SignedDuration::from_hours(24 * DAYS))
        .unwrap_or(ctx.now);
    let tenant = ctx.tenant;
    let (stand, hours) = caller
        .app
        .store
        .scan(move |tx| {
            let stand = service::census::now(tx, tenant)?;
            Ok::<_, service::Error>((stand, service::census::since(tx, tenant, from)?))
        })
        .await?;
    let has_settings = page.shell.may(Action::ReadSettings);
    let overview = Overview {
        active: number(stand.active),
        held: number(stand.held),
        preserved: number(stand.preserved),
        chart: Chart::of(points(&hours, ctx.now, stand)),
        connections: if has_settings {
            cards(caller).await?
        } else {
            Vec::new()
        },
        latest: if page.shell.may(Action::ReadEvents) {
            latest(caller).await?
        } else {
            Vec::new()
        },
        shell: &page.shell,
    };
    page.shows(&overview)
}

async fn cards(caller: &Caller<ReadUsers>) -> Result<Vec<Card>, Problem> {
    let mut cards = Vec::new();
    for connection in &caller.settings.connections {
        let known = gather(caller, connection.name.as_str()).await?;
        let (tenant, id) = (caller.ctx.tenant, connection.id);
        let users = caller
            .app
            .store
            .look(move |tx| Ok::<_, service::Error>(counts::get(tx, Count::visible(tenant, Some(id)))?))
            .await?;
        cards.push(card(&known, users, caller.ctx.now));
    }
    Ok(cards)
}

fn card(known: &Known, users: u64, now: Timestamp) -> Card {
    let judged = service::health::judge(&known.hours, now);
    Card {
        name: known.connection.name.to_string(),
        link: format!("/console/settings/connections/{}", known.connection.id),
        kind: known.connection.kind.name(),
        users: counted(users, "user", "users"),
        last: maybe_when(judged.last, now),
        calls: number(judged.calls),
        concerns: known.concerns(now),
    }
}

async fn latest(caller: &Caller<ReadUsers>) -> Result<Vec<Entry>, Problem> {
    let (ctx, settings) = (caller.ctx.clone(), caller.settings.clone());
    let found = caller
        .app
        .store
        .scan(move |tx| {
            let latest = feed::latest(tx, &ctx, &Wanted::default(), None, LATEST, LOOKED)?;
            entries(tx, &ctx, &settings, &latest.events)
        })
        .await?;
    Ok(found)
}

#[derive(Template)]
#[template(path = "attention.html")]
struct Attention {
    items: Vec<Item>,
}

/// Something that needs somebody.
struct Item {
    class: &'static str,
    text: String,
    link: String,
    action: &'static str,
}

/// `GET /console/attention`: what needs somebody; looked for when the page is there already.
pub(super) async fn attention(page: Page<ReadSettings>) -> Answer {
    page.caller.demand_whole()?;
    let mut items = refused(&page.caller).await?;
    items.extend(namesakes(&page.caller).await?);
    items.extend(connections(&page.caller).await?);
    items.extend(full(&page.caller).await?);
    page.shows(&Attention { items })
}

async fn refused(caller: &Caller<ReadSettings>) -> Result<Vec<Item>, Problem> {
    const MOST: usize = 50;
    let (people, _) = kept_out(&caller.app, caller.ctx.tenant, None, Timestamp::MAX, MOST).await?;
    let many = match people.len() {
        0 => return Ok(Vec::new()),
        1 => "1 person is".to_owned(),
        MOST => "50 or more people are".to_owned(),
        count => format!("{count} people are"),
    };
    Ok(vec![Item {
        class: "bad",
        text: format!("{many} kept out by a refusal."),
        link: "/console/activity".to_owned(),
        action: "See why",
    }])
}

async fn namesakes(caller: &Caller<ReadSettings>) -> Result<Vec<Item>, Problem> {
    let tenant = caller.ctx.tenant;
    let pairs = caller
        .app
        .store
        .scan(move |tx| users::namesakes(tx, tenant, 100))
        .await?;
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let count = u64::try_from(pairs.len()).unwrap_or_default();
    Ok(vec![Item {
        class: "warn",
        text: format!(
            "{} the name of somebody who left.",
            if count == 1 {
                "1 user has".to_owned()
            } else {
                format!("{count} users have")
            }
        ),
        link: "/console/activity#namesakes".to_owned(),
        action: "Say who is who",
    }])
}

/// What is wrong with connections: silence, tokens that end, refusals, many leavers. One that was never used is no concern.
async fn connections(caller: &Caller<ReadSettings>) -> Result<Vec<Item>, Problem> {
    let mut items = Vec::new();
    for connection in &caller.settings.connections {
        let known = gather(caller, connection.name.as_str()).await?;
        if known.hours.is_empty() {
            continue;
        }
        let item = |concern: String| Item {
            class: if known.alarm.is_some() { "bad" } else { "warn" },
            text: format!("{}: {concern}", connection.name),
            link: format!("/console/settings/connections/{}", connection.id),
            action: "Look at it",
        };
        items.extend(known.concerns(caller.ctx.now).into_iter().map(item));
    }
    Ok(items)
}

/// Profiles of which nine tenths are taken.
async fn full(caller: &Caller<ReadSettings>) -> Result<Vec<Item>, Problem> {
    let (tenant, profiles) = (caller.ctx.tenant, caller.settings.profiles.clone());
    let limited: Vec<Profile> = profiles
        .into_iter()
        .filter(|profile| profile.max_users.is_some())
        .collect();
    let found = caller
        .app
        .store
        .look(move |tx| {
            let one = |profile: &Profile| {
                let active = counts::get(tx, Count::active_in_profile(tenant, profile.id))?;
                Ok::<_, service::Error>((profile.clone(), active))
            };
            limited.iter().map(one).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let is_full =
        |(profile, active): &(Profile, u64)| profile.max_users.is_some_and(|max| active * 10 >= max * 9);
    let item = |(profile, active): (Profile, u64)| Item {
        class: "warn",
        text: format!(
            "The profile {} has {} of at most {} active users.",
            profile.name,
            number(active),
            number(profile.max_users.unwrap_or_default())
        ),
        link: format!("/console/profiles/{}", profile.id),
        action: "Look at it",
    };
    Ok(found.into_iter().filter(is_full).map(item).collect())
}
