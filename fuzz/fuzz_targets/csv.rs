//! Any bytes behind a header as a CSV file.
//!
//!     cargo +nightly fuzz run csv

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The first byte decides whether a byte order mark or a compressed file may stand at the beginning.
    match bytes {
        [b'!', file @ ..] => cauce_fuzz::check(file, None),
        rest => cauce_fuzz::check(&[b"t,n,e,p,f,b\n", rest].concat(), None),
    }
});
