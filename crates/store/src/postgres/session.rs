//! Connecting, what a session needs, and what the database's errors mean.

use std::error::Error as _;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::link::Link;
use super::tls;
use super::url::PostgresUrl;
use crate::sql::Statement;
use crate::{Error, Finding};

/// How long a host may take until it can be used.
const CONNECT: Duration = Duration::from_secs(5);
/// The oldest server that can be used.
const OLDEST: i64 = 150_000;

/// No statement waits for ever, and an answer is on disk, whatever the database's defaults are. Every statement has its
/// index; without a word the planner reads whole tables while they are small, and goes on so when they are not, or reads
/// one because a group of the average size would be large.
const SESSION: &str = "SET statement_timeout = '20s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '10s';
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan; SET jit = off;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

const FACTS: &str =
    "SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding')";

/// The first part of the counts that no other connection has.
const SHARD: Statement = Statement(
    "SELECT shard FROM generate_series(0, 4095) AS shard WHERE pg_try_advisory_lock(1349940086, shard) LIMIT 1",
);

/// Connects to the first host that takes writes, and looks whether the server can be used.
///
/// # Errors
/// [`Error::Away`] for what may pass, [`Error::Unreachable`] for what needs somebody.
pub(super) async fn connect(url: &PostgresUrl) -> Result<Client, Error> {
    let mut failure = Error::Away {
        reason: format!("cannot reach {url}"),
    };
    for config in &url.configs {
        let connecting = tokio::time::timeout(CONNECT, connect_to(url, config)).await;
        match connecting {
            Ok(Ok(client)) => return Ok(client),
            Ok(Err(error)) => failure = error,
            Err(_) => {
                failure = Error::Away {
                    reason: format!("cannot reach {url}: it does not answer"),
                };
            }
        }
    }
    Err(failure)
}

async fn connect_to(url: &PostgresUrl, config: &Config) -> Result<Client, Error> {
    let unreachable = |reason: String| Error::Unreachable {
        database: url.to_string(),
        reason,
    };
    let tls = tls::client(&url.trust).map_err(unreachable)?;
    let refused = |error: tokio_postgres::Error| match refusal(&error) {
        Some(reason) => unreachable(reason),
        None => Error::Away {
            reason: format!("cannot reach {url}: {}", said(&error)),
        },
    };
    let client = if config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
        tokio::spawn(connection);
        client
    } else {
        let tls = MakeRustlsConnect::new(tls);
        let (client, connection) = config.connect(tls).await.map_err(refused)?;
        tokio::spawn(connection);
        client
    };
    let row = client.query_one(FACTS, &[]).await.map_err(refused)?;
    let (version, encoding): (i64, String) = (row.get(0), row.get(1));
    if version < OLDEST {
        return Err(unreachable(format!(
            "it is PostgreSQL {}; version {} or later is needed",
            version / 10_000,
            OLDEST / 10_000
        )));
    }
    if encoding != "UTF8" {
        return Err(unreachable(format!(
            "its encoding is {encoding}; create the database with ENCODING 'UTF8'"
        )));
    }
    client.batch_execute(SESSION).await.map_err(refused)?;
    Ok(client)
}

/// A part of the counts for this connection alone.
pub(super) fn take_shard(link: &mut Link) -> Result<i64, Error> {
    let rows = link.query(SHARD, &[])?;
    let shard: Option<i32> = rows.first().and_then(|row| row.try_get(0).ok());
    Ok(shard.map_or(0, i64::from))
}

/// Looks at the tables that have grown since somebody last looked at them.
pub(super) fn analyze(link: &mut Link) -> Result<(), Error> {
    const GROWN: Statement = Statement(
        "SELECT count(*) FROM pg_class WHERE oid IN ('users'::regclass, 'events'::regclass, 'tallies'::regclass, 'memberships'::regclass,
             'user_groups'::regclass, 'user_search'::regclass, 'decisions_due'::regclass)
         AND pg_relation_size(oid) / 8192 > 2 * relpages + 4",
    );
    let rows = link.query(GROWN, &[])?;
    let grown: Option<i64> = rows.first().and_then(|row| row.try_get(0).ok());
    if grown.is_some_and(|grown| grown > 0) {
        link.command("ANALYZE users, events, tallies, other_emails, memberships, user_groups, user_search, decisions_due")?;
    }
    Ok(())
}

/// What `provost doctor` says of the server.
pub(super) fn findings(link: &mut Link) -> Result<Vec<Finding>, Error> {
    const ASK: Statement = Statement(
        "SELECT current_setting('server_version'), current_setting('synchronous_commit'), current_setting('fsync'),
                (SELECT count(*) FROM pg_catalog.pg_indexes WHERE schemaname = current_schema() AND indexname = 'user_search_trigrams')",
    );
    let rows = link.query(ASK, &[])?;
    let Some(row) = rows.first() else {
        return Ok(Vec::new());
    };
    let text = |column: usize| row.try_get::<_, String>(column).unwrap_or_default();
    let (version, commit, fsync) = (text(0), text(1), text(2));
    let has_trigrams = row.try_get::<_, i64>(3).is_ok_and(|count| count > 0);
    Ok(vec![
        Finding::fine(format!("PostgreSQL {version}")),
        Finding::of(
            "every answer waits for the disk",
            commit != "off" && fsync == "on",
            "set synchronous_commit = on and fsync = on in the server's configuration",
        ),
        Finding::of(
            "searches within names go by an index",
            has_trigrams,
            "they read through all names; as the database's owner: CREATE EXTENSION pg_trgm; CREATE INDEX \
             user_search_trigrams ON user_search USING gin (body gin_trgm_ops) WITH (fastupdate = off)",
        ),
    ])
}

/// What needs somebody to do something, in words.
fn refusal(error: &tokio_postgres::Error) -> Option<String> {
    let code = error.code()?;
    let advice = match code {
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "check user and password, and the server's pg_hba.conf"
        }
        &SqlState::UNDEFINED_DATABASE => "create it first (createdb)",
        &SqlState::INSUFFICIENT_PRIVILEGE => "grant the user CONNECT, and CREATE on the schema",
        _ => return None,
    };
    Some(format!("{}; {advice}", said(error)))
}

/// What went wrong in a transaction. What the database says of values is left out: they are people's.
pub(super) fn failure(error: &tokio_postgres::Error) -> Error {
    let Some(code) = error.code() else {
        return Error::Away { reason: said(error) };
    };
    match code {
        &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::T_R_DEADLOCK_DETECTED
        | &SqlState::UNIQUE_VIOLATION
        | &SqlState::LOCK_NOT_AVAILABLE => Error::Stale,
        &SqlState::READ_ONLY_SQL_TRANSACTION
        | &SqlState::ADMIN_SHUTDOWN
        | &SqlState::CRASH_SHUTDOWN
        | &SqlState::CANNOT_CONNECT_NOW
        | &SqlState::TOO_MANY_CONNECTIONS
        | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        // What this connection has prepared does not suit the tables any more, or is gone: another one prepares it anew.
        | &SqlState::FEATURE_NOT_SUPPORTED
        | &SqlState::INVALID_SQL_STATEMENT_NAME => Error::Away { reason: said(error) },
        &SqlState::DISK_FULL | &SqlState::OUT_OF_MEMORY => Error::Full { reason: said(error) },
        _ => Error::Postgres {
            code: code.code().to_owned(),
            message: said(error),
        },
    }
}

/// The error in one line, without its details.
fn said(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
