//! The files of a simulation: written under other names, published together at the end.
//!
//! A simulation that fails or is killed leaves the files that were there before, and never half of a new one.

use std::error::Error as StdError;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::FileFormat;
use super::csv;
use crate::error::{Error, Kind, Result};

/// Rows of a Parquet row group: what a writer holds in memory.
const ROW_GROUP: usize = 131_072;

/// The directory that is written to, for one simulation alone.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Holds the lock for as long as it is open.
    _lock: Option<File>,
}

impl Directory {
    /// Creates the directory where it is missing and locks it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(|error| {
            Error::store(format!("cannot create the directory `{}`", path.display()))
                .because(error)
                .hint("choose another directory with --out")
        })?;
        // Where directories cannot be opened or locked (Windows, some network drives), two simulations at once are the
        // person's own care.
        let lock = File::open(path).ok();
        if let Some(Err(TryLockError::WouldBlock)) = lock.as_ref().map(File::try_lock) {
            let message = format!("another simulation is writing to `{}`", path.display());
            return Err(Error::new(Kind::Refused, message).hint("wait for it, or choose another directory with --out"));
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Refuses if one of these files exists.
    pub(super) fn refuse_existing(&self, names: &[String]) -> Result<()> {
        for name in names {
            let path = self.path.join(name);
            if path.symlink_metadata().is_ok() {
                return Err(Error::new(Kind::Refused, format!("`{}` exists already", path.display()))
                    .hint("overwrite it with --force, or choose another directory with --out"));
            }
        }
        Ok(())
    }

    /// A new file that nobody sees until it is published.
    pub(super) fn stage(&self, name: &str) -> Result<(Staged, BufWriter<File>)> {
        let path = self.path.join(name);
        let temporary = self.path.join(format!(".{name}.partial"));
        let file = File::create(&temporary).map_err(|error| write_error(&path, error))?;
        Ok((Staged { path, temporary, published: false }, BufWriter::with_capacity(1 << 20, file)))
    }
}

/// A complete or growing file under its temporary name; gone when dropped unpublished.
#[derive(Debug)]
pub(super) struct Staged {
    path: PathBuf,
    temporary: PathBuf,
    published: bool,
}

impl Staged {
    /// The name it will be published under.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name, in one step.
    pub(super) fn publish(mut self) -> Result<()> {
        fs::rename(&self.temporary, &self.path).map_err(|error| write_error(&self.path, error))?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            drop(fs::remove_file(&self.temporary)); // nothing more can be done about a file that stays
        }
    }
}

/// One output file of a dataset while its rows come in.
#[derive(Debug)]
pub(super) struct Output {
    staged: Staged,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Csv(BufWriter<File>),
    Parquet(Box<ArrowWriter<BufWriter<File>>>),
}

impl Output {
    /// Begins the file of a dataset.
    pub(super) fn begin(directory: &Directory, name: &str, format: FileFormat, schema: SchemaRef) -> Result<Self> {
        let (staged, mut file) = directory.stage(&format!("{name}.{}", format.extension()))?;
        let sink = match format {
            FileFormat::Csv => {
                let mut header = Vec::new();
                csv::push_header(&mut header, &schema);
                file.write_all(&header).map_err(|error| write_error(staged.path(), error))?;
                Sink::Csv(file)
            }
            FileFormat::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .set_max_row_group_row_count(Some(ROW_GROUP))
                    .build();
                let writer = ArrowWriter::try_new(file, schema, Some(properties));
                Sink::Parquet(Box::new(writer.map_err(|error| parquet_error(staged.path(), error))?))
            }
        };
        Ok(Self { staged, sink })
    }

    /// Adds rows, handed in as a batch and as CSV lines.
    pub(super) fn write(&mut self, batch: &RecordBatch, csv: &[u8]) -> Result<()> {
        match &mut self.sink {
            Sink::Csv(file) => file.write_all(csv).map_err(|error| write_error(self.staged.path(), error)),
            Sink::Parquet(writer) => writer.write(batch).map_err(|error| parquet_error(self.staged.path(), error)),
        }
    }

    /// Completes the file, still unpublished, and says how many bytes it has.
    pub(super) fn finish(self) -> Result<(Staged, u64)> {
        let Self { staged, sink } = self;
        let file = match sink {
            Sink::Csv(file) => file,
            Sink::Parquet(writer) => writer.into_inner().map_err(|error| parquet_error(staged.path(), error))?,
        };
        let bytes = close(&staged, file)?;
        Ok((staged, bytes))
    }
}

/// Flushes the last bytes of a staged file and says how many it has.
pub(super) fn close(staged: &Staged, file: BufWriter<File>) -> Result<u64> {
    let file = file.into_inner().map_err(|error| write_error(staged.path(), error.into_error()))?;
    Ok(file.metadata().map_err(|error| write_error(staged.path(), error))?.len())
}

/// A failed write, with the path that the person knows and what to do.
pub(super) fn write_error(path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::StorageFull {
        return Error::store(format!("no space left to write `{}`", path.display()))
            .because(error)
            .hint("free some space, choose another disk with --out, or a smaller --scale; nothing was published");
    }
    Error::store(format!("cannot write `{}`", path.display()))
        .because(error)
        .hint("choose another directory with --out")
}

fn parquet_error(path: &Path, error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => write_error(path, *error),
            Err(inner) => other_error(path, inner),
        },
        error => other_error(path, Box::new(error)),
    }
}

fn other_error(path: &Path, error: Box<dyn StdError + Send + Sync>) -> Error {
    Error::store(format!("cannot write `{}`", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unpublished_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::open(folder.path()).unwrap();
        let (staged, mut file) = directory.stage("a.csv").unwrap();
        file.write_all(b"x").unwrap();
        assert_eq!(close(&staged, file).unwrap(), 1);
        assert!(!folder.path().join("a.csv").exists());
        drop(staged);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn one_simulation_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        let first = Directory::open(folder.path()).unwrap();
        assert_eq!(Directory::open(folder.path()).unwrap_err().kind(), Kind::Refused);
        drop(first);
        Directory::open(folder.path()).unwrap();
    }

    #[test]
    fn a_full_disk_says_so() {
        let full = Path::new("/dev/full");
        if !full.exists() {
            return; // a device of Linux alone
        }
        let mut file = BufWriter::new(File::options().write(true).open(full).unwrap());
        file.write_all(b"x").unwrap();
        let error = write_error(Path::new("data/raw/clientes.csv"), file.into_inner().unwrap_err().into_error());
        assert_eq!(error.to_string(), "no space left to write `data/raw/clientes.csv`");
        assert_eq!(error.kind(), Kind::Store);
    }
}
