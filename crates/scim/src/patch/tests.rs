//! One test a shape that an identity provider sends.

use serde_json::{Value, json};

use crate::schema::{ENTERPRISE, Schemas};
use crate::{Error, Kind, Miss, Object, Patch, Patched};

fn object(value: Value) -> Object {
    value.as_object().cloned().unwrap()
}

fn run(on: Value, operations: Value) -> Result<Patched, Error> {
    Patch::parse(object(json!({"Operations": operations})))?.apply(
        &Schemas::standard(),
        object(on),
        Miss::Create,
    )
}

fn patched(on: Value, operations: Value) -> Value {
    Value::Object(run(on, operations).unwrap().attributes)
}

#[test]
fn okta_deactivates_without_a_path() {
    let after = patched(
        json!({"active": true}),
        json!([{"op": "replace", "value": {"active": false}}]),
    );
    assert_eq!(after, json!({"active": false}));
}

#[test]
fn entra_sends_capital_verbs_and_text_booleans() {
    let after = patched(
        json!({"active": true}),
        json!([{"op": "Replace", "path": "active", "value": "False"}]),
    );
    assert_eq!(after, json!({"active": false}));
}

#[test]
fn dotted_and_urn_keys_are_paths() {
    let value = json!({"displayName": "B", "name.givenName": "K", "id": "x", "schemas": [], "meta": {},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "7", ENTERPRISE: {"division": "D"}});
    let after = patched(
        json!({"name": {"familyName": "F"}}),
        json!([{"op": "replace", "value": value}]),
    );
    assert_eq!(
        after,
        json!({"name": {"familyName": "F", "givenName": "K"}, "displayName": "B",
            ENTERPRISE: {"employeeNumber": "7", "division": "D"}})
    );
}

#[test]
fn a_value_path_without_a_match_creates_the_element() {
    let after = patched(
        json!({}),
        json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "a@b.c"},
            {"op": "add", "path": "roles[primary eq \"True\"].display", "value": "R"},
            {"op": "add", "path": "roles[primary eq \"True\"].value", "value": "v"}]),
    );
    assert_eq!(
        after,
        json!({"emails": [{"type": "work", "value": "a@b.c"}], "roles": [{"primary": true, "display": "R", "value": "v"}]})
    );
}

#[test]
fn a_filter_that_describes_nothing_has_no_target() {
    let error = run(
        json!({}),
        json!([{"op": "replace", "path": "emails[value co \"x\"].value", "value": "y"}]),
    )
    .unwrap_err();
    assert_eq!(error.kind, Kind::NoTarget);
    assert!(error.detail.starts_with("Operation 1: emails[value co"));
}

#[test]
fn a_manager_comes_in_every_shape_and_goes_with_an_empty_value() {
    let path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    let with = json!({ENTERPRISE: {"manager": {"value": "m"}}});
    assert_eq!(
        patched(
            json!({}),
            json!([{"op": "Add", "path": "manager", "value": [{"value": "m"}]}])
        ),
        with
    );
    assert_eq!(
        patched(json!({}), json!([{"op": "add", "path": path, "value": "m"}])),
        with
    );
    assert_eq!(
        patched(
            with.clone(),
            json!([{"op": "replace", "path": path, "value": {"value": ""}}])
        ),
        json!({})
    );
    assert_eq!(
        patched(with, json!([{"op": "remove", "path": ENTERPRISE}])),
        json!({})
    );
}

#[test]
fn adding_completes_a_twin_and_primary_moves() {
    let on = json!({"emails": [{"value": "a", "type": "work", "primary": true}]});
    let value = json!([{"value": "a"}, {"value": "b", "type": "home", "primary": true}]);
    assert_eq!(
        patched(on, json!([{"op": "add", "path": "emails", "value": value}])),
        json!({"emails": [{"value": "a", "type": "work", "primary": false}, {"value": "b", "type": "home", "primary": true}]})
    );
}

#[test]
fn removing_takes_what_is_named_and_no_more() {
    let on = json!({"title": "t", "phoneNumbers": [{"value": "1", "type": "work"}, {"value": "2", "type": "home"}]});
    let after = patched(
        on.clone(),
        json!([{"op": "remove", "path": "phoneNumbers[type eq \"home\"]"}, {"op": "Remove", "path": "title"}]),
    );
    assert_eq!(after, json!({"phoneNumbers": [{"value": "1", "type": "work"}]}));
    let after = patched(
        on,
        json!([{"op": "Remove", "path": "phoneNumbers", "value": [{"value": "1"}]}]),
    );
    assert_eq!(after["phoneNumbers"], json!([{"value": "2", "type": "home"}]));
}

#[test]
fn read_only_is_refused_by_path_and_passed_over_in_an_echo() {
    let error = run(
        json!({}),
        json!([{"op": "replace", "path": "meta.created", "value": "x"}]),
    )
    .unwrap_err();
    assert_eq!(error.kind, Kind::Mutability);
    assert_eq!(
        patched(
            json!({"title": "t"}),
            json!([{"op": "replace", "value": {"id": "x", "groups": []}}])
        ),
        json!({"title": "t"})
    );
}

#[test]
fn a_part_given_null_goes() {
    let on = json!({"name": {"givenName": "G", "familyName": "F"}, "title": "t"});
    let after = patched(
        on,
        json!([{"op": "replace", "value": {"name": {"givenName": null}, "title": null}}]),
    );
    assert_eq!(after, json!({"name": {"familyName": "F"}}));
}

#[test]
fn custom_attributes_are_set_aside_and_the_principal_name_is_kept() {
    let operations = json!([{"op": "replace", "path": "countryCode", "value": "DE"},
        {"op": "add", "value": {"urn:x:custom:2.0:User": {"shoe": 42, "userPrincipalName": "p"}}}]);
    let patched = run(json!({}), operations).unwrap();
    assert_eq!(
        Value::Object(patched.undeclared),
        json!({"countryCode": "DE", "urn:x:custom:2.0:User": {"shoe": 42}})
    );
    assert_eq!(
        Value::Object(patched.attributes),
        json!({"urn:x:custom:2.0:User": {"userPrincipalName": "p"}})
    );
}

#[test]
fn malformed_messages_say_what_is_wrong() {
    let detail = |body: Value| Patch::parse(object(body)).unwrap_err().detail;
    assert!(detail(json!({})).contains("needs \"Operations\""));
    assert!(detail(json!({"Operations": [{"op": "move"}]})).contains("Operation 1: \"op\" must be"));
    assert!(detail(json!({"operations": []})).contains("1 to 200 operations"));
    let error = run(json!({}), json!([{"op": "remove"}])).unwrap_err();
    assert_eq!(error.kind, Kind::NoTarget);
    let error = run(
        json!({}),
        json!([{"op": "add", "path": "emails[type eq", "value": 1}]),
    )
    .unwrap_err();
    assert_eq!(error.kind, Kind::InvalidPath);
    let error = run(
        json!({}),
        json!([{"op": "replace", "path": "name.shoe", "value": 1}]),
    )
    .unwrap_err();
    assert_eq!(error.kind, Kind::InvalidPath);
}

#[test]
fn hostile_messages_end_quickly() {
    let long = format!("emails[{}a pr]", "a pr or ".repeat(100_000));
    let error = run(json!({}), json!([{"op": "remove", "path": long}])).unwrap_err();
    assert_eq!(error.kind, Kind::InvalidPath);
    let many: Vec<_> = (0..50_000).map(|n| json!({"value": format!("{n}")})).collect();
    let after = patched(
        json!({}),
        json!([{"op": "add", "path": "roles", "value": many}, {"op": "add", "path": "roles", "value": many},
            {"op": "remove", "path": "roles", "value": many[1..]}]),
    );
    assert_eq!(after, json!({"roles": [{"value": "0"}]}));
}

#[test]
fn a_key_that_is_no_path_is_set_aside_as_in_a_create() {
    let operations = json!([{"op": "replace", "value": {"active": false, "Cost Centre": "x"}}]);
    let patched = run(json!({"active": true}), operations).unwrap();
    assert_eq!(Value::Object(patched.attributes), json!({"active": false}));
    assert_eq!(patched.undeclared["Cost Centre"], "x");
}
