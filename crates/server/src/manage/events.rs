//! `/events`: ordered, complete, from any cursor on, with a wait for what comes next.

use std::fmt::Write as _;
use std::time::Duration;

use axum::response::Response;
use directory::{Ctx, rfc3339};
use serde::Deserialize;
use serde_json::{Value, json};
use service::feed::{self, Cursor, Page, Wanted};
use store::Store;

use super::caller::{Caller, ReadEvents};
use super::input::{Asking, Named};
use super::problem::Problem;
use super::{Answer, json as answer};
use crate::clock;

/// The most events in one answer.
const MAX: usize = 1_000;
/// How many where a consumer does not say.
const DEFAULT: usize = 100;
/// The longest wait, in seconds.
const MAX_WAIT: u64 = 30;
/// How often it is looked whether something came.
const EVERY: Duration = Duration::from_millis(100);

/// What a consumer asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    after: Option<String>,
    #[serde(default)]
    types: String,
    limit: Option<usize>,
    #[serde(default)]
    wait: u64,
}

impl Asked {
    fn cursor(&self) -> Result<Option<Cursor>, Problem> {
        let text = self.after.as_deref().filter(|text| !text.is_empty());
        Ok(text.map(str::parse).transpose()?)
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT).clamp(1, MAX)
    }

    fn wanted(&self) -> Wanted {
        let types = self.types.split(',').map(str::trim);
        Wanted {
            types: types.filter(|kind| !kind.is_empty()).map(str::to_owned).collect(),
            user: None,
        }
    }
}

/// `GET /events?after=CURSOR&types=user.*&limit=100&wait=30`
pub(super) async fn read(caller: Caller<ReadEvents>, Asking(asked): Asking<Asked>) -> Answer {
    let (wanted, limit) = (asked.wanted(), asked.limit());
    let until = clock::now().saturating_add(Duration::from_secs(asked.wait.min(MAX_WAIT)));
    let mut after = asked.cursor()?;
    loop {
        let page = page(&caller.app.store, &caller.ctx, wanted.clone(), after, limit).await?;
        caller.check_again().await?;
        let is_over = until.as_ref().is_ok_and(|&until| clock::now() >= until);
        if !page.events.is_empty() || (is_over && !page.has_more) {
            return Ok(rendered(&page));
        }
        after = Some(page.next);
        if !page.has_more {
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// `GET /users/{user}/events`: a user's history.
pub(super) async fn of_user(
    caller: Caller<ReadEvents>,
    Named(user): Named,
    Asking(asked): Asking<Asked>,
) -> Answer {
    let tenant = caller.ctx.tenant;
    let found = caller
        .app
        .store
        .look(move |tx| service::users::find(tx, tenant, &user))
        .await?;
    let wanted = Wanted {
        user: Some(found.facts.id),
        ..asked.wanted()
    };
    let page = page(
        &caller.app.store,
        &caller.ctx,
        wanted,
        asked.cursor()?,
        asked.limit(),
    )
    .await?;
    Ok(rendered(&page))
}

async fn page(
    store: &Store,
    ctx: &Ctx,
    wanted: Wanted,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page, Problem> {
    let ctx = ctx.clone();
    let page = store
        .scan(move |tx| feed::read(tx, &ctx, &wanted, after, limit))
        .await?;
    Ok(page)
}

fn rendered(page: &Page) -> Response {
    let mut text = String::from("{\"events\":[");
    for (at, (cursor, event)) in page.events.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let head = json!({
            "id": cursor.to_string(),
            "type": event.kind,
            "time": rfc3339(event.at),
            "actor": event.actor,
            "user": event.user,
            "requestId": event.request_id.to_string(),
        });
        let head = head.to_string();
        // The data are JSON as they are kept.
        text.push_str(comma);
        text.push_str(head.trim_end_matches('}'));
        text.push_str(",\"data\":");
        text.push_str(&event.data);
        text.push('}');
    }
    let next = Value::from(page.next.to_string());
    // Writing to a string cannot fail.
    let _ = write!(text, "],\"next\":{next},\"hasMore\":{}}}", page.has_more);
    answer(text)
}
