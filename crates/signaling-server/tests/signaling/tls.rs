//! The encrypted server: its pin is its certificate's, and lost plain clients are led to it.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use signaling_server::Tls;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::client::{Client, raw, serve, soon};

/// Trusts the one certificate with this digest.
#[derive(Debug)]
struct Pinned([u8; 32], Arc<CryptoProvider>);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match Sha256::digest(certificate) == self.0.into() {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::Error::General("another certificate".into())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.1.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.1.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.1.signature_verification_algorithms.supported_schemes()
    }
}

#[tokio::test]
async fn a_peer_that_knows_the_pin_gets_through() {
    let server = serve(|config| config.tls = Tls::SelfSigned).await;
    let pin = server.pin_sha256().expect("a pin");
    assert!(server.signaling_url().starts_with("wss://127.0.0.1:"));
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(pin, provider)))
        .with_no_client_auth();
    let stream = soon(TcpStream::connect(server.local_addr())).await.expect("the server listens");
    let name = ServerName::from(server.local_addr().ip());
    let stream = soon(TlsConnector::from(Arc::new(config)).connect(name, stream)).await.expect("the pin fits");
    let (socket, _) =
        soon(tokio_tungstenite::client_async(server.signaling_url(), stream)).await.expect("the WebSocket opens");
    let mut client = Client { socket };
    client.say(r#"{"type":"register","roomId":"kitchen"}"#).await;
    assert!(client.hear().await.starts_with(r#"{"type":"accept""#));
    let (code, ()) = tokio::join!(client.closed(), soon(server.shutdown()));
    assert_eq!(code, Some(1001));
}

#[tokio::test]
async fn a_browser_that_came_without_tls_is_led_to_https() {
    let server = serve(|config| config.tls = Tls::SelfSigned).await;
    let answer = raw(&server, "GET /?room=a HTTP/1.1\r\nHost: calls.example:1\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 307"), "{answer}");
    assert!(answer.to_lowercase().contains("location: https://calls.example:1/?room=a\r\n"), "{answer}");
    server.shutdown().await;
}
