//! Lists and their pages (RFC 7644 sections 3.4.2 and 3.4.2.4).

use crate::{Error, Kind};

/// URN of the list message.
const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// What is given where a client does not say how many it wants.
pub const DEFAULT_COUNT: usize = 100;
/// The most resources on one page, whatever a client asks for.
pub const MAX_COUNT: usize = 1_000;

/// Which page a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Number of the first resource, from 1.
    pub start_index: usize,
    /// How many resources at most; 0 asks for the total alone.
    pub count: usize,
}

impl Page {
    /// Reads the two query parameters: less than 1 means 1, a negative count means 0, and more than [`MAX_COUNT`] means
    /// that.
    ///
    /// # Errors
    /// `invalidValue` for what is no whole number.
    pub fn parse(start_index: Option<&str>, count: Option<&str>) -> Result<Self, Error> {
        Ok(Self {
            start_index: whole("startIndex", start_index)?.map_or(1, |index| index.max(1)),
            count: whole("count", count)?.map_or(DEFAULT_COUNT, |count| count.min(MAX_COUNT)),
        })
    }
}

fn whole(name: &str, text: Option<&str>) -> Result<Option<usize>, Error> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match text.parse::<i64>() {
        Ok(number) => Ok(Some(usize::try_from(number.max(0)).unwrap_or(usize::MAX))),
        Err(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(usize::MAX)),
        Err(_) => Err(Error::new(
            Kind::InvalidValue,
            format!("{name} must be a whole number."),
        )),
    }
}

/// A list message whose resources are JSON texts already.
pub fn to_json(total: u64, page: Page, resources: &[String]) -> String {
    let mut json = format!(
        "{{\"schemas\":[\"{SCHEMA}\"],\"totalResults\":{total},\"startIndex\":{},\"itemsPerPage\":{},\"Resources\":[",
        page.start_index,
        resources.len(),
    );
    json.push_str(&resources.join(","));
    json.push_str("]}");
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_clamped_and_nonsense_is_refused() {
        assert_eq!(
            Page::parse(Some("0"), Some("-3")).unwrap(),
            Page {
                start_index: 1,
                count: 0
            }
        );
        assert_eq!(
            Page::parse(None, Some("99999")).unwrap(),
            Page {
                start_index: 1,
                count: MAX_COUNT
            }
        );
        assert!(
            Page::parse(Some("x"), None)
                .unwrap_err()
                .detail
                .contains("startIndex")
        );
    }

    #[test]
    fn an_empty_list_has_integers_and_an_empty_array() {
        let json = to_json(
            0,
            Page {
                start_index: 1,
                count: 100,
            },
            &[],
        );
        let list: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&list["totalResults"], &list["itemsPerPage"]),
            (&0.into(), &0.into())
        );
        assert_eq!(list["Resources"], serde_json::json!([]));
    }
}
