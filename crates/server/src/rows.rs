//! Rows of reports as files: CSV as it is read, XLSX made in a file of its own. Either holds no more than a stride in memory,
//! however many users there are.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use directory::{Ctx, Settings};
use futures_util::stream;
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use serde_json::{Map, Value};
use service::reports::{Column, Report, inert, text_of};
use service::users::{self, Browse};
use std::sync::Arc;
use store::Store;

use crate::access::problem::Problem;

/// Users in one stride.
const STRIDE: usize = 500;
/// What a sheet of a spreadsheet holds, less the headings.
const SHEET: u32 = 1_048_575;
/// Characters that a cell holds.
const CELL: usize = 32_767;
/// Bytes that are read of a file at once.
const PIECE: usize = 64 * 1024;

/// What a file is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// RFC 4180.
    Csv,
    /// A spreadsheet (ECMA-376).
    Xlsx,
    /// A JSON list of objects.
    Json,
}

impl Kind {
    /// The one that is called so.
    pub(crate) fn named(name: &str) -> Result<Self, Problem> {
        match name {
            "csv" => Ok(Self::Csv),
            "xlsx" => Ok(Self::Xlsx),
            "json" => Ok(Self::Json),
            _ => Err(Problem::bad_request("format is one of json, csv and xlsx.")),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Json => "application/json",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Json => "json",
        }
    }
}

/// Where rows come from, a stride at a time.
pub(crate) struct Rows {
    store: Store,
    ctx: Ctx,
    settings: Arc<Settings>,
    report: Report,
    /// Those of the report's columns that are written.
    columns: Arc<[Column]>,
    left: Left,
}

/// What is still to be read.
enum Left {
    Users(Box<Browse>),
    Some(Vec<Vec<Value>>),
    Nothing,
}

impl Rows {
    /// The rows of a report, of those users whom `browse` means where it is one of users.
    pub(crate) async fn of(
        store: &Store,
        ctx: &Ctx,
        settings: &Arc<Settings>,
        report: Report,
        browse: Option<Browse>,
    ) -> Result<Self, Problem> {
        let left = if let Some(browse) = browse.or_else(|| report.of_users()) {
            Left::Users(Box::new(Browse {
                limit: STRIDE,
                ..browse
            }))
        } else {
            let (asking, of) = (ctx.clone(), Arc::clone(settings));
            Left::Some(store.scan(move |tx| report.rows(tx, &asking, &of)).await?)
        };
        Ok(Self {
            store: store.clone(),
            ctx: ctx.clone(),
            settings: Arc::clone(settings),
            report,
            columns: report.columns().into(),
            left,
        })
    }

    /// The same with no more columns than those of these keys.
    pub(crate) fn only(mut self, keys: &[&str]) -> Self {
        let kept = self.columns.iter().filter(|(_, key)| keys.contains(key));
        self.columns = kept.copied().collect();
        self
    }

    /// The next stride; nothing at the end.
    async fn next(&mut self) -> Result<Option<Vec<Vec<Value>>>, service::Error> {
        let rows = self.stride().await?;
        if self.columns.len() == self.report.columns().len() {
            return Ok(rows);
        }
        let chosen = |row: Vec<Value>| {
            let cells = self.report.columns().iter().zip(row);
            cells
                .filter(|(column, _)| self.columns.contains(column))
                .map(|(_, value)| value)
                .collect()
        };
        Ok(rows.map(|rows| rows.into_iter().map(chosen).collect()))
    }

    async fn stride(&mut self) -> Result<Option<Vec<Vec<Value>>>, service::Error> {
        match std::mem::replace(&mut self.left, Left::Nothing) {
            Left::Nothing => Ok(None),
            Left::Some(rows) => Ok(Some(rows)),
            Left::Users(mut browse) => {
                let (ctx, settings, report) = (self.ctx.clone(), Arc::clone(&self.settings), self.report);
                let asked = browse.clone();
                let (rows, next) = self
                    .store
                    .scan(move |tx| {
                        let page = users::browse(tx, &ctx, &asked)?;
                        let rows = page.records.iter().map(|record| report.row_of(record, &settings));
                        Ok::<_, service::Error>((rows.collect(), page.next))
                    })
                    .await?;
                if let Some(next) = next {
                    browse.after = Some(next);
                    self.left = Left::Users(browse);
                }
                Ok(Some(rows))
            }
        }
    }

    /// The whole as a file.
    pub(crate) async fn into_file(self, kind: Kind, name: &str) -> Result<Response, Problem> {
        let body = match kind {
            Kind::Csv => self.written(csv_headings, csv_rows, ""),
            Kind::Json => self.written(|_| "[".to_owned(), json_rows, "]"),
            Kind::Xlsx => file_body(self.into_workbook().await?),
        };
        let mut response = body.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind.media_type()));
        let ending = kind.ending();
        if kind != Kind::Json
            && let Ok(named) = HeaderValue::try_from(format!("attachment; filename=\"{name}.{ending}\""))
        {
            headers.insert(header::CONTENT_DISPOSITION, named);
        }
        Ok(response)
    }

    /// Text, stride by stride, as fast as it is read.
    fn written(
        self,
        head: impl Fn(&[Column]) -> String,
        stride: impl Fn(&[Column], &[Vec<Value>], bool) -> String + Send + Sync + 'static,
        end: &'static str,
    ) -> Body {
        let columns = Arc::clone(&self.columns);
        let head = head(&columns);
        let stride = Arc::new(stride);
        let state = (Some(self), Some(head), true);
        let pieces = stream::unfold(state, move |(rows, head, is_first)| {
            let (stride, columns) = (Arc::clone(&stride), Arc::clone(&columns));
            async move {
                if let Some(head) = head {
                    return Some((Ok(Bytes::from(head)), (rows, None, is_first)));
                }
                let mut rows = rows?;
                match rows.next().await {
                    Ok(Some(found)) => {
                        let text = stride(&columns, &found, is_first);
                        let is_first = is_first && found.is_empty();
                        Some((Ok(Bytes::from(text)), (Some(rows), None, is_first)))
                    }
                    Ok(None) => Some((Ok(Bytes::from_static(end.as_bytes())), (None, None, false))),
                    // Who reads sees that it broke off.
                    Err(_) => Some((Err(io::Error::other("the database failed")), (None, None, false))),
                }
            }
        });
        Body::from_stream(pieces)
    }

    async fn into_workbook(mut self) -> Result<File, Problem> {
        let mut book = Book::new(Arc::clone(&self.columns)).map_err(spreadsheet)?;
        while let Some(rows) = self.next().await? {
            book = tokio::task::spawn_blocking(move || {
                book.add(&rows)?;
                Ok::<_, XlsxError>(book)
            })
            .await
            .map_err(|_| Problem::failed())?
            .map_err(spreadsheet)?;
        }
        let made = tokio::task::spawn_blocking(move || book.into_file());
        made.await.map_err(|_| Problem::failed())?.map_err(spreadsheet)
    }
}

fn spreadsheet(error: XlsxError) -> Problem {
    tracing::error!(%error, "a spreadsheet cannot be written");
    Problem::failed()
}

fn csv_headings(columns: &[Column]) -> String {
    csv_of(std::iter::once(
        columns.iter().map(|(heading, _)| (*heading).to_owned()).collect(),
    ))
}

fn csv_rows(columns: &[Column], rows: &[Vec<Value>], _: bool) -> String {
    let cells = |row: &Vec<Value>| {
        let cell = |(column, value): (&Column, &Value)| inert(&spelled(&text_of(*column, value)));
        columns.iter().zip(row).map(cell).collect()
    };
    csv_of(rows.iter().map(cells))
}

fn csv_of(rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for row in rows {
        // Writing to memory cannot fail.
        let _ = writer.write_record(row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// As much of a text as a cell holds, which counts in UTF-16.
fn cut(text: &str) -> String {
    let mut left = CELL;
    let fits = |letter: &char| {
        let long = letter.len_utf16();
        left = left.saturating_sub(long);
        left > 0
    };
    if text.len() < CELL {
        text.to_owned()
    } else {
        text.chars().take_while(fits).collect()
    }
}

/// Control characters spelled out: names come from outside.
fn spelled(text: &str) -> String {
    let one = |letter: char| {
        if letter.is_control() {
            format!("\\u{:04x}", u32::from(letter))
        } else {
            letter.to_string()
        }
    };
    if text.contains(char::is_control) {
        text.chars().map(one).collect()
    } else {
        text.to_owned()
    }
}

fn json_rows(columns: &[Column], rows: &[Vec<Value>], is_first: bool) -> String {
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        if at > 0 || !is_first {
            text.push(',');
        }
        let object: Map<_, _> = columns
            .iter()
            .zip(row)
            .map(|((_, key), value)| ((*key).to_owned(), value.clone()))
            .collect();
        text.push_str(&Value::Object(object).to_string());
    }
    text
}

/// A spreadsheet that grows in a file.
struct Book {
    file: Workbook,
    columns: Arc<[Column]>,
    /// Rows of the last sheet.
    rows: u32,
    sheets: usize,
}

impl Book {
    fn new(columns: Arc<[Column]>) -> Result<Self, XlsxError> {
        let mut new = Self {
            file: Workbook::new(),
            columns,
            rows: 0,
            sheets: 0,
        };
        new.begin()?;
        Ok(new)
    }

    /// Another sheet, with the headings.
    fn begin(&mut self) -> Result<(), XlsxError> {
        let bold = Format::new().set_bold();
        let sheet = self.file.add_worksheet_with_constant_memory()?;
        for (at, (heading, _)) in (0_u16..).zip(self.columns.iter()) {
            sheet.set_column_width(at, 22)?;
            sheet.write_string_with_format(0, at, *heading, &bold)?;
        }
        sheet.set_freeze_panes(1, 0)?;
        self.rows = 0;
        self.sheets += 1;
        Ok(())
    }

    fn add(&mut self, rows: &[Vec<Value>]) -> Result<(), XlsxError> {
        for row in rows {
            if self.rows == SHEET {
                self.begin()?;
            }
            self.rows += 1;
            let sheet = self.file.worksheet_from_index(self.sheets - 1)?;
            for (at, (column, value)) in (0_u16..).zip(self.columns.iter().zip(row)) {
                match value {
                    Value::Null => continue,
                    Value::Number(number) if column.1 != "quota" => {
                        sheet.write_number(self.rows, at, number.as_f64().unwrap_or_default())?
                    }
                    // A text is written as one: no formula comes of it.
                    value => sheet.write_string(self.rows, at, cut(&spelled(&text_of(*column, value))))?,
                };
            }
        }
        Ok(())
    }

    fn into_file(mut self) -> Result<File, XlsxError> {
        let mut file = tempfile::tempfile()?;
        self.file.save_to_writer(&mut file)?;
        file.rewind()?;
        Ok(file)
    }
}

/// A file, piece by piece.
fn file_body(file: File) -> Body {
    let pieces = stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let long = file.read(&mut piece)?;
            piece.truncate(long);
            Ok::<_, io::Error>((piece, file))
        });
        match read.await {
            Ok(Ok((piece, _))) if piece.is_empty() => None,
            Ok(Ok((piece, file))) => Some((Ok(Bytes::from(piece)), Some(file))),
            Ok(Err(error)) => Some((Err(error), None)),
            Err(_) => Some((Err(io::Error::other("the reader failed")), None)),
        }
    });
    Body::from_stream(pieces)
}
