//! The simulator: the bank's seven datasets from a seed, each row a function of its number.
//!
//! A row depends on the seed, the scale, its dataset and its number alone. Nothing is remembered between rows: exact
//! shares and valid references come from shuffles that are computed, forwards and backwards ([`quota`]), and chance from
//! dice of the row's own ([`dice`]). So memory does not grow with the scale, chunks of rows are made side by side in any
//! number of threads, and the bytes are the same each time.
//!
//! Two things are better than in the data this replaces, on purpose: a pool of some 400 agents has enough tickets each for
//! their averages to mean something ([`staff`]), and dates agree (surveys follow the end of their ticket, complaints have
//! the answer that their dates say, calls end when their duration says).

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use arrow::array::RecordBatch;

use crate::error::{Error, Result};
use dataset::Dataset;
use dice::Seed;
use files::{Directory, Output, Staged};
use summary::Measured;

pub use found::{Found, find};
pub use summary::{DatasetSummary, FILE_NAME as SUMMARY_FILE, Summary, WrittenFile};

mod calendar;
mod clientes;
mod columns;
mod csv;
mod dataset;
mod dice;
mod encuestas;
mod files;
mod found;
mod ids;
mod llamadas;
mod locale;
mod mensajes;
mod quota;
mod reclamos;
mod resenas;
mod staff;
mod summary;
mod text;
mod tickets;

/// Rows that are made and written at a time.
const CHUNK: u64 = 4096;

/// What to simulate and where to.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// The size: 1 gives 171,031 rows, 0.01 a hundredth of them, 1000 a thousand times as many.
    pub scale: f64,
    /// The directory for the files; created where it is missing.
    pub out: PathBuf,
    /// The formats; each dataset is written once in each.
    pub formats: Vec<FileFormat>,
    /// Whether existing files are overwritten. Otherwise they are a reason to refuse.
    pub force: bool,
    /// How many threads make rows. No influence on the result.
    pub threads: NonZeroUsize,
}

/// A format of output files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Text in the style of pandas: `<dataset>.csv`.
    Csv,
    /// Apache Parquet, compressed with zstd: `<dataset>.parquet`.
    Parquet,
}

impl FileFormat {
    /// The ending of its files.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// How far a simulation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The dataset that is being written.
    pub dataset: &'static str,
    /// The rows written so far, of all datasets.
    pub rows: u64,
    /// The rows there will be.
    pub total: u64,
}

/// The rows of all datasets at a scale.
///
/// # Errors
/// `Usage` for a senseless scale.
pub fn rows(scale: f64) -> Result<u64> {
    let any_seed = Seed(0);
    Ok(dataset::datasets(any_seed, scale)?.iter().map(|dataset| dataset.rows()).sum())
}

/// Simulates the seven datasets and writes them, with `resumen_generacion.json`, into a directory.
///
/// `progress` is told after each chunk of rows, on the calling thread; a failure it returns ends the simulation. Files
/// appear under their names all together at the end; after a failure everything is as before.
///
/// # Errors
///
/// `Usage` for a senseless scale or no format, `Refused` for existing files without `force` and for a directory that
/// another simulation is writing to, `Store` for what cannot be written.
pub fn simulate(options: &Options, progress: &dyn Fn(Progress) -> Result<()>) -> Result<Summary> {
    if options.formats.is_empty() {
        return Err(Error::usage("no format to write").hint("give --format csv, parquet or csv,parquet"));
    }
    let formats = [FileFormat::Csv, FileFormat::Parquet];
    let formats: Vec<FileFormat> = formats.into_iter().filter(|format| options.formats.contains(format)).collect();
    let datasets = dataset::datasets(Seed(options.seed), options.scale)?;
    let directory = Directory::open(&options.out)?;
    if !options.force {
        directory.refuse_existing(&file_names(&datasets, &formats))?;
    }

    let mut staged = Vec::new();
    let summaries = thread::scope(|scope| -> Result<Vec<DatasetSummary>> {
        let workers = (0..options.threads.get()).map(|worker| {
            // Room for one chunk: a worker is never more than two ahead of the writer.
            let (sender, receiver) = sync_channel(1);
            let (datasets, formats) = (&datasets, &formats);
            let work = move || make_chunks(datasets, formats, worker, options.threads.get(), &sender);
            let spawned = thread::Builder::new().name(format!("simulate-{worker}")).spawn_scoped(scope, work);
            spawned.map_err(|error| Error::store("cannot start a thread").because(error))?;
            Ok(receiver)
        });
        let mut chunks = InOrder { workers: workers.collect::<Result<_>>()?, next: 0 };
        let total = datasets.iter().map(|dataset| dataset.rows()).sum();
        let mut told = Progress { dataset: "", rows: 0, total };
        let mut summaries = Vec::new();
        for dataset in &datasets {
            told.dataset = dataset.name();
            let mut write = |rows| {
                told.rows += rows;
                progress(told)
            };
            summaries.push(write_dataset(
                dataset.as_ref(),
                &formats,
                &directory,
                &mut chunks,
                &mut staged,
                &mut write,
            )?);
        }
        Ok(summaries)
    })?;

    let summary = Summary { seed: options.seed, scale: options.scale, datasets: summaries };
    staged.push(stage_summary(&directory, &summary)?);
    for file in staged {
        file.publish()?;
    }
    Ok(summary)
}

/// The files that a simulation will write.
fn file_names(datasets: &[Arc<dyn Dataset>], formats: &[FileFormat]) -> Vec<String> {
    let names = datasets.iter().map(|dataset| dataset.name());
    let files = names.flat_map(|name| formats.iter().map(move |format| format!("{name}.{}", format.extension())));
    files.chain([summary::FILE_NAME.to_owned()]).collect()
}

/// Rows ready to be written.
struct Chunk {
    batch: RecordBatch,
    /// The rows as CSV lines; empty where no CSV is asked for.
    csv: Vec<u8>,
    measured: Measured,
}

/// Makes every `threads`-th chunk, beginning with that of number `worker`, until all are made or nobody takes them.
fn make_chunks(
    datasets: &[Arc<dyn Dataset>],
    formats: &[FileFormat],
    worker: usize,
    threads: usize,
    sender: &SyncSender<Result<Chunk>>,
) {
    let chunks = datasets.iter().flat_map(|dataset| chunk_rows(dataset.rows()).map(move |rows| (dataset, rows)));
    for (dataset, rows) in chunks.skip(worker).step_by(threads) {
        if sender.send(make_chunk(dataset.as_ref(), rows, formats.contains(&FileFormat::Csv))).is_err() {
            return; // the writer has failed and tells why
        }
    }
}

fn make_chunk(dataset: &dyn Dataset, rows: Range<u64>, with_csv: bool) -> Result<Chunk> {
    let batch = dataset.batch(rows)?;
    let mut csv = Vec::new();
    if with_csv {
        csv::push_rows(&mut csv, &batch)?;
    }
    let measured = Measured::of(&dataset.measures(), &batch)?;
    Ok(Chunk { batch, csv, measured })
}

/// The ranges of rows of the chunks of a dataset.
fn chunk_rows(rows: u64) -> impl Iterator<Item = Range<u64>> {
    (0..rows.div_ceil(CHUNK)).map(move |chunk| chunk * CHUNK..((chunk + 1) * CHUNK).min(rows))
}

/// The chunks of all workers in the order of their rows: the workers take turns, and so does this.
struct InOrder {
    workers: Vec<Receiver<Result<Chunk>>>,
    next: usize,
}

impl InOrder {
    fn next(&mut self) -> Result<Chunk> {
        let worker = self.next % self.workers.len();
        self.next += 1;
        self.workers[worker].recv().map_err(|_| Error::bug("a thread of the simulator has ended too early"))?
    }
}

/// Writes the files of one dataset and leaves them staged.
fn write_dataset(
    dataset: &dyn Dataset,
    formats: &[FileFormat],
    directory: &Directory,
    chunks: &mut InOrder,
    staged: &mut Vec<Staged>,
    written: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<DatasetSummary> {
    let schema = dataset.batch(0..0)?.schema();
    let begin = |format: &FileFormat| Output::begin(directory, dataset.name(), *format, Arc::clone(&schema));
    let mut outputs: Vec<Output> = formats.iter().map(begin).collect::<Result<_>>()?;
    let mut measured = Measured::default();
    for rows in chunk_rows(dataset.rows()) {
        let chunk = chunks.next()?;
        for output in &mut outputs {
            output.write(&chunk.batch, &chunk.csv)?;
        }
        measured.add(chunk.measured);
        written(rows.end - rows.start)?;
    }
    let mut files = Vec::new();
    for output in outputs {
        let (file, bytes) = output.finish()?;
        files.push(WrittenFile { path: file.path().to_owned(), bytes });
        staged.push(file);
    }
    Ok(DatasetSummary::new(dataset.name(), dataset.measures(), measured, files))
}

fn stage_summary(directory: &Directory, summary: &Summary) -> Result<Staged> {
    let (staged, mut file) = directory.stage(summary::FILE_NAME)?;
    serde_json::to_writer_pretty(&mut file, &summary.json())
        .map_err(std::io::Error::from)
        .and_then(|()| std::io::Write::write_all(&mut file, b"\n"))
        .map_err(|error| files::write_error(staged.path(), error))?;
    files::close(&staged, file)?;
    Ok(staged)
}

#[cfg(test)]
mod tests;
