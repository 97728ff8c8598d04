//! Groups, as identity providers pushed them, and who is in them.

use askama::Template;
use directory::{Group, GroupId, Settings, Timestamp};
use serde::Deserialize;
use service::groups;
use service::settings::named;
use store::Tx;
use store::users::{Scope, by_ids};

use super::page::{Answer, Named, Page, Query, Shell};
use super::view::{Markup, Row, encoded, plain, when};
use crate::access::caller::ReadUsers;

/// Groups on a page, and members that are shown of one.
const PAGE: usize = 50;
const MOST_MEMBERS: usize = 200;

/// A group in a list.
struct Line {
    id: String,
    name: String,
    connection: String,
    changed: Markup,
    mappings: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    connection: String,
    #[serde(default)]
    from: String,
}

#[derive(Template)]
#[template(path = "groups.html")]
struct List<'p> {
    shell: &'p Shell,
    lines: Vec<Line>,
    next: Option<String>,
    connections: Vec<String>,
    connection: String,
}

/// `GET /console/groups?connection=Okta`
pub(super) async fn list(page: Page<ReadUsers>, Query(asked): Query<Asked>) -> Answer {
    let caller = &page.caller;
    caller.demand_whole()?;
    let settings = caller.settings.clone();
    let only = match asked.connection.as_str() {
        "" => None,
        name => Some(named(&settings.connections, name)?.id),
    };
    let start: usize = asked.from.parse().unwrap_or(0);
    let found = caller
        .app
        .store
        .scan(move |tx| groups::browse(tx, &settings, only, start, PAGE + 1))
        .await?;
    let next = (found.len() > PAGE).then(|| {
        let (of, from) = (encoded(&asked.connection), start + PAGE);
        format!("/console/groups?connection={of}&from={from}")
    });
    page.shows(&List {
        shell: &page.shell,
        lines: found.iter().take(PAGE).map(|group| line(&page, group)).collect(),
        connections: caller
            .settings
            .connections
            .iter()
            .map(|one| one.name.to_string())
            .collect(),
        connection: asked.connection,
        next,
    })
}

fn name_of(group: &Group) -> &str {
    let name = group.attributes.get("displayName");
    name.and_then(|name| name.as_str()).unwrap_or_default()
}

fn line(page: &Page<ReadUsers>, group: &Group) -> Line {
    let settings = &page.caller.settings;
    let connection = settings.connection(group.connection);
    let looks_at = |mapping: &&directory::Mapping| match &mapping.condition {
        directory::Condition::Group { groups } => groups.contains(&group.id),
        _ => false,
    };
    Line {
        id: group.id.to_string(),
        name: plain(name_of(group)),
        connection: connection.map(|one| one.name.to_string()).unwrap_or_default(),
        changed: when(group.modified, page.shell.now),
        mappings: settings
            .mappings
            .iter()
            .filter(looks_at)
            .map(|mapping| mapping.name.to_string())
            .collect(),
    }
}

/// A member that is shown.
struct MemberLine {
    link: String,
    name: String,
    status: Option<Markup>,
}

#[derive(Template)]
#[template(path = "group.html")]
struct GroupPage<'p> {
    shell: &'p Shell,
    line: Line,
    external_id: String,
    members: Vec<MemberLine>,
    has_more: bool,
}

/// `GET /console/groups/{group}`
pub(super) async fn show(page: Page<ReadUsers>, Named(id): Named) -> Answer {
    let caller = &page.caller;
    caller.demand_whole()?;
    let (settings, now) = (caller.settings.clone(), page.shell.now);
    let (group, members, has_more) = caller
        .app
        .store
        .scan(move |tx| {
            let group = groups::named(tx, &settings, &id, &[])?;
            let (members, has_more) = members(tx, &settings, &group, now)?;
            Ok::<_, service::Error>((group, members, has_more))
        })
        .await?;
    let external_id = group.attributes.get("externalId").and_then(|id| id.as_str());
    page.shows(&GroupPage {
        shell: &page.shell,
        line: line(&page, &group),
        external_id: plain(external_id.unwrap_or_default()),
        members,
        has_more,
    })
}

/// Some of a group's members, and whether there are more.
fn members(
    tx: &mut Tx<'_>,
    settings: &Settings,
    group: &Group,
    now: Timestamp,
) -> Result<(Vec<MemberLine>, bool), service::Error> {
    let tenant = settings.tenant.id;
    let mut ids = store::groups::member_ids(tx, tenant, group.id, MOST_MEMBERS + 1)?;
    let has_more = ids.len() > MOST_MEMBERS;
    ids.truncate(MOST_MEMBERS);
    let users = by_ids(tx, tenant, &ids)?;
    let seen = users.iter().filter(|user| Scope::All.shows(&user.facts));
    let mut shown: Vec<_> = seen
        .map(|user| {
            let row = Row::of(user, settings, now);
            MemberLine {
                link: format!("/console/users/{}", user.facts.id),
                name: format!("{} · {}", row.name, row.user_name),
                status: Some(row.status),
            }
        })
        .collect();
    let is_user = |id: &[u8; 16]| users.iter().any(|user| user.facts.id.as_bytes() == id);
    for id in ids.iter().filter(|id| !is_user(id)) {
        let Some(id) = GroupId::from_bytes(id) else {
            continue;
        };
        if let Some(inner) = store::groups::by_id(tx, tenant, group.connection, id)? {
            shown.push(MemberLine {
                link: format!("/console/groups/{id}"),
                name: plain(name_of(&inner)),
                status: None,
            });
        }
    }
    Ok((shown, has_more))
}
