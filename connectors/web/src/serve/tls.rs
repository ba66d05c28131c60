//! TLS without a proxy. In: the files of a certificate and its key. Out: what takes connections by them, and what reads them again when
//! they are renewed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::WebError;
use crate::config;
use crate::look::Look;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// A certificate in use.
#[derive(Clone)]
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RustlsConfig,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Tls {
    /// None where no certificate is configured.
    pub(crate) fn new(config: &config::Tls) -> Result<Option<Self>, WebError> {
        let (Some(certificate), Some(key)) = (&config.certificate, &config.key) else { return Ok(None) };
        let config = RustlsConfig::from_config(Arc::new(read(certificate, key)?));
        Ok(Some(Self { certificate: certificate.clone(), key: key.clone(), config }))
    }

    /// What connections are taken by.
    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Takes up renewed files, for ever.
    pub(crate) async fn renew(&self) {
        let mut known = self.look();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.look();
            if now != known {
                known = now;
                // The two files are written one after the other: between them they do not fit, and the next look sees the rest.
                match self.reload() {
                    Ok(()) => {
                        tracing::info!(certificate = %self.certificate.display(), "took up the renewed certificate")
                    }
                    Err(error) => tracing::warn!(%error, "the certificate in use stays"),
                }
            }
        }
    }

    /// Reads the files again; where they are no good, what is in use stays.
    pub(crate) fn reload(&self) -> Result<(), WebError> {
        self.config.reload_from_config(Arc::new(read(&self.certificate, &self.key)?));
        Ok(())
    }

    fn look(&self) -> [Option<Look>; 2] {
        [Look::at(&self.certificate), Look::at(&self.key)]
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, WebError> {
    let failed = |path: &Path, problem: String| WebError::Tls { path: path.to_owned(), problem };
    let text = |path: &Path| fs::read(path).map_err(|error: io::Error| failed(path, error.to_string()));
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|error| failed(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(failed(certificate, "it holds no certificate".to_owned()));
    }
    let secret =
        PrivateKeyDer::from_pem_slice(&text(key)?).map_err(|error| failed(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(|error| failed(certificate, format!("it does not fit {}: {error}", key.display())))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
