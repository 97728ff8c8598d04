//! Mappings against people as identity providers send them.

use scim::schema::ENTERPRISE;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::{Name, Outcome};

fn mapping(name: &str, condition: Condition) -> Mapping {
    let outcome = Outcome {
        profile: Uuid::nil().into(),
        storage: Uuid::nil().into(),
        quota: None,
        activation_mail: false,
    };
    Mapping {
        id: Uuid::nil().into(),
        name: Name::parse(name).unwrap(),
        position: 1,
        condition,
        connections: vec![],
        outcome,
        since: None,
    }
}

fn attribute(path: &str, values: &[&str], case_sensitive: bool) -> Condition {
    let values = values.iter().map(|&value| value.to_owned()).collect();
    Condition::Attribute {
        path: AttributePath::parse(path).unwrap(),
        values,
        case_sensitive,
    }
}

/// The name of the mapping that decides for a request with `body`, `?` for unknown, or `-` for none.
fn verdict(mappings: &[Mapping], body: Value, carries: Carries) -> String {
    let schemas = Schemas::standard();
    let admitted = schemas.admit(body.as_object().cloned().unwrap()).unwrap();
    let subject = Subject {
        schemas: &schemas,
        connection: None,
        attributes: &admitted.attributes,
        undeclared: &admitted.undeclared,
        groups: &[],
        carries,
        kept: None,
    };
    match decide(mappings, &subject) {
        Verdict::Matched(mapping) => mapping.name.to_string(),
        Verdict::Unknown(mapping) => format!("?{}", mapping.name),
        Verdict::Unmatched(_) => "-".to_owned(),
    }
}

fn matches(path: &str, values: &[&str], body: Value) -> bool {
    verdict(
        &[mapping("m", attribute(path, values, false))],
        body,
        Carries::Everything,
    ) == "m"
}

#[test]
fn the_first_that_matches_decides() {
    let mappings = [
        mapping("Germany", attribute("countryCode", &["DE", "AT"], false)),
        mapping("Sales", attribute("department", &["Sales"], false)),
        mapping("Everyone", Condition::Any),
    ];
    assert_eq!(
        verdict(&mappings, json!({"countryCode": " at "}), Carries::Everything),
        "Germany"
    );
    assert_eq!(
        verdict(
            &mappings,
            json!({"countryCode": "FR", ENTERPRISE: {"department": "sales"}}),
            Carries::Everything
        ),
        "Sales"
    );
    assert_eq!(verdict(&mappings, json!({}), Carries::Everything), "Everyone");
    assert_eq!(
        verdict(&mappings[..2], json!({"countryCode": "FR"}), Carries::Everything),
        "-"
    );
}

#[test]
fn a_bare_name_is_found_wherever_it_is() {
    assert!(matches("title", &["Boss"], json!({"title": "boss"})));
    assert!(matches(
        "DEPARTMENT",
        &["Sales"],
        json!({ENTERPRISE: {"department": "Sales"}})
    ));
    assert!(matches(
        "badge",
        &["7"],
        json!({"urn:x:custom:2.0:User": {"Badge": 7}})
    ));
    assert!(matches("vip", &["true"], json!({"VIP": true})));
    assert!(matches(
        "urn:x:custom:2.0:User:badge",
        &["7"],
        json!({"urn:x:custom:2.0:User": {"badge": "7"}})
    ));
    assert!(matches(
        "manager.managerId",
        &["1"],
        json!({ENTERPRISE: {"manager": {"value": "m", "managerId": "1"}}})
    ));
}

#[test]
fn the_core_schema_comes_before_undeclared_keys_and_empty_values_are_passed_over() {
    assert!(!matches(
        "title",
        &["x"],
        json!({"title": "Boss", "urn:x": {"title": "x"}})
    ));
    assert!(matches(
        "title",
        &["x"],
        json!({"title": "", "urn:x": {"title": "x"}})
    ));
    assert!(!matches("title", &[""], json!({"title": ""})));
}

#[test]
fn any_value_of_many_may_match() {
    let body = json!({"emails": [{"value": "a@x"}, {"value": "b@y"}], "addresses": [{"locality": "Bonn"}, {"country": "DE"}],
        "roles": ["admin", "dev"]});
    assert!(matches("emails", &["b@y"], body.clone()) && matches("emails.value", &["b@y"], body.clone()));
    assert!(matches("addresses.country", &["DE"], body.clone()) && matches("roles", &["dev"], body));
}

#[test]
fn values_may_hold_commas_and_case_counts_on_request() {
    assert!(matches("org", &["Druva,ind"], json!({"org": "druva,IND"})));
    let exact = [mapping("m", attribute("org", &["Ind"], true))];
    assert_eq!(verdict(&exact, json!({"org": "Ind"}), Carries::Everything), "m");
    assert_eq!(verdict(&exact, json!({"org": "ind"}), Carries::Everything), "-");
}

#[test]
fn what_a_patch_does_not_carry_is_unknown_and_stops_the_search() {
    let mappings = [
        mapping("Germany", attribute("countryCode", &["DE"], false)),
        mapping("Everyone", Condition::Any),
    ];
    assert_eq!(
        verdict(&mappings, json!({"title": "x"}), Carries::Changes),
        "?Germany"
    );
    assert_eq!(
        verdict(&mappings, json!({"countryCode": "FR"}), Carries::Changes),
        "Everyone"
    );
    let kept = [
        mapping("Boss", attribute("title", &["Boss"], false)),
        mapping("Everyone", Condition::Any),
    ];
    assert_eq!(verdict(&kept, json!({}), Carries::Changes), "Everyone");
}

#[test]
fn a_filter_looks_where_an_attribute_condition_looks_and_unknown_is_not_false() {
    let filter = |text: &str| Condition::Filter {
        filter: scim::Filter::parse(text, scim::filter::Quotes::Required).unwrap(),
    };
    let sales = [
        mapping(
            "m",
            filter(r#"department eq "Sales" and not (countryCode eq "DE")"#),
        ),
        mapping("Everyone", Condition::Any),
    ];
    let of = |body: Value, carries| verdict(&sales, body, carries);
    assert_eq!(
        of(
            json!({"countryCode": "FR", ENTERPRISE: {"department": "sales"}}),
            Carries::Everything
        ),
        "m"
    );
    assert_eq!(
        of(
            json!({"countryCode": "de", ENTERPRISE: {"department": "Sales"}}),
            Carries::Everything
        ),
        "Everyone"
    );
    assert_eq!(
        of(json!({ENTERPRISE: {"department": "Sales"}}), Carries::Everything),
        "m"
    );
    assert_eq!(
        of(json!({ENTERPRISE: {"department": "Sales"}}), Carries::Changes),
        "?m"
    );
    assert_eq!(
        of(json!({ENTERPRISE: {"department": "Legal"}}), Carries::Changes),
        "Everyone",
        "false, whatever the rest"
    );
    let either = [mapping(
        "m",
        filter(r#"badge eq "7" or title pr or emails[type eq "work" and value ew "@x"]"#),
    )];
    for body in [
        json!({"urn:x:2.0:User": {"Badge": 7}}),
        json!({"title": "t"}),
        json!({"emails": [{"type": "work", "value": "a@X"}]}),
    ] {
        assert_eq!(verdict(&either, body, Carries::Everything), "m");
    }
    assert_eq!(
        verdict(
            &either,
            json!({"title": "", "emails": [{"type": "home", "value": "a@x"}]}),
            Carries::Everything
        ),
        "-"
    );
}

#[test]
fn what_can_never_match_is_seen() {
    let mut limited = mapping("limited", Condition::Any);
    limited.connections = vec![Uuid::max().into()];
    let mut below = limited.clone();
    below.condition = attribute("title", &["x"], false);
    let mappings = [
        limited,
        below,
        mapping("open", attribute("title", &["x"], false)),
        mapping("any", Condition::Any),
        mapping("last", Condition::Any),
    ];
    let above: Vec<_> = crate::shadowed(&mappings)
        .into_iter()
        .map(|above| above.map(|above| above.name.to_string()))
        .collect();
    assert_eq!(
        above,
        [
            None,
            Some("limited".to_owned()),
            None,
            None,
            Some("any".to_owned())
        ]
    );
}

#[test]
fn a_mapping_for_other_connections_is_passed_over() {
    let mut limited = mapping("Okta", Condition::Any);
    limited.connections = vec![Uuid::max().into()];
    assert_eq!(verdict(&[limited], json!({}), Carries::Everything), "-");
}

#[test]
fn a_miss_tells_what_was_looked_at_and_found() {
    let mappings = [
        mapping("a", attribute("countryCode", &["DE"], false)),
        mapping("b", attribute("title", &["x"], false)),
    ];
    let schemas = Schemas::standard();
    let undeclared = json!({"countryCode": "FR"}).as_object().cloned().unwrap();
    let subject = Subject {
        schemas: &schemas,
        connection: None,
        attributes: &Object::new(),
        undeclared: &undeclared,
        groups: &[],
        carries: Carries::Everything,
        kept: None,
    };
    let Verdict::Unmatched(looked) = decide(&mappings, &subject) else {
        panic!("matched")
    };
    assert_eq!(
        looked[0],
        Looked {
            attribute: "countryCode".into(),
            found: vec!["FR".into()],
            is_known: true
        }
    );
    assert_eq!(
        looked[1],
        Looked {
            attribute: "title".into(),
            found: vec![],
            is_known: true
        }
    );
}
