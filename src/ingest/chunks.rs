//! The bytes of a file as a stream of large chunks, read ahead by one.
//!
//! Each chunk is a request of its own for a range of the version that was listed. A file that is replaced while it is
//! read is therefore an error and never a mixture of two versions, a slow reader holds no connection open, and any
//! range can be read, which reading one file in parallel will need.

use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::{GetOptions, GetRange};

use crate::error::{Error, Result};
use crate::store::InputFile;

/// The first chunk is small, so that the header and the first rows are there at once.
const FIRST: u64 = 256 << 10;
/// Chunks double up to this size.
const LARGEST: u64 = 4 << 20;

/// The bytes of `range` of `file`, in order.
pub(super) fn chunks(file: InputFile, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
    stream::iter(divide(range, FIRST, LARGEST))
        .map(move |part| {
            let file = file.clone();
            async move { fetch(&file, part).await }
        })
        .buffered(2)
        .boxed()
}

/// `range` cut into parts of `first` bytes, then twice as many each time up to `largest`.
fn divide(range: Range<u64>, first: u64, largest: u64) -> impl Iterator<Item = Range<u64>> {
    let (mut start, mut size) = (range.start, first);
    std::iter::from_fn(move || {
        let part = start..range.end.min(start + size);
        start = part.end;
        size = largest.min(size * 2);
        (!part.is_empty()).then_some(part)
    })
}

/// The bytes of `range` of `file`, of the version that was listed.
pub(super) async fn fetch(file: &InputFile, range: Range<u64>) -> Result<Bytes> {
    let wanted = range.end - range.start;
    let options = GetOptions {
        range: Some(GetRange::Bounded(range)),
        if_match: file.meta.e_tag.clone(),
        ..GetOptions::default()
    };
    let got = async { file.store.get_opts(&file.meta.location, options).await?.bytes().await };
    let bytes = got.await.map_err(|source| unreadable(&file.name, source))?;
    if bytes.len() as u64 != wanted {
        return Err(changed(&file.name));
    }
    Ok(bytes)
}

/// The failure of a store while `file` was read.
pub(super) fn unreadable(file: &str, source: object_store::Error) -> Error {
    match source {
        object_store::Error::NotFound { .. } => Error::store(format!("{file}: the file is no longer there"))
            .hint("if it was replaced, run the command again")
            .because(source),
        object_store::Error::Precondition { .. } => changed(file).because(source),
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            Error::store(format!("{file}: reading it is not permitted")).because(source)
        }
        source => Error::store(format!("{file}: cannot be read: {source}")).because(source),
    }
}

fn changed(file: &str) -> Error {
    Error::store(format!("{file}: the file changed after it was listed"))
        .hint("wait until it is complete and run the command again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_range_once() {
        let parts: Vec<_> = divide(3..100, 10, 30).collect();
        assert_eq!(parts, [3..13, 13..33, 33..63, 63..93, 93..100]);
        assert_eq!(divide(5..5, 10, 30).count(), 0);
    }
}
