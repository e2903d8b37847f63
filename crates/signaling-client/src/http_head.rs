//! The head of an HTTP/1 answer, as far as this crate looks into it: the status and single headers, of bytes that a stranger
//! sent. The caller bounds their number.

/// At least so many bytes are missing from the end of the head that `bytes` begin; none when it is whole. Whoever reads no
/// more than that at once never reads beyond it.
pub(crate) fn missing(bytes: &[u8]) -> usize {
    if end(bytes).is_some() {
        return 0;
    }
    match bytes {
        [.., b'\n', b'\r'] | [.., b'\n'] => 1,
        // A bare line feed ends a line too (RFC 9112 §2.2).
        _ => 2,
    }
}

/// Where the head ends and the body begins.
pub(crate) fn end(bytes: &[u8]) -> Option<usize> {
    let line_feeds = bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'\n').map(|(at, _)| at);
    line_feeds
        .filter_map(|at| match bytes.get(at + 1..) {
            Some([b'\n', ..]) => Some(at + 2),
            Some([b'\r', b'\n', ..]) => Some(at + 3),
            _ => None,
        })
        .next()
}

/// The status of an HTTP/1 answer; `None` when it is something else.
pub(crate) fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|&byte| byte == b'\n').next()?;
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let digits = match rest {
        [_, b' ', digits @ ..] => digits.get(..3)?,
        _ => return None,
    };
    let status: u16 =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    (status >= 100).then_some(status)
}

/// The value of the first header of that name, in any case of letters; `None` when there is none or it is not text.
pub(crate) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|&byte| byte == b'\n').skip(1).find_map(|line| {
        let (found, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_to_its_end_and_no_further() {
        for (whole, body) in
            [("HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", "body\r\n\r\n"), ("HTTP/1.0 200 OK\n\n", "\nbody")]
        {
            let all = format!("{whole}{body}");
            let mut read = 0;
            while let more @ 1.. = missing(&all.as_bytes()[..read]) {
                read += more;
            }
            assert_eq!(&all[..read], whole);
            assert_eq!(end(all.as_bytes()), Some(whole.len()));
        }
    }

    #[test]
    fn statuses_and_headers_are_found_in_what_servers_send() {
        let head = b"HTTP/1.1 201 Created\r\nAccept-Post:  application/sdp \r\nX:\xff\r\nlocation: /a:b\r\n\r\n";
        assert_eq!(status(head), Some(201));
        assert_eq!(header(head, "accept-post"), Some("application/sdp"));
        assert_eq!(header(head, "Location"), Some("/a:b"));
        assert_eq!(header(head, "x"), None);
        for other in ["", "HTTP/2 200", "HTTP/1.1 20", "HTTP/1.1 099 x", "HTTP/1.1 +20 x", "SSH-2.0-x\r\n"] {
            assert_eq!(status(other.as_bytes()), None, "{other}");
        }
    }
}
