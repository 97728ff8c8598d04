//! `docs/api.md`, typed as it stands.

use std::process::Command;

use crate::{json, program};

/// The shell's commands of a guide, in their order.
fn commands(guide: &str) -> String {
    let blocks = guide.split("```sh\n").skip(1);
    blocks.filter_map(|block| block.split("```").next()).collect()
}

#[tokio::test]
async fn the_commands_of_the_api_guide_run_as_they_stand() {
    let program = program();
    let serving = program.serve(&[]);
    let root = serving.client.base.trim_end_matches("/scim/v2");
    let guide = include_str!("../../docs/api.md");
    let script = format!(
        "set -euo pipefail\nprovost() {{ '{}' \"$@\"; }}\n{}",
        env!("CARGO_BIN_EXE_provost"),
        commands(guide).replace("http://127.0.0.1:8080", root)
    );
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &script])
        .env("PROVOST_DATA", program.folder().join("data"));
    let output = shell.output().unwrap();
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{errors}");
    let shown = json(&program.stdout(&["user", "show", "ava@example.com", "--json"]));
    assert_eq!(
        (&shown["profile"], &shown["managedBy"], &shown["status"]),
        (&"Sales".into(), &"Okta".into(), &"active".into())
    );
    assert!(
        said.contains("user.created") && said.contains("user.activated"),
        "her history: {said}"
    );
    assert!(
        said.contains("\"method\":\"POST\",\"path\":\"/Users\""),
        "what Okta sent: {said}"
    );
}
