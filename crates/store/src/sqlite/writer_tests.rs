//! What one piece of work does to another in the same batch: nothing.

use directory::{Actor, Ctx, Event, EventKind, Ids, Timestamp};
use uuid::Uuid;

use crate::{DatabaseUrl, Error, Store, Tx, events};

fn store(folder: &tempfile::TempDir) -> Store {
    Store::open(&DatabaseUrl::Sqlite(folder.path().join("t.db"))).unwrap()
}

fn append(tx: &mut Tx<'_>, number: u128) {
    let ctx = Ctx {
        now: Timestamp::UNIX_EPOCH,
        actor: Actor::System,
        tenant: Uuid::nil().into(),
        request_id: Uuid::nil(),
        ids: Ids::from(Uuid::nil()),
    };
    tx.append(
        &ctx,
        Event {
            kind: EventKind::UserCreated,
            user: None,
            data: format!("\"{number}\""),
        },
    );
}

fn recorded(store: &Store) -> Vec<(i64, String)> {
    let events = store
        .read(|tx| events::after(tx, Uuid::nil().into(), 0, 1_000))
        .unwrap();
    events
        .into_iter()
        .map(|event| (event.seq, event.data.trim_matches('"').to_owned()))
        .collect()
}

#[tokio::test]
async fn a_refusal_and_a_panic_leave_nothing_and_harm_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..90_u128 {
        let store = store.clone();
        writes.spawn(async move {
            store
                .write(move |tx| {
                    append(tx, number);
                    match number % 3 {
                        0 => Ok(()),
                        1 => Err(Error::Stale),
                        _ => std::panic::resume_unwind(Box::new("as the test wants it")),
                    }
                })
                .await
        });
    }
    let outcomes = writes.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 30);
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Err(Error::Panicked)))
            .count(),
        30
    );
    let recorded = recorded(&store);
    assert_eq!(recorded.len(), 30);
    assert!(
        recorded
            .iter()
            .all(|(_, data)| data.parse::<u32>().unwrap() % 3 == 0)
    );
    assert!(
        recorded
            .iter()
            .zip(1..)
            .all(|((seq, _), expected)| *seq == expected),
        "numbers are dense"
    );
}

#[tokio::test]
async fn a_newer_database_is_refused_untouched_and_a_strange_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    drop(store(&folder));
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("UPDATE meta SET value = 99 WHERE name IN ('schema_version', 'oldest_program'); PRAGMA journal_mode = DELETE").unwrap();
    drop(raw);
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(&DatabaseUrl::Sqlite(path.clone())).err().unwrap();
    assert!(
        error.is_schema() && error.to_string().contains("schema version 99"),
        "{error}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let strange = folder.path().join("strange.db");
    std::fs::write(&strange, "not a database, but long enough to be taken for one").unwrap();
    let error = Store::open(&DatabaseUrl::Sqlite(strange)).err().unwrap();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
}

#[test]
fn a_second_claim_is_refused_until_the_first_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (store(&folder), store(&folder));
    let claim = first.claim().unwrap();
    assert!(matches!(second.claim(), Err(Error::Claimed { .. })));
    drop(claim);
    second.claim().unwrap();
}

/// A database of the first schema comes along with what is in it.
#[test]
fn a_database_of_the_first_schema_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(include_str!("../../migrations/0001.sql"))
        .unwrap();
    raw.execute_batch(
        "INSERT INTO meta (name, value) VALUES ('schema_version', 1), ('oldest_program', 1);
         INSERT INTO counts (tenant, kind, id, value) VALUES (zeroblob(16), 'active', zeroblob(16), 7);",
    )
    .unwrap();
    drop(raw);
    let store = store(&folder);
    let active = store.read(|tx| crate::counts::get(tx, crate::counts::Count::active(Uuid::nil().into())));
    assert_eq!(active.unwrap(), 7);
    drop(store);
    let raw = rusqlite::Connection::open(&path).unwrap();
    let meta = |name: &str| -> i64 {
        raw.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(
        (meta("schema_version"), meta("oldest_program")),
        (crate::SCHEMA, 6)
    );
}

/// Every look-up uses an index. A part of one statement that gives at most two rows is read through. Settings and tokens are read whole for a tenant; that too goes by the key.
#[tokio::test]
async fn every_statement_uses_an_index() {
    let folder = tempfile::tempdir().unwrap();
    store(&folder).index_names().await.unwrap();
    let raw = rusqlite::Connection::open(folder.path().join("t.db")).unwrap();
    let index = folder.path().join("t.db-search").display().to_string();
    raw.execute("ATTACH DATABASE ?1 AS search", [index]).unwrap();
    // All tenants are listed by name on the command line; settings and tokens are few and read together; a page
    // that does not follow another walks the tenant's users, where some are manual.
    // An administrator's list of namesakes walks those who were deleted.
    let exceptions = [
        "TENANTS",
        "ALL",
        "REMOVE_ALL",
        "OF_TENANT",
        "ANY_NTH",
        "BY_NAME",
        "BY_NAME_BACKWARDS",
        "FORMER_WITH_NAMESAKES",
        // At most as many as a search looks at because the index is behind.
        "CHANGED_SINCE",
        "LATE_IDS",
        // Those of a day, when somebody is purged.
        "FORGET_ANSWERS",
        // They are few.
        "ADMINISTRATORS",
        "REMOVE_OF_TENANT",
        "END_ALL_SESSIONS",
    ];
    let mut seen = 0;
    let all = crate::all_statements().chain(crate::search::sqlite::STATEMENTS);
    for (name, statement) in all {
        let steps = steps_of(&raw, statement.0);
        let walks = steps.iter().any(|step| {
            step.starts_with("SCAN")
                && !step.contains("SCAN events")
                && !step.starts_with("SCAN k")
                && step != "SCAN up"
                && step != "SCAN down"
                && step != "SCAN search.progress"
                && !step.starts_with("SCAN t VIRTUAL TABLE INDEX")
        }) || steps
            .iter()
            .any(|step| step.contains("TEMP B-TREE") || step.ends_with("(tenant=?)"));
        assert!(!walks || exceptions.contains(name), "{name}: {steps:?}");
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

/// What SQLite does for a statement, step by step.
fn steps_of(raw: &rusqlite::Connection, statement: &str) -> Vec<String> {
    let mut plan = raw.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let parameters = vec![rusqlite::types::Null; plan.parameter_count()];
    plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn every_statement_of_the_log_uses_an_index() {
    let folder = tempfile::tempdir().unwrap();
    store(&folder)
        .write_log(|tx| crate::log::drop_some(tx, 1))
        .unwrap();
    let raw = rusqlite::Connection::open(folder.path().join("t.db-log")).unwrap();
    for (name, statement) in crate::log::statements() {
        let steps = steps_of(&raw, statement.0);
        let walks = |step: &String| step.starts_with("SCAN") || step.contains("TEMP B-TREE");
        assert!(!steps.iter().any(walks), "{name}: {steps:?}");
    }
}

#[test]
fn the_doctor_finds_a_new_database_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let findings = store(&folder).health().unwrap();
    assert!(
        findings.len() > 2 && findings.iter().all(|finding| finding.advice.is_none()),
        "{findings:?}"
    );
}
