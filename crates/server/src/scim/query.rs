//! The query of a list: names in any case, `+` for a blank (server rule 14), the rest ignored.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use scim::filter::Quotes;
use scim::list::Page;
use scim::{Filter, Kind, Projection, Schemas, Search, Sort};
use service::groups::Members;
use service::users::Query;

use super::Failure;
use crate::app::App;

/// What a list is asked for.
#[derive(Clone)]
pub(super) struct ListQuery(pub(super) Query);

/// A list and its shape, as a search asks for them.
pub(super) fn searched(body: &scim::Object) -> Result<(ListQuery, Shape), Failure> {
    let Search {
        filter,
        sort,
        page,
        projection,
    } = Search::parse(body)?;
    Ok((ListQuery(Query { filter, sort, page }), Shape(projection)))
}

impl FromRequestParts<App> for ListQuery {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let pairs = Pairs::read(parts)?;
        let value = |name| pairs.value(name);
        let filter = value("filter").filter(|text| !text.trim().is_empty());
        Ok(Self(Query {
            filter: filter
                .map(|text| Filter::parse(text, Quotes::Optional))
                .transpose()?,
            sort: Sort::parse(value("sortBy"), value("sortOrder"))?,
            page: Page::parse(value("startIndex"), value("count"))?,
        }))
    }
}

/// Which attributes a client asks for.
pub(super) struct Shape(pub(super) Projection);

impl Shape {
    /// Whether a group's members are read at all.
    pub(super) fn members(&self) -> Members {
        if self.0.has("members") {
            Members::Told
        } else {
            Members::LeftOut
        }
    }

    /// A resource's JSON text as it is asked for.
    pub(super) fn text(&self, schemas: &Schemas, json: String) -> String {
        if self.0 == Projection::Default {
            return json;
        }
        match serde_json::from_str(&json) {
            Ok(resource) => serde_json::Value::Object(self.0.apply(schemas, resource)).to_string(),
            Err(_) => json,
        }
    }
}

impl FromRequestParts<App> for Shape {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let pairs = Pairs::read(parts)?;
        Ok(Self(Projection::parse(
            pairs.value("attributes"),
            pairs.value("excludedAttributes"),
        )?))
    }
}

/// The names and values of a query.
struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn read(parts: &Parts) -> Result<Self, Failure> {
        let axum::extract::Query(pairs) =
            axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|_| {
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
