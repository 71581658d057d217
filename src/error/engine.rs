//! Failures of the SQL engine in cauce's terms.
//!
//! An error that a reader or writer of cauce raised inside a running query comes back wrapped, sometimes several times;
//! it is taken out again as it was. Everything else becomes a kind by who should act on it.

use std::error::Error as StdError;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;

use super::{Error, Kind};

/// The failure in cauce's terms.
#[must_use]
pub fn engine_error(failure: DataFusionError) -> Error {
    if let Some(ours) = our_error(&failure) {
        return ours.clone();
    }
    match engine_kind(&failure) {
        Kind::Limit => Error::new(Kind::Limit, "the memory limit is reached")
            .hint("raise it with --memory-limit, or select fewer columns and rows"),
        // The chain below says it again in the engine's own words, which help only whoever mends cauce.
        Kind::Bug => Error::bug(engine_message(&failure)).because(failure),
        kind => Error::new(kind, engine_message(&failure)),
    }
}

/// Whose move it is after a failure of the engine itself.
#[must_use]
pub fn engine_kind(failure: &DataFusionError) -> Kind {
    match failure.find_root() {
        DataFusionError::ResourcesExhausted(_) => Kind::Limit,
        // A Parquet file that is none any more behind its footer; what is told before names the file.
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) | DataFusionError::ParquetError(_) => Kind::Store,
        DataFusionError::Internal(_) => Kind::Bug,
        _ => Kind::Query,
    }
}

/// The engine's message without its own prefixes and traces.
#[must_use]
pub fn engine_message(failure: &DataFusionError) -> String {
    let root = failure.find_root();
    let message = match root {
        DataFusionError::ArrowError(failure, _) => arrow_message(failure),
        root => root.message().into_owned(),
    };
    let message = message.split("\n\nbacktrace:").next().unwrap_or(&message).trim();
    let message = message.trim_start_matches("Error during planning: ").trim_start_matches("Execution error: ");
    let mut letters = message.chars();
    // Messages of cauce begin in lower case; a name in capitals (`SUM`) stays as it is.
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => message.to_owned(),
    }
}

fn arrow_message(failure: &ArrowError) -> String {
    match failure {
        ArrowError::DivideByZero => "division by zero".to_owned(),
        ArrowError::CastError(message)
        | ArrowError::ComputeError(message)
        | ArrowError::ArithmeticOverflow(message)
        | ArrowError::InvalidArgumentError(message)
        | ArrowError::ParseError(message)
        | ArrowError::SchemaError(message) => message.clone(),
        other => other.to_string(),
    }
}

/// The error of cauce somewhere inside the engine's, if there is one.
#[must_use]
pub fn our_error(failure: &DataFusionError) -> Option<&Error> {
    let mut cause: &(dyn StdError + 'static) = failure;
    loop {
        if let Some(ours) = cause.downcast_ref::<Error>() {
            return Some(ours);
        }
        // A boxed cause hides its own type from `source`, which starts one level below it.
        let boxed = match cause.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(boxed)) => boxed.downcast_ref::<Error>(),
            Some(DataFusionError::ArrowError(arrow, _)) => match arrow.as_ref() {
                ArrowError::ExternalError(boxed) => boxed.downcast_ref::<Error>(),
                _ => None,
            },
            _ => None,
        };
        if boxed.is_some() {
            return boxed;
        }
        cause = cause.source()?;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn our_own_error_comes_back_as_it_was() {
        let ours = || Error::store("cannot read raw/a.csv").hint("put it there");
        let wrapped = [
            DataFusionError::External(Box::new(ours())),
            DataFusionError::External(Box::new(ours())).context("scanning"),
            DataFusionError::Shared(Arc::new(DataFusionError::External(Box::new(ours())))),
            DataFusionError::ArrowError(Box::new(ArrowError::ExternalError(Box::new(ours()))), None),
        ];
        for failure in wrapped {
            let error = engine_error(failure);
            assert_eq!((error.kind(), error.message()), (Kind::Store, "cannot read raw/a.csv"));
            assert_eq!(error.next_step(), Some("put it there"));
        }
    }

    #[test]
    fn the_kind_says_who_should_act() {
        let cases = [
            (DataFusionError::ResourcesExhausted("pool".into()), Kind::Limit),
            (DataFusionError::Plan("No field named x".into()), Kind::Query),
            (DataFusionError::ArrowError(Box::new(ArrowError::DivideByZero), None), Kind::Query),
            (DataFusionError::Internal("broken".into()), Kind::Bug),
        ];
        for (failure, kind) in cases {
            assert_eq!(engine_error(failure).kind(), kind);
        }
    }
}
