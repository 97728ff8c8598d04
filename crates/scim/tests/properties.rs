//! What holds for every filter and every PATCH, hostile ones among them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use proptest::prelude::*;
use scim::filter::{Literal, Operator, Quotes};
use scim::{AttributePath, Filter, Miss, Patch, Schemas};
use serde_json::{Value, json};

fn path() -> impl Strategy<Value = AttributePath> {
    prop::sample::select(vec![
        "userName",
        "name.familyName",
        "emails.value",
        "meta.created",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        "countryCode",
        "not",
        "and",
    ])
    .prop_map(|text| AttributePath::parse(text).unwrap())
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(Literal::Text),
        any::<i64>().prop_map(|number| Literal::Number(number.into())),
        any::<bool>().prop_map(Literal::Boolean),
        Just(Literal::Null),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    use Operator::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    prop::sample::select(vec![Eq, Ne, Co, Sw, Ew, Gt, Ge, Lt, Le])
}

fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        (path(), operator(), literal())
            .prop_map(|(path, operator, literal)| Filter::Compare(path, operator, literal)),
        path().prop_map(Filter::Present),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        let two = || (inner.clone(), inner.clone());
        prop_oneof![
            two().prop_map(|(left, right)| Filter::And(Box::new(left), Box::new(right))),
            two().prop_map(|(left, right)| Filter::Or(Box::new(left), Box::new(right))),
            inner.clone().prop_map(|inner| Filter::Not(Box::new(inner))),
            inner.prop_map(|inner| Filter::Element(AttributePath::parse("emails").unwrap(), Box::new(inner))),
        ]
    })
}

/// JSON of a few levels, with the names that matter.
fn value() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "value", "type", "primary", "active", "userName", "emails", "name", "id", "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-zA-Z ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..4).prop_map(|map| map
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()),
        ]
    })
}

fn operation() -> impl Strategy<Value = Value> {
    let paths = prop::sample::select(vec![
        "active",
        "emails",
        "emails[type eq \"work\"]",
        "emails[type eq \"work\"].value",
        "emails[primary eq true]",
        "name",
        "name.givenName",
        "manager",
        "roles",
        "roles[value co \"a\"]",
        "userName",
        "x509Certificates",
        "meta.created",
        "x",
        "[",
    ]);
    let verbs = prop::sample::select(vec!["add", "Replace", "remove"]);
    (verbs, prop::option::of(paths), prop::option::of(value())).prop_map(|(op, path, value)| {
        let mut operation = json!({"op": op});
        if let Some(path) = path {
            operation["path"] = path.into();
        }
        if let Some(value) = value {
            operation["value"] = value;
        }
        operation
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_that_is_printed_reads_as_itself(filter in filter()) {
        let text = filter.to_string();
        prop_assert_eq!(Filter::parse(&text, Quotes::Required).unwrap(), filter, "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,40}") {
        let _ = Filter::parse(&text, Quotes::Optional);
        let _ = AttributePath::parse(&text);
    }

    #[test]
    fn a_patch_never_panics_and_leaves_what_could_have_been_created(
        operations in prop::collection::vec(operation(), 1..5),
        miss in prop::sample::select(vec![Miss::Create, Miss::Refuse]),
    ) {
        let schemas = Schemas::standard();
        let user = json!({"userName": "a", "active": true, "emails": [{"type": "work", "value": "a@x", "primary": true}, {"value": "b@x"}],
            "name": {"givenName": "A"}});
        let message = json!({"Operations": operations});
        let patch = Patch::parse(message.as_object().cloned().unwrap()).unwrap();
        if let Ok(patched) = patch.apply(&schemas, user.as_object().cloned().unwrap(), miss) {
            let admitted = schemas.admit(patched.attributes.clone()).unwrap();
            prop_assert_eq!(Value::Object(admitted.attributes), Value::Object(patched.attributes), "what is kept is valid as it is");
            prop_assert!(admitted.undeclared.is_empty());
        }
    }
}

/// Words of filters in any order, so that some of the texts are filters and most are nearly ones.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "userName",
        "name.familyName",
        "emails",
        " urn:ietf:params:scim:schemas:core:2.0:User:active",
        " eq ",
        " NE ",
        " gt ",
        " pr",
        " and ",
        " or ",
        "not (",
        "(",
        ")",
        "[",
        "]",
        "\"a \\\"b\\u00e9\"",
        "true",
        "null",
        "-1.5e3",
        "7",
        " ",
    ]);
    prop::collection::vec(word, 0..14).prop_map(|words| words.concat())
}

/// A filter with chains of one operator written flat: how they nest says nothing.
fn flat(filter: &Filter) -> String {
    fn chain(filter: &Filter, is_and: bool, terms: &mut Vec<String>) {
        match (filter, is_and) {
            (Filter::And(left, right), true) | (Filter::Or(left, right), false) => {
                chain(left, is_and, terms);
                chain(right, is_and, terms);
            }
            (other, _) => terms.push(flat(other)),
        }
    }
    let mut terms = Vec::new();
    match filter {
        Filter::And(..) => {
            chain(filter, true, &mut terms);
            format!("and({})", terms.join(", "))
        }
        Filter::Or(..) => {
            chain(filter, false, &mut terms);
            format!("or({})", terms.join(", "))
        }
        Filter::Not(inner) => format!("not({})", flat(inner)),
        Filter::Element(path, inner) => format!("{path}[{}]", flat(inner)),
        leaf => leaf.to_string(),
    }
}

/// What another implementation reads, and prints in its own way, means the same here.
fn agrees(text: &str) -> Result<bool, TestCaseError> {
    let Ok(theirs) = text.parse::<scim_v2::filter::Filter>() else {
        return Ok(false);
    };
    let ours = Filter::parse(text, Quotes::Required);
    let ours = ours.map_err(|error| TestCaseError::fail(format!("{text:?}: {}", error.detail)))?;
    let printed = theirs.to_string();
    let again = Filter::parse(&printed, Quotes::Required);
    let again = again.map_err(|error| TestCaseError::fail(format!("{printed:?}: {}", error.detail)))?;
    prop_assert_eq!(flat(&ours), flat(&again), "{}", text);
    Ok(true)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nearly_filters_are_read_as_another_implementation_reads_them(text in words()) {
        agrees(&text)?;
    }

    #[test]
    fn filters_are_read_as_another_implementation_reads_them(filter in filter()) {
        agrees(&filter.to_string())?;
    }
}

#[test]
fn the_other_implementation_reads_what_is_compared() {
    for text in [
        "userName eq \"a\" and not (active eq true or name.familyName pr)",
        "emails[type eq \"work\" and value co \"@x\"]",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"J\"",
        "meta.lastModified gt \"2011-05-13T04:42:34Z\"",
    ] {
        assert!(agrees(text).unwrap(), "{text}");
    }
}
