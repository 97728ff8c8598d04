//! For those who run it: proxies, logs, a clean stop.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, person};

use crate::program;

#[tokio::test]
async fn a_trusted_proxys_word_about_host_and_scheme_is_taken() {
    for (flags, expected) in [
        (
            &["--trusted-proxies", "127.0.0.0/8,10.0.0.0/8"][..],
            "https://provost.example.com/scim/v2/Users/",
        ),
        (&[][..], "http://127.0.0.1:"),
    ] {
        let program = program();
        let serving = program.serve(flags);
        let request = serving
            .client
            .request(Method::POST, "/Users")
            .body(person("ava").to_string());
        let request = request
            .header("X-Forwarded-Host", "provost.example.com")
            .header("X-Forwarded-Proto", "https");
        let user = Answer::of(request.send().await.unwrap()).await.expect(201);
        let location = user["meta"]["location"].as_str().unwrap();
        assert!(location.starts_with(expected), "{location}");
    }
}

#[tokio::test]
async fn no_secret_and_no_custom_attribute_reaches_the_log() {
    let program = program();
    let log = std::fs::File::create(program.folder().join("log")).unwrap();
    let logged = |mut command: std::process::Command| {
        command.stderr(log.try_clone().unwrap());
        command
    };
    let serving = program.serve_by(logged, &["--log", "trace"]);
    let mut sent = person("ava");
    sent["password"] = json!("hunter2-hunter2");
    sent["clearance"] = json!("cosmic-top-secret");
    serving.client.create(&sent).await;
    sent["userName"] = json!(7);
    serving
        .client
        .post("/Users", &sent)
        .await
        .refused(400, "invalidValue");
    let wrong = serving
        .client
        .request(Method::GET, "/Users")
        .header("Authorization", "Bearer pvt_wrong-secret");
    drop(wrong.send().await.unwrap());
    let token = serving.client.token.clone();
    assert_eq!(serving.stop(), Some(0));
    let log = std::fs::read_to_string(program.folder().join("log")).unwrap();
    assert!(log.contains("refused"), "something was logged: {log}");
    for secret in [token.as_str(), "hunter2", "cosmic", "wrong-secret"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn requests_under_way_finish_when_the_server_is_stopped() {
    let program = program();
    let serving = program.serve(&[]);
    let address = serving
        .client
        .base
        .trim_start_matches("http://")
        .trim_end_matches("/scim/v2");
    let mut stream = TcpStream::connect(address).unwrap();
    let body = person("ava").to_string();
    let head = format!(
        "POST /scim/v2/Users HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        serving.client.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let (half, rest) = body.as_bytes().split_at(20);
    stream.write_all(half).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    serving.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
    assert!(TcpStream::connect(address).is_err(), "no new work");
    stream.write_all(rest).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(serving.wait(Duration::from_secs(10)), Some(0));
}

#[tokio::test]
async fn a_damaged_user_is_never_written_over() {
    let program = program();
    let serving = program.serve(&[]);
    serving.client.create(&person("ava")).await;
    assert_eq!(serving.stop(), Some(0));
    let database = rusqlite::Connection::open(program.folder().join("data/provost.db")).unwrap();
    database
        .execute("UPDATE users SET document = '{\"userName\": \"ava'", [])
        .unwrap();
    let refused = program.refused(5, &["user", "preserve", "ava@example.com"]);
    assert!(refused.contains("unreadable user"), "{refused}");
    let (document, status): (String, String) = database
        .query_row("SELECT document, status FROM users", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(
        (document.as_str(), status.as_str()),
        ("{\"userName\": \"ava", "active")
    );
}

#[tokio::test]
async fn the_index_of_names_may_be_damaged_deleted_or_missing() {
    let program = program();
    let index = program.folder().join("data/provost.db-search");
    let serving = program.serve(&[]);
    for number in 0..20 {
        serving
            .client
            .create(&testkit::person(&format!("p{number}")))
            .await;
    }
    let found = async |client: &testkit::Client| client.find("userName co \"p1\"").await.len();
    assert_eq!(found(&serving.client).await, 11);
    until(|| index.is_file()).await;
    std::fs::remove_file(&index).unwrap();
    assert_eq!(found(&serving.client).await, 11, "deleted under it");
    serving.client.create(&testkit::person("p1x")).await;
    until(|| index.is_file()).await;
    assert_eq!(found(&serving.client).await, 12);
    assert_eq!(serving.stop(), Some(0));

    std::fs::write(&index, "this is no database, and was one: ".repeat(300)).unwrap();
    let serving = program.serve(&[]);
    assert_eq!(found(&serving.client).await, 12, "damaged");
    until(|| std::fs::read(&index).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3"))).await;
    assert_eq!(found(&serving.client).await, 12);
    assert_eq!(serving.stop(), Some(0));

    for end in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{end}", index.display())));
    }
    std::fs::create_dir(&index).unwrap();
    let serving = program.serve(&[]);
    assert_eq!(found(&serving.client).await, 12, "cannot be had");
    program.stdout(&["user", "list"]);
    assert_eq!(serving.stop(), Some(0));
}

/// Waits for work beside requests.
async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..100 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it never was so");
}
