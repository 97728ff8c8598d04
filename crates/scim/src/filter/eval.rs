//! Whether a resource matches a filter (RFC 7644 section 3.4.2.2).

use std::cmp::Ordering;

use serde_json::Value;

use crate::schema::{Attribute, Schemas, Type};
use crate::{AttributePath, Object, is_absent, text::fold, time::instant};

use super::{Filter, Literal, Operator};

impl Filter {
    /// Whether `resource` (canonical names, as it is returned) matches. An attribute that no schema knows has no value.
    pub fn matches(&self, schemas: &Schemas, resource: &Object) -> bool {
        match self {
            Self::And(left, right) => left.matches(schemas, resource) && right.matches(schemas, resource),
            Self::Or(left, right) => left.matches(schemas, resource) || right.matches(schemas, resource),
            Self::Not(inner) => !inner.matches(schemas, resource),
            Self::Compare(path, operator, literal) => {
                compare_path(path, *operator, literal, schemas, resource)
            }
            Self::Present(path) => values(path, schemas, resource)
                .is_some_and(|(_, values)| values.iter().any(|v| !is_absent(v))),
            Self::Element(path, inner) => {
                values(path, schemas, resource).is_some_and(|(attribute, values)| {
                    values.iter().any(|value| inner.matches_element(attribute, value))
                })
            }
        }
    }

    /// Whether one value of a complex, multi-valued attribute matches; paths name its sub-attributes.
    pub(crate) fn matches_element(&self, attribute: &Attribute, element: &Value) -> bool {
        match self {
            Self::And(left, right) => {
                left.matches_element(attribute, element) && right.matches_element(attribute, element)
            }
            Self::Or(left, right) => {
                left.matches_element(attribute, element) || right.matches_element(attribute, element)
            }
            Self::Not(inner) => !inner.matches_element(attribute, element),
            Self::Compare(path, operator, literal) => match attribute.sub(&path.attribute) {
                Some(sub) => compare_all(sub, &flat(element.get(&*sub.name)), *operator, literal),
                None => compare_all(attribute, &[], *operator, literal),
            },
            Self::Present(path) => attribute
                .sub(&path.attribute)
                .and_then(|sub| element.get(&*sub.name))
                .is_some_and(|value| !is_absent(value)),
            Self::Element(..) => false,
        }
    }
}

/// The values that a path leads to, each by itself, with the attribute that says how to compare them. A complex
/// attribute that has a `value` stands for it.
fn values<'a>(
    path: &AttributePath,
    schemas: &'a Schemas,
    resource: &'a Object,
) -> Option<(&'a Attribute, Vec<&'a Value>)> {
    let target = path.resolve(schemas)?;
    let holder = match target.extension {
        Some(urn) => resource.get(urn)?.as_object()?,
        None => resource,
    };
    let whole = flat(holder.get(&*target.attribute.name));
    let Some(sub) = target.sub else {
        return Some((target.attribute, whole));
    };
    let parts = whole
        .iter()
        .flat_map(|value| flat(value.get(&*sub.name)))
        .collect();
    Some((sub, parts))
}

fn flat(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(values)) => values.iter().collect(),
        Some(value) => vec![value],
    }
}

fn compare_path(
    path: &AttributePath,
    operator: Operator,
    literal: &Literal,
    schemas: &Schemas,
    resource: &Object,
) -> bool {
    let Some((attribute, values)) = values(path, schemas, resource) else {
        return matches!((operator, literal), (Operator::Eq, Literal::Null))
            || (operator == Operator::Ne && *literal != Literal::Null);
    };
    if attribute.kind != Type::Complex {
        return compare_all(attribute, &values, operator, literal);
    }
    let Some(sub) = attribute.sub("value") else {
        return false;
    };
    let inner: Vec<_> = values.iter().filter_map(|value| value.get("value")).collect();
    compare_all(sub, &inner, operator, literal)
}

/// Any value may match; `ne` holds where no value is equal, so that it is the opposite of `eq`.
fn compare_all(attribute: &Attribute, values: &[&Value], operator: Operator, literal: &Literal) -> bool {
    match (operator, literal) {
        (Operator::Eq, Literal::Null) => values.iter().all(|value| is_absent(value)),
        (Operator::Ne, Literal::Null) => values.iter().any(|value| !is_absent(value)),
        (Operator::Ne, _) => !values
            .iter()
            .any(|value| compare(attribute, value, Operator::Eq, literal)),
        _ => values
            .iter()
            .any(|value| compare(attribute, value, operator, literal)),
    }
}

fn compare(attribute: &Attribute, value: &Value, operator: Operator, literal: &Literal) -> bool {
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
        (Value::Number(value), Literal::Number(wanted)) => {
            holds(operator, value.as_f64().partial_cmp(&wanted.as_f64()))
        }
        (Value::String(value), Literal::Text(wanted)) => {
            if attribute.kind == Type::DateTime
                && let (Some(value), Some(wanted)) = (instant(value), instant(wanted))
            {
                return holds(operator, Some(value.cmp(&wanted)));
            }
            compare_text(attribute.case_exact, value, operator, wanted)
        }
        (Value::String(value), Literal::Number(wanted)) => {
            compare_text(attribute.case_exact, value, operator, &wanted.to_string())
        }
        (Value::String(value), Literal::Boolean(wanted)) => {
            compare_text(false, value, operator, if *wanted { "true" } else { "false" })
        }
        _ => false,
    }
}

fn compare_text(case_exact: bool, value: &str, operator: Operator, wanted: &str) -> bool {
    if !case_exact {
        return compare_text(true, &fold(value), operator, &fold(wanted));
    }
    match operator {
        Operator::Co => value.contains(wanted),
        Operator::Sw => value.starts_with(wanted),
        Operator::Ew => value.ends_with(wanted),
        _ => holds(operator, Some(value.cmp(wanted))),
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
