//! A certificate of ours and its key, for servers that let only those in who show one (mutual TLS). Read from PEM files anew for
//! each connection, so that a renewed one is used without a restart.

use std::path::{Path, PathBuf};

use tokio_rustls::rustls::client::{ClientConfig, WantsClientCert};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ConfigBuilder, Error, InconsistentKeys};

use crate::connect_error::ConnectError;

/// Where they are. Both may be in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// PEM file with our certificate, and those between it and the authority after it.
    pub certificate: PathBuf,
    /// PEM file with its private key, not encrypted.
    pub key: PathBuf,
}

impl ClientCertificate {
    /// Finishes `builder` with them. Reads the files.
    pub(crate) fn finish(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig, ConnectError> {
        let certificates = pem_of(&self.certificate).and_then(|pem| certificates(&pem));
        let certificates = certificates.map_err(|reason| unusable(&self.certificate, reason))?;
        let key = pem_of(&self.key).and_then(|pem| key(&pem)).map_err(|reason| unusable(&self.key, reason))?;
        builder.with_client_auth_cert(certificates, key).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                unusable(&self.key, format!("it is not the key of the certificate in {}", self.certificate.display()))
            }
            error => unusable(&self.key, error.to_string()),
        })
    }
}

fn unusable(path: &Path, reason: String) -> ConnectError {
    ConnectError::ClientCertificate { path: path.to_owned(), reason }
}

fn pem_of(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| error.to_string())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Err(_) => Err("it is not well-formed PEM".to_owned()),
        Ok(certificates) if certificates.is_empty() => Err("there is no certificate in PEM form in it".to_owned()),
        Ok(certificates) => Ok(certificates),
    }
}

fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let encrypted = |text: &[u8]| pem.windows(text.len()).any(|window| window == text);
    match PrivateKeyDer::from_pem_slice(pem) {
        // An old form encrypts within the text, and says so in a line of its own.
        _ if encrypted(b"ENCRYPTED PRIVATE KEY-----") || encrypted(b"Proc-Type: 4,ENCRYPTED") => {
            Err("the key is encrypted: write it out with openssl pkey".to_owned())
        }
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err("there is no private key in PEM form in it".to_owned()),
        Err(_) => Err("it is not well-formed PEM".to_owned()),
    }
}
