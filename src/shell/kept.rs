//! The last result, kept so that it can be shown whole, written to a file or drawn without running its query again.
//!
//! A small result stays in memory, a larger one in a temporary file without a name, which is gone with the process.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::error::{Error, Result};
use crate::output::bytes;

/// Bytes kept in memory.
const IN_MEMORY: usize = 64 << 20;

/// Bytes kept in all.
const IN_ALL: u64 = 4 << 30;

/// A result, or as much of it as is worth keeping.
pub(super) struct Kept {
    schema: SchemaRef,
    rows: u64,
    batches: Vec<RecordBatch>,
    size: usize,
    in_memory: usize,
    file: Option<StreamWriter<BufWriter<File>>>,
    /// Why it is not kept, if it is not.
    lost: Option<String>,
    /// Whether it may be put into a file.
    to_disk: bool,
}

impl Kept {
    /// An empty result with these columns; a large one goes to disk if `to_disk` is set, and is dropped otherwise.
    pub(super) fn new(schema: &SchemaRef, to_disk: bool) -> Self {
        Self {
            schema: SchemaRef::clone(schema),
            rows: 0,
            batches: Vec::new(),
            size: 0,
            in_memory: IN_MEMORY,
            file: None,
            lost: None,
            to_disk,
        }
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Keeps the next rows. That there is no room for them is told when somebody asks for them.
    pub(super) fn push(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        if self.lost.is_some() {
            return;
        }
        self.size += batch.get_array_memory_size();
        let kept = match &mut self.file {
            Some(file) => file.write(batch).map_err(|failure| failure.to_string()),
            None => {
                self.batches.push(batch.clone());
                if self.size > self.in_memory { self.put_down() } else { Ok(()) }
            }
        };
        let too_large = self.size as u64 > IN_ALL;
        if let Err(why) = kept.and_then(|()| if too_large { Err(limit(IN_ALL)) } else { Ok(()) }) {
            self.lost = Some(why);
            self.batches.clear();
            self.file = None;
        }
    }

    /// All rows, from the first.
    pub(super) fn read(&mut self) -> Result<Box<dyn Iterator<Item = Result<RecordBatch>> + Send + '_>> {
        if let Some(why) = &self.lost {
            return Err(Error::new(crate::error::Kind::Limit, format!("the last result was not kept: {why}"))
                .hint("write it to a file straight away: \\once FILE before the query"));
        }
        let Some(file) = &mut self.file else { return Ok(Box::new(self.batches.iter().cloned().map(Ok))) };
        let unreadable = |failure: &dyn std::fmt::Display| {
            Error::store(format!("the temporary file of the last result cannot be read: {failure}"))
        };
        file.flush().map_err(|failure| unreadable(&failure))?;
        let mut reader = file.get_ref().get_ref().try_clone().map_err(|failure| unreadable(&failure))?;
        reader.rewind().map_err(|failure| unreadable(&failure))?;
        let rows = StreamReader::try_new(BufReader::new(reader), None).map_err(|failure| unreadable(&failure))?;
        Ok(Box::new(rows.map(move |batch| batch.map_err(|failure| unreadable(&failure)))))
    }

    /// All rows, if there are no more than `most`, as they are needed to be looked at from all sides.
    pub(super) fn small(&mut self, most: u64, what: &str) -> Result<Vec<RecordBatch>> {
        if self.rows > most {
            return Err(Error::usage(format!(
                "{what} takes at most {} rows, and the last result has {}",
                crate::output::thousands(most),
                crate::output::thousands(self.rows)
            ))
            .hint("aggregate in the query"));
        }
        self.read()?.collect()
    }

    /// Moves the rows in memory to a file.
    fn put_down(&mut self) -> Result<(), String> {
        if !self.to_disk {
            return Err(limit(self.in_memory as u64));
        }
        let file = tempfile::tempfile().map_err(|failure| failure.to_string())?;
        let mut writer =
            StreamWriter::try_new(BufWriter::new(file), &self.schema).map_err(|wrong| wrong.to_string())?;
        for batch in self.batches.drain(..) {
            writer.write(&batch).map_err(|failure| failure.to_string())?;
        }
        self.file = Some(writer);
        Ok(())
    }
}

fn limit(size: u64) -> String {
    format!("it is larger than {}", bytes(size))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn batch(from: i64) -> RecordBatch {
        let schema = Schema::new(vec![Field::new("n", DataType::Int64, false), Field::new("t", DataType::Utf8, true)]);
        let numbers = Int64Array::from_iter_values(from..from + 100);
        let texts: StringArray = (from..from + 100).map(|n| (n % 3 > 0).then(|| format!("fila {n}"))).collect();
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(numbers), Arc::new(texts)]).unwrap()
    }

    fn kept(in_memory: usize, to_disk: bool) -> Kept {
        let mut kept = Kept { in_memory, ..Kept::new(batch(0).schema_ref(), to_disk) };
        for part in 0..10 {
            kept.push(&batch(part * 100));
        }
        kept
    }

    #[test]
    fn a_result_is_read_as_often_as_wanted_from_memory_and_from_disk() {
        let expected: Vec<RecordBatch> = (0..10).map(|part| batch(part * 100)).collect();
        for in_memory in [usize::MAX, 10_000, 0] {
            let mut kept = kept(in_memory, true);
            assert_eq!(kept.file.is_some(), in_memory < usize::MAX);
            for _ in 0..2 {
                assert_eq!(kept.read().unwrap().collect::<Result<Vec<_>>>().unwrap(), expected);
            }
            kept.push(&batch(7));
            assert_eq!((kept.read().unwrap().count(), kept.rows()), (11, 1_100));
        }
    }

    #[test]
    fn what_was_not_kept_is_told() {
        let mut kept = kept(1_000, false);
        let Err(error) = kept.read() else { panic!("it is too large") };
        assert_eq!(error.message(), "the last result was not kept: it is larger than 1.0 kB");
        assert_eq!(kept.rows, 1_000, "its rows are counted all the same");
        assert!(self::kept(usize::MAX, true).small(999, "\\plot").is_err());
    }
}
