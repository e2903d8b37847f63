//! Which STUN and TURN servers a call uses: the person's own, and those that the signaling server hands out.
//! Each URL is used once, so that no server is asked twice; the person's word goes before the server's.

use crate::IceServer;
use std::collections::HashSet;

/// URLs of a signaling server that are used: each costs a request from each of our addresses.
const MAX_HANDED_OUT: usize = 16;

/// `own`, and then what of `handed_out` is not among them.
pub(crate) fn merged(own: &[IceServer], handed_out: Vec<IceServer>) -> Vec<IceServer> {
    let mut merged = own.to_vec();
    let mut known: HashSet<String> = own.iter().flat_map(|server| server.urls.iter().cloned()).collect();
    let mut room = MAX_HANDED_OUT;
    for mut server in handed_out.into_iter().take(MAX_HANDED_OUT) {
        server.urls.truncate(MAX_HANDED_OUT);
        server.urls.retain(|url| room > 0 && known.insert(url.clone()) && use_up(&mut room));
        if !server.urls.is_empty() {
            merged.push(server);
        }
    }
    merged
}

fn use_up(room: &mut usize) -> bool {
    *room -= 1;
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn server(urls: &[&str], user: &str) -> IceServer {
        IceServer {
            urls: urls.iter().map(|&url| url.to_owned()).collect(),
            username: Some(user.to_owned()),
            credential: Some(Secret::new(user)),
        }
    }

    #[test]
    fn both_are_used_each_url_once_and_the_persons_own_goes_first() {
        let (stun, turn, turns) = ("stun:a", "turn:b", "turns:b");
        for (own, handed_out, expected) in [
            (vec![], vec![], vec![]),
            (vec![server(&[stun], "me")], vec![], vec![server(&[stun], "me")]),
            (vec![], vec![server(&[stun], "it")], vec![server(&[stun], "it")]),
            (
                vec![server(&[turn], "me")],
                vec![server(&[stun], "it")],
                vec![server(&[turn], "me"), server(&[stun], "it")],
            ),
            // Other credentials for the same server: the person knows better.
            (vec![server(&[turn], "me")], vec![server(&[turn], "it")], vec![server(&[turn], "me")]),
            (
                vec![server(&[turn], "me")],
                vec![server(&[turn, turns], "it")],
                vec![server(&[turn], "me"), server(&[turns], "it")],
            ),
            (vec![], vec![server(&[stun, stun], "it"), server(&[stun], "it")], vec![server(&[stun], "it")]),
            (vec![], vec![server(&[], "it")], vec![]),
        ] {
            assert_eq!(merged(&own, handed_out.clone()), expected, "{own:?} {handed_out:?}");
        }
    }

    #[test]
    fn a_server_cannot_make_us_ask_everybody() {
        let urls: Vec<String> = (0..100).map(|number| format!("stun:{number}")).collect();
        let one = |url: &String| IceServer { urls: vec![url.clone()], username: None, credential: None };
        let all_in_one = IceServer { urls: urls.clone(), username: None, credential: None };
        for handed_out in [urls.iter().map(one).collect(), vec![all_in_one.clone()], vec![all_in_one; 9]] {
            let urls = |servers: &[IceServer]| servers.iter().map(|server| server.urls.len()).sum::<usize>();
            assert_eq!(urls(&merged(&[], handed_out.clone())), MAX_HANDED_OUT);
            assert_eq!(urls(&merged(&[server(&["turn:mine"], "me")], handed_out)), MAX_HANDED_OUT + 1);
        }
    }
}
