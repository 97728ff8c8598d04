//! The query of a list: names in any case, `+` for a blank (server rule 14), the rest ignored.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use scim::filter::Quotes;
use scim::list::Page;
use scim::{Filter, Kind};
use service::groups::Members;

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
        let pairs = Pairs::read(parts)?;
        let value = |name| pairs.value(name);
        let filter = value("filter").filter(|text| !text.trim().is_empty());
        Ok(Self {
            filter: filter
                .map(|text| Filter::parse(text, Quotes::Optional))
                .transpose()?,
            page: Page::parse(value("startIndex"), value("count"))?,
        })
    }
}

/// Which of a group's parts a client asks for (RFC 7644 section 3.4.2.5).
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) members: Members,
    /// Whether `attributes` names the members.
    pub(super) is_asked: bool,
}

impl FromRequestParts<App> for Shape {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let pairs = Pairs::read(parts)?;
        let names_members = |name| {
            let names = pairs.value(name).unwrap_or_default();
            names.split(',').any(|one| {
                let one = one.trim().rsplit(':').next().unwrap_or_default();
                let attribute = one.split('.').next().unwrap_or_default();
                attribute.eq_ignore_ascii_case("members")
            })
        };
        let is_asked = names_members("attributes");
        let is_narrowed = pairs
            .value("attributes")
            .is_some_and(|names| !names.trim().is_empty());
        let members = if names_members("excludedAttributes") || (is_narrowed && !is_asked) {
            Members::LeftOut
        } else {
            Members::Told
        };
        Ok(Self { members, is_asked })
    }
}

/// The names and values of a query.
struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn read(parts: &Parts) -> Result<Self, Failure> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|_| {
            Failure::new(
                Kind::InvalidSyntax,
                "The query cannot be read; percent-encode its values.",
            )
        })?;
        Ok(Self(pairs))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}
