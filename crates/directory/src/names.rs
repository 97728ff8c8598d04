//! The names of a user: what the console shows, what the product behind uses, and how mail reaches the person.

use scim::{Object, schema::USER_PRINCIPAL_NAME};
use serde_json::Value;

/// Characters that no account name and no shown name has; each becomes `_`.
const REPLACED: [char; 7] = ['?', '*', '/', '\\', '<', '>', '\0'];

/// `text` with each of `? * / \ < >` replaced by `_`.
pub fn safe(text: &str) -> String {
    text.replace(REPLACED, "_")
}

/// The display name that follows from other attributes where none is given: given and family name, else
/// `name.formatted`.
pub fn derived_display_name(attributes: &Object) -> Option<String> {
    let name = attributes.get("name")?;
    let part = |key: &str| name.get(key).and_then(text);
    match (part("givenName"), part("familyName")) {
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => part("formatted").map(str::to_owned),
    }
}

/// The address that reaches the person: the primary one, else `work`, else the first, else `userName` if it is one.
pub fn email(attributes: &Object) -> Option<&str> {
    let emails: &[Value] = attributes
        .get("emails")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice);
    let address = |email: &&Value| email.get("value").and_then(text).is_some();
    let is_work = |email: &&Value| {
        email
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("work"))
    };
    let chosen = emails
        .iter()
        .filter(address)
        .find(|email| email.get("primary") == Some(&Value::Bool(true)))
        .or_else(|| emails.iter().filter(address).find(is_work))
        .or_else(|| emails.iter().find(address));
    match chosen {
        Some(email) => email.get("value").and_then(text),
        None => attributes
            .get("userName")
            .and_then(text)
            .filter(|name| is_address(name)),
    }
}

/// All addresses, in their order.
pub fn addresses(attributes: &Object) -> impl Iterator<Item = &str> {
    let emails: &[Value] = attributes
        .get("emails")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice);
    emails
        .iter()
        .filter_map(|email| email.get("value").and_then(text))
}

/// Where people look for somebody: names and addresses, which are texts that ignore case.
const SEARCHED: [(&str, Option<&str>); 8] = [
    ("userName", None),
    ("displayName", None),
    ("nickName", None),
    ("name", Some("formatted")),
    ("name", Some("givenName")),
    ("name", Some("middleName")),
    ("name", Some("familyName")),
    ("emails", Some("value")),
];

/// The values in which people look for somebody.
pub fn searched(attributes: &Object) -> impl Iterator<Item = &str> {
    SEARCHED.iter().flat_map(|&(name, sub)| {
        let values = match attributes.get(name) {
            None => &[][..],
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
        };
        let part = move |value| match sub {
            Some(sub) => Value::get(value, sub),
            None => Some(value),
        };
        values.iter().filter_map(part).filter_map(Value::as_str)
    })
}

/// Whether a core attribute's values are among those.
pub fn is_searched(name: &str, sub: Option<&str>) -> bool {
    let sub = sub.or(name.eq_ignore_ascii_case("emails").then_some("value"));
    SEARCHED.iter().any(|&(searched, of)| {
        searched.eq_ignore_ascii_case(name)
            && match (of, sub) {
                (Some(of), Some(sub)) => of.eq_ignore_ascii_case(sub),
                (of, sub) => of.is_none() && sub.is_none(),
            }
    })
}

/// `userPrincipalName`, at the top level or in any extension.
pub fn user_principal_name(attributes: &Object) -> Option<&str> {
    let in_extension = || {
        attributes
            .values()
            .filter_map(Value::as_object)
            .find_map(|object| object.get(USER_PRINCIPAL_NAME))
    };
    attributes
        .get(USER_PRINCIPAL_NAME)
        .or_else(in_extension)
        .and_then(text)
}

/// The text of a value that is assigned: not empty, blanks around it left out.
fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn is_address(text: &str) -> bool {
    text.rsplit_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn special_characters_become_underscores() {
        assert_eq!(safe(r"a?b*c/d\e<f>g@x.y"), "a_b_c_d_e_f_g@x.y");
    }

    #[test]
    fn the_display_name_follows_from_the_name() {
        let derived = |name: Value| derived_display_name(&object(json!({"name": name})));
        assert_eq!(
            derived(json!({"givenName": "Ava", "familyName": "Nguyen", "formatted": "x"})).unwrap(),
            "Ava Nguyen"
        );
        assert_eq!(
            derived(json!({"givenName": "", "formatted": "Ms Nguyen"})).unwrap(),
            "Ms Nguyen"
        );
        assert_eq!(derived(json!({"givenName": " "})), None);
    }

    #[test]
    fn the_address_is_primary_then_work_then_first_then_the_user_name() {
        let with =
            |emails: Value| email(&object(json!({"userName": "u@x.y", "emails": emails}))).map(str::to_owned);
        let (home, work) = (json!({"value": "h@x"}), json!({"value": "w@x", "type": "Work"}));
        assert_eq!(
            with(json!([home, work, {"value": "p@x", "primary": true}])).unwrap(),
            "p@x"
        );
        assert_eq!(with(json!([home, work])).unwrap(), "w@x");
        assert_eq!(with(json!([{"value": ""}, home])).unwrap(), "h@x");
        assert_eq!(with(json!([])).unwrap(), "u@x.y");
        assert_eq!(email(&object(json!({"userName": "plain"}))), None);
    }

    #[test]
    fn the_principal_name_is_found_in_any_extension() {
        assert_eq!(
            user_principal_name(&object(json!({"urn:x": {"userPrincipalName": "p@x"}}))),
            Some("p@x")
        );
        assert_eq!(user_principal_name(&object(json!({"userName": "u"}))), None);
    }
}
