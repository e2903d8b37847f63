//! Connections that cannot come about, and whom TLS trusts. Each failure is one sentence that says what to do.

use std::sync::Arc;

use call_core::SignalingEvent;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use signaling_client::{SignalingConfig, TlsOptions, parse_server_url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::accept_async;

use crate::server::{config, connect, listen, soon};

/// Connects in vain and gives the reason, with whether to try again.
pub(crate) async fn failure(config: SignalingConfig) -> (String, bool) {
    let mut client = connect(config);
    let event = client.event().await;
    let Some(SignalingEvent::Unreachable { reason, retry }) = event else { panic!("{event:?}") };
    assert_eq!(client.event().await, None, "that was the last event");
    client.ended().await;
    // The session core cuts what it shows after 200 characters.
    assert!(reason.chars().count() <= 200 && !reason.contains('\n'), "too long: {reason}");
    (reason, retry)
}

pub(crate) fn place(listener: &TcpListener) -> String {
    listener.local_addr().expect("bound").to_string()
}

#[tokio::test]
async fn nobody_listens() {
    let listener = listen().await;
    let (place, config) = (place(&listener), config("ws", &listener));
    drop(listener);
    let sentence = format!("{place} refused the connection: is the server running, and is the port right?");
    assert_eq!(failure(config).await, (sentence, true));
}

#[tokio::test]
async fn no_such_host() {
    let listener = listen().await;
    let mut config = config("ws", &listener);
    // Longer than a DNS label can be, so that no resolver has to be asked.
    let host = format!("{}.invalid", "a".repeat(64));
    config.server = parse_server_url(&format!("ws://{host}")).expect("a good URL");
    let (reason, retry) = failure(config).await;
    assert!(retry && reason.starts_with(&format!("cannot find {host}: check the name")), "{reason}");
}

#[tokio::test]
async fn a_web_server_without_ayame() {
    let listener = listen().await;
    let config = config("ws", &listener);
    let sentence = format!(
        "{} answered HTTP 404 for /signaling: nothing is there: check the path of the URL (Ayame servers use /signaling)",
        place(&listener)
    );
    let server = async {
        let (mut stream, _) = listener.accept().await.expect("a client comes");
        assert!(stream.read(&mut [0; 1024]).await.expect("a request") > 0);
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await.expect("open");
    };
    let (failed, ()) = tokio::join!(failure(config), soon(server));
    assert_eq!(failed, (sentence, false));
}

#[tokio::test]
async fn tls_to_a_plain_port() {
    for answer in ["HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n"] {
        let listener = listen().await;
        let config = trusting(&listener, TlsOptions { insecure: true, ..TlsOptions::default() });
        let server = async {
            let (mut stream, _) = listener.accept().await.expect("a client comes");
            assert!(stream.read(&mut [0; 1024]).await.expect("a hello") > 0);
            stream.write_all(answer.as_bytes()).await.expect("open");
            // Until the client hangs up.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        };
        let (failed, ()) = tokio::join!(failure(config), soon(server));
        let sentence = format!("{} does not speak TLS: use ws:// instead of wss://", place(&listener));
        assert_eq!(failed, (sentence, false));
    }
}

#[tokio::test]
async fn plain_to_a_tls_port() {
    let listener = listen().await;
    let identity = Identity::self_signed();
    let (failed, ()) = tokio::join!(failure(config("ws", &listener)), soon(identity.serve(&listener)));
    let sentence = format!("{} is an encrypted port: use wss:// instead of ws://", place(&listener));
    assert_eq!(failed, (sentence, false));
}

/// A server's certificate and key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    pem: String,
}

impl Identity {
    fn new(shape: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().expect("ring makes keys");
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a good name");
        shape(&mut params);
        let certificate = params.self_signed(&key).expect("good parameters");
        Self {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            key: PrivateKeyDer::try_from(key.serialize_der()).expect("rcgen writes PKCS #8"),
        }
    }

    pub(crate) fn self_signed() -> Self {
        Self::new(|_| {})
    }

    /// SHA-256 of the certificate, worked out apart from the code under test.
    fn pin(&self) -> [u8; 32] {
        use sha2::{Digest, Sha256};
        Sha256::digest(&self.certificate).into()
    }

    /// Takes one connection as far as the client lets it.
    pub(crate) async fn serve(&self, listener: &TcpListener) {
        if let Some(stream) = self.accept(listener).await {
            // An upgraded socket that is dropped at once: enough to tell that the client came that far.
            let _ = accept_async(stream).await;
        }
    }

    /// Takes one connection; `None` when the client does not trust us.
    pub(crate) async fn accept(&self, listener: &TcpListener) -> Option<TlsStream<TcpStream>> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports them")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())
            .expect("key and certificate fit");
        let (stream, _) = listener.accept().await.expect("a client comes");
        TlsAcceptor::from(Arc::new(config)).accept(stream).await.ok()
    }

    /// The reason for which a client that trusts as `options` say does not get through TLS, or `None` when it does.
    async fn meet(&self, options: TlsOptions) -> Option<String> {
        let listener = listen().await;
        let (failed, ()) = tokio::join!(failure(trusting(&listener, options)), soon(self.serve(&listener)));
        // After TLS this server hangs up without an answer to the join request.
        let through = failed.0 == "the line was cut without a close frame";
        (!through).then(|| failed.0.replace(&place(&listener), "PLACE"))
    }

    /// Writes the certificate where `--ca-file` could point to.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, &self.pem).expect("cargo's own folder");
        path
    }
}

fn trusting(listener: &TcpListener, tls: TlsOptions) -> SignalingConfig {
    SignalingConfig { tls, ..config("wss", listener) }
}

fn pinned(pin: [u8; 32]) -> TlsOptions {
    TlsOptions { pin_sha256: Some(pin), ..TlsOptions::default() }
}

pub(crate) fn ca_file(path: std::path::PathBuf) -> TlsOptions {
    TlsOptions { ca_file: Some(path), ..TlsOptions::default() }
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_by_pin_file_or_force_only() {
    let ours = Identity::self_signed();
    let other = Identity::self_signed();
    assert_eq!(
        ours.meet(ca_file(other.file("other.pem"))).await.as_deref(),
        Some(
            "the certificate of PLACE is not signed by an authority this machine trusts (self-signed?): pass --pin-sha256 or --ca-file"
        )
    );
    assert_eq!(ours.meet(ca_file(ours.file("ours.pem"))).await, None);
    assert_eq!(ours.meet(pinned(ours.pin())).await, None);
    assert_eq!(ours.meet(TlsOptions { insecure: true, ..TlsOptions::default() }).await, None);
}

#[tokio::test]
async fn a_pin_is_the_hash_of_the_whole_leaf_certificate_and_beats_insecure() {
    let ours = Identity::self_signed();
    let seen: String = ours.pin().iter().map(|byte| format!("{byte:02x}")).collect();
    let options = TlsOptions { insecure: true, ..pinned(Identity::self_signed().pin()) };
    assert_eq!(
        ours.meet(options).await,
        Some(format!(
            "PLACE shows another certificate than the pinned one: its SHA-256 is {seen} (renewed, or somebody is in between)"
        ))
    );
    assert_eq!(signaling_client::parse_pin_sha256(&seen), Ok(ours.pin()));
}

#[tokio::test]
async fn a_certificate_of_another_host_names_that_host() {
    let other = Identity::new(|params| {
        *params = CertificateParams::new(vec!["call.example".to_owned()]).expect("a good name");
    });
    let reason = other.meet(ca_file(other.file("name.pem"))).await.expect("the name is wrong");
    assert!(reason.contains("is made out to") && reason.contains("call.example"), "{reason}");
    assert_eq!(other.meet(pinned(other.pin())).await, None, "a pin needs no name");
}

#[tokio::test]
async fn a_certificate_out_of_its_time_says_so() {
    let old = Identity::new(|params| params.not_after = date_time_ymd(2000, 1, 1));
    assert_eq!(
        old.meet(ca_file(old.file("old.pem"))).await.as_deref(),
        Some("the certificate of PLACE is expired: renew it, or check this machine's clock")
    );
    let early = Identity::new(|params| params.not_before = date_time_ymd(3000, 1, 1));
    assert_eq!(
        early.meet(ca_file(early.file("early.pem"))).await.as_deref(),
        Some("the certificate of PLACE is not valid yet: renew it, or check this machine's clock")
    );
}

#[tokio::test]
async fn an_authority_s_own_certificate_can_be_pinned() {
    let authority = Identity::new(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(
        authority.meet(ca_file(authority.file("authority.pem"))).await.as_deref(),
        Some("the certificate of PLACE is an authority's own, which no server may use: pass --pin-sha256")
    );
    assert_eq!(authority.meet(pinned(authority.pin())).await, None);
}

#[tokio::test]
async fn unusable_certificate_files_are_named() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (name, content, words) in [
        ("missing.pem", None, "No such file"),
        ("empty.pem", Some(""), "no certificate in PEM form"),
        ("broken.pem", Some("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"), "not well-formed PEM"),
    ] {
        let path = folder.join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).expect("cargo's own folder");
        }
        let listener = listen().await;
        let mut client = connect(trusting(&listener, ca_file(path)));
        let event = client.event().await;
        let Some(SignalingEvent::Unreachable { reason, retry: false }) = event else { panic!("{event:?}") };
        assert!(reason.contains(name) && reason.contains(words), "{reason}");
    }
}
