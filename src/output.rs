//! What commands print: tables for people, JSON for programs, both on stdout.

use std::io::{self, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    Person,
    Program,
}

impl Reader {
    pub(crate) fn of(json: bool) -> Self {
        if json { Self::Program } else { Self::Person }
    }

    /// A list: a table, or an array.
    pub(crate) fn list(
        self,
        columns: &[&str],
        rows: &[Vec<String>],
        values: impl FnOnce() -> Vec<Value>,
    ) -> io::Result<()> {
        match self {
            Self::Person => print(&table(columns, rows)),
            Self::Program => print(&pretty(&Value::Array(values()))),
        }
    }

    /// One thing that was made, changed or removed: a sentence on stderr, or its JSON.
    pub(crate) fn done(self, sentence: &str, value: &Value) -> io::Result<()> {
        match self {
            Self::Person => {
                eprintln!("{sentence}");
                Ok(())
            }
            Self::Program => print(&pretty(value)),
        }
    }

    /// Names and values, or an object.
    pub(crate) fn one(self, fields: &[(&str, String)], value: &Value) -> io::Result<()> {
        match self {
            Self::Program => print(&pretty(value)),
            Self::Person => {
                let width = fields
                    .iter()
                    .map(|(name, _)| name.len())
                    .max()
                    .unwrap_or_default();
                let lines: Vec<_> = fields
                    .iter()
                    .map(|(name, value)| format!("{name:width$}  {value}"))
                    .collect();
                print(&lines.join("\n"))
            }
        }
    }
}

/// A table without borders, as wide as it must be.
pub(crate) fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.to_uppercase()));
    table.add_rows(rows.iter().cloned());
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Prints to stdout; a reader that has gone, such as `head`, is no error.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Prints bytes as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    match io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
