//! When things happen: the simulated window, the rhythm of a week and of a day, business days.

use chrono::NaiveDate;

use super::dice::Dice;

/// 2023-01-01, in days since 1970-01-01.
pub(super) const FIRST_DAY: i32 = 19_358;
/// 2024-12-31, in days since 1970-01-01: the last day on which anything happens.
pub(super) const LAST_DAY: i32 = 20_088;
/// The microseconds of a second.
pub(super) const SECOND: i64 = 1_000_000;
/// The microseconds of an hour.
pub(super) const HOUR: i64 = 3600 * SECOND;
/// The microseconds of a day.
pub(super) const DAY: i64 = 24 * HOUR;

/// How much happens on Monday, Tuesday … Sunday, relative to each other.
const WEEK: [u64; 7] = [118, 112, 108, 106, 110, 82, 64];

/// How much happens in each hour of the day, relative to each other.
const HOURS: [u64; 24] = [8, 5, 4, 3, 4, 8, 18, 34, 58, 78, 86, 84, 76, 66, 68, 76, 80, 76, 66, 54, 42, 32, 22, 14];

/// A day of the window.
pub(super) fn day(dice: &mut Dice) -> i32 {
    i32::try_from(dice.between(FIRST_DAY.into(), LAST_DAY.into())).unwrap_or(FIRST_DAY)
}

/// An instant of the window in microseconds since 1970-01-01 (local time), with the rhythm of a week and of a day.
pub(super) fn moment(dice: &mut Dice) -> i64 {
    // A day is thrown again as often as its weekday is quieter than the busiest.
    let day = loop {
        let day = day(dice);
        if dice.below(WEEK[0]) < WEEK[weekday(day)] {
            break day;
        }
    };
    let hour = i64::try_from(dice.weighted(&HOURS)).unwrap_or_default();
    i64::from(day) * DAY + hour * HOUR + dice.between(0, HOUR - 1)
}

/// The day of an instant, in days since 1970-01-01.
pub(super) fn day_of(moment: i64) -> i32 {
    i32::try_from(moment.div_euclid(DAY)).unwrap_or(i32::MAX)
}

/// 0 for Monday to 6 for Sunday.
pub(super) fn weekday(day: i32) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default() // 1970-01-01 was a Thursday
}

/// The day that is `count` business days (Monday to Friday) after `day`.
pub(super) fn business_days_after(day: i32, count: i64) -> i32 {
    let mut at = day;
    let mut left = count;
    while left > 0 {
        at += 1;
        if weekday(at) < 5 {
            left -= 1;
        }
    }
    at
}

/// The calendar date of a day. (Days that no calendar has, which nothing here makes, become 1970-01-01.)
pub(super) fn date(day: i32) -> NaiveDate {
    NaiveDate::from_epoch_days(day).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;

    use super::super::dice::{DiceBox, Seed};
    use super::*;

    #[test]
    fn the_window_is_two_whole_years() {
        assert_eq!(Some(date(FIRST_DAY)), NaiveDate::from_ymd_opt(2023, 1, 1));
        assert_eq!(Some(date(LAST_DAY)), NaiveDate::from_ymd_opt(2024, 12, 31));
    }

    #[test]
    fn moments_lie_in_the_window_and_follow_the_week() {
        let dice = DiceBox::new(Seed(42), "x");
        let moments: Vec<i64> = (0..20_000).map(|row| moment(&mut dice.row(row))).collect();
        let days: Vec<i32> = moments.iter().copied().map(day_of).collect();
        assert!(days.iter().all(|day| (FIRST_DAY..=LAST_DAY).contains(day)));
        let on = |wanted: usize| days.iter().filter(|day| weekday(**day) == wanted).count();
        assert!(on(0) > on(6) * 3 / 2, "{} Mondays, {} Sundays", on(0), on(6));
        assert_eq!(date(days[0]).weekday().num_days_from_monday() as usize, weekday(days[0]));
    }

    #[test]
    fn business_days_skip_the_weekend() {
        let friday = 20_084; // 2024-12-27
        assert_eq!(weekday(friday), 4);
        assert_eq!(business_days_after(friday, 1), friday + 3);
        assert_eq!(business_days_after(friday, 15), friday + 21);
        assert_eq!(business_days_after(friday, 0), friday);
    }
}
