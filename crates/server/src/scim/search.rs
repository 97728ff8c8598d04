//! Pages of lists, and the search over users and groups together (RFC 7644 section 3.4.3).

use axum::http::StatusCode;
use axum::response::Response;
use scim::list::{self, Page};

use super::body::Body;
use super::client::Client;
use super::query::searched;
use super::{Answer, groups, scim, users};

/// One page of a list.
pub(super) struct Found {
    /// How many there are in all.
    pub(super) total: u64,
    /// JSON texts of those on the page.
    pub(super) resources: Vec<String>,
}

impl Found {
    pub(super) fn answer(&self, page: Page) -> Response {
        scim(StatusCode::OK, list::to_json(self.total, page, &self.resources))
    }
}

/// `POST /.search`: the users first, then the groups.
pub(super) async fn everything(client: Client, Body(body): Body) -> Answer {
    let (query, shape) = searched(&body)?;
    let page = query.0.page;
    let mut found = users::find(&client, query.clone(), &shape).await?;
    let before = usize::try_from(found.total).unwrap_or(usize::MAX);
    let mut rest = query;
    rest.0.page = Page {
        start_index: page.start_index.saturating_sub(before).max(1),
        count: page.count - found.resources.len(),
    };
    let groups = groups::find(&client, rest, &shape).await?;
    found.total += groups.total;
    found.resources.extend(groups.resources);
    Ok(found.answer(page))
}
