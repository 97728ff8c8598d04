//! Reports: rows of values under named columns, the same for the console, the API and the command line.

use directory::{Bytes, Ctx, Record, Settings, Status, Timestamp, Token, TokenState, rfc3339};
use jiff::SignedDuration;
use serde_json::{Value, json};
use store::Tx;
use store::census::{Flow, Hour, Stand, hour_of};
use store::counts::{self, Count};
use store::users::Among;

use crate::Error;
use crate::users::Browse;

/// A column: what people read, and what programs read.
pub type Column = (&'static str, &'static str);

/// What can be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Each user with the place, and the mapping that gave it.
    Provisioning,
    /// Who is preserved, how that came, and when it ends.
    Preserved,
    /// How many users there were, week by week.
    Weekly,
    /// The same month by month.
    Monthly,
    /// How many users each mapping placed.
    Mappings,
    /// The tokens of all connections.
    Tokens,
}

/// Weeks and months that are looked back.
const WEEKS: i64 = 8;
const MONTHS: i64 = 12;

const PROVISIONING: [Column; 17] = [
    ("User name", "userName"),
    ("Name", "name"),
    ("E-mail", "email"),
    ("UPN", "userPrincipalName"),
    ("Profile", "profile"),
    ("Storage", "storage"),
    ("Quota", "quota"),
    ("Status", "status"),
    ("Hold", "hold"),
    ("IdP says", "idpState"),
    ("Preserved by", "preservedBy"),
    ("Preserved on", "preservedAt"),
    ("Purged on", "purgeAt"),
    ("Mapping", "mapping"),
    ("Managed by", "managedBy"),
    ("Created on", "created"),
    ("Last updated", "lastModified"),
];
const PRESERVED: [Column; 10] = [
    ("User name", "userName"),
    ("Name", "name"),
    ("E-mail", "email"),
    ("Profile", "profile"),
    ("Storage", "storage"),
    ("How", "cause"),
    ("Preserved by", "preservedBy"),
    ("Preserved on", "preservedAt"),
    ("Purged on", "purgeAt"),
    ("Legal hold", "legalHold"),
];
const COUNTS: [Column; 10] = [
    ("From", "from"),
    ("To", "to"),
    ("Users", "users"),
    ("Active", "active"),
    ("Held", "held"),
    ("Preserved in all", "preserved"),
    ("Added", "added"),
    ("Newly preserved", "newlyPreserved"),
    ("Came back", "returned"),
    ("Purged", "purged"),
];
const MAPPINGS: [Column; 7] = [
    ("Place", "position"),
    ("Mapping", "mapping"),
    ("Condition", "condition"),
    ("Profile", "profile"),
    ("Storage", "storage"),
    ("Users", "users"),
    ("Of a hundred", "share"),
];
const TOKENS: [Column; 7] = [
    ("Connection", "connection"),
    ("Token", "id"),
    ("State", "state"),
    ("Created on", "created"),
    ("Ends on", "expires"),
    ("Days left", "daysLeft"),
    ("Last used", "lastUsed"),
];

impl Report {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Provisioning,
        Self::Preserved,
        Self::Weekly,
        Self::Monthly,
        Self::Mappings,
        Self::Tokens,
    ];

    /// What programs call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Preserved => "preserved",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Mappings => "mappings",
            Self::Tokens => "tokens",
        }
    }

    /// The one that programs call so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|report| report.name() == name)
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Provisioning => "User Provisioning",
            Self::Preserved => "Preserved Users",
            Self::Weekly => "Users Count & Status, weekly",
            Self::Monthly => "Users Count & Status, monthly",
            Self::Mappings => "Mapping Coverage",
            Self::Tokens => "Tokens",
        }
    }

    /// What is in it, in a sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Provisioning => {
                "Each user with profile, storage and quota, the mapping that gave them, and who manages it."
            }
            Self::Preserved => "Who is preserved, how that came about, and when the account is purged.",
            Self::Weekly => {
                "How many users there were in each of the last eight weeks, and who came and went."
            }
            Self::Monthly => "The same for the last twelve months.",
            Self::Mappings => "How many users each mapping placed, and which of them place nobody.",
            Self::Tokens => "The tokens of all connections: when each ends, and when it was last used.",
        }
    }

    /// The columns of its rows.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Provisioning => &PROVISIONING,
            Self::Preserved => &PRESERVED,
            Self::Weekly | Self::Monthly => &COUNTS,
            Self::Mappings => &MAPPINGS,
            Self::Tokens => &TOKENS,
        }
    }

    /// The users whom it has a row for each of; `None` where its rows are of something else, and few.
    pub fn of_users(self) -> Option<Browse> {
        let among = match self {
            Self::Provisioning => Among::default(),
            Self::Preserved => Among {
                status: Some(Status::Preserved),
                ..Among::default()
            },
            _ => return None,
        };
        Some(Browse {
            among,
            ..Browse::default()
        })
    }

    /// A user's row.
    pub fn row_of(self, record: &Record, settings: &Settings) -> Vec<Value> {
        let user = record.to_json(settings);
        let preservation = &user["preservation"];
        let cell = |key: &str| match key {
            "userName" => user["accountName"].clone(),
            "preservedBy" => preservation["by"].clone(),
            "preservedAt" => preservation["at"].clone(),
            "purgeAt" => preservation["purgeAt"].clone(),
            "cause" => preservation["cause"].clone(),
            "mapping" => user["decision"]["mappingName"].clone(),
            "managedBy" => user["managedBy"].as_str().unwrap_or("manual").into(),
            key => user[key].clone(),
        };
        self.columns().iter().map(|(_, key)| cell(key)).collect()
    }

    /// All rows of a report that is not of users.
    ///
    /// # Errors
    /// The store's.
    pub fn rows(self, tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings) -> Result<Vec<Vec<Value>>, Error> {
        match self {
            Self::Provisioning | Self::Preserved => Ok(Vec::new()),
            Self::Weekly => weeks(tx, ctx),
            Self::Monthly => months(tx, ctx),
            Self::Mappings => coverage(tx, settings),
            Self::Tokens => tokens(tx, ctx, settings),
        }
    }
}

/// A cell as people read it.
pub fn text_of((_, key): Column, value: &Value) -> String {
    match (key, value) {
        (_, Value::Null) => String::new(),
        ("quota", Value::Number(bytes)) => Bytes::new(bytes.as_u64().unwrap_or_default()).to_string(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Bool(is)) => if *is { "yes" } else { "no" }.to_owned(),
        (_, other) => other.to_string(),
    }
}

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 9] = ['=', '+', '-', '@', '\t', '\r', '\n', '|', '%'];

/// Whether a spreadsheet would take the cell for a formula.
pub fn is_formula(cell: &str) -> bool {
    cell.starts_with(FORMULA)
}

/// A cell of a CSV file that no spreadsheet takes for a formula.
pub fn inert(cell: &str) -> String {
    if is_formula(cell) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

fn weeks(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Vec<Vec<Value>>, Error> {
    let week = SignedDuration::from_hours(24 * 7);
    let mut ends = vec![ctx.now];
    for _ in 0..WEEKS {
        let last = ends.last().copied().unwrap_or(ctx.now);
        ends.push(last.saturating_sub(week).unwrap_or(last));
    }
    ends.reverse();
    periods(tx, ctx, &ends)
}

fn months(tx: &mut Tx<'_>, ctx: &Ctx) -> Result<Vec<Vec<Value>>, Error> {
    let utc = jiff::tz::TimeZone::UTC;
    let first = ctx.now.to_zoned_datetime(utc.clone()).date().first_of_month();
    let month = |back: i64| {
        let day = first.saturating_sub(jiff::Span::new().months(back));
        day.to_zoned_datetime(utc.clone())
            .map(|start| start.timestamp())
            .ok()
    };
    let mut ends: Vec<_> = (0..MONTHS).rev().filter_map(month).collect();
    ends.push(ctx.now);
    periods(tx, ctx, &ends)
}

/// A row for each time between two of `ends`.
fn periods(tx: &mut Tx<'_>, ctx: &Ctx, ends: &[Timestamp]) -> Result<Vec<Vec<Value>>, Error> {
    let from = ends.first().copied().unwrap_or(ctx.now);
    let hours = crate::census::since(tx, ctx.tenant, from)?;
    let now = crate::census::now(tx, ctx.tenant)?;
    let row = |pair: &[Timestamp]| {
        let (from, to) = (pair[0], pair[1]);
        let is_now = to == ctx.now;
        let stand = if is_now { Some(now) } else { stand_at(&hours, to) };
        let flow = flow_between(&hours, hour_of(from), if is_now { i64::MAX } else { hour_of(to) });
        vec![
            json!(rfc3339(from)),
            json!(rfc3339(to)),
            json!(stand.map(|stand| stand.active + stand.held + stand.preserved)),
            json!(stand.map(|stand| stand.active)),
            json!(stand.map(|stand| stand.held)),
            json!(stand.map(|stand| stand.preserved)),
            json!(flow.joined),
            json!(flow.kept),
            json!(flow.returned),
            json!(flow.purged),
        ]
    };
    Ok(ends.windows(2).map(row).collect())
}

/// How many there were then, as far as anybody looked.
fn stand_at(hours: &[Hour], at: Timestamp) -> Option<Stand> {
    let until = hour_of(at);
    let mut before = hours.iter().rev().filter(|hour| hour.hour < until);
    before.find_map(|hour| hour.stand)
}

fn flow_between(hours: &[Hour], from: i64, to: i64) -> Flow {
    let within = hours.iter().filter(|hour| from <= hour.hour && hour.hour < to);
    within.fold(Flow::default(), |sum, hour| Flow {
        joined: sum.joined + hour.flow.joined,
        kept: sum.kept + hour.flow.kept,
        returned: sum.returned + hour.flow.returned,
        purged: sum.purged + hour.flow.purged,
    })
}

fn coverage(tx: &mut Tx<'_>, settings: &Settings) -> Result<Vec<Vec<Value>>, Error> {
    let tenant = settings.tenant.id;
    let all = counts::get(tx, Count::all(tenant))?;
    let share = |users: u64| {
        (users * 1000)
            .checked_div(all)
            .map_or(0, |tenths| (tenths + 5) / 10)
    };
    let (mut rows, mut placed) = (Vec::new(), 0);
    for mapping in &settings.mappings {
        let users = counts::get(tx, Count::by_mapping(tenant, mapping.id))?;
        placed += users;
        let outcome = &mapping.outcome;
        rows.push(vec![
            json!(mapping.position),
            json!(mapping.name),
            json!(crate::groups::in_words(tx, settings, &mapping.condition)?),
            json!(settings.profile(outcome.profile).map(|one| &one.name)),
            json!(settings.storage(outcome.storage).map(|one| &one.name)),
            json!(users),
            json!(share(users)),
        ]);
    }
    let others = all.saturating_sub(placed);
    rows.push(vec![
        Value::Null,
        json!("(none of these)"),
        json!("placed by hand, by a mapping that is gone, or not placed"),
        Value::Null,
        Value::Null,
        json!(others),
        json!(share(others)),
    ]);
    Ok(rows)
}

fn tokens(tx: &mut Tx<'_>, ctx: &Ctx, settings: &Settings) -> Result<Vec<Vec<Value>>, Error> {
    let row = |token: &Token| {
        let state = match token.state(ctx.now) {
            TokenState::Live => "live",
            TokenState::Expired => "expired",
            TokenState::Revoked => "revoked",
        };
        let days = token.expires.duration_since(ctx.now).as_hours() / 24;
        vec![
            json!(settings.connection(token.connection).map(|one| &one.name)),
            json!(token.id),
            json!(state),
            json!(rfc3339(token.created)),
            json!(rfc3339(token.expires)),
            json!((state == "live").then_some(days)),
            json!(token.last_used.map(rfc3339)),
        ]
    };
    Ok(crate::tokens::all(tx, ctx)?.iter().map(row).collect())
}
