//! Whom a filter may mean, by an index: a term that finds somebody by name, or a search within names. They are candidates
//! only; the evaluator decides.

use directory::{ConnectionId, Ctx, Facts, Record, UserId, names};
use scim::filter::{Literal, Operator};
use scim::schema::USER;
use scim::{AttributePath, Error as ScimError, Filter, Kind};
use store::search::Needle;
use store::users::{self, Scope};
use store::{Tx, search};

use crate::Error;

/// The most users that the evaluator looks at for one request.
pub(super) const MAX: usize = 10_000;

/// The most searches for one request.
const MAX_PARTS: usize = 10;

/// How candidates are found.
enum Plan<'f> {
    /// By what a user is found by.
    Key(Key, &'f str),
    /// By a part of a name or an address.
    Part(Needle),
    /// By either.
    Either(Box<Plan<'f>>, Box<Plan<'f>>),
}

/// What users are found by.
#[derive(Debug, Clone, Copy)]
enum Key {
    Id,
    UserName,
    ExternalId,
    Email,
}

/// All whom the filter can match and who knows who else, in the order in which they were created; `None` where no index
/// helps.
///
/// # Errors
/// `tooMany` where they are too many to look at.
pub(super) fn find(
    tx: &mut Tx<'_>,
    ctx: &Ctx,
    connection: ConnectionId,
    filter: &Filter,
) -> Result<Option<Vec<Record>>, Error> {
    let Some(plan) = Plan::of(filter, None) else {
        return Ok(None);
    };
    if plan.parts() > MAX_PARTS {
        return Ok(None);
    }
    plan.run(tx, ctx, connection)
}

/// There would be more to look at than one request may.
pub(super) fn too_many() -> Error {
    let detail = format!(
        "This list would look at more than {MAX} users. Narrow its filter: userName eq \"...\" (or \
         externalId, id, emails), or more letters of a name with co or sw. Without a filter, so many are sorted by userName or id alone."
    );
    ScimError::new(Kind::TooMany, detail).into()
}

impl<'f> Plan<'f> {
    /// `within` is the multi-valued attribute whose values the filter is about.
    fn of(filter: &'f Filter, within: Option<&AttributePath>) -> Option<Self> {
        match filter {
            Filter::Compare(path, operator, Literal::Text(text)) => {
                Self::of_comparison(path, within, *operator, text)
            }
            Filter::Element(path, inner) if within.is_none() => Self::of(inner, Some(path)),
            Filter::And(left, right) => match (Self::of(left, within), Self::of(right, within)) {
                (Some(left), Some(right)) if right.cost() < left.cost() => Some(right),
                (left, right) => left.or(right),
            },
            Filter::Or(left, right) => Some(Self::Either(
                Box::new(Self::of(left, within)?),
                Box::new(Self::of(right, within)?),
            )),
            _ => None,
        }
    }

    fn of_comparison(
        path: &AttributePath,
        within: Option<&AttributePath>,
        operator: Operator,
        text: &'f str,
    ) -> Option<Self> {
        let (name, sub) = match within {
            None => (path, path.sub.as_deref()),
            Some(_) if path.sub.is_some() || path.schema.is_some() => return None,
            Some(of) => (of, Some(path.attribute.as_str())),
        };
        if name
            .schema
            .as_deref()
            .is_some_and(|schema| !schema.eq_ignore_ascii_case(USER))
        {
            return None;
        }
        let name = name.attribute.as_str();
        if operator == Operator::Eq
            && let Some(key) = Key::of(name, sub)
        {
            return Some(Self::Key(key, text));
        }
        if names::is_searched(name, sub) {
            return Needle::of(operator, text).map(Self::Part);
        }
        None
    }

    /// The less, the fewer candidates.
    fn cost(&self) -> usize {
        match self {
            Self::Key(..) => 0,
            Self::Part(needle) => 1_000_usize.saturating_sub(needle.weight()).max(1),
            Self::Either(left, right) => left.cost() + right.cost(),
        }
    }

    /// How many searches it takes.
    fn parts(&self) -> usize {
        match self {
            Self::Key(..) => 0,
            Self::Part(_) => 1,
            Self::Either(left, right) => left.parts() + right.parts(),
        }
    }

    /// The candidates, each once and in order; `None` where an index is of no help after all.
    fn run(
        &self,
        tx: &mut Tx<'_>,
        ctx: &Ctx,
        connection: ConnectionId,
    ) -> Result<Option<Vec<Record>>, Error> {
        let mut found = match self {
            Self::Key(key, text) => key.find(tx, ctx, connection, text)?,
            Self::Part(needle) => {
                return Ok(search::find(
                    tx,
                    ctx.tenant,
                    Scope::Connection(connection),
                    needle,
                    MAX,
                )?);
            }
            Self::Either(left, right) => {
                let Some(mut found) = left.run(tx, ctx, connection)? else {
                    return Ok(None);
                };
                let Some(others) = right.run(tx, ctx, connection)? else {
                    return Ok(None);
                };
                found.extend(others);
                found
            }
        };
        found.sort_by_key(|record| record.facts.id);
        found.dedup_by_key(|record| record.facts.id);
        Ok(Some(found).filter(|found| found.len() <= MAX))
    }
}

impl Key {
    fn of(name: &str, sub: Option<&str>) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        match (name.as_str(), sub) {
            ("id", None) => Some(Self::Id),
            ("username", None) => Some(Self::UserName),
            ("externalid", None) => Some(Self::ExternalId),
            ("emails", part) if part.is_none_or(|part| part.eq_ignore_ascii_case("value")) => {
                Some(Self::Email)
            }
            _ => None,
        }
    }

    fn find(
        self,
        tx: &mut Tx<'_>,
        ctx: &Ctx,
        connection: ConnectionId,
        text: &str,
    ) -> Result<Vec<Record>, store::Error> {
        let tenant = ctx.tenant;
        Ok(match self {
            Self::UserName => users::by_user_name(tx, tenant, &Facts::key_of(text))?
                .into_iter()
                .collect(),
            Self::ExternalId => {
                let mut found = users::manual_by_external_id(tx, tenant, text)?;
                found.extend(users::by_external_id(tx, tenant, connection, text)?);
                found
            }
            Self::Id => match UserId::parse(text) {
                Some(id) => users::by_id(tx, tenant, Scope::Connection(connection), id)?
                    .into_iter()
                    .collect(),
                None => Vec::new(),
            },
            Self::Email => users::by_any_email(tx, tenant, &Facts::key_of(text))?,
        })
    }
}
