//! A database that is away, full, too small, or not what it should be: a clear sentence, no half-written change, and no
//! restart when it is back.

use std::collections::HashSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Client, PostgresServer, person};

use crate::program;

/// What a node says of a database that it cannot use.
fn said(url: &str) -> (Option<i32>, String) {
    let program = program();
    let output = program
        .command(&["serve", "--listen", "127.0.0.1:0", "--database", url])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("s3cret"), "{text}");
    (output.status.code(), text)
}

#[tokio::test]
async fn what_needs_somebody_is_said_at_once() {
    let server = PostgresServer::start("").await;
    let url = server.url();
    let (code, text) = said(&url.replace("s3cret", "wr0ng"));
    assert!(
        code == Some(5) && text.contains("password") && !text.contains("wr0ng"),
        "{text}"
    );
    let (code, text) = said(&server.url_of("nowhere"));
    assert!(
        code == Some(5) && text.contains("nowhere") && text.contains("createdb"),
        "{text}"
    );

    let client = server.connect().await;
    client
        .batch_execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0; ")
        .await
        .unwrap();
    let (code, text) = said(&server.url_of("latin"));
    assert!(
        code == Some(5) && text.contains("LATIN1") && text.contains("UTF8"),
        "{text}"
    );

    client
        .batch_execute("CREATE TABLE others (id int)")
        .await
        .unwrap();
    let (code, text) = said(&url);
    assert!(
        code == Some(5) && text.contains("not a Provost database"),
        "{text}"
    );
}

#[tokio::test]
async fn a_newer_database_is_refused_untouched_and_one_that_allows_this_program_is_used() {
    let server = PostgresServer::start("").await;
    let program = program();
    let serve = ["--database", &server.url()];
    drop(program.serve(&serve));
    let client = server.connect().await;
    let set = |name: &str, value: i64| format!("UPDATE meta SET value = {value} WHERE name = '{name}'");
    client.batch_execute(&set("schema_version", 99)).await.unwrap();
    drop(program.serve(&serve));
    client.batch_execute(&set("oldest_program", 99)).await.unwrap();
    let (code, text) = said(&server.url());
    assert!(code == Some(6) && text.contains("schema version 99"), "{text}");
}

#[tokio::test]
async fn the_doctor_says_what_a_server_lacks() {
    let server = PostgresServer::start("").await;
    let client = server.connect().await;
    client
        .batch_execute("CREATE DATABASE plain ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0")
        .await
        .unwrap();
    let url = server.url_of("plain");
    let program = program();
    drop(program.serve(&["--database", &url]));
    let plain = server.connect_to("plain").await;
    plain
        .batch_execute("DROP EXTENSION pg_trgm CASCADE")
        .await
        .unwrap();
    let output = program.run(&["doctor", "--json", "--database", &url]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("CREATE EXTENSION pg_trgm"), "{text}");
    assert!(
        text.contains("PostgreSQL 1") && !text.contains("s3cret"),
        "{text}"
    );
    server.crash();
    let refused = program.refused(5, &["doctor", "--database", &url]);
    assert!(
        refused.contains("cannot reach") && !refused.contains("s3cret"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_waits_for_a_database_that_is_down_when_it_starts() {
    let server = PostgresServer::start("").await;
    server.crash();
    let program = program();
    let mut waiting = program
        .command(&["serve", "--listen", "127.0.0.1:0", "--database", &server.url()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(waiting.try_wait().unwrap().is_none(), "it must not give up");
    server.run();
    let since = crate::now();
    while !program.folder().join("data/first-run.txt").exists() {
        assert!(since.elapsed() < Duration::from_secs(15));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    waiting.kill().unwrap();
    waiting.wait().unwrap();
}

/// Creates users until it is told to stop; gives those that were acknowledged, and the statuses of the others.
async fn create(client: Client, prefix: String, until: Instant) -> (Vec<String>, HashSet<u16>) {
    let (mut acknowledged, mut others) = (Vec::new(), HashSet::new());
    for number in 0.. {
        if crate::now() > until {
            break;
        }
        let user = person(&format!("{prefix}-{number}"));
        let answer = client.post("/Users", &user).await;
        if answer.status == 201 {
            acknowledged.push(user["userName"].as_str().unwrap().to_owned());
        } else {
            if answer.status == 503 {
                assert!(answer.headers.contains_key("retry-after"));
                assert_eq!(answer.headers["content-type"], "application/scim+json");
            }
            others.insert(answer.status);
        }
    }
    (acknowledged, others)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_under_load_loses_nothing_and_needs_no_restart() {
    let server = PostgresServer::start("").await;
    let program = program();
    let node = program.serve(&["--database", &server.url()]);
    let until = crate::now() + Duration::from_secs(6);
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..8 {
        clients.spawn(create(node.client.clone(), format!("c{client}"), until));
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(900)).await;
        server.crash();
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.run();
    }
    let (mut acknowledged, mut others) = (Vec::new(), HashSet::new());
    for (names, statuses) in clients.join_all().await {
        acknowledged.extend(names);
        others.extend(statuses);
    }
    // 503 is a commit whose outcome nobody knows; nothing else went wrong.
    assert!(others.iter().all(|status| *status == 503), "{others:?}");
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    for name in &acknowledged {
        assert_eq!(
            node.client.find(&format!("userName eq \"{name}\"")).await.len(),
            1,
            "{name} is lost"
        );
    }
    let rows = server
        .connect()
        .await
        .query_one(
            "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM events WHERE kind = 'user.created'),
                    (SELECT sum(value)::bigint FROM tallies WHERE kind = 'active')",
            &[],
        )
        .await
        .unwrap();
    let (users, events, active): (i64, i64, i64) = (rows.get(0), rows.get(1), rows.get(2));
    assert!(
        users == events && users == active,
        "half-written: {users} users, {events} events, {active} counted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_a_request_waits_and_then_is_told_to_come_back() {
    let server = PostgresServer::start("").await;
    let program = program();
    let node = program.serve(&["--database", &server.url()]);
    node.client.create(&person("ava")).await;
    server.crash();
    let (reading, writing) = (node.client.clone(), node.client.clone());
    let since = crate::now();
    let late = tokio::spawn(async move { writing.post("/Users", &person("late")).await });
    let read = reading.get("/Users").await;
    read.clone().refused(503, "");
    assert!(read.headers.contains_key("retry-after"));
    let detail = late.await.unwrap().refused(503, "");
    assert!(!detail.is_empty());
    let waited = since.elapsed();
    assert!(
        waited > Duration::from_secs(10) && waited < Duration::from_secs(25),
        "{waited:?}"
    );
    server.run();
    let since = crate::now();
    loop {
        let answer = node.client.post("/Users", &person("late")).await;
        if answer.status == 201 {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{}", answer.text);
    }
    assert_eq!(node.client.get("/Users").await.expect(200)["totalResults"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_in_an_outage_is_done_when_it_is_over() {
    let server = PostgresServer::start("").await;
    let program = program();
    let node = program.serve(&["--database", &server.url()]);
    node.client.create(&person("ava")).await;
    server.crash();
    let (reading, writing) = (node.client.clone(), node.client.clone());
    let write = tokio::spawn(async move { writing.post("/Users", &person("bob")).await.status });
    let read = tokio::spawn(async move {
        reading
            .get("/Users/00000000-0000-0000-0000-000000000000")
            .await
            .status
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.run();
    assert_eq!((write.await.unwrap(), read.await.unwrap()), (201, 404));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_few_connections_or_without_writes_is_outlasted() {
    let server = PostgresServer::start("-c max_connections=12 -c superuser_reserved_connections=0").await;
    let program = program();
    let node = program.serve(&["--database", &server.url()]);
    let admin = server.connect().await;
    let mut others = Vec::new();
    for _ in 0..12 {
        // The server refuses the last ones: the node has some.
        let url = server.url();
        if let Ok((client, connection)) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await {
            tokio::spawn(connection);
            others.push(client);
        }
    }
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..16 {
        let client = node.client.clone();
        clients.spawn(async move { client.post("/Users", &person(&format!("p{number}"))).await });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(others);
    let answers = clients.join_all().await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 201).collect();
    assert!(refused.is_empty(), "{refused:?}");

    admin
        .batch_execute("SET default_transaction_read_only = off")
        .await
        .unwrap();
    admin
        .batch_execute("ALTER SYSTEM SET default_transaction_read_only = on")
        .await
        .unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let client = node.client.clone();
    let write = tokio::spawn(async move { client.post("/Users", &person("late")).await });
    tokio::time::sleep(Duration::from_secs(2)).await;
    admin
        .batch_execute("ALTER SYSTEM RESET default_transaction_read_only")
        .await
        .unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    write.await.unwrap().expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_serves_reads_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small");
    std::fs::create_dir(&path).unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=3m", "tmpfs", path.to_str().unwrap()];
    let mounted = std::process::Command::new("mount").args(mount).status().unwrap();
    assert!(
        mounted.success(),
        "this test mounts a small file system, which needs root"
    );
    let outcome = tokio::spawn(on_a_small_disk(path.display().to_string())).await;
    let unmounted = std::process::Command::new("umount")
        .arg("-l")
        .arg(&path)
        .status()
        .unwrap();
    assert!(unmounted.success());
    outcome.unwrap();
}

async fn on_a_small_disk(path: String) {
    let program = program();
    let database = format!("sqlite:{path}/provost.db");
    let node = program.serve(&["--database", &database]);
    let mut made = 0;
    let refused = loop {
        let mut user = person(&format!("p{made}"));
        user["nickName"] = json!("x".repeat(50_000));
        let answer = node.client.post("/Users", &user).await;
        if answer.status != 201 {
            break answer;
        }
        made += 1;
        assert!(made < 500);
    };
    let detail = refused.clone().refused(503, "");
    assert!(detail.contains("no room"), "{detail}");
    assert_eq!(
        node.client.get("/Users?count=0").await.expect(200)["totalResults"],
        made
    );
    assert_eq!(node.client.find("userName eq \"p0@example.com\"").await.len(), 1);
    let grow = ["-o", "remount,size=20m", &path];
    assert!(
        std::process::Command::new("mount")
            .args(grow)
            .status()
            .unwrap()
            .success()
    );
    node.client.create(&person("late")).await;
    assert_eq!(
        node.client.get("/Users?count=0").await.expect(200)["totalResults"],
        made + 1
    );
}
