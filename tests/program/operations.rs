//! For those who run it: proxies, logs, a clean stop.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use reqwest::Method;
use serde_json::json;
use testkit::{Answer, person};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

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

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn prometheus_finds_numbers_and_no_person_on_a_listener_of_its_own() {
    let program = program();
    let port = free_port();
    let with_metrics = |mut serve: std::process::Command| {
        serve.env("PROVOST_METRICS_LISTEN", format!("127.0.0.1:{port}"));
        serve
    };
    let serving = program.serve_by(with_metrics, &[]);
    let user = serving.client.create(&person("ava")).await;
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    serving.client.get(&path).await.expect(200);
    serving.client.get("/Users/nobody").await.expect(404);
    serving.client.get("/Nothing").await.expect(404);
    let ask = |url: String| async move { reqwest::get(url).await.unwrap() };
    let answer = ask(format!("http://127.0.0.1:{port}/metrics")).await;
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let numbers = answer.text().await.unwrap();
    for line in [
        "provost_requests_total{route=\"/scim/v2/Users\",method=\"POST\",status=\"201\"} 1",
        "provost_requests_total{route=\"/scim/v2/Users/{id}\",method=\"GET\",status=\"200\"} 1",
        "provost_requests_total{route=\"/scim/v2/Users/{id}\",method=\"GET\",status=\"404\"} 1",
        "provost_request_seconds_bucket{route=\"/scim/v2/Users\",method=\"POST\",le=\"+Inf\"} 1",
        "provost_active_users{tenant=\"default\"} 1",
        "provost_token_days_left{tenant=\"default\",connection=\"default\"} 364.9",
        "provost_database_up 1",
        "provost_writes_waiting 0",
        "provost_exchanges_dropped_total 0",
    ] {
        assert!(numbers.contains(line), "{line} is not in\n{numbers}");
    }
    assert!(!numbers.contains("ava") && !numbers.contains(user["id"].as_str().unwrap()));
    let root = serving.client.base.trim_end_matches("/scim/v2").to_owned();
    assert_eq!(
        ask(format!("{root}/metrics")).await.status(),
        404,
        "not where everybody comes"
    );
}

#[tokio::test]
async fn the_log_may_be_an_object_a_line_with_the_request_that_it_is_about() {
    let program = program();
    let log = program.folder().join("log");
    let file = std::fs::File::create(&log).unwrap();
    let as_json = |mut serve: std::process::Command| {
        serve
            .env("PROVOST_LOG_FORMAT", "json")
            .env("PROVOST_LOG", "info")
            .stderr(file);
        serve
    };
    let serving = program.serve_by(as_json, &[]);
    let answer = serving.client.get("/Users/nobody").await;
    let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(serving.stop(), Some(0));
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let refused = lines.iter().find(|line| line["message"] == "refused").unwrap();
    assert_eq!(
        (&refused["status"], &refused["span"]["id"]),
        (&json!(404), &json!(id)),
        "{text}"
    );
    let output = program
        .command(&["serve"])
        .env("PROVOST_LOG_FORMAT", "xml")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("log_format") && said.contains("PROVOST_LOG_FORMAT"),
        "{said}"
    );
}

/// A collector: what came to it, by the path that it came to.
async fn collector() -> (String, mpsc::UnboundedReceiver<(String, Bytes)>) {
    let (send, came) = mpsc::unbounded_channel();
    let take = async move |uri: Uri, body: Bytes| {
        send.send((uri.path().to_owned(), body)).unwrap();
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take)).await });
    (address, came)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_spans_at_the_collector_within_the_callers_trace() {
    let (address, mut came) = collector().await;
    let program = program();
    let sending = |mut command: std::process::Command| {
        command.env("PROVOST_OTLP_ENDPOINT", &address);
        command
    };
    let serving = program.serve_by(sending, &[]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = serving.client.request(Method::POST, "/Users");
    let created = request
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .body(person("ava").to_string())
        .send()
        .await
        .unwrap();
    let id = created.headers()["x-request-id"].to_str().unwrap().to_owned();
    let user = Answer::of(created).await.expect(201);
    serving
        .client
        .get(&format!("/Users/{}", user["id"].as_str().unwrap()))
        .await;
    // What is left is sent when it stops.
    assert_eq!(serving.stop(), Some(0));
    came.close();
    let mut spans = Vec::new();
    let mut all = Vec::new();
    while let Some((path, body)) = came.recv().await {
        assert_eq!(path, "/v1/traces");
        all.extend_from_slice(&body);
        let sent = ExportTraceServiceRequest::decode(body).unwrap().resource_spans;
        spans.extend(
            sent.into_iter()
                .flat_map(|sent| sent.scope_spans)
                .flat_map(|scope| scope.spans),
        );
    }
    let create = spans
        .iter()
        .find(|span| span.name == "POST /scim/v2/Users")
        .unwrap();
    assert_eq!(
        create.trace_id,
        u128::from_str_radix(trace, 16).unwrap().to_be_bytes()
    );
    assert!(create.end_time_unix_nano > create.start_time_unix_nano);
    let read = spans
        .iter()
        .find(|span| span.name.starts_with("GET /scim/v2/Users/{"))
        .unwrap();
    assert_ne!(read.trace_id, create.trace_id);
    let text = String::from_utf8_lossy(&all);
    assert!(
        text.contains(&id) && text.contains("http.response.status_code"),
        "{text}"
    );
    assert!(
        !text.contains("ava") && !text.contains(user["id"].as_str().unwrap()),
        "{text}"
    );
}

#[test]
fn a_collectors_address_that_is_none_is_refused() {
    let program = program();
    let output = program
        .command(&["serve"])
        .env("PROVOST_OTLP_ENDPOINT", "collector:4318")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("http://127.0.0.1:4318"), "{said}");
}
