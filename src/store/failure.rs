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
    let local = matches!(&failure, StoreFailure::Generic { store, .. } if *store == "LocalFileSystem");
    let told = s3_answer(&innermost(&failure)).is_some() || hint == NO_CREDENTIALS;
    if local || told {
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

/// What to do where credentials are missing or wrong.
const NO_CREDENTIALS: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use an instance role";

/// The code and message of the XML in which an S3 server tells what is wrong.
fn s3_answer(text: &str) -> Option<(String, String)> {
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (content, _) = rest.split_once(&format!("</{name}>"))?;
        Some(content.trim().to_owned())
    };
    let message = element("Message").unwrap_or_default();
    Some((element("Code")?, message.trim_end_matches('.').to_owned()))
}

/// The cause in a few words, and what to do about it.
fn explain(failure: &StoreFailure) -> (String, &'static str) {
    // Where the environment holds no credentials, the client asks the cloud machine it might be running on.
    if failure.to_string().contains("/latest/api/token") {
        return ("there are no credentials for it".into(), NO_CREDENTIALS);
    }
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
    if let Some((code, message)) = s3_answer(&innermost(failure)) {
        let hint = match code.as_str() {
            "SignatureDoesNotMatch" | "InvalidAccessKeyId" | "InvalidToken" | "ExpiredToken" => NO_CREDENTIALS,
            "AccessDenied" => "check the rights of the credentials in the environment",
            "NoSuchBucket" => "create the bucket, or correct its name in catalog.yaml",
            "SlowDown" | "ServiceUnavailable" | "InternalError" => "the store is overloaded or ill: try again later",
            _ => "check the endpoint and region in `stores:` of catalog.yaml",
        };
        return (format!("the store answers {code}: {message}"), hint);
    }
    match failure {
        StoreFailure::NotFound { .. } => ("it does not exist".into(), "check the path in catalog.yaml"),
        StoreFailure::PermissionDenied { .. } => (
            "the store denies it to these credentials".into(),
            "check the rights of the credentials in the environment",
        ),
        StoreFailure::Unauthenticated { .. } => ("the store does not accept the credentials".into(), NO_CREDENTIALS),
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
    fn the_answer_of_an_s3_server_is_told_without_its_xml() {
        let xml = "403 Forbidden: <?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code>\
                   <Message>The signature differs.</Message></Error>";
        let failure = StoreFailure::Generic { store: "S3", source: xml.into() };
        let told = store_error("list", &"s3://lago/lake", failure);
        assert_eq!(
            told.message(),
            "cannot list s3://lago/lake: the store answers SignatureDoesNotMatch: The signature differs"
        );
        assert_eq!(told.next_step(), Some(NO_CREDENTIALS));
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
