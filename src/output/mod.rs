//! The one door to stdout and stderr: result formats, reports of errors, progress.
