//! `provost attribute`

use directory::UserId;
use scim::schema::Type;
use serde_json::json;
use service::settings::attributes;
use service::users;

use super::Session;
use crate::cli::{self, AttributeType};
use crate::exit::Failure;

pub(super) async fn run(session: &Session, command: cli::Attribute) -> Result<(), Failure> {
    match command {
        cli::Attribute::List => {
            let settings = session.settings()?;
            let all = &settings.declared;
            let rows: Vec<_> = all
                .iter()
                .map(|one| vec![one.name.clone(), format!("{:?}", one.kind), one.urn.clone()])
                .collect();
            session.reader.list(&["Name", "Type", "Schema"], &rows, || {
                all.iter().map(|one| json!(one)).collect()
            })?;
        }
        cli::Attribute::Add { name, urn, kind } => {
            let kind = scim_type(kind);
            let one = session
                .write(move |tx, ctx| attributes::add(tx, ctx, &name, urn.as_deref(), kind))
                .await?;
            let sentence = format!("Declared {}. Users get it with their next update.", one.name);
            session.reader.done(&sentence, &json!(one))?;
        }
        cli::Attribute::Remove { name } => {
            let removed = json!({"removed": name});
            let attribute = session
                .write(move |tx, ctx| attributes::remove(tx, ctx, &name))
                .await?;
            let mut next = Some(UserId::from(uuid::Uuid::nil()));
            while let Some(after) = next {
                let attribute = attribute.clone();
                next = session
                    .write(move |tx, ctx| users::forget(tx, ctx, &attribute, after))
                    .await?;
            }
            let sentence = "Took the declaration back; no user has the attribute any more.";
            session.reader.done(sentence, &removed)?;
        }
    }
    Ok(())
}

fn scim_type(kind: AttributeType) -> Type {
    match kind {
        AttributeType::String => Type::String,
        AttributeType::Boolean => Type::Boolean,
        AttributeType::Integer => Type::Integer,
        AttributeType::Decimal => Type::Decimal,
        AttributeType::DateTime => Type::DateTime,
        AttributeType::Reference => Type::Reference,
        AttributeType::Binary => Type::Binary,
    }
}
