//! Which release a reader wants: the newest, one by number, or the one that stood at an instant.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};

use crate::error::{Error, Result};

/// Which release a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AsOf {
    /// The newest.
    #[default]
    Newest,
    /// The release with this number.
    Release(u64),
    /// The newest release published at this instant or before it.
    Instant(DateTime<Utc>),
}

impl FromStr for AsOf {
    type Err = Error;

    /// Reads `newest`, `41`, `2024-12-31` (the end of that day), `2024-12-31 08:00`, or an instant of RFC 3339. Times without a
    /// zone are UTC.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if text == "newest" {
            return Ok(Self::Newest);
        }
        if let Ok(number) = text.parse() {
            return Ok(Self::Release(number));
        }
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Instant(instant.with_timezone(&Utc)));
        }
        if let Ok(day) = text.parse::<NaiveDate>() {
            let end = NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap_or_default();
            return Ok(Self::Instant(day.and_time(end).and_utc()));
        }
        for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
            if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
                return Ok(Self::Instant(time.and_utc()));
            }
        }
        Err(Error::usage(format!("`{text}` is neither a release nor a time"))
            .hint("write a number such as 41, a day such as 2024-12-31, or a time such as 2024-12-31T08:00:00Z"))
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest => f.write_str("the newest release"),
            Self::Release(number) => write!(f, "release {number}"),
            Self::Instant(instant) => f.write_str(&instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_days_and_times_are_read() {
        let shown = |text: &str| text.parse::<AsOf>().map(|as_of| as_of.to_string());
        assert_eq!(shown("newest").unwrap(), "the newest release");
        assert_eq!(shown("41").unwrap(), "release 41");
        assert_eq!(shown("2024-12-31").unwrap(), "2024-12-31T23:59:59.999999Z");
        assert_eq!(shown("2024-12-31 08:00").unwrap(), "2024-12-31T08:00:00Z");
        assert_eq!(shown("2024-12-31T08:00:00.5").unwrap(), "2024-12-31T08:00:00.500Z");
        assert_eq!(shown("2024-12-31T08:00:00-05:00").unwrap(), "2024-12-31T13:00:00Z");
        let wrong = shown("yesterday").unwrap_err();
        assert_eq!(wrong.message(), "`yesterday` is neither a release nor a time");
        assert!(wrong.next_step().is_some());
    }
}
