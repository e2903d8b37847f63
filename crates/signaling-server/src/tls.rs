//! The server's certificate: read from files, or made at start for this machine's addresses.
//! Either way its SHA-256 pin is known, so that a peer can check it without an authority.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::rustls::ServerConfig as RustlsConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::address::local_addresses;
use crate::config::Tls;

/// Browsers refuse certificates that are valid for longer than 398 days.
const VALIDITY: Duration = Duration::from_secs(397 * 24 * 3600);
/// Clocks of two machines may differ by this much.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 3600);

/// Why there is no usable certificate.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The certificate file cannot be read as PEM.
    #[error("cannot read the certificate {}: {source}; give a PEM file", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: pem::Error,
    },
    /// The certificate file holds no certificate.
    #[error("no certificate in {}; give a PEM file with a CERTIFICATE section", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key file cannot be read as PEM.
    #[error("cannot read the private key {}: {source}; give a PEM file", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: pem::Error,
    },
    /// Certificate and key do not fit each other, or are of a kind that is not supported.
    #[error("certificate and private key cannot be used together: {0}")]
    Pair(#[from] rustls::Error),
    /// The certificate cannot be made.
    #[error("cannot make a self-signed certificate: {0}")]
    SelfSigned(#[from] rcgen::Error),
}

/// A ready certificate.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    /// SHA-256 of the certificate in DER.
    pub(crate) pin: [u8; 32],
}

/// The identity to serve `listen` with; `None` without TLS.
pub(crate) fn identity(tls: &Tls, listen: SocketAddr) -> Result<Option<Identity>, TlsError> {
    let (chain, key) = match tls {
        Tls::Off => return Ok(None),
        Tls::SelfSigned => self_signed(listen)?,
        Tls::Files { cert, key } => read_files(cert, key)?,
    };
    let pin = Sha256::digest(&chain[0]).into();
    let mut config = RustlsConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Identity { acceptor: TlsAcceptor::from(Arc::new(config)), pin }))
}

/// A chain of at least one certificate, and the key of the first.
type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn self_signed(listen: SocketAddr) -> Result<Pair, TlsError> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if listen.ip().is_unspecified() {
        names.extend(local_addresses().iter().map(ToString::to_string));
    } else if !listen.ip().is_loopback() {
        names.push(listen.ip().to_string());
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "Ringback");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let now = SystemTime::now();
    params.not_before = (now - CLOCK_SKEW).into();
    params.not_after = (now - CLOCK_SKEW + VALIDITY).into();
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok((vec![certificate.der().clone()], key))
}

fn read_files(cert: &PathBuf, key: &PathBuf) -> Result<Pair, TlsError> {
    let unreadable = |source| TlsError::Certificate { path: cert.clone(), source };
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(cert).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: cert.clone() });
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Key { path: key.clone(), source })?;
    Ok((chain, key))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    #[test]
    fn each_self_signed_identity_has_its_own_pin() {
        let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 7550));
        let pin = || identity(&Tls::SelfSigned, listen).expect("a certificate").expect("an identity").pin;
        assert_ne!(pin(), pin());
    }

    #[test]
    fn missing_and_wrong_files_are_named() {
        let here = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let none = PathBuf::from("/nonexistent/cert.pem");
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let error = |cert: &PathBuf, key: &PathBuf| {
            let tls = Tls::Files { cert: cert.clone(), key: key.clone() };
            identity(&tls, listen).err().expect("no identity").to_string()
        };
        assert!(error(&none, &here).contains("/nonexistent/cert.pem"));
        assert!(error(&here, &here).contains("no certificate in"));
    }
}
