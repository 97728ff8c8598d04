//! People in a CSV file: one line a person, the first line names SCIM attributes.
//!
//! A line stands for itself: a quote that is not closed spoils its own line, and none after it.

use std::collections::HashMap;
use std::path::Path;

use directory::{Record, Settings, names};
use scim::schema::USER_PRINCIPAL_NAME;
use scim::{AttributePath, Object};
use serde_json::{Value, json};
use service::users::{Newcomer, PlaceChange};

use crate::cli;
use crate::exit::Failure;

/// What follows from Provost's own doing, and is left out when a file is read.
const READ_ONLY: [&str; 8] = [
    "id",
    "status",
    "hold",
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

/// A file that was read, with the meaning of its columns.
pub(super) struct People {
    lines: Vec<(usize, Vec<u8>)>,
    columns: Vec<Column>,
    delimiter: u8,
}

/// What a column holds.
enum Column {
    Attribute(AttributePath),
    Profile,
    Storage,
    Quota,
    Ignored,
}

/// One line.
pub(super) struct Line {
    /// From 1; the first is the header.
    pub(super) number: usize,
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
        let mut lines = text
            .split(|&byte| byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
            .zip(1..)
            .map(|(line, number)| (number, line))
            .filter(|(_, line)| !line.trim_ascii().is_empty());
        let (_, header) = lines.next().ok_or_else(|| named("it is empty".to_owned()))?;
        let delimiter = [b',', b';', b'\t'].into_iter().find(|byte| header.contains(byte));
        let delimiter = delimiter.unwrap_or(b',');
        let cells = cells(&header, delimiter).map_err(|what| named(format!("line 1: {what}")))?;
        let columns: Result<Vec<_>, _> = cells.iter().map(|name| Column::of(name, settings)).collect();
        let columns = columns.map_err(|what| named(format!("line 1: {what}")))?;
        let is_user_name = |column: &Column| match column {
            Column::Attribute(path) => path.attribute.eq_ignore_ascii_case("userName"),
            _ => false,
        };
        if !columns.iter().any(is_user_name) {
            return Err(named(
                "line 1 names no column userName; write \"Username, Email\"".to_owned(),
            ));
        }
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
        let mut seen = HashMap::new();
        lines.into_iter().map(move |(number, line)| {
            let person = cells(&line, delimiter).and_then(|cells| {
                let person = newcomer(&columns, &cells, settings)?;
                let name = person.attributes.get("userName").and_then(Value::as_str);
                let name = name.ok_or("it has no userName")?;
                match seen.insert(directory::Facts::key_of(name), number) {
                    Some(first) => Err(format!("\"{name}\" stands on line {first} already")),
                    None => Ok(person),
                }
            });
            Line { number, person }
        })
    }
}

impl Column {
    fn of(name: &str, settings: &Settings) -> Result<Self, String> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("profile") {
            return Ok(Self::Profile);
        } else if is("storage") {
            return Ok(Self::Storage);
        } else if is("quota") {
            return Ok(Self::Quota);
        } else if READ_ONLY.iter().any(|one| is(one)) {
            return Ok(Self::Ignored);
        }
        let path = if is("email") || is("e-mail") || is("emails") {
            "emails.value"
        } else {
            name
        };
        let path = AttributePath::parse(path).map_err(|error| error.detail)?;
        let is_looked_at = || {
            let paths = settings
                .mappings
                .iter()
                .flat_map(|mapping| mapping.condition.paths());
            paths
                .into_iter()
                .any(|looked| looked.attribute.eq_ignore_ascii_case(&path.attribute))
        };
        let is_known = path.resolve(&settings.schemas).is_some() || is(USER_PRINCIPAL_NAME) || is_looked_at();
        if is_known {
            Ok(Self::Attribute(path))
        } else {
            Err(format!(
                "\"{name}\" is no attribute that is kept, and no mapping looks at it; correct it, declare it (`provost \
                 attribute add`), or leave the column out"
            ))
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

fn newcomer(columns: &[Column], cells: &[String], settings: &Settings) -> Result<Newcomer, String> {
    if cells.len() != columns.len() {
        return Err(format!(
            "it has {} values and the header has {}; put quotes around values that hold the delimiter",
            cells.len(),
            columns.len()
        ));
    }
    let (mut attributes, mut place) = (Object::new(), PlaceChange::default());
    for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        match column {
            Column::Attribute(path) => put(&mut attributes, path, cell, settings),
            Column::Profile => place.profile = Some(cell.clone()),
            Column::Storage => place.storage = Some(cell.clone()),
            Column::Quota => place.quota = Some(cli::quota(cell)?.0),
            Column::Ignored => {}
        }
    }
    Ok(Newcomer { attributes, place })
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
    part[sub] = Value::from(cell);
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
        .chain(["active", "profile", "storage", "quota"].map(str::to_owned))
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
    let quota = record
        .facts
        .placement
        .own_quota
        .map(|quota| quota.get().to_string());
    ATTRIBUTES
        .into_iter()
        .map(attribute)
        .chain(declared)
        .chain([
            active.to_string(),
            text(shown.get("profile")),
            text(shown.get("storage")),
            quota.unwrap_or_default(),
        ])
        .chain(READ_ONLY.map(|name| match name {
            "mapping" => text(shown["decision"].get("mappingName")),
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

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 9] = ['=', '+', '-', '@', '\t', '\r', '\n', '|', '%'];

/// A cell that no spreadsheet takes for a formula.
pub(super) fn inert(cell: &str) -> String {
    if cell.starts_with(FORMULA) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// The cell that was made inert.
fn armed(cell: &str) -> String {
    cell.strip_prefix('\'')
        .filter(|rest| rest.starts_with(FORMULA))
        .unwrap_or(cell)
        .to_owned()
}
