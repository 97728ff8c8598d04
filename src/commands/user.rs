//! `provost user`

use std::process::ExitCode;

use directory::{Bytes, Ctx, Override, Record, Settings, Status, UserId};
use serde_json::{Value, json};
use service::users::{self, LegalHold, Person, PlaceChange};
use store::Tx;

use super::{Session, user_import};
use crate::cli;
use crate::exit::Failure;

pub(super) async fn run(session: &Session, command: cli::User) -> Result<ExitCode, Failure> {
    let done = match command {
        cli::User::Import { file, dry_run: true } => return user_import::dry_run(session, &file).await,
        cli::User::Import { file, .. } => return user_import::import(session, &file).await,
        cli::User::Export { file } => user_import::export(session, &file).await,
        cli::User::Namesakes => namesakes(session).await,
        cli::User::List { status } => list(session, status).await,
        cli::User::Show { user } => show(session, &find(session, &user)?),
        cli::User::Delete { user, reason } => delete(session, &user, reason).await,
        cli::User::Preserve { user } => {
            let sentence = |name: &str, _: &Record| {
                format!("{name} is preserved; only an administrator can activate the account.")
            };
            change(session, &user, users::preserve, sentence).await
        }
        cli::User::Transfer { user, to } => {
            let sentence = format!("is managed by {to} now.");
            let work = move |tx: &mut Tx<'_>, ctx: &Ctx, id| users::transfer(tx, ctx, id, &to);
            change(session, &user, work, |name, _| format!("{name} {sentence}")).await
        }
        cli::User::Set { user, by_hand } if by_hand.unpin => {
            let sentence =
                |name: &str, _: &Record| format!("{name}: the mappings decide again at the next update.");
            change(session, &user, users::unpin, sentence).await
        }
        cli::User::Set { user, by_hand } => {
            let place = PlaceChange {
                profile: by_hand.profile,
                storage: by_hand.storage,
                quota: by_hand.quota.map(|quota| quota.0),
            };
            let work = move |tx: &mut Tx<'_>, ctx: &Ctx, id| users::set_place(tx, ctx, id, &place);
            let sentence = |name: &str, record: &Record| {
                let pinned = record.facts.placement.pins.names().join(", ");
                format!("{name}: set by hand, and kept whatever the mappings say: {pinned}.")
            };
            change(session, &user, work, sentence).await
        }
        cli::User::LegalHold { user, lift } => {
            let (hold, sentence) = if lift {
                (LegalHold::Lifted, "can be purged again.")
            } else {
                (
                    LegalHold::Placed,
                    "is kept, whatever its purge date, until the hold is lifted.",
                )
            };
            let work = move |tx: &mut Tx<'_>, ctx: &Ctx, id| users::set_legal_hold(tx, ctx, id, hold);
            change(session, &user, work, |name, _| format!("{name} {sentence}")).await
        }
        cli::User::Resolve { user, whose } => {
            let (person, sentence) = if whose.same_person {
                (
                    Person::Same,
                    "takes the external id of the identity provider's next create.",
                )
            } else {
                (
                    Person::Another,
                    "is kept and has given up its name; the next create makes a new user.",
                )
            };
            let work = move |tx: &mut Tx<'_>, ctx: &Ctx, id| users::resolve(tx, ctx, id, person);
            change(session, &user, work, |name, _| format!("{name} {sentence}")).await
        }
        cli::User::Activate { user, over } => {
            let over = if over {
                Override::UntilNextWord
            } else {
                Override::No
            };
            let work = move |tx: &mut Tx<'_>, ctx: &Ctx, id| users::activate(tx, ctx, id, over);
            change(session, &user, work, activated).await
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Does `work` on the user whom `text` names, and says what became of it.
async fn change(
    session: &Session,
    text: &str,
    work: impl Fn(&mut Tx<'_>, &Ctx, UserId) -> Result<Record, service::Error> + Send + 'static,
    sentence: impl FnOnce(&str, &Record) -> String,
) -> Result<(), Failure> {
    let id = find(session, text)?.facts.id;
    let record = session.write(move |tx, ctx| work(tx, ctx, id)).await?;
    let sentence = sentence(&record.facts.account_name, &record);
    session
        .reader
        .done(&sentence, &record.to_json(&*session.settings()?))?;
    Ok(())
}

fn activated(name: &str, record: &Record) -> String {
    let lifecycle = &record.facts.lifecycle;
    match lifecycle.status() {
        Status::Active if lifecycle.is_overridden() => {
            return format!(
                "{name} is active, though the identity provider says that the user is {}; its next word counts again.",
                lifecycle.idp_state().name()
            );
        }
        Status::Active => return format!("{name} is active."),
        Status::Held => {
            return format!(
                "{name}: the administrator's hold has ended; the user is held ({}).",
                lifecycle.hold().name()
            );
        }
        Status::Preserved => {}
    }
    format!(
        "{name}: the administrator's hold has ended; the account stays preserved, because the identity provider says that the \
         user is {}. Activate it there, or again with --override.",
        lifecycle.idp_state().name(),
    )
}

async fn delete(session: &Session, text: &str, reason: String) -> Result<(), Failure> {
    let id = find(session, text)?.facts.id;
    session
        .write(move |tx, ctx| users::purge(tx, ctx, id, &reason))
        .await?;
    // Where no server runs, nobody else would take the name out of the index.
    if let Ok(Some(_claim)) = session.store.claim() {
        session.store.index_names().await?;
    }
    let sentence = format!("Removed the user {id} for good; its tombstone stays.");
    session.reader.done(&sentence, &json!({"purged": id}))?;
    Ok(())
}

fn find(session: &Session, text: &str) -> Result<Record, Failure> {
    Ok(session.store.read(|tx| users::find(tx, session.tenant, text))?)
}

async fn namesakes(session: &Session) -> Result<(), Failure> {
    let (settings, tenant) = (session.settings()?, session.tenant);
    let pairs = session
        .store
        .scan(move |tx| users::namesakes(tx, tenant, usize::MAX))
        .await?;
    let values: Vec<_> = pairs
        .iter()
        .map(|pair| json!({"former": pair.former.to_json(&settings), "present": pair.present.to_json(&settings)}))
        .collect();
    let row = |pair: &Value| {
        let cell = |who: &str, key: &str| text(&pair[who][key]);
        vec![
            cell("present", "userName"),
            cell("former", "id"),
            cell("former", "externalId"),
            text(&pair["former"]["preservation"]["at"]),
            cell("present", "id"),
            cell("present", "externalId"),
            cell("present", "created"),
        ]
    };
    let columns = [
        "User name",
        "Who left",
        "External id then",
        "Preserved on",
        "Who has the name",
        "External id now",
        "Created on",
    ];
    let rows: Vec<_> = values.iter().map(row).collect();
    session.reader.list(&columns, &rows, || values)?;
    Ok(())
}

async fn list(session: &Session, status: Option<directory::Status>) -> Result<(), Failure> {
    let settings = session.settings()?;
    let tenant = session.tenant;
    let values = session
        .store
        .scan(move |tx| {
            let mut values = Vec::new();
            users::all(tx, tenant, |record| {
                if status.is_none_or(|status| record.facts.lifecycle.status() == status) {
                    values.push(record.to_json(&settings));
                }
            })?;
            Ok::<_, service::Error>(values)
        })
        .await?;
    let columns = [
        "User name",
        "Name",
        "E-mail",
        "Status",
        "Profile",
        "Storage",
        "Managed by",
        "Id",
    ];
    let keys = [
        "accountName",
        "name",
        "email",
        "status",
        "profile",
        "storage",
        "managedBy",
        "id",
    ];
    let rows: Vec<Vec<_>> = values
        .iter()
        .map(|value| keys.iter().map(|key| text(&value[*key])).collect())
        .collect();
    session.reader.list(&columns, &rows, || values)?;
    Ok(())
}

fn show(session: &Session, record: &Record) -> Result<(), Failure> {
    let settings: &Settings = &*session.settings()?;
    let value = record.to_json(settings);
    let preservation = &value["preservation"];
    let mut fields: Vec<(&str, String)> = [
        ("User name", "accountName"),
        ("userName", "userName"),
        ("Name", "name"),
        ("E-mail", "email"),
        ("UPN", "userPrincipalName"),
        ("External id", "externalId"),
        ("Status", "status"),
        ("IdP says", "idpState"),
        ("Hold", "hold"),
        ("Profile", "profile"),
        ("Storage", "storage"),
    ]
    .map(|(label, key)| (label, text(&value[key])))
    .to_vec();
    fields.extend(remarks(record));
    let quota = record
        .facts
        .placement
        .quota(settings)
        .map(|quota: Bytes| quota.to_string());
    fields.push(("Quota", quota.unwrap_or_default()));
    if preservation.is_object() {
        let by = format!(
            "{} ({}) on {}",
            text(&preservation["by"]),
            text(&preservation["cause"]),
            text(&preservation["at"])
        );
        fields.push(("Preserved by", by));
        let purge = &preservation["purgeAt"];
        fields.push((
            "Purged on",
            if purge.is_null() {
                "never".to_owned()
            } else {
                text(purge)
            },
        ));
    }
    let decision = &value["decision"];
    fields.push((
        "Mapping",
        if decision.is_null() {
            String::new()
        } else {
            format!("{} on {}", text(&decision["mappingName"]), text(&decision["at"]))
        },
    ));
    fields.push((
        "Managed by",
        value["managedBy"].as_str().unwrap_or("manual").to_owned(),
    ));
    for (label, key) in [
        ("Created", "created"),
        ("Last updated", "lastModified"),
        ("Id", "id"),
    ] {
        fields.push((label, text(&value[key])));
    }
    fields.push((
        "Attributes",
        format!("\n{}", crate::output::pretty(&value["attributes"])),
    ));
    session.reader.one(&fields, &value)?;
    Ok(())
}

/// What is unusual about a user.
fn remarks(record: &Record) -> Vec<(&'static str, String)> {
    let facts = &record.facts;
    let doubt = facts.placement.doubt.map(|doubt| match doubt {
        directory::Doubt::Unmatched => "no mapping matches any more",
        directory::Doubt::Full => "the profile of the mapping that matches is full",
        directory::Doubt::Lost => {
            "the mapping that placed it no longer matches: moves within the hour, unless it is deactivated before"
        }
    });
    let pinned = facts.placement.pins.names().join(", ");
    [
        ("Set by hand", Some(pinned).filter(|pinned| !pinned.is_empty())),
        ("Marked", doubt.map(str::to_owned)),
        (
            "Overridden",
            facts
                .lifecycle
                .is_overridden()
                .then(|| "active against the identity provider's word, until its next".to_owned()),
        ),
        (
            "Legal hold",
            facts.legal_hold.then(|| "yes: never purged".to_owned()),
        ),
    ]
    .into_iter()
    .filter_map(|(label, remark)| Some((label, remark?)))
    .collect()
}

/// A JSON value as a cell.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
