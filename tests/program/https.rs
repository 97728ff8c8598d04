//! HTTPS, since Okta demands it.

use std::path::Path;
use std::process::Command;

use crate::program;

/// A self-signed certificate for 127.0.0.1 and its key, as `openssl` makes them.
fn certificate(folder: &Path, name: &str) {
    let status = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=provost",
        ])
        .args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .args(["-out", "cert.pem", "-keyout", "key.pem"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        status.status.success(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
    std::fs::copy(folder.join("cert.pem"), folder.join(name)).unwrap();
}

#[test]
fn okta_plays_over_https_and_a_new_certificate_needs_no_restart() {
    let program = program();
    certificate(program.folder(), "first.pem");
    let serving = program.serve(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    let base = serving.client.base.clone();
    assert!(base.starts_with("https://127.0.0.1:"), "{base}");
    let play = |authority: &str| {
        program.run(&[
            "simulate",
            "okta",
            "--url",
            &base,
            "--token",
            &serving.client.token,
            "--people",
            "3",
            "--ca",
            authority,
        ])
    };
    let first = play("first.pem");
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );

    certificate(program.folder(), "second.pem");
    serving.signal("HUP");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(play("second.pem").status.success());
    let old = play("first.pem");
    assert_eq!(old.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&old.stderr).into_owned();
    assert!(
        stderr.contains("cannot reach") && stderr.to_lowercase().contains("certificate"),
        "{stderr}"
    );
}

#[test]
fn a_certificate_that_cannot_be_used_is_named() {
    let program = program();
    certificate(program.folder(), "first.pem");
    let refused = program.refused(2, &["serve", "--tls-cert", "cert.pem"]);
    assert!(refused.contains("tls_cert and tls_key go together"), "{refused}");
    let refused = program.refused(
        1,
        &["serve", "--tls-cert", "cert.pem", "--tls-key", "nowhere.pem"],
    );
    assert!(refused.contains("nowhere.pem"), "{refused}");
    std::fs::write(program.folder().join("junk.pem"), "junk").unwrap();
    let refused = program.refused(1, &["serve", "--tls-cert", "junk.pem", "--tls-key", "key.pem"]);
    assert!(refused.contains("junk.pem"), "{refused}");
}
