//! Days and instants in the shapes that people and programs write: which patterns read all values of a column.
//!
//! Each value has a [`Shape`]. Only one thing cannot be read from a single value: whether `3/4/2024` begins with the
//! day or with the month. All values of a column decide that together; where they leave it open, that is told.

use chrono::NaiveDate;

use crate::catalog::value;

/// More shapes than these in one column are no dates but texts that happen to look like some.
const MOST_SHAPES: usize = 12;

/// How a text writes a day and perhaps a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    order: Order,
    /// What stands between the parts of the day.
    separator: u8,
    time: Option<Time>,
    /// Whether the readers take it without being told how.
    plain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// `2024-12-31`.
    YearFirst,
    /// `31/12/2024` or `12/31/2024`.
    YearLast,
    /// `31/12/24` or `12/31/24`.
    ShortYearLast,
    /// `31-Dec-2024`.
    DayMonthName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Time {
    /// What stands between the day and the time.
    joint: u8,
    precision: Precision,
    half_of_day: bool,
    /// What stands at the end for UTC.
    zone: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Hour,
    Minute,
    Second,
    Fraction,
}

/// The parts of a day whose order is not known, as they are written.
#[derive(Debug, Clone, Copy)]
struct Parts {
    year: u32,
    first: u32,
    second: u32,
}

/// What is known of one shape in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    shape: Shape,
    /// Every value so far is a day if the day stands first.
    day_first: bool,
    /// Every value so far is a day if the month stands first.
    month_first: bool,
}

/// The shapes of a column in which every value so far is a day or an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dates(Vec<Seen>);

/// How a column of days or instants is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DateFormats {
    /// Whether any value has a time of day.
    pub(super) timestamp: bool,
    /// The patterns, none if the readers need none.
    pub(super) formats: Vec<String>,
    /// Whether the day standing first is a guess.
    pub(super) ambiguous: bool,
}

/// What the shapes of a column leave open or contradict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoDates {
    /// Some values have the day first and others the month.
    BothOrders,
    /// Too many ways of writing.
    TooManyShapes,
}

impl Dates {
    /// Whether any value was added.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a value; false if it is neither a day nor an instant.
    pub(super) fn add(&mut self, text: &[u8]) -> bool {
        let Some((shape, parts)) = read(text) else { return false };
        let (day_first, month_first) = match shape.order {
            Order::YearLast | Order::ShortYearLast => {
                (is_day(parts.year, parts.second, parts.first), is_day(parts.year, parts.first, parts.second))
            }
            Order::YearFirst | Order::DayMonthName => (is_day(parts.year, parts.first, parts.second), true),
        };
        if !day_first && (!month_first || !matches!(shape.order, Order::YearLast | Order::ShortYearLast)) {
            return false;
        }
        self.note(Seen { shape, day_first, month_first });
        true
    }

    /// Adds what another part of the column has.
    pub(super) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|seen| self.note(*seen));
    }

    fn note(&mut self, seen: Seen) {
        if let Some(known) = self.0.iter_mut().find(|known| known.shape == seen.shape) {
            known.day_first &= seen.day_first;
            known.month_first &= seen.month_first;
        } else if self.0.len() <= MOST_SHAPES {
            // One more than the most is kept, to be seen as too many.
            self.0.push(seen);
        }
    }

    /// How the column is read.
    pub(super) fn formats(&self) -> Result<DateFormats, NoDates> {
        if self.0.len() > MOST_SHAPES {
            return Err(NoDates::TooManyShapes);
        }
        let undecided_by_nature = |seen: &&Seen| matches!(seen.shape.order, Order::YearLast | Order::ShortYearLast);
        let day_first = self.0.iter().filter(undecided_by_nature).all(|seen| seen.day_first);
        let month_first = self.0.iter().filter(undecided_by_nature).all(|seen| seen.month_first);
        if !day_first && !month_first {
            return Err(NoDates::BothOrders);
        }
        let ambiguous = day_first && month_first && self.0.iter().any(|seen| undecided_by_nature(&seen));
        let mut formats = Vec::new();
        if self.0.iter().any(|seen| !seen.shape.plain) {
            for seen in &self.0 {
                let pattern = seen.shape.pattern(day_first);
                if !formats.contains(&pattern) {
                    formats.push(pattern);
                }
            }
            // The same list whatever the order in which parts of a file were looked at.
            formats.sort();
        }
        Ok(DateFormats { timestamp: self.0.iter().any(|seen| seen.shape.time.is_some()), formats, ambiguous })
    }
}

impl Shape {
    /// The pattern that reads texts of this shape.
    fn pattern(self, day_first: bool) -> String {
        let parts = match (self.order, day_first) {
            (Order::YearFirst, _) => ["%Y", "%m", "%d"],
            (Order::YearLast, true) => ["%d", "%m", "%Y"],
            (Order::YearLast, false) => ["%m", "%d", "%Y"],
            (Order::ShortYearLast, true) => ["%d", "%m", "%y"],
            (Order::ShortYearLast, false) => ["%m", "%d", "%y"],
            (Order::DayMonthName, _) => ["%d", "%b", "%Y"],
        };
        let mut pattern = parts.join(&char::from(self.separator).to_string());
        if let Some(time) = self.time {
            pattern.push(char::from(time.joint));
            pattern.push_str(if time.half_of_day { "%I" } else { "%H" });
            pattern.push_str(match time.precision {
                Precision::Hour => "",
                Precision::Minute => ":%M",
                Precision::Second => ":%M:%S",
                Precision::Fraction => ":%M:%S%.f",
            });
            pattern.push_str(if time.half_of_day { " %p" } else { "" });
            pattern.push_str(time.zone);
        }
        pattern
    }
}

/// The shape of a text and the parts of its day.
fn read(text: &[u8]) -> Option<(Shape, Parts)> {
    // The shortest is 1/1/24, the longest an instant with nanoseconds and a zone.
    if !(6..=40).contains(&text.len()) || !text[0].is_ascii_digit() {
        return None;
    }
    let (first, digits, rest) = number(text)?;
    let (&separator, rest) = rest.split_first()?;
    let (order, year, first, second, rest) = match (digits, separator) {
        (4, b'-' | b'/' | b'.') => {
            let (month, rest) = short_number(rest)?;
            let (day, rest) = short_number(rest.strip_prefix(&[separator])?)?;
            (Order::YearFirst, first, month, day, rest)
        }
        (1 | 2, b'-' | b' ') if rest.first().is_some_and(u8::is_ascii_alphabetic) => {
            let (month, rest) = month_name(rest)?;
            let (year, digits, rest) = number(rest.strip_prefix(&[separator])?)?;
            (digits == 4).then_some((Order::DayMonthName, year, month, first, rest))?
        }
        (1 | 2, b'-' | b'/' | b'.') => {
            let (second, rest) = short_number(rest)?;
            let (year, digits, rest) = number(rest.strip_prefix(&[separator])?)?;
            match (digits, separator) {
                (4, _) => (Order::YearLast, year, first, second, rest),
                // With dashes or points it may as well be the number of a telephone or of a version.
                (2, b'/') => {
                    (Order::ShortYearLast, if year < 69 { 2000 + year } else { 1900 + year }, first, second, rest)
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    let time = if rest.is_empty() { None } else { Some(time_of_day(rest)?) };
    let plain = order == Order::YearFirst && value::timestamp(text).is_some();
    // A zone is understood where the readers understand it by themselves.
    if !plain && time.is_some_and(|time| !time.zone.is_empty()) {
        return None;
    }
    Some((Shape { order, separator, time, plain }, Parts { year, first, second }))
}

/// The time after a day, from what joins them on.
fn time_of_day(text: &[u8]) -> Option<Time> {
    let (&joint, rest) = text.split_first().filter(|(joint, _)| matches!(joint, b' ' | b'T'))?;
    let (hour, mut rest) = short_number(rest)?;
    let mut precision = Precision::Hour;
    if let [b':', after @ ..] = rest {
        precision = Precision::Minute;
        rest = two_digits_below(after, 60)?;
        if let [b':', after @ ..] = rest {
            precision = Precision::Second;
            rest = two_digits_below(after, 60)?;
            if let [b'.', after @ ..] = rest {
                precision = Precision::Fraction;
                let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
                rest = after.get(digits..).filter(|_| (1..=9).contains(&digits))?;
            }
        }
    }
    let half_of_day = matches!(rest, [b' ', b'A' | b'P' | b'a' | b'p', b'M' | b'm']);
    let zone = match rest {
        b"Z" => "Z",
        b"+00:00" => "+00:00",
        [] => "",
        _ if half_of_day => "",
        _ => return None,
    };
    let possible = if half_of_day { (1..=12).contains(&hour) } else { hour < 24 };
    possible.then_some(Time { joint, precision, half_of_day, zone })
}

/// The number at the beginning of `text`, of at most four digits, how many they are, and what follows.
fn number(text: &[u8]) -> Option<(u32, usize, &[u8])> {
    let digits = text.iter().take(5).take_while(|byte| byte.is_ascii_digit()).count();
    let value = text[..digits].iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0'));
    (1..=4).contains(&digits).then_some((value, digits, &text[digits..]))
}

/// A number of one or two digits.
fn short_number(text: &[u8]) -> Option<(u32, &[u8])> {
    number(text).filter(|(_, digits, _)| *digits <= 2).map(|(value, _, rest)| (value, rest))
}

/// What follows two digits whose number is less than `limit`.
fn two_digits_below(text: &[u8], limit: u32) -> Option<&[u8]> {
    number(text).filter(|(value, digits, _)| *digits == 2 && *value < limit).map(|(_, _, rest)| rest)
}

/// The number of a month by its short English name, and what follows.
fn month_name(text: &[u8]) -> Option<(u32, &[u8])> {
    const NAMES: [&[u8]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    let (name, rest) = text.split_at_checked(3)?;
    let month = (1..).zip(NAMES).find(|(_, known)| name.eq_ignore_ascii_case(known))?.0;
    Some((month, rest))
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    let year = i32::try_from(year).ok().filter(|year| *year > 0);
    year.is_some_and(|year| NaiveDate::from_ymd_opt(year, month, day).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn formats(values: &[&str]) -> Result<DateFormats, NoDates> {
        let mut dates = Dates::default();
        for value in values {
            assert!(dates.add(value.as_bytes()), "{value}");
        }
        dates.formats()
    }

    fn told(values: &[&str]) -> String {
        match formats(values) {
            Ok(DateFormats { timestamp, formats, ambiguous }) => {
                let kind = if timestamp { "timestamp" } else { "date" };
                format!("{kind} {}{}", formats.join(", "), if ambiguous { " (ambiguous)" } else { "" })
            }
            Err(NoDates::BothOrders) => "both orders".to_owned(),
            Err(NoDates::TooManyShapes) => "too many shapes".to_owned(),
        }
    }

    #[test]
    fn all_values_decide_the_patterns() {
        for (values, expected) in [
            (&["2024-12-31", "2024-01-01"][..], "date "),
            (&["2024-12-31 10:00:00", "2024-12-31T10:00:00.5Z", "2024-12-31"], "timestamp "),
            (&["12/1/2010 8:26", "12/31/2010 10:05"], "timestamp %m/%d/%Y %H:%M"),
            (&["1/12/2010", "31/12/2010"], "date %d/%m/%Y"),
            (&["1/12/2010", "3/4/2011"], "date %d/%m/%Y (ambiguous)"),
            (&["31/12/2010", "12/31/2010"], "both orders"),
            (&["1/12/2010", "31.12.2010"], "date %d.%m.%Y, %d/%m/%Y"),
            (&["1/13/10 9:05 PM"], "timestamp %m/%d/%y %I:%M %p"),
            (&["05-Jan-2024", "5-dec-2024"], "date %d-%b-%Y"),
            (&["2024/1/5"], "date %Y/%m/%d"),
            (
                &["2024-12-15 14:23:45", "2024-10-26 12:18", "2024-12-11 15", "2024-01-15"],
                "timestamp %Y-%m-%d, %Y-%m-%d %H, %Y-%m-%d %H:%M, %Y-%m-%d %H:%M:%S",
            ),
        ] {
            assert_eq!(told(values), expected, "{values:?}");
        }
    }

    #[test]
    fn what_only_looks_like_a_day() {
        let mut dates = Dates::default();
        for text in [
            "1.2.10",
            "12-10-20",
            "2024-13-01",
            "2023-02-29",
            "31/31/2020",
            "2024-01-01 24:00",
            "2024-01-01 1",
            "10:30",
            "2024",
            "20240131",
            "1/2",
            "2024-01-01 10:00:00-05:00",
            "5-Ene-2024",
            "1/1/2024 13:00 PM",
            "",
            "2024-01-01x",
            "2024--1-1",
            "999-01-01",
        ] {
            let known = dates.clone();
            if text == "2024-01-01 1" {
                assert!(dates.add(text.as_bytes()), "an hour of one digit");
            } else {
                assert!(!dates.add(text.as_bytes()), "{text}");
                assert_eq!(dates, known);
            }
        }
    }

    proptest! {
        #[test]
        fn parts_of_a_column_agree_with_the_whole(values in prop::collection::vec("[0-3]?[0-9]/[01]?[0-9]/20[012][0-9]", 1..20), cut in 0..20_usize) {
            let add = |values: &[String]| {
                let mut dates = Dates::default();
                for value in values {
                    dates.add(value.as_bytes());
                }
                dates
            };
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = add(left);
            merged.merge(&add(right));
            prop_assert_eq!(merged.formats(), add(&values).formats());
        }

        #[test]
        fn no_bytes_make_it_panic(text: Vec<u8>, looks in "[0-9/: .TZ-]{0,24}") {
            let mut dates = Dates::default();
            dates.add(&text);
            dates.add(looks.as_bytes());
        }
    }
}
