//! The one integration test binary: each module tests one command, promise or rule from outside.

mod support;

mod tidy;
