//! Discovery over real multicast, in a network of its own: `unshare -n sh -c 'ip link set lo up && cargo test -p
//! signaling-server -- --ignored'`. Ignored elsewhere, for it would speak to the network the tests run in.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use call_core::RoomId;
use signaling_server::discovery::{Announcement, Browser, find};

use crate::client::soon;

fn room(name: &str) -> RoomId {
    RoomId::new(name).expect("a room")
}

#[tokio::test]
#[ignore = "speaks multicast: run it in a network namespace"]
async fn a_hosted_room_is_found_by_its_name_only_and_until_it_is_withdrawn() {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 7551));
    let announcement = Announcement::publish(&room("kitchen"), listen, Some([9; 32])).expect("multicast works");
    let found = find(&room("kitchen"), Duration::from_secs(10)).await.expect("multicast works").expect("it is found");
    assert_eq!(found.urls, ["wss://127.0.0.1:7551/signaling"]);
    assert_eq!((found.pin, found.instance.as_str()), (Some([9; 32]), announcement.instance()));
    assert_eq!(find(&room("cellar"), Duration::from_secs(1)).await.expect("multicast works"), None);
    announcement.withdraw().await;
    assert_eq!(find(&room("kitchen"), Duration::from_secs(1)).await.expect("multicast works"), None);
}

#[tokio::test]
#[ignore = "speaks multicast: run it in a network namespace"]
async fn two_hosts_of_one_room_agree_on_which_of_them_to_keep() {
    let publish = |port| {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Announcement::publish(&room("garden"), listen, None).expect("multicast works")
    };
    let (one, two) = (publish(7552), publish(7553));
    let browser = Browser::start(&room("garden")).expect("multicast works");
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let found = soon(browser.next()).await.expect("the search goes on");
        if !seen.contains(&found) {
            seen.push(found);
        }
    }
    let (keeps_one, keeps_two) =
        (seen.iter().any(|found| found.precedes(&two)), seen.iter().any(|found| found.precedes(&one)));
    assert_ne!(keeps_one, keeps_two);
}
