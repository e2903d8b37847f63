//! ICE servers in `Link` header fields (RFC 8288 §3, RFC 9725 §4.6).
//! Read leniently: a link that cannot be used is left out and counted.

use call_core::{IceServer, Secret};

use super::message::Response;

/// Servers kept from one response: the peer connection asks each of them for candidates.
const MAX_ICE_SERVERS: usize = 16;
/// The longest host name with scheme, port and query around it; a longer URL is no URL.
const MAX_URL_BYTES: usize = 512;

/// The ICE servers of a response, and how many of its links to such could not be used.
pub(crate) fn ice_servers(response: &Response) -> (Vec<IceServer>, usize) {
    let (mut servers, mut left_out) = (Vec::new(), 0);
    for link in response.all("link").flat_map(|value| split(value, ',')) {
        match read(link) {
            Some(Some(server)) if servers.len() < MAX_ICE_SERVERS => servers.push(server),
            Some(_) => left_out += 1,
            None => {}
        }
    }
    (servers, left_out)
}

/// `None` for a link to something else, `Some(None)` for an ICE server that cannot be used.
fn read(link: &str) -> Option<Option<IceServer>> {
    let (url, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let value = |name: &str| {
        let mut found = split(parameters, ';').into_iter().filter_map(|parameter| parameter.split_once('='));
        found.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| unquoted(value.trim()))
    };
    value("rel")?.split_ascii_whitespace().any(|kind| kind.eq_ignore_ascii_case("ice-server")).then_some(())?;
    let known = ["stun:", "stuns:", "turn:", "turns:"].iter().any(|scheme| url.starts_with(scheme));
    // Tokens of OAuth (RFC 7635) are no passwords.
    let password = value("credential-type").is_none_or(|kind| kind.eq_ignore_ascii_case("password"));
    let usable = known && password && url.len() <= MAX_URL_BYTES;
    Some(usable.then(|| IceServer {
        urls: vec![url.to_owned()],
        username: value("username"),
        credential: value("credential").map(Secret::new),
    }))
}

/// `text` at each `mark` that stands neither in quotes nor in angle brackets.
fn split(text: &str, mark: char) -> Vec<&str> {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    text.split(move |c| {
        if escaped {
            escaped = false;
            return false;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' if !bracketed => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            _ => return c == mark && !quoted && !bracketed,
        }
        false
    })
    .collect()
}

/// The text of a quoted string (RFC 9110 §5.6.4), or a token as it is.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut escaped = false;
    let keep = |&c: &char| {
        escaped = c == '\\' && !escaped;
        !escaped
    };
    inner.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(values: &[&str]) -> (Vec<IceServer>, usize) {
        let headers = values.iter().map(|&value| ("Link".to_owned(), value.to_owned())).collect();
        ice_servers(&Response { status: 200, headers, body: String::new() })
    }

    #[test]
    fn servers_come_in_one_header_or_in_several() {
        let (servers, left_out) = read_all(&[
            r#"<stun:stun.example.net>; rel="ice-server", <https://example.net/style>; rel=stylesheet"#,
            r#"<turn:t.example.net:3478?transport=udp>; REL=ice-server; username="u,;<" ; credential="p\"a,s\\s;"; credential-type="password""#,
        ]);
        let turn = IceServer {
            urls: vec!["turn:t.example.net:3478?transport=udp".to_owned()],
            username: Some("u,;<".to_owned()),
            credential: Some(Secret::new(r#"p"a,s\s;"#)),
        };
        let stun = IceServer { urls: vec!["stun:stun.example.net".to_owned()], username: None, credential: None };
        assert_eq!((servers, left_out), (vec![stun, turn], 0));
    }

    #[test]
    fn what_cannot_be_used_is_left_out_and_counted() {
        let long = format!("<stun:{}>; rel=ice-server", "h".repeat(600));
        for (link, count) in [
            ("<http://host>; rel=ice-server", 1),
            ("<turn:host>; rel=ice-server; username=u; credential=c; credential-type=oauth", 1),
            (long.as_str(), 1),
            ("stun:host; rel=ice-server", 0),
            ("<stun:host>", 0),
            ("\"", 0),
        ] {
            assert_eq!(read_all(&[link]), (Vec::new(), count), "{link}");
        }
        let many = vec!["<stun:host>; rel=ice-server"; 40];
        let (servers, left_out) = read_all(&many);
        assert_eq!((servers.len(), left_out), (MAX_ICE_SERVERS, 24));
    }
}
