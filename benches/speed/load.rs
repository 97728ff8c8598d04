//! A load generator that costs little: HTTP/1.1 by hand over kept connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use testkit::Serving;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// Where the load goes.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) base: String,
    pub(crate) token: String,
}

/// What a run took.
pub(crate) struct Measured {
    took: Duration,
    latencies: Vec<Duration>,
    pub(crate) ids: Vec<String>,
}

impl Measured {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
    }
}

/// The server that was started.
pub(crate) fn target(serving: &Serving) -> Target {
    let address = serving
        .client
        .base
        .trim_start_matches("http://")
        .trim_end_matches("/scim/v2");
    Target {
        address: address.parse().unwrap(),
        base: "/scim/v2".to_owned(),
        token: serving.client.token.clone(),
    }
}

pub(crate) fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1_000.0)
}

/// Creates `count` people, named by `prefix`.
pub(crate) async fn creates(target: &Target, prefix: &str, connections: usize, count: usize) -> Measured {
    let prefix = prefix.to_owned();
    let request = move |target: &Target, number: usize| {
        let body = format!(
            "{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"{prefix}.{number}@example.com\",\
             \"name\":{{\"givenName\":\"Ava\",\"familyName\":\"Nguyen {number}\"}},\"emails\":[{{\"primary\":true,\"value\":\
             \"{prefix}.{number}@example.com\",\"type\":\"work\"}}],\"displayName\":\"Ava Nguyen {number}\",\"locale\":\"en-US\",\
             \"externalId\":\"00u{prefix}{number}\",\"groups\":[],\"password\":\"1mz050nq\",\"active\":true}}"
        );
        message(target, "POST", "/Users", &body)
    };
    run(target, connections, count, 201, request).await
}

/// Reads users by their ids, `count` times in all.
pub(crate) async fn reads(target: &Target, ids: &[String], connections: usize, count: usize) -> Measured {
    let ids = ids.to_vec();
    let request = move |target: &Target, number: usize| {
        let id = &ids[number.wrapping_mul(7_919) % ids.len()];
        message(target, "GET", &format!("/Users/{id}"), "")
    };
    run(target, connections, count, 200, request).await
}

/// Sends requests, each a method, a path and a body, and expects `status` of all.
pub(crate) async fn send(
    target: &Target,
    connections: usize,
    requests: &[(&'static str, String, String)],
    status: u16,
) -> Measured {
    let owned = requests.to_vec();
    let request = move |target: &Target, number: usize| {
        let (method, path, body) = &owned[number];
        message(target, method, path, body)
    };
    run(target, connections, requests.len(), status, request).await
}

/// How long one request takes that may be refused; as good as for ever where it is.
pub(crate) async fn attempt(target: &Target, request: &(&'static str, String, String)) -> Duration {
    let (method, path, body) = request;
    let mut client = Client::connect(target.address).await;
    let began = Instant::now();
    let text = message(target, method, path, body);
    if client.exchange(&text).await.starts_with(b"HTTP/1.1 200") {
        began.elapsed()
    } else {
        Duration::MAX
    }
}

/// The body of one answer.
pub(crate) async fn answer(target: &Target, request: &(&'static str, String, String)) -> String {
    let (method, path, body) = request;
    let mut client = Client::connect(target.address).await;
    let text = message(target, method, path, body);
    let whole = client.exchange(&text).await;
    assert!(
        whole.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(whole)
    );
    let head = find(whole, b"\r\n\r\n").unwrap();
    String::from_utf8_lossy(&whole[head + 4..]).into_owned()
}

/// Whether a list has anybody.
pub(crate) async fn finds(target: &Target, path: &str) -> bool {
    let mut client = Client::connect(target.address).await;
    let text = message(target, "GET", path, "");
    find(client.exchange(&text).await, b"\"totalResults\":1").is_some()
}

fn message(target: &Target, method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {}{path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Okta SCIM Client 1.0.0\r\nAccept: application/scim+json\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/scim+json; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        target.base,
        target.address,
        target.token,
        body.len()
    )
}

async fn run(
    target: &Target,
    connections: usize,
    count: usize,
    status: u16,
    request: impl Fn(&Target, usize) -> String,
) -> Measured {
    let expected = format!("HTTP/1.1 {status}");
    let local = LocalSet::new();
    let mut clients = Vec::new();
    for connection in 0..connections {
        let requests: Vec<_> = (connection..count)
            .step_by(connections)
            .map(|number| request(target, number))
            .collect();
        clients.push((Client::connect(target.address).await, requests));
    }
    let began = Instant::now();
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|(mut client, requests)| {
            let expected = expected.clone();
            local.spawn_local(async move {
                let mut latencies = Vec::with_capacity(requests.len());
                let mut ids = Vec::with_capacity(requests.len());
                for request in requests {
                    let sent = Instant::now();
                    let answer = client.exchange(&request).await;
                    latencies.push(sent.elapsed());
                    assert!(
                        answer.starts_with(expected.as_bytes()),
                        "{}",
                        String::from_utf8_lossy(answer)
                    );
                    ids.extend(id_in(answer));
                }
                (latencies, ids)
            })
        })
        .collect();
    local.await;
    let took = began.elapsed();
    let (mut latencies, mut ids) = (Vec::new(), Vec::new());
    for task in tasks {
        let (own, own_ids) = task.await.unwrap();
        latencies.extend(own);
        ids.extend(own_ids);
    }
    Measured { took, latencies, ids }
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::with_capacity(4096),
        }
    }

    async fn exchange(&mut self, request: &str) -> &[u8] {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the server hung up");
            if self.is_whole() {
                return &self.buffer;
            }
        }
    }

    fn is_whole(&self) -> bool {
        let Some(head) = find(&self.buffer, b"\r\n\r\n") else {
            return false;
        };
        // An answer without a body does not say how long it is.
        let Some(at) = find(&self.buffer[..head], b"content-length: ") else {
            return true;
        };
        let at = at + b"content-length: ".len();
        let digits = self.buffer[at..].iter().take_while(|byte| byte.is_ascii_digit());
        let length = digits.fold(0, |sum, byte| sum * 10 + usize::from(byte - b'0'));
        self.buffer.len() >= head + 4 + length
    }
}

/// The id of the user in an answer.
fn id_in(answer: &[u8]) -> Option<String> {
    let at = find(answer, b"\"id\":\"")? + b"\"id\":\"".len();
    Some(String::from_utf8_lossy(&answer[at..at + 36]).into_owned())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
