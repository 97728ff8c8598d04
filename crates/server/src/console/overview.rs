//! The first page: how many users there are, how the connections are, and what needs somebody.

use askama::Template;
use directory::{Action, Profile, Timestamp, Token, TokenState};
use jiff::SignedDuration;
use service::feed::{self, Wanted};
use service::users;
use store::counts::{self, Count};

use super::chart::{Chart, points};
use super::page::{Answer, Page, Shell};
use super::timeline::{Entry, entries};
use super::view::{Markup, counted, encoded, maybe_when, number};
use crate::access::caller::{Caller, ReadSettings, ReadUsers};
use crate::access::problem::Problem;
use crate::manage::exchanges::{Kept, still_out};
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
    let (ctx, limited) = (caller.ctx.clone(), page.shell.is_limited);
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
    let has_settings = page.shell.may(Action::ReadSettings) && !limited;
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
        latest: if page.shell.may(Action::ReadEvents) && !limited {
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
        link: format!(
            "/console/settings/connections/{}",
            encoded(known.connection.name.as_str())
        ),
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
            let events = feed::latest(tx, &ctx, &Wanted::default(), None, LATEST, LOOKED)?;
            entries(tx, &ctx, &settings, &events)
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
    items.extend(tokens(&page.caller).await?);
    items.extend(full(&page.caller).await?);
    page.shows(&Attention { items })
}

async fn refused(caller: &Caller<ReadSettings>) -> Result<Vec<Item>, Problem> {
    const MOST: usize = 50;
    let people: Vec<Kept> = still_out(&caller.app, caller.ctx.tenant, uuid::Uuid::nil(), MOST).await?;
    let out = people.iter().filter(|(_, last)| last.is_some()).count();
    if out == 0 {
        return Ok(Vec::new());
    }
    let many = if out == MOST {
        "50 or more people are".to_owned()
    } else if out == 1 {
        "1 person is".to_owned()
    } else {
        format!("{out} people are")
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
        .scan(move |tx| users::namesakes(tx, tenant))
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

async fn tokens(caller: &Caller<ReadSettings>) -> Result<Vec<Item>, Problem> {
    let ctx = caller.ctx.clone();
    let tokens = caller
        .app
        .store
        .look(move |tx| service::tokens::all(tx, &ctx))
        .await?;
    let now = caller.ctx.now;
    let mut items = Vec::new();
    for connection in &caller.settings.connections {
        let is_live =
            |token: &&Token| token.connection == connection.id && token.state(now) == TokenState::Live;
        let Some(ends) = tokens.iter().filter(is_live).map(|token| token.expires).max() else {
            continue;
        };
        let days = ends.duration_since(now).as_hours() / 24;
        if days < 30 {
            let days = counted(u64::try_from(days).unwrap_or_default(), "day", "days");
            items.push(Item {
                class: "warn",
                text: format!("The token of {} ends in {days}.", connection.name),
                link: format!(
                    "/console/settings/connections/{}",
                    encoded(connection.name.as_str())
                ),
                action: "Make the next one",
            });
        }
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
        link: format!("/console/profiles/{}", encoded(profile.name.as_str())),
        action: "Look at it",
    };
    Ok(found.into_iter().filter(is_full).map(item).collect())
}
