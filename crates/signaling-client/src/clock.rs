//! One time limit over all the steps in which a connection comes up, and a record of how long each of them took.
//! It is made when the first step starts.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::connect_error::{ConnectError, Stage};

/// The time limit, and whom we are waiting for.
pub(crate) struct Clock {
    place: String,
    deadline: Instant,
    limit: Duration,
    /// The steps that came to their end, whether well or not. As many as there are stages, twice over at most.
    steps: Mutex<Vec<(Stage, Duration)>>,
}

impl Clock {
    /// Starts to run; `place` is `host:port`.
    pub(crate) fn start(place: impl Into<String>, limit: Duration) -> Self {
        Self { place: place.into(), deadline: Instant::now() + limit, limit, steps: Mutex::new(Vec::new()) }
    }

    /// Whom we are waiting for, as `host:port`.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Does `step`, as long as there is time left.
    pub(crate) async fn bound<T>(&self, stage: Stage, step: impl Future<Output = T>) -> Result<T, ConnectError> {
        let start = Instant::now();
        let done = timeout_at(self.deadline, step).await;
        self.steps.lock().expect("nobody panics with the lock held").push((stage, start.elapsed()));
        done.map_err(|_| ConnectError::TimedOut { place: self.place.clone(), stage, after: self.limit })
    }

    /// What was done so far, in order, and how long it took. The last one may have failed.
    pub(crate) fn steps(&self) -> Vec<(Stage, Duration)> {
        self.steps.lock().expect("nobody panics with the lock held").clone()
    }
}
