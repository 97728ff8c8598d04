//! The program itself, as a person runs it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::Client;

/// The program with a folder of its own.
pub struct Program {
    binary: PathBuf,
    folder: TempDir,
}

/// A `provost serve` of its own process; dropped, it is killed.
pub struct Serving {
    child: Child,
    /// Speaks with the first token.
    pub client: Client,
    /// What it printed to stdout until it was ready.
    pub welcome: String,
}

impl Program {
    /// The program in `binary`.
    pub fn new(binary: &str) -> Self {
        Self {
            binary: PathBuf::from(binary),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Where it runs; its data folder is `data` in there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command with these arguments, run in the folder, with nothing of the environment but the path.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("PROVOST_DATA", self.folder().join("data"))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; gives its stdout.
    #[track_caller]
    pub fn stdout(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with `code`; gives its stderr.
    #[track_caller]
    pub fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(
            !stderr.trim().is_empty() && !stderr.contains("panicked"),
            "{stderr}"
        );
        stderr
    }

    /// Starts `provost serve` on a free port, and waits until it answers.
    pub fn serve(&self, arguments: &[&str]) -> Serving {
        self.serve_by(|serve| serve, arguments)
    }

    /// What the first run wrote; a second node may be ready before the first one has.
    fn first_run(&self) -> String {
        for _ in 0..250 {
            let text = std::fs::read_to_string(self.folder().join("data/first-run.txt")).unwrap_or_default();
            if text.contains("pvt_") {
                return text;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the first run left no token");
    }

    /// The same, started by another program, such as a tracer.
    pub fn serve_by(&self, wrap: impl FnOnce(Command) -> Command, arguments: &[&str]) -> Serving {
        let all: Vec<&str> = ["serve", "--listen", "127.0.0.1:0"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let mut child = wrap(self.command(&all)).stdout(Stdio::piped()).spawn().unwrap();
        let mut welcome = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let base = loop {
            let read = lines.read_line(&mut welcome).unwrap();
            assert!(read > 0, "it ended before it was ready: {welcome}");
            if let Some((_, base)) = welcome.split_once("SCIM base URL: ") {
                break base.trim().to_owned();
            }
        };
        let first = self.first_run();
        let at = first.find("pvt_").unwrap();
        let token = first[at..].split_whitespace().next().unwrap().to_owned();
        let client = Client::new(&base, &token);
        Serving {
            child,
            client,
            welcome,
        }
    }
}

impl Serving {
    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Ends it at once, as a power cut ends a process.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it as an init system does; gives the exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().unwrap().code()
    }

    /// Waits for it to end by itself.
    pub fn wait(mut self, at_most: Duration) -> Option<i32> {
        let step = Duration::from_millis(20);
        for _ in 0..at_most.as_millis() / step.as_millis() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(step);
        }
        panic!("it did not end within {at_most:?}");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of every file below a folder.
pub fn everything_written(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(everything_written(&path));
        } else {
            bytes.extend(std::fs::read(&path).unwrap());
        }
    }
    bytes
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
