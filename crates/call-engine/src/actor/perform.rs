//! What the session core decides, done: signaling is sent, the peer connection of the moment is opened, steered and let go of.
//! Each output has one shell; what that says of it comes back as an input of the session.

use std::time::{Duration, Instant};

use call_core::{EndReason, IceServer, Input, Output, PeerAction, PeerEvent, Phase, SignalCommand};
use peer_connection::{Peer, PeerConfig};
use tracing::debug;

use super::Actor;
use crate::call::Event;
use crate::config::has_secure_relay;
use crate::milestone::Milestone;
use crate::peer_driver::PeerDriver;

impl Actor {
    /// Does all that the session wishes for by now; the end of the call is the last of it.
    pub(super) async fn perform_outputs(&mut self) -> Option<EndReason> {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Signal(command) => self.signal(command).await,
                Output::Peer(PeerAction::Open { ice_servers, patience }) => self.open_peer(ice_servers, patience).await,
                Output::Peer(action) => self.peer_action(action).await,
                Output::Phase(phase) => self.phase(phase).await,
                Output::Warn(text) => self.tell(Event::Problem(text)).await,
                Output::Inform(text) => self.tell(Event::Info(text)).await,
                Output::Ended(end) => return Some(end),
            }
        }
        None
    }

    async fn signal(&mut self, command: SignalCommand) {
        if let Some(milestone) = Milestone::of_signal(&command) {
            self.record.reached(milestone);
        }
        let command = match command {
            SignalCommand::Connect => {
                let config = self.config.signaling.clone();
                self.signaling = Some(signaling_client::connect(config, &self.tracker, self.cancel.child_token()));
                return;
            }
            SignalCommand::Describe(description) => signaling_client::Command::Describe(description),
            SignalCommand::Candidate(candidate) => signaling_client::Command::Candidate(candidate),
            SignalCommand::Leave => signaling_client::Command::Leave,
        };
        if let Some(signaling) = &self.signaling
            && signaling.commands.send(command).await.is_err()
        {
            debug!("a signaling message was dropped: the connection to the server is gone");
        }
    }

    async fn open_peer(&mut self, ice_servers: Vec<IceServer>, patience: Duration) {
        let epoch = self.standing.open();
        self.record.connection_opens();
        let tls = self.config.signaling.tls.clone();
        let relay_tls = match has_secure_relay(&ice_servers) {
            // Reads files.
            true => tokio::task::spawn_blocking(move || tls.authorities()).await.ok().flatten(),
            false => None,
        };
        let config = PeerConfig { relay_tls, ..self.config.peer(ice_servers, patience) };
        let opened = match Peer::open(config).await {
            Ok((peer, events)) => {
                peer.set_state(self.record.our_state()).await;
                self.peer = Some(PeerDriver::start(peer, events, epoch, self.results.0.clone(), &self.tracker));
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        };
        self.feed(Input::Peer(PeerEvent::Opened(opened)));
    }

    async fn peer_action(&mut self, action: PeerAction) {
        if matches!(action, PeerAction::Close) {
            return self.close_peer().await;
        }
        if let Some(driver) = &self.peer {
            driver.perform(action);
        }
    }

    /// Lets the connection go: its driver says what is still to be said, closes it and reports that, and nothing else of it
    /// reaches the session.
    async fn close_peer(&mut self) {
        self.refresh().await;
        self.standing.close(Instant::now());
        if let Some(media) = self.media.get() {
            media.detach();
        }
        self.record.connection_closed();
        if let Some(driver) = self.peer.take() {
            driver.perform(PeerAction::Close);
        }
    }

    async fn phase(&mut self, phase: Phase) {
        if phase == Phase::Connected {
            self.standing.connect();
            self.attach_media();
        }
        self.record.phase(phase);
        self.tell(Event::Phase(phase)).await;
    }

    /// Joins media and connection, whichever was ready last.
    pub(super) fn attach_media(&mut self) {
        let (Some(media), Some(driver)) = (self.media.get_mut(), &mut self.peer) else { return };
        if !self.standing.attach() {
            return;
        }
        // A new path begins with its own estimate, not with what the one before carried, or what the person allows at most.
        media.set_allocation(self.allocator.allocate(*driver.events.target.borrow()));
        let peer = driver.peer.clone();
        let runtime = tokio::runtime::Handle::current();
        let tracker = self.tracker.clone();
        media.attach(&driver.peer, driver.events.streams(), move |request| {
            let peer = peer.clone();
            tracker.spawn_on(async move { peer.request(&request).await }, &runtime);
        });
    }
}
