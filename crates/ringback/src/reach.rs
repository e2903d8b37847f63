//! How a signaling server is reached, as `call` and `probe` are told it: who we are, whom we trust, and which way leads there.
//! Secrets come from the environment or from files, so that no list of processes shows them.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use call_engine::{
    ClientCertificate, Headers, Proxies, Proxy, Secret, ServerUrl, SignalingConfig, TlsOptions, parse_proxy,
};
use clap::Args;

use crate::cli::{Pin, pin, secret};
use crate::terminal;

/// Longest file with secrets, in bytes: room for all headers that are sent at most.
const MAX_FILE: u64 = 256 * 1024;

/// The options.
#[derive(Args, Debug, Default)]
pub(crate) struct ReachArgs {
    /// Signaling key of the server; better RINGBACK_KEY or --key-file, which nobody else sees.
    #[arg(long, env = "RINGBACK_KEY", hide_env_values = true, value_parser = secret, help_heading = "Signaling")]
    pub(crate) key: Option<Secret>,
    /// Read the signaling key from this file; it goes before --key and RINGBACK_KEY.
    #[arg(long, value_name = "FILE", help_heading = "Signaling")]
    pub(crate) key_file: Option<PathBuf>,
    /// Send the bearer token in this file with the request (or that in RINGBACK_TOKEN).
    #[arg(long, value_name = "FILE", help_heading = "Signaling")]
    pub(crate) token_file: Option<PathBuf>,
    /// Send this header with the request, or all those in a file, one a line; may be repeated.
    #[arg(long, value_name = "NAME: VALUE|@FILE", value_parser = secret, help_heading = "Signaling")]
    pub(crate) header: Vec<Secret>,
    /// Go through this proxy: http://, https://, socks5:// or `socks5h://[USER:PASSWORD@]HOST[:PORT]`, @FILE with that in it, or
    /// none (default: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY).
    #[arg(long, value_name = "URL", value_parser = secret, help_heading = "Signaling")]
    pub(crate) proxy: Option<Secret>,
    /// Trust the certificates in this PEM file, and no others.
    #[arg(long, value_name = "FILE", help_heading = "Signaling")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Trust only the server certificate with this SHA-256 (64 hex digits, as the server prints it).
    #[arg(long, value_name = "HEX", value_parser = pin, help_heading = "Signaling")]
    pub(crate) pin_sha256: Option<Pin>,
    /// Trust any server certificate. Anyone on the way can then listen in on the signaling.
    #[arg(long, help_heading = "Signaling")]
    pub(crate) insecure: bool,
    /// Show the server the certificate in this PEM file.
    #[arg(long, value_name = "FILE", requires = "client_key", help_heading = "Signaling")]
    pub(crate) client_cert: Option<PathBuf>,
    /// Private key (PEM) of --client-cert.
    #[arg(long, value_name = "FILE", requires = "client_cert", help_heading = "Signaling")]
    pub(crate) client_key: Option<PathBuf>,
}

/// What the options come to.
pub(crate) struct Reach {
    pub(crate) key: Option<Secret>,
    pub(crate) tls: TlsOptions,
    proxies: Proxies,
    headers: Headers,
}

impl ReachArgs {
    /// Reads the files and the environment that the options speak of; `server` is whether a server was named, as those that are
    /// found on the network are reached straight, and are shown no token and no certificate. The error is one line without secrets.
    pub(crate) fn read(&self, server: bool) -> Result<Reach, String> {
        Ok(Reach {
            key: key(self.key_file.as_deref(), self.key.as_ref())?,
            tls: TlsOptions {
                ca_file: self.ca_file.clone(),
                pin_sha256: self.pin_sha256.map(|pin| pin.0),
                insecure: self.insecure,
                client_certificate: self.client_certificate().filter(|_| server),
            },
            proxies: if server { self.proxies()? } else { Proxies::default() },
            headers: if server { self.headers()? } else { Headers::default() },
        })
    }

    fn client_certificate(&self) -> Option<ClientCertificate> {
        let (certificate, key) = (self.client_cert.clone()?, self.client_key.clone()?);
        Some(ClientCertificate { certificate, key })
    }

    fn proxies(&self) -> Result<Proxies, String> {
        let Some(given) = &self.proxy else {
            let variable = |name: &str| std::env::var(name).ok();
            return Proxies::from_environment(variable).map_err(|error| error.to_string());
        };
        match given.expose().strip_prefix('@') {
            Some(file) => Ok(Proxies::always(proxy(secret_file("--proxy", Path::new(file))?.expose())?)),
            None if given.expose().eq_ignore_ascii_case("none") => Ok(Proxies::default()),
            None => Ok(Proxies::always(proxy(given.expose())?)),
        }
    }

    fn headers(&self) -> Result<Headers, String> {
        let mut headers = Headers::default();
        let token = match &self.token_file {
            Some(file) => Some(secret_file("--token-file", file)?),
            None => std::env::var("RINGBACK_TOKEN").ok().filter(|token| !token.is_empty()).map(Secret::new),
        };
        if let Some(token) = token {
            headers.add_bearer(&token).map_err(|error| format!("the bearer token cannot be used: {error}"))?;
        }
        for given in &self.header {
            let lines = match given.expose().strip_prefix('@') {
                Some(file) => secret_file("--header", Path::new(file))?,
                None => given.clone(),
            };
            for line in lines.expose().lines().filter(|line| !line.trim().is_empty()) {
                headers.add(line).map_err(|error| format!("--header: {error}"))?;
            }
        }
        Ok(headers)
    }
}

impl Reach {
    /// Puts it all into `signaling`, but for the trust, which a server that was found on the network brings with it.
    pub(crate) fn apply(&self, signaling: &mut SignalingConfig) {
        signaling.key.clone_from(&self.key);
        signaling.proxies = self.proxies.clone();
        signaling.headers = self.headers.clone();
    }

    /// Says what is not safe about reaching `server` like this.
    pub(crate) fn warn(&self, server: &ServerUrl) {
        if self.tls.insecure {
            terminal::warn(
                "--insecure: the server's certificate is not checked; anyone on the way can pose as the server and as the peer",
            );
        }
        let here = matches!(server.url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if server.url.scheme() == "ws" && !here && !self.headers.is_empty() {
            terminal::warn(
                "the server is not reached over wss://: anyone on the way can read the token and the headers",
            );
        }
    }
}

/// The key: that in the file, else the other.
pub(crate) fn key(file: Option<&Path>, other: Option<&Secret>) -> Result<Option<Secret>, String> {
    match file {
        Some(file) => secret_file("--key-file", file).map(Some),
        None => Ok(other.cloned()),
    }
}

fn proxy(text: &str) -> Result<Proxy, String> {
    parse_proxy(text).map_err(|error| format!("--proxy: {error}"))
}

/// What is in the file that `option` names, without the end of its last line.
pub(crate) fn secret_file(option: &str, path: &Path) -> Result<Secret, String> {
    let broken = |reason: &str| format!("{option}: cannot use {}: {reason}", path.display());
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text));
    read.map_err(|error| broken(&error.to_string()))?;
    if text.len() as u64 > MAX_FILE {
        return Err(broken("it is too long"));
    }
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(broken("it is empty"));
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("writable");
        file
    }

    #[test]
    fn secrets_are_read_from_files() {
        let (key, token, headers, proxy) = (
            file("sword fish\n"),
            file("swordfish\r\n"),
            file("X-Team: blue\n\nX-Secret: swordfish\n"),
            file("http://me:swordfish@proxy:3128\n"),
        );
        let at = |file: &tempfile::NamedTempFile| Secret::new(format!("@{}", file.path().display()));
        let arguments = ReachArgs {
            key: Some(Secret::new("another")),
            key_file: Some(key.path().to_owned()),
            token_file: Some(token.path().to_owned()),
            header: vec![at(&headers), Secret::new("X-More: 1")],
            proxy: Some(at(&proxy)),
            ..ReachArgs::default()
        };
        let reach = arguments.read(true).expect("all can be used");
        assert_eq!(reach.key, Some(Secret::new("sword fish")));
        let shown = format!("{:?} {:?} {arguments:?}", reach.headers, reach.proxies);
        assert!(shown.contains("x-team") && shown.contains("x-more") && shown.contains("3128"), "{shown}");
        assert!(!shown.contains("swordfish") && !shown.contains("blue"), "{shown}");
    }

    #[test]
    fn what_cannot_be_used_is_named_without_the_secret() {
        let empty = file("\n");
        let long = file(&"x".repeat(300_000));
        let one = |arguments: ReachArgs| arguments.read(true).err().expect("it cannot be used");
        for (file, words) in [
            (empty.path(), "it is empty"),
            (long.path(), "it is too long"),
            (Path::new("no-such-file"), "No such file"),
        ] {
            let error = one(ReachArgs { key_file: Some(file.to_owned()), ..ReachArgs::default() });
            assert!(error.starts_with("--key-file: cannot use ") && error.contains(words), "{error}");
        }
        for given in ["ftp://me:mackerel@proxy", "http://me:mackerel/s@proxy", "@no-such-file"] {
            let error = one(ReachArgs { proxy: Some(Secret::new(given)), ..ReachArgs::default() });
            assert!(error.starts_with("--proxy: ") && !error.contains("mackerel"), "{error}");
        }
        for given in ["mackerel", "Host: mackerel", "X: mackerel\u{7}"] {
            let error = one(ReachArgs { header: vec![Secret::new(given)], ..ReachArgs::default() });
            assert!(error.starts_with("--header: ") && !error.contains("mackerel"), "{error}");
        }
    }
}
