//! The browser page, compiled into the program, with the headers that confine it.
//! It may talk to this server only and be framed by nobody.

use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};

/// A static file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) content_type: &'static str,
    pub(crate) body: &'static str,
}

/// The file at a path, if there is one.
pub(crate) fn find(path: &str) -> Option<File> {
    let (content_type, body) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("../../../assets/page/index.html")),
        "/style.css" => ("text/css; charset=utf-8", include_str!("../../../assets/page/style.css")),
        "/page.js" => ("text/javascript; charset=utf-8", include_str!("../../../assets/page/page.js")),
        "/call.js" => ("text/javascript; charset=utf-8", include_str!("../../../assets/page/call.js")),
        _ => return None,
    };
    Some(File { content_type, body })
}

/// Nothing from elsewhere, no inline script or style. `'self'` covers the WebSocket of the same host (CSP level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      media-src 'self' blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Adds the headers that go with a file of the page.
pub(crate) fn add_headers(headers: &mut HeaderMap, file: File) {
    const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
    for (name, value) in [
        (CONTENT_TYPE, file.content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // The page changes with the program, and the room is in its address.
        (CACHE_CONTROL, "no-store"),
        (PERMISSIONS_POLICY, "camera=(self), microphone=(self), geolocation=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        for path in ["/", "/style.css", "/page.js", "/call.js"] {
            let File { body, .. } = find(path).expect("a file");
            let foreign = body.match_indices("://").filter(|(at, _)| !body[..*at].ends_with("http")).count();
            let namespaces = body.matches("http://www.w3.org/").count();
            assert_eq!(body.matches("http://").count(), namespaces, "{path} names another host");
            assert_eq!(foreign, body.matches("${scheme}://").count(), "{path} names another host");
        }
        assert_eq!(find("/../Cargo.toml"), None);
    }

    #[test]
    fn the_page_has_no_inline_script_or_style_which_its_policy_forbids() {
        let page = find("/").expect("the page").body;
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="));
        assert_eq!(page.matches("<script").count(), page.matches("<script type=\"module\" src=\"/page.js\">").count());
    }
}
