//! All rows out of PostgreSQL into a backup, and out of a backup into an empty database.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt as _;
use rusqlite::Connection;
use rusqlite::types::Value;
use tokio_postgres::types::Type;

use super::link::Link;
use super::{Lock, Postgres, apart};
use crate::Error;
use crate::backup::{copy_line, tables};

/// Rows that are fetched at once.
const STRIDE: usize = 2_000;
/// Bytes that are sent at once.
const CHUNK: usize = 256 * 1024;

impl Postgres {
    /// Copies all rows, as they are at one moment, into the tables of `file`.
    pub(crate) fn drain(&self, file: &Connection) -> Result<(), Error> {
        // The connection to the file stays on this thread; the one to the server has its own runtime.
        let mut link = apart(|| {
            let mut link = Link::connect(&self.url)?;
            link.have_time()?;
            Ok::<_, Error>(link)
        })?;
        let mut run = |sql: &str| apart(|| link.command(sql));
        run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        for (table, columns) in tables(file)? {
            drain_table(&mut link, file, &table, &columns)?;
        }
        apart(|| link.command("COMMIT"))
    }

    /// Fills the database, which must be empty, with all rows of `file`.
    pub(crate) fn fill(&self, file: &Connection, database: &str) -> Result<(), Error> {
        let mut link = apart(|| {
            let mut link = Link::connect(&self.url)?;
            link.have_time()?;
            link.command("BEGIN")?;
            link.take(Lock::SettingsAlone)?;
            let tenants = link.fetch("SELECT count(*) FROM tenants")?;
            match tenants.first().map(|row| row.try_get::<_, i64>(0)) {
                Some(Ok(0)) => Ok(link),
                _ => Err(Error::NotEmpty {
                    database: database.to_owned(),
                }),
            }
        })?;
        // What belongs to this schema alone stays: it says how far names are indexed.
        apart(|| link.command("DELETE FROM meta WHERE name <> 'search_progress'; DELETE FROM leases;"))?;
        for (table, columns) in tables(file)? {
            fill_table(&mut link, file, &table, &columns)?;
        }
        apart(|| link.command("UPDATE meta SET value = 0 WHERE name = 'search_progress'; COMMIT; ANALYZE"))
    }
}

fn drain_table(link: &mut Link, file: &Connection, table: &str, columns: &[String]) -> Result<(), Error> {
    let names = columns.join(", ");
    let holes = (1..=columns.len()).fold(String::new(), |mut holes, number| {
        // Writing to a string cannot fail.
        let _ = write!(holes, "{}?{number}", if number == 1 { "" } else { ", " });
        holes
    });
    let mut insert = file.prepare(&format!("INSERT INTO {table} ({names}) VALUES ({holes})"))?;
    apart(|| {
        link.command(&format!(
            "DECLARE saving NO SCROLL CURSOR FOR SELECT {names} FROM {table}"
        ))
    })?;
    loop {
        let rows = apart(|| link.fetch(&format!("FETCH {STRIDE} FROM saving")))?;
        for row in &rows {
            let values = (0..columns.len()).map(|column| value(row, column));
            insert.execute(rusqlite::params_from_iter(values.collect::<Result<Vec<_>, _>>()?))?;
        }
        if rows.len() < STRIDE {
            return apart(|| link.command("CLOSE saving"));
        }
    }
}

fn value(row: &tokio_postgres::Row, column: usize) -> Result<Value, Error> {
    let found = match *row.columns()[column].type_() {
        Type::BYTEA => row
            .try_get::<_, Option<Vec<u8>>>(column)
            .map(|bytes| bytes.map(Value::Blob)),
        Type::TEXT => row
            .try_get::<_, Option<String>>(column)
            .map(|text| text.map(Value::Text)),
        _ => row
            .try_get::<_, Option<i64>>(column)
            .map(|number| number.map(Value::Integer)),
    };
    let found = found.map_err(|_| Error::Unreadable { what: "column" })?;
    Ok(found.unwrap_or(Value::Null))
}

fn fill_table(link: &mut Link, file: &Connection, table: &str, columns: &[String]) -> Result<(), Error> {
    let names = columns.join(", ");
    let mut all = file.prepare(&format!("SELECT {names} FROM {table}"))?;
    let mut rows = all.query([])?;
    let copy = format!("COPY {table} ({names}) FROM STDIN");
    let mut chunk = Vec::with_capacity(CHUNK + CHUNK / 4);
    loop {
        let row = rows.next()?;
        let is_end = row.is_none();
        if let Some(row) = row {
            copy_line(row, columns.len(), &mut chunk)?;
        }
        if (is_end && !chunk.is_empty()) || chunk.len() >= CHUNK {
            let bytes = Bytes::from(std::mem::take(&mut chunk));
            apart(|| link.copy_in(&copy, bytes))?;
        }
        if is_end {
            return Ok(());
        }
    }
}

impl Link {
    /// The rows of a statement that is no constant.
    fn fetch(&mut self, sql: &str) -> Result<Vec<tokio_postgres::Row>, Error> {
        self.settle()?;
        let client = Arc::clone(&self.client);
        let answer = self.wait(async move { client.query(sql, &[]).await });
        answer.map_err(|error| self.fail(&error))
    }

    /// Copies lines into a table.
    fn copy_in(&mut self, copy: &str, lines: Bytes) -> Result<(), Error> {
        self.settle()?;
        let client = Arc::clone(&self.client);
        let answer = self.wait(async move {
            let sink = client.copy_in::<_, Bytes>(copy).await?;
            let mut sink = std::pin::pin!(sink);
            sink.send(lines).await?;
            sink.finish().await
        });
        answer.map(drop).map_err(|error| self.fail(&error))
    }
}
