//! `/events`: ordered, complete, from any cursor on, with a wait for what comes next.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use directory::{Ctx, rfc3339};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use service::feed::{self, Cursor, Page, Wanted};
use store::Store;
use store::acknowledgements::Acknowledgement;
use store::events::Recorded;

use super::input::{Asking, Input, Named};
use super::users::found;
use super::{Answer, json as answer};
use crate::access::caller::{AcknowledgeEvents, Caller, ReadEvents};
use crate::access::problem::Problem;
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
            return Ok(rendered(&page, &[]));
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
    let found = found(&caller, user).await?;
    let wanted = Wanted {
        user: Some(found.facts.id),
        ..asked.wanted()
    };
    let (ctx, after, limit) = (caller.ctx.clone(), asked.cursor()?, asked.limit());
    let (page, acknowledged) = caller
        .app
        .store
        .scan(move |tx| {
            let page = feed::read(tx, &ctx, &wanted, after, limit)?;
            let acknowledged = feed::acknowledged(tx, &ctx, &page.events)?;
            Ok::<_, service::Error>((page, acknowledged))
        })
        .await?;
    Ok(rendered(&page, &acknowledged))
}

/// Events that a consumer has done its part for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    events: Vec<String>,
}

/// `POST /acknowledgements`: a user's history shows when each consumer was done.
pub(super) async fn acknowledge(caller: Caller<AcknowledgeEvents>, Input(done): Input<Done>) -> Answer {
    if done.events.len() > MAX {
        return Err(Problem::bad_request(format!(
            "{MAX} events at once are the most."
        )));
    }
    let seen = done.events.iter().map(|id| id.parse::<Cursor>());
    let seen: Vec<_> = seen.collect::<Result<_, _>>()?;
    caller
        .write(move |tx, ctx| feed::acknowledge(tx, ctx, &seen))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /event-export?after=CURSOR&types=user.*`: an object a line, to the last event.
pub(super) async fn export(caller: Caller<ReadEvents>, Asking(asked): Asking<Asked>) -> Answer {
    let first = page(
        &caller.app.store,
        &caller.ctx,
        asked.wanted(),
        asked.cursor()?,
        MAX,
    )
    .await?;
    let (store, ctx, wanted) = (caller.app.store.clone(), caller.ctx.clone(), asked.wanted());
    let pages = stream::unfold(Some(first), move |current| {
        let (store, ctx, wanted) = (store.clone(), ctx.clone(), wanted.clone());
        async move {
            let current = current?;
            let lines = lines(&current);
            if !current.has_more {
                return Some((Ok(lines), None));
            }
            match page(&store, &ctx, wanted, Some(current.next), MAX).await {
                Ok(next) => Some((Ok(lines), Some(next))),
                // Who reads sees that it broke off.
                Err(_) => Some((Err(std::io::Error::other("the database failed")), None)),
            }
        }
    });
    let media_type = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((media_type, Body::from_stream(pages)).into_response())
}

fn lines(page: &Page) -> String {
    let mut text = String::new();
    for (cursor, event) in &page.events {
        object(&mut text, cursor, event, None);
        text.push('\n');
    }
    text
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

fn rendered(page: &Page, acknowledged: &[Vec<Acknowledgement>]) -> Response {
    let mut text = String::from("{\"events\":[");
    for (at, (cursor, event)) in page.events.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        object(&mut text, cursor, event, acknowledged.get(at));
    }
    let next = Value::from(page.next.to_string());
    // Writing to a string cannot fail.
    let _ = write!(text, "],\"next\":{next},\"hasMore\":{}}}", page.has_more);
    answer(text)
}

/// One event; who has acknowledged it, where that is looked for.
fn object(text: &mut String, cursor: &Cursor, event: &Recorded, acknowledged: Option<&Vec<Acknowledgement>>) {
    let mut head = json!({
        "id": cursor.to_string(),
        "type": event.kind,
        "time": rfc3339(event.at),
        "actor": event.actor,
        "user": event.user,
        "requestId": event.request_id.to_string(),
    });
    if let Some(acknowledged) = acknowledged {
        let shown = acknowledged.iter().map(|one| {
            let after = one.at.duration_since(event.at).as_secs_f64();
            json!({"consumer": one.consumer, "at": rfc3339(one.at), "secondsAfter": after})
        });
        head["acknowledged"] = shown.collect();
    }
    let head = head.to_string();
    // The data are JSON as they are kept.
    text.push_str(head.strip_suffix('}').unwrap_or(&head));
    text.push_str(",\"data\":");
    text.push_str(&event.data);
    text.push('}');
}
