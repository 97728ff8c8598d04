//! Lists: an index proposes candidates, and the evaluator decides.

use std::collections::HashMap;

use directory::extension::DIRECTORY;
use directory::{Belonging, ConnectionId, Ctx, Record, Settings, UserId};
use scim::list::Page;
use scim::schema::USER;
use scim::{AttributePath, Filter, Object, Order, Sort, json};
use store::Tx;
use store::users::{self, Place, Scope, Walk};

use super::candidates;
use crate::Error;

/// What a list is asked for.
#[derive(Debug, Clone)]
pub struct Query {
    /// Who; everybody where there is none.
    pub filter: Option<Filter>,
    /// In which order; that in which they were created where there is none.
    pub sort: Option<Sort>,
    /// Which of them.
    pub page: Page,
}

/// One page of a list.
#[derive(Debug)]
pub struct Listing {
    /// How many match in all.
    pub total: u64,
    /// Those on the page.
    pub records: Vec<Record>,
    /// The groups that they belong to.
    pub belongings: HashMap<UserId, Vec<Belonging>>,
}

impl Listing {
    fn of(total: u64, records: Vec<Record>) -> Self {
        Self {
            total,
            records,
            belongings: HashMap::new(),
        }
    }
}

/// The users that the connection sees and the filter matches, in the order that is asked for.
///
/// # Errors
/// `tooMany` where neither filter nor order goes by an index and there are more than 10,000 users to look at.
pub fn list(tx: &mut Tx<'_>, ctx: &Ctx, connection: ConnectionId, query: &Query) -> Result<Listing, Error> {
    let mut listing = match (&query.filter, &query.sort) {
        (None, None) => whole_page(tx, ctx, connection, query.page)?,
        (None, Some(sort)) if is_natural(sort) => whole_page(tx, ctx, connection, query.page)?,
        (None, Some(sort)) if is_user_name(&sort.by) => by_name(tx, ctx, connection, sort, query.page)?,
        _ => matching(tx, ctx, connection, query)?,
    };
    listing.belongings = crate::groups::of_users(tx, ctx, &listing.records)?;
    Ok(listing)
}

fn whole_page(tx: &mut Tx<'_>, ctx: &Ctx, connection: ConnectionId, page: Page) -> Result<Listing, Error> {
    let offset = page.start_index - 1;
    let visible = users::visible(tx, ctx.tenant, connection)?;
    let place = Place {
        offset,
        count: page.count,
        now: ctx.now,
    };
    let mut total = visible.own + visible.manual;
    if page.count == 0 {
        return Ok(Listing::of(total, Vec::new()));
    }
    let found = users::page(tx, ctx.tenant, connection, visible, place)?;
    // Where somebody on an earlier page left since, there are more than the count says: a client must not stop.
    if found.has_more {
        total = total.max(u64::try_from(offset + found.records.len() + 1).unwrap_or(u64::MAX));
    }
    Ok(Listing::of(total, found.records))
}

/// A list comes in the order of ids where nobody asks for another.
fn is_natural(sort: &Sort) -> bool {
    sort.order == Order::Ascending
        && sort.by.schema.is_none()
        && sort.by.sub.is_none()
        && sort.by.attribute.eq_ignore_ascii_case("id")
}

/// The names that are compared are what the index has.
fn is_user_name(path: &AttributePath) -> bool {
    path.attribute.eq_ignore_ascii_case("userName")
        && path.sub.is_none()
        && path
            .schema
            .as_deref()
            .is_none_or(|schema| schema.eq_ignore_ascii_case(USER))
}

fn by_name(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    sort: &Sort,
    page: Page,
) -> Result<Listing, Error> {
    let visible = users::visible(tx, ctx.tenant, connection)?;
    let place = Place {
        offset: page.start_index - 1,
        count: page.count,
        now: ctx.now,
    };
    let records = users::page_by_name(tx, ctx.tenant, connection, sort.order, place)?;
    Ok(Listing::of(visible.own + visible.manual, records))
}

fn matching(tx: &mut Tx<'_>, ctx: &Ctx, connection: ConnectionId, query: &Query) -> Result<Listing, Error> {
    let settings = tx.settings(ctx.tenant)?;
    let scope = Scope::Connection(connection);
    let mut sieve = Sieve::of(&settings, query);
    let found = match &query.filter {
        Some(filter) => candidates::find(tx, ctx, connection, filter)?,
        None => None,
    };
    if let Some(found) = found {
        found
            .into_iter()
            .filter(|record| scope.shows(&record.facts))
            .for_each(|record| sieve.take(record));
        return sieve.page(tx);
    }
    let mut looked = 0;
    users::walk(tx, ctx.tenant, scope, |record| {
        looked += 1;
        if looked > candidates::MAX {
            return Walk::Stop;
        }
        sieve.take(record);
        Walk::On
    })?;
    if looked > candidates::MAX {
        return Err(candidates::too_many());
    }
    sieve.page(tx)
}

/// Lets through who matches. Without an order it keeps no more than the page.
struct Sieve<'s> {
    settings: &'s Settings,
    query: &'s Query,
    /// The attributes that matter; `None` where they are not all in the document.
    looked_at: Option<Vec<&'s str>>,
    total: usize,
    /// Those on the page.
    kept: Vec<Record>,
    /// Where there is an order, all who match: no more of them than it takes.
    ranked: Vec<(Option<scim::Rank>, UserId)>,
}

impl<'s> Sieve<'s> {
    fn of(settings: &'s Settings, query: &'s Query) -> Self {
        Self {
            settings,
            query,
            looked_at: looked_at(settings, query),
            total: 0,
            kept: Vec::new(),
            ranked: Vec::new(),
        }
    }

    fn take(&mut self, record: Record) {
        let (settings, query) = (self.settings, self.query);
        let resource = self.resource(&record);
        let is_match = query
            .filter
            .as_ref()
            .is_none_or(|filter| filter.matches(&settings.schemas, &resource));
        if !is_match {
            return;
        }
        self.total += 1;
        if let Some(sort) = &query.sort {
            let rank = sort.rank(&settings.schemas, &resource);
            self.ranked.push((rank, record.facts.id));
        } else if self.total >= query.page.start_index && self.kept.len() < query.page.count {
            self.kept.push(record);
        }
    }

    /// The user as far as it matters; the evaluator needs no location.
    fn resource(&self, record: &Record) -> Object {
        let read = match &self.looked_at {
            Some(names) => json::members_of(&record.document, names),
            None => serde_json::from_str(&record.to_scim(self.settings, None)),
        };
        read.unwrap_or_default()
    }

    fn page(mut self, tx: &mut Tx<'_>) -> Result<Listing, Error> {
        let total = u64::try_from(self.total).unwrap_or(u64::MAX);
        let Some(sort) = &self.query.sort else {
            return Ok(Listing::of(total, self.kept));
        };
        self.ranked
            .sort_by(|(left, _), (right, _)| sort.compare(left.as_ref(), right.as_ref()));
        let page = self.query.page;
        let on_page = self.ranked.iter().skip(page.start_index - 1).take(page.count);
        let ids: Vec<_> = on_page.map(|(_, id)| *id.as_bytes()).collect();
        let mut records = users::by_ids(tx, self.settings.tenant.id, &ids)?;
        let place = |record: &Record| ids.iter().position(|id| id == record.facts.id.as_bytes());
        records.sort_by_cached_key(place);
        Ok(Listing::of(total, records))
    }
}

/// Remembers where a page without a filter ended, if there are more.
///
/// # Errors
/// The store's.
pub fn mark_page(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    offset: usize,
    last: UserId,
) -> Result<(), Error> {
    Ok(users::mark_page(
        tx, ctx.tenant, connection, offset, last, ctx.now,
    )?)
}

/// The attributes of the document that the query looks at; `None` where it looks at what is not in it.
fn looked_at<'s>(settings: &'s Settings, query: &'s Query) -> Option<Vec<&'s str>> {
    let paths = query.filter.iter().flat_map(Filter::paths);
    let mut names = Vec::new();
    for path in paths.chain(query.sort.iter().map(|sort| &sort.by)) {
        match path.resolve(&settings.schemas) {
            Some(target) if target.extension == Some(DIRECTORY) => return None,
            Some(target) => names.push(target.extension.unwrap_or(&*target.attribute.name)),
            None => {}
        }
    }
    Some(names)
}
