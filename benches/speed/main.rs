//! How fast Provost is beside the least that could do the same: a bare axum server with one batching SQLite writer,
//! the same rows (a user with four indexes, a full event, a savepoint each) and the same durability.
//!
//! `cargo bench` prints a line for each measurement, and the ratio to the baseline of the same run. Both servers are
//! processes of their own; the load comes from this one, on the same cores.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot be taken has failed, and its figures are rounded"
)]
#![expect(clippy::disallowed_methods, reason = "what measures looks at a stopwatch")]

mod baseline;
#[expect(dead_code, reason = "it is shared, and not all of it is wanted here")]
mod load;

use std::time::Instant;

use load::{Measured, milliseconds, target};
use testkit::Program;

const USERS: usize = 100_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("baseline") {
        return baseline::serve(&arguments.next().unwrap());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // `cargo bench --bench speed -- log` measures that alone.
    if std::env::args().any(|argument| argument == "log") {
        return runtime.block_on(compare_log());
    }
    runtime.block_on(all());
    runtime.block_on(compare_log());
}

async fn all() {
    let folder = tempfile::tempdir().unwrap();
    let program = program();
    let began = Instant::now();
    let serving = program.serve(&[]);
    println!(
        "start-up, empty database        {}",
        milliseconds(began.elapsed())
    );
    let provost = target(&serving);
    let (baseline, _process) = baseline::start(folder.path());

    let one = load::creates(&provost, "one", 1, 3_000).await;
    let bare = load::creates(&baseline, "one", 1, 3_000).await;
    compare("creates, 1 connection", &one, &bare);
    let many = load::creates(&provost, "many", 64, 60_000).await;
    let bare = load::creates(&baseline, "many", 64, 60_000).await;
    compare("creates, 64 connections", &many, &bare);
    load::creates(&provost, "more", 64, USERS - 63_000).await;
    let read = load::reads(&provost, &many.ids, 16, 200_000).await;
    let bare = load::reads(&baseline, &bare.ids, 16, 200_000).await;
    compare("GET by id, 16 connections", &read, &bare);

    println!(
        "memory at {USERS} users         {:.0} MB anonymous",
        anonymous(serving.pid())
    );
    assert_eq!(serving.stop(), Some(0));
    let began = Instant::now();
    let serving = program.serve(&[]);
    println!(
        "start-up, {USERS} users         {}",
        milliseconds(began.elapsed())
    );
    load::reads(&target(&serving), &many.ids, 16, 50_000).await;
    println!(
        "memory after that start         {:.0} MB anonymous",
        anonymous(serving.pid())
    );
}

/// What the provisioning log costs: creates with it and without, by turns, on two servers that are alike otherwise.
async fn compare_log() {
    let (with, without) = (program(), program());
    let serve_without = |mut serve: std::process::Command| {
        serve.env("PROVOST_PROVISIONING_LOG", "false");
        serve
    };
    let (with_log, without_log) = (with.serve(&[]), without.serve_by(serve_without, &[]));
    let (logged, bare) = (target(&with_log), target(&without_log));
    let mut ratios = Vec::new();
    for round in 0..9 {
        let prefix = format!("log{round}");
        let with = load::creates(&logged, &prefix, 64, 10_000).await.rate();
        let without = load::creates(&bare, &prefix, 64, 10_000).await.rate();
        println!(
            "creates, 64 connections         with the provisioning log {with:>6.0}/s, without {without:>6.0}/s"
        );
        // The first round fills caches.
        if round > 0 {
            ratios.push(with / without);
        }
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "the provisioning log            ratio {:.2} (median of 8)",
        f64::midpoint(ratios[3], ratios[4])
    );
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let log = rusqlite::Connection::open(with.folder().join("data/provost.db-log")).unwrap();
    let count = |sql: &str| log.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    println!(
        "exchanges                       {} kept, {} dropped",
        count("SELECT count(*) FROM exchanges"),
        count("SELECT value FROM log_state WHERE name = 'dropped'")
    );
}

fn program() -> Program {
    Program::new(env!("CARGO_BIN_EXE_provost"))
}

fn compare(name: &str, provost: &Measured, baseline: &Measured) {
    println!(
        "{name:<31} {:>6.0}/s  p50 {}  p99 {}   bare {:>6.0}/s  p99 {}   ratio {:.2}",
        provost.rate(),
        milliseconds(provost.percentile(50)),
        milliseconds(provost.percentile(99)),
        baseline.rate(),
        milliseconds(baseline.percentile(99)),
        provost.rate() / baseline.rate(),
    );
}

/// Anonymous memory of a process, in megabytes.
fn anonymous(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_000.0
}
