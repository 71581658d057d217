//! Vertical: one line a column, for rows that are wide or long. Text keeps its line ends.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cells::Cells;
use super::{Failure, Layout, Manner, ResultWriter};
use crate::output::target::SharedTarget;
use crate::output::text::{thousands, visible, visible_lines, width};

/// How long the rule above a row is, where the terminal does not tell its width.
const RULE: usize = 60;

pub(super) struct Vertical {
    names: Vec<String>,
    /// Columns of the terminal the widest name takes.
    names_width: usize,
    out: SharedTarget,
    layout: Layout,
    rows: u64,
}

impl Vertical {
    pub(super) fn new(schema: &SchemaRef, out: SharedTarget, layout: &Layout) -> Self {
        let names: Vec<String> = schema.fields().iter().map(|field| visible(field.name()).into_owned()).collect();
        let names_width = names.iter().map(|name| width(name)).max().unwrap_or(0);
        Self { names, names_width, out, layout: layout.clone(), rows: 0 }
    }

    /// Writes one row; `None` is null.
    pub(super) fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a str>>) -> io::Result<()> {
        self.rows += 1;
        let title = format!("── row {} ", thousands(self.rows));
        let rule = self.layout.width.unwrap_or(RULE).min(RULE).saturating_sub(width(&title));
        writeln!(self.out, "{title}{}", "─".repeat(rule))?;
        let null = self.layout.null();
        let (dim, off) = if self.layout.colour { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        for (name, value) in self.names.iter().zip(values) {
            let indent = " ".repeat(self.names_width - width(name));
            match value {
                None => writeln!(self.out, "{indent}{name} │ {dim}{null}{off}")?,
                Some(text) => {
                    let text = visible_lines(text);
                    let mut lines = text.split('\n');
                    writeln!(self.out, "{indent}{name} │ {}", lines.next().unwrap_or_default())?;
                    for line in lines {
                        writeln!(self.out, "{} │ {line}", " ".repeat(self.names_width))?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl ResultWriter for Vertical {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        for row in Cells::of(batch)?.rows() {
            let row: Vec<Option<String>> = row.collect();
            self.row(row.iter().map(Option::as_deref))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Manner, Failure> {
        Ok(Manner::Whole)
    }
}
