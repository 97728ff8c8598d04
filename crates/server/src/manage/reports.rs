//! `/reports`: rows for people and programs, as JSON, CSV or a spreadsheet.

use axum::http::StatusCode;
use directory::Action;
use serde::Deserialize;
use serde_json::json;
use service::reports::Report;
use service::users::Browse;

use super::input::{Asking, Named};
use super::{Answer, json as answer};
use crate::access::caller::{Caller, ReadUsers};
use crate::access::problem::Problem;
use crate::rows::{Kind, Rows};

/// `GET /reports`: those that there are.
pub(super) async fn list(_: Caller<ReadUsers>) -> Answer {
    let shown: Vec<_> = Report::ALL
        .iter()
        .map(|report| json!({"name": report.name(), "title": report.title(), "summary": report.summary()}))
        .collect();
    Ok(answer(json!({"reports": shown}).to_string()))
}

/// What it is written as.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    format: Option<String>,
}

/// `GET /reports/{report}?format=csv`
pub(super) async fn show(
    caller: Caller<ReadUsers>,
    Named(name): Named,
    Asking(asked): Asking<Asked>,
) -> Answer {
    let kind = Kind::named(asked.format.as_deref().unwrap_or("json"))?;
    let report = permitted(&caller, &name)?;
    let browse = report.of_users().map(|browse| Browse {
        within: caller.scope.clone(),
        ..browse
    });
    let rows = Rows::of(&caller.app.store, &caller.ctx, &caller.settings, report, browse).await?;
    rows.into_file(kind, report.name()).await
}

/// The report of this name, where the caller may see it: what is not of users tells of settings, and of everybody.
pub(crate) fn permitted(caller: &Caller<ReadUsers>, name: &str) -> Result<Report, Problem> {
    let names = || Report::ALL.map(Report::name).join(", ");
    let report = Report::named(name).ok_or_else(|| {
        let detail = format!("There is no such report. There is: {}.", names());
        Problem::new(StatusCode::NOT_FOUND, "Not found", detail)
    })?;
    if report.of_users().is_none() {
        caller.demand(Action::ReadSettings)?;
        caller.demand_whole()?;
    }
    Ok(report)
}
