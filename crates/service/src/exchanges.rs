//! The provisioning log: what identity providers sent and were answered, and the people whom a refusal keeps out.

use std::collections::HashMap;

use directory::{
    Carries, ConnectionId, Ctx, Event, EventKind, Exchange, Facts, Record, Refusal, RefusedPerson, Settings,
    Status, Subject, TenantId, Thing, Timestamp, UNMATCHED, UserId, Verdict, decide,
};
use scim::{NOT_KEPT, Object};
use serde_json::{Value, json};
use store::Tx;
use store::log::exchanges::{self, Among};
use store::log::refused;
use uuid::Uuid;

use crate::Error;

/// Exchanges that are read at once.
const STRIDE: i64 = 500;

/// Writes exchanges down, and who is kept out by them, or no longer.
///
/// # Errors
/// The store's.
pub fn record(tx: &mut Tx<'_>, batch: &[Exchange]) -> Result<(), Error> {
    // Nodes that write the same rows do so in one order; what is about one person stays in its own.
    let mut batch: Vec<_> = batch.iter().collect();
    batch.sort_by_key(|exchange| {
        let subject = exchange.user.map(|id| id.to_string());
        let subject = subject.or_else(|| exchange.user_name.as_deref().map(Facts::key_of));
        (exchange.tenant, exchange.connection, subject)
    });
    // Whether a connection has anybody who is refused; most have nobody.
    let mut known: HashMap<(TenantId, ConnectionId), bool> = HashMap::new();
    for exchange in batch {
        exchanges::insert(tx, exchange)?;
        if !writes_a_person(exchange) {
            continue;
        }
        let (tenant, connection) = (exchange.tenant, exchange.connection);
        match exchange.status {
            400 | 409 => {
                refused::put(tx, exchange)?;
                known.insert((tenant, connection), true);
            }
            200..=299 => {
                let has_any = match known.get(&(tenant, connection)) {
                    Some(&has_any) => has_any,
                    None => refused::is_any(tx, tenant, connection)?,
                };
                known.insert((tenant, connection), has_any);
                if has_any {
                    refused::clear(tx, exchange)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn writes_a_person(exchange: &Exchange) -> bool {
    let detail = &exchange.detail;
    detail.path.starts_with("/Users")
        && !detail.path.starts_with("/Users/.search")
        && matches!(detail.method.as_str(), "POST" | "PUT" | "PATCH")
}

/// Takes away what the log holds of a user who was purged.
///
/// # Errors
/// The store's.
pub fn forget(tx: &mut Tx<'_>, tenant: TenantId, user: UserId) -> Result<(), Error> {
    let mut names = Vec::new();
    let mut before = Uuid::max();
    loop {
        let found = exchanges::before(tx, tenant, Among::User(user), before, STRIDE)?;
        let Some(last) = found.last() else { break };
        before = last.id;
        for exchange in found {
            refused::clear(tx, &exchange)?;
            let name = exchange.detail.body.as_ref().and_then(user_name_in);
            names.extend(name.map(Facts::key_of));
            exchanges::forget(tx, exchange)?;
        }
    }
    names.sort_unstable();
    names.dedup();
    for name in names {
        let mut before = Uuid::max();
        loop {
            let found = exchanges::of_name(tx, tenant, &name, before, STRIDE)?;
            let Some(last) = found.last() else { break };
            before = last.id;
            for exchange in found.into_iter().filter(|exchange| exchange.user.is_none()) {
                refused::clear(tx, &exchange)?;
                exchanges::forget(tx, exchange)?;
            }
        }
    }
    Ok(())
}

/// The `userName` of a resource.
pub fn user_name_in(body: &Object) -> Option<&str> {
    let found = body.iter().find(|(key, _)| key.eq_ignore_ascii_case("userName"));
    found.and_then(|(_, name)| name.as_str())
}

/// Which exchanges are looked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// All, or which of them.
    pub among: Among,
    /// Those before this one.
    pub before: Uuid,
    /// How many at most.
    pub limit: usize,
}

/// One page of the log.
#[derive(Debug)]
pub struct Page {
    /// Newest first.
    pub exchanges: Vec<Exchange>,
    /// Where to go on; `None` at the end.
    pub next: Option<Uuid>,
}

/// Those of a connection, or all; refused ones, or any.
pub fn among(connection: Option<ConnectionId>, are_refused: bool) -> Among {
    match (connection, are_refused) {
        (None, false) => Among::All,
        (None, true) => Among::Refused,
        (Some(of), false) => Among::Connection(of),
        (Some(of), true) => Among::RefusedOf(of),
    }
}

/// The newest exchanges that are wanted.
///
/// # Errors
/// The store's.
pub fn page(tx: &mut Tx<'_>, tenant: TenantId, wanted: &Wanted) -> Result<Page, Error> {
    let more = i64::try_from(wanted.limit).unwrap_or(i64::MAX - 1) + 1;
    let mut exchanges = exchanges::before(tx, tenant, wanted.among, wanted.before, more)?;
    let has_more = exchanges.len() > wanted.limit;
    exchanges.truncate(wanted.limit);
    let next = exchanges.last().filter(|_| has_more).map(|last| last.id);
    Ok(Page { exchanges, next })
}

/// The exchange with this request's number.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn show(tx: &mut Tx<'_>, tenant: TenantId, id: &str) -> Result<Exchange, Error> {
    let found = Uuid::try_parse(id)
        .ok()
        .map(|id| exchanges::by_id(tx, tenant, id))
        .transpose()?;
    found.flatten().ok_or_else(|| unknown(Thing::Exchange, id).into())
}

/// The people who are kept out, after `after`, at most `limit`; who got in since, by another way, is not among them.
///
/// # Errors
/// The store's.
pub fn refused_after(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<RefusedPerson>, Error> {
    Ok(refused::after(tx, tenant, after, limit)?)
}

/// The people who were last refused before `before`, newest first, at most `limit`; of one connection where it is named. Who got in
/// since, by another way, is among them.
///
/// # Errors
/// The store's.
pub fn refused_before(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    of: Option<ConnectionId>,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<RefusedPerson>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(refused::latest(tx, tenant, of, before, limit)?)
}

/// The person who is kept out with this id.
///
/// # Errors
/// [`Refusal::Unknown`].
pub fn refused_person(tx: &mut Tx<'_>, tenant: TenantId, id: &str) -> Result<RefusedPerson, Error> {
    let found = Uuid::try_parse(id)
        .ok()
        .map(|id| refused::by_id(tx, tenant, id))
        .transpose()?;
    found
        .flatten()
        .ok_or_else(|| unknown(Thing::RefusedPerson, id).into())
}

/// Whether the person got in since, whatever way: the directory itself says so. `last` is the exchange that was refused last, if
/// it is still kept.
///
/// # Errors
/// The store's.
pub fn is_in(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    person: &RefusedPerson,
    last: Option<&Exchange>,
) -> Result<bool, Error> {
    let is_newer = |record: &Record| record.facts.modified > person.last;
    // Somebody who was sent a second time is in too.
    let is_active = |record: &Record| record.facts.lifecycle.status() == Status::Active;
    if let Some(id) = person.user {
        let user = store::users::by_id(tx, tenant, store::users::Scope::All, id)?;
        return Ok(user.is_none_or(|user| is_newer(&user)));
    }
    // Who has another name by now is found by the identity provider's own.
    let body = last.and_then(|last| last.detail.body.as_ref());
    if let Some(external_id) = body.and_then(|body| body.get("externalId")?.as_str())
        && let Some(user) = store::users::by_external_id(tx, tenant, person.connection, external_id)?
        && (is_newer(&user) || is_active(&user))
    {
        return Ok(true);
    }
    let key = Facts::key_of(&person.user_name);
    let user = store::users::by_user_name(tx, tenant, &key)?;
    let is_theirs = |record: &Record| record.facts.connection.is_none_or(|of| of == person.connection);
    Ok(user.is_some_and(|user| is_theirs(&user) && (is_newer(&user) || is_active(&user))))
}

/// An administrator wants to see a refused person no longer. The event says so; the row goes with [`refused::dismiss`].
pub fn dismissed(tx: &mut Tx<'_>, ctx: &Ctx, person: &RefusedPerson) {
    // Who it is stands in the exchange, which is forgotten in time; events are for ever.
    let data = json!({"refused": {"id": person.id, "exchange": person.exchange, "times": person.times}});
    tx.append(
        ctx,
        Event {
            kind: EventKind::RefusalDismissed,
            user: person.user,
            data: data.to_string(),
        },
    );
}

/// Which mapping would let the person of an exchange in now, as far as what is kept of the request tells; none where something else
/// kept the person out.
pub fn would_admit(settings: &Settings, exchange: &Exchange) -> Option<String> {
    let reason = exchange.detail.reason.as_deref()?;
    if !reason.starts_with(UNMATCHED) {
        return None;
    }
    match verdict(settings, exchange)? {
        Verdict::Matched(mapping) => Some(mapping.name.to_string()),
        Verdict::Unknown(_) | Verdict::Unmatched(_) => None,
    }
}

/// What the mappings say of the person of an exchange now; nothing where it carries none.
pub fn verdict<'s>(settings: &'s Settings, exchange: &Exchange) -> Option<Verdict<'s>> {
    if !writes_a_person(exchange) {
        return None;
    }
    let mut body = exchange.detail.body.clone()?;
    // What was not kept may be declared by now.
    strip(&mut body);
    let sent = settings.schemas.admit(body).ok()?;
    let subject = Subject {
        schemas: &settings.schemas,
        connection: Some(exchange.connection),
        attributes: &sent.attributes,
        undeclared: &sent.undeclared,
        groups: &[],
        carries: Carries::Changes,
        kept: Some((&settings.declared, exchange.detail.at)),
    };
    Some(decide(&settings.mappings, &subject))
}

/// Takes the places of values that were not kept away: those attributes are unknown.
fn strip(undeclared: &mut Object) {
    undeclared.retain(|_, value| match value {
        Value::Object(inner) => {
            strip(inner);
            !inner.is_empty()
        }
        value => value != NOT_KEPT,
    });
}

fn unknown(thing: Thing, name: &str) -> Refusal {
    Refusal::Unknown {
        thing,
        name: name.chars().take(100).collect(),
        known: Vec::new(),
    }
}
