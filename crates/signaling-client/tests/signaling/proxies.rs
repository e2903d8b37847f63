//! The way to a server through proxies, which the tests play themselves: what they are told, and what a person is told when they
//! say no. No login comes back out.

use call_core::SignalingEvent;
use signaling_client::{Proxies, SignalingConfig, parse_proxy, parse_server_url};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use crate::connecting::{Identity, ca_file, failure, place};
use crate::server::{accept, config, connect, listen, read, soon};

/// An Ayame server's welcome.
const ACCEPT: &str = r#"{"type":"accept","isExistClient":false,"isExistUser":false}"#;

fn through(scheme_and_login: &str, proxy: &TcpListener, config: SignalingConfig) -> SignalingConfig {
    let proxy = parse_proxy(&format!("{scheme_and_login}{}", place(proxy))).expect("a proxy");
    SignalingConfig { proxies: Proxies::always(proxy), ..config }
}

/// The client joins, and leaves when it is told to.
async fn joins(config: SignalingConfig) {
    let mut client = connect(config);
    let event = client.event().await;
    assert!(matches!(event, Some(SignalingEvent::Joined { .. })), "{event:?}");
    client.cancel.cancel();
    client.ended().await;
}

/// Lets one client in.
async fn serve(listener: &TcpListener) {
    let mut socket = accept(listener).await;
    assert!(read(&mut socket).await.to_text().expect("text").contains("register"));
    futures_util::SinkExt::send(&mut socket, Message::text(ACCEPT)).await.expect("open");
    read(&mut socket).await;
}

async fn request(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        text.push(char::from(stream.read_u8().await.expect("a request")));
    }
    text
}

/// Passes one client on to `server`, whatever it asks for, and gives back what it said.
async fn http_proxy(proxy: &TcpListener, server: &TcpListener) -> String {
    let (mut client, _) = proxy.accept().await.expect("a client comes");
    let request = request(&mut client).await;
    let mut server = TcpStream::connect(server.local_addr().expect("bound")).await.expect("it listens");
    client.write_all(b"HTTP/1.1 200 Connection established\r\nProxy-agent: x\r\n\r\n").await.expect("open");
    let _ = copy_bidirectional(&mut client, &mut server).await;
    request
}

/// The same in SOCKS5, with the log-in `me` and `secret` where there is one to give. Gives back the destination's bytes.
async fn socks_proxy(proxy: &TcpListener, server: &TcpListener) -> Vec<u8> {
    let (mut client, _) = proxy.accept().await.expect("a client comes");
    let mut methods = [0; 2];
    client.read_exact(&mut methods).await.expect("a greeting");
    let mut offered = vec![0; methods[1].into()];
    client.read_exact(&mut offered).await.expect("the methods");
    if offered.contains(&2) {
        client.write_all(b"\x05\x02").await.expect("open");
        let mut login = [0; 11];
        client.read_exact(&mut login).await.expect("the log-in");
        assert_eq!(&login, b"\x01\x02me\x06secret");
        client.write_all(b"\x01\x00").await.expect("open");
    } else {
        client.write_all(b"\x05\x00").await.expect("open");
    }
    let mut head = [0; 5];
    client.read_exact(&mut head).await.expect("a request");
    assert_eq!(&head[..3], b"\x05\x01\x00");
    // The fifth byte is the first of an address, or the length of a name.
    let rest = match head[3] {
        1 => 3 + 2,
        3 => usize::from(head[4]) + 2,
        _ => 15 + 2,
    };
    let mut asked = head[3..].to_vec();
    asked.resize(2 + rest, 0);
    client.read_exact(&mut asked[2..]).await.expect("the rest of it");
    let mut server = TcpStream::connect(server.local_addr().expect("bound")).await.expect("it listens");
    client.write_all(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50").await.expect("open");
    let _ = copy_bidirectional(&mut client, &mut server).await;
    asked
}

#[tokio::test]
async fn an_http_proxy_gets_the_name_and_the_login_and_looks_the_name_up() {
    let (proxy, server) = (listen().await, listen().await);
    let mut config = through("http://me:s%40cret@", &proxy, config("ws", &server));
    // No resolver knows it.
    config.server = parse_server_url("ws://call.invalid:81/signaling").expect("a URL");
    let ((), asked, ()) = tokio::join!(joins(config), soon(http_proxy(&proxy, &server)), soon(serve(&server)));
    // me:s@cret in Base64.
    let login = "Proxy-Authorization: Basic bWU6c0BjcmV0";
    assert_eq!(asked, format!("CONNECT call.invalid:81 HTTP/1.1\r\nHost: call.invalid:81\r\n{login}\r\n\r\n"));
}

#[tokio::test]
async fn a_socks_proxy_gets_the_name_or_the_address_as_its_scheme_says() {
    for (scheme, url, asked) in [
        ("socks5h://", "ws://call.invalid:81/", &b"\x03\x0ccall.invalid\x00\x51"[..]),
        ("socks5h://me:secret@", "ws://call.invalid:81/", b"\x03\x0ccall.invalid\x00\x51"),
        ("socks5h://", "ws://192.0.2.1/", b"\x01\xc0\x00\x02\x01\x00\x50"),
        ("socks5://me:secret@", "ws://192.0.2.1:81/", b"\x01\xc0\x00\x02\x01\x00\x51"),
    ] {
        let (proxy, server) = (listen().await, listen().await);
        let mut config = through(scheme, &proxy, config("ws", &server));
        config.server = parse_server_url(url).expect("a URL");
        let ((), heard, ()) = tokio::join!(joins(config), soon(socks_proxy(&proxy, &server)), soon(serve(&server)));
        assert_eq!(heard, asked, "{scheme} {url}");
    }
}

#[tokio::test]
async fn tls_with_the_server_goes_through_a_proxy_as_it_is() {
    let (proxy, server) = (listen().await, listen().await);
    let identity = Identity::self_signed();
    let mut config = through("http://", &proxy, config("wss", &server));
    config.tls = ca_file(identity.file("behind-a-proxy.pem"));
    let (failed, _, ()) =
        tokio::join!(failure(config), soon(http_proxy(&proxy, &server)), soon(identity.serve(&server)));
    // After TLS this server hangs up.
    assert_eq!(failed.0, "the line was cut without a close frame");
}

#[tokio::test]
async fn a_proxy_can_be_spoken_to_in_tls() {
    let (proxy, server) = (listen().await, listen().await);
    let identity = Identity::self_signed();
    let mut config = through("https://me:secret@", &proxy, config("ws", &server));
    config.tls = ca_file(identity.file("proxy.pem"));
    let outer = async {
        let mut client = identity.accept(&proxy).await.expect("it trusts us");
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(client.read_u8().await.expect("a request"));
        }
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("open");
        let mut server = TcpStream::connect(server.local_addr().expect("bound")).await.expect("it listens");
        let _ = copy_bidirectional(&mut client, &mut server).await;
        asked
    };
    let ((), asked, ()) = tokio::join!(joins(config.clone()), soon(outer), soon(serve(&server)));
    assert!(asked.starts_with(format!("CONNECT {} HTTP/1.1", place(&server)).as_bytes()));

    // One that nobody vouches for is not told the log-in.
    config.tls = ca_file(Identity::self_signed().file("not-the-proxy.pem"));
    let ((reason, retry), refused) = tokio::join!(failure(config), soon(identity.accept(&proxy)));
    assert!(refused.is_none() && !retry && reason.starts_with("no TLS connection to the proxy https://"), "{reason}");
}

#[tokio::test]
async fn a_proxy_that_does_not_pass_us_on_says_why_and_the_login_stays_ours() {
    for (scheme, answer, words, retry) in [
        (
            "http://",
            "HTTP/1.1 407 Login\r\n\r\n",
            "it wants a user name and a password: write them into its URL",
            false,
        ),
        (
            "http://me:swordfish@",
            "HTTP/1.1 407 Login\r\n\r\n",
            "it does not accept the user name and the password",
            false,
        ),
        ("http://me:swordfish@", "HTTP/1.1 403 No\r\n\r\n", "HTTP 403: it does not let this program through", false),
        ("http://", "HTTP/1.1 502 Bad Gateway\r\n\r\n", "HTTP 502: it cannot reach the server", true),
        ("http://", "SSH-2.0-OpenSSH_9.6\r\n", "it does not answer as such a proxy", false),
        ("http://", "", "closed the connection without an answer", true),
        ("socks5h://", "\u{5}\u{0}\u{5}\u{5}\u{0}\u{1}", "the server refused its connection", true),
        ("socks5h://me:swordfish@", "\u{5}\u{2}\u{1}\u{1}", "it does not accept the user name and the password", false),
        ("socks5h://", "HTTP/1.1 400 Bad Request\r\n\r\n", "it does not answer as such a proxy", false),
        ("socks5h://", "", "closed the connection without an answer", true),
    ] {
        let (proxy, server) = (listen().await, listen().await);
        let config = through(scheme, &proxy, config("ws", &server));
        let play = async {
            let (mut client, _) = proxy.accept().await.expect("a client comes");
            assert!(client.read(&mut [0; 1024]).await.expect("a request") > 0);
            client.write_all(answer.as_bytes()).await.expect("open");
            client.shutdown().await.expect("open");
            // Until the client hangs up: what it still says would reset the line under its feet.
            let _ = client.read_to_end(&mut Vec::new()).await;
        };
        let ((reason, again), ()) = tokio::join!(failure(config), soon(play));
        assert!(reason.contains(words) && again == retry, "{scheme} {answer:?} gave {reason:?}");
        assert!(reason.contains(&place(&proxy)) && !reason.contains("swordfish"), "{reason}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told_from_a_server_that_is_not_there() {
    let (proxy, server) = (listen().await, listen().await);
    let config = through("socks5://me:swordfish@", &proxy, config("ws", &server));
    let address = place(&proxy);
    drop(proxy);
    let (reason, retry) = failure(config.clone()).await;
    let start = format!("cannot reach the proxy socks5://{address}: is it running, and is the port right?");
    assert!(retry && reason.starts_with(&start), "{reason}");

    let proxies = Proxies::always(parse_proxy(&format!("{}.invalid", "a".repeat(64))).expect("a proxy"));
    let (reason, retry) = failure(SignalingConfig { proxies, ..config }).await;
    assert!(retry && reason.starts_with("cannot find the proxy http://aaa"), "{reason}");
}
