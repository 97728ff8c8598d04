//! People in a CSV file (RFC 4180): one record a person, the first names SCIM attributes.
//!
//! A quoted value may go over several lines, where quotes and number of values then come out right. Otherwise a line stands
//! for itself: a quote that is not closed spoils its own line, and none after it.

use std::collections::HashMap;
use std::path::Path;

use directory::{Record, Settings, names};
use scim::schema::Type;
use scim::schema::USER_PRINCIPAL_NAME;
use scim::{AttributePath, Object};
use serde_json::{Value, json};
use service::reports::{inert, is_formula};
use service::users::{Leaver, Newcomer, PlaceChange};

use crate::cli;
use crate::exit::Failure;

/// The most lines of one record.
const LONGEST: usize = 100;

/// What follows from Provost's own doing, and is left out when a file is read.
const READ_ONLY: [&str; 9] = [
    "id",
    "status",
    "inProfile",
    "inStorage",
    "accountName",
    "managedBy",
    "mapping",
    "created",
    "lastModified",
];

/// Attributes that are written, each a column.
const ATTRIBUTES: [&str; 20] = [
    "userName",
    "displayName",
    "name.givenName",
    "name.familyName",
    "name.formatted",
    "emails.value",
    "userPrincipalName",
    "externalId",
    "title",
    "userType",
    "nickName",
    "preferredLanguage",
    "locale",
    "timezone",
    "employeeNumber",
    "costCenter",
    "organization",
    "division",
    "department",
    "manager.value",
];

/// Names that people write at the head of a column, blanks and hyphens left out, and the attributes that they mean.
const ALIASES: [(&str, &str); 7] = [
    ("email", "emails.value"),
    ("emails", "emails.value"),
    ("mail", "emails.value"),
    ("firstname", "name.givenName"),
    ("lastname", "name.familyName"),
    ("username", "userName"),
    ("displayname", "displayName"),
];

/// A file that was read, with the meaning of its columns.
pub(super) struct People {
    /// With the number of each, from 1; the header is not among them.
    lines: Vec<(usize, Vec<u8>)>,
    columns: Vec<Column>,
    delimiter: u8,
}

/// What a column holds.
#[derive(PartialEq)]
enum Column {
    Attribute(AttributePath),
    Profile,
    Storage,
    Quota,
    Hold,
    Ignored,
}

/// One line.
pub(super) struct Line {
    /// From 1; the first is the header.
    pub(super) number: usize,
    /// The `userName`, as far as there is one.
    pub(super) name: String,
    /// The person, or what is wrong with the line.
    pub(super) person: Result<Newcomer, String>,
}

impl People {
    /// Reads the file and understands its header.
    pub(super) fn read(path: &Path, settings: &Settings) -> Result<Self, Failure> {
        let named = |what: String| Failure::usage(format!("{}: {what}", path.display()));
        let bytes = std::fs::read(path).map_err(|error| named(error.to_string()))?;
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(named("it is UTF-16; save it as CSV UTF-8".to_owned()));
        }
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        let end = if text.contains(&b'\n') { b'\n' } else { b'\r' };
        let mut lines = text
            .split(|&byte| byte == end)
            .zip(1..)
            .map(|(line, number)| (number, line.strip_suffix(b"\r").unwrap_or(line).to_vec()));
        let header = lines.find(|(_, line)| !line.trim_ascii().is_empty());
        let (at, header) = header.ok_or_else(|| named("it is empty".to_owned()))?;
        let delimiter = [b',', b';', b'\t'].into_iter().find(|byte| header.contains(byte));
        let delimiter = delimiter.unwrap_or(b',');
        let columns =
            Column::all(&header, delimiter, settings).map_err(|what| named(format!("line {at}: {what}")))?;
        Ok(Self {
            lines: lines.collect(),
            columns,
            delimiter,
        })
    }

    /// Its lines.
    pub(super) fn lines(self, settings: &Settings) -> impl Iterator<Item = Line> {
        let Self {
            lines,
            columns,
            delimiter,
        } = self;
        let (mut seen, mut at) = (HashMap::new(), 0);
        std::iter::from_fn(move || {
            while lines
                .get(at)
                .is_some_and(|(_, line)| line.trim_ascii().is_empty())
            {
                at += 1;
            }
            let number = lines.get(at)?.0;
            let record = record_at(&lines[at..], delimiter, columns.len());
            at += record.as_ref().map_or(1, |(taken, _)| *taken);
            let mut name = String::new();
            let person = record.and_then(|(_, cells)| {
                name = user_name(&columns, &cells);
                if name.is_empty() {
                    return Err("it has no userName".to_owned());
                }
                let person = newcomer(&columns, &cells, settings)?;
                match seen.insert(directory::Facts::key_of(&name), number) {
                    Some(first) => Err(format!("\"{name}\" stands on line {first} already")),
                    None => Ok(person),
                }
            });
            Some(Line { number, name, person })
        })
    }
}

/// The record that begins at the first of `lines`, and how many of them it takes.
fn record_at(
    lines: &[(usize, Vec<u8>)],
    delimiter: u8,
    width: usize,
) -> Result<(usize, Vec<String>), String> {
    let mut is_open = false;
    let closes = lines.iter().take(LONGEST).position(|(_, line)| {
        is_open = line.iter().fold(is_open, |open, &byte| open ^ (byte == b'"'));
        !is_open
    });
    if let Some(last @ 1..) = closes {
        let joined: Vec<_> = lines[..=last].iter().map(|(_, line)| line.as_slice()).collect();
        let several = cells(&joined.join(&b'\n'), delimiter)?;
        if several.len() == width {
            return Ok((last + 1, several));
        }
    }
    let cells = cells(&lines[0].1, delimiter)?;
    if cells.len() == width {
        return Ok((1, cells));
    }
    Err(format!(
        "it has {} values and the header has {width}; put quotes around values that hold the delimiter",
        cells.len(),
    ))
}

impl Column {
    /// The columns that a header names.
    fn all(header: &[u8], delimiter: u8, settings: &Settings) -> Result<Vec<Self>, String> {
        let names = cells(header, delimiter)?;
        let columns: Vec<_> = names
            .iter()
            .map(|name| Self::of(name, settings))
            .collect::<Result<_, _>>()?;
        for (at, column) in columns.iter().enumerate() {
            let clash = columns[..at]
                .iter()
                .position(|earlier| earlier.clashes_with(column));
            if let Some(clash) = clash {
                return Err(format!("\"{}\" and \"{}\" are the same", names[clash], names[at]));
            }
        }
        if columns.iter().any(|column| column.is("userName")) {
            Ok(columns)
        } else {
            Err("it names no column userName; write \"Username, Email\"".to_owned())
        }
    }

    fn of(name: &str, settings: &Settings) -> Result<Self, String> {
        let plain: String = name
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '_'))
            .flat_map(char::to_lowercase)
            .collect();
        match plain.as_str() {
            "profile" => return Ok(Self::Profile),
            "storage" => return Ok(Self::Storage),
            "quota" => return Ok(Self::Quota),
            "hold" => return Ok(Self::Hold),
            "" => return Ok(Self::Ignored),
            plain if READ_ONLY.iter().any(|one| one.eq_ignore_ascii_case(plain)) => return Ok(Self::Ignored),
            _ => {}
        }
        let alias = ALIASES.iter().find(|(alias, _)| *alias == plain);
        let path = AttributePath::parse(alias.map_or(name, |(_, attribute)| attribute));
        let is_looked_at = |path: &AttributePath| {
            let paths = settings
                .mappings
                .iter()
                .flat_map(|mapping| mapping.condition.paths());
            paths
                .into_iter()
                .any(|looked| looked.attribute.eq_ignore_ascii_case(&path.attribute))
        };
        let is_known = |path: &AttributePath| {
            path.resolve(&settings.schemas).is_some()
                || path.attribute.eq_ignore_ascii_case(USER_PRINCIPAL_NAME)
                || is_looked_at(path)
        };
        path.ok().filter(is_known).map(Self::Attribute).ok_or_else(|| {
            format!(
                "\"{name}\" is no attribute that is kept, and no mapping looks at it; write SCIM attributes such as userName, \
                 email, displayName, name.givenName or department, declare it (`provost attribute add`), or leave the \
                 column out"
            )
        })
    }

    fn is(&self, name: &str) -> bool {
        matches!(self, Self::Attribute(path) if path.attribute.eq_ignore_ascii_case(name))
    }

    /// Whether both hold the same, or one holds a part of the other.
    fn clashes_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ignored, _) | (_, Self::Ignored) => false,
            (Self::Attribute(one), Self::Attribute(two)) => {
                let same = |one: &Option<String>, two: &Option<String>| match (one, two) {
                    (Some(one), Some(two)) => one.eq_ignore_ascii_case(two),
                    _ => true,
                };
                one.attribute.eq_ignore_ascii_case(&two.attribute)
                    && same(&one.schema, &two.schema)
                    && same(&one.sub, &two.sub)
            }
            (one, two) => one == two,
        }
    }
}

/// The cells of one line, blanks around them left out; U+00A0 is a blank like any other.
fn cells(line: &[u8], delimiter: u8) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
    if text.matches('"').count() % 2 == 1 {
        return Err("a quote is not closed".to_owned());
    }
    let tight = without_blanks_before_quotes(text, char::from(delimiter));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .from_reader(tight.as_bytes());
    let record = reader
        .records()
        .next()
        .transpose()
        .map_err(|error| error.to_string())?;
    let tidy = |cell: &str| armed(cell.replace('\u{a0}', " ").trim());
    Ok(record.iter().flatten().map(tidy).collect())
}

/// RFC 4180 has no blank between a delimiter and a quote; people write one. A cell is trimmed in any case.
fn without_blanks_before_quotes(text: &str, delimiter: char) -> String {
    let mut tight = String::with_capacity(text.len());
    let (mut is_quoted, mut is_start) = (false, true);
    for c in text.chars() {
        if is_start && !is_quoted && c.is_whitespace() && c != delimiter {
            continue;
        }
        is_quoted ^= c == '"';
        is_start = c == delimiter;
        tight.push(c);
    }
    tight
}

fn user_name(columns: &[Column], cells: &[String]) -> String {
    let at = columns.iter().position(|column| column.is("userName"));
    at.map(|at| cells[at].clone()).unwrap_or_default()
}

fn newcomer(columns: &[Column], cells: &[String], settings: &Settings) -> Result<Newcomer, String> {
    let (mut attributes, mut place, mut leaver) = (Object::new(), PlaceChange::default(), Leaver::MayReturn);
    for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        match column {
            Column::Attribute(path) => put(&mut attributes, path, cell, settings),
            Column::Profile => place.profile = Some(cell.clone()),
            Column::Storage => place.storage = Some(cell.clone()),
            Column::Quota => place.quota = Some(cli::quota(cell)?.0),
            Column::Hold if cell.eq_ignore_ascii_case("administrator") => leaver = Leaver::IsHeld,
            Column::Hold | Column::Ignored => {}
        }
    }
    Ok(Newcomer {
        attributes,
        place,
        leaver,
    })
}

/// Puts `cell` where `path` leads; of a multi-valued attribute there is one value, the primary one.
fn put(attributes: &mut Object, path: &AttributePath, cell: &str, settings: &Settings) {
    let target = path.resolve(&settings.schemas);
    let extension = target
        .and_then(|target| target.extension)
        .or(path.schema.as_deref());
    let is_core = extension.is_none_or(|urn| urn.eq_ignore_ascii_case(scim::schema::USER));
    let holder = match extension {
        Some(urn) if !is_core => match attributes.entry(urn).or_insert_with(|| json!({})) {
            Value::Object(holder) => holder,
            _ => return,
        },
        _ => attributes,
    };
    let name = target.map_or(path.attribute.as_str(), |target| target.attribute.name.as_ref());
    let is_list = target.is_some_and(|target| target.attribute.multi_valued);
    let sub = path.sub.as_deref().or(is_list.then_some("value"));
    let is_boolean =
        target.is_some_and(|target| target.sub.unwrap_or(target.attribute).kind == Type::Boolean);
    let cell = match cell.to_ascii_lowercase().as_str() {
        "yes" | "1" if is_boolean => "true",
        "no" | "0" if is_boolean => "false",
        _ => cell,
    };
    let Some(sub) = sub else {
        holder.insert(name.to_owned(), Value::from(cell));
        return;
    };
    let empty = if is_list {
        json!([{"primary": true}])
    } else {
        json!({})
    };
    let value = holder.entry(name).or_insert(empty);
    let part = if is_list { &mut value[0] } else { value };
    if let Some(part) = part.as_object_mut() {
        part.insert(sub.to_owned(), Value::from(cell));
    }
}

/// The header of a file of all users.
pub(super) fn header(settings: &Settings) -> Vec<String> {
    let declared = settings
        .declared
        .iter()
        .map(|attribute| format!("{}:{}", attribute.urn, attribute.name));
    ATTRIBUTES
        .into_iter()
        .map(str::to_owned)
        .chain(declared)
        .chain(["active", "hold", "profile", "storage", "quota"].map(str::to_owned))
        .chain(READ_ONLY.map(str::to_owned))
        .collect()
}

/// A user's line under that header.
pub(super) fn row(record: &Record, settings: &Settings) -> Vec<String> {
    let shown = record.to_json(settings);
    let user = record.clone().open();
    let text = |value: Option<&Value>| value.map(super::user::text).unwrap_or_default();
    let attribute = |name: &str| match name {
        "emails.value" => text(Some(&shown["email"])),
        USER_PRINCIPAL_NAME => names::user_principal_name(&user.attributes)
            .unwrap_or_default()
            .to_owned(),
        name => {
            let found = AttributePath::parse(name)
                .ok()
                .and_then(|path| value_at(&user.attributes, &path, settings));
            text(found.as_ref())
        }
    };
    let declared = settings
        .declared
        .iter()
        .map(|declared| attribute(&format!("{}:{}", declared.urn, declared.name)));
    let active = shown["status"] != "preserved";
    let placement = &record.facts.placement;
    // What mappings gave, they give again elsewhere; what was set by hand must be told.
    let by_hand = |is_pinned: bool, key: &str| {
        if is_pinned {
            text(shown.get(key))
        } else {
            String::new()
        }
    };
    let quota = placement.own_quota.filter(|_| placement.pins.quota);
    ATTRIBUTES
        .into_iter()
        .map(attribute)
        .chain(declared)
        .chain([
            active.to_string(),
            text(shown.get("hold")),
            by_hand(placement.pins.profile, "profile"),
            by_hand(placement.pins.storage, "storage"),
            quota.map(|quota| quota.get().to_string()).unwrap_or_default(),
        ])
        .chain(READ_ONLY.map(|name| match name {
            "mapping" => text(shown["decision"].get("mappingName")),
            "inProfile" => text(shown.get("profile")),
            "inStorage" => text(shown.get("storage")),
            name => text(shown.get(name)),
        }))
        .map(|cell| inert(&cell))
        .collect()
}

fn value_at(attributes: &Object, path: &AttributePath, settings: &Settings) -> Option<Value> {
    let target = path.resolve(&settings.schemas)?;
    let holder = match target.extension {
        Some(urn) => attributes.get(urn)?.as_object()?,
        None => attributes,
    };
    let value = holder.get(&*target.attribute.name)?;
    match target.sub {
        Some(sub) => value.get(&*sub.name).cloned(),
        None => Some(value.clone()),
    }
}

/// The cell that was made inert.
fn armed(cell: &str) -> String {
    cell.strip_prefix('\'')
        .filter(|rest| is_formula(rest))
        .unwrap_or(cell)
        .to_owned()
}
