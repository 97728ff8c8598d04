//! What cannot work is said in one clear sentence, with the exit code of its kind.

use std::net::TcpListener;
use std::time::Duration;

use crate::program;

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = program().refused(1, &["serve", "--listen", &address]);
    assert!(
        refused.contains(&format!("cannot listen on {address}")) && refused.contains("--listen"),
        "{refused}"
    );
}

#[test]
fn a_folder_that_cannot_be_made() {
    let refused = program().refused(5, &["serve", "--data", "/dev/null/provost"]);
    assert!(
        refused.contains("/dev/null/provost") && refused.contains("--data"),
        "{refused}"
    );
}

#[test]
fn a_second_server_on_the_same_file() {
    let program = program();
    let _first = program.serve(&[]);
    let refused = program.refused(5, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(
        refused.contains("another `provost serve` is running on"),
        "{refused}"
    );
}

#[test]
fn a_database_from_a_newer_version_is_left_untouched() {
    let program = program();
    drop(program.serve(&[]));
    let path = program.folder().join("data/provost.db");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(
        "UPDATE meta SET value = 99 WHERE name <> 'settings_generation'; PRAGMA journal_mode = DELETE",
    )
    .unwrap();
    drop(raw);
    let before = std::fs::read(&path).unwrap();
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["user", "list"],
        &["doctor"],
    ] {
        let refused = program.refused(6, command);
        assert!(
            refused.contains("schema version 99") && refused.contains("Nothing was changed"),
            "{refused}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_file_that_is_no_database_of_provost() {
    let program = program();
    let path = program.folder().join("notes.txt");
    std::fs::write(&path, "just some notes, long enough to be taken for something").unwrap();
    let url = format!("sqlite:{}", path.display());
    let refused = program.refused(5, &["serve", "--database", &url]);
    assert!(refused.contains("is not a Provost database"), "{refused}");
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .starts_with("just some notes")
    );
    let refused = program.refused(5, &["user", "list"]);
    assert!(refused.contains("`provost serve` makes it"), "{refused}");
}

#[test]
fn a_database_url_of_another_kind_whose_password_is_not_repeated() {
    let refused = program().refused(2, &["serve", "--database", "mysql://root:hunter2@db/provost"]);
    assert!(
        refused.contains("sqlite:PATH") && !refused.contains("hunter2"),
        "{refused}"
    );
}

#[test]
fn configuration_names_the_key_and_where_it_came_from() {
    let program = program();
    let output = program
        .command(&["serve"])
        .env("PROVOST_LISTEN", "everywhere")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.contains("listen:") && stderr.contains("PROVOST_LISTEN"),
        "{stderr}"
    );
    let with_proxies = |mut command: std::process::Command| {
        command.env("PROVOST_TRUSTED_PROXIES", "10.0.0.0/8, 127.0.0.1");
        command
    };
    drop(program.serve_by(with_proxies, &[]));
    std::fs::write(
        program.folder().join("provost.toml"),
        "listen = \"127.0.0.1:0\"\nlisten_adress = 1\n",
    )
    .unwrap();
    let refused = program.refused(2, &["serve"]);
    assert!(
        refused.contains("listen_adress") && refused.contains("provost.toml"),
        "{refused}"
    );
    let refused = program.refused(2, &["serve", "--config", "nowhere.toml"]);
    assert!(refused.contains("nowhere.toml"), "{refused}");
    program.refused(2, &["serve", "--listen", "here"]);
    program.refused(2, &["no-such-command"]);
}

#[test]
fn flags_overrule_the_environment_and_that_the_file() {
    let program = program();
    std::fs::write(
        program.folder().join("provost.toml"),
        "public_url = \"https://file.example\"\n",
    )
    .unwrap();
    let serving = program.serve(&[]);
    assert!(
        serving.welcome.contains("https://file.example/scim/v2"),
        "{}",
        serving.welcome
    );
    drop(serving);
    let by_environment = |mut command: std::process::Command| {
        command.env("PROVOST_PUBLIC_URL", "https://environment.example");
        command
    };
    let serving = program.serve_by(by_environment, &[]);
    assert!(
        serving.welcome.contains("https://environment.example/scim/v2"),
        "{}",
        serving.welcome
    );
    drop(serving);
    let serving = program.serve_by(by_environment, &["--public-url", "https://flag.example"]);
    assert!(
        serving.welcome.contains("https://flag.example/scim/v2"),
        "{}",
        serving.welcome
    );
}

#[test]
fn a_simulator_without_a_server() {
    let refused = program().refused(
        1,
        &[
            "simulate",
            "okta",
            "--url",
            "http://127.0.0.1:1/scim/v2",
            "--token",
            "x",
        ],
    );
    assert!(
        refused.contains("cannot reach http://127.0.0.1:1/scim/v2"),
        "{refused}"
    );
    let refused = program().refused(
        1,
        &["simulate", "okta", "--url", "provost.example.com", "--token", "x"],
    );
    assert!(refused.contains("is no SCIM base URL"), "{refused}");
}

#[test]
fn a_clean_stop_ends_with_0() {
    let program = program();
    let serving = program.serve(&[]);
    serving.signal("INT");
    assert_eq!(serving.wait(Duration::from_secs(10)), Some(0));
}
