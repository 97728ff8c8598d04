//! How fast Provost is on PostgreSQL beside `pgbench`, which runs the statements of a create one per transaction: the
//! same look-ups, row, counts and event, without HTTP, tokens, schemas or mappings, and with numbers from a sequence
//! instead of numbers in commit order.
//!
//! `PROVOST_TEST_FSYNC=on scripts/with-postgres cargo bench --bench postgres` prints a line for each measurement, and the
//! ratio to `pgbench` in the same run. All of it shares this machine's cores.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot be taken has failed, and its figures are rounded"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "what measures looks at a stopwatch, and where its server is"
)]

#[path = "../speed/load.rs"]
#[expect(dead_code, reason = "it is shared, and not all of it is wanted here")]
mod load;

use std::process::Command;

use load::{Measured, milliseconds, target};
use testkit::{Program, TestDatabase};

/// A create as `pgbench` runs it. `:n` is a fresh number.
const SCRIPT: &str = r"
\set n random(1, 2000000000)
BEGIN;
SELECT id, document FROM users WHERE tenant = '\x01' AND connection = '\x02' AND external_id = 'e' || :n AND visible = 1;
SELECT id, document FROM users WHERE tenant = '\x01' AND connection = '\x02' AND external_id = 'e' || :n AND visible = 0 ORDER BY id DESC LIMIT 1;
SELECT id, document FROM users WHERE tenant = '\x01' AND user_name_key = 'u' || :n AND visible = 1;
SELECT id, document FROM users WHERE tenant = '\x01' AND user_name_key = 'u' || :n AND visible = 0 ORDER BY id DESC LIMIT 1;
SELECT id, document FROM users WHERE tenant = '\x01' AND email_key = 'u' || :n AND connection IS NULL AND visible = 1;
SELECT id FROM users WHERE tenant = '\x01' AND account_key = 'u' || :n;
INSERT INTO users (tenant, id, connection, user_name_key, account_name, account_key, external_id, email_key,
    display_name_derived, visible, idp_state, hold, status, legal_hold, pins, version, created, modified, document)
  VALUES ('\x01', decode(lpad(to_hex(nextval('pgbench_ids')), 32, '0'), 'hex'), '\x02', 'u' || :n, 'u' || :n, 'u' || :n, 'e' || :n, 'u' || :n,
    0, 1, 'active', 'none', 'active', 0, 0, 1, 1, 1, repeat('x', 600))
  ON CONFLICT DO NOTHING;
INSERT INTO tallies (tenant, kind, id, shard, value) VALUES ('\x01', 'active', '\x00', :client_id, 1)
  ON CONFLICT (tenant, kind, id, shard) DO UPDATE SET value = tallies.value + excluded.value;
INSERT INTO tallies (tenant, kind, id, shard, value) VALUES ('\x01', 'active-in-profile', '\x03', :client_id, 1)
  ON CONFLICT (tenant, kind, id, shard) DO UPDATE SET value = tallies.value + excluded.value;
INSERT INTO tallies (tenant, kind, id, shard, value) VALUES ('\x01', 'profile', '\x03', :client_id, 1)
  ON CONFLICT (tenant, kind, id, shard) DO UPDATE SET value = tallies.value + excluded.value;
INSERT INTO tallies (tenant, kind, id, shard, value) VALUES ('\x01', 'storage', '\x04', :client_id, 1)
  ON CONFLICT (tenant, kind, id, shard) DO UPDATE SET value = tallies.value + excluded.value;
INSERT INTO tallies (tenant, kind, id, shard, value) VALUES ('\x01', 'mapping', '\x05', :client_id, 1)
  ON CONFLICT (tenant, kind, id, shard) DO UPDATE SET value = tallies.value + excluded.value;
INSERT INTO tallies (tenant, kind, id, shard, value) VALUES ('\x01', 'visible', '\x02', :client_id, 1)
  ON CONFLICT (tenant, kind, id, shard) DO UPDATE SET value = tallies.value + excluded.value;
INSERT INTO events (seq, tenant, kind, user_id, at, actor, request_id, data)
  VALUES (nextval('pgbench_events'), '\x01', 'user.created', '\x06', 1, 'default', '\x07', repeat('x', 900));
COMMIT;
";

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(all());
}

async fn all() {
    let database = TestDatabase::make().await;
    let program = Program::new(env!("CARGO_BIN_EXE_provost"));
    let serving = program.serve(&["--database", &database.url()]);
    let provost = target(&serving);
    load::creates(&provost, "warm", 64, 2_000).await;

    let bare = pgbench().await;
    for (name, connections, count) in [("one", 1, 2_000), ("many", 64, 40_000), ("more", 256, 40_000)] {
        let measured = load::creates(&provost, name, connections, count).await;
        compare(&format!("creates, {connections} connections"), &measured, bare);
        if name == "many" {
            let read = load::reads(&provost, &measured.ids, 16, 50_000).await;
            println!(
                "GET by id, 16 connections       {:>6.0}/s  p50 {}  p99 {}",
                read.rate(),
                milliseconds(read.percentile(50)),
                milliseconds(read.percentile(99))
            );
        }
    }
    let again = pgbench().await;
    println!("pgbench, before and after       {bare:>6.0}/s {again:>6.0}/s");
}

/// Transactions a second of 64 clients for ten seconds, on a database of its own.
async fn pgbench() -> f64 {
    let database = TestDatabase::make().await;
    let client = database.connect().await;
    client
        .batch_execute("CREATE SEQUENCE pgbench_ids; CREATE SEQUENCE pgbench_events START 1000000")
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("create.sql");
    std::fs::write(&script, SCRIPT).unwrap();
    let program = format!("{}/pgbench", std::env::var("PROVOST_TEST_POSTGRES_BIN").unwrap());
    let run = |seconds: &str| {
        let output = Command::new(&program)
            .env("PGOPTIONS", "-c enable_seqscan=off -c jit=off")
            .args(["-n", "-c", "64", "-j", "2", "-M", "prepared", "-T", seconds, "-f"])
            .arg(&script)
            .arg(database.url())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // The planner must know the tables, or it reads them whole.
    run("2");
    client.batch_execute("ANALYZE").await.unwrap();
    let text = run("10");
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.unwrap_or_else(|| panic!("{text}"));
    rate.split_whitespace().next().unwrap().parse().unwrap()
}

fn compare(name: &str, provost: &Measured, bare: f64) {
    println!(
        "{name:<31} {:>6.0}/s  p50 {}  p99 {}   pgbench {bare:>6.0}/s   ratio {:.2}",
        provost.rate(),
        milliseconds(provost.percentile(50)),
        milliseconds(provost.percentile(99)),
        provost.rate() / bare,
    );
}
