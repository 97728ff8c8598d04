//! What commands print: tables for people, JSON for programs, both on stdout.

use std::borrow::Cow;
use std::io::{self, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// The most characters of a cell in a table for people.
const WIDEST: usize = 60;

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
                eprintln!("{}", visible(sentence));
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
                    .map(|(name, value)| {
                        let shown: Vec<_> = value.split('\n').map(visible).collect();
                        format!("{name:width$}  {}", shown.join("\n"))
                    })
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
    table.add_rows(rows.iter().map(|row| row.iter().map(|text| cell(text))));
    table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// What fits into a column: one long name must not push all others off the screen.
fn cell(text: &str) -> String {
    let text = visible(text);
    match text.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// `text` with its control characters spelled out: names come from outside, and a terminal obeys what it is sent.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let spelled = text.chars().map(|c| {
        if c.is_control() {
            format!("\\u{:04x}", u32::from(c))
        } else {
            c.to_string()
        }
    });
    Cow::Owned(spelled.collect())
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
