//! `provost simulate okta` against Provost, and against a server that is not good enough.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::{json, program};

#[test]
fn okta_plays_both_of_its_ways_without_a_deviation_and_everybody_is_placed() {
    let program = program();
    let serving = program.serve(&[]);
    program.stdout(&["profile", "add", "Germany"]);
    let mapping = [
        "mapping",
        "add",
        "German staff",
        "--attribute",
        "countryCode",
        "--value",
        "DE",
    ];
    program.stdout(&[&mapping[..], &["--profile", "Germany", "--storage", "default"]].concat());
    for (seed, app) in [("1", "aiw"), ("2", "oin"), ("1", "oin")] {
        let play = [
            "simulate",
            "okta",
            "--url",
            &serving.client.base,
            "--token",
            &serving.client.token,
        ];
        let how = [
            "--app",
            app,
            "--seed",
            seed,
            "--people",
            "40",
            "--custom",
            "countryCode=DE,FR",
        ];
        let text = program.stdout(&[&play[..], &how].concat());
        assert!(text.contains("No deviation"), "{text}");
        for call in [
            "test connection",
            "look up",
            "deactivate",
            "reactivate",
            "unassign",
            "rename",
            "rehire",
            "import",
        ] {
            assert!(text.contains(call), "{text}");
        }
        assert!(text.contains("P50") && text.contains("P99"), "{text}");
    }
    let rows = json(&program.stdout(&["report", "provisioning", "--json"]));
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 80, "the third play found those of the first");
    for row in rows {
        let placed = (row["mapping"].as_str().unwrap(), row["profile"].as_str().unwrap());
        assert!(
            matches!(placed, ("German staff", "Germany") | ("Everyone", "default")),
            "{row}"
        );
        assert_eq!(
            (&row["storage"], &row["status"]),
            (&"default".into(), &"active".into())
        );
    }
    let germans = rows.iter().filter(|row| row["profile"] == "Germany").count();
    assert_eq!(germans, 40);
}

#[test]
fn a_server_that_is_not_good_enough_is_told_why_and_the_exit_code_is_1() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/scim/v2", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ =
                stream.write_all(b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops");
        }
    });
    let output = program().run(&[
        "simulate", "okta", "--url", &url, "--token", "x", "--people", "2", "--json",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&String::from_utf8(output.stdout).unwrap());
    let deviations = report["deviations"].to_string();
    assert!(
        deviations.contains("instead of 200") && deviations.contains("no JSON"),
        "{deviations}"
    );
}

#[test]
fn entra_plays_both_of_its_ways_without_a_deviation() {
    let program = program();
    let serving = program.serve(&[]);
    for (seed, app) in [
        ("1", "default"),
        ("2", "aadOptscim062020"),
        ("1", "aadOptscim062020"),
    ] {
        let play = [
            "simulate",
            "entra",
            "--url",
            &serving.client.base,
            "--token",
            &serving.client.token,
        ];
        let how = [
            "--app",
            app,
            "--seed",
            seed,
            "--people",
            "30",
            "--custom",
            "site=Bonn,Lyon",
        ];
        let text = program.stdout(&[&play[..], &how].concat());
        assert!(text.contains("what Entra ID needs"), "{text}");
        for call in [
            "match",
            "manager",
            "disable",
            "rename",
            "soft delete",
            "hard delete",
            "return",
        ] {
            assert!(text.contains(call), "{text}");
        }
    }
    let rows = json(&program.stdout(&["report", "provisioning", "--json"]));
    assert_eq!(
        rows.as_array().unwrap().len(),
        60,
        "whoever returned is the same account"
    );
    let refused = program.refused(
        2,
        &[
            "simulate", "entra", "--app", "oin", "--url", "http://x", "--token", "x",
        ],
    );
    assert!(
        refused.contains("Entra ID has default and aadOptscim062020"),
        "{refused}"
    );
}

#[test]
fn authentik_plays_its_way_without_a_deviation() {
    let program = program();
    let serving = program.serve(&[]);
    let play = [
        "simulate",
        "authentik",
        "--url",
        &serving.client.base,
        "--token",
        &serving.client.token,
        "--people",
        "30",
    ];
    // The second play finds everybody there, and adopts them.
    for adopts in [false, true] {
        let text = program.stdout(&play);
        assert!(text.contains("what authentik needs"), "{text}");
        for call in [
            "configuration",
            "reactivate",
            "rename",
            "lost link",
            "return",
            "add members",
        ] {
            assert!(text.contains(call), "{text}");
        }
        assert_eq!(text.contains("adopt"), adopts, "{text}");
    }
    let rows = json(&program.stdout(&["report", "provisioning", "--json"]));
    assert_eq!(
        rows.as_array().unwrap().len(),
        30,
        "whoever returned is the same account"
    );
    let refused = program.refused(
        2,
        &[
            "simulate",
            "authentik",
            "--app",
            "oin",
            "--url",
            "http://x",
            "--token",
            "x",
        ],
    );
    assert!(refused.contains("has one way"), "{refused}");
}

#[test]
fn every_other_provider_plays_its_way_without_a_deviation() {
    let program = program();
    let serving = program.serve(&[]);
    let played = [
        ("onelogin", "OneLogin", "remove members"),
        ("jumpcloud", "JumpCloud", "test connection"),
        ("ping", "Ping", "create disabled"),
        ("google", "Google Workspace", "suspend"),
        ("keycloak", "Keycloak", "update group"),
    ];
    for (number, (provider, name, call)) in played.into_iter().enumerate() {
        let seed = number.to_string();
        let play = [
            "simulate",
            provider,
            "--url",
            &serving.client.base,
            "--token",
            &serving.client.token,
            "--people",
            "30",
            "--seed",
            &seed,
        ];
        // The second play finds everybody.
        let texts = [program.stdout(&play), program.stdout(&play)];
        assert!(texts[0].contains(call), "{}", texts[0]);
        for text in texts {
            assert!(text.contains(&format!("what {name} needs")), "{text}");
        }
    }
    let rows = json(&program.stdout(&["report", "provisioning", "--json"]));
    let people = rows.as_array().unwrap().len();
    assert_eq!(
        people, 151,
        "all people once, and JumpCloud's test user, who is preserved"
    );
}
