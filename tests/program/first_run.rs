//! An empty folder becomes a server that Okta can be connected to.

use std::os::unix::fs::PermissionsExt as _;

use crate::program;

#[tokio::test]
async fn the_first_start_says_once_what_to_paste_and_keeps_the_token_out_of_stdout() {
    let program = program();
    let serving = program.serve(&[]);
    assert!(!serving.welcome.contains("pvt_"), "{}", serving.welcome);
    assert!(serving.welcome.contains("first-run.txt"), "{}", serving.welcome);
    let file = program.folder().join("data/first-run.txt");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains(&serving.client.base) && text.contains(&serving.client.token),
        "{text}"
    );
    assert!(text.contains("/console/invitation?token=pvi_"), "{text}");
    assert!(!serving.welcome.contains("pvi_"), "{}", serving.welcome);
    assert!(
        text.contains("In Okta") && text.contains("simulate okta --url"),
        "{text}"
    );
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(&program.folder().join("data")), 0o700);
    assert_eq!(mode(&program.folder().join("data/provost.db")), 0o600);
    assert_eq!(mode(&program.folder().join("data/provost.db-wal")), 0o600);
    serving.client.create(&testkit::person("ava")).await;
    let token = serving.client.token.clone();
    assert_eq!(serving.stop(), Some(0));

    let again = program.serve(&[]);
    assert!(
        again
            .welcome
            .starts_with("Provost is ready. SCIM base URL: http://127.0.0.1:")
    );
    assert_eq!(
        again.welcome.lines().count(),
        1,
        "nothing is said twice: {}",
        again.welcome
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "no second token");
    assert_eq!(again.client.token, token);
    assert_eq!(
        again.client.find("userName eq \"ava@example.com\"").await.len(),
        1
    );
}

#[test]
fn the_public_url_is_the_one_that_is_told_and_a_plain_one_is_warned_of() {
    let program = program();
    let serving = program.serve(&["--public-url", "https://provost.example.com/"]);
    let base = "https://provost.example.com/scim/v2";
    assert!(
        serving.welcome.contains(&format!("SCIM base URL: {base}\n")),
        "{}",
        serving.welcome
    );
    drop(serving);
    let log = std::fs::File::create(program.folder().join("log")).unwrap();
    let logged = |mut command: std::process::Command| {
        command.stderr(log);
        command
    };
    drop(program.serve_by(logged, &["--public-url", "http://provost.example.com"]));
    let warned = std::fs::read_to_string(program.folder().join("log")).unwrap();
    assert!(warned.contains("--public-url is not https"), "{warned}");
    let detail = program.refused(2, &["serve", "--public-url", "provost.example.com"]);
    assert!(detail.contains("public_url must begin with https://"), "{detail}");
}
