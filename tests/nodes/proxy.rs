//! Nodes behind a proxy, as they are run.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Nodes;

/// A proxy that hands requests to both nodes in turn; dropped, it ends.
struct Proxy {
    child: Child,
    base: String,
}

impl Proxy {
    fn start(nodes: &Nodes) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = |base: &str| {
            base.trim_start_matches("http://")
                .split('/')
                .next()
                .unwrap()
                .to_owned()
        };
        let configuration = format!(
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n  option forwardfor\n\
             frontend scim\n  bind 127.0.0.1:{port}\n  default_backend nodes\n\
             backend nodes\n  balance roundrobin\n  option httpchk GET /health\n  server one {} check\n  server two {} check\n",
            address(&nodes.one.client.base),
            address(&nodes.two.client.base),
        );
        let path = nodes.program.folder().join("haproxy.cfg");
        std::fs::write(&path, configuration).unwrap();
        let child = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            base: format!("http://127.0.0.1:{port}/scim/v2"),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn okta_and_entra_play_against_two_nodes_behind_a_proxy_without_a_deviation() {
    let nodes = Nodes::start().await;
    let proxy = Proxy::start(&nodes);
    for _ in 0..100 {
        if std::net::TcpStream::connect(
            proxy
                .base
                .trim_start_matches("http://")
                .trim_end_matches("/scim/v2"),
        )
        .is_ok()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for play in [
        ["okta", "--app", "aiw"],
        ["okta", "--app", "oin"],
        ["entra", "--app", "default"],
    ] {
        let common = [
            "--url",
            &proxy.base,
            "--token",
            &nodes.one.client.token,
            "--people",
            "30",
            "--concurrency",
            "8",
        ];
        let text = nodes
            .program
            .stdout(&[&["simulate"][..], &play, &common].concat());
        assert!(text.contains("No deviation"), "{text}");
    }
}
