//! On a real server: plans, and that both databases have the same shape.

use std::collections::BTreeSet;

use tokio_postgres::{Client, NoTls};

use super::dialect;
use crate::{DatabaseUrl, Store};

#[expect(
    clippy::disallowed_methods,
    reason = "what the tests run on is said by who runs them"
)]
fn server() -> String {
    std::env::var("PROVOST_TEST_POSTGRES")
        .expect("the tests need a PostgreSQL server: run them by `scripts/with-postgres cargo test`")
}

async fn connect(database: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(&format!("{}{database}", server()), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

/// A database of its own, with the present schema.
async fn database(name: &str) -> (Client, Store) {
    let name = format!("provost_store_{name}_{}", std::process::id());
    let maintenance = connect("postgres").await;
    let create = format!("CREATE DATABASE {name} TEMPLATE template0");
    maintenance.batch_execute(&create).await.unwrap();
    let url: DatabaseUrl = format!("{}{name}", server()).parse().unwrap();
    let store = Store::open(&url).unwrap();
    (connect(&name).await, store)
}

/// No look-up reads a whole table: with sequential scans forbidden, none is left in any plan.
#[tokio::test]
async fn every_statement_uses_an_index_on_postgres() {
    let (client, _store) = database("plans").await;
    client
        .batch_execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
        .await
        .unwrap();
    // An administrator's list of namesakes; settings, tenants and tokens are few.
    let exceptions = ["FORMER_WITH_NAMESAKES"];
    let mut seen = 0;
    let all = crate::all_statements()
        .chain(crate::search::postgres::STATEMENTS)
        .chain(crate::log::statements());
    for (name, statement) in all {
        let prepare = format!("PREPARE it AS {}", dialect::statement(statement.0));
        client
            .batch_execute(&prepare)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let count: i32 = client
            .query_one("SELECT coalesce(cardinality(parameter_types), 0) FROM pg_prepared_statements WHERE name = 'it'", &[])
            .await
            .unwrap()
            .get(0);
        let arguments = vec!["NULL"; usize::try_from(count).unwrap()].join(", ");
        let call = if arguments.is_empty() {
            String::new()
        } else {
            format!("({arguments})")
        };
        let plan = client
            .query(&format!("EXPLAIN EXECUTE it{call}"), &[])
            .await
            .unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let scans = plan.iter().any(|step| step.contains("Seq Scan"));
        assert!(!scans || exceptions.contains(name), "{name}: {plan:#?}");
        client.batch_execute("DEALLOCATE it").await.unwrap();
        seen += 1;
    }
    assert!(seen > 40, "{seen}");
}

/// The same tables, columns and indexes, whether a column may be null, and what is unique.
#[tokio::test]
async fn both_databases_have_the_same_shape() {
    let (client, _store) = database("shape").await;
    let rows = client
        .query(
            "SELECT table_name || '.' || column_name || ' ' || is_nullable FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name <> 'user_search'
             UNION ALL SELECT 'index ' || indexname || CASE WHEN indexdef LIKE 'CREATE UNIQUE%' THEN ' unique' ELSE '' END
             FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'user_search' AND indexname NOT LIKE '%_pkey' AND indexname NOT LIKE '%_key'",
            &[],
        )
        .await
        .unwrap();
    let postgres: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let store = Store::open(&DatabaseUrl::Sqlite(path)).unwrap();
    store.write_log(|tx| crate::log::drop_some(tx, 1)).unwrap();
    let mut sqlite = BTreeSet::new();
    for file in ["t.db", "t.db-log"] {
        let raw = rusqlite::Connection::open(folder.path().join(file)).unwrap();
        let mut statement = raw
        .prepare(
            "SELECT t.name || '.' || c.name || CASE WHEN c.\"notnull\" = 1 THEN ' NO' ELSE ' YES' END
             FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
             UNION ALL SELECT 'index ' || i.name || CASE WHEN i.\"unique\" = 1 THEN ' unique' ELSE '' END
             FROM sqlite_schema AS t, pragma_index_list(t.name) AS i
             WHERE t.type = 'table' AND i.origin = 'c'",
        )
        .unwrap();
        sqlite.extend(
            statement
                .query_map([], |row| row.get::<_, String>(0))
                .unwrap()
                .map(Result::unwrap),
        );
    }
    assert_eq!(sqlite, postgres);
    assert!(sqlite.len() > 60, "{}", sqlite.len());
}
