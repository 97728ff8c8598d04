//! Lists: an indexed term of the filter proposes candidates, and the evaluator decides.

use std::collections::HashMap;

use directory::{Belonging, ConnectionId, Ctx, Facts, Record, Settings, UserId};
use scim::filter::{Literal, Operator};
use scim::list::Page;
use scim::schema::USER;
use scim::{AttributePath, Error as ScimError, Filter, Kind, Object};
use store::Tx;
use store::users::{self, Place, Scope, Walk};

use crate::Error;

/// The most users that the evaluator looks at for one request.
const MAX_CANDIDATES: usize = 10_000;

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

/// The users that the connection sees and the filter matches, in the order in which they were created.
///
/// # Errors
/// `tooMany` where no term of the filter is indexed and there are more than 10,000 users to look at.
pub fn list(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    filter: Option<&Filter>,
    page: Page,
) -> Result<Listing, Error> {
    let mut listing = find(tx, ctx, connection, filter, page)?;
    listing.belongings = crate::groups::of_users(tx, ctx, &listing.records)?;
    Ok(listing)
}

fn find(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    filter: Option<&Filter>,
    page: Page,
) -> Result<Listing, Error> {
    let offset = page.start_index - 1;
    let Some(filter) = filter else {
        let visible = users::visible(tx, ctx.tenant, connection)?;
        let place = Place {
            offset,
            count: page.count,
            now: ctx.now,
        };
        let mut total = visible.own + visible.manual;
        if page.count == 0 {
            let records = Vec::new();
            return Ok(Listing::of(total, records));
        }
        let found = users::page(tx, ctx.tenant, connection, visible, place)?;
        // Where somebody on an earlier page left since, there are more than the count says: a client must not stop.
        if found.has_more {
            total = total.max(u64::try_from(offset + found.records.len() + 1).unwrap_or(u64::MAX));
        }
        let records = found.records;
        return Ok(Listing::of(total, records));
    };
    let settings = tx.settings(ctx.tenant)?;
    let scope = Scope::Connection(connection);
    let Some(found) = candidates(tx, ctx, connection, filter)? else {
        return walk(tx, ctx, &settings, scope, filter, page);
    };
    let mut matching = found;
    matching.retain(|record| {
        scope.shows(&record.facts) && filter.matches(&settings.schemas, &resource(record, &settings))
    });
    let total = u64::try_from(matching.len()).unwrap_or(u64::MAX);
    let records = matching.into_iter().skip(offset).take(page.count).collect();
    Ok(Listing::of(total, records))
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

/// The resource as a client sees it; the evaluator needs no location.
fn resource(record: &Record, settings: &Settings) -> Object {
    serde_json::from_str(&record.to_scim(settings, None)).unwrap_or_default()
}

fn candidates(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    filter: &Filter,
) -> Result<Option<Vec<Record>>, Error> {
    let indexed = filter.conjuncts().into_iter().find_map(|term| match term {
        Filter::Compare(path, Operator::Eq, Literal::Text(text)) => Some((Key::of(path)?, text)),
        Filter::Element(path, inner) if is_core(path) && path.attribute.eq_ignore_ascii_case("emails") => {
            inner.conjuncts().into_iter().find_map(|term| match term {
                Filter::Compare(path, Operator::Eq, Literal::Text(text))
                    if path.attribute.eq_ignore_ascii_case("value") =>
                {
                    Some((Key::Email, text))
                }
                _ => None,
            })
        }
        _ => None,
    });
    let tenant = ctx.tenant;
    let found = match indexed {
        Some((Key::UserName, text)) => users::by_user_name(tx, tenant, &Facts::key_of(text))?
            .into_iter()
            .collect(),
        Some((Key::ExternalId, text)) => {
            let own = users::by_external_id(tx, tenant, connection, text)?;
            own.into_iter()
                .chain(users::manual_by_external_id(tx, tenant, text)?)
                .collect()
        }
        Some((Key::Id, text)) => match UserId::parse(text) {
            Some(id) => users::by_id(tx, tenant, Scope::Connection(connection), id)?
                .into_iter()
                .collect(),
            None => Vec::new(),
        },
        Some((Key::Email, text)) => users::by_any_email(tx, tenant, &Facts::key_of(text))?,
        None => return Ok(None),
    };
    Ok(Some(found))
}

/// Looks at everybody, and keeps no more than the page.
fn walk(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    settings: &Settings,
    scope: Scope,
    filter: &Filter,
    page: Page,
) -> Result<Listing, Error> {
    let mut looked = 0;
    let mut listing = Listing::of(0, Vec::new());
    let first = u64::try_from(page.start_index).unwrap_or(u64::MAX);
    users::walk(tx, ctx.tenant, scope, |record| {
        looked += 1;
        if looked > MAX_CANDIDATES {
            return Walk::Stop;
        }
        if filter.matches(&settings.schemas, &resource(&record, settings)) {
            listing.total += 1;
            if listing.total >= first && listing.records.len() < page.count {
                listing.records.push(record);
            }
        }
        Walk::On
    })?;
    if looked > MAX_CANDIDATES {
        let detail = format!(
            "This filter would look at more than {MAX_CANDIDATES} users. Narrow it with a term on userName, externalId, id \
             or emails, such as userName eq \"...\"."
        );
        return Err(ScimError::new(Kind::TooMany, detail).into());
    }
    Ok(listing)
}

/// What users are found by.
#[derive(Debug, Clone, Copy)]
enum Key {
    Id,
    UserName,
    ExternalId,
    Email,
}

impl Key {
    fn of(path: &AttributePath) -> Option<Self> {
        let part = path.sub.as_deref();
        let name = path.attribute.to_ascii_lowercase();
        match (name.as_str(), part) {
            _ if !is_core(path) => None,
            ("id", None) => Some(Self::Id),
            ("username", None) => Some(Self::UserName),
            ("externalid", None) => Some(Self::ExternalId),
            ("emails", part) if part.is_none_or(|part| part.eq_ignore_ascii_case("value")) => {
                Some(Self::Email)
            }
            _ => None,
        }
    }
}

fn is_core(path: &AttributePath) -> bool {
    path.schema
        .as_deref()
        .is_none_or(|schema| schema.eq_ignore_ascii_case(USER))
}
