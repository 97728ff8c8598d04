//! What questions and groups cost at 100,000 users, beside a read by id and a group of ten in the same run.
//!
//! `cargo bench --bench queries` measures SQLite, and `scripts/with-postgres cargo bench --bench queries -- postgres`
//! PostgreSQL. It prints a line for each measurement, and the ratio. With `million`, or `million 200000`, it measures the management
//! API's lists of so many users, a reader of all their events, the console's pages, and all users as a file.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a measurement that cannot be taken has failed, and its figures are rounded"
)]
#![expect(clippy::disallowed_methods, reason = "what measures looks at a stopwatch")]

#[path = "../speed/load.rs"]
#[expect(dead_code, reason = "it is shared, and not all of it is wanted here")]
mod load;

use std::time::{Duration, Instant};

use load::{Measured, Target, milliseconds, target};
use reqwest::Method;
use testkit::{Console, Program, Serving, TestDatabase};

const USERS: usize = 100_000;
/// With `million`, for the management API's lists.
const MILLION: usize = 1_000_000;
const GIVEN: [&str; 20] = [
    "Ava", "Ben", "Chloe", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Kemal", "Lucia",
    "Milan", "Noor", "Olga", "Pavel", "Quinn", "Rosa", "Samir", "Tessa",
];
const FAMILY: [&str; 25] = [
    "Nguyen", "Schmidt", "Kowalski", "Garcia", "Okafor", "Tanaka", "Petrov", "Hansen", "Moreau", "Silva",
    "Rossi", "Yilmaz", "Novak", "Larsen", "Dubois", "Khan", "Cohen", "Murphy", "Jensen", "Weber", "Fischer",
    "Santos", "Kim", "Chen", "Brown",
];
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

type Request = (&'static str, String, String);

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(all());
}

async fn all() {
    let program = Program::new(env!("CARGO_BIN_EXE_provost"));
    let database = if std::env::args().any(|argument| argument == "postgres") {
        Some(TestDatabase::make().await)
    } else {
        None
    };
    let url = database.as_ref().map(TestDatabase::url);
    let arguments: Vec<&str> = url.iter().flat_map(|url| ["--database", url.as_str()]).collect();
    let serving = program.serve(&arguments);
    let target = target(&serving);
    if let Some(at) = std::env::args().position(|argument| argument == "million") {
        let users = std::env::args().nth(at + 1).and_then(|text| text.parse().ok());
        let users = users.unwrap_or(MILLION);
        million(&target, &program, &arguments, users).await;
        return pages(&program, &serving).await;
    }
    let people: Vec<Request> = (0..USERS).map(person).collect();
    let made = load::send(&target, 64, &people, 201).await;
    println!("{USERS} users made                  {:>6.0}/s", made.rate());
    indexed(&target).await;
    questions(&target, &made.ids).await;
    mapped(&target, &made.ids, &program, &arguments).await;
    groups(&target, &made.ids, &serving).await;
}

fn person(number: usize) -> Request {
    let (given, family) = (GIVEN[number % 20], FAMILY[number / 20 % 25]);
    let user_name = format!("{given}.{family}{number}@example.com").to_lowercase();
    let body = format!(
        "{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"{user_name}\",\"externalId\":\"00u{number}\",\
         \"name\":{{\"givenName\":\"{given}\",\"familyName\":\"{family} {number}\"}},\"displayName\":\"{given} {family} {number}\",\
         \"emails\":[{{\"primary\":true,\"value\":\"{user_name}\",\"type\":\"work\"}}],\"locale\":\"en-US\",\"active\":true}}"
    );
    ("POST", "/Users".to_owned(), body)
}

/// Waits until nobody is left whom the index does not know.
async fn indexed(target: &Target) {
    indexed_at(target, USERS).await;
}

async fn indexed_at(target: &Target, users: usize) {
    let began = Instant::now();
    let last = users - 1;
    let name = format!("{} {} {last}", GIVEN[last % 20], FAMILY[last / 20 % 25]);
    let last = question(&format!("displayName co \"{name}\""), 50);
    let mut quick = 0;
    while quick < 20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let answer = load::attempt(target, &last).await;
        quick = if answer < Duration::from_millis(20) {
            quick + 1
        } else {
            0
        };
    }
    println!(
        "names indexed                   {:.1} s after that",
        began.elapsed().as_secs_f64()
    );
}

fn question(filter: &str, count: usize) -> Request {
    let filter: String = filter
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    (
        "GET",
        format!("/Users?filter={filter}&startIndex=1&count={count}"),
        String::new(),
    )
}

async fn questions(target: &Target, ids: &[String]) {
    let by_id: Vec<Request> = (0..2_000)
        .map(|number| {
            (
                "GET",
                format!("/Users/{}", ids[number * 37 % ids.len()]),
                String::new(),
            )
        })
        .collect();
    let base = load::send(target, 1, &by_id, 200).await;
    let compare = |name: &str, measured: &Measured| {
        println!(
            "{name:<31} p50 {}  p99 {}   {:.1} times a read by id",
            milliseconds(measured.percentile(50)),
            milliseconds(measured.percentile(99)),
            measured.percentile(50).as_secs_f64() / base.percentile(50).as_secs_f64()
        );
    };
    compare("GET by id", &base);
    let some = |count: usize| (0..count).map(|number| number * 7_919 % USERS);
    for (name, count, filter) in asked() {
        let requests: Vec<Request> = some(count).map(|number| question(&filter(number), 50)).collect();
        compare(name, &load::send(target, 1, &requests, 200).await);
    }
    let sorted: Vec<Request> = (0..50)
        .map(|_| {
            (
                "GET",
                "/Users?sortBy=userName&startIndex=50001&count=50".to_owned(),
                String::new(),
            )
        })
        .collect();
    compare(
        "by userName, from the middle on",
        &load::send(target, 1, &sorted, 200).await,
    );
}

/// A question, how often it is asked, and its filter for each.
type Asked = (&'static str, usize, Box<dyn Fn(usize) -> String>);

fn user_name(number: usize) -> String {
    person(number).2.split('"').nth(7).unwrap().to_owned()
}

fn asked() -> Vec<Asked> {
    vec![
        (
            "userName eq",
            1_000,
            Box::new(|number| format!("userName eq \"{}\"", user_name(number))),
        ),
        (
            "externalId eq",
            1_000,
            Box::new(|number| format!("externalId eq \"00u{number}\"")),
        ),
        (
            "emails eq",
            1_000,
            Box::new(|number| format!("emails.value eq \"{}\"", user_name(number))),
        ),
        (
            "displayName eq",
            500,
            Box::new(|number| {
                format!(
                    "displayName eq \"{} {} {number}\"",
                    GIVEN[number % 20],
                    FAMILY[number / 20 % 25]
                )
            }),
        ),
        (
            "co, some digits",
            500,
            Box::new(|number| format!("displayName co \"{:05}\"", number.max(10_000))),
        ),
        (
            "co, a name and a digit",
            200,
            Box::new(|number| format!("displayName co \"{} {}\"", FAMILY[number % 25], number % 10)),
        ),
        (
            "sw, a full name",
            200,
            Box::new(|number| {
                format!(
                    "displayName sw \"{} {}\"",
                    GIVEN[number % 20],
                    FAMILY[number / 20 % 25]
                )
            }),
        ),
        (
            "sw, three letters of userName",
            50,
            Box::new(|number| {
                format!(
                    "userName sw \"{}.{}\"",
                    GIVEN[number % 20],
                    &FAMILY[number / 20 % 25][..1]
                )
            }),
        ),
        (
            "co, a family name (4,000)",
            50,
            Box::new(|number| format!("displayName co \"{}\"", FAMILY[number % 25])),
        ),
    ]
}

async fn groups(target: &Target, ids: &[String], serving: &Serving) {
    let small = group(target, "small", &ids[..10]).await;
    let (began, before) = (Instant::now(), peak(serving.pid()));
    let large = group(target, "large", &ids[..ids.len() - 5_000]).await;
    println!(
        "a group of {} made           {}   {:.0} MB more at most",
        ids.len() - 5_000,
        milliseconds(began.elapsed()),
        peak(serving.pid()) - before
    );
    let add = |group: &str, from: usize| -> Vec<Request> {
        ids[from..from + 100].iter().map(|id| patch(group, id)).collect()
    };
    // The two alternate, so that what else the machine does falls on both.
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for round in 0..4 {
        let from = ids.len() - 5_000 + round * 1_000;
        few.push(load::send(target, 1, &add(&small, from), 200).await);
        many.push(load::send(target, 1, &add(&large, from + 500), 204).await);
    }
    let median = |all: &[Measured]| {
        let mut medians: Vec<_> = all.iter().map(|one| one.percentile(50)).collect();
        medians.sort_unstable();
        medians[medians.len() / 2]
    };
    println!(
        "one more member                 p50 {} of few, {} of many   ratio {:.2}",
        milliseconds(median(&few)),
        milliseconds(median(&many)),
        median(&many).as_secs_f64() / median(&few).as_secs_f64()
    );
    let at_once: Vec<Request> = ids[ids.len() - 1_000..]
        .iter()
        .map(|id| patch(&large, id))
        .collect();
    let all = load::send(target, 50, &at_once, 204).await;
    println!(
        "50 at once, one member each     {:>6.0}/s  p50 {}  slowest {}",
        all.rate(),
        milliseconds(all.percentile(50)),
        milliseconds(all.percentile(100))
    );
    for (name, members) in [
        ("50,000 others", &ids[50_000..]),
        ("the same 50,000", &ids[50_000..]),
    ] {
        let body = group_body("large", members);
        let before = peak(serving.pid());
        let put = [("PUT", format!("/Groups/{large}?excludedAttributes=members"), body)];
        let took = load::send(target, 1, &put, 200).await;
        println!(
            "PUT of {name:<24} {}   {:.0} MB more at most",
            milliseconds(took.percentile(50)),
            peak(serving.pid()) - before
        );
    }
    let list = [(
        "GET",
        "/Groups?excludedAttributes=members".to_owned(),
        String::new(),
    )];
    let list = load::send(target, 1, &list, 200).await;
    println!(
        "a list without members          {}",
        milliseconds(list.percentile(50))
    );
}

/// A mapping is for the group: its members are decided about beside requests.
async fn mapped(target: &Target, ids: &[String], program: &Program, database: &[&str]) {
    let mapped = group(target, "mapped", &[]).await;
    program.stdout(&[&["profile", "add", "Gold"], database].concat());
    let add = [
        "mapping",
        "add",
        "Gold",
        "--group",
        "mapped",
        "--profile",
        "Gold",
        "--storage",
        "default",
        "--at",
        "1",
    ];
    program.stdout(&[&add[..], database].concat());
    let members = &ids[..50_000];
    let put = [(
        "PUT",
        format!("/Groups/{mapped}?excludedAttributes=members"),
        group_body("mapped", members),
    )];
    let took = load::send(target, 1, &put, 200).await;
    println!(
        "PUT of 50,000 with a mapping      {}",
        milliseconds(took.percentile(50))
    );
    let began = Instant::now();
    let gold = format!(
        "/Users?count=1&filter=id%20eq%20%22{}%22%20and%20profile%20eq%20%22Gold%22",
        members.iter().max().unwrap()
    );
    while !load::finds(target, &gold).await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!(
        "all of them decided about         {:.1} s later",
        began.elapsed().as_secs_f64()
    );
    let delete = [("DELETE", format!("/Groups/{mapped}"), String::new())];
    let took = load::send(target, 1, &delete, 204).await;
    println!(
        "DELETE of that group              {}",
        milliseconds(took.percentile(50))
    );
}

fn patch(group: &str, member: &str) -> Request {
    let body = format!(
        "{{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{{\"op\":\"add\",\"path\":\"members\",\
         \"value\":[{{\"value\":\"{member}\"}}]}}]}}"
    );
    ("PATCH", format!("/Groups/{group}"), body)
}

fn group_body(name: &str, members: &[String]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|id| format!("{{\"value\":\"{id}\"}}"))
        .collect();
    format!(
        "{{\"schemas\":[\"{GROUP}\"],\"displayName\":\"{name}\",\"members\":[{}]}}",
        members.join(",")
    )
}

async fn group(target: &Target, name: &str, members: &[String]) -> String {
    let create = [(
        "POST",
        "/Groups?excludedAttributes=members".to_owned(),
        group_body(name, members),
    )];
    load::send(target, 1, &create, 201).await.ids.remove(0)
}

/// The most memory that a process ever had, in megabytes.
fn peak(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_000.0
}

/// What an administrator waits for at a million users, and how fast one reader follows the events.
async fn million(target: &Target, program: &Program, arguments: &[&str], users: usize) {
    for part in 0..10 {
        let range = part * users / 10..(part + 1) * users / 10;
        let people: Vec<Request> = range.map(person).collect();
        let made = load::send(target, 64, &people, 201).await;
        println!(
            "{:>7} users                   {:>6.0}/s",
            (part + 1) * users / 10,
            made.rate()
        );
    }
    indexed_at(target, users).await;
    let key = [&["key", "create", "bench", "--role", "owner"], arguments].concat();
    let api = Target {
        base: "/api/v1".to_owned(),
        token: program.stdout(&key).trim().to_owned(),
        ..target.clone()
    };
    for number in 0..40 {
        let user = format!("/users/ava.nguyen{}@example.com/preserve", number * 500);
        load::send(&api, 1, &[("POST", user, "{}".to_owned())], 200).await;
    }
    for (name, path) in [
        ("list", "/users?limit=50"),
        ("list, preserved", "/users?limit=50&status=preserved"),
        ("list, active", "/users?limit=50&status=active"),
        ("list, of a profile", "/users?limit=50&profile=default"),
        ("search, a name of one", "/users?limit=50&search=nguyen7500"),
        ("search, a rare name", "/users?limit=50&search=nguyen+7500"),
        ("search, a name of 40,000", "/users?limit=50&search=Kowalski"),
        ("search, two letters", "/users?limit=50&search=av"),
    ] {
        let asked: Vec<Request> = (0..100)
            .map(|_| ("GET", path.to_owned(), String::new()))
            .collect();
        let measured = load::send(&api, 1, &asked, 200).await;
        println!(
            "{name:<31} p50 {}  p95 {}",
            milliseconds(measured.percentile(50)),
            milliseconds(measured.percentile(95))
        );
    }
    follow(&api).await;
}

/// What an administrator waits for at the console, whose pages say how many there are.
async fn pages(program: &Program, serving: &Serving) {
    let console = Console::at(&serving.client.base);
    let told = std::fs::read_to_string(program.folder().join("data/first-run.txt")).unwrap();
    let (_, link) = told.split_once("invitation?token=").unwrap();
    let token = link.split_whitespace().next().unwrap();
    console.join(token, &[("email", "ada@example.com")]).await;
    let list = console.page("/console/users").await;
    let (_, rest) = list.split_once("class=\"main\" href=\"").unwrap();
    let user = rest.split('"').next().unwrap();
    for path in [
        "/console",
        "/console/attention",
        "/console/users",
        "/console/users?search=kowalski",
        "/console/users?status=preserved&legalHold=true",
        user,
        "/console/groups",
        "/console/mappings",
        "/console/mappings/Everyone",
        "/console/mappings/apply",
        "/console/profiles",
        "/console/storages",
        "/console/activity",
        "/console/activity/log",
        "/console/activity/audit",
        "/console/activity/audit?kind=administrator",
        "/console/reports/provisioning",
        "/console/reports/preserved",
        "/console/reports/weekly",
        "/console/reports/mappings",
        "/console/settings",
        "/console/settings/connections/default",
    ] {
        let mut took = Vec::new();
        for _ in 0..30 {
            let began = Instant::now();
            console.page(path).await;
            took.push(began.elapsed());
        }
        took.sort_unstable();
        println!(
            "{:<47} p50 {}  p95 {}",
            path.replace(user, "/console/users/{user}"),
            milliseconds(took[took.len() / 2]),
            milliseconds(took[took.len() * 95 / 100])
        );
    }
    for format in ["csv", "xlsx"] {
        let (began, before) = (Instant::now(), peak(serving.pid()));
        let path = format!("/console/users/export?format={format}");
        let mut answer = console.request(Method::GET, &path).send().await.unwrap();
        let mut bytes = 0;
        while let Some(piece) = answer.chunk().await.unwrap() {
            bytes += piece.len();
        }
        println!(
            "export of all as {format:<4}  {:.1} s, {:.1} MB; the server's peak {:.0} MB, {before:.0} MB before",
            began.elapsed().as_secs_f64(),
            bytes as f64 / 1e6,
            peak(serving.pid())
        );
    }
}

/// Reads all events, a thousand at a time.
async fn follow(api: &Target) {
    let (began, mut read, mut after) = (Instant::now(), 0, String::new());
    loop {
        let path = format!("/events?limit=1000&after={after}");
        let text = load::answer(api, &("GET", path, String::new())).await;
        let page: serde_json::Value = serde_json::from_str(&text).unwrap();
        read += page["events"].as_array().unwrap().len();
        page["next"].as_str().unwrap().clone_into(&mut after);
        if page["hasMore"] == false {
            break;
        }
    }
    let rate = read as f64 / began.elapsed().as_secs_f64();
    println!("{read} events to one reader   {rate:>6.0}/s, taken apart by it too");
}
