//! Progress: a bar or a spinner on stderr while something takes its time, gone when it is over.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// One line of progress; it may be moved on from any thread, and disappears when it is dropped. Where nobody watches
/// (no terminal, or quiet) it does nothing.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    pub(super) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    pub(super) fn spinner(bars: &MultiProgress, message: &str) -> Self {
        let bar = bars.add(ProgressBar::new_spinner()).with_message(message.to_owned());
        bar.set_style(style("{spinner} {msg} {elapsed}"));
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    pub(super) fn bar(bars: &MultiProgress, message: &str, total: u64, colour: bool) -> Self {
        let bar = bars.add(ProgressBar::new(total)).with_message(message.to_owned());
        let template = if colour {
            "{msg} {bar:30.cyan/dim} {percent:>3} % {human_pos}/{human_len} · {eta} left"
        } else {
            "{msg} {bar:30} {percent:>3} % {human_pos}/{human_len} · {eta} left"
        };
        bar.set_style(style(template).progress_chars("━╸─"));
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    pub(super) fn query(bars: &MultiProgress, colour: bool) -> Self {
        let bar = bars.add(ProgressBar::new(1));
        let template = if colour {
            "{bar:30.cyan/dim} {percent:>3} % {msg} · {elapsed}, {eta} left"
        } else {
            "{bar:30} {percent:>3} % {msg} · {elapsed}, {eta} left"
        };
        bar.set_style(style(template).progress_chars("━╸─"));
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// Is at `position` of `total`, of which `message` tells.
    pub fn at(&self, position: u64, total: u64, message: &str) {
        self.0.set_length(total.max(1));
        self.0.set_position(position.min(total));
        self.message(message);
    }

    /// Moves on by `steps`.
    pub fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Says what is being done now.
    pub fn message(&self, message: &str) {
        self.0.set_message(super::text::visible(message).into_owned());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The templates are constants of this file; the tests hold that they parse.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;

    /// A terminal of 80 columns that keeps everything written to it.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn note(&self, text: &str) {
            self.0.lock().unwrap().push_str(text);
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.note(text);
            Ok(())
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.note(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().unwrap().clear();
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn shown(make: impl FnOnce(&MultiProgress) -> Progress) -> (String, String) {
        let screen = Screen::default();
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(screen.clone())));
        let progress = make(&bars);
        progress.advance(30_000);
        progress.0.force_draw();
        let during = screen.0.lock().unwrap().clone();
        drop(progress);
        let after = screen.0.lock().unwrap().trim().to_owned();
        (during, after)
    }

    #[test]
    fn a_bar_shows_how_far_it_is_and_goes_away() {
        let (during, after) = shown(|bars| Progress::bar(bars, "tickets_soporte", 75_000, false));
        assert!(during.contains("tickets_soporte ━━━━━━━━━━━"), "{during}");
        assert!(during.contains(" 40 % 30,000/75,000 · "), "{during}");
        assert_eq!(after, "");
    }

    #[test]
    fn a_spinner_says_what_is_done() {
        let (during, after) = shown(|bars| Progress::spinner(bars, "publishing"));
        assert!(during.contains(" publishing 0s"), "{during}");
        assert_eq!(after, "");
    }
}
