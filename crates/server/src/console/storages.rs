//! Storages: where users' data live.

use askama::Template;
use directory::{Mapping, Settings, Storage};
use serde::Deserialize;
use service::settings::{named, storages as stored};
use store::counts::{self, Count};

use super::page::{Answer, Named, Page, Sent, Shell, see_other};
use super::sign_in::Nothing;
use super::view::number;
use crate::access::caller::{ChangeSettings, ReadSettings, Right};
use crate::access::problem::Problem;

/// A storage in the list.
struct Line {
    name: String,
    link: String,
    region: String,
    users: String,
    mappings: usize,
}

#[derive(Template)]
#[template(path = "storages.html")]
struct Storages<'p> {
    shell: &'p Shell,
    lines: Vec<Line>,
    form: StorageForm,
    may_change: bool,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct StorageForm {
    name: String,
    #[serde(default)]
    region: String,
}

/// `GET /console/storages`
pub(super) async fn list(page: Page<ReadSettings>) -> Answer {
    shown(&page, StorageForm::default()).await
}

async fn shown<R: Right>(page: &Page<R>, form: StorageForm) -> Answer {
    let mut lines = Vec::new();
    for storage in &page.caller.settings.storages {
        lines.push(line(page, storage).await?);
    }
    page.shows(&Storages {
        shell: &page.shell,
        may_change: page.shell.may_set_up(),
        lines,
        form,
    })
}

async fn line<R: Right>(page: &Page<R>, storage: &Storage) -> Result<Line, Problem> {
    let (tenant, id) = (page.caller.ctx.tenant, storage.id);
    let counted = page
        .caller
        .app
        .store
        .look(move |tx| Ok::<_, service::Error>(counts::get(tx, Count::in_storage(tenant, id))?));
    let settings: &Settings = &page.caller.settings;
    let gives = |mapping: &&Mapping| mapping.outcome.storage == id;
    Ok(Line {
        name: storage.name.to_string(),
        link: storage.id.to_string(),
        region: storage.region.clone(),
        users: number(counted.await?),
        mappings: settings.mappings.iter().filter(gives).count(),
    })
}

/// `POST /console/storages`
pub(super) async fn add(sent: Sent<ChangeSettings, StorageForm>) -> Answer {
    let Sent { page, form } = sent;
    let (name, region) = (form.name.clone(), region_of(&form));
    let added = page
        .caller
        .write(move |tx, ctx| stored::add(tx, ctx, &name, &region));
    match added.await {
        Ok(_) => Ok(see_other("/console/storages?done=added")),
        Err(problem) => shown(&page.refusing(&problem), form).await,
    }
}

fn region_of(form: &StorageForm) -> String {
    match form.region.trim() {
        "" => "local".to_owned(),
        region => region.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "storage.html")]
struct StoragePage<'p> {
    shell: &'p Shell,
    line: Line,
    form: StorageForm,
    may_change: bool,
}

/// `GET /console/storages/{storage}`
pub(super) async fn show(page: Page<ReadSettings>, Named(name): Named) -> Answer {
    one_shown(&page, &name, None).await
}

async fn one_shown<R: Right>(page: &Page<R>, name: &str, form: Option<StorageForm>) -> Answer {
    let storage = named(&page.caller.settings.storages, name)?;
    page.shows(&StoragePage {
        shell: &page.shell,
        line: line(page, storage).await?,
        form: form.unwrap_or_else(|| StorageForm {
            name: storage.name.to_string(),
            region: storage.region.clone(),
        }),
        may_change: page.shell.may_set_up(),
    })
}

/// `POST /console/storages/{storage}`
pub(super) async fn set(Named(name): Named, sent: Sent<ChangeSettings, StorageForm>) -> Answer {
    let Sent { page, form } = sent;
    let (of, new, region) = (name.clone(), form.name.clone(), region_of(&form));
    let written = page
        .caller
        .write(move |tx, ctx| stored::set(tx, ctx, &of, Some(&new), Some(&region)));
    match written.await {
        Ok(storage) => {
            let link = storage.id;
            Ok(see_other(&format!("/console/storages/{link}?done=changed")))
        }
        Err(problem) => one_shown(&page.refusing(&problem), &name, Some(form)).await,
    }
}

/// `POST /console/storages/{storage}/delete`
pub(super) async fn remove(Named(name): Named, sent: Sent<ChangeSettings, Nothing>) -> Answer {
    let page = sent.page;
    let of = name.clone();
    match page
        .caller
        .write(move |tx, ctx| stored::remove(tx, ctx, &of))
        .await
    {
        Ok(()) => Ok(see_other("/console/storages?done=removed")),
        Err(problem) => one_shown(&page.refusing(&problem), &name, None).await,
    }
}
