//! The query of a list: names in any case, `+` for a blank (server rule 14), the rest ignored.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use scim::filter::Quotes;
use scim::list::Page;
use scim::{Filter, Kind};

use super::Failure;
use crate::app::App;

/// What a list is asked for.
pub(super) struct ListQuery {
    pub(super) filter: Option<Filter>,
    pub(super) page: Page,
}

impl FromRequestParts<App> for ListQuery {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|_| {
            Failure::new(
                Kind::InvalidSyntax,
                "The query cannot be read; percent-encode its values.",
            )
        })?;
        let value = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        };
        let filter = value("filter").filter(|text| !text.trim().is_empty());
        Ok(Self {
            filter: filter
                .map(|text| Filter::parse(text, Quotes::Optional))
                .transpose()?,
            page: Page::parse(value("startIndex"), value("count"))?,
        })
    }
}
