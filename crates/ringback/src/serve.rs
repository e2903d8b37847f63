//! `ringback serve`: the signaling server and the browser page, until a signal ends it.
//! Prints the link for a browser, the same as a QR code, and the certificate's pin.

use std::process::ExitCode;

use anyhow::Context as _;
use signaling_server::{Server, ServerConfig, Tls};

use crate::cli::ServeArgs;
use crate::{call, terminal};

/// Serves until SIGINT or SIGTERM.
pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the asynchronous runtime")?;
    runtime.block_on(serve(args))
}

async fn serve(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let config = ServerConfig {
        listen: args.listen,
        key: args.key.clone(),
        tls: tls(args),
        allow_origins: args.allow_origin.clone(),
        ice_servers: args.ice_server.clone(),
        ..ServerConfig::default()
    };
    let server = Server::start(config).await?;
    terminal::line(&format!("serving on {}", server.local_addr()));
    invite(&server.page_url(&args.room), server.pin_sha256());
    terminal::line(&format!("native:  ringback call {} --server {}", args.room, server.signaling_url()));
    call::interrupted().await;
    terminal::line("shutting down");
    server.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Browsers give camera and microphone to loopback and to https only.
fn tls(args: &ServeArgs) -> Tls {
    match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Tls::Files { cert: cert.clone(), key: key.clone() },
        _ if args.listen.ip().is_loopback() => Tls::Off,
        _ if args.insecure_plain => {
            terminal::warn("--insecure-plain: signaling is not encrypted; put a proxy with TLS in front");
            Tls::Off
        }
        _ => Tls::SelfSigned,
    }
}

/// The link for a browser, as text and as a code for a telephone's camera.
pub(crate) fn invite(page: &str, pin: Option<[u8; 32]>) {
    terminal::line(&format!("browser: {page}"));
    show_code(page);
    if let Some(pin) = pin {
        terminal::line(&format!("certificate pin (SHA-256): {}", hex(&pin)));
    }
}

/// A text as a QR code; nothing where it is too long for one.
pub(crate) fn show_code(text: &str) {
    if let Ok(code) = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::L) {
        for row in code.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build().lines() {
            terminal::line(row);
        }
    }
}

/// Lower-case hex digits, as `--pin-sha256` takes them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
