//! Which proxy leads to which server: one that the person named, or what the environment's variables say, or none.
//! The environment is asked by the caller, so that the rules can be tested without it.

use thiserror::Error;

use crate::line::Target;
use crate::proxy::address::{Proxy, ProxyUrlError, parse_proxy};
use crate::proxy::exceptions::Exceptions;

/// The ways to servers. Straight, unless told otherwise.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// To servers in TLS.
    encrypted: Option<Proxy>,
    /// To all others.
    plain: Option<Proxy>,
    /// Whom there is a straight way to all the same; `None`: to nobody, not even this machine.
    exceptions: Option<Exceptions>,
}

/// A variable of the environment does not hold the address of a proxy. Never holds its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the environment variable {name} cannot be used: {problem} (--proxy none: do without)")]
pub struct ProxyVariableError {
    /// Which.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: ProxyUrlError,
}

impl Proxies {
    /// Every server is reached through `proxy`, this machine's own too.
    #[must_use]
    pub fn always(proxy: Proxy) -> Self {
        Self { encrypted: Some(proxy.clone()), plain: Some(proxy), exceptions: None }
    }

    /// As the variables say that many programs share: `https_proxy` for `wss`, `http_proxy` for `ws`, `all_proxy` for both, and
    /// `no_proxy` for whom not; lower case first, then upper case. This machine is always reached straight.
    /// `lookup` gives the value of a variable.
    ///
    /// # Errors
    /// [`ProxyVariableError`] when one holds something else.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyVariableError> {
        let set = |name: &'static str| lookup(name).filter(|value| !value.trim().is_empty()).map(|value| (name, value));
        let first = |names: [&'static str; 4]| {
            let Some((name, value)) = names.into_iter().find_map(set) else { return Ok(None) };
            parse_proxy(&value).map(Some).map_err(|problem| ProxyVariableError { name, problem })
        };
        let except = ["no_proxy", "NO_PROXY"].into_iter().find_map(set).map_or(String::new(), |(_, value)| value);
        Ok(Self {
            encrypted: first(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?,
            plain: first(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])?,
            exceptions: Some(Exceptions::parse(&except)),
        })
    }

    /// The proxy on the way to `target`, if there is one.
    pub(crate) fn of(&self, target: &Target) -> Option<&Proxy> {
        let proxy = if target.encrypted { self.encrypted.as_ref() } else { self.plain.as_ref() };
        proxy.filter(|_| !self.exceptions.as_ref().is_some_and(|exceptions| exceptions.cover(target)))
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    fn chosen(proxies: &Proxies, url: &str) -> Option<String> {
        let target = Target::of(&Url::parse(url).expect("a URL")).expect("a target");
        proxies.of(&target).map(ToString::to_string)
    }

    fn environment(variables: &'static [(&str, &str)]) -> Result<Proxies, ProxyVariableError> {
        let value =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Proxies::from_environment(value)
    }

    #[test]
    fn each_scheme_has_its_variable_and_one_is_for_both() {
        let (secure, plain) = ("wss://call.example/", "ws://call.example/");
        for (variables, for_secure, for_plain) in [
            (&[][..], None, None),
            (&[("https_proxy", "a:1"), ("HTTPS_PROXY", "b:1")], Some("http://a:1"), None),
            (&[("HTTP_PROXY", "b:1")], None, Some("http://b:1")),
            (&[("https_proxy", ""), ("HTTPS_PROXY", "b:1")], Some("http://b:1"), None),
            (&[("ALL_PROXY", "socks5h://c"), ("http_proxy", "d")], Some("socks5h://c:1080"), Some("http://d:80")),
            (&[("all_proxy", "c:1"), ("NO_PROXY", ".example")], None, None),
        ] {
            let proxies = environment(variables).expect("good proxies");
            assert_eq!(chosen(&proxies, secure).as_deref(), for_secure, "{variables:?}");
            assert_eq!(chosen(&proxies, plain).as_deref(), for_plain, "{variables:?}");
            // A proxy elsewhere would reach itself there.
            assert_eq!(chosen(&proxies, "ws://localhost:3000/"), None);
        }
    }

    #[test]
    fn a_proxy_that_the_person_names_is_always_used() {
        let proxies = Proxies::always(parse_proxy("proxy:3128").expect("a proxy"));
        for url in ["wss://call.example/", "ws://call.example/", "ws://localhost:3000/", "ws://[::1]/"] {
            assert_eq!(chosen(&proxies, url).as_deref(), Some("http://proxy:3128"));
        }
        assert_eq!(chosen(&Proxies::default(), "wss://call.example/"), None);
    }

    #[test]
    fn a_wrong_variable_is_named_and_its_value_is_not() {
        let error = environment(&[("HTTPS_PROXY", "ftp://me:secret@proxy")]).expect_err("no such scheme");
        assert_eq!(
            error.to_string(),
            "the environment variable HTTPS_PROXY cannot be used: a proxy's URL starts with http://, https://, socks5:// or \
             socks5h:// (--proxy none: do without)"
        );
    }
}
