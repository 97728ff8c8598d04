//! The order of a list (RFC 7644 section 3.4.2.3).

use std::cmp::Ordering;

use serde_json::Value;

use crate::schema::{Attribute, Schemas, Type};
use crate::{AttributePath, Error, Kind, Object, is_absent, text::fold, time::instant};

/// What a list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The attribute; who has no value for it comes last in ascending order.
    pub by: AttributePath,
    /// Which way.
    pub order: Order,
}

/// Which way a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A value by which resources are ordered.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Rank {
    /// `false` before `true`.
    Boolean(bool),
    /// By size.
    Number(f64),
    /// Nanoseconds since 1970.
    Time(i128),
    /// Code point by code point, folded where case does not count.
    Text(String),
}

impl Sort {
    /// Reads the two parameters; without `sortBy` there is no order, whatever `sortOrder` says.
    ///
    /// # Errors
    /// `invalidValue`.
    pub fn parse(by: Option<&str>, order: Option<&str>) -> Result<Option<Self>, Error> {
        let Some(by) = by.map(str::trim).filter(|by| !by.is_empty()) else {
            return Ok(None);
        };
        let invalid = |detail| Error::new(Kind::InvalidValue, detail);
        let by = AttributePath::parse(by).map_err(|error| invalid(format!("sortBy: {}", error.detail)))?;
        let order = match order.map(str::trim) {
            None | Some("") => Order::Ascending,
            Some(word) if word.eq_ignore_ascii_case("ascending") => Order::Ascending,
            Some(word) if word.eq_ignore_ascii_case("descending") => Order::Descending,
            Some(word) => {
                return Err(invalid(format!(
                    "sortOrder must be ascending or descending, not {word:?}."
                )));
            }
        };
        Ok(Some(Self { by, order }))
    }

    /// What `resource` (canonical names, as it is returned) is ordered by: of several values the primary one, else the
    /// first, and of a complex one its `value`. `None` where it has none.
    pub fn rank(&self, schemas: &Schemas, resource: &Object) -> Option<Rank> {
        let target = self.by.resolve(schemas)?;
        let holder = match target.extension {
            Some(urn) => resource.get(urn)?.as_object()?,
            None => resource,
        };
        let whole = holder.get(&*target.attribute.name)?;
        let one = match whole {
            Value::Array(values) => values
                .iter()
                .find(|value| value.get("primary") == Some(&Value::Bool(true)))
                .or_else(|| values.first())?,
            one => one,
        };
        let (attribute, value) = match (target.sub, one) {
            (Some(sub), one) => (sub, one.get(&*sub.name)?),
            (None, Value::Object(object)) => (target.attribute.sub("value")?, object.get("value")?),
            (None, one) => (target.attribute, one),
        };
        rank_of(attribute, value)
    }

    /// Whether `left` comes before `right`.
    pub fn compare(&self, left: Option<&Rank>, right: Option<&Rank>) -> Ordering {
        let ascending = match (left, right) {
            (Some(left), Some(right)) => left.partial_cmp(right).unwrap_or(Ordering::Equal),
            (left, right) => right.is_some().cmp(&left.is_some()),
        };
        match self.order {
            Order::Ascending => ascending,
            Order::Descending => ascending.reverse(),
        }
    }
}

fn rank_of(attribute: &Attribute, value: &Value) -> Option<Rank> {
    Some(match value {
        value if is_absent(value) => return None,
        Value::Bool(boolean) => Rank::Boolean(*boolean),
        Value::Number(number) => Rank::Number(number.as_f64()?),
        Value::String(text) => match instant(text) {
            Some(at) if attribute.kind == Type::DateTime => Rank::Time(at),
            _ if attribute.case_exact => Rank::Text(text.clone()),
            _ => Rank::Text(fold(text.trim()).into_owned()),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(by: &str, order: &str, users: &Value) -> Vec<String> {
        let sort = Sort::parse(Some(by), Some(order)).unwrap().unwrap();
        let schemas = Schemas::standard();
        let mut users: Vec<_> = users
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user.as_object().unwrap())
            .collect();
        users.sort_by(|left, right| {
            let rank = |user| sort.rank(&schemas, user);
            sort.compare(rank(left).as_ref(), rank(right).as_ref())
        });
        users
            .iter()
            .map(|user| user["id"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn case_does_not_count_and_who_has_no_value_comes_last() {
        let users = json!([
            {"id": "1", "title": "b"}, {"id": "2"}, {"id": "3", "title": "A"}, {"id": "4", "title": ""},
        ]);
        assert_eq!(order("title", "", &users), ["3", "1", "2", "4"]);
        assert_eq!(order("TITLE", "Descending", &users), ["2", "4", "1", "3"]);
        assert_eq!(order("shoeSize", "", &users), ["1", "2", "3", "4"]);
    }

    #[test]
    fn of_several_values_the_primary_one_counts_and_of_a_complex_one_its_value() {
        let users = json!([
            {"id": "1", "emails": [{"value": "a@x"}, {"value": "z@x", "primary": true}]},
            {"id": "2", "emails": [{"value": "m@x"}, {"value": "b@x"}]},
        ]);
        assert_eq!(order("emails", "", &users), ["2", "1"]);
        assert_eq!(order("emails.value", "descending", &users), ["1", "2"]);
    }

    #[test]
    fn times_and_booleans_have_an_order_of_their_own() {
        let users = json!([
            {"id": "1", "active": true, "meta": {"created": "2026-01-01T12:00:00+02:00"}},
            {"id": "2", "active": false, "meta": {"created": "2026-01-01T11:00:00Z"}},
        ]);
        assert_eq!(order("active", "", &users), ["2", "1"]);
        assert_eq!(order("meta.created", "", &users), ["1", "2"]);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert_eq!(Sort::parse(None, Some("up")).unwrap(), None);
        let error = Sort::parse(Some("title"), Some("up")).unwrap_err();
        assert!(
            error.detail.contains("ascending or descending"),
            "{}",
            error.detail
        );
        assert_eq!(
            Sort::parse(Some("a b"), None).unwrap_err().kind,
            Kind::InvalidValue
        );
    }
}
