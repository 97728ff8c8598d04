//! Several nodes on one PostgreSQL database, and a database that fails them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod faults;
mod proxy;
mod races;

use testkit::{Client, Program, Serving};

/// How often a race is run: once, or as often as `scripts/test --full` says when this is compiled.
fn rounds() -> u32 {
    option_env!("PROVOST_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap())
}

#[expect(
    clippy::disallowed_methods,
    reason = "these tests wait, and give up after a while"
)]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn program() -> Program {
    Program::new(env!("CARGO_BIN_EXE_provost"))
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// Two nodes on one database of their own.
struct Nodes {
    program: Program,
    url: String,
    one: Serving,
    two: Serving,
    _database: testkit::TestDatabase,
}

impl Nodes {
    async fn start() -> Self {
        let database = testkit::TestDatabase::make().await;
        let (program, url) = (program(), database.url());
        let one = program.serve(&["--database", &url]);
        let two = program.serve(&["--database", &url]);
        Self {
            program,
            url,
            one,
            two,
            _database: database,
        }
    }

    /// Runs a command on their database.
    #[track_caller]
    fn stdout(&self, arguments: &[&str]) -> String {
        self.program
            .stdout(&[arguments, &["--database", &self.url]].concat())
    }

    /// One client or the other, in turn.
    fn client(&self, number: usize) -> Client {
        if number.is_multiple_of(2) {
            self.one.client.clone()
        } else {
            self.two.client.clone()
        }
    }
}
