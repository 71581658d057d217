//! The content of a file: its bytes as they are stored or, if they are gzip or zstd, what they stand for.
//!
//! The first bytes say which, whatever the name of the file. Both formats are read to their end through any number of
//! members or frames, one after the other. Decompressing has a thread of its own, so that it goes on while bytes are
//! fetched and text is parsed; it is never more than some blocks ahead.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::runtime::SpawnedTask;
use flate2::bufread::MultiGzDecoder;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::error::{Error, Result};

/// Bytes of a file, block by block.
pub(super) type Blocks = BoxStream<'static, Result<Bytes>>;

/// Content comes in blocks of this many bytes.
const BLOCK: usize = 1 << 20;
/// Blocks that may wait to be taken.
const AHEAD: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// What the first bytes of a file say.
    fn of(beginning: &[u8]) -> Option<Self> {
        match beginning {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // A frame, or one of the frames without content that some tools put first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// The content of `file`, whose bytes are `stored`.
pub(super) async fn content(file: Arc<str>, stored: Blocks) -> Result<Blocks> {
    let (beginning, stored) = beginning(stored, 4).await?;
    let Some(compression) = Compression::of(&beginning) else { return Ok(stored) };
    let (sender, receiver) = mpsc::channel(AHEAD);
    let stored = Stored { blocks: stored, block: Bytes::new(), runtime: Handle::current() };
    let task = SpawnedTask::spawn_blocking({
        let file = Arc::clone(&file);
        move || decompress(&file, compression, stored, &sender)
    });
    Ok(stream::try_unfold((receiver, Some(task)), move |(mut receiver, task)| {
        let file = Arc::clone(&file);
        async move {
            if let Some(block) = receiver.recv().await {
                return Ok(Some((block?, (receiver, task))));
            }
            // The end of the blocks is the end of the content only if the thread came to its end.
            if let Some(task) = task {
                let died = |panic| Error::bug(format!("{file}: decompressing died: {panic}"));
                task.join().await.map_err(died)?;
            }
            Ok(None)
        }
    })
    .boxed())
}

/// As much of the content of a file as its first bytes `stored` tell, and whether that is all these bytes hold.
pub(super) fn content_of(stored: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut content = Vec::new();
    // A failure may be damage, or that what follows is not there.
    let read = match Compression::of(stored) {
        None => return (Cow::Borrowed(stored), true),
        Some(Compression::Gzip) => MultiGzDecoder::new(stored).take(BLOCK as u64).read_to_end(&mut content),
        Some(Compression::Zstd) => zstd::stream::read::Decoder::with_buffer(stored)
            .and_then(|decoder| decoder.take(BLOCK as u64).read_to_end(&mut content)),
    };
    let whole = read.is_ok_and(|length| length < BLOCK);
    (Cow::Owned(content), whole)
}

/// At least the first `least` bytes of `blocks` (fewer if there are no more), and all of `blocks` again.
pub(super) async fn beginning(mut blocks: Blocks, least: usize) -> Result<(Bytes, Blocks)> {
    let mut first = Bytes::new();
    while first.len() < least {
        let Some(block) = blocks.next().await.transpose()? else { break };
        first = if first.is_empty() { block } else { [first, block].concat().into() };
    }
    let again = (!first.is_empty()).then(|| Ok(first.clone()));
    Ok((first, stream::iter(again).chain(blocks).boxed()))
}

fn decompress(file: &str, compression: Compression, stored: Stored, sender: &mpsc::Sender<Result<Bytes>>) {
    let reader: io::Result<Box<dyn Read>> = match compression {
        Compression::Gzip => Ok(Box::new(MultiGzDecoder::new(stored))),
        Compression::Zstd => zstd::stream::read::Decoder::with_buffer(stored).map(|reader| Box::new(reader) as _),
    };
    let mut content: u64 = 0;
    let failed = |error: io::Error, content: u64| damaged(file, compression, content, error);
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => {
            sender.blocking_send(Err(failed(error, content))).ok();
            return;
        }
    };
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        let read = reader.by_ref().take(BLOCK as u64).read_to_end(&mut block);
        let (ended, failure) = match read {
            Ok(bytes) => (bytes == 0, None),
            Err(error) => (true, Some(error)),
        };
        content += block.len() as u64;
        // Nobody takes the block where a query wanted no more: that is the end, too.
        if !block.is_empty() && sender.blocking_send(Ok(block.into())).is_err() {
            return;
        }
        if let Some(error) = failure {
            sender.blocking_send(Err(failed(error, content))).ok();
        }
        if ended {
            return;
        }
    }
}

/// Why the content of `file` ends after `content` bytes: the store's own failure, or damage.
fn damaged(file: &str, compression: Compression, content: u64, error: io::Error) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return error,
        Err(error) => error,
    };
    let name = compression.name();
    let why = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
        _ => error.to_string(),
    };
    Error::damaged(file, format_args!("the {name} data is damaged after {content} bytes of content: {why}"))
        .hint(format!("copy the file again and test it with `{name} -t`"))
        .because(error)
}

/// The stored bytes for a decoder that waits for them.
struct Stored {
    blocks: Blocks,
    block: Bytes,
    runtime: Handle,
}

impl BufRead for Stored {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.block.is_empty() {
            match self.runtime.block_on(self.blocks.next()) {
                Some(block) => self.block = block.map_err(io::Error::other)?,
                None => break,
            }
        }
        Ok(&self.block)
    }

    fn consume(&mut self, bytes: usize) {
        self.block = self.block.slice(bytes..);
    }
}

impl Read for Stored {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?.read(into)?;
        self.consume(bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;
    use futures::TryStreamExt;

    use super::super::testing::told;
    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(text, 1).unwrap()
    }

    /// What `stored` stands for, fetched in blocks of `size` bytes.
    async fn read(stored: &[u8], size: usize) -> Result<Vec<u8>> {
        let blocks: Vec<Result<Bytes>> = stored.chunks(size).map(|block| Ok(Bytes::copy_from_slice(block))).collect();
        let content = content("d.csv".into(), stream::iter(blocks).boxed()).await?;
        Ok(content.try_collect::<Vec<Bytes>>().await?.concat())
    }

    #[tokio::test]
    async fn members_and_frames_follow_each_other() {
        let long: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let skipped = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
        for size in [1000, 1 << 20] {
            assert_eq!(read(&[gzip(b"a,b\n"), gzip(b""), gzip(&long)].concat(), size).await.unwrap()[4..], long);
            assert_eq!(read(&[zstd(b"a,b\n"), zstd(&long)].concat(), size).await.unwrap()[4..], long);
            let stored = [&skipped, zstd(b"a,b\n").as_slice()].concat();
            assert_eq!(read(&stored, size).await.unwrap(), b"a,b\n");
        }
        for size in [1, 3] {
            assert_eq!(read(&gzip(b"a,b\n1,2\n"), size).await.unwrap(), b"a,b\n1,2\n");
            assert_eq!(read(&zstd(b"a,b\n1,2\n"), size).await.unwrap(), b"a,b\n1,2\n");
            assert_eq!(read(b"a,b\n1,2\n", size).await.unwrap(), b"a,b\n1,2\n");
            assert_eq!(read(b"", size).await.unwrap(), b"");
            assert_eq!(read(b"\x1f", size).await.unwrap(), b"\x1f");
        }
    }

    #[tokio::test]
    async fn damage_is_told_after_what_is_good() {
        let text = b"a,b\n".repeat(100_000);
        for stored in [gzip(&text), zstd(&text)] {
            let name = Compression::of(&stored).unwrap().name();
            let cut = read(&stored[..stored.len() - 5], 1 << 20).await.unwrap_err();
            assert!(cut.message().starts_with(&format!("d.csv: the {name} data is damaged after ")), "{}", told(&cut));
            assert!(cut.message().ends_with("the file ends too early"), "{}", told(&cut));
        }
        let mut changed = gzip(&text);
        let middle = changed.len() / 2;
        changed[middle] ^= 0xff;
        let error = read(&changed, 1 << 20).await.unwrap_err();
        assert!(error.message().starts_with("d.csv: the gzip data is damaged after "), "{}", told(&error));
    }

    #[tokio::test]
    async fn a_failure_of_the_store_is_told_as_it_is() {
        let stored = gzip(&b"a,b\n".repeat(100_000));
        let blocks = vec![Ok(Bytes::copy_from_slice(&stored[..100])), Err(Error::store("d.csv: gone"))];
        let content = content("d.csv".into(), stream::iter(blocks).boxed()).await.unwrap();
        let error = content.try_collect::<Vec<Bytes>>().await.unwrap_err();
        assert_eq!(told(&error), "d.csv: gone (exit 3)");
    }

    #[tokio::test]
    async fn dropping_the_content_ends_the_thread() {
        let stored = zstd(&vec![b'x'; 64 << 20]);
        let blocks = stream::iter([Ok(Bytes::from(stored))]).boxed();
        let mut content = content("d.csv".into(), blocks).await.unwrap();
        assert_eq!(content.next().await.unwrap().unwrap().len(), BLOCK);
        drop(content);
    }
}
