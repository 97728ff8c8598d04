//! Whether something matches a filter (RFC 7644 section 3.4.2.2), in three values: an attribute that is neither kept nor
//! sent makes a term unknown, and unknown is not false.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::schema::{Attribute, Schemas, Type};
use crate::{AttributePath, Object, is_absent, text::fold, time::instant};

use super::{Filter, Literal, Operator};

/// Where a filter's paths lead.
pub trait Lookup {
    /// The values at `path`, each by itself.
    fn look<'a>(&'a self, path: &AttributePath) -> Look<'a>;
}

/// What a path leads to.
#[derive(Debug)]
pub enum Look<'a> {
    /// Nobody can say.
    Unknown,
    /// These values; none where the attribute is unassigned. The attribute, where a schema knows it, says how to compare.
    Known(Option<&'a Attribute>, Vec<&'a Value>),
}

/// A whole resource with canonical names, as it is returned: what is not in it is not there.
struct Resource<'a> {
    schemas: &'a Schemas,
    object: &'a Object,
}

/// One value of a multi-valued attribute; paths name its sub-attributes.
struct Element<'a> {
    attribute: Option<&'a Attribute>,
    value: &'a Value,
}

impl Filter {
    /// Whether `resource` (canonical names, as it is returned) matches. An attribute that no schema knows has no value.
    pub fn matches(&self, schemas: &Schemas, resource: &Object) -> bool {
        let resource = Resource {
            schemas,
            object: resource,
        };
        self.judge(&resource) == Some(true)
    }

    /// Whether what `lookup` finds matches; `None` where that hangs on something unknown.
    pub fn judge(&self, lookup: &dyn Lookup) -> Option<bool> {
        match self {
            Self::And(left, right) => match (left.judge(lookup), right.judge(lookup)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(left, right) => match (left.judge(lookup), right.judge(lookup)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(inner) => inner.judge(lookup).map(|holds| !holds),
            Self::Compare(path, operator, literal) => known(lookup.look(path), |attribute, values| {
                compare_all(attribute, &values, *operator, literal)
            }),
            Self::Present(path) => known(lookup.look(path), |_, values| {
                values.iter().any(|value| !is_absent(value))
            }),
            Self::Element(path, inner) => known(lookup.look(path), |attribute, values| {
                values.iter().any(|value| inner.matches_element(attribute, value))
            }),
        }
    }

    /// Whether one value of a multi-valued attribute matches; paths name its sub-attributes.
    pub(crate) fn matches_element(&self, attribute: Option<&Attribute>, value: &Value) -> bool {
        self.judge(&Element { attribute, value }) == Some(true)
    }
}

fn known(look: Look<'_>, holds: impl FnOnce(Option<&Attribute>, Vec<&Value>) -> bool) -> Option<bool> {
    match look {
        Look::Unknown => None,
        Look::Known(attribute, values) => Some(holds(attribute, values)),
    }
}

impl Lookup for Resource<'_> {
    fn look<'a>(&'a self, path: &AttributePath) -> Look<'a> {
        let Some(target) = path.resolve(self.schemas) else {
            return Look::Known(None, Vec::new());
        };
        let holder = match target.extension {
            Some(urn) => self.object.get(urn).and_then(Value::as_object),
            None => Some(self.object),
        };
        let whole = flat(holder.and_then(|holder| holder.get(&*target.attribute.name)));
        let Some(sub) = target.sub else {
            return Look::Known(Some(target.attribute), whole);
        };
        let parts = whole
            .iter()
            .flat_map(|value| flat(value.get(&*sub.name)))
            .collect();
        Look::Known(Some(sub), parts)
    }
}

impl Lookup for Element<'_> {
    fn look<'a>(&'a self, path: &AttributePath) -> Look<'a> {
        let Some(attribute) = self.attribute else {
            return Look::Known(None, flat(member(self.value, &path.attribute)));
        };
        let sub = attribute.sub(&path.attribute);
        Look::Known(sub, flat(sub.and_then(|sub| self.value.get(&*sub.name))))
    }
}

fn flat(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    let any_case = || object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    object.get(name).or_else(|| any_case().map(|(_, value)| value))
}

/// Any value may match; `ne` holds where no value is equal, so that it is the opposite of `eq`.
fn compare_all(
    attribute: Option<&Attribute>,
    values: &[&Value],
    operator: Operator,
    literal: &Literal,
) -> bool {
    let simple = simple(attribute, values);
    let any = |operator| {
        simple
            .iter()
            .any(|(attribute, value)| compare(*attribute, value, operator, literal))
    };
    match (operator, literal) {
        (Operator::Eq, Literal::Null) => values.iter().all(|value| is_absent(value)),
        (Operator::Ne, Literal::Null) => values.iter().any(|value| !is_absent(value)),
        (Operator::Ne, _) => !any(Operator::Eq),
        _ => any(operator),
    }
}

/// A complex value is compared by its `value`.
fn simple<'a>(
    attribute: Option<&'a Attribute>,
    values: &[&'a Value],
) -> Vec<(Option<&'a Attribute>, &'a Value)> {
    let of = |value: &'a Value| match value {
        Value::Object(_) => {
            let sub = attribute.and_then(|attribute| attribute.sub("value"));
            member(value, "value").map(|inner| (sub, inner))
        }
        simple => Some((attribute, simple)),
    };
    values.iter().filter_map(|&value| of(value)).collect()
}

fn compare(attribute: Option<&Attribute>, value: &Value, operator: Operator, literal: &Literal) -> bool {
    match (value, literal) {
        (Value::Bool(value), literal) => {
            let wanted = match literal {
                Literal::Boolean(wanted) => *wanted,
                Literal::Text(text) if text.eq_ignore_ascii_case("true") => true,
                Literal::Text(text) if text.eq_ignore_ascii_case("false") => false,
                _ => return false,
            };
            operator == Operator::Eq && *value == wanted
        }
        (Value::Number(value), literal) => {
            let wanted = match literal {
                Literal::Number(wanted) => wanted.as_f64(),
                Literal::Text(text) => text.trim().parse().ok(),
                _ => None,
            };
            wanted.is_some_and(|wanted| {
                holds(
                    operator,
                    value.as_f64().and_then(|value| value.partial_cmp(&wanted)),
                )
            })
        }
        (Value::String(value), literal) => compare_text(attribute, value, operator, literal),
        _ => false,
    }
}

fn compare_text(attribute: Option<&Attribute>, value: &str, operator: Operator, literal: &Literal) -> bool {
    let (wanted, case_exact) = match literal {
        Literal::Text(text) => {
            let case_exact = attribute.is_some_and(|attribute| attribute.case_exact);
            (Cow::Borrowed(text.as_str()), case_exact)
        }
        Literal::Number(number) => (Cow::Owned(number.to_string()), true),
        Literal::Boolean(boolean) => (Cow::Borrowed(if *boolean { "true" } else { "false" }), false),
        Literal::Null => return false,
    };
    let is_time = attribute.is_some_and(|attribute| attribute.kind == Type::DateTime);
    if is_time && let (Some(value), Some(wanted)) = (instant(value), instant(&wanted)) {
        return holds(operator, Some(value.cmp(&wanted)));
    }
    let (value, wanted) = if case_exact {
        (Cow::Borrowed(value), wanted)
    } else {
        // Blanks around a text say nothing, except in what one looks for within another.
        let wanted = match operator {
            Operator::Co | Operator::Sw | Operator::Ew => &*wanted,
            _ => wanted.trim(),
        };
        (fold(value.trim()), Cow::Owned(fold(wanted).into_owned()))
    };
    match operator {
        Operator::Co => value.contains(&*wanted),
        Operator::Sw => value.starts_with(&*wanted),
        Operator::Ew => value.ends_with(&*wanted),
        _ => holds(operator, Some(value.cmp(&wanted))),
    }
}

fn holds(operator: Operator, ordering: Option<Ordering>) -> bool {
    let Some(ordering) = ordering else { return false };
    match operator {
        Operator::Eq => ordering.is_eq(),
        Operator::Ne => ordering.is_ne(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::filter::Quotes;

    fn matches(text: &str) -> bool {
        let user = json!({
            "userName": "Bjensen@example.com", "externalId": "AbC", "active": true,
            "name": {"familyName": "Jensen"}, "title": "",
            "emails": [{"value": "b@work.example", "type": "work", "primary": true}, {"value": "b@home.example", "type": "home"}],
            "meta": {"created": "2026-01-01T10:00:00.000Z"},
            crate::schema::ENTERPRISE: {"department": "Sales", "manager": {"value": "m1"}},
        });
        Filter::parse(text, Quotes::Required)
            .unwrap()
            .matches(&Schemas::standard(), user.as_object().unwrap())
    }

    #[test]
    fn case_counts_only_where_the_schema_says_so() {
        assert!(matches(r#"USERNAME eq "bjensen@EXAMPLE.com""#));
        assert!(matches(r#"externalId eq "AbC""#) && !matches(r#"externalId eq "abc""#));
    }

    #[test]
    fn elements_match_as_a_whole() {
        assert!(matches(r#"emails[type eq "work" and primary eq "True"]"#));
        assert!(!matches(r#"emails[type eq "home" and primary eq true]"#));
        assert!(matches(r#"emails co "home" and emails.type eq "work""#));
    }

    #[test]
    fn absent_is_null_and_not_present() {
        assert!(matches(
            "nickName eq null and not (nickName pr) and not (title pr)"
        ));
        assert!(matches(r#"nickName ne "x" and unknown ne "x""#) && !matches(r#"unknown eq "x""#));
    }

    #[test]
    fn times_and_references_compare_as_what_they_are() {
        assert!(matches(r#"meta.created eq "2026-01-01T11:00:00+01:00""#));
        assert!(matches(
            r#"manager eq "m1" and department sw "sal" and name.familyName ew "SEN""#
        ));
        assert!(matches("active eq true") && !matches("active gt false"));
    }
}
