//! Values from text: the forms of numbers, truth values, days and instants that raw files hold.
//!
//! Each function takes the bytes of one field and gives the value, or `None` if the bytes are not that value exactly:
//! nothing is rounded to an integer, cut to a scale or moved to a valid day. Spaces around a value are ignored.
//! They are written by hand because they run once for every field of every file; tests hold them against general
//! parsers.

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// Powers of ten that a 64-bit float holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// An integer: `42`, `-7`, `+7`, and `12.0`, the form integers take where a column once had missing values.
#[must_use]
pub fn int(text: &[u8]) -> Option<i64> {
    let (negative, text) = signed(text.trim_ascii());
    let (digits, rest) = leading_digits(text);
    match rest {
        [] => {}
        [b'.', zeros @ ..] if !zeros.is_empty() && zeros.iter().all(|byte| *byte == b'0') => {}
        _ => return None,
    }
    let magnitude = natural(digits)?;
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// A floating-point number: `3.5`, `-1e-3`, `NaN`, `inf`; the nearest one to what is written.
#[must_use]
pub fn float(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    short_float(text).or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

/// An exact number as an integer of `10^-scale`: `12.5` with scale 2 is 1250. Digits beyond the scale must be zeros.
#[must_use]
pub fn decimal(text: &[u8], precision: u8, scale: u8) -> Option<i128> {
    let (negative, text) = signed(text.trim_ascii());
    let (whole, rest) = leading_digits(text);
    let fraction = match rest {
        [] => rest,
        [b'.', fraction @ ..] if leading_digits(fraction).1.is_empty() => fraction,
        _ => return None,
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let kept = fraction.len().min(usize::from(scale));
    if fraction[kept..].iter().any(|byte| *byte != b'0') {
        return None;
    }
    let mut value: i128 = 0;
    for digit in whole.iter().chain(&fraction[..kept]) {
        value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    for _ in kept..usize::from(scale) {
        value = value.checked_mul(10)?;
    }
    let limit = 10_i128.checked_pow(u32::from(precision))?;
    (value < limit).then_some(if negative { -value } else { value })
}

/// A truth value: `true`, `True`, `TRUE`, `1` and their opposites.
#[must_use]
pub fn boolean(text: &[u8]) -> Option<bool> {
    match text.trim_ascii() {
        b"true" | b"True" | b"TRUE" | b"1" => Some(true),
        b"false" | b"False" | b"FALSE" | b"0" => Some(false),
        _ => None,
    }
}

/// A calendar day as days since 1970-01-01: `2024-12-31`, or a timestamp at midnight.
#[must_use]
pub fn date(text: &[u8]) -> Option<i32> {
    let text = text.trim_ascii();
    if text.len() == 10 {
        return day(text);
    }
    let instant = timestamp(text)?;
    (instant % DAY == 0).then(|| i32::try_from(instant / DAY).ok()).flatten()
}

/// An instant as microseconds since 1970-01-01 00:00: `2023-04-02 04:52:42.137506`, with `T` for the space, without
/// the fraction, the seconds or the time of day, and with a `Z` or `+00:00` at the end, which changes nothing.
///
/// Up to nine digits of a fraction are read; those beyond microseconds are dropped.
#[must_use]
pub fn timestamp(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    let (calendar, rest) = text.split_at_checked(10)?;
    let midnight = i64::from(day(calendar)?) * DAY;
    match rest {
        [] => Some(midnight),
        [b' ' | b'T', time @ ..] => {
            let time = time.strip_suffix(b"Z").or_else(|| time.strip_suffix(b"+00:00")).unwrap_or(time);
            Some(midnight + time_of_day(time)?)
        }
        _ => None,
    }
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.ffffff` as microseconds since midnight.
fn time_of_day(text: &[u8]) -> Option<i64> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else { return None };
    let (hour, minute) = (two_digits(*h1, *h2)?, two_digits(*m1, *m2)?);
    let (second, micros) = match rest {
        [] => (0, 0),
        [b':', s1, s2] => (two_digits(*s1, *s2)?, 0),
        [b':', s1, s2, b'.', fraction @ ..] => (two_digits(*s1, *s2)?, micros(fraction)?),
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(i64::from((hour * 60 + minute) * 60 + second) * 1_000_000 + i64::from(micros))
}

/// One to nine digits of a fraction of a second, in microseconds.
pub(super) fn micros(fraction: &[u8]) -> Option<u32> {
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let mut micros = 0;
    let mut unit = 100_000;
    for byte in fraction {
        micros += digit(*byte)? * unit;
        unit /= 10;
    }
    Some(micros)
}

/// `YYYY-MM-DD` as days since 1970-01-01, in the proleptic Gregorian calendar, years 0001 to 9999.
fn day(text: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = two_digits(*y1, *y2)? * 100 + two_digits(*y3, *y4)?;
    days(year, two_digits(*m1, *m2)?, two_digits(*d1, *d2)?)
}

/// A day of the calendar as days since 1970-01-01.
pub(super) fn days(year: u32, month: u32, day: u32) -> Option<i32> {
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > days_of_month(year, month) {
        return None;
    }
    // Years that begin in March put the leap day last, so that days before a month follow one straight line.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_year = year * 365 + year / 4 - year / 100 + year / 400;
    let before_month = (month * 153 + 2) / 5;
    let since_march_of_year_zero = i32::try_from(before_year + before_month + day - 1).ok()?;
    Some(since_march_of_year_zero - 719_468)
}

fn days_of_month(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A plain number of at most 15 digits: its digits and its power of ten are exact floats, so one division rounds once.
fn short_float(text: &[u8]) -> Option<f64> {
    let (negative, text) = signed(text);
    let (whole, rest) = leading_digits(text);
    let fraction = match rest {
        [] => rest,
        [b'.', fraction @ ..] if leading_digits(fraction).1.is_empty() => fraction,
        _ => return None,
    };
    let digits = whole.len() + fraction.len();
    if digits == 0 || digits > 15 {
        return None;
    }
    let mantissa = whole.iter().chain(fraction).fold(0_u64, |value, byte| value * 10 + u64::from(byte - b'0'));
    #[expect(clippy::cast_precision_loss, reason = "15 digits fit the 53 bits of a float")]
    let value = mantissa as f64 / EXACT_POWERS[fraction.len()];
    Some(if negative { -value } else { value })
}

/// The sign in front of a number, true for minus, and the rest.
fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn leading_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len()))
}

/// The number that `digits`, all of them ASCII digits, write.
fn natural(digits: &[u8]) -> Option<u64> {
    match digits.len() {
        0 => None,
        1..=19 => Some(digits.iter().fold(0_u64, |value, byte| value * 10 + u64::from(byte - b'0'))),
        _ => digits.iter().try_fold(0_u64, |value, byte| value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))),
    }
}

fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}

fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::types::{Date32Type, Float64Type, TimestampMicrosecondType};
    use arrow::compute::kernels::cast_utils::Parser;
    use chrono::{DateTime, NaiveDate};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("42", Some(42)),
            (" 42 ", Some(42)),
            ("-7", Some(-7)),
            ("+7", Some(7)),
            ("12.0", Some(12)),
            ("12.00", Some(12)),
            ("007", Some(7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("00000000000000000000042", Some(42)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("99999999999999999999", None),
            ("12.5", None),
            ("12.", None),
            (".0", None),
            ("1e3", None),
            ("1,000", None),
            ("abc", None),
            ("-", None),
            ("", None),
            ("١٢", None),
        ] {
            assert_eq!(int(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn floats() {
        for (text, expected) in [
            ("3.5", Some(3.5)),
            ("-0.1", Some(-0.1)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1e-3", Some(0.001)),
            ("inf", Some(f64::INFINITY)),
            ("123456789012345678", Some(123_456_789_012_345_680.0)),
            ("1,5", None),
            ("abc", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(float(text.as_bytes()), expected, "{text}");
        }
        assert!(float(b"NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn decimals() {
        for (text, expected) in [
            ("12.5", Some(1250)),
            ("12", Some(1200)),
            ("-0.01", Some(-1)),
            ("12.5000", Some(1250)),
            (".5", Some(50)),
            ("999.99", Some(99_999)),
            ("1000", None),
            ("12.505", None),
            ("1e2", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(decimal(text.as_bytes(), 5, 2), expected, "{text}");
        }
        let longest = "9".repeat(38);
        assert_eq!(decimal(longest.as_bytes(), 38, 0).map(|value| value.to_string()), Some(longest));
        assert_eq!(decimal("9".repeat(60).as_bytes(), 38, 0), None);
    }

    #[test]
    fn truth_values() {
        for (text, expected) in [
            ("true", Some(true)),
            ("True", Some(true)),
            ("1", Some(true)),
            ("FALSE", Some(false)),
            ("0", Some(false)),
            ("sí", None),
            ("2", None),
            ("", None),
        ] {
            assert_eq!(boolean(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn dates_and_timestamps() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("2024-02-29", Some(19_782)),
            ("2024-02-29 00:00:00", Some(19_782)),
            ("0001-01-01", Some(-719_162)),
            ("9999-12-31", Some(2_932_896)),
            ("2023-02-29", None),
            ("2024-13-01", None),
            ("2024-00-10", None),
            ("2024-01-32", None),
            ("2024-01-00", None),
            ("0000-01-01", None),
            ("2024-02-29 10:00:00", None),
            ("29/02/2024", None),
            ("2024-2-9", None),
            ("", None),
        ] {
            assert_eq!(date(text.as_bytes()), expected, "{text}");
        }
        for (text, expected) in [
            ("2023-04-02 04:52:42.137506", Some(1_680_411_162_137_506)),
            ("2023-04-02T04:52:42.137506", Some(1_680_411_162_137_506)),
            ("2023-04-02 04:52:42.137506999", Some(1_680_411_162_137_506)),
            ("2023-04-02 04:52:42.1375", Some(1_680_411_162_137_500)),
            ("2023-04-02 04:52:42", Some(1_680_411_162_000_000)),
            ("2023-04-02T04:52:42Z", Some(1_680_411_162_000_000)),
            ("2023-04-02 04:52:42+00:00", Some(1_680_411_162_000_000)),
            ("2023-04-02 04:52", Some(1_680_411_120_000_000)),
            ("2023-04-02", Some(1_680_393_600_000_000)),
            ("2023-04-02 04:52:42.", None),
            ("2023-04-02 04:52:42.1234567890", None),
            ("2023-04-02 24:00:00", None),
            ("2023-04-02 04:60:00", None),
            ("2023-04-02 04:52:60", None),
            ("2023-04-02 04:52:42-05:00", None),
            ("2023-04-02 ", Some(1_680_393_600_000_000)),
            ("2023-04-0é 04:52", None),
            ("hoy", None),
        ] {
            assert_eq!(timestamp(text.as_bytes()), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_integer_is_read_back(value: i64) {
            prop_assert_eq!(int(value.to_string().as_bytes()), Some(value));
            prop_assert_eq!(int(format!("{value}.0").as_bytes()), Some(value));
        }

        #[test]
        fn floats_are_the_nearest(text in "[+-]?[0-9]{0,18}(\\.[0-9]{0,18})?(e-?[0-9]{1,2})?") {
            let general = text.parse::<f64>().ok();
            prop_assert_eq!(float(text.as_bytes()).map(f64::to_bits), general.map(f64::to_bits));
            if let (Some(ours), Some(theirs)) = (float(text.as_bytes()), Float64Type::parse(&text)) {
                prop_assert_eq!(ours.to_bits(), theirs.to_bits());
            }
        }

        #[test]
        fn every_decimal_is_read_back(value in -9_999_999_999_i64..=9_999_999_999, scale in 0_u8..=9) {
            let unit = 10_i64.pow(u32::from(scale));
            let sign = if value < 0 { "-" } else { "" };
            let (whole, fraction) = (value.unsigned_abs() / unit.unsigned_abs(), value.unsigned_abs() % unit.unsigned_abs());
            let text = if scale == 0 {
                format!("{sign}{whole}")
            } else {
                format!("{sign}{whole}.{fraction:0width$}", width = usize::from(scale))
            };
            prop_assert_eq!(decimal(text.as_bytes(), 38, scale), Some(i128::from(value)));
        }

        #[test]
        fn days_are_those_of_the_calendar(days in -719_162_i32..=2_932_896) {
            let text = NaiveDate::from_epoch_days(days).unwrap().to_string();
            prop_assert_eq!(date(text.as_bytes()), Some(days));
            prop_assert_eq!(Date32Type::parse(&text), Some(days));
        }

        #[test]
        fn no_wrong_day_is_read(text in "[0-9]{4}-[0-3][0-9]-[0-3][0-9]") {
            let general = text.parse::<NaiveDate>().ok().filter(|_| !text.starts_with("0000"));
            prop_assert_eq!(date(text.as_bytes()), general.map(|day| day.to_epoch_days()));
        }

        #[test]
        fn instants_are_those_of_the_calendar(micros in -62_135_596_800_000_000_i64..=253_402_300_799_999_999) {
            let instant = DateTime::from_timestamp_micros(micros).unwrap().naive_utc();
            for form in ["%Y-%m-%d %H:%M:%S%.6f", "%Y-%m-%dT%H:%M:%S%.9f"] {
                let text = instant.format(form).to_string();
                prop_assert_eq!(timestamp(text.as_bytes()), Some(micros), "{}", text);
                // The general parser goes through nanoseconds, which hold fewer years.
                if let Some(theirs) = TimestampMicrosecondType::parse(&text) {
                    prop_assert_eq!(theirs, micros);
                }
            }
        }

        #[test]
        fn no_bytes_make_a_parser_panic(text: Vec<u8>) {
            let _all = (int(&text), float(&text), decimal(&text, 38, 10), boolean(&text), date(&text), timestamp(&text));
        }
    }
}
