//! Reports: tables, with a picture where it tells more, and as files.

use askama::Template;
use serde_json::Value;
use service::reports::{Column, Report, text_of};
use service::users::{self, Browse};

use super::page::{Answer, Named, Page, Shell};
use super::view::{number, plain};
use crate::access::caller::ReadUsers;
use crate::manage::reports::permitted;

/// Rows that the page shows; the file has all.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "reports.html")]
struct Index<'p> {
    shell: &'p Shell,
    reports: [Report; 6],
}

/// `GET /console/reports`
pub(super) async fn index(page: Page<ReadUsers>) -> Answer {
    page.shows(&Index {
        shell: &page.shell,
        reports: Report::ALL,
    })
}

/// A cell, and whether it is a number.
struct Cell {
    text: String,
    is_number: bool,
    is_time: bool,
}

/// A bar of the picture.
struct Bar {
    label: String,
    value: String,
    width: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'p> {
    shell: &'p Shell,
    report: Report,
    headings: Vec<(&'static str, bool)>,
    rows: Vec<Vec<Cell>>,
    bars: Vec<Bar>,
    bars_title: &'static str,
    more: bool,
}

/// `GET /console/reports/{report}`
pub(super) async fn show(page: Page<ReadUsers>, Named(name): Named) -> Answer {
    let report = permitted(&page.caller, &name)?;
    let (ctx, settings, scope) = (
        page.caller.ctx.clone(),
        page.caller.settings.clone(),
        page.caller.scope.clone(),
    );
    let (rows, more) = page
        .caller
        .app
        .store
        .scan(move |tx| match report.of_users() {
            Some(browse) => {
                let browse = Browse {
                    limit: SHOWN,
                    within: scope,
                    ..browse
                };
                let found = users::browse(tx, &ctx, &browse)?;
                let rows = found
                    .records
                    .iter()
                    .map(|record| report.row_of(record, &settings));
                Ok::<_, service::Error>((rows.collect::<Vec<_>>(), found.next.is_some()))
            }
            None => Ok((report.rows(tx, &ctx, &settings)?, false)),
        })
        .await?;
    let columns = report.columns();
    let cells = |row: &Vec<Value>| {
        let cell = |(column, value): (&Column, &Value)| Cell {
            text: shown(*column, value),
            is_number: value.is_number() || column.1 == "quota",
            is_time: value.as_str().is_some_and(is_time),
        };
        columns.iter().zip(row).map(cell).collect()
    };
    page.shows(&ReportPage {
        shell: &page.shell,
        headings: headings(columns, &rows),
        bars: bars(report, &rows),
        bars_title: match report {
            Report::Mappings => "Users by mapping",
            _ => "Users",
        },
        rows: rows.iter().map(cells).collect(),
        report,
        more,
    })
}

/// The headings, and whether numbers stand below.
fn headings(columns: &[Column], rows: &[Vec<Value>]) -> Vec<(&'static str, bool)> {
    let is_number = |at: usize| rows.iter().any(|row| row[at].is_number());
    let headings = columns.iter().enumerate();
    headings
        .map(|(at, (heading, _))| (*heading, is_number(at)))
        .collect()
}

fn is_time(text: &str) -> bool {
    text.len() == 24 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T')
}

fn shown(column: Column, value: &Value) -> String {
    match value {
        Value::Number(count) if column.1 != "quota" => {
            count.as_u64().map_or_else(|| count.to_string(), number)
        }
        Value::String(text) if is_time(text) => text[..16].replace('T', " "),
        value => plain(&text_of(column, value)),
    }
}

/// A picture of what is counted.
fn bars(report: Report, rows: &[Vec<Value>]) -> Vec<Bar> {
    let (label, count) = match report {
        Report::Weekly | Report::Monthly => (1, 2),
        Report::Mappings => (1, 5),
        _ => return Vec::new(),
    };
    let counted = |row: &Vec<Value>| row[count].as_u64().unwrap_or_default();
    let most = rows.iter().map(counted).max().unwrap_or_default().max(1);
    let bar = |row: &Vec<Value>| {
        let text = row[label].as_str().unwrap_or_default();
        Bar {
            label: if is_time(text) {
                text[..10].to_owned()
            } else {
                plain(text)
            },
            value: if row[count].is_null() {
                "not known".to_owned()
            } else {
                number(counted(row))
            },
            width: (counted(row) * 400 / most).to_string(),
        }
    };
    rows.iter().map(bar).collect()
}
