//! JSON: one array with an object a line, or the objects alone (`jsonl`). Every column stands in every object, null
//! included; instants are ISO 8601 with a `T`, as parsers of JSON expect them.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::json::writer::{JsonFormat, LineDelimited, Writer, WriterBuilder};

use super::{Failure, Manner, ResultWriter};
use crate::output::target::SharedTarget;

pub(super) enum Json {
    Array(Writer<SharedTarget, ArrayByLine>),
    Lines(Writer<SharedTarget, LineDelimited>),
}

impl Json {
    pub(super) fn array(out: SharedTarget) -> Self {
        Self::Array(WriterBuilder::new().with_explicit_nulls(true).build(out))
    }

    pub(super) fn lines(out: SharedTarget) -> Self {
        Self::Lines(WriterBuilder::new().with_explicit_nulls(true).build(out))
    }
}

impl ResultWriter for Json {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        match self {
            Self::Array(writer) => writer.write(batch)?,
            Self::Lines(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Manner, Failure> {
        match self {
            Self::Array(writer) => writer.finish()?,
            Self::Lines(writer) => writer.finish()?,
        }
        Ok(Manner::Whole)
    }
}

/// An array that line tools (`diff`, `head`) can read: one object a line.
#[derive(Debug, Default)]
pub(super) struct ArrayByLine;

impl JsonFormat for ArrayByLine {
    fn start_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"[")?)
    }

    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        Ok(writer.write_all(if is_first_row { b"\n" } else { b",\n" })?)
    }

    fn end_stream<W: Write>(&self, writer: &mut W) -> Result<(), ArrowError> {
        Ok(writer.write_all(b"\n]\n")?)
    }
}
