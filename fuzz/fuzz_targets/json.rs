//! Any bytes as JSON objects: one a line, or one after the other.
//!
//!     cargo +nightly fuzz run json

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let [lines, file @ ..] = bytes {
        cauce_fuzz::check(file, Some(lines % 2 == 0));
    }
});
