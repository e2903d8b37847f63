//! Ways to the server: through the proxies that people run, with secrets that nothing shows, and a probe that says what is there.

use std::process::Command;
use std::time::Duration;

use ringback_tests::detour::{Detour, PASSWORD};
use ringback_tests::place::{alone, scratch};
use ringback_tests::port::Port;
use ringback_tests::process::Process;
use ringback_tests::program::{Call, Server, ringback};
use serde_json::Value;

const ENDS: Duration = Duration::from_secs(40);
const KEY: &str = "anchovy-key";
const TOKEN: &str = "haddock-token";
const HEADER: &str = "herring-header";

/// None of the secrets, in any form in which they are sent.
fn assert_discreet(text: &str) {
    // The log-in of the proxies in Base64.
    for secret in [PASSWORD, KEY, TOKEN, HEADER, "Y2FsbGVyOm1hY2tlcmVsLXNreQ"] {
        assert!(!text.contains(secret), "it tells the secret {secret}:\n{text}");
    }
}

fn printed(process: &Process) -> String {
    process.stdout.text() + "\n" + &process.stderr.text()
}

#[test]
fn a_call_through_proxies_works_and_shows_no_secret_in_any_log() {
    let _alone = alone();
    let server = Server::with(&["--key", KEY]);
    let (http, socks) = (Detour::http(), Detour::socks());
    let folder = scratch();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path.display().to_string()
    };
    let (key, token) = (file("key", KEY), file("token", &format!("{TOKEN}\n")));
    let (proxy, headers) = (file("proxy", &http.url()), file("headers", &format!("X-Secret: {HEADER}\n")));
    let call = |name: &str| {
        let call = Call::new(name, "around").on(&server).silent().option("--duration", "2s");
        call.flag("-vv").env("RUST_LOG", "debug")
    };
    let first = call("first").option("--proxy", &format!("@{proxy}")).option("--key-file", &key);
    let first = first.option("--token-file", &token).option("--header", &format!("@{headers}"));
    let second = call("second").option("--proxy", &socks.url()).env("RINGBACK_KEY", KEY).env("RINGBACK_TOKEN", TOKEN);
    let (mut first, mut second) = (first.start(), second.start());
    first.ends_with(0, ENDS);
    second.ends_with(0, ENDS);
    http.has_passed_on("127.0.0.1");
    socks.has_passed_on("127.0.0.1");
    for side in [&first, &second] {
        assert!(printed(&side.process).contains("DEBUG"), "the log is on");
        assert_discreet(&printed(&side.process));
        assert_discreet(&side.report().to_string());
    }
}

#[test]
fn a_proxy_that_does_not_let_us_through_costs_one_line_without_the_password() {
    let _alone = alone();
    let server = Server::start();
    for proxy in [Detour::http(), Detour::socks()] {
        let call = Call::new("stranger", "around").on(&server).silent().flag("-vv").option("--wait", "30s");
        let mut call = call.option("--proxy", &proxy.url_with("pilchard-word")).start();
        call.ends_with(3, ENDS);
        let text = printed(&call.process);
        assert!(text.contains("it does not accept the user name and the password of its URL"), "{text}");
        assert!(!text.contains("pilchard-word") && !proxy.was_used(), "{text}");
    }
}

#[test]
fn the_environment_s_proxy_is_not_for_this_machine() {
    let _alone = alone();
    let (server, proxy) = (Server::start(), Detour::http());
    let (code, json) = probed(&[&server.url()], &[("ALL_PROXY", &proxy.url()), ("HTTP_PROXY", &proxy.url())]);
    assert_eq!((code, json["protocol"].as_str()), (Some(0), Some("ayame")), "{json:#}");
    assert!(!proxy.was_used());

    let (code, json) = probed(&[&server.url(), "--proxy", &proxy.url()], &[]);
    assert_eq!((code, json["protocol"].as_str()), (Some(0), Some("ayame")), "{json:#}");
    assert!(proxy.was_used());
    assert_discreet(&json.to_string());
}

/// The exit code and the JSON of `ringback probe`.
fn probed(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, Value) {
    let mut command = Command::new(ringback());
    command.arg("probe").args(arguments).arg("--json").envs(environment.iter().copied());
    let mut process = Process::start("probe", &mut command);
    let status = process.wait(ENDS);
    let json = serde_json::from_str(&process.stdout.text()).unwrap_or_else(|_| process.fail("does not print JSON"));
    (status.code(), json)
}

#[test]
fn a_probe_says_what_is_there_and_what_to_give_as_the_server() {
    let _alone = alone();
    let server = Server::with(&["--key", KEY]);
    let address = server.url().replace("/signaling", "");
    let mut process = Process::start("probe", Command::new(ringback()).args(["probe", &address]));
    assert_eq!(process.wait(ENDS).code(), Some(0));
    let text = process.stdout.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("name ") && lines[1].starts_with("tcp "), "{text}");
    assert_eq!(lines.last(), Some(&format!("use: --server {}", server.url()).as_str()), "{text}");

    // A web server, as far as one can see.
    let (code, json) = probed(&[&format!("{address}/nothing/here")], &[]);
    assert_eq!((code, &json["protocol"], &json["reached"]), (Some(1), &Value::Null, &Value::Bool(true)), "{json:#}");

    let nobody = Port::free();
    let nowhere = format!("wss://127.0.0.1:{nobody}");
    let (code, json) = probed(&[&nowhere], &[]);
    assert_eq!((code, &json["reached"]), (Some(3), &Value::Bool(false)), "{json:#}");
    let text = json["steps"][1]["text"].as_str().expect("the step that failed");
    assert!(text.contains("refused the connection"), "{json:#}");
}

#[test]
fn the_certificate_that_is_not_trusted_is_named_by_the_probe() {
    let _alone = alone();
    let folder = scratch();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    std::fs::write(at("cert.pem"), made.cert.pem()).expect("writable");
    std::fs::write(at("key.pem"), made.signing_key.serialize_pem()).expect("writable");
    let server = Server::with(&["--tls-cert", &at("cert.pem"), "--tls-key", &at("key.pem")]);
    let url = server.url().replace("ws://", "wss://");
    let (code, json) = probed(&[&url], &[]);
    assert_eq!((code, &json["steps"][2]["name"]), (Some(3), &Value::from("tls")), "{json:#}");
    assert!(json["steps"][2]["text"].as_str().is_some_and(|text| text.contains("pass --pin-sha256")), "{json:#}");
    let (code, json) = probed(&[&url, "--ca-file", &at("cert.pem")], &[]);
    assert_eq!((code, json["server"].as_str()), (Some(0), Some(url.as_str())), "{json:#}");
}

#[test]
fn secrets_in_wrong_arguments_are_not_repeated() {
    let _alone = alone();
    for (arguments, words) in [
        (vec!["call", "kitchen", "--server", "ws://host", "--proxy", "ftp://me:mackerel-sky@proxy"], "--proxy: "),
        (vec!["probe", "ws://host", "--header", "X: \u{7}herring-header"], "--header: "),
        (vec!["probe", "ws://me:mackerel-sky@host"], "user name or password"),
        (vec!["call", "kitchen", "--ice-server", "tern:host,me,mackerel-sky"], "--ice-server"),
        (vec!["serve", "--ice-server", "turn:host,mackerel-sky"], "--ice-server"),
    ] {
        let mut process = Process::start("ringback", Command::new(ringback()).args(&arguments));
        assert_eq!(process.wait(ENDS).code(), Some(2), "{arguments:?}");
        assert!(printed(&process).contains(words), "{}", printed(&process));
        assert_discreet(&printed(&process));
    }
}
