//! The time, handed in: a run with a fixed clock writes the same release twice.

use chrono::{DateTime, Utc};

/// Tells the time. Rooms take one; only the command line makes one.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The current instant, in UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock that always tells the same instant: for tests and for runs that must be repeated exactly.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub DateTime<Utc>);

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}
