//! What bodies and answers look like (JSON Schema 2020-12). Answers are mostly texts as they are kept, so this is written and
//! not derived; the tests hold the server to it.

use serde_json::{Map, Value, json};

/// What a parameter of a path names.
pub(super) fn in_path(name: &str) -> &'static str {
    match name {
        "user" => "An id, userName, account name or e-mail address.",
        "group" => "An id or name.",
        "administrator" => "An id or e-mail address.",
        "report" => "One of provisioning, preserved, weekly, monthly, mappings and tokens.",
        "id" => "An id, as a list shows it.",
        _ => "A name, whatever its case.",
    }
}

/// A name that a server after its first run may have.
pub(super) fn example(path: &str, name: &str) -> Option<&'static str> {
    match (path.split('/').nth(1)?, name) {
        (_, "user") => Some("ava@example.com"),
        (_, "group") => Some("Engineers"),
        (_, "report") => Some("provisioning"),
        ("mappings", "name") => Some("Everyone"),
        ("connections" | "profiles" | "storages", "name") => Some("default"),
        _ => None,
    }
}

/// The schema and the meaning of a query's parameter.
pub(super) fn in_query(name: &str) -> (Value, &'static str) {
    match name {
        "after" => (
            text(),
            "Go on behind this cursor, which an answer gave as next; from the start without one.",
        ),
        "types" => (
            text(),
            "Types such as user.created, or user.* for all of a kind, with commas; all without.",
        ),
        "wait" => (
            json!({"type": "integer", "minimum": 0, "maximum": 30}),
            "Seconds to wait for what comes next, where there is nothing.",
        ),
        "limit" => (
            json!({"type": "integer", "minimum": 1, "maximum": 1000}),
            "The most in one answer.",
        ),
        "cursor" => (text(), "Go on behind this place, which an answer gave as next."),
        "search" => (
            text(),
            "Part of a name or address; the beginning of one where it has fewer than three letters.",
        ),
        "status" => (words(&["active", "held", "preserved"]), "What they are."),
        "hold" => (
            words(&["none", "administrator", "unmatched", "limit"]),
            "What Provost holds against the identity provider's word.",
        ),
        "storage" => (text(), "Name of the storage."),
        "mapping" => (text(), "Name of the mapping that placed them."),
        "legalHold" => (json!({"type": "boolean"}), "Only those whom nobody may purge."),
        "profile" => (text(), "Name of the profile that they have."),
        "connection" => (text(), "Name of the connection."),
        "format" => (
            words(&["json", "csv", "xlsx"]),
            "What it is written as; JSON where nothing is said.",
        ),
        "refused" => (json!({"type": "boolean"}), "Only those that were refused."),
        _ => (text(), ""),
    }
}

/// All schemas by their names.
pub(super) fn all() -> Value {
    let mut all = Map::new();
    for part in [
        shared(),
        people(),
        log(),
        settings(),
        mappings(),
        access(),
        persons(),
    ] {
        if let Value::Object(part) = part {
            all.extend(part);
        }
    }
    all.into()
}

fn shared() -> Value {
    json!({
        "Problem": answer(json!({
            "type": text(),
            "title": {"type": "string", "description": "The same for all of its kind."},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What was wrong, and what to do."},
        }), &[]),
        "Nothing": input(json!({}), &[]),
        "Id": {"type": "string", "format": "uuid"},
        "Time": {"type": "string", "format": "date-time"},
        "Next": {"type": ["string", "null"], "description": "Where to go on; null at the end."},
    })
}

fn people() -> Value {
    let decision =
        json!({"type": ["object", "null"], "description": "What a mapping decided, with the names of then."});
    json!({
        "User": answer(json!({
            "id": to("Id"), "userName": text(), "accountName": text(), "name": text(), "displayName": text(),
            "email": maybe_text(), "userPrincipalName": text(), "cloudIdentity": maybe_text(), "externalId": maybe_text(),
            "status": words(&["active", "held", "preserved"]),
            "idpState": words(&["active", "inactive", "absent"]),
            "hold": words(&["none", "administrator", "unmatched", "limit"]),
            "overridden": boolean(),
            "preservation": {"type": ["object", "null"], "description": "How it came to be preserved, and when it is purged."},
            "legalHold": boolean(), "profile": maybe_text(), "storage": maybe_text(),
            "quota": {"type": ["integer", "null"], "description": "Bytes; 0 is unlimited."},
            "decision": decision, "placementDoubt": {}, "pinned": {"type": "array", "items": text()},
            "managedBy": maybe_text(), "created": to("Time"), "lastModified": to("Time"),
            "version": integer(), "attributes": {"type": "object", "description": "SCIM attributes."},
        }), &[]),
        "UserPage": answer(json!({
            "users": list(to("User")), "next": to("Next"),
            "total": {"type": ["object", "null"], "required": ["count", "isCapped"], "properties": {
                "count": integer(), "isCapped": {"type": "boolean", "description": "There are more: it is counted no further."},
            }, "description": "How many there are in all; null where nobody can say without looking at each."},
        }), &[]),
        "NewUser": input(json!({
            "attributes": {"type": "object", "description": "SCIM attributes; userName is needed."},
            "place": to("Place"),
        }), &["attributes"]),
        "Place": input(json!({
            "profile": {"type": "string"}, "storage": {"type": "string"},
            "quota": {"type": ["integer", "null"], "minimum": 0, "description": "Bytes; 0 is unlimited, null follows the profile's."},
        }), &[]),
        "Activation": input(json!({
            "override": {"type": "boolean", "description": "Also where the identity provider says inactive, until its next word."},
        }), &[]),
        "Transfer": input(json!({"connection": text()}), &["connection"]),
        "Reports": answer(json!({"reports": list(json!({
            "type": "object", "properties": {"name": text(), "title": text(), "summary": text()}, "required": ["name", "title", "summary"],
        }))}), &[]),
        "ReportRows": list(json!({"type": "object", "description": "A row: the report's columns by their names."})),
        "Resolution": input(json!({"person": words(&["same", "another"])}), &["person"]),
        "Farewell": input(json!({"reason": {"type": "string", "minLength": 10, "maxLength": 150}}), &["reason"]),
        "Purged": answer(json!({"purged": to("Id")}), &[]),
        "Namesakes": answer(json!({"namesakes": list(json!({
            "type": "object", "properties": {"former": to("User"), "present": to("User")}, "required": ["former", "present"],
        }))}), &[]),
        "Bulk": input(json!({
            "action": words(&["preserve", "activate", "place", "unpin", "delete"]),
            "users": {"type": "array", "items": to("Id"), "maxItems": 500},
            "filter": {"type": "object", "additionalProperties": false, "description": "As GET /users takes it.", "properties": {
                "search": text(), "status": words(&["active", "held", "preserved"]), "profile": text(), "cursor": text(),
                "hold": words(&["none", "administrator", "unmatched", "limit"]), "storage": text(), "mapping": text(),
                "connection": text(), "legalHold": {"type": "boolean"},
                "limit": {"type": "integer", "minimum": 1},
            }},
            "place": to("Place"), "reason": text(), "dryRun": boolean(),
        }), &["action"]),
        "BulkOutcome": answer(json!({
            "done": integer(), "next": to("Next"),
            "refused": list(json!({"type": "object", "properties": {"id": to("Id"), "detail": text()}, "required": ["id", "detail"]})),
            "meant": list(to("Id")),
        }), &["done", "refused", "meant"]),
        "Explanation": answer(json!({"mappings": list(json!({
            "type": "object", "required": ["position", "mapping", "condition", "answer", "decides", "because"], "properties": {
                "position": integer(), "mapping": text(), "condition": text(),
                "answer": words(&["matched", "not matched", "unknown", "other connection"]),
                "decides": boolean(), "because": text(),
            },
        }))}), &[]),
        "Group": answer(json!({
            "id": to("Id"), "displayName": text(), "externalId": maybe_text(), "connection": maybe_text(), "created": to("Time"),
            "lastModified": to("Time"), "members": list(to("Id")), "hasMore": boolean(),
        }), &["members", "hasMore"]),
        "GroupPage": page("groups", "Group"),
    })
}

fn log() -> Value {
    json!({
        "Event": answer(json!({
            "id": {"type": "string", "description": "Its cursor."}, "type": text(), "time": to("Time"), "actor": text(),
            "user": {"type": ["string", "null"]}, "requestId": to("Id"),
            "acknowledged": list(json!({"type": "object", "required": ["consumer", "at", "secondsAfter"], "properties": {
                "consumer": text(), "at": to("Time"), "secondsAfter": {"type": "number"},
            }})),
            "data": {"type": "object", "description": "What it is about as it was then; before holds what was there before of what changed."},
        }), &["acknowledged"]),
        "Done": input(json!({"events": {"type": "array", "items": text(), "maxItems": 1000, "description": "Their ids."}}), &["events"]),
        "EventPage": answer(json!({"events": list(to("Event")), "next": text(), "hasMore": boolean()}), &[]),
        "Exchange": answer(json!({
            "id": to("Id"), "connection": maybe_text(), "user": {"type": ["string", "null"]}, "userName": maybe_text(),
            "status": integer(), "at": to("Time"), "method": text(), "path": text(), "micros": integer(), "address": text(),
            "agent": text(), "reason": text(), "scimType": text(), "notes": list(text()), "bodyBytes": integer(),
            "body": {"type": "object", "description": "As it came; secrets and values of undeclared attributes are left out."},
            "purged": boolean(),
        }), &["address", "agent", "reason", "scimType", "notes", "bodyBytes", "body", "purged"]),
        "ExchangePage": answer(json!({
            "exchanges": list(to("Exchange")), "next": to("Next"),
            "dropped": {"type": "integer", "description": "How many were never written, because there were too many at once."},
        }), &[]),
        "Refusal": answer(json!({
            "id": to("Id"), "connection": maybe_text(), "user": {"type": ["string", "null"]}, "userName": text(),
            "since": to("Time"), "last": to("Time"), "times": integer(), "status": integer(), "reason": text(), "exchange": to("Id"),
            "wouldAdmit": {"type": ["string", "null"], "description": "The mapping that would place the person now."},
        }), &[]),
        "RefusalPage": page("refusals", "Refusal"),
    })
}

fn settings() -> Value {
    let connection = json!({
        "name": text(),
        "kind": words(&["okta", "entra", "onelogin", "jumpcloud", "ping", "google", "authentik", "keycloak", "other"]),
        "unmatched": words(&["refuse", "hold"]), "noTarget": words(&["create", "refuse"]),
    });
    let profile = json!({
        "name": text(),
        "maxUsers": {"type": ["integer", "null"], "minimum": 0, "description": "The most active users; 0 is any number."},
        "quota": {"type": ["integer", "null"], "minimum": 0, "description": "Bytes; 0 is unlimited."},
        "purgeDays": {"type": ["integer", "null"], "minimum": 0, "maximum": 36_500,
                      "description": "Days until a preserved user is purged; 0 is never."},
        "settings": {"type": ["object", "null"], "description": "Free-form, for the product behind."},
    });
    let storage = json!({"name": text(), "region": text()});
    let tenant = json!({
        "name": text(), "requireDisplayName": boolean(), "uniqueEmail": boolean(), "cloudIdentity": words(&["email", "upn"]),
        "reclassify": words(&["on_update", "on_create"]),
        "maxActiveUsers": {"type": ["integer", "null"], "minimum": 0, "description": "0 is any number."},
        "overLimit": words(&["refuse", "hold"]),
        "acceptNewExternalIdsUntil": {"type": ["string", "null"], "format": "date-time"},
        "logDays": {"type": "integer", "minimum": 1, "maximum": 365},
        "leaverAlarmPercent": {"type": "integer", "minimum": 0, "maximum": 100},
        "maxRequestsPerSecond": {"type": ["integer", "null"], "minimum": 0, "maximum": 4_294_967_295_u32,
                                 "description": "Of identity providers, at least 50; 0 is any number."},
    });
    let attribute = json!({"name": text(), "urn": text(), "type": words(&["string", "boolean", "decimal", "integer", "dateTime", "reference", "binary"])});
    json!({
        "Connection": with_id(&connection),
        "Connections": all_of("connections", "Connection"),
        "NewConnection": input(json!({"name": connection["name"], "kind": connection["kind"]}), &["name"]),
        "ConnectionChange": input(connection, &[]),
        "Health": answer(json!({
            "connection": text(), "lastCall": maybe_text(), "callsLastDay": integer(), "errorsLastDay": integer(),
            "agent": maybe_text(), "recognised": maybe_text(), "usualSilenceHours": {"type": ["integer", "null"]},
            "isSilent": boolean(), "lastRefusal": {"type": ["object", "null"]}, "tokenEnds": maybe_text(),
            "tokenDaysLeft": {"type": ["integer", "null"]}, "alarm": {"type": ["object", "null"]},
            "hours": list(json!({"type": "object", "required": ["hour", "calls", "errors"], "properties": {
                "hour": to("Time"), "calls": integer(), "errors": integer(),
            }})),
            "concerns": {"type": "array", "items": text(), "description": "What to look at, in sentences."},
        }), &[]),
        "Released": answer(json!({"released": integer()}), &[]),
        "Profile": {
            "type": "object", "required": ["id", "name", "maxUsers", "quota", "purgeDays", "settings"],
            "properties": merged(&merged(&profile, &json!({"id": to("Id")})), &json!({"users": integer(), "activeUsers": integer()})),
        },
        "Profiles": all_of("profiles", "Profile"),
        "NewProfile": input(profile.clone(), &["name"]),
        "ProfileChange": input(profile, &[]),
        "Storage": {
            "type": "object", "required": ["id", "name", "region"],
            "properties": merged(&storage, &json!({"id": to("Id"), "users": integer()})),
        },
        "Storages": all_of("storages", "Storage"),
        "NewStorage": input(storage.clone(), &["name"]),
        "StorageChange": input(storage, &[]),
        "Tenant": with_id(&tenant),
        "TenantChange": input(tenant, &[]),
        "Attribute": answer(json!({"id": to("Id"), "name": text(), "urn": text(), "kind": text()}), &[]),
        "Attributes": all_of("attributes", "Attribute"),
        "NewAttribute": input(attribute, &["name"]),
    })
}

fn mappings() -> Value {
    let said = json!({
        "name": text(), "condition": to("Condition"), "connections": list(text()), "profile": text(), "storage": text(),
        "quota": {"type": ["integer", "null"], "minimum": 0, "description": "Bytes; null follows the profile's."},
        "activationMail": boolean(),
        "at": {"type": "integer", "minimum": 0, "maximum": 4_294_967_295_u32, "description": "Its place, from 1."},
    });
    json!({
        "Condition": {"type": "object", "required": ["kind"], "properties": {
            "kind": words(&["any", "attribute", "group", "filter"]), "path": text(), "values": list(text()),
            "caseSensitive": boolean(), "groups": list(to("Id")), "filter": text(),
        }, "description": "any; attribute with path, values and caseSensitive; group with ids; filter with a SCIM filter."},
        "Mapping": answer(json!({
            "id": to("Id"), "name": text(), "position": integer(), "condition": to("Condition"), "inWords": text(),
            "connections": list(text()), "profile": maybe_text(), "storage": maybe_text(), "quota": {"type": ["integer", "null"]},
            "activationMail": boolean(), "users": integer(),
            "hiddenBy": {"type": ["string", "null"], "description": "The mapping above that leaves nobody to it."},
        }), &["hiddenBy"]),
        "Mappings": all_of("mappings", "Mapping"),
        "NewMapping": input(said.clone(), &["name", "condition", "profile", "storage"]),
        "MappingChange": input(said.clone(), &[]),
        "MappingOrder": input(json!({"names": list(text())}), &["names"]),
        "MappingDraft": input(json!({"mappings": {"type": ["array", "null"], "items": input(said, &["name", "condition", "profile", "storage"])}}), &[]),
        "Trial": input(json!({"user": {"type": "object"}, "connection": maybe_text()}), &["user"]),
        "Preview": answer(json!({
            "moved": integer(), "admitted": integer(), "marked": integer(), "unknown": integer(), "stay": integer(),
            "changes": list(json!({"type": "object"})),
        }), &[]),
        "ApplyFrom": input(json!({"cursor": maybe_text()}), &[]),
        "Applied": answer(json!({"changed": integer(), "next": to("Next")}), &[]),
    })
}

fn persons() -> Value {
    let administrator = json!({
        "id": to("Id"), "email": text(), "name": text(), "role": words(&["owner", "manager", "helpdesk", "auditor"]),
        "profiles": {"type": ["array", "null"], "items": text(), "description": "The profiles whose users it deals with; null is all."},
        "hasJoined": boolean(), "hasCodes": boolean(), "recoveryCodesLeft": integer(), "invitationEnds": maybe_text(),
        "created": to("Time"), "lastSeen": maybe_text(),
    });
    let secret = json!({"secret": {"type": "string", "description": "The invitation; shown once."}});
    let said = json!({
        "name": maybe_text(), "role": administrator["role"],
        "profiles": {"type": ["array", "null"], "items": text(), "description": "Names; null is all."},
    });
    let password = json!({"type": "string", "minLength": 1, "maxLength": 1000});
    json!({
        "Administrator": answer(administrator.clone(), &[]),
        "Administrators": all_of("administrators", "Administrator"),
        "InvitedAdministrator": answer(merged(&administrator, &secret), &["secret"]),
        "NewAdministrator": input(merged(&said, &json!({"email": text()})), &["email", "role"]),
        "AdministratorChange": input(said, &[]),
        "Acceptance": input(json!({
            "invitation": text(), "password": password,
            "email": {"type": ["string", "null"], "description": "Where the invitation names none: that of the first owner."},
        }), &["invitation", "password"]),
        "Credentials": input(json!({
            "tenant": maybe_text(), "email": text(), "password": password,
            "code": {"type": ["string", "null"], "description": "A one-time code, or a recovery code."},
        }), &["email", "password"]),
        "SignedIn": answer(json!({
            "administrator": to("Administrator"), "ends": to("Time"),
            "csrf": {"type": "string", "description": "What requests that change something repeat as X-CSRF-Token."},
        }), &[]),
        "NewPassword": input(json!({"current": password, "new": password}), &["current", "new"]),
        "Proposal": answer(json!({"secret": text(), "link": {"type": "string", "description": "For a QR code."}}), &[]),
        "Confirmation": input(json!({"password": password, "secret": text(), "code": text()}), &["password", "secret", "code"]),
        "RecoveryCodes": answer(json!({"recoveryCodes": list(text())}), &[]),
        "PasswordAgain": input(json!({"password": password}), &["password"]),
        "Sessions": answer(json!({"sessions": list(json!({
            "type": "object", "required": ["id", "created", "seen", "ends", "address", "agent", "isThis"], "properties": {
                "id": to("Id"), "created": to("Time"), "seen": to("Time"), "ends": to("Time"), "address": text(),
                "agent": text(), "isThis": boolean(),
            },
        }))}), &[]),
    })
}

fn access() -> Value {
    let token = json!({
        "id": to("Id"), "connection": maybe_text(), "state": words(&["live", "expired", "revoked"]), "created": to("Time"),
        "expires": to("Time"), "revoked": maybe_text(), "lastUsed": maybe_text(),
    });
    let key = json!({
        "id": to("Id"), "name": text(), "role": words(&["owner", "manager", "helpdesk", "auditor"]), "created": to("Time"),
        "expires": to("Time"), "revoked": maybe_text(), "lastUsed": maybe_text(),
    });
    let secret = json!({"secret": {"type": "string", "description": "Shown once."}});
    json!({
        "Token": answer(token.clone(), &[]),
        "Tokens": all_of("tokens", "Token"),
        "Lifetime": input(json!({
            "days": {"type": "integer", "minimum": 1, "maximum": 730}, "graceDays": {"type": "integer", "minimum": 0, "maximum": 30},
        }), &[]),
        "NewToken": answer(merged(&token, &secret), &["secret"]),
        "Key": answer(key.clone(), &[]),
        "Keys": all_of("keys", "Key"),
        "NewKey": input(json!({
            "name": text(), "role": key["role"], "days": {"type": "integer", "minimum": 1, "maximum": 730},
        }), &["name", "role"]),
        "MadeKey": answer(merged(&key, &secret), &["secret"]),
    })
}

fn text() -> Value {
    json!({"type": "string"})
}

fn maybe_text() -> Value {
    json!({"type": ["string", "null"]})
}

fn integer() -> Value {
    json!({"type": "integer"})
}

fn boolean() -> Value {
    json!({"type": "boolean"})
}

fn words(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn to(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// An object of the server's: it has all its members, but for `optional` ones.
fn answer(properties: Value, optional: &[&str]) -> Value {
    let names = properties.as_object().into_iter().flat_map(Map::keys);
    let required: Vec<_> = names
        .filter(|name| !optional.contains(&name.as_str()))
        .cloned()
        .collect();
    json!({"type": "object", "required": required, "properties": properties})
}

/// An object of the caller's: it has no other members.
fn input(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

fn with_id(properties: &Value) -> Value {
    answer(merged(properties, &json!({"id": to("Id")})), &[])
}

fn page(name: &str, of: &str) -> Value {
    answer(json!({name: list(to(of)), "next": to("Next")}), &[])
}

fn all_of(name: &str, of: &str) -> Value {
    answer(json!({name: list(to(of))}), &[])
}

fn merged(one: &Value, other: &Value) -> Value {
    let mut all = Map::new();
    for part in [one, other] {
        all.extend(
            part.as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
    }
    all.into()
}
