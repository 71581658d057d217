//! Looking through a file of delimited text: piece by piece, as many pieces at once as there are threads.

use std::sync::Arc;

use datafusion::common::runtime::SpawnedTask;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::evidence::Evidence;
use super::survey::Survey;
use crate::catalog::CsvOptions;
use crate::error::{Error, Result};
use crate::ingest::beginning::foreign;
use crate::ingest::chunks::chunks;
use crate::ingest::csv::{Csv, NullTexts};
use crate::ingest::piece::Piece;
use crate::ingest::split::{Records, Splitter};
use crate::ingest::text_file;
use crate::store::InputFile;

/// Records looked at in one go, while their bytes are in the cache.
const BLOCK_ROWS: usize = 256;

/// What is the same for all pieces of a file.
struct Look {
    delimiter: u8,
    width: usize,
    nulls: NullTexts,
}

/// Looks through `file`, whose text is written as `options` say. None if it has no header that can be read.
///
/// # Errors
/// A file that cannot be read to its end.
pub(super) async fn survey(file: &InputFile, options: &CsvOptions, tasks: usize) -> Result<Option<Survey>> {
    let format = Csv::new(options.clone());
    let stored = chunks(file.clone(), 0..file.meta.size);
    let (origin, mut pieces) = text_file::open(&format, file.name.as_str().into(), stored).await?;
    let Some(mut first) = pieces.next().await? else { return Ok(None) };
    if first.broken.is_some() {
        return Ok(None);
    }
    let Ok(Some(names)) = format.take_header(&origin, &mut first) else { return Ok(None) };
    pieces.expect_width(names.len());
    let look =
        Arc::new(Look { delimiter: options.delimiter, width: names.len(), nulls: NullTexts::new(&options.null) });
    let mut parts = stream::iter([Ok(first)])
        .chain(pieces.stream())
        .map_ok(|piece| {
            let look = Arc::clone(&look);
            SpawnedTask::spawn(async move { look.at(&piece) })
        })
        .map(|task| async move {
            task?.join().await.map_err(|panic| Error::bug(format!("looking through a file died: {panic}")))
        })
        .buffered(tasks)
        .boxed();
    let mut whole = Part::new(names.len());
    while let Some(part) = parts.try_next().await? {
        whole.add(&part);
    }
    let columns = names.into_iter().zip(whole.columns).collect();
    let Part { records, broken, foreign, .. } = whole;
    Ok(Some(Survey { columns, records, broken, foreign, ..Survey::default() }))
}

/// What one piece showed.
struct Part {
    columns: Vec<Evidence>,
    records: u64,
    broken: u64,
    foreign: (u64, u64),
}

impl Part {
    fn new(width: usize) -> Self {
        Self { columns: vec![Evidence::default(); width], records: 0, broken: 0, foreign: (0, 0) }
    }

    fn add(&mut self, other: &Self) {
        self.columns.iter_mut().zip(&other.columns).for_each(|(mine, theirs)| mine.merge(theirs));
        self.records += other.records;
        self.broken += other.broken;
        self.foreign.0 += other.foreign.0;
        self.foreign.1 += other.foreign.1;
    }
}

impl Look {
    fn at(&self, piece: &Piece) -> Part {
        let mut part = Part::new(self.width);
        part.foreign = foreign(&piece.text);
        if piece.broken.is_some() {
            part.broken = 1;
            return part;
        }
        let mut splitter = Splitter::new(self.delimiter, Some(self.width));
        let mut scratch = Vec::new();
        let mut more = true;
        while more {
            let mut found = Records::default();
            more = splitter.split(&piece.text, BLOCK_ROWS, &mut found);
            for (column, evidence) in part.columns.iter_mut().enumerate() {
                for field in found.fields.iter().skip(column).step_by(self.width) {
                    let text = field.text(&piece.text, &mut scratch);
                    evidence.add((!self.nulls.contains(text)).then_some(text));
                }
            }
            part.records += found.records.len() as u64;
            part.broken += found.malformed.len() as u64;
        }
        part
    }
}
