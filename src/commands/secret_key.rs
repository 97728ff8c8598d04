//! The key under which secrets are encrypted that must be readable again: configured, or a file of this machine's own.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use server::Vault;
use store::DatabaseUrl;

use crate::config::Config;
use crate::exit::Failure;

/// The file in the data folder.
const FILE: &str = "secret.key";

/// What encrypts; the key is made where there is none.
pub(super) fn vault(config: &Config) -> Result<Vault, Failure> {
    if let Some(key) = &config.secret_key {
        return Vault::parse(&key.0).map_err(|error| Failure::usage(format!("secret_key: {error}")));
    }
    let path = config.data.join(FILE);
    if let DatabaseUrl::Postgres(_) = config.database()? {
        tracing::warn!(
            "secret_key is not set, so the key is a file of this machine's; several nodes need the same: see PROVOST_SECRET_KEY"
        );
    }
    let failed = |error: std::io::Error| Failure::found(format!("{}: {error}", path.display()));
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            Vault::parse(&text).map_err(|error| Failure::found(format!("{}: {error}", path.display())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(|error| Failure::found(format!("no randomness: {error}")))?;
            let text: String = key
                .iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .map(digit)
                .collect();
            let mut file = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .map_err(failed)?;
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(failed)?;
            Ok(Vault::of(key))
        }
        Err(error) => Err(failed(error)),
    }
}

fn digit(value: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(value)])
}
