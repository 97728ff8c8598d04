//! `provost doctor`: is everything as it should be, and what to do where it is not.

use std::process::ExitCode;

use directory::{Condition, Settings, TenantId, Timestamp, TokenState, shadowed};
use serde_json::json;
use service::tokens;
use store::Store;

use super::{open_existing, shown};
use crate::cli::Common;
use crate::config::Config;
use crate::exit::Failure;
use crate::output::Reader;

/// Days before its end at which a token is worth a word.
const SOON: i64 = 30;

/// What was looked at, and what is wrong with it, if anything is.
struct Check {
    subject: String,
    problem: Option<String>,
}

pub(super) fn run(common: &Common) -> Result<ExitCode, Failure> {
    let config = Config::read(common.config.as_deref(), &common.place)?;
    let url = config.database()?;
    let store = open_existing(&url)?;
    let mut checks = vec![Check {
        subject: format!("configuration: listens on {}", config.listen),
        problem: None,
    }];
    checks.extend(database(&store, &url.to_string())?);
    let now = server::clock::now();
    for tenant in store.read(store::settings::tenants)? {
        let settings = store.read(|tx| service::settings::all(tx, tenant.id))?;
        if tenant.accepts_new_external_ids(now) {
            checks.push(Check {
                subject: format!("tenant {}: who left returns by name alone", tenant.name),
                problem: Some(format!(
                    "whoever gets a leaver's name gets the account; end it when the move is done: provost tenant set {:?} \
                     --accept-new-external-ids no",
                    tenant.name.as_str()
                )),
            });
        }
        checks.extend(connections(&store, tenant.id, &settings, now)?);
        checks.extend(alarms(&store, tenant.id, &settings)?);
        checks.extend(mappings(&store, &settings)?);
    }
    let columns = ["", "Checked", "What to do"];
    let mark = |check: &Check| if check.problem.is_some() { "!!" } else { "ok" }.to_owned();
    let rows: Vec<_> = checks
        .iter()
        .map(|check| {
            vec![
                mark(check),
                check.subject.clone(),
                check.problem.clone().unwrap_or_default(),
            ]
        })
        .collect();
    let values = || {
        checks
            .iter()
            .map(|check| json!({"checked": check.subject, "problem": check.problem}))
            .collect()
    };
    Reader::of(common.json).list(&columns, &rows, values)?;
    let problems = checks.iter().filter(|check| check.problem.is_some()).count();
    Ok(ExitCode::from(u8::from(problems > 0)))
}

fn database(store: &Store, url: &str) -> Result<Vec<Check>, Failure> {
    let findings = store.health()?;
    let check = |finding: store::Finding| Check {
        subject: format!("database: {}", finding.subject),
        problem: finding.advice,
    };
    let reached = Check {
        subject: format!("database {url}"),
        problem: None,
    };
    Ok(std::iter::once(reached)
        .chain(findings.into_iter().map(check))
        .collect())
}

fn connections(
    store: &Store,
    tenant: TenantId,
    settings: &Settings,
    now: Timestamp,
) -> Result<Vec<Check>, Failure> {
    let ctx = server::clock::context(directory::Actor::System, tenant);
    let all = store.read(|tx| tokens::all(tx, &ctx))?;
    let check = |connection: &directory::Connection| {
        let live = all
            .iter()
            .filter(|token| token.connection == connection.id && token.state(now) == TokenState::Live);
        let create = format!(
            "make one: provost token create --connection {:?}",
            connection.name.as_str()
        );
        let (subject, problem) = match live.max_by_key(|token| token.expires) {
            None => ("has no live token".to_owned(), Some(create)),
            Some(token) => {
                let days = token.expires.duration_since(now).as_hours() / 24;
                let soon = (days < SOON).then(|| format!("it expires in {days} days; {create}"));
                (format!("has a token until {}", shown(token.expires)), soon)
            }
        };
        Check {
            subject: format!("connection {}: {subject}", connection.name),
            problem,
        }
    };
    Ok(settings.connections.iter().map(check).collect())
}

/// Alarms that are on.
fn alarms(store: &Store, tenant: TenantId, settings: &Settings) -> Result<Vec<Check>, Failure> {
    let ctx = server::clock::context(directory::Actor::System, tenant);
    let on = store.read(|tx| service::alarms::all(tx, &ctx))?;
    let check = |alarm: &directory::Alarm| {
        let name = settings
            .connection(alarm.connection)
            .map_or("", |connection| connection.name.as_str());
        Check {
            subject: format!(
                "connection {name}: {} of {} users left at once",
                alarm.leavers, alarm.users
            ),
            problem: Some(format!(
                "nobody is purged until you say that this is right: provost connection end-alarm {name:?}"
            )),
        }
    };
    Ok(on.iter().map(check).collect())
}

fn mappings(store: &Store, settings: &Settings) -> Result<Vec<Check>, Failure> {
    let is_any =
        |mapping: &directory::Mapping| mapping.condition == Condition::Any && mapping.connections.is_empty();
    let mut checks = vec![Check {
        subject: format!("mappings: {} in order", settings.mappings.len()),
        problem: (!settings.mappings.iter().any(is_any))
            .then(|| "none is for any user: people whom none matches are refused, or held where a mapping is for a group".to_owned()),
    }];
    for (mapping, above) in settings.mappings.iter().zip(shadowed(&settings.mappings)) {
        let Some(above) = above else { continue };
        let subject = format!(
            "mapping {}: below {}, which is for any user",
            mapping.name, above.name
        );
        let problem = Some(format!(
            "it can never match; move it up: provost mapping move {:?} --at {}",
            mapping.name.as_str(),
            above.position
        ));
        checks.push(Check { subject, problem });
    }
    for mapping in &settings.mappings {
        if store.read(|tx| service::groups::has_all(tx, settings, &mapping.condition))? {
            continue;
        }
        checks.push(Check {
            subject: format!("mapping {}: names a group that is gone", mapping.name),
            problem: Some(format!(
                "name it anew: provost mapping set {:?} --group NAME",
                mapping.name.as_str()
            )),
        });
    }
    Ok(checks)
}
