//! What else is on the link: a TCP download from the server to the receiver, as fast as it goes.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::network::lab::Lab;
use crate::network::place::Port;

const DOWNLOAD_PORT: u16 = 7551;

/// A download that goes on until this value is dropped.
pub(super) struct Download {
    over: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Download {
    /// Begins it.
    pub(super) fn start(lab: &Lab) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the download did not start: {error}");
        let address = (lab.address(Port::S), DOWNLOAD_PORT);
        let listener = lab.inside(Port::S, || TcpListener::bind(address)).map_err(failed)?.map_err(failed)?;
        let mut reader = lab.inside(Port::B, || TcpStream::connect(address)).map_err(failed)?.map_err(failed)?;
        let (mut writer, _) = listener.accept().map_err(failed)?;
        let timeout = Some(Duration::from_millis(500));
        reader.set_read_timeout(timeout).map_err(failed)?;
        writer.set_write_timeout(timeout).map_err(failed)?;
        let over = Arc::new(AtomicBool::new(false));
        let (reading, writing) = (over.clone(), over.clone());
        let write = move || {
            while !writing.load(Ordering::Relaxed) {
                let _ = writer.write(&[0; 16 << 10]);
            }
        };
        let read = move || {
            let mut buffer = vec![0; 64 << 10];
            while !reading.load(Ordering::Relaxed) {
                let _ = reader.read(&mut buffer);
            }
        };
        Ok(Self { over, threads: vec![thread::spawn(write), thread::spawn(read)] })
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
