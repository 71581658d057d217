//! The framed table: `table` cuts long text to one line, `box` wraps it.
//!
//! ```text
//! ╭──────────┬─────────╮
//! │ canal    │ tickets │
//! ├──────────┼─────────┤
//! │ telefono │   26167 │
//! │ email    │   11257 │
//! ╰──────────┴─────────╯
//! ```
//!
//! Fitted to a terminal, first the headers are broken at their underscores, then the text columns give way, widest
//! first. Numbers, dates and truth values are never cut. A result that cannot be fitted is shown vertically.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width};

use super::cells::{Cells, is_number, is_text};
use super::vertical::Vertical;
use super::{Failure, Layout, Manner, ResultWriter};
use crate::output::target::SharedTarget;
use crate::output::text::{cut, type_name, visible, width};

/// The columns a text keeps at least; narrower, nothing could be recognised.
const LEAST: usize = 8;

/// Rows that are laid out together: a longer table goes on in the same columns as far as its values fit them.
const PART: usize = 1_000;

/// Spaces left and right of a value.
const PADDING: usize = 2;

/// What happens to text that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LongText {
    /// One line, ending in an ellipsis.
    Cut,
    /// As many lines as it takes, and a rule between the rows.
    Wrapped,
}

/// Gathers a part of the rows, because a column is as wide as its widest value.
pub(super) struct Table {
    long_text: LongText,
    schema: SchemaRef,
    out: SharedTarget,
    layout: Layout,
    rows: Vec<Vec<Option<String>>>,
    /// The frame that stands open: the width of its columns and its last line.
    open: Option<(Vec<usize>, String)>,
    /// Takes the rows once they did not fit into a table.
    turned: Option<Vertical>,
    was_cut: bool,
}

impl Table {
    pub(super) fn new(long_text: LongText, schema: &SchemaRef, out: SharedTarget, layout: &Layout) -> Self {
        Self {
            long_text,
            schema: SchemaRef::clone(schema),
            out,
            layout: layout.clone(),
            rows: Vec::new(),
            open: None,
            turned: None,
            was_cut: false,
        }
    }

    fn columns(&self) -> Vec<Column> {
        let mut columns: Vec<Column> = self
            .schema
            .fields()
            .iter()
            .map(|field| Column {
                name: visible(field.name()).into_owned(),
                type_name: self.layout.types.then(|| type_name(field.data_type())),
                number: is_number(field.data_type()),
                shrinks: is_text(field.data_type()),
                values: 0,
            })
            .collect();
        for row in &self.rows {
            for (column, cell) in columns.iter_mut().zip(row) {
                column.values = column.values.max(width(&visible(cell.as_deref().unwrap_or(self.layout.null()))));
            }
        }
        columns
    }

    fn render(&self, columns: &[Column], widths: &[usize]) -> (String, bool) {
        let mut table = comfy_table::Table::new();
        table.load_style(style(self.long_text)).set_content_arrangement(ContentArrangement::Disabled);
        if self.layout.colour {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(columns.iter().zip(widths).map(|(column, width)| column.header(*width)));
        let mut was_cut = false;
        for row in &self.rows {
            table.add_row(columns.iter().zip(widths).zip(row).map(|((column, &max), value)| match value {
                None => column.align(Cell::new(self.layout.null())).add_attribute(Attribute::Dim),
                Some(text) => {
                    let text = visible(text);
                    let cuts = self.long_text == LongText::Cut && width(&text) > max;
                    was_cut |= cuts;
                    column.align(Cell::new(if cuts { cut(&text, max) } else { text }))
                }
            }));
        }
        for (column, width) in table.column_iter_mut().zip(widths) {
            let width = u16::try_from(width + PADDING).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
        (table.to_string(), was_cut)
    }
}

impl Table {
    /// Writes the gathered rows: behind those before them in the same frame, or in a new one.
    fn write_part(&mut self) -> Result<(), Failure> {
        let columns = self.columns();
        let goes_on = self.open.as_ref().filter(|(widths, _)| {
            columns.iter().zip(widths).all(|(column, width)| column.shrinks || column.values <= *width)
        });
        let continued = goes_on.is_some();
        let widths = match goes_on {
            Some((widths, _)) => Some(widths.clone()),
            None => fit(&columns, self.layout.width, self.layout.turns),
        };
        let Some(widths) = widths else {
            self.close()?;
            let vertical = Vertical::new(&self.schema, self.out.clone(), &self.layout);
            let vertical = self.turned.insert(vertical);
            for row in self.rows.drain(..) {
                vertical.row(row.iter().map(Option::as_deref))?;
            }
            return Ok(());
        };
        let (text, was_cut) = self.render(&columns, &widths);
        self.was_cut |= was_cut;
        self.rows.clear();
        let mut lines: Vec<&str> = text.lines().collect();
        let bottom = lines.pop().unwrap_or_default().to_owned();
        let header = columns.iter().zip(&widths).map(|(column, width)| column.header_lines(*width)).max().unwrap_or(0);
        // The frame's upper border and the header; the line below it also parts rows of a box.
        let above = 1 + header + usize::from(self.long_text == LongText::Cut);
        if !continued {
            self.close()?;
        }
        if !continued && self.layout.rows_alone {
            writeln!(self.out, "{}", lines.first().unwrap_or(&""))?;
        }
        // The line below the header of a box parts rows where they go on, and nothing where they begin.
        let above = if continued { above } else { 1 + header + 1 };
        let skipped = if continued || self.layout.rows_alone { above.min(lines.len()) } else { 0 };
        for line in &lines[skipped..] {
            writeln!(self.out, "{line}")?;
        }
        self.open = Some((widths, bottom));
        Ok(())
    }

    /// Draws the lower border of the frame that stands open.
    fn close(&mut self) -> Result<(), Failure> {
        if let Some((_, bottom)) = self.open.take() {
            writeln!(self.out, "{bottom}")?;
        }
        Ok(())
    }
}

impl ResultWriter for Table {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        if let Some(vertical) = &mut self.turned {
            return vertical.batch(batch);
        }
        let cells = Cells::of(batch)?;
        for row in cells.rows() {
            self.rows.push(row.collect());
        }
        if self.rows.len() >= PART && !self.schema.fields().is_empty() { self.write_part() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<Manner, Failure> {
        if self.schema.fields().is_empty() {
            return Ok(Manner::Whole);
        }
        let unwritten = !self.rows.is_empty() || self.open.is_none();
        if self.turned.is_none() && unwritten {
            self.write_part()?;
        }
        self.close()?;
        Ok(match (&self.turned, self.was_cut) {
            (Some(_), _) => Manner::Turned,
            (None, true) => Manner::Cut,
            (None, false) => Manner::Whole,
        })
    }
}

/// What a column needs to be laid out.
struct Column {
    name: String,
    type_name: Option<String>,
    number: bool,
    /// Whether its values may be made narrower.
    shrinks: bool,
    /// Columns of the terminal its widest value takes.
    values: usize,
}

impl Column {
    /// The width at which nothing of it is broken or cut.
    fn natural(&self) -> usize {
        self.values.max(width(&self.name)).max(self.type_name.as_deref().map_or(0, width)).max(1)
    }

    /// The width at which no value is cut; its name may be broken.
    fn text(&self) -> usize {
        self.values.max(self.least()).min(self.natural())
    }

    /// The least width at which it can still be read.
    fn least(&self) -> usize {
        let values = if self.shrinks { self.values.min(LEAST) } else { self.values };
        values.max(width(&self.name).min(LEAST)).max(1)
    }

    fn align(&self, cell: Cell) -> Cell {
        cell.set_alignment(if self.number { CellAlignment::Right } else { CellAlignment::Left })
    }

    /// Lines that its header takes.
    fn header_lines(&self, max: usize) -> usize {
        break_name(&self.name, max).len() + usize::from(self.type_name.is_some())
    }

    fn header(&self, max: usize) -> Cell {
        let mut lines = break_name(&self.name, max);
        if let Some(type_name) = &self.type_name {
            lines.push(cut(type_name, max).into_owned());
        }
        self.align(Cell::new(lines.join("\n"))).add_attribute(Attribute::Bold)
    }
}

/// The width of each column so that the table fits into `max` columns of the terminal; none if it cannot, or only by
/// making columns narrower than their text where `whole` is set.
fn fit(columns: &[Column], max: Option<usize>, whole: bool) -> Option<Vec<usize>> {
    let natural: Vec<usize> = columns.iter().map(Column::natural).collect();
    let Some(max) = max else { return Some(natural) };
    let least: Vec<usize> =
        columns.iter().zip(&natural).map(|(column, natural)| column.least().min(*natural)).collect();
    let frame = columns.len() * (PADDING + 1) + 1;
    let room = max.checked_sub(frame)?;
    if least.iter().sum::<usize>() > room || (whole && columns.iter().map(Column::text).sum::<usize>() > room) {
        return None;
    }
    // The largest cap on all columns under which they fit: narrow columns keep their width, wide ones share the rest.
    let capped = |cap: usize| natural.iter().zip(&least).map(move |(natural, least)| (*natural).min(cap.max(*least)));
    let (mut fits, mut wide) = (0, room.max(natural.iter().copied().max().unwrap_or(0)) + 1);
    while wide - fits > 1 {
        let middle = fits.midpoint(wide);
        if capped(middle).sum::<usize>() <= room {
            fits = middle;
        } else {
            wide = middle;
        }
    }
    Some(capped(fits).collect())
}

/// A column name in lines of at most `max` columns, broken after underscores and spaces where it has them.
fn break_name(name: &str, max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for part in name.split_inclusive(['_', ' ']) {
        if !line.is_empty() && width(&line) + width(part) > max {
            lines.push(std::mem::take(&mut line));
        }
        for c in part.chars() {
            if !line.is_empty() && width(&line) + width(c.encode_utf8(&mut [0; 4])) > max {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    lines.push(line);
    lines
}

fn style(long_text: LongText) -> TableStyle {
    let style = UTF8_FULL_CONDENSED
        .top_border(LineStyle::new('╭', '─', '┬', '╮'))
        .header_lines(comfy_table::ContentLineStyle::new('│', '│', '│'))
        .header_separator(LineStyle::new('├', '─', '┼', '┤'))
        .content_lines(comfy_table::ContentLineStyle::new('│', '│', '│'))
        .bottom_border(LineStyle::new('╰', '─', '┴', '╯'));
    match long_text {
        LongText::Cut => style,
        LongText::Wrapped => style.row_separator(LineStyle::new('├', '─', '┼', '┤')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, values: usize, shrinks: bool) -> Column {
        Column { name: name.to_owned(), type_name: None, number: !shrinks, shrinks, values }
    }

    #[test]
    fn text_gives_way_and_numbers_do_not() {
        let columns = [column("id", 6, false), column("texto", 200, true), column("canal", 8, true)];
        assert_eq!(fit(&columns, None, false), Some(vec![6, 200, 8]));
        assert_eq!(fit(&columns, Some(80), false), Some(vec![6, 56, 8]));
        assert_eq!(fit(&columns, Some(32), false), Some(vec![6, 8, 8]));
        assert_eq!(fit(&columns, Some(31), false), None);
        assert_eq!(fit(&columns, Some(3), false), None);
        assert_eq!(fit(&columns, Some(224), true), Some(vec![6, 200, 8]));
        assert_eq!(fit(&columns, Some(223), true), None, "nothing is cut");
    }

    #[test]
    fn wide_columns_share_what_is_left() {
        let columns = [column("a", 100, true), column("b", 30, true), column("c", 3, true)];
        let widths = fit(&columns, Some(53), false).unwrap();
        assert_eq!(widths, [20, 20, 3]);
    }

    #[test]
    fn a_header_breaks_at_its_underscores() {
        assert_eq!(break_name("tiempo_resolucion_horas", 12), ["tiempo_", "resolucion_", "horas"]);
        assert_eq!(break_name("satisfaccion", 8), ["satisfac", "cion"]);
        assert_eq!(break_name("nps", 8), ["nps"]);
        assert_eq!(break_name("a_b_c", 80), ["a_b_c"]);
    }
}
