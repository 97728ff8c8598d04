//! People in files: `user import`, `user export`, and mappings applied to those who are there.

use serde_json::json;
use testkit::{Program, person};

use crate::{json, program};

/// Writes a file and gives the command that imports it.
fn import<'a>(program: &Program, text: impl AsRef<[u8]>, more: &[&'a str]) -> Vec<&'a str> {
    std::fs::write(program.folder().join("people.csv"), text).unwrap();
    [&["user", "import", "people.csv"], more].concat()
}

#[tokio::test]
async fn a_file_of_people_is_imported_while_the_server_runs_and_bad_lines_are_listed() {
    let program = program();
    let serving = program.serve(&[]);
    serving.client.create(&person("known")).await;
    program.stdout(&["profile", "add", "Gold"]);
    let mut text = "\u{feff}Username, Email,displayName,department,profile,quota\r\n".to_owned();
    text += "ava,ava@example.com,\"Nguyen, Ava\",Sales,Gold,10GB\r\n";
    text += "b\u{f6}b , bob@example.com\u{a0},Bob\u{a0}Stone,,,\r\n";
    text += "known@example.com,,,,,\r\n";
    text += "AVA,other@example.com,,,,\r\n";
    text += "short,short@example.com\r\n";
    text += "\"open,open@example.com,,,,\r\n";
    text += "nobody,,,,Silver,\r\n";
    text += ",nameless@example.com,,,,\r\n";
    text += "much,,,,,lots\r\n";
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"\xff\xfe,x@example.com,,,,\r\n\r\n");
    bytes.extend_from_slice("last,last@example.com,,,,".as_bytes());

    let dry = program.run(&import(&program, &bytes, &["--dry-run", "--json"]));
    let before = json(&program.stdout(&["user", "list", "--json"]));
    assert_eq!(before.as_array().unwrap().len(), 1, "a dry run changes nothing");
    let output = program.run(&import(&program, &bytes, &["--json"]));
    assert_eq!(output.status.code(), Some(1), "some lines were refused");
    let report = json(std::str::from_utf8(&output.stdout).unwrap());
    let dry = json(std::str::from_utf8(&dry.stdout).unwrap());
    assert_eq!(
        dry["refused"], report["refused"],
        "a dry run says what would happen"
    );
    let names: Vec<_> = dry["added"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["userName"])
        .collect();
    assert_eq!(names, ["ava", "b\u{f6}b", "last"], "{dry}");

    let added: Vec<_> = report["added"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["line"])
        .collect();
    assert_eq!(added, [2, 3, 13], "{report}");
    assert_eq!(report["known"], 1);
    let refused: Vec<_> = report["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["line"].as_u64().unwrap(), row["why"].as_str().unwrap()))
        .collect();
    for (line, why) in [
        (5, "stands on line 2 already"),
        (6, "2 values and the header has 6"),
        (7, "a quote is not closed"),
        (8, "no profile \"Silver\""),
        (9, "no userName"),
        (10, "lots"),
        (11, "not UTF-8"),
    ] {
        assert!(
            refused.iter().any(|(at, said)| *at == line && said.contains(why)),
            "line {line}: {refused:?}"
        );
    }
    assert_eq!(refused.len(), 7, "{refused:?}");

    let ava = json(&program.stdout(&["user", "show", "ava", "--json"]));
    assert_eq!(
        (&ava["displayName"], &ava["email"]),
        (&json!("Nguyen, Ava"), &json!("ava@example.com"))
    );
    assert_eq!(
        (&ava["profile"], &ava["quota"]),
        (&json!("Gold"), &json!(10_000_000_000_u64))
    );
    assert_eq!(ava["pinned"], json!(["profile", "quota"]));
    let bob = json(&program.stdout(&["user", "show", "b\u{f6}b", "--json"]));
    assert_eq!(
        (&bob["name"], &bob["email"]),
        (&json!("Bob Stone"), &json!("bob@example.com"))
    );
    assert_eq!(bob["decision"]["mappingName"], "Everyone");
    assert_eq!(serving.client.find("userName eq \"last\"").await.len(), 1);

    let people = program.run(&import(&program, &bytes, &[]));
    let said = String::from_utf8(people.stdout).unwrap();
    assert!(said.contains("line 7:") && !said.contains("line 2:"), "{said}");
}

#[test]
fn a_header_that_means_nothing_is_refused_before_anybody_is_added() {
    let program = program();
    drop(program.serve(&[]));
    for (text, why) in [
        ("", "empty"),
        (
            "userName,manager,manager.value\nx,boss,boss2\n",
            "\"manager\" and \"manager.value\" are the same",
        ),
        ("Username,Email,e-mail\nx,a@x,b@x\n", "are the same"),
        ("Email\nx@example.com\n", "no column userName"),
        (
            "userName,shoeSize\nava,42\n",
            "\"shoeSize\" is no attribute that is kept",
        ),
        ("userName,\"open\nava,42\n", "line 1"),
    ] {
        let refused = program.refused(2, &import(&program, text, &[]));
        assert!(refused.contains(why), "{refused}");
    }
    let refused = program.refused(2, &import(&program, b"\xff\xfeu\0", &[]));
    assert!(refused.contains("UTF-16"), "{refused}");
    let refused = program.refused(2, &["user", "import", "missing.csv"]);
    assert!(refused.contains("missing.csv"), "{refused}");
    assert_eq!(json(&program.stdout(&["user", "list", "--json"])), json!([]));
}

#[tokio::test]
async fn what_was_exported_can_be_imported_elsewhere() {
    let program = program();
    let serving = program.serve(&[]);
    let mut ava = person("ava");
    ava["displayName"] = json!("=cmd, \"quoted\"");
    ava["phoneNumbers"] = json!([{"value": "+49 30"}]);
    ava[testkit::ENTERPRISE] = json!({"department": "Sales; EMEA", "manager": {"value": "m1"}});
    serving.client.create(&ava).await;
    let mut left = person("left");
    left["active"] = json!(false);
    serving.client.create(&left).await;
    let text = program.stdout(&["user", "export"]);
    assert!(text.contains("\"'=cmd,"), "no formula for a spreadsheet: {text}");
    program.stdout(&["user", "export", "all.csv"]);
    assert_eq!(
        std::fs::read_to_string(program.folder().join("all.csv")).unwrap(),
        text
    );
    let all = json(&program.stdout(&["user", "export", "--json"]));
    assert_eq!(all, json(&program.stdout(&["user", "list", "--json"])));

    let other = crate::program();
    drop(other.serve(&[]));
    let imported = json(&other.stdout(&import(&other, text, &["--json"])));
    assert_eq!(imported["added"].as_array().unwrap().len(), 2);
    let before = json(&program.stdout(&["user", "show", "ava@example.com", "--json"]));
    let after = json(&other.stdout(&["user", "show", "ava@example.com", "--json"]));
    for key in [
        "userName",
        "displayName",
        "name",
        "email",
        "externalId",
        "profile",
        "storage",
        "quota",
        "status",
    ] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(
        after["attributes"][testkit::ENTERPRISE],
        before["attributes"][testkit::ENTERPRISE]
    );
    assert_eq!(
        json(&other.stdout(&["user", "show", "left@example.com", "--json"]))["status"],
        "preserved"
    );
}

#[tokio::test]
async fn a_filter_over_too_many_users_says_how_to_narrow_it() {
    let program = program();
    let serving = program.serve(&[]);
    let people: Vec<_> = (0..10_001)
        .map(|number| format!("p{number},p{number}@example.com"))
        .collect();
    let text = format!("Username,Email\n{}", people.join("\n"));
    program.stdout(&import(&program, text, &[]));
    let detail = serving
        .client
        .get("/Users?filter=title+eq+%22Boss%22")
        .await
        .refused(400, "tooMany");
    assert!(
        detail.contains("10000") && detail.contains("userName eq"),
        "{detail}"
    );
    let found = serving
        .client
        .find("title ne \"Boss\" and userName eq \"P77\"")
        .await;
    assert_eq!(
        found.len(),
        1,
        "with an indexed term only its candidates are looked at"
    );
    program.stdout(&["user", "delete", "p0", "--reason", "one fewer than too many"]);
    assert!(serving.client.find("title eq \"Boss\"").await.is_empty());
}

#[tokio::test]
async fn mappings_are_applied_to_those_who_are_there_once_it_is_said_who_changes() {
    let program = program();
    let serving = program.serve(&[]);
    for name in ["ava", "bob"] {
        let mut sent = person(name);
        sent["title"] = json!(name);
        serving.client.create(&sent).await;
    }
    program.stdout(&["profile", "add", "Gold"]);
    let file = "[[mapping]]\nname = \"Avas\"\nattribute = \"title\"\nvalues = [\"ava\"]\nprofile = \"Gold\"\nstorage = \"default\"\n\
                [[mapping]]\nname = \"Everyone\"\nany = true\nprofile = \"default\"\nstorage = \"default\"\n";
    std::fs::write(program.folder().join("mappings.toml"), file).unwrap();
    let preview = program.stdout(&["mapping", "preview", "-f", "mappings.toml"]);
    assert!(
        preview.contains("ava@example.com") && preview.contains("Avas") && !preview.contains("bob@"),
        "{preview}"
    );
    assert_eq!(
        json(&program.stdout(&["mapping", "preview", "--json"])),
        json!([]),
        "nothing was applied"
    );

    let refused = program.refused(2, &["mapping", "apply", "-f", "mappings.toml", "--existing"]);
    assert!(
        refused.contains("1 users would move") && refused.contains("--yes"),
        "{refused}"
    );
    let profile = || json(&program.stdout(&["user", "show", "ava@example.com", "--json"]))["profile"].clone();
    assert_eq!(profile(), "default");
    let applied = program.stdout(&[
        "mapping",
        "apply",
        "-f",
        "mappings.toml",
        "--existing",
        "--yes",
        "--json",
    ]);
    assert_eq!(
        json(&applied),
        json!({"added": 1, "changed": 1, "removed": 0, "usersChanged": 1})
    );
    assert_eq!(profile(), "Gold");
    let again = json(&program.stdout(&["mapping", "apply", "--existing", "--yes", "--json"]));
    assert_eq!(again["usersChanged"], 0);
}

#[tokio::test]
async fn a_value_may_have_several_lines_and_people_hide_in_none() {
    let program = program();
    let serving = program.serve(&[]);
    let mut ava = person("ava");
    ava["title"] = json!("Engineer\r\nmallory,mallory@evil.example,true\r\n\"x\"");
    serving.client.create(&ava).await;
    let gone = serving.client.create(&person("gone")).await;
    serving
        .client
        .delete(&format!("/Users/{}", gone["id"].as_str().unwrap()))
        .await;
    let mut again = person("gone");
    again["externalId"] = json!("another");
    serving.client.create(&again).await;
    serving
        .client
        .put(
            &format!(
                "/Users/{}",
                serving.client.find("userName eq \"ava@example.com\"").await[0]["id"]
                    .as_str()
                    .unwrap()
            ),
            &ava,
        )
        .await
        .expect(200);
    let text = program.stdout(&["user", "export"]);
    let other = crate::program();
    drop(other.serve(&[]));
    let report = json(&other.stdout(&import(&other, text, &["--json"])));
    let names: Vec<_> = report["added"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["userName"])
        .collect();
    assert_eq!(names, ["ava@example.com", "gone@example.com"], "{report}");
    let shown = json(&other.stdout(&["user", "show", "ava@example.com", "--json"]));
    assert_eq!(
        shown["attributes"]["title"],
        "Engineer\nmallory,mallory@evil.example,true\n\"x\""
    );
    let shown = json(&other.stdout(&["user", "show", "gone@example.com", "--json"]));
    assert_eq!(
        shown["externalId"], "another",
        "who has the name, and not who left"
    );
}

#[test]
fn lines_may_end_in_every_way_and_words_may_be_a_spreadsheets() {
    let program = program();
    drop(program.serve(&[]));
    let report = json(&program.stdout(&import(
        &program,
        "User Name;E-Mail;First name;active;\rcr1;cr1@example.com;Cy;yes;\rcr2;;;no;\r",
        &["--json"],
    )));
    let rows: Vec<_> = report["added"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["userName"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [("cr1", "active"), ("cr2", "preserved")]);
}
