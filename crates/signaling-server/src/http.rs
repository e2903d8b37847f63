//! Which answer a request gets, and whether it may become a WebSocket.
//! Request bodies are never read, so they cannot cost anything.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, ORIGIN, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::page;

/// The answer to a request.
pub(crate) type Answer = Response<Full<Bytes>>;

const JSON: &str = "application/json; charset=UTF-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Answers a request. Status 101 says that the connection becomes a WebSocket.
pub(crate) fn answer<B>(request: &Request<B>, allow_origins: &[String]) -> Answer {
    let path = request.uri().path();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = with_body(StatusCode::METHOD_NOT_ALLOWED, JSON, "{\"message\":\"Method Not Allowed\"}\n");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match path {
        "/signaling" => signaling(request, allow_origins),
        "/.ok" => with_body(StatusCode::OK, TEXT, ""),
        _ => match page::find(path) {
            Some(file) => {
                let mut answer = Response::new(Full::from(file.body));
                page::add_headers(answer.headers_mut(), file);
                answer
            }
            // Text and newline as recorded from Ayame.
            None => with_body(StatusCode::NOT_FOUND, JSON, "{\"message\":\"Not Found\"}\n"),
        },
    }
}

/// Answers a plain request on a port that speaks TLS: a browser is sent to the encrypted page, anything else is told.
pub(crate) fn answer_plain_on_tls<B>(request: &Request<B>) -> Answer {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let target = host.map(|host| HeaderValue::try_from(format!("https://{host}{}", request.uri())));
    match target {
        Some(Ok(location)) if request.method() == Method::GET && !request.headers().contains_key(UPGRADE) => {
            let mut answer = with_body(StatusCode::TEMPORARY_REDIRECT, TEXT, "this port speaks https\n");
            answer.headers_mut().insert(LOCATION, location);
            answer
        }
        _ => {
            // RFC 2817 §4.2 has this answer for a request that needs TLS.
            let mut answer = with_body(StatusCode::UPGRADE_REQUIRED, TEXT, "this port speaks wss:// and https://\n");
            answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("TLS/1.2, HTTP/1.1"));
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            answer
        }
    }
}

/// The opening handshake of RFC 6455 §4.2.
fn signaling<B>(request: &Request<B>, allow_origins: &[String]) -> Answer {
    let headers = request.headers();
    let wants_upgrade = request.method() == Method::GET
        && lists(headers, CONNECTION, "upgrade")
        && lists(headers, UPGRADE, "websocket");
    // 16 bytes in base 64.
    let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).filter(|key| key.len() == 24);
    let version = headers.get(SEC_WEBSOCKET_VERSION).map(HeaderValue::as_bytes);
    let (true, Some(key), Some(b"13")) = (wants_upgrade, key, version) else {
        let mut answer = with_body(StatusCode::BAD_REQUEST, TEXT, "Bad Request\n");
        answer.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return answer;
    };
    if !may_connect(headers, allow_origins) {
        return with_body(StatusCode::FORBIDDEN, JSON, "{\"message\":\"Forbidden\"}\n");
    }
    let accept = HeaderValue::try_from(derive_accept_key(key)).expect("base 64 is a valid header value");
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, accept);
    answer
}

/// Browsers say which page wants to connect: the served page itself and the allowed ones may. Other programs say
/// nothing, and could say anything, so they may.
fn may_connect(headers: &HeaderMap, allow_origins: &[String]) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)));
    let allowed = |allowed: &String| allowed == "*" || allowed.trim_end_matches('/').eq_ignore_ascii_case(origin);
    origins.next().is_none() && (own || allow_origins.iter().any(allowed))
}

/// Whether a header that holds a comma-separated list names `token` in any case.
fn lists(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn with_body(status: StatusCode, content_type: &'static str, body: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgrade(headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::get("/signaling")
            .header("host", "calls.example:7550")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request")
    }

    #[test]
    fn the_example_of_rfc_6455_is_met() {
        let answer = answer(&upgrade(&[]), &[]);
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(answer.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn pages_from_elsewhere_need_to_be_allowed() {
        let allow = vec!["https://example.org/".to_owned()];
        for (origin, status) in [
            ("http://calls.example:7550", 101),
            ("https://CALLS.example:7550", 101),
            ("https://example.org", 101),
            ("http://calls.example", 403),
            ("http://evil.example:7550", 403),
            ("https://example.org.evil.example", 403),
            ("null", 403),
            ("", 403),
        ] {
            assert_eq!(answer(&upgrade(&[("origin", origin)]), &allow).status(), status, "{origin}");
        }
        let all = vec!["*".to_owned()];
        assert_eq!(answer(&upgrade(&[("origin", "http://evil.example")]), &all).status(), 101);
        let twice = [("origin", "https://example.org"), ("origin", "http://evil.example")];
        assert_eq!(answer(&upgrade(&twice), &allow).status(), 403);
    }

    #[test]
    fn a_handshake_without_one_of_its_headers_is_a_bad_request() {
        for missing in ["connection", "upgrade", "sec-websocket-version", "sec-websocket-key"] {
            let mut request = upgrade(&[]);
            request.headers_mut().remove(missing);
            assert_eq!(answer(&request, &[]).status(), StatusCode::BAD_REQUEST, "{missing}");
        }
    }

    #[test]
    fn a_plain_request_on_a_tls_port_is_led_to_https() {
        let page = Request::get("/?room=kitchen").header("host", "192.0.2.7:7550").body(()).expect("a request");
        let answer = answer_plain_on_tls(&page);
        assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(answer.headers()[LOCATION], "https://192.0.2.7:7550/?room=kitchen");
        assert_eq!(answer_plain_on_tls(&upgrade(&[])).status(), StatusCode::UPGRADE_REQUIRED);
    }
}
