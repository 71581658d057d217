//! Failures of stores, said with the place, what was being done and what to try.

use std::error::Error as StdError;
use std::fmt::Display;
use std::io;

use object_store::Error as StoreFailure;

use crate::error::{Error, Kind, io_reason};

/// The failure of doing something (`read`, `write`, `list`) to a place, with the hint its cause suggests.
pub fn store_error(doing: &str, place: &dyn Display, failure: StoreFailure) -> Error {
    let (cause, hint) = explain(&failure);
    let error = Error::new(Kind::Store, format!("cannot {doing} {place}: {cause}")).hint(hint);
    // On this machine the cause says all; over a network the request and its retries say more.
    if matches!(&failure, StoreFailure::Generic { store, .. } if *store == "LocalFileSystem") {
        return error;
    }
    error.because(failure)
}

/// The failure of a store among the causes of another failure, for [`store_error`].
pub fn store_cause<'a>(failure: &'a (dyn StdError + 'static)) -> Option<&'a StoreFailure> {
    let mut cause = Some(failure);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<StoreFailure>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// As [`store_error`], for a failure that cannot be taken out of what holds it.
pub fn store_error_of(doing: &str, place: &dyn Display, failure: &StoreFailure) -> Error {
    let (cause, hint) = explain(failure);
    Error::new(Kind::Store, format!("cannot {doing} {place}: {cause}")).hint(hint)
}

/// The cause in a few words, and what to do about it.
fn explain(failure: &StoreFailure) -> (String, &'static str) {
    if let Some(cause) = io_cause(failure) {
        let hint = match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                "free some space and run again; what was published before is untouched"
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                "give this user the right to it, or name another place in catalog.yaml"
            }
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => {
                "check the path in catalog.yaml"
            }
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset | io::ErrorKind::TimedOut => {
                "check that the endpoint in `stores:` is right and the network is up"
            }
            _ => "try again; if it stays, look at the store itself",
        };
        return (io_reason(cause), hint);
    }
    match failure {
        StoreFailure::NotFound { .. } => ("it does not exist".into(), "check the path in catalog.yaml"),
        StoreFailure::PermissionDenied { .. } => (
            "the store denies it to these credentials".into(),
            "check the rights of the credentials in the environment",
        ),
        StoreFailure::Unauthenticated { .. } => (
            "the store does not accept the credentials".into(),
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use an instance role",
        ),
        StoreFailure::NotSupported { .. } | StoreFailure::NotImplemented { .. } => (
            "the store cannot do it".into(),
            "a lake needs a store with conditional puts (If-None-Match), as AWS S3 and MinIO have",
        ),
        other => (innermost(other), "check that the endpoint in `stores:` is right and the network is up"),
    }
}

/// The first operating-system failure in the chain of causes.
fn io_cause(failure: &StoreFailure) -> Option<&io::Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(failure);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            // An I/O error made by a library often only carries another error: go on to what it carries.
            if io.raw_os_error().is_some() || io.get_ref().is_none() {
                return Some(io);
            }
        }
        cause = error.source();
    }
    None
}

/// The message of the deepest cause: the outer ones only repeat the request.
fn innermost(error: &dyn StdError) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(kind: i32) -> StoreFailure {
        StoreFailure::Generic { store: "LocalFileSystem", source: Box::new(io::Error::from_raw_os_error(kind)) }
    }

    #[test]
    fn a_full_disk_and_a_forbidden_folder_are_told_apart() {
        let full = store_error("write", &"data/lake", generic(28));
        assert_eq!(full.message(), "cannot write data/lake: no space left on device");
        assert!(full.next_step().unwrap().contains("free some space"));
        let read_only = store_error("write", &"data/lake", generic(30));
        assert!(read_only.message().ends_with("read-only file system"), "{read_only}");
        assert!(read_only.next_step().unwrap().contains("right"));
    }
}
