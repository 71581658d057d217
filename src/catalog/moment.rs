//! Days and instants in the shapes that a column declares: strftime patterns such as `%d/%m/%Y %H:%M`.
//!
//! Most patterns are numbers with something between them. Those are read here, field by field of millions; all others
//! by the library whose patterns they are.

use std::fmt::Write;

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::value::{DAY, days, micros};

/// The shapes in which the values of a column are written.
#[derive(Debug, Clone)]
pub struct Shapes(Vec<Shape>);

#[derive(Debug, Clone)]
enum Shape {
    Numbers(Vec<Part>),
    Other(Vec<Item<'static>>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(Vec<u8>),
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// A point and digits, or nothing.
    Fraction,
}

impl Shapes {
    /// The shapes of `patterns`, or the first that is none and why.
    pub fn new(patterns: &[String]) -> Result<Self, String> {
        patterns.iter().map(|pattern| Shape::new(pattern)).collect::<Result<_, _>>().map(Self)
    }

    /// The instant that `text` says in one of the shapes, as microseconds since 1970-01-01 00:00. What a shape leaves
    /// out of the time of day is zero.
    #[must_use]
    pub fn timestamp(&self, text: &[u8]) -> Option<i64> {
        let text = text.trim_ascii();
        self.0.iter().find_map(|shape| shape.timestamp(text))
    }

    /// The day that `text` says in one of the shapes, as days since 1970-01-01; a time of day must be midnight.
    #[must_use]
    pub fn date(&self, text: &[u8]) -> Option<i32> {
        let instant = self.timestamp(text)?;
        (instant % DAY == 0).then(|| i32::try_from(instant / DAY).ok()).flatten()
    }
}

impl Shape {
    fn new(pattern: &str) -> Result<Self, String> {
        let no_pattern = || format!("`{pattern}` is no pattern of a date or time");
        let items = StrftimeItems::new(pattern).parse_to_owned().map_err(|_| no_pattern())?;
        let parts: Option<Vec<Part>> = items.iter().map(Part::of).collect();
        let shape = parts.map_or_else(|| Self::Other(items.clone()), Self::Numbers);
        // What a pattern writes it must read as the same day.
        let day =
            NaiveDate::from_ymd_opt(2001, 11, 23).and_then(|day| day.and_hms_opt(0, 0, 0)).ok_or_else(no_pattern)?;
        let mut sample = String::new();
        if write!(sample, "{}", day.format_with_items(items.iter())).is_err() {
            return Err(format!("`{pattern}` says a zone, and instants here have none"));
        }
        match shape.timestamp(sample.as_bytes()) {
            Some(read) if read == day.and_utc().timestamp_micros() => Ok(shape),
            _ => Err(format!("`{pattern}` does not say the year, the month and the day")),
        }
    }

    fn timestamp(&self, text: &[u8]) -> Option<i64> {
        match self {
            Self::Numbers(parts) => numbers(parts, text),
            Self::Other(items) => other(items, std::str::from_utf8(text).ok()?),
        }
    }
}

impl Part {
    fn of(item: &Item<'_>) -> Option<Self> {
        Some(match item {
            Item::Literal(text) | Item::Space(text) => Self::Literal(text.as_bytes().to_vec()),
            Item::OwnedLiteral(text) | Item::OwnedSpace(text) => Self::Literal(text.as_bytes().to_vec()),
            Item::Numeric(Numeric::Year, _) => Self::Year,
            Item::Numeric(Numeric::Month, _) => Self::Month,
            Item::Numeric(Numeric::Day, _) => Self::Day,
            Item::Numeric(Numeric::Hour, _) => Self::Hour,
            Item::Numeric(Numeric::Minute, _) => Self::Minute,
            Item::Numeric(Numeric::Second, _) => Self::Second,
            Item::Fixed(Fixed::Nanosecond) => Self::Fraction,
            _ => return None,
        })
    }
}

fn numbers(parts: &[Part], text: &[u8]) -> Option<i64> {
    let mut rest = text;
    let (mut year, mut month, mut day) = (0, 0, 0);
    let (mut hour, mut minute, mut second, mut fraction) = (0, 0, 0, 0);
    for part in parts {
        match part {
            Part::Literal(literal) => rest = rest.strip_prefix(literal.as_slice())?,
            Part::Year => year = number(&mut rest, 4, 4)?,
            Part::Month => month = number(&mut rest, 1, 2)?,
            Part::Day => day = number(&mut rest, 1, 2)?,
            Part::Hour => hour = number(&mut rest, 1, 2)?,
            Part::Minute => minute = number(&mut rest, 1, 2)?,
            Part::Second => second = number(&mut rest, 1, 2)?,
            Part::Fraction => {
                if let Some(digits) = rest.strip_prefix(b".") {
                    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    fraction = micros(&digits[..length])?;
                    rest = &digits[length..];
                }
            }
        }
    }
    if !rest.is_empty() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from((hour * 60 + minute) * 60 + second);
    Some(i64::from(days(year, month, day)?) * DAY + seconds * 1_000_000 + i64::from(fraction))
}

/// Takes a number of `least` to `most` digits off `text`.
fn number(text: &mut &[u8], least: usize, most: usize) -> Option<u32> {
    let length = text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    *text = rest;
    (length >= least).then(|| digits.iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0')))
}

fn other(items: &[Item<'static>], text: &str) -> Option<i64> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).ok()?;
    let day = parsed.to_naive_date().ok()?;
    let time = if parsed.hour_mod_12().is_none() {
        NaiveTime::MIN
    } else {
        if parsed.minute().is_none() {
            parsed.set_minute(0).ok()?;
        }
        parsed.to_naive_time().ok()?
    };
    Some(NaiveDateTime::new(day, time).and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shapes(patterns: &[&str]) -> Result<Shapes, String> {
        Shapes::new(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>())
    }

    fn shown(patterns: &[&str], text: &str) -> String {
        let micros = shapes(patterns).unwrap().timestamp(text.as_bytes());
        micros.map_or("-".to_owned(), |micros| {
            chrono::DateTime::from_timestamp_micros(micros).unwrap().naive_utc().to_string()
        })
    }

    #[test]
    fn every_shape_of_a_column_is_tried() {
        let four = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H", "%Y-%m-%d"];
        assert_eq!(shown(&four, "2024-12-15 14:23:45"), "2024-12-15 14:23:45");
        assert_eq!(shown(&four, "2024-10-26 12:18"), "2024-10-26 12:18:00");
        assert_eq!(shown(&four, "2024-12-11 15"), "2024-12-11 15:00:00");
        assert_eq!(shown(&four, "2024-01-15"), "2024-01-15 00:00:00");
        assert_eq!(shown(&four, "15/01/2024"), "-");
        assert_eq!(shown(&["%m/%d/%Y %H:%M"], "12/1/2010 8:26"), "2010-12-01 08:26:00");
        assert_eq!(shown(&["%d/%m/%Y"], "31/02/2024"), "-");
        assert_eq!(shown(&["%Y%m%d"], "20240229"), "2024-02-29 00:00:00");
        assert_eq!(shown(&["%d-%b-%y"], "05-Mar-24"), "2024-03-05 00:00:00");
        assert_eq!(shown(&["%d/%m/%Y %I:%M %p"], "05/03/2024 01:30 PM"), "2024-03-05 13:30:00");
        assert_eq!(shown(&["%Y-%m-%d %H:%M:%S%.f"], "2024-03-05 01:30:00.25"), "2024-03-05 01:30:00.250");
        assert_eq!(shapes(&["%d/%m/%Y %H:%M"]).unwrap().date(b"05/03/2024 00:00"), Some(19_787));
        assert_eq!(shapes(&["%d/%m/%Y %H:%M"]).unwrap().date(b"05/03/2024 00:01"), None);
    }

    #[test]
    fn a_pattern_must_say_a_day_and_no_zone() {
        assert_eq!(shapes(&["%Q"]).unwrap_err(), "`%Q` is no pattern of a date or time");
        assert_eq!(shapes(&["%H:%M"]).unwrap_err(), "`%H:%M` does not say the year, the month and the day");
        assert_eq!(shapes(&["dd/mm/yyyy"]).unwrap_err(), "`dd/mm/yyyy` does not say the year, the month and the day");
        assert_eq!(shapes(&["%Y-%m-%d %z"]).unwrap_err(), "`%Y-%m-%d %z` says a zone, and instants here have none");
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_the_library_reads_them(text in "[0-3]?[0-9]/[01]?[0-9]/20[0-9]{2} [0-2]?[0-9]:[0-5]?[0-9]") {
            let pattern = "%d/%m/%Y %H:%M";
            let general = NaiveDateTime::parse_from_str(&text, pattern).ok();
            let ours = shapes(&[pattern]).unwrap().timestamp(text.as_bytes());
            prop_assert_eq!(ours, general.map(|instant| instant.and_utc().timestamp_micros()));
        }

        #[test]
        fn no_text_makes_it_panic(text: Vec<u8>) {
            for pattern in ["%d/%m/%Y", "%d-%b-%y", "%Y-%m-%d %H:%M:%S%.f"] {
                let _any = shapes(&[pattern]).unwrap().timestamp(&text);
            }
        }
    }
}
