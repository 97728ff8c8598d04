//! `provost report`

use std::io;

use directory::Settings;
use serde_json::{Map, Value};
use service::reports::{Report, inert, text_of};
use service::users;

use super::Session;
use crate::cli::{self, Format};
use crate::exit::Failure;
use crate::output::{Reader, pretty, print, table, visible};

/// Users in one stride.
const STRIDE: usize = 500;

pub(super) async fn run(session: &Session, command: &cli::Report) -> Result<(), Failure> {
    let report = Report::from(command.name);
    let format = if session.reader == Reader::Program {
        Format::Json
    } else {
        command.format
    };
    let settings = session.settings()?;
    let rows = rows(session, report, &settings).await?;
    let columns = report.columns();
    match format {
        Format::Json => {
            let object = |row: &Vec<Value>| {
                let pairs = columns.iter().zip(row);
                let members = pairs.map(|((_, key), value)| ((*key).to_owned(), value.clone()));
                Value::Object(members.collect::<Map<_, _>>())
            };
            print(&pretty(&Value::Array(rows.iter().map(object).collect())))?;
        }
        Format::Csv => csv(report, &rows)?,
        Format::Table => {
            let headings: Vec<_> = columns.iter().map(|(heading, _)| *heading).collect();
            let cells: Vec<_> = rows.iter().map(|row| cells(report, row)).collect();
            print(&table(&headings, &cells))?;
        }
    }
    Ok(())
}

async fn rows(session: &Session, report: Report, settings: &Settings) -> Result<Vec<Vec<Value>>, Failure> {
    let (ctx, settings) = (session.context(), settings.clone());
    let found = session.store.scan(move |tx| {
        let Some(mut browse) = report.of_users() else {
            return report.rows(tx, &ctx, &settings);
        };
        browse.limit = STRIDE;
        let mut rows = Vec::new();
        loop {
            let page = users::browse(tx, &ctx, &browse)?;
            rows.extend(page.records.iter().map(|record| report.row_of(record, &settings)));
            match page.next {
                Some(next) => browse.after = Some(next),
                None => return Ok::<_, service::Error>(rows),
            }
        }
    });
    Ok(found.await?)
}

fn cells(report: Report, row: &[Value]) -> Vec<String> {
    let columns = report.columns().iter().zip(row);
    columns.map(|(column, value)| text_of(*column, value)).collect()
}

/// RFC 4180, with CRLF.
fn csv(report: Report, rows: &[Vec<Value>]) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(report.columns().iter().map(|(heading, _)| *heading))?;
    for row in rows {
        writer.write_record(cells(report, row).iter().map(|cell| inert(&visible(cell))))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    crate::output::print_bytes(&bytes)
}
