//! The least that could do the same: axum, one batching SQLite writer, the same rows and the same durability; no
//! tokens, no schemas, no mappings, no names to keep apart.

use std::io::{BufRead as _, BufReader};
use std::path::Path as FilePath;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::load::Target;

const SCHEMA: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE users (id BLOB PRIMARY KEY, user_name TEXT, account TEXT, external_id TEXT, email TEXT, document TEXT);
    CREATE UNIQUE INDEX a ON users (user_name); CREATE UNIQUE INDEX b ON users (account);
    CREATE UNIQUE INDEX c ON users (external_id); CREATE INDEX d ON users (email);
    CREATE TABLE events (seq INTEGER PRIMARY KEY, user_id BLOB, data TEXT);";

struct Row {
    user: Value,
    reply: oneshot::Sender<String>,
}

#[derive(Clone)]
struct Shared {
    queue: mpsc::Sender<Row>,
    readers: Arc<Mutex<Vec<Connection>>>,
    path: String,
}

/// The process that is ended when this is dropped.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the baseline as a process of its own.
pub(crate) fn start(folder: &FilePath) -> (Target, Process) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["baseline", folder.join("bare.db").to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut address)
        .unwrap();
    let target = Target {
        address: address.trim().parse().unwrap(),
        base: String::new(),
        token: String::new(),
    };
    (target, Process(child))
}

/// Serves until it is killed.
pub(crate) fn serve(path: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    let (queue, waiting) = mpsc::channel();
    std::thread::spawn(move || write(&connection, &waiting));
    let shared = Shared {
        queue,
        readers: Arc::default(),
        path: path.to_owned(),
    };
    let router = Router::new()
        .route("/Users", post(create))
        .route("/Users/{id}", get(show))
        .with_state(shared);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        axum::serve(listener, router).await.unwrap();
    });
}

async fn create(State(shared): State<Shared>, body: axum::body::Bytes) -> (StatusCode, String) {
    let user = serde_json::from_slice(&body).unwrap();
    let (reply, answer) = oneshot::channel();
    shared.queue.send(Row { user, reply }).unwrap();
    (StatusCode::CREATED, answer.await.unwrap())
}

async fn show(State(shared): State<Shared>, Path(id): Path<String>) -> String {
    let idle = shared.readers.lock().unwrap().pop();
    let reader = idle.unwrap_or_else(|| Connection::open(&shared.path).unwrap());
    let id = uuid::Uuid::try_parse(&id).unwrap();
    let document = reader
        .prepare_cached("SELECT document FROM users WHERE id = ?1")
        .unwrap()
        .query_row([id.as_bytes()], |row| row.get(0))
        .unwrap();
    shared.readers.lock().unwrap().push(reader);
    document
}

fn write(connection: &Connection, waiting: &mpsc::Receiver<Row>) {
    let execute = |sql: &str| connection.prepare_cached(sql).unwrap().execute([]).unwrap();
    let mut seq = 0_i64;
    while let Ok(first) = waiting.recv() {
        execute("BEGIN IMMEDIATE");
        let mut done = Vec::new();
        let mut next = Some(first);
        while let Some(row) = next.take() {
            execute("SAVEPOINT one");
            seq += 1;
            done.push((insert(connection, row.user, seq), row.reply));
            execute("RELEASE one");
            if done.len() < 256 {
                next = waiting.try_recv().ok();
            }
        }
        execute("COMMIT");
        for (document, reply) in done {
            let _ = reply.send(document);
        }
    }
}

fn insert(connection: &Connection, mut user: Value, seq: i64) -> String {
    let id = uuid::Uuid::now_v7();
    user["id"] = id.to_string().into();
    let document = user.to_string();
    let (name, external_id) = (
        user["userName"].as_str().unwrap(),
        user["externalId"].as_str().unwrap(),
    );
    let email = user["emails"][0]["value"].as_str().unwrap();
    connection
        .prepare_cached("INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .unwrap()
        .execute((id.as_bytes(), name, name, external_id, email, &document))
        .unwrap();
    connection
        .prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3)")
        .unwrap()
        .execute((seq, id.as_bytes(), &document))
        .unwrap();
    document
}
