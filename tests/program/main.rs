//! The program as a person runs it: its own process, its files, its exit codes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod api_guide;
mod bad_input;
mod command_line;
mod durability;
mod first_run;
mod https;
mod operations;
mod people_file;
mod simulate;

fn program() -> testkit::Program {
    testkit::Program::new(env!("CARGO_BIN_EXE_provost"))
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}
