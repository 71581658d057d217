//! A text file from its first stored byte to its last row, whatever the format.
//!
//! Bytes are fetched, decompressed, decoded to UTF-8 and cut into pieces of whole records, one after the other and each
//! a step ahead of the next. Pieces become rows side by side, in as many tasks as the scan allows, and come out in the
//! order of the file; so do rejects. With one task that is reading from beginning to end, by the same code.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::runtime::SpawnedTask;
use encoding_rs::Encoding;
use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};

use super::chunks::chunks;
use super::decode::{Decoder, Measure};
use super::decompress::{Blocks, beginning, content};
use super::fault::Account;
use super::piece::{Cutter, Origin, Piece};
use super::reader::{Reader, Scan};
use super::replay;
use super::rows::Made;
use crate::error::{Error, Result};
use crate::store::InputFile;

/// What is special about one format of text.
pub(super) trait TextFormat: fmt::Debug + Send + Sync + 'static {
    /// The encoding of files that do not say theirs.
    fn encoding(&self) -> &'static Encoding;

    /// What cuts a file whose text begins `offset` bytes after the beginning of the file.
    fn cutter(&self, measure: Measure, offset: u64) -> Box<dyn Cutter>;

    /// Understands how a file begins. What does so, a header, is taken off `first`, the first piece.
    fn open(&self, origin: Origin, scan: Arc<Scan>, first: &mut Option<Piece>) -> Result<Opened>;
}

/// A file whose columns are known.
pub(super) struct Opened {
    pub(super) maker: Arc<dyn Maker>,
    /// Fields of a good record, if the format counts them.
    pub(super) width: Option<usize>,
}

/// Makes rows of the pieces of one file.
pub(super) trait Maker: Send + Sync {
    /// The rows and rejects of `piece`.
    fn make(&self, piece: &Piece) -> Result<Made>;
}

/// The reader of one format of text.
#[derive(Debug)]
pub(super) struct TextReader {
    format: Arc<dyn TextFormat>,
}

impl TextReader {
    /// A reader of `format`.
    pub(super) fn new(format: Arc<dyn TextFormat>) -> Self {
        Self { format }
    }
}

impl Reader for TextReader {
    fn read(&self, file: InputFile, scan: Arc<Scan>) -> BoxStream<'static, Result<RecordBatch>> {
        let bytes_read = scan.bytes_read.clone();
        let size = file.meta.size;
        let name: Arc<str> = Arc::from(file.name.as_str());
        let stored = chunks(file, 0..size).inspect_ok(move |chunk| bytes_read.add(chunk.len()));
        read_stored(Arc::clone(&self.format), name, stored.boxed(), scan)
    }
}

/// The rows of the file `name`, whose bytes are `stored`.
pub(super) fn read_stored(
    format: Arc<dyn TextFormat>,
    name: Arc<str>,
    stored: Blocks,
    scan: Arc<Scan>,
) -> BoxStream<'static, Result<RecordBatch>> {
    let opened = async move {
        let (origin, mut pieces) = open(format.as_ref(), name, stored).await?;
        let mut first = pieces.next().await?;
        let opened = format.open(origin.clone(), Arc::clone(&scan), &mut first)?;
        if let Some(width) = opened.width {
            pieces.expect_width(width);
        }
        let pieces = stream::iter(first.map(Ok)).chain(pieces.stream()).boxed();
        Ok(rows(origin, opened.maker, pieces, scan))
    };
    stream::once(opened).try_flatten().boxed()
}

/// The file `name`, whose bytes are `stored`, and what it is cut into.
pub(super) async fn open(format: &dyn TextFormat, name: Arc<str>, stored: Blocks) -> Result<(Origin, Pieces)> {
    let content = content(Arc::clone(&name), stored).await?;
    let (first, content) = beginning(content, 4).await?;
    let decoder = Decoder::new(format.encoding(), &first);
    let origin = Origin { file: name, measure: decoder.measure() };
    let cutter = format.cutter(origin.measure, decoder.mark() as u64);
    Ok((origin, Pieces { content, decoder, cutter, ended: false }))
}

/// The rows of `pieces`, in their order.
fn rows(
    origin: Origin,
    maker: Arc<dyn Maker>,
    pieces: BoxStream<'static, Result<Piece>>,
    scan: Arc<Scan>,
) -> BoxStream<'static, Result<RecordBatch>> {
    let (measure, of_pieces) = (origin.measure, Arc::clone(&scan));
    let begin = move |piece: Piece| {
        let (maker, scan) = (Arc::clone(&maker), Arc::clone(&of_pieces));
        // A task that nobody waits for any more is ended.
        SpawnedTask::spawn(async move {
            let _busy = scan.busy.timer();
            replay::make(maker.as_ref(), &piece, measure, scan.faults.as_ref())
        })
    };
    let made = pieces
        .map_ok(begin)
        .map(|task| async move {
            task?.join().await.unwrap_or_else(|panic| Err(Error::bug(format!("a reader died: {panic}"))))
        })
        .buffered(scan.tasks)
        .boxed();
    let left = scan.limit.unwrap_or(usize::MAX);
    let state = InOrder { origin, scan, made, ready: VecDeque::new(), account: Account::default(), left };
    stream::try_unfold(state, |mut state| async move { Ok(state.next().await?.map(|batch| (batch, state))) }).boxed()
}

/// What was made of the pieces of a file, on its way out.
struct InOrder {
    origin: Origin,
    scan: Arc<Scan>,
    made: BoxStream<'static, Result<Made>>,
    ready: VecDeque<RecordBatch>,
    account: Account,
    /// Rows still wanted.
    left: usize,
}

impl InOrder {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.left == 0 {
                return Ok(None);
            }
            if let Some(batch) = self.ready.pop_front() {
                let batch = batch.slice(0, batch.num_rows().min(self.left));
                self.left -= batch.num_rows();
                return Ok(Some(batch));
            }
            let Some(made) = self.made.next().await.transpose()? else {
                self.scan.faults.finished(&self.origin.file, self.account)?;
                return Ok(None);
            };
            for reject in made.rejects {
                self.scan.faults.take(reject)?;
            }
            self.account.add(made.account);
            self.ready.extend(made.batches);
        }
    }
}

/// The pieces of a file.
pub(super) struct Pieces {
    content: Blocks,
    decoder: Decoder,
    cutter: Box<dyn Cutter>,
    ended: bool,
}

impl Pieces {
    /// Says how many fields a good record has.
    pub(super) fn expect_width(&mut self, width: usize) {
        self.cutter.expect_width(width);
    }

    /// All that follow.
    pub(super) fn stream(self) -> impl Stream<Item = Result<Piece>> + Send {
        stream::try_unfold(self, |mut pieces| async move { Ok(pieces.next().await?.map(|piece| (piece, pieces))) })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>> {
        loop {
            if let Some(piece) = self.cutter.next() {
                return Ok(Some(piece));
            }
            if self.ended {
                return Ok(None);
            }
            match self.content.next().await.transpose()? {
                Some(block) => self.cutter.push(&self.decoder.decode(block, false)),
                None => {
                    self.cutter.push(&self.decoder.decode(bytes::Bytes::new(), true));
                    self.cutter.end();
                    self.ended = true;
                }
            }
        }
    }
}
