//! `provost report`

use std::io;

use directory::{Bytes, Record, Settings};
use serde_json::{Value, json};
use service::users;

use super::Session;
use super::user::text;
use super::user_file::inert;
use crate::cli::{self, Format};
use crate::exit::Failure;
use crate::output::{Reader, pretty, print, table, visible};

/// Columns of the User Provisioning Report: what people read, and what programs read.
const COLUMNS: [(&str, &str); 17] = [
    ("User name", "userName"),
    ("Name", "name"),
    ("E-mail", "email"),
    ("UPN", "userPrincipalName"),
    ("Profile", "profile"),
    ("Storage", "storage"),
    ("Quota", "quota"),
    ("Status", "status"),
    ("Hold", "hold"),
    ("IdP says", "idpState"),
    ("Preserved by", "preservedBy"),
    ("Preserved on", "preservedAt"),
    ("Purged on", "purgeAt"),
    ("Mapping", "mapping"),
    ("Managed by", "managedBy"),
    ("Created on", "created"),
    ("Last updated", "lastModified"),
];

pub(super) async fn run(session: &Session, command: &cli::Report) -> Result<(), Failure> {
    let cli::Report::Provisioning { format } = command;
    let format = if session.reader == Reader::Program {
        Format::Json
    } else {
        *format
    };
    let settings = session.settings()?;
    let tenant = session.tenant;
    let rows = session
        .store
        .scan(move |tx| {
            let mut rows = Vec::new();
            users::all(tx, tenant, |record| rows.push(row(&record, &settings)))?;
            Ok::<_, service::Error>(rows)
        })
        .await?;
    match format {
        Format::Json => print(&pretty(&Value::Array(rows)))?,
        Format::Csv => csv(&rows)?,
        Format::Table => {
            let columns: Vec<_> = COLUMNS.iter().map(|(column, _)| *column).collect();
            let cells: Vec<_> = rows.iter().map(cells).collect();
            print(&table(&columns, &cells))?;
        }
    }
    Ok(())
}

fn row(record: &Record, settings: &Settings) -> Value {
    let user = record.to_json(settings);
    let preservation = &user["preservation"];
    json!({
        "userName": user["accountName"],
        "name": user["name"],
        "email": user["email"],
        "userPrincipalName": user["userPrincipalName"],
        "profile": user["profile"],
        "storage": user["storage"],
        "quota": user["quota"],
        "status": user["status"],
        "hold": user["hold"],
        "idpState": user["idpState"],
        "preservedBy": preservation["by"],
        "preservedAt": preservation["at"],
        "purgeAt": preservation["purgeAt"],
        "mapping": user["decision"]["mappingName"],
        "managedBy": user["managedBy"].as_str().unwrap_or("manual"),
        "created": user["created"],
        "lastModified": user["lastModified"],
    })
}

fn cells(row: &Value) -> Vec<String> {
    let cell = |key: &str| match (key, &row[key]) {
        ("quota", Value::Number(bytes)) => Bytes::new(bytes.as_u64().unwrap_or_default()).to_string(),
        (_, value) => text(value),
    };
    COLUMNS.iter().map(|(_, key)| cell(key)).collect()
}

/// RFC 4180, with CRLF.
fn csv(rows: &[Value]) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS.iter().map(|(column, _)| *column))?;
    for row in rows {
        writer.write_record(cells(row).iter().map(|cell| inert(&visible(cell))))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    crate::output::print_bytes(&bytes)
}
