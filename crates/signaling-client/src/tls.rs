//! Decides whom to trust on a `wss://` URL. The system's authorities by default; a file, a pinned certificate or nobody's
//! word at all where the person asked for that.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, InvalidMessage,
    OtherError, RootCertStore, SignatureScheme, WantsVerifier,
};

use crate::client_certificate::ClientCertificate;
use crate::connect_error::ConnectError;
use crate::text::one_line;

/// Whom to trust. A pin decides alone; without one, `insecure` trusts everybody, else `ca_file` replaces the system's authorities.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// PEM file with the certificates of the only authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the server's own (leaf) certificate, taken over its whole DER encoding. Name, dates and issuer then do not
    /// matter; that the server holds the certificate's private key is still checked.
    pub pin_sha256: Option<[u8; 32]>,
    /// Trust any certificate: protects against listeners only, not against anybody who sits in between.
    pub insecure: bool,
    /// Shown to a server that asks for one.
    pub client_certificate: Option<ClientCertificate>,
}

impl TlsOptions {
    /// For other servers than the signaling server, such as proxies: trusts the authorities, but neither the pin, which is of
    /// one server, nor everybody, and shows no certificate.
    pub(crate) fn of_others(&self) -> Self {
        Self { ca_file: self.ca_file.clone(), ..Self::default() }
    }

    /// For other servers than the signaling server, such as relays: trusts the authorities, but neither the pin, which is of
    /// one server, nor everybody. `None` when there are no authorities to trust. Reads certificate files.
    #[must_use]
    pub fn authorities(&self) -> Option<Arc<ClientConfig>> {
        Some(Arc::new(
            builder(&provider()).with_root_certificates(roots(self.ca_file.as_deref()).ok()?).with_no_client_auth(),
        ))
    }
}

/// The text is not a SHA-256 fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a SHA-256 pin is 64 hexadecimal digits, with or without colons between the bytes")]
pub struct PinError;

/// Reads a fingerprint as `openssl x509 -fingerprint -sha256` and our own server print it: hex, colons or not, any case.
///
/// # Errors
/// [`PinError`] when it is not 32 bytes in hex.
pub fn parse_pin_sha256(text: &str) -> Result<[u8; 32], PinError> {
    let digits: Vec<u8> = text.trim().bytes().filter(|&byte| byte != b':').collect();
    if digits.len() != 64 {
        return Err(PinError);
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).ok_or(PinError);
    let mut pin = [0; 32];
    for (byte, pair) in pin.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Ok(pin)
}

/// What `options` ask for, ready to connect with. Reads certificate files, apart from the runtime's threads.
pub(crate) async fn load(options: &TlsOptions) -> Result<TlsConnector, ConnectError> {
    let options = options.clone();
    tokio::task::spawn_blocking(move || connector(&options))
        .await
        .expect("reading certificates does not panic, and nobody aborts it")
}

fn connector(options: &TlsOptions) -> Result<TlsConnector, ConnectError> {
    let provider = provider();
    let builder = builder(&provider);
    let trust = match (options.pin_sha256, options.insecure) {
        (Some(pin), _) => Some(Trust::Pinned(pin)),
        (None, true) => Some(Trust::Anybody),
        (None, false) => None,
    };
    let builder = match trust {
        Some(trust) => builder.dangerous().with_custom_certificate_verifier(Arc::new(LeafVerifier { trust, provider })),
        None => builder.with_root_certificates(roots(options.ca_file.as_deref())?),
    };
    let config = match &options.client_certificate {
        Some(ours) => ours.finish(builder)?,
        None => builder.with_no_client_auth(),
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn builder(provider: &Arc<CryptoProvider>) -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .expect("ring supports the versions that rustls considers safe")
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = ca_file else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return if roots.is_empty() { Err(ConnectError::NoRoots) } else { Ok(roots) };
    };
    let unusable = |reason: String| ConnectError::CaFile { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| unusable("it is not well-formed PEM".to_owned()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("there is no certificate in PEM form in it".to_owned()));
    }
    Ok(roots)
}

/// Says in our words why TLS with `place` was not agreed on.
pub(crate) fn explain(place: &str, error: &std::io::Error) -> ConnectError {
    let place = place.to_owned();
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        // No TLS error: the stream ended or broke in the middle of the handshake.
        return ConnectError::NoAnswer { place, secure: true };
    };
    match error {
        // The first bytes of the answer are not a TLS record.
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge,
        ) => ConnectError::WantsPlain { place },
        Error::InvalidCertificate(problem) => explain_certificate(place, problem),
        &Error::AlertReceived(alert) => explain_alert(place, alert),
        other => ConnectError::Tls { place, reason: one_line(&other.to_string()) },
    }
}

/// Says why TLS with `place` broke after it was agreed on, where that is TLS's fault: in TLS 1.3 the server looks at our
/// certificate when we are through already.
pub(crate) fn explain_late(place: &str, error: &std::io::Error) -> Option<ConnectError> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        &Error::AlertReceived(alert) => Some(explain_alert(place.to_owned(), alert)),
        _ => None,
    }
}

fn explain_alert(place: String, alert: AlertDescription) -> ConnectError {
    use AlertDescription as Alert;
    let reason = format!("{alert:?}");
    match alert {
        Alert::CertificateRequired => ConnectError::WantsCertificate { place },
        // Servers of TLS 1.2 use the general alert when no certificate came, which says too little to be sure.
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => ConnectError::CertificateRefused { place, reason },
        _ => ConnectError::Tls { place, reason: format!("the server broke it off ({reason})") },
    }
}

fn explain_certificate(place: String, problem: &CertificateError) -> ConnectError {
    use CertificateError as Problem;
    match problem {
        Problem::UnknownIssuer | Problem::BadSignature => ConnectError::UntrustedCertificate { place },
        Problem::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            ConnectError::CertificateName { place, presented: one_line(&presented.join(", ")) }
        }
        Problem::NotValidForName | Problem::NotValidForNameContext { .. } => {
            ConnectError::CertificateName { place, presented: "another host".to_owned() }
        }
        Problem::Expired | Problem::ExpiredContext { .. } => ConnectError::CertificateDates { place, state: "expired" },
        Problem::NotValidYet | Problem::NotValidYetContext { .. } => {
            ConnectError::CertificateDates { place, state: "not valid yet" }
        }
        Problem::Other(OtherError(inner)) => match inner.downcast_ref::<PinMismatch>() {
            Some(PinMismatch(seen)) => ConnectError::PinMismatch { place, seen: seen.clone() },
            // The type is webpki's, which this crate does not name otherwise.
            None if inner.to_string().contains("CaUsedAsEndEntity") => ConnectError::CertificateOfAuthority { place },
            None => ConnectError::Tls { place, reason: one_line(&inner.to_string()) },
        },
        other => ConnectError::Tls { place, reason: one_line(&other.to_string()) },
    }
}

/// Another certificate came than the pinned one; its fingerprint in hex.
#[derive(Debug, Error)]
#[error("certificate with SHA-256 {0} is not the pinned one")]
struct PinMismatch(String);

#[derive(Clone, Copy, Debug)]
enum Trust {
    Pinned([u8; 32]),
    Anybody,
}

/// Looks at the leaf certificate only, and makes the server prove that it holds its key.
struct LeafVerifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for LeafVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeafVerifier").field("trust", &self.trust).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for LeafVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Pinned(pin) = self.trust else { return Ok(ServerCertVerified::assertion()) };
        let seen: [u8; 32] = Sha256::digest(end_entity).into();
        if seen == pin {
            return Ok(ServerCertVerified::assertion());
        }
        let seen = seen.iter().map(|byte| format!("{byte:02x}")).collect();
        Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(PinMismatch(seen))))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read_as_openssl_and_our_server_print_them() {
        let plain = "00ff".repeat(16);
        let expected: [u8; 32] = std::array::from_fn(|index| if index % 2 == 0 { 0 } else { 255 });
        assert_eq!(parse_pin_sha256(&plain), Ok(expected));
        assert_eq!(parse_pin_sha256(&format!(" {}\n", ["00:FF"; 16].join(":"))), Ok(expected));
    }

    #[test]
    fn other_texts_are_no_pins() {
        for text in ["", "00ff", &"0g".repeat(32), &"00".repeat(33), &"é".repeat(32), &"+1".repeat(32)] {
            assert_eq!(parse_pin_sha256(text), Err(PinError), "{text}");
        }
    }
}
