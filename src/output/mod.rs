//! The one door to stdout and stderr: result formats, reports of errors, progress.
//!
//! stdout carries data only, through a [`Target`]; everything said to a person goes to stderr, through the
//! [`Printer`]. Nothing else in cauce writes to the terminal.

mod chart;
pub mod format;
mod junit;
mod pager;
mod pipe;
mod printer;
mod progress;
mod report;
mod target;
mod text;

pub use chart::Chart;
pub use format::{Account, Format, Layout, Manner, ResultFile};
pub use junit::{Case, Ended, write_junit};
pub use printer::{Capture, Printer, Terminal, Verbosity};
pub use progress::Progress;
pub use target::{Target, is_broken_pipe};
pub use text::{bytes, counted, duration, thousands, type_name};
