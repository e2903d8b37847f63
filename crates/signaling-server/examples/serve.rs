//! Serves the page and its rooms until interrupted: `cargo run -p signaling-server --example serve [ADDRESS:PORT]`.

use call_core::RoomId;
use signaling_server::{Server, ServerConfig, Tls};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = ServerConfig::default();
    if let Some(listen) = std::env::args().nth(1) {
        config.listen = listen.parse()?;
    }
    if !config.listen.ip().is_loopback() {
        config.tls = Tls::SelfSigned;
    }
    let server = Server::start(config).await?;
    println!("{}\n{}", server.page_url(&RoomId::new("kitchen")?), server.signaling_url());
    tokio::signal::ctrl_c().await?;
    server.shutdown().await;
    Ok(())
}
