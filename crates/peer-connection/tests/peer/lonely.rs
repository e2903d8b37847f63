//! A machine without any network but loopback: the two ends still find each other.

use crate::pair::connected;
use peer_connection::PeerConfig;

/// Runs itself again in a fresh network namespace, where that is permitted.
#[cfg(target_os = "linux")]
#[test]
fn without_any_interface_but_loopback_a_call_comes_about() {
    if std::env::var_os("RINGBACK_IN_NAMESPACE").is_none() {
        let this = std::env::current_exe().expect("the test binary");
        let script = format!(
            "ip link set lo up && RINGBACK_IN_NAMESPACE=1 exec '{}' lonely:: --nocapture --test-threads 1",
            this.display()
        );
        let unshare = |rights: &[&str], script: &str| {
            std::process::Command::new("unshare").args(rights).args(["-n", "sh", "-c", script]).status()
        };
        let rights: &[&str] = match unshare(&[], "true") {
            Ok(status) if status.success() => &[],
            _ => &["-r"],
        };
        if !unshare(rights, "ip link set lo up").is_ok_and(|status| status.success()) {
            eprintln!("skipped: network namespaces are not permitted here");
            return;
        }
        assert!(unshare(rights, &script).expect("just worked").success());
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (mut a, mut b) = connected(PeerConfig::default()).await;
        a.until_path("host").await;
        b.until_path("host").await;
    });
}

/// With the machine's own interfaces, whatever they are, and multicast DNS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_default_configuration_a_call_comes_about() {
    let (a, b) = connected(PeerConfig::default()).await;
    tokio::join!(a.peer.close(), b.peer.close());
}
