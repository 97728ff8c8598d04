//! Lists of groups: by name, externalId or id at once, by anything else over all of a connection's groups.

use directory::{ConnectionId, Ctx, Facts, Group, GroupId, Settings};
use scim::filter::{Literal, Operator};
use scim::{Error as ScimError, Filter, Kind, Object, Schemas};
use store::{Tx, groups};

use super::{Members, Shown, with_members};
use crate::Error;
use crate::users::Query;

/// The most groups that the evaluator looks at for one request.
const MAX_CANDIDATES: usize = 10_000;

/// One page of a list.
#[derive(Debug)]
pub struct Listing {
    /// How many match in all.
    pub total: u64,
    /// Those on the page.
    pub groups: Vec<Shown>,
}

/// Groups from the one at place `start` on, connection by connection, at most `limit`; of one connection, where `only` names it.
///
/// # Errors
/// The store's.
pub fn browse(
    tx: &mut Tx<'_>,
    settings: &Settings,
    only: Option<ConnectionId>,
    start: usize,
    limit: usize,
) -> Result<Vec<Group>, Error> {
    let (mut found, mut skip) = (Vec::new(), start);
    let is_meant = |id: ConnectionId| only.is_none_or(|only| only == id);
    for connection in settings.connections.iter().filter(|one| is_meant(one.id)) {
        let total = groups::total(tx, settings.tenant.id, connection.id)?;
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        if skip >= total {
            skip -= total;
            continue;
        }
        let wanted = limit - found.len();
        found.extend(groups::page(tx, settings.tenant.id, connection.id, skip, wanted)?);
        skip = 0;
        if found.len() == limit {
            break;
        }
    }
    Ok(found)
}

/// The connection's groups that the filter matches, in the order that is asked for.
///
/// # Errors
/// `tooMany` where no term of the filter is indexed and there are more than 10,000 groups to look at.
pub fn list(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    query: &Query,
    members: Members,
) -> Result<Listing, Error> {
    let page = query.page;
    let offset = page.start_index - 1;
    if query.filter.is_none() && query.sort.is_none() {
        let total = groups::total(tx, ctx.tenant, connection)?;
        let found = match page.count {
            0 => Vec::new(),
            count => groups::page(tx, ctx.tenant, connection, offset, count)?,
        };
        let groups = told(tx, ctx, found, members)?;
        return Ok(Listing { total, groups });
    }
    let mut matching = Vec::new();
    for group in candidates(tx, ctx, connection, query.filter.as_ref())? {
        let resource = resource(tx, ctx, query, &group)?;
        let is_match = |filter: &Filter| filter.matches(&Schemas::groups(), &resource);
        if query.filter.as_ref().is_none_or(is_match) {
            let rank = query
                .sort
                .as_ref()
                .and_then(|sort| sort.rank(&Schemas::groups(), &resource));
            matching.push((rank, group));
        }
    }
    if let Some(sort) = &query.sort {
        matching.sort_by(|(left, _), (right, _)| sort.compare(left.as_ref(), right.as_ref()));
    }
    let total = u64::try_from(matching.len()).unwrap_or(u64::MAX);
    let matching = matching.into_iter().map(|(_, group)| group);
    let found = matching.into_iter().skip(offset).take(page.count).collect();
    let groups = told(tx, ctx, found, members)?;
    Ok(Listing { total, groups })
}

fn told(tx: &mut Tx<'_>, ctx: &Ctx, groups: Vec<Group>, members: Members) -> Result<Vec<Shown>, Error> {
    groups
        .into_iter()
        .map(|group| with_members(tx, ctx, group, members))
        .collect()
}

/// The group as a client sees it, with its members where they matter.
fn resource(tx: &mut Tx<'_>, ctx: &Ctx, query: &Query, group: &Group) -> Result<Object, Error> {
    let is_about_members = query
        .filter
        .iter()
        .flat_map(Filter::paths)
        .chain(query.sort.iter().map(|sort| &sort.by))
        .any(|path| path.attribute.eq_ignore_ascii_case("members"));
    let members = if is_about_members {
        Some(groups::members(tx, ctx.tenant, group.id)?)
    } else {
        None
    };
    Ok(serde_json::from_str(&group.to_scim(None, members.as_deref())).unwrap_or_default())
}

fn candidates(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    filter: Option<&Filter>,
) -> Result<Vec<Group>, Error> {
    let terms = filter.map(Filter::conjuncts).unwrap_or_default();
    let indexed = terms.into_iter().find_map(|term| match term {
        Filter::Compare(path, Operator::Eq, Literal::Text(text)) if path.sub.is_none() => {
            let name = path.attribute.to_ascii_lowercase();
            matches!(name.as_str(), "displayname" | "externalid" | "id").then_some((name, text))
        }
        _ => None,
    });
    let Some((name, text)) = indexed else {
        let all = groups::page(tx, ctx.tenant, connection, 0, MAX_CANDIDATES + 1)?;
        if all.len() > MAX_CANDIDATES {
            let detail = format!(
                "This filter would look at more than {MAX_CANDIDATES} groups. Narrow it with a term on displayName, externalId \
                 or id, such as displayName eq \"...\"."
            );
            return Err(ScimError::new(Kind::TooMany, detail).into());
        }
        return Ok(all);
    };
    Ok(match name.as_str() {
        "displayname" => groups::by_name(tx, ctx.tenant, connection, &Facts::key_of(text))?
            .into_iter()
            .collect(),
        "externalid" => groups::by_external_id(tx, ctx.tenant, connection, text)?,
        _ => match GroupId::parse(text) {
            Some(id) => groups::by_id(tx, ctx.tenant, connection, id)?
                .into_iter()
                .collect(),
            None => Vec::new(),
        },
    })
}
