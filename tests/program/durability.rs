//! Nothing acknowledged is ever lost.

use std::collections::HashSet;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use testkit::{Client, person};

use crate::program;

/// Creates users until the server is gone; those that were acknowledged are noted.
async fn create_until_gone(client: Client, prefix: String, acknowledged: Arc<Mutex<Vec<String>>>) {
    for number in 0.. {
        let user = person(&format!("{prefix}-{number}"));
        let request = client
            .request(reqwest::Method::POST, "/Users")
            .body(user.to_string());
        let Ok(answer) = request.send().await else { return };
        assert_eq!(answer.status().as_u16(), 201);
        acknowledged
            .lock()
            .unwrap()
            .push(user["userName"].as_str().unwrap().to_owned());
    }
}

async fn everybody(client: &Client) -> HashSet<String> {
    let mut names = HashSet::new();
    loop {
        let page = client
            .get(&format!("/Users?startIndex={}&count=1000", names.len() + 1))
            .await
            .expect(200);
        let users = page["Resources"].as_array().unwrap();
        if users.is_empty() {
            return names;
        }
        names.extend(
            users
                .iter()
                .map(|user| user["userName"].as_str().unwrap().to_owned()),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_twenty_times_under_load_loses_no_acknowledged_user() {
    let program = program();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for round in 0..20_u64 {
        let serving = program.serve(&[]);
        let mut clients = tokio::task::JoinSet::new();
        for client in 0..16 {
            let prefix = format!("r{round}-c{client}");
            clients.spawn(create_until_gone(
                serving.client.clone(),
                prefix,
                Arc::clone(&acknowledged),
            ));
        }
        tokio::time::sleep(Duration::from_millis(60 + round * 37 % 200)).await;
        serving.kill();
        clients.join_all().await;
    }
    let serving = program.serve(&[]);
    let kept = everybody(&serving.client).await;
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(
        acknowledged.len() > 200,
        "only {} were acknowledged",
        acknowledged.len()
    );
    let lost: Vec<_> = acknowledged.iter().filter(|name| !kept.contains(*name)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} are lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
    let total = serving.client.get("/Users?count=0").await.expect(200)["totalResults"].clone();
    assert_eq!(total, kept.len(), "the count that is kept is the number of users");
}

/// A kill leaves what was written to the system's cache; so this looks at the system calls themselves.
#[tokio::test]
async fn a_sync_of_the_log_comes_before_each_acknowledgement() {
    let program = program();
    let trace = program.folder().join("trace");
    let traced = |command: Command| {
        let mut strace = Command::new("strace");
        strace.args([
            "-D",
            "-f",
            "-y",
            "-qq",
            "-s",
            "20",
            "-e",
            "trace=fdatasync,fsync,write,writev,sendto,sendmsg",
            "-o",
        ]);
        strace
            .arg(&trace)
            .arg(command.get_program())
            .args(command.get_args());
        strace.current_dir(program.folder());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                strace.env(name, value);
            }
        }
        strace
    };
    let serving = program.serve_by(traced, &[]);
    for number in 0..20 {
        serving.client.create(&person(&format!("p{number}"))).await;
    }
    assert_eq!(serving.stop(), Some(0));
    // The tracer may be a moment behind.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let trace = std::fs::read_to_string(&trace).unwrap();
    let (mut synced, mut acknowledged) = (false, 0);
    for line in trace.lines() {
        let begins_or_resumes = line.contains("sync(") || line.contains("sync resumed");
        if begins_or_resumes && line.ends_with("= 0") {
            synced |= line.contains("provost.db-wal") || line.contains("resumed");
        }
        if line.contains("HTTP/1.1 201") && !line.contains("resumed") {
            assert!(
                synced,
                "answer {} went out before a sync:\n{trace}",
                acknowledged + 1
            );
            (synced, acknowledged) = (false, acknowledged + 1);
        }
    }
    assert_eq!(acknowledged, 20, "{trace}");
    assert!(trace.contains("provost.db-wal"), "{trace}");
}
