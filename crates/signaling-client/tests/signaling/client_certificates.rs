//! Servers that let only clients with a certificate in, and what is said when they do not.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use signaling_client::{ClientCertificate, TlsOptions};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, version};
use tokio_tungstenite::accept_async;

use crate::connecting::{failure, place};
use crate::server::{config, listen, soon};

/// An authority that signs both ends' certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("ring makes keys");
        Self(CertifiedIssuer::self_signed(params, key).expect("good parameters"))
    }

    /// PEM of a certificate and of its key.
    fn sign(&self) -> (String, String) {
        let key = KeyPair::generate().expect("ring makes keys");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a good name");
        (params.signed_by(&key, &self.0).expect("good parameters").pem(), key.serialize_pem())
    }

    /// Takes one connection of a client with a certificate of ours.
    async fn serve(&self, listener: &TcpListener, version: &'static tokio_rustls::rustls::SupportedProtocolVersion) {
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("an authority");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let key = KeyPair::generate().expect("ring makes keys");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a good name");
        let ours = params.signed_by(&key, &self.0).expect("good parameters");
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .expect("ring supports it")
            .with_client_cert_verifier(verifier.build().expect("an authority"))
            .with_single_cert(
                vec![ours.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).expect("rcgen writes PKCS #8"),
            )
            .expect("key and certificate fit");
        let (stream, _) = listener.accept().await.expect("a client comes");
        if let Ok(stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await {
            let _ = accept_async(stream).await;
        }
    }
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("cargo's own folder");
    path
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_lets_only_those_in_that_it_knows() {
    let authority = Authority::new("ours");
    let (ours, our_key) = authority.sign();
    let (foreign, foreign_key) = Authority::new("theirs").sign();
    let ca_file = Some(file("mutual-ca.pem", &authority.0.pem()));
    let shown = |name: &str, certificate: &str, key: &str| ClientCertificate {
        certificate: file(&format!("mutual-{name}.pem"), certificate),
        key: file(&format!("mutual-{name}-key.pem"), key),
    };
    for version in [&version::TLS13, &version::TLS12] {
        for (client_certificate, words) in [
            // After TLS this server hangs up.
            (Some(shown("ours", &ours, &our_key)), "the line was cut without a close frame"),
            (None, "wants to see a certificate of ours: pass --client-cert and --client-key"),
            (Some(shown("foreign", &foreign, &foreign_key)), "does not accept our certificate: check --client-cert"),
        ] {
            let listener = listen().await;
            let mut config = config("wss", &listener);
            config.tls = TlsOptions { ca_file: ca_file.clone(), client_certificate, ..TlsOptions::default() };
            let ((reason, _), ()) = tokio::join!(failure(config), soon(authority.serve(&listener, version)));
            assert!(reason.contains(words), "{version:?}: {reason}");
        }
    }
}

#[tokio::test]
async fn unusable_files_are_named_before_anything_is_sent() {
    let (certificate, key) = Authority::new("any").sign();
    let (_, other_key) = Authority::new("any").sign();
    let good = file("client-good.pem", &certificate);
    let good_key = file("client-good-key.pem", &key);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (certificate, key, name, words) in [
        (PathBuf::from("no-such.pem"), good_key.clone(), "no-such.pem", "No such file"),
        (good_key.clone(), good_key.clone(), "client-good-key.pem", "no certificate in PEM form"),
        (good.clone(), good.clone(), "client-good.pem", "no private key in PEM form"),
        (good.clone(), file("client-enc.pem", encrypted), "client-enc.pem", "the key is encrypted"),
        (
            good.clone(),
            file("client-other.pem", &other_key),
            "client-other.pem",
            "it is not the key of the certificate",
        ),
    ] {
        let listener = listen().await;
        let mut config = config("wss", &listener);
        config.tls.insecure = true;
        config.tls.client_certificate = Some(ClientCertificate { certificate, key });
        let mut client = crate::server::connect(config);
        let event = client.event().await;
        let Some(call_core::SignalingEvent::Unreachable { reason, retry: false }) = event else { panic!("{event:?}") };
        assert!(reason.contains(name) && reason.contains(words), "{reason} at {}", place(&listener));
    }
}
