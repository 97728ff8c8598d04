//! `provost user import` and `user export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use directory::{Ctx, Record, Settings};
use serde_json::{Value, json};
use service::users::{self, Imported, Newcomer};

use super::Session;
use super::user_file::{self, Line, People};
use crate::exit::Failure;
use crate::output::{Reader, pretty, print, table, visible};

/// People in one transaction: few enough that a server on the same database goes on.
const CHUNK: usize = 100;

type Outcome = Result<Imported, service::Error>;

/// Adds the people of the file. A line that is wrong is listed, and keeps none of the others out.
pub(super) async fn import(session: &Session, path: &Path) -> Result<ExitCode, Failure> {
    let settings = session.settings()?;
    let mut lines = People::read(path, &settings)?.lines(&settings);
    let mut report = Report::default();
    loop {
        let chunk: Vec<Line> = lines.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        let mut people = Vec::new();
        for line in chunk {
            match line.person {
                Ok(person) => people.push((line.number, person)),
                Err(what) => report.refused(line.number, "", &what),
            }
        }
        let people = Arc::new(people);
        match write(session, &people, 0..people.len()).await {
            Ok(outcomes) => report.note_all(&people, outcomes, &settings),
            // One of them cannot be written, and took the others along: each for itself.
            Err(_) => {
                for at in 0..people.len() {
                    match write(session, &people, at..at + 1).await {
                        Ok(outcomes) => report.note_all(&people[at..], outcomes, &settings),
                        Err(service::Error::Store(error))
                            if !matches!(error, store::Error::TooLarge { .. }) =>
                        {
                            return Err(error.into());
                        }
                        Err(error) => report.refused(people[at].0, &name(&people[at].1), &error.to_string()),
                    }
                }
            }
        }
    }
    report.print(session, "added")
}

/// Says what [`import`] would do.
pub(super) async fn dry_run(session: &Session, path: &Path) -> Result<ExitCode, Failure> {
    let settings = session.settings()?;
    let lines: Vec<Line> = People::read(path, &settings)?.lines(&settings).collect();
    let ctx = session.context();
    let report = session
        .store
        .scan(move |tx| {
            let mut report = Report::default();
            for (at, line) in (0..).zip(lines) {
                match line.person {
                    Ok(person) => {
                        let outcome = users::try_import(tx, &nth(&ctx, at), &person);
                        report.note(line.number, &person, outcome, &settings);
                    }
                    Err(what) => report.refused(line.number, "", &what),
                }
            }
            Ok::<_, service::Error>(report)
        })
        .await?;
    report.print(session, "to be added; nothing was changed")
}

async fn write(
    session: &Session,
    people: &Arc<Vec<(usize, Newcomer)>>,
    range: std::ops::Range<usize>,
) -> Result<Vec<Outcome>, service::Error> {
    let (people, ctx) = (Arc::clone(people), session.context());
    session
        .store
        .write(move |tx| {
            let mut outcomes = Vec::new();
            for (at, (_, person)) in (0..).zip(&people[range.clone()]) {
                let outcome = users::import(tx, &nth(&ctx, at), person);
                match outcome {
                    Err(service::Error::Store(error)) => return Err(error.into()),
                    outcome => outcomes.push(outcome),
                }
            }
            Ok(outcomes)
        })
        .await
}

/// The context of one of several.
fn nth(ctx: &Ctx, at: u32) -> Ctx {
    Ctx {
        ids: directory::Ids::from(ctx.ids.nth(at)),
        ..ctx.clone()
    }
}

fn name(person: &Newcomer) -> String {
    let name = person.attributes.get("userName").and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

/// What became of the lines.
#[derive(Default)]
struct Report {
    added: Vec<Value>,
    known: usize,
    refused: Vec<Value>,
}

impl Report {
    fn note_all(&mut self, people: &[(usize, Newcomer)], outcomes: Vec<Outcome>, settings: &Settings) {
        for ((number, person), outcome) in people.iter().zip(outcomes) {
            self.note(*number, person, outcome, settings);
        }
    }

    fn note(&mut self, number: usize, person: &Newcomer, outcome: Outcome, settings: &Settings) {
        match outcome {
            Ok(Imported::Added(record)) => self.added.push(added(number, &record, settings)),
            Ok(Imported::Known(_)) => self.known += 1,
            Err(error) => self.refused(number, &name(person), &error.to_string()),
        }
    }

    fn refused(&mut self, number: usize, user_name: &str, why: &str) {
        self.refused
            .push(json!({"line": number, "userName": user_name, "why": why}));
    }

    /// The lines that were refused on stdout, the sum on stderr.
    fn print(self, session: &Session, what: &str) -> Result<ExitCode, Failure> {
        let Self {
            added,
            known,
            mut refused,
        } = self;
        refused.sort_by_key(|row| row["line"].as_u64());
        let sum = format!(
            "{} people {what}, {known} known already and left as they are, {} lines refused.",
            added.len(),
            refused.len()
        );
        let code = if refused.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        };
        if session.reader == Reader::Program {
            let value = json!({"added": added, "known": known, "refused": refused});
            print(&pretty(&value))?;
            return Ok(code);
        }
        let show = |columns: &[&str], keys: &[&str], rows: &[Value]| {
            let rows: Vec<Vec<_>> = rows
                .iter()
                .map(|row| keys.iter().map(|key| super::user::text(&row[*key])).collect())
                .collect();
            print(&table(columns, &rows))
        };
        if what != "added" && !added.is_empty() {
            let columns = ["Line", "User name", "Status", "Profile", "Storage", "Mapping"];
            let keys = ["line", "userName", "status", "profile", "storage", "mapping"];
            show(&columns, &keys, &added)?;
        }
        for row in &refused {
            let line = format!(
                "line {}: {} {}",
                row["line"],
                super::user::text(&row["userName"]),
                super::user::text(&row["why"])
            );
            print(&visible(&line))?;
        }
        eprintln!("{sum}");
        Ok(code)
    }
}

fn added(number: usize, record: &Record, settings: &Settings) -> Value {
    let user = record.to_json(settings);
    json!({
        "line": number,
        "id": user["id"],
        "userName": user["accountName"],
        "status": user["status"],
        "profile": user["profile"],
        "storage": user["storage"],
        "mapping": user["decision"]["mappingName"],
    })
}

/// Writes all users to the file, or to stdout; one by one, so that there may be many.
pub(super) async fn export(session: &Session, path: &Path) -> Result<(), Failure> {
    let (settings, tenant) = (session.settings()?, session.tenant);
    let out: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(BufWriter::new(std::io::stdout()))
    } else {
        Box::new(BufWriter::new(private(path)?))
    };
    let mut sheet = match session.reader {
        Reader::Person => Sheet::csv(out, &settings)?,
        Reader::Program => Sheet::json(out),
    };
    let rows = session
        .store
        .scan(move |tx| {
            let mut written = Ok(());
            users::all(tx, tenant, |record| {
                if written.is_ok() {
                    written = sheet.write(&record, &settings);
                }
            })?;
            written
                .and_then(|()| sheet.finish())
                .or_else(|error| match error.kind() {
                    io::ErrorKind::BrokenPipe => Ok(0),
                    _ => Err(Failure::from(error)),
                })
        })
        .await?;
    if path != Path::new("-") {
        eprintln!("Wrote {rows} users to {}.", path.display());
    }
    Ok(())
}

/// A new file for this user alone: it is full of personal data.
fn private(path: &Path) -> Result<File, Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// What is written: lines under a header, or an array of users as the API shows them.
enum Sheet {
    Csv(Box<csv::Writer<Box<dyn Write + Send>>>, usize),
    Json(Box<dyn Write + Send>, usize),
}

impl Sheet {
    fn csv(out: Box<dyn Write + Send>, settings: &Settings) -> io::Result<Self> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        writer.write_record(user_file::header(settings))?;
        Ok(Self::Csv(Box::new(writer), 0))
    }

    fn json(out: Box<dyn Write + Send>) -> Self {
        Self::Json(out, 0)
    }

    fn write(&mut self, record: &Record, settings: &Settings) -> io::Result<()> {
        match self {
            Self::Csv(writer, rows) => {
                *rows += 1;
                Ok(writer.write_record(user_file::row(record, settings))?)
            }
            Self::Json(out, rows) => {
                let before = if *rows == 0 { "[" } else { "," };
                *rows += 1;
                write!(out, "{before}\n{}", record.to_json(settings))
            }
        }
    }

    /// Ends it; gives how many users there are.
    fn finish(self) -> io::Result<usize> {
        match self {
            Self::Csv(mut writer, rows) => writer.flush().map(|()| rows),
            Self::Json(mut out, rows) => {
                let end = if rows == 0 { "[]" } else { "\n]" };
                writeln!(out, "{end}")?;
                out.flush().map(|()| rows)
            }
        }
    }
}
