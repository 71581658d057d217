//! Markdown: a pipe table, with everything a renderer would act upon escaped.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cells::{Cells, is_number};
use super::{Failure, Layout, Manner, ResultWriter};
use crate::output::target::SharedTarget;
use crate::output::text::visible_lines;

pub(super) struct Markdown {
    out: SharedTarget,
    null: String,
}

impl Markdown {
    pub(super) fn begin(schema: &SchemaRef, mut out: SharedTarget, layout: &Layout) -> Result<Self, Failure> {
        let names: Vec<String> = schema.fields().iter().map(|field| escape(field.name())).collect();
        let rules: Vec<&str> =
            schema.fields().iter().map(|field| if is_number(field.data_type()) { "---:" } else { "---" }).collect();
        writeln!(out, "| {} |", names.join(" | "))?;
        writeln!(out, "| {} |", rules.join(" | "))?;
        Ok(Self { out, null: escape(layout.null()) })
    }
}

impl ResultWriter for Markdown {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        for row in Cells::of(batch)?.rows() {
            let cells: Vec<String> =
                row.map(|cell| cell.map_or_else(|| self.null.clone(), |text| escape(&text))).collect();
            writeln!(self.out, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Manner, Failure> {
        Ok(Manner::Whole)
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible_lines(text).chars() {
        match c {
            '\n' => escaped.push_str("<br>"),
            '\\' | '|' | '<' | '&' | '*' | '`' | '[' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}
