//! What `serve` says when it starts. Secrets go to a terminal once, or to a file that only this user can read; never
//! to a log that stdout may end up in.

use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use directory::Secret;

use crate::output::print;

/// The file in the data folder for the first token.
const FILE: &str = "first-run.txt";

/// What an empty database is told of, once.
pub(super) struct First {
    /// The SCIM base URL.
    pub(super) base: String,
    /// The address of the console.
    pub(super) console: String,
    /// The first token.
    pub(super) secret: Secret,
    /// The first owner's invitation.
    pub(super) invitation: Secret,
}

impl First {
    /// Everything that it takes to connect an identity provider. `flags` lead other commands to the same database.
    pub(super) fn tell(&self, data: &Path, flags: &str) -> io::Result<()> {
        let text = self.text(flags);
        if io::stdout().is_terminal() {
            return print(&text);
        }
        let path = data.join(FILE);
        // One that is left from an earlier database may have other permissions.
        let _ = std::fs::remove_file(&path);
        let mut file = std::fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(text.as_bytes())?;
        print(&format!(
            "The sign-in link, the token and what to do next are in {}.",
            path.display()
        ))?;
        again(&self.base, &self.console)
    }
}

/// The database was there.
pub(super) fn again(base: &str, console: &str) -> io::Result<()> {
    print(&format!(
        "Provost is ready. SCIM base URL: {base}\nConsole: {console}"
    ))
}

impl First {
    fn text(&self, flags: &str) -> String {
        // As it was called, so that a line can be copied: after `cargo run` the program is not on the path.
        let provost = std::env::args().next().unwrap_or_else(|| "provost".to_owned());
        let (base, token) = (&self.base, self.secret.reveal());
        let link = invitation_link(&self.console, &self.invitation);
        let https = if base.starts_with("https://") {
            ""
        } else {
            "\n     Okta asks for https: give Provost a certificate (--tls-cert, --tls-key) or put a proxy in front."
        };
        format!(
            "Provost is ready.

  Sign in         {link}
                  once, within 7 days; the pages take it from here, from Okta to your first mapping

  SCIM base URL   {base}
  Token           {token}
                  shown once, valid for 365 days; `provost token create` makes the next one

In Okta, in your app under Provisioning > Integration:
  1. SCIM connector base URL: the base URL above. Unique identifier field: userName.{https}
  2. Authentication mode: HTTP Header. Authorization: the token above. Press Test Connector Configuration.
  3. Under To App, enable Create Users, Update User Attributes and Deactivate Users; then assign people.

To try next, in another terminal:
  {provost} simulate okta --url {base} --token {token}
  {provost} report provisioning{flags}
  {provost} profile add Germany --max-users 100 --quota 50GB --purge-days 90{flags}
  {provost} mapping add Germany --attribute countryCode --value DE --profile Germany --storage default{flags}
"
        )
    }
}

/// Where an invited person chooses a password.
pub(super) fn invitation_link(console: &str, invitation: &Secret) -> String {
    format!("{console}invitation?token={}", invitation.reveal())
}
