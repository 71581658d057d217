//! Charts in characters, so that a trend is seen without leaving the terminal.
//!
//! A line is drawn in braille, two by four points a character; bars in eighths of a block.

use super::text::{cut, thousands, visible, width};

/// Lines that a chart of points takes, without its axis.
const HEIGHT: usize = 12;

/// Columns a label may take at most.
const LABEL: usize = 24;

/// The most bars of a histogram.
const BINS: usize = 20;

/// The eighths of a block, from one to eight.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The points of a braille character, as bits, by row and column.
const POINTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// A chart of labelled values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chart {
    /// Values in their order, joined.
    Line,
    /// A bar a value.
    Bar,
    /// How many values lie in each part of their range.
    Histogram,
}

impl Chart {
    /// Draws `points`, each with its label, in `columns` columns of a terminal.
    #[must_use]
    pub fn draw(self, points: &[(String, f64)], columns: usize) -> String {
        let points: Vec<(String, f64)> = points
            .iter()
            .filter(|(_, value)| value.is_finite())
            .map(|(label, value)| (visible(label).into_owned(), *value))
            .collect();
        match self {
            Self::Line => line(&points, columns),
            Self::Bar => bars(&points, columns),
            Self::Histogram => histogram(&points, columns),
        }
    }
}

/// A bar of `share` (0 to 1) of `columns` columns.
fn bar(share: f64, columns: usize) -> String {
    let whole = whole_of(share * columns as f64 * 8.0);
    let mut bar: String = "█".repeat(whole / 8);
    if !whole.is_multiple_of(8) {
        bar.push(EIGHTHS[whole % 8 - 1]);
    }
    bar
}

/// A number of steps: what is below zero or no number is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is bounded by a terminal's size")]
fn whole_of(steps: f64) -> usize {
    steps.round().clamp(0.0, 1e6) as usize
}

/// A value in few characters.
fn short(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        let digits = thousands(whole_number(size));
        return if value < 0.0 { format!("-{digits}") } else { digits };
    }
    match size {
        1e6.. => format!("{value:.3e}"),
        100.0.. => format!("{value:.1}"),
        0.01.. => format!("{value:.2}"),
        _ => format!("{value:.2e}"),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, positive and below 10^15")]
fn whole_number(value: f64) -> u64 {
    value as u64
}

fn bars(points: &[(String, f64)], columns: usize) -> String {
    let labels = points.iter().map(|(label, _)| width(label)).max().unwrap_or(0).min(LABEL);
    let values: Vec<String> = points.iter().map(|(_, value)| short(*value)).collect();
    let figures = values.iter().map(|value| width(value)).max().unwrap_or(0);
    let room = columns.saturating_sub(labels + figures + 4).max(1);
    let most = points.iter().map(|(_, value)| value.abs()).fold(0.0, f64::max);
    let rows = points.iter().zip(&values).map(|((label, value), shown)| {
        let label = cut(label, labels);
        let share = if most > 0.0 { value.abs() / most } else { 0.0 };
        let indent = " ".repeat(labels - width(&label));
        format!("{label}{indent} {shown:>figures$} │{}\n", bar(share, room))
    });
    rows.collect()
}

fn histogram(points: &[(String, f64)], columns: usize) -> String {
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let (least, most) = range(&values);
    if values.is_empty() {
        return String::new();
    }
    // Sturges' rule, and no more bars than there are whole numbers.
    let wanted = whole_of((values.len() as f64).log2().ceil()) + 1;
    let whole = values.iter().all(|value| value.fract() == 0.0);
    let span = most - least;
    let bins = if whole { wanted.min(whole_of(span) + 1) } else { wanted }.clamp(1, BINS);
    let step = if whole { ((span + 1.0) / bins as f64).ceil() } else { span / bins as f64 };
    let mut counts = vec![0.0; bins];
    for value in &values {
        let bin = if step > 0.0 { whole_of(((value - least) / step).floor()).min(bins - 1) } else { 0 };
        counts[bin] += 1.0;
    }
    let label = |bin: usize| {
        let (from, to) = (least + bin as f64 * step, least + (bin + 1) as f64 * step);
        if whole && step <= 1.0 {
            short(from)
        } else if whole {
            format!("{} … {}", short(from), short(to - 1.0))
        } else {
            format!("{} … {}", short(from), short(to))
        }
    };
    let rows: Vec<(String, f64)> = counts.iter().enumerate().map(|(bin, count)| (label(bin), *count)).collect();
    bars(&rows, columns)
}

fn line(points: &[(String, f64)], columns: usize) -> String {
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { return String::new() };
    let (lowest, highest) = range(&values);
    let (top, bottom) = (short(highest), short(lowest));
    let figures = width(&top).max(width(&bottom));
    let room = columns.saturating_sub(figures + 3).max(8);
    let (across, down) = (room * 2, HEIGHT * 4);
    let mut cells = vec![vec![0u32; room]; HEIGHT];
    let mut mark = |x: usize, y: usize| {
        let (x, y) = (x.min(across - 1), y.min(down - 1));
        cells[y / 4][x / 2] |= POINTS[y % 4][x % 2];
    };
    let x_of = |index: usize| index as f64 / (values.len() - 1).max(1) as f64 * (across - 1) as f64;
    let y_of = |value: f64| {
        let share = if highest > lowest { (value - lowest) / (highest - lowest) } else { 0.5 };
        (1.0 - share) * (down - 1) as f64
    };
    if let [only] = values.as_slice() {
        mark(0, whole_of(y_of(*only)));
    }
    for (index, pair) in values.windows(2).enumerate() {
        let (x0, x1, y0, y1) = (x_of(index), x_of(index + 1), y_of(pair[0]), y_of(pair[1]));
        let steps = whole_of((x1 - x0).abs().max((y1 - y0).abs())).max(1);
        for step in 0..=steps {
            let share = step as f64 / steps as f64;
            mark(whole_of(x0 + (x1 - x0) * share), whole_of(y0 + (y1 - y0) * share));
        }
    }
    let mut text = String::new();
    for (row, cells) in cells.iter().enumerate() {
        let figure = match row {
            0 => top.as_str(),
            _ if row == HEIGHT - 1 => bottom.as_str(),
            _ => "",
        };
        let drawn: String = cells.iter().filter_map(|bits| char::from_u32(0x2800 + bits)).collect();
        text.push_str(&format!("{figure:>figures$} ┤{}\n", drawn.trim_end_matches('\u{2800}')));
    }
    let (first, last) = (cut(first, room / 2), cut(last, room / 2));
    let gap = " ".repeat(room.saturating_sub(width(&first) + width(&last)));
    text.push_str(&format!("{:figures$} └{}\n", "", "─".repeat(room)));
    text.push_str(&format!("{:figures$}  {first}{gap}{last}\n", ""));
    text
}

/// The least and the greatest value.
fn range(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (least, most)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn points(values: &[f64]) -> Vec<(String, f64)> {
        values.iter().enumerate().map(|(index, value)| (format!("2024-{:02}", index + 1), *value)).collect()
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let points = [("telefono", 26_167.0), ("email", 11_257.5), ("nada", 0.0), ("señal 😀", -1_200.0)]
            .map(|(label, value)| (label.to_owned(), value));
        assert_snapshot!(Chart::Bar.draw(&points, 50), @"
        telefono  26,167 │███████████████████████████████
        email    11257.5 │█████████████▍
        nada           0 │
        señal 😀  -1,200 │█▍
        ");
    }

    #[test]
    fn a_line_goes_through_its_points() {
        assert_snapshot!(Chart::Line.draw(&points(&[1.0, 4.0, 2.5, 9.0, 8.0, f64::NAN, 3.0]), 50), @"
        9 ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⢀⠎⠑⠒⠤⢄⣀
          ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⢀⠎⠀⠀⠀⠀⠀⠀⠉⠑⠒⢤
          ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⢀⠎⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠱⡀
          ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⢀⠎⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠘⡄
          ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⡎⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠈⢆
          ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⡜⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⢣
          ┤⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⡜⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠱⡀
          ┤⠀⠀⠀⠀⠀⠀⠀⠀⡠⠢⢄⡀⠀⠀⠀⠀⠀⠀⠀⠀⡜⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠘⡄
          ┤⠀⠀⠀⠀⠀⠀⡠⠊⠀⠀⠀⠈⠑⠢⢄⡀⠀⠀⠀⡜⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠈⢆
          ┤⠀⠀⠀⠀⡠⠊⠀⠀⠀⠀⠀⠀⠀⠀⠀⠈⠑⠢⠜
          ┤⠀⠀⡠⠊
        1 ┤⡠⠊
          └──────────────────────────────────────────────
           2024-01                                2024-07
        ");
    }

    #[test]
    fn a_histogram_counts() {
        let ratings: Vec<(String, f64)> =
            [1, 1, 1, 2, 3, 3, 4, 5, 5, 5, 5, 5].iter().map(|value| (String::new(), f64::from(*value))).collect();
        assert_snapshot!(Chart::Histogram.draw(&ratings, 40), @"
        1 3 │████████████████████▍
        2 1 │██████▊
        3 2 │█████████████▋
        4 1 │██████▊
        5 5 │██████████████████████████████████
        ");
        let hours: Vec<(String, f64)> = (0..100).map(|n| (String::new(), (f64::from(n) / 7.0).powi(2))).collect();
        assert_snapshot!(Chart::Histogram.draw(&hours, 60), @"
        0 … 25.00     36 │█████████████████████████████████████████
        25.00 … 50.01 14 │████████████████
        50.01 … 75.01 11 │████████████▌
        75.01 … 100.0 10 │███████████▍
        100.0 … 125.0  8 │█████████▏
        125.0 … 150.0  7 │████████
        150.0 … 175.0  7 │████████
        175.0 … 200.0  7 │████████
        ");
    }

    #[test]
    fn nothing_and_one_value_are_drawn_too() {
        for chart in [Chart::Line, Chart::Bar, Chart::Histogram] {
            assert_eq!(chart.draw(&[], 40), "", "{chart:?}");
            assert!(!chart.draw(&points(&[3.0]), 40).is_empty());
            assert!(!chart.draw(&points(&[3.0, 3.0]), 1).is_empty());
        }
    }
}
