//! `ringback serve`: the signaling server and the browser page, until a signal ends it.
//! Prints the link for a browser, the same as a QR code, and the certificate's pin.

use std::process::ExitCode;

use anyhow::Context as _;
use call_engine::Secret;
use signaling_server::{Server, ServerConfig, Tls, Turn};

use crate::cli::ServeArgs;
use crate::{exit, reach, signals, terminal};

/// Serves until SIGINT or SIGTERM.
pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let turn = match turn(args) {
        Ok(turn) => turn,
        Err(reason) => {
            terminal::error(&reason);
            return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
        }
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the asynchronous runtime")?;
    runtime.block_on(serve(args, turn))
}

async fn serve(args: &ServeArgs, turn: Option<Turn>) -> anyhow::Result<ExitCode> {
    let key = match reach::key(args.key_file.as_deref(), args.key.as_ref()) {
        Ok(key) => key,
        Err(error) => {
            terminal::error(&error);
            return Ok(ExitCode::from(exit::BAD_ARGUMENTS));
        }
    };
    let config = ServerConfig {
        listen: args.listen,
        key,
        tls: tls(args),
        allow_origins: args.allow_origin.clone(),
        ice_servers: args.ice_server.iter().flat_map(|servers| servers.0.clone()).collect(),
        turn,
        ..ServerConfig::default()
    };
    let server = Server::start(config).await?;
    terminal::line(&format!("serving on {}", server.local_addr()));
    invite(&server.page_url(&args.room), server.pin_sha256());
    terminal::line(&format!("native:  ringback call {} --server {}", args.room, server.signaling_url()));
    signals::interrupted().await;
    terminal::line("shutting down");
    server.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

/// Where the secret comes from: a file or the environment, as everyone on the machine sees the arguments.
fn turn(args: &ServeArgs) -> Result<Option<Turn>, String> {
    const VARIABLE: &str = "RINGBACK_TURN_SECRET";
    if args.turn.is_empty() {
        return Ok(None);
    }
    let secret = match &args.turn_secret_file {
        Some(file) => {
            std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?
        }
        None => std::env::var(VARIABLE)
            .map_err(|_| format!("--turn needs the secret of the TURN server: --turn-secret-file, or {VARIABLE}"))?,
    };
    let secret = secret.trim();
    if secret.is_empty() {
        return Err("the secret of the TURN server is empty".into());
    }
    Ok(Some(Turn { urls: args.turn.clone(), secret: Secret::new(secret), lifetime: args.turn_ttl }))
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

/// Prints a text as a QR code; nothing where it is too long for one.
pub(crate) fn show_code(text: &str) {
    for row in code(text).iter().flat_map(|code| code.lines()) {
        terminal::line(row);
    }
}

/// A text as a QR code in half-blocks, with the margin that it needs: rows of the same width, whose dark parts are the signs.
/// `None` where it is too long for one.
pub(crate) fn code(text: &str) -> Option<String> {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::L).ok()?;
    Some(code.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build())
}

/// Lower-case hex digits, as `--pin-sha256` takes them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
