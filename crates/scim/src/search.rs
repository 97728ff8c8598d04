//! Searches: the parameters of a list in a body instead of a query (RFC 7644 section 3.4.3).

use serde_json::Value;

use crate::filter::Quotes;
use crate::list::Page;
use crate::{Error, Filter, Kind, Object, Projection, Sort};

/// What a search asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Which resources; all where there is none.
    pub filter: Option<Filter>,
    /// In which order.
    pub sort: Option<Sort>,
    /// Which of them.
    pub page: Page,
    /// What of each.
    pub projection: Projection,
}

impl Search {
    /// Reads a `SearchRequest`. Names are taken in any case, numbers as texts too, and a list of attributes also as one
    /// text with commas; `schemas` may be left out.
    ///
    /// # Errors
    /// `invalidFilter` for a filter that cannot be read; `invalidValue` for any other parameter.
    pub fn parse(body: &Object) -> Result<Self, Error> {
        let filter = text(body, "filter")?.filter(|filter| !filter.trim().is_empty());
        let (start_index, count) = (text(body, "startIndex")?, text(body, "count")?);
        let (attributes, excluded) = (text(body, "attributes")?, text(body, "excludedAttributes")?);
        let (by, order) = (text(body, "sortBy")?, text(body, "sortOrder")?);
        Ok(Self {
            sort: Sort::parse(by.as_deref(), order.as_deref())?,
            filter: filter
                .map(|text| Filter::parse(&text, Quotes::Optional))
                .transpose()?,
            page: Page::parse(start_index.as_deref(), count.as_deref())?,
            projection: Projection::parse(attributes.as_deref(), excluded.as_deref())?,
        })
    }
}

/// A parameter as a query would have it.
fn text(body: &Object, name: &str) -> Result<Option<String>, Error> {
    let found = body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let text = match found.map(|(_, value)| value) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(items)) => {
            let items: Option<Vec<_>> = items.iter().map(plain).collect();
            items.map(|items| items.join(","))
        }
        Some(value) => plain(value),
    };
    text.map(Some).ok_or_else(|| {
        Error::new(
            Kind::InvalidValue,
            format!("{name} must be a text, a number or a list of texts, as RFC 7644 section 3.4.3 has it."),
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(body: Value) -> Result<Search, Error> {
        Search::parse(body.as_object().unwrap())
    }

    #[test]
    fn a_search_is_the_parameters_of_a_list() {
        let search = parse(json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "attributes": ["userName", "name.familyName"],
            "filter": "userName sw \"a\"",
            "startIndex": 2,
            "COUNT": "10",
        }))
        .unwrap();
        assert_eq!(
            (search.page, search.filter),
            (
                Page {
                    start_index: 2,
                    count: 10
                },
                Some(Filter::parse("userName sw \"a\"", Quotes::Required).unwrap())
            )
        );
        assert_eq!(
            search.projection,
            Projection::parse(Some("userName,name.familyName"), None).unwrap()
        );
    }

    #[test]
    fn nothing_is_everything_and_what_cannot_be_read_is_named() {
        let all = parse(json!({"filter": null, "attributes": []})).unwrap();
        assert_eq!((all.filter, all.projection), (None, Projection::Default));
        let error = parse(json!({"count": {"most": 3}})).unwrap_err();
        assert!(error.detail.starts_with("count must be"), "{}", error.detail);
        let error = parse(json!({"filter": "userName is \"a\""})).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidFilter);
    }
}
