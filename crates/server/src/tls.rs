//! The certificate, and reading it again without a restart.

use std::path::PathBuf;

use axum_server::tls_rustls::RustlsConfig;

use crate::Error;

/// A certificate in use.
#[derive(Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
}

impl Tls {
    /// Reads a certificate chain and its private key from PEM files.
    ///
    /// # Errors
    /// [`Error::Tls`].
    pub async fn read(certificate: PathBuf, key: PathBuf) -> Result<Self, Error> {
        // A second call in one process finds the provider installed; that is the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        match RustlsConfig::from_pem_file(&certificate, &key).await {
            Ok(config) => Ok(Self {
                certificate,
                key,
                config,
            }),
            Err(reason) => Err(failure(&certificate, &key, reason)),
        }
    }

    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    pub(crate) async fn reload(&self) -> Result<(), Error> {
        let reloaded = self
            .config
            .reload_from_pem_file(&self.certificate, &self.key)
            .await;
        reloaded.map_err(|reason| failure(&self.certificate, &self.key, reason))
    }
}

fn failure(certificate: &std::path::Path, key: &std::path::Path, reason: std::io::Error) -> Error {
    Error::Tls {
        certificate: certificate.display().to_string(),
        key: key.display().to_string(),
        reason,
    }
}
