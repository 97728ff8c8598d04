//! The key under which secrets are encrypted that must be readable again: configured, or a file of this machine's own.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

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
    match std::fs::metadata(&path) {
        Ok(_) => read(&path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(|error| Failure::found(format!("no randomness: {error}")))?;
            let text: String = key
                .iter()
                .flat_map(|byte| [byte >> 4, byte & 15])
                .map(digit)
                .collect();
            // Whole or not at all, and the first of several that start together: they share the folder.
            let fresh = config.data.join(format!("{FILE}.{}", std::process::id()));
            let mut file = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&fresh)
                .map_err(failed)?;
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(failed)?;
            let linked = std::fs::hard_link(&fresh, &path);
            drop(std::fs::remove_file(&fresh));
            match linked {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed(error)),
                _ => read(&path),
            }
        }
        Err(error) => Err(failed(error)),
    }
}

fn read(path: &Path) -> Result<Vault, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::found(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    Vault::parse(&text).map_err(|error| failed(&error))
}

fn digit(value: u8) -> char {
    char::from(b"0123456789abcdef"[usize::from(value)])
}
