//! `provost user import` and `user export`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use directory::{Ctx, Facts, Record, Refusal, Settings};
use serde_json::{Value, json};
use service::users::{self, Imported, Newcomer};

use super::Session;
use super::user::text;
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
            return report.print(session, Mode::Done);
        }
        let people = report.good_ones(chunk);
        match write(session, &people).await {
            Ok(outcomes) => {
                for (line, outcome) in people.iter().zip(outcomes) {
                    report.note(line, outcome, &settings, Mode::Done);
                }
            }
            Err(error) => {
                report.print(session, Mode::Done)?;
                return Err(error.into());
            }
        }
    }
}

/// Says what [`import`] would do.
pub(super) async fn dry_run(session: &Session, path: &Path) -> Result<ExitCode, Failure> {
    let settings = session.settings()?;
    let mut report = Report::default();
    let people = report.good_ones(People::read(path, &settings)?.lines(&settings).collect());
    let ctx = session.context();
    let report = session
        .store
        .scan(move |tx| {
            let mut addresses = HashSet::new();
            for (at, line) in (0..).zip(people.iter()) {
                let outcome = users::try_import(tx, &nth(&ctx, at), &line.newcomer);
                let address = match &outcome {
                    Ok(Imported::Added(record)) => record.clone().open().email().map(Facts::key_of),
                    _ => None,
                };
                match address.filter(|_| settings.tenant.unique_email) {
                    Some(address) if !addresses.insert(address.clone()) => {
                        let why =
                            format!("The e-mail address \"{address}\" stands on an earlier line already.");
                        report.refused(line.number, &line.name, &why);
                    }
                    _ => report.note(line, outcome, &settings, Mode::Dry),
                }
            }
            Ok::<_, service::Error>(report)
        })
        .await?;
    report.print(session, Mode::Dry)
}

/// A line that can be tried.
struct Good {
    number: usize,
    name: String,
    newcomer: Newcomer,
}

async fn write(session: &Session, people: &Arc<Vec<Good>>) -> Result<Vec<Outcome>, service::Error> {
    let (people, ctx) = (Arc::clone(people), session.context());
    session
        .store
        .write(move |tx| {
            let mut outcomes = Vec::new();
            for (at, line) in (0..).zip(people.iter()) {
                // A refusal is an outcome like any other; the store's own failure is everybody's.
                match users::import(tx, &nth(&ctx, at), &line.newcomer) {
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

/// Whether something was done or only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Done,
    Dry,
}

/// What became of the lines.
#[derive(Default)]
struct Report {
    added: Vec<Value>,
    known: usize,
    refused: Vec<Value>,
}

impl Report {
    /// The lines that can be tried; the others are noted.
    fn good_ones(&mut self, lines: Vec<Line>) -> Arc<Vec<Good>> {
        let mut good = Vec::with_capacity(lines.len());
        for Line { number, name, person } in lines {
            match person {
                Ok(newcomer) => good.push(Good {
                    number,
                    name,
                    newcomer,
                }),
                Err(why) => self.refused(number, &name, &why),
            }
        }
        Arc::new(good)
    }

    fn note(&mut self, line: &Good, outcome: Outcome, settings: &Settings, mode: Mode) {
        match outcome {
            Ok(Imported::Added(record)) => self.added.push(added(line.number, &record, settings, mode)),
            Ok(Imported::Known(_)) => self.known += 1,
            Err(service::Error::Refused(Refusal::Missing { attribute })) => {
                let why = format!("{attribute} is required; give it a column and a value.");
                self.refused(line.number, &line.name, &why);
            }
            Err(error) => self.refused(line.number, &line.name, &error.to_string()),
        }
    }

    fn refused(&mut self, number: usize, user_name: &str, why: &str) {
        self.refused
            .push(json!({"line": number, "userName": user_name, "why": why}));
    }

    /// The lines that were refused on stdout, the sum on stderr.
    fn print(mut self, session: &Session, mode: Mode) -> Result<ExitCode, Failure> {
        self.refused.sort_by_key(|row| row["line"].as_u64());
        match session.reader {
            Reader::Program => {
                let value = json!({"added": self.added, "known": self.known, "refused": self.refused});
                print(&pretty(&value))?;
            }
            Reader::Person => self.print_for_people(mode)?,
        }
        Ok(ExitCode::from(u8::from(!self.refused.is_empty())))
    }

    fn print_for_people(&self, mode: Mode) -> io::Result<()> {
        if mode == Mode::Dry && !self.added.is_empty() {
            let keys = ["line", "userName", "status", "profile", "storage", "mapping"];
            let row = |row: &Value| keys.iter().map(|key| text(&row[*key])).collect::<Vec<_>>();
            let rows: Vec<_> = self.added.iter().map(row).collect();
            let columns = ["Line", "User name", "Status", "Profile", "Storage", "Mapping"];
            print(&table(&columns, &rows))?;
        }
        for row in &self.refused {
            let line = format!(
                "line {}: {} {}",
                row["line"],
                text(&row["userName"]),
                text(&row["why"])
            );
            print(&visible(&line))?;
        }
        let what = match mode {
            Mode::Done => "added",
            Mode::Dry => "to be added (nothing was changed)",
        };
        eprintln!(
            "{} people {what}, {} known already and left as they are, {} lines refused.",
            self.added.len(),
            self.known,
            self.refused.len()
        );
        Ok(())
    }
}

fn added(number: usize, record: &Record, settings: &Settings, mode: Mode) -> Value {
    let user = record.to_json(settings);
    let mut added = json!({
        "line": number,
        "userName": user["userName"],
        "status": user["status"],
        "profile": user["profile"],
        "storage": user["storage"],
        "mapping": user["decision"]["mappingName"],
    });
    if mode == Mode::Done {
        added["id"] = user["id"].clone();
    }
    added
}

/// Writes the users to the file, or to stdout; one by one, so that there may be many. The file is there when it is whole.
pub(super) async fn export(session: &Session, path: &Path) -> Result<(), Failure> {
    let (settings, tenant) = (session.settings()?, session.tenant);
    let is_stdout = path == Path::new("-");
    let unfinished = path.with_extension("unfinished");
    let out: Box<dyn Write + Send> = if is_stdout {
        Box::new(BufWriter::new(io::stdout()))
    } else {
        Box::new(BufWriter::new(private(&unfinished)?))
    };
    let mut sheet = match session.reader {
        Reader::Person => Sheet::csv(out, &settings)?,
        Reader::Program => Sheet::Json(out, 0),
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
    if !is_stdout {
        std::fs::rename(&unfinished, path)?;
        eprintln!("Wrote {rows} users to {}.", path.display());
    }
    Ok(())
}

/// A new file for this user alone: it is full of personal data.
fn private(path: &Path) -> Result<File, Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // One that was left behind may be readable for others.
    drop(std::fs::remove_file(path));
    File::options()
        .write(true)
        .create_new(true)
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
        writer
            .write_record(user_file::header(settings))
            .map_err(io_error)?;
        Ok(Self::Csv(Box::new(writer), 0))
    }

    fn write(&mut self, record: &Record, settings: &Settings) -> io::Result<()> {
        match self {
            // Who was deleted owns no name; in a file it would be another's.
            Self::Csv(..) if !record.facts.lifecycle.is_visible() => Ok(()),
            Self::Csv(writer, rows) => {
                *rows += 1;
                writer
                    .write_record(user_file::row(record, settings))
                    .map_err(io_error)
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

/// The failure beneath, such as a reader that has gone.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
