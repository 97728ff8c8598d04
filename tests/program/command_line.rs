//! Settings, people and the report on the command line, while the server runs on the same database.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use testkit::{ENTERPRISE, person};

use crate::{json, program};

#[tokio::test]
async fn an_administrator_sets_up_mappings_and_reads_the_report() {
    let program = program();
    let serving = program.serve(&[]);
    program.stdout(&[
        "profile",
        "add",
        "Germany",
        "--max-users",
        "100",
        "--quota",
        "50GB",
        "--purge-days",
        "90",
    ]);
    program.stdout(&["storage", "add", "Frankfurt", "--region", "eu-central-1"]);
    let mapping = [
        "mapping",
        "add",
        "German staff",
        "--attribute",
        "countryCode",
        "--value",
        "DE",
        "--value",
        "AT",
        "--profile",
    ];
    program.stdout(&[&mapping[..], &["Germany", "--storage", "Frankfurt"]].concat());
    let listed = program.stdout(&["mapping", "list"]);
    assert!(
        listed.contains("countryCode is \"DE\" or \"AT\"") && listed.contains("any user"),
        "{listed}"
    );

    let mut german = person("ava");
    german["countryCode"] = json!("de");
    german["displayName"] = json!("=HYPERLINK(\"http://evil\")");
    serving.client.create(&german).await;
    let bob = serving.client.create(&person("bob")).await;
    serving
        .client
        .delete(&format!("/Users/{}", bob["id"].as_str().unwrap()))
        .await;

    let rows = json(&program.stdout(&["report", "provisioning", "--format", "json"]));
    let ava = &rows[0];
    for (column, value) in [
        ("userName", "ava@example.com"),
        ("name", "=HYPERLINK(\"http:__evil\")"),
        ("email", "ava@example.com"),
        ("userPrincipalName", "=HYPERLINK(\"http://evil\")"),
        ("profile", "Germany"),
        ("storage", "Frankfurt"),
        ("status", "active"),
        ("hold", "none"),
        ("mapping", "German staff"),
        ("managedBy", "default"),
    ] {
        assert_eq!(ava[column], value, "{column}");
    }
    assert_eq!(ava["quota"], 50_000_000_000_u64);
    assert_eq!(rows[1]["status"], "preserved");
    assert_eq!(
        (&rows[1]["preservedBy"], &rows[1]["mapping"]),
        (&json!("default"), &json!("Everyone"))
    );

    let csv = program.stdout(&["report", "provisioning", "--format", "csv"]);
    let lines: Vec<_> = csv.split("\r\n").collect();
    assert!(
        lines[0].starts_with("User name,Name,E-mail,UPN,Profile,Storage,Quota,Status,Hold,"),
        "{csv}"
    );
    assert!(
        lines[1].contains(",\"'=HYPERLINK(\"\"http:__evil\"\")\","),
        "no spreadsheet runs it: {csv}"
    );
    assert_eq!(lines.len(), 4, "a line ends with CRLF");
    let table = program.stdout(&["report", "provisioning"]);
    assert!(table.contains("USER NAME") && table.contains("50 GB"), "{table}");
}

#[tokio::test]
async fn a_user_is_found_by_every_name_and_shown_as_the_api_shows_it() {
    let program = program();
    let serving = program.serve(&[]);
    let mut sent = person("ava");
    sent["userName"] = json!("ava/nguyen");
    sent["emails"] = json!([{"value": "ava@example.com"}, {"value": "second@example.com"}]);
    sent[ENTERPRISE] = json!({"department": "Sales"});
    let user = serving.client.create(&sent).await;
    let id = user["id"].as_str().unwrap();
    for name in [
        "ava/nguyen",
        "AVA_Nguyen",
        "ava@example.com",
        "second@example.com",
        id,
    ] {
        let shown = json(&program.stdout(&["user", "show", name, "--json"]));
        assert_eq!(shown["id"], id, "{name}");
        assert_eq!(shown["attributes"][ENTERPRISE]["department"], "Sales");
    }
    assert!(
        program
            .stdout(&["user", "show", "ava/nguyen"])
            .contains("Everyone on 20")
    );

    program.stdout(&["user", "preserve", "ava/nguyen"]);
    let shown = json(&program.stdout(&["user", "show", id, "--json"]));
    assert_eq!(
        (&shown["status"], &shown["hold"]),
        (&json!("preserved"), &json!("administrator"))
    );
    assert_eq!(shown["preservation"]["by"], "command line");
    let listed = json(&program.stdout(&["user", "list", "--status", "preserved", "--json"]));
    assert_eq!(listed[0], shown, "one shape for one thing");
    program.stdout(&["user", "activate", id]);
    assert_eq!(
        json(&program.stdout(&["user", "list", "--status", "preserved", "--json"])),
        json!([])
    );
}

#[tokio::test]
async fn tokens_are_made_rotated_and_revoked_while_the_server_runs() {
    let program = program();
    let serving = program.serve(&[]);
    program.stdout(&["connection", "add", "Okta", "--kind", "okta"]);
    let create = ["token", "create", "--connection", "Okta"];
    let first = program.stdout(&create);
    let second = program.stdout(&create);
    assert_eq!(first.trim().len(), 53, "the token alone: {first}");
    let speak = |token: &str| {
        let request = serving
            .client
            .bare(reqwest::Method::GET, &format!("{}/Users", serving.client.base));
        let request = request.bearer_auth(token.trim());
        async { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(
        (speak(&first).await, speak(&second).await),
        (200, 200),
        "a rotation stops nothing"
    );
    let refused = program.refused(4, &create);
    assert!(refused.contains("two live tokens"), "{refused}");

    let listed = json(&program.stdout(&["token", "list", "--json"]));
    let of_okta: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|token| token["connection"] == "Okta")
        .collect();
    program.stdout(&["token", "revoke", of_okta[0]["id"].as_str().unwrap()]);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(
        (speak(&first).await, speak(&second).await),
        (401, 200),
        "dead within a second"
    );
    assert_eq!(serving.stop(), Some(0));
    let listed = json(&program.stdout(&["token", "list", "--json"]));
    assert!(
        listed
            .as_array()
            .unwrap()
            .iter()
            .any(|token| token["lastUsed"].is_string()),
        "{listed}"
    );
}

#[test]
fn what_is_in_use_stays_and_what_is_unknown_is_said_with_what_there_is() {
    let program = program();
    drop(program.serve(&[]));
    let refused = program.refused(4, &["profile", "remove", "default"]);
    assert!(
        refused.contains("in use by the mapping \"Everyone\""),
        "{refused}"
    );
    let refused = program.refused(4, &["storage", "remove", "default"]);
    assert!(refused.contains("in use"), "{refused}");
    let refused = program.refused(3, &["profile", "set", "Germoney", "--quota", "5GB"]);
    assert!(
        refused.contains("There is no profile \"Germoney\". There is: default."),
        "{refused}"
    );
    let refused = program.refused(3, &["user", "show", "nobody@example.com"]);
    assert!(refused.contains("nobody@example.com"), "{refused}");
    let refused = program.refused(4, &["profile", "add", "DEFAULT"]);
    assert!(
        refused.contains("There is a profile \"DEFAULT\" already"),
        "{refused}"
    );
    let refused = program.refused(3, &["user", "list", "--tenant", "acme"]);
    assert!(refused.contains("There is no tenant \"acme\""), "{refused}");
    let refused = program.refused(2, &["profile", "add", "x", "--quota", "many"]);
    assert!(refused.contains("50GB"), "{refused}");
    program.refused(
        2,
        &[
            "mapping",
            "add",
            "x",
            "--profile",
            "default",
            "--storage",
            "default",
        ],
    );
    program.refused(2, &["mapping", "add", "x", "--value", "DE"]);
}

#[test]
fn doctor_says_what_is_wrong_and_what_to_do() {
    let program = program();
    drop(program.serve(&[]));
    assert!(
        program
            .stdout(&["doctor"])
            .contains("every answer waits for the disk")
    );
    program.stdout(&[
        "mapping",
        "add",
        "Late",
        "--attribute",
        "a",
        "--value",
        "b",
        "--profile",
        "default",
        "--storage",
        "default",
        "--at",
        "9",
    ]);
    let tokens = json(&program.stdout(&["token", "list", "--json"]));
    program.stdout(&["token", "revoke", tokens[0]["id"].as_str().unwrap()]);
    let output = program.run(&["doctor"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("provost mapping move \"Late\"") && text.contains("provost token create"),
        "{text}"
    );
}

#[tokio::test]
async fn what_comes_from_outside_cannot_command_a_terminal_or_ruin_a_table() {
    let program = program();
    let serving = program.serve(&[]);
    let mut sent = person("ava");
    sent["userName"] = json!("\u{1b}[31mred\u{7}\nline");
    sent["displayName"] = json!("x".repeat(5_000));
    serving.client.create(&sent).await;
    let user = serving.client.find("externalId eq \"00u-ava\"").await;
    let id = user[0]["id"].as_str().unwrap();
    for command in [
        &["user", "list"][..],
        &["user", "show", id],
        &["report", "provisioning"],
        &["report", "provisioning", "--format", "csv"],
    ] {
        let text = program.stdout(command);
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{command:?}");
        assert!(text.contains("\\u001b[31mred\\u0007"), "{text}");
    }
    let widest = program.stdout(&["user", "list"]).lines().map(str::len).max();
    assert!(widest.unwrap() < 400, "{widest:?}");
}

#[tokio::test]
async fn a_declaration_that_is_taken_back_takes_the_values_along() {
    let program = program();
    let serving = program.serve(&[]);
    program.stdout(&["attribute", "add", "countryCode"]);
    for number in 0..3 {
        let mut sent = person(&format!("p{number}"));
        sent["countryCode"] = json!("DE");
        assert_eq!(serving.client.create(&sent).await["countryCode"], "DE");
    }
    program.stdout(&["attribute", "remove", "countryCode"]);
    let list = serving.client.get("/Users").await.expect(200);
    assert!(!list.to_string().contains("countryCode"), "{list}");
}

#[tokio::test]
async fn explain_says_what_each_mapping_says_and_why() {
    let program = program();
    let serving = program.serve(&[]);
    let add = [
        "mapping",
        "add",
        "Sales abroad",
        "--profile",
        "default",
        "--storage",
        "default",
        "--filter",
    ];
    program.stdout(
        &[
            &add[..],
            &["department eq \"Sales\" and not (countryCode eq \"DE\")"],
        ]
        .concat(),
    );
    let refused = program.refused(2, &[&add[..], &["department is Sales"]].concat());
    assert!(refused.contains("position 12"), "{refused}");
    let mut sent = person("ava");
    sent[ENTERPRISE] = json!({"department": "Sales"});
    sent["countryCode"] = json!("FR");
    serving.client.create(&sent).await;

    let of_user = json(&program.stdout(&["mapping", "explain", "ava@example.com", "--json"]));
    assert_eq!(
        (&of_user[0]["answer"], &of_user[0]["decides"]),
        (&json!("unknown"), &json!(true))
    );
    assert_eq!(
        of_user[0]["because"],
        "department is \"Sales\"; countryCode is neither kept nor sent here"
    );
    assert_eq!(
        (&of_user[1]["answer"], &of_user[1]["decides"]),
        (&json!("matched"), &json!(false))
    );

    sent["countryCode"] = json!("DE");
    std::fs::write(program.folder().join("body.json"), sent.to_string()).unwrap();
    let text = program.stdout(&["mapping", "explain", "-f", "body.json"]);
    assert!(
        text.contains("not matched") && text.contains("countryCode is \"DE\""),
        "{text}"
    );
    assert!(text.contains("matched: this one decides"), "{text}");
    program.refused(2, &["mapping", "explain", "-f", "nowhere.json"]);
    program.refused(2, &["mapping", "explain"]);

    let late = [
        "mapping",
        "add",
        "Late",
        "--attribute",
        "a",
        "--value",
        "b",
        "--profile",
        "default",
        "--storage",
        "default",
        "--at",
        "9",
    ];
    program.stdout(&late);
    assert!(
        program
            .stdout(&["mapping", "list"])
            .contains("never matches: Everyone is above")
    );
}

#[tokio::test]
async fn a_user_is_deleted_with_a_reason_that_can_be_read_afterwards() {
    let program = program();
    let serving = program.serve(&[]);
    let user = serving.client.create(&person("ava")).await;
    let id = user["id"].as_str().unwrap();
    program.refused(2, &["user", "delete", "ava@example.com"]);
    program.refused(2, &["user", "delete", "ava@example.com", "--reason", "because"]);
    program.stdout(&["user", "legal-hold", "ava@example.com"]);
    let refused = program.refused(
        4,
        &[
            "user",
            "delete",
            "ava@example.com",
            "--reason",
            "left for good in May",
        ],
    );
    assert!(
        refused.contains("under a legal hold") && refused.contains("--lift"),
        "{refused}"
    );
    program.stdout(&["user", "legal-hold", "ava@example.com", "--lift"]);
    program.stdout(&[
        "user",
        "delete",
        "ava@example.com",
        "--reason",
        "left for good in May",
    ]);
    let gone = program.refused(3, &["user", "show", id]);
    assert!(gone.contains("by command line: left for good in May"), "{gone}");
    program.refused(3, &["user", "show", "ava@example.com"]);
}

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let program = program();
    let serving = program.serve(&[]);
    program.stdout(&["tenant", "add", "Acme"]);
    assert!(
        program
            .refused(4, &["tenant", "add", "ACME"])
            .contains("There is a tenant \"ACME\" already")
    );
    let token = program.stdout(&["token", "create", "--tenant", "acme"]);
    let acme = serving.client.with_token(token.trim());
    let ours = serving.client.create(&person("ava")).await;
    let theirs = acme.create(&person("ava")).await;
    assert_ne!(ours["id"], theirs["id"], "a name is unique in its tenant");
    let path = format!("/Users/{}", ours["id"].as_str().unwrap());
    acme.get(&path).await.refused(404, "");
    acme.delete(&path).await.refused(404, "");
    assert_eq!(acme.get("/Users").await.expect(200)["totalResults"], 1);
    let rows = json(&program.stdout(&["report", "provisioning", "--tenant", "Acme", "--json"]));
    assert_eq!(rows.as_array().unwrap().len(), 1);
    let refused = program.refused(4, &["tenant", "remove", "Acme"]);
    assert!(refused.contains("in use by its users"), "{refused}");
    let delete = [
        "user",
        "delete",
        "ava@example.com",
        "--reason",
        "the tenant is closed",
        "--tenant",
        "Acme",
    ];
    program.stdout(&delete);
    program.stdout(&["tenant", "remove", "Acme"]);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    acme.get("/Users").await.refused(401, "");
    serving.client.get(&path).await.expect(200);
    assert!(
        program
            .refused(4, &["tenant", "remove", "default"])
            .contains("in use")
    );
}

const MAPPINGS: &str = r#"
[[mapping]]
name = "Sales abroad"
filter = 'department eq "Sales" and not (countryCode eq "DE")'
profile = "Sales"
storage = "default"
quota = "10GiB"

[[mapping]]
name = "Everyone"
any = true
profile = "default"
storage = "default"

[[example]]
name = "a seller in France"
profile = "Sales"
user = { userName = "a", countryCode = "FR", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User" = { department = "sales" } }

[[example]]
name = "somebody in Germany"
profile = "default"
user = { userName = "b", countryCode = "DE" }
"#;

#[test]
fn a_file_of_mappings_is_applied_whole_if_its_examples_come_out_right() {
    let program = program();
    drop(program.serve(&[]));
    let apply = |text: &str| {
        std::fs::write(program.folder().join("mappings.toml"), text).unwrap();
        ["mapping", "apply", "-f", "mappings.toml", "--json"]
    };
    program.refused(3, &apply(MAPPINGS));
    program.stdout(&["profile", "add", "Sales"]);
    let added = json(&program.stdout(&apply(MAPPINGS)));
    assert_eq!(
        added,
        json!({"added": 1, "changed": 1, "removed": 0}),
        "Everyone moved down"
    );
    let again = json(&program.stdout(&apply(MAPPINGS)));
    assert_eq!(again, json!({"added": 0, "changed": 0, "removed": 0}));
    let listed = json(&program.stdout(&["mapping", "list", "--json"]));
    assert_eq!(
        (&listed[0]["name"], &listed[0]["quota"]),
        (&json!("Sales abroad"), &json!(10_u64 << 30))
    );

    let wrong = MAPPINGS.replace("not (countryCode eq \"DE\")", "countryCode eq \"DE\"");
    let refused = program.refused(4, &apply(&wrong));
    assert!(
        refused.contains("a seller in France: gets default instead of Sales"),
        "{refused}"
    );
    assert_eq!(
        json(&program.stdout(&["mapping", "list", "--json"])),
        listed,
        "nothing was applied"
    );
    let refused = program.refused(2, &apply(&MAPPINGS.replace("any = true", "anybody = true")));
    assert!(refused.contains("anybody"), "{refused}");
    let refused = program.refused(2, &apply(&MAPPINGS.replace("eq \"Sales\"", "is \"Sales\"")));
    assert!(
        refused.contains("Sales abroad") && refused.contains("position 12"),
        "{refused}"
    );
    let only_everyone = MAPPINGS
        .split("[[mapping]]")
        .nth(2)
        .unwrap()
        .split("[[example]]")
        .next()
        .unwrap();
    let removed = json(&program.stdout(&apply(&format!("[[mapping]]{only_everyone}"))));
    assert_eq!(removed["removed"], 1);
}

#[tokio::test]
async fn a_mapping_for_a_group_is_made_by_its_name() {
    let program = program();
    let serving = program.serve(&[]);
    let add = |group: &'static str| {
        [
            "mapping",
            "add",
            "Engineers",
            "--group",
            group,
            "--profile",
            "default",
            "--storage",
            "default",
        ]
    };
    let refused = program.refused(3, &add("Engineers"));
    assert!(refused.contains("There is no group \"Engineers\""), "{refused}");
    let body =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Engineers"});
    let group = serving.client.post("/Groups", &body).await.expect(201);
    program.stdout(&add("engineers"));
    let listed = program.stdout(&["mapping", "list"]);
    assert!(listed.contains("member of \"Engineers\""), "{listed}");
    let values = json(&program.stdout(&["mapping", "list", "--json"]));
    assert_eq!(
        values[0]["condition"],
        json!({"kind": "group", "groups": [group["id"]]})
    );
    serving.client.create(&person("ava")).await;
    let explained = program.stdout(&["mapping", "explain", "ava@example.com"]);
    assert!(explained.contains("groups has no value"), "{explained}");
    let file = "[[mapping]]\nname = \"E\"\ngroups = [\"Engineers\"]\nprofile = \"default\"\nstorage = \"default\"\n
        [[example]]\nname = \"an engineer\"\nuser = { userName = \"e\" }\ngroups = [\"Engineers\"]\nprofile = \"default\"\n
        [[example]]\nname = \"another\"\nuser = { userName = \"a\" }\n";
    std::fs::write(program.folder().join("mappings.toml"), file).unwrap();
    program.stdout(&["mapping", "preview", "-f", "mappings.toml"]);
    let wrong = file.replace(
        "user = { userName = \"e\" }\ngroups = [\"Engineers\"]",
        "user = { userName = \"e\" }",
    );
    std::fs::write(program.folder().join("mappings.toml"), wrong).unwrap();
    let refused = program.refused(4, &["mapping", "preview", "-f", "mappings.toml"]);
    assert!(refused.contains("an engineer: gets no profile"), "{refused}");

    program.stdout(&["connection", "add", "Entra"]);
    let of_entra = [&add("Engineers")[..], &["--connection", "Entra"]].concat();
    let refused = program.refused(2, &of_entra);
    assert!(refused.contains("Entra has no group"), "{refused}");
    let id = group["id"].as_str().unwrap();
    serving.client.delete(&format!("/Groups/{id}")).await.expect(204);
    let listed = program.stdout(&["mapping", "list"]);
    assert!(listed.contains("a group that is gone"), "{listed}");
    let output = program.run(&["doctor"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("provost mapping set \"Engineers\" --group NAME"),
        "{said}"
    );
    let file =
        "[[mapping]]\nname = \"E\"\ngroups = [\"Engineers\"]\nprofile = \"default\"\nstorage = \"default\"\n";
    std::fs::write(program.folder().join("mappings.toml"), file).unwrap();
    let refused = program.refused(2, &["mapping", "apply", "-f", "mappings.toml"]);
    assert!(refused.contains("There is no group"), "{refused}");
}

#[test]
fn a_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            program().stdout(&["completions", shell]).contains("provisioning"),
            "{shell}"
        );
    }
}

#[tokio::test]
async fn a_token_lives_365_days_unless_it_is_said_and_its_forerunner_seven() {
    let program = program();
    let serving = program.serve(&[]);
    let days = |token: &serde_json::Value| {
        let at = |key: &str| {
            token[key]
                .as_str()
                .unwrap()
                .parse::<directory::Timestamp>()
                .unwrap()
        };
        (at("expires").duration_since(at("created")).as_hours() + 12) / 24
    };
    program.stdout(&["token", "create"]);
    let listed = json(&program.stdout(&["token", "list", "--json"]));
    assert_eq!((days(&listed[0]), days(&listed[1])), (7, 365), "{listed}");
    for wrong in [["--days", "0"], ["--days", "731"], ["--grace-days", "31"]] {
        program.refused(2, &[&["token", "create"][..], &wrong].concat());
    }
    program.stdout(&["token", "revoke", listed[0]["id"].as_str().unwrap()]);
    program.stdout(&["token", "create", "--days", "730", "--grace-days", "0"]);
    let listed = json(&program.stdout(&["token", "list", "--json"]));
    assert_eq!(days(&listed[2]), 730, "{listed}");
    serving.client.get("/Users").await.refused(401, "");
}

#[tokio::test]
async fn api_keys_are_made_and_revoked_on_the_command_line() {
    let program = program();
    let serving = program.serve(&[]);
    let key = program.stdout(&["key", "create", "backup", "--role", "auditor"]);
    let url = format!(
        "{}/api/v1/events",
        serving.client.base.trim_end_matches("/scim/v2")
    );
    let status = || {
        let request = serving
            .client
            .bare(reqwest::Method::GET, &url)
            .bearer_auth(key.trim());
        async { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(status().await, 200);
    let listed = json(&program.stdout(&["key", "list", "--json"]));
    assert_eq!(
        (&listed[0]["name"], &listed[0]["role"], &listed[0]["state"]),
        (&json!("backup"), &json!("auditor"), &json!("live"))
    );
    assert!(!listed[0]["lastUsed"].is_null());
    let taken = program.refused(4, &["key", "create", "Backup", "--role", "owner"]);
    assert!(taken.contains("an API key \"Backup\""), "{taken}");
    program.refused(2, &["key", "create", "other", "--role", "king"]);
    program.stdout(&["key", "revoke", "backup"]);
    assert_eq!(status().await, 401);
    program.refused(3, &["key", "revoke", "backup"]);
    program.stdout(&["key", "create", "backup", "--role", "owner"]);
}

#[tokio::test]
async fn administrators_are_invited_on_the_command_line() {
    let program = program();
    let serving = program.serve(&[]);
    let link = program.stdout(&["admin", "add", "ada@example.com", "--role", "owner"]);
    let (console, invitation) = link.split_once("invitation?token=").unwrap();
    assert_eq!(console, "http://127.0.0.1:8080/console/");
    let root = serving.client.base.trim_end_matches("/scim/v2");
    let accept = serving
        .client
        .bare(reqwest::Method::POST, &format!("{root}/api/v1/invitation"))
        .header("Content-Type", "application/json")
        .body(json!({"invitation": invitation.trim(), "password": "correct horse battery"}).to_string());
    assert_eq!(accept.send().await.unwrap().status(), 201);
    let listed = json(&program.stdout(&["admin", "list", "--json"]));
    assert_eq!(
        (&listed[0]["email"], &listed[0]["hasJoined"]),
        (&json!("ada@example.com"), &json!(true))
    );
    let helper = [
        "admin",
        "add",
        "bob@example.com",
        "--role",
        "helpdesk",
        "--profile",
        "default",
    ];
    program.stdout(&helper);
    let taken = program.refused(4, &helper);
    assert!(taken.contains("an administrator \"bob@example.com\""), "{taken}");
    let last = program.refused(4, &["admin", "set", "ada@example.com", "--role", "auditor"]);
    assert!(last.contains("last one"), "{last}");
    program.stdout(&[
        "admin",
        "set",
        "bob@example.com",
        "--role",
        "owner",
        "--all-profiles",
    ]);
    program.stdout(&["admin", "remove", "ada@example.com"]);
    program.refused(3, &["admin", "invite", "ada@example.com"]);
    program.refused(2, &["admin", "add", "not an address", "--role", "owner"]);
    program.refused(
        3,
        &[
            "admin",
            "add",
            "x@example.com",
            "--role",
            "owner",
            "--profile",
            "Nothing",
        ],
    );
    let key = program.folder().join("data/secret.key");
    assert_eq!(
        std::fs::metadata(key).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_backup_is_made_while_the_server_runs_and_restored_elsewhere() {
    let program = program();
    let serving = program.serve(&[]);
    let file = program.folder().join("backup.db").display().to_string();
    program.stdout(&["backup", &file]);
    let again = program.refused(1, &["backup", &file]);
    assert!(again.contains("exists"), "{again}");
    let here = program.refused(4, &["restore", &file]);
    assert!(here.contains("is not empty"), "{here}");
    let restored = program.stdout(&["restore", &file, "--data", "elsewhere", "--json"]);
    assert_eq!(json(&restored)["users"], 0);
    let listed = program.stdout(&["connection", "list", "--json", "--data", "elsewhere"]);
    assert_eq!(json(&listed)[0]["name"], "default");
    program.refused(1, &["restore", "nothing.db", "--data", "third"]);
    // Under a server that runs it would take what that one writes; and the log of a database that was moved away is not its own.
    let data = program.folder().join("data");
    std::fs::rename(data.join("provost.db"), data.join("moved.db")).unwrap();
    let served = program.refused(5, &["restore", &file]);
    assert!(served.contains("another `provost serve`"), "{served}");
    drop(serving);
    let wal = data.join("provost.db-wal");
    std::fs::write(&wal, "the last that was written").unwrap();
    let beside = program.refused(1, &["restore", &file]);
    assert!(
        beside.contains("-wal") && beside.contains("last writes"),
        "{beside}"
    );
    std::fs::remove_file(&wal).unwrap();
    program.stdout(&["restore", &file]);
}
