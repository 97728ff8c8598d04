//! What is shown, as a file: users of a filter, or a report.

use directory::Status;
use serde::Deserialize;
use service::reports::Report;
use service::users::Browse;

use super::page::{Answer, Named, Page, Query};
use super::users::Wanted;
use crate::access::caller::ReadUsers;
use crate::manage::reports::permitted;
use crate::manage::users::browse;
use crate::rows::{Kind, Rows};

#[derive(Deserialize)]
pub(super) struct Format {
    #[serde(default)]
    format: String,
}

/// `GET /console/users/export?status=preserved&format=xlsx`
pub(super) async fn users(
    page: Page<ReadUsers>,
    Query(wanted): Query<Wanted>,
    Query(format): Query<Format>,
) -> Answer {
    let caller = &page.caller;
    let kind = Kind::named(&format.format)?;
    let browse = browse(caller, &wanted.asked())?;
    let report = match browse.among.status {
        Some(Status::Preserved) if wanted.columns.is_empty() => Report::Preserved,
        _ => Report::Provisioning,
    };
    let browse = Browse {
        after: None,
        ..browse
    };
    let rows = Rows::of(
        &caller.app.store,
        &caller.ctx,
        &caller.settings,
        report,
        Some(browse),
    )
    .await?;
    let rows = if wanted.columns.is_empty() {
        rows
    } else {
        rows.only(&keys(&wanted.columns))
    };
    Ok(rows.into_file(kind, "users").await?)
}

/// What programs call the columns that a page shows; who it is about is always one of them.
fn keys<'a>(shown: &'a [String]) -> Vec<&'a str> {
    let key = |column: &'a String| match column.as_str() {
        "managed" => "managedBy",
        "changed" => "lastModified",
        "purge" => "purgeAt",
        _ => column,
    };
    ["userName", "name"]
        .into_iter()
        .chain(shown.iter().map(key))
        .collect()
}

/// `GET /console/reports/{report}/download?format=csv`
pub(super) async fn report(
    page: Page<ReadUsers>,
    Named(name): Named,
    Query(format): Query<Format>,
) -> Answer {
    let kind = Kind::named(&format.format)?;
    let report = permitted(&page.caller, &name)?;
    let caller = &page.caller;
    let browse = report.of_users().map(|browse| Browse {
        within: caller.scope.clone(),
        ..browse
    });
    let rows = Rows::of(&caller.app.store, &caller.ctx, &caller.settings, report, browse).await?;
    Ok(rows.into_file(kind, report.name()).await?)
}
