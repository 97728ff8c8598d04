//! What clients and people see, on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "all.rs"]
mod all;

use all::{id, path, start};

const DATABASE: testkit::Database = testkit::Database::Postgres;
