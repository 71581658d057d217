//! Amounts as people write them in headers: `5`, `0.1 %`, `36 hours`.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// A number, or a share of something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many.
    Number(f64),
    /// So large a part, from 0 to 1.
    Share(f64),
}

impl Amount {
    /// Nothing at all.
    pub const NONE: Self = Self::Number(0.0);

    /// What it comes to where the whole is `whole`.
    #[must_use]
    pub fn of(self, whole: f64) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Share(share) => {
                // 29 % of 100 are 29, which floats make 28.999999999999996.
                let part = share * whole;
                let near = part.round();
                if (part - near).abs() <= near.abs().max(1.0) * 1e-9 { near } else { part }
            }
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Share(share) => write!(f, "{} %", rounded(share * 100.0)),
        }
    }
}

/// A number without the traces of its binary form: 10.1 where floats make it 10.100000000000001.
fn rounded(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

/// An amount as it is written.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum AmountFile {
    /// A number.
    Number(f64),
    /// A number with the sign `%`.
    Text(String),
}

impl AmountFile {
    /// What it means; `None` for a text that is no amount.
    pub(super) fn read(&self) -> Option<Amount> {
        let amount = match self {
            Self::Number(number) => Amount::Number(*number),
            Self::Text(text) => match text.trim().strip_suffix('%') {
                Some(percent) => Amount::Share(percent.trim().parse::<f64>().ok()? / 100.0),
                None => Amount::Number(text.trim().parse().ok()?),
            },
        };
        let (Amount::Number(number) | Amount::Share(number)) = amount;
        (number.is_finite() && number >= 0.0).then_some(amount)
    }
}

/// The units of an age, each by all its names, with its seconds.
const UNITS: [(&[&str], u64); 4] = [
    (&["min", "minute", "minutes"], 60),
    (&["h", "hour", "hours"], 60 * 60),
    (&["d", "day", "days"], 24 * 60 * 60),
    (&["w", "week", "weeks"], 7 * 24 * 60 * 60),
];

/// Reads an age: `90 min`, `36 hours`, `2 days`, `1 week`.
#[must_use]
pub fn read_age(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok().filter(|number| *number > 0)?;
    let unit = text[digits..].trim();
    let (_, seconds) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
    number.checked_mul(*seconds).map(Duration::from_secs)
}

/// An age in the largest unit that tells it well: `36 hours`, `2 days`, `3.5 days`.
#[must_use]
pub fn age(seconds: f64) -> String {
    let (unit, divisor) = match seconds.abs() {
        below if below < 2.0 * 3600.0 => ("minute", 60.0),
        below if below < 2.0 * 86_400.0 => ("hour", 3600.0),
        _ => ("day", 86_400.0),
    };
    let number = (seconds / divisor * 10.0).round() / 10.0;
    let plural = if (number - 1.0).abs() < f64::EPSILON { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let text = |text: &str| AmountFile::Text(text.to_owned()).read();
        assert_eq!(AmountFile::Number(5.0).read(), Some(Amount::Number(5.0)));
        assert_eq!(text("0.1 %"), Some(Amount::Share(0.001)));
        assert_eq!(text("10%").map(|amount| amount.to_string()), Some("10 %".to_owned()));
        for wrong in ["", "%", "five", "-1 %", "inf", "1 % 2"] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
        assert_eq!(AmountFile::Number(-1.0).read(), None);
        assert_eq!((Amount::Number(5.0).of(1000.0), Amount::Share(0.001).of(1000.0)), (5.0, 1.0));
        assert_eq!(Amount::Share(0.101).to_string(), "10.1 %");
    }

    #[test]
    fn ages_are_read_and_told() {
        for (text, told) in [
            ("90 min", "90 minutes"),
            ("36 hours", "36 hours"),
            ("1h", "60 minutes"),
            ("2 days", "2 days"),
            ("1 day", "24 hours"),
            ("1 week", "7 days"),
        ] {
            assert_eq!(age(read_age(text).unwrap().as_secs_f64()), told, "{text}");
        }
        assert_eq!(age(3.52 * 86_400.0), "3.5 days");
        for wrong in
            ["", "days", "2", "2 moons", "-1 day", "0 days", "99999999999999999999 days", "999999999999999999 weeks"]
        {
            assert_eq!(read_age(wrong), None, "{wrong}");
        }
    }
}
