//! HTML: one `<table>` to put into a page. Numbers have the class `number`, nulls the class `null`.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cells::{Cells, is_number};
use super::{Failure, Layout, Manner, ResultWriter};
use crate::output::target::SharedTarget;
use crate::output::text::visible_lines;

pub(super) struct Html {
    out: SharedTarget,
    numbers: Vec<bool>,
    null: String,
}

impl Html {
    pub(super) fn begin(schema: &SchemaRef, mut out: SharedTarget, layout: &Layout) -> Result<Self, Failure> {
        writeln!(out, "<table>\n<thead>\n<tr>")?;
        for field in schema.fields() {
            writeln!(out, "<th>{}</th>", escape(field.name()))?;
        }
        writeln!(out, "</tr>\n</thead>\n<tbody>")?;
        let numbers = schema.fields().iter().map(|field| is_number(field.data_type())).collect();
        Ok(Self { out, numbers, null: escape(layout.null()) })
    }
}

impl ResultWriter for Html {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        for row in Cells::of(batch)?.rows() {
            write!(self.out, "<tr>")?;
            for (cell, number) in row.zip(&self.numbers) {
                match cell {
                    None => write!(self.out, "<td class=\"null\">{}</td>", self.null)?,
                    Some(text) if *number => write!(self.out, "<td class=\"number\">{}</td>", escape(&text))?,
                    Some(text) => write!(self.out, "<td>{}</td>", escape(&text))?,
                }
            }
            writeln!(self.out, "</tr>")?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Manner, Failure> {
        writeln!(self.out, "</tbody>\n</table>")?;
        Ok(Manner::Whole)
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible_lines(text).chars() {
        match c {
            '\n' => escaped.push_str("<br>"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(c),
        }
    }
    escaped
}
