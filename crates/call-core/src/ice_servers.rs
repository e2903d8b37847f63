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

/// `servers`, which begin with those of one's `own`, with the credentials that are in `fresh` for the others. What `fresh`
/// names besides is left out: where a server passes everything on, a peer could name a TURN server to learn our address by it.
pub(crate) fn renewed(own: &[IceServer], servers: &[IceServer], fresh: &[IceServer]) -> Vec<IceServer> {
    let mut renewed = servers.to_vec();
    for server in renewed.iter_mut().skip(own.len()) {
        if let Some(fresh) = fresh.iter().find(|fresh| server.urls.iter().all(|url| fresh.urls.contains(url))) {
            server.username.clone_from(&fresh.username);
            server.credential.clone_from(&fresh.credential);
        }
    }
    renewed
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
    fn fresh_credentials_are_for_servers_that_were_handed_out_and_for_no_other() {
        let (stun, turn, turns) = ("stun:a", "turn:b", "turns:b");
        let own = [server(&["turn:mine"], "me")];
        let used = merged(&own, vec![server(&[stun], "it"), server(&[turn, turns, "turn:mine"], "it")]);
        assert_eq!(used, [own[0].clone(), server(&[stun], "it"), server(&[turn, turns], "it")]);
        for (fresh, expected) in [
            (vec![], ["it", "it"]),
            (vec![server(&[turn, turns, "turn:mine"], "new")], ["it", "new"]),
            (vec![server(&["turn:else"], "new"), server(&[turns, stun, turn], "new")], ["new", "new"]),
            (vec![server(&[turn], "new"), server(&["turn:mine"], "new"), server(&[], "new")], ["it", "it"]),
        ] {
            let expected = [own[0].clone(), server(&[stun], expected[0]), server(&[turn, turns], expected[1])];
            assert_eq!(renewed(&own, &used, &fresh), expected, "{fresh:?}");
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
