//! What the values of one column show, gathered value by value, and the type that follows.
//!
//! Evidence adds up: that of two parts of a column, merged, is that of the whole, in any order. Files are therefore
//! looked at in parts, side by side. The readers' own parsers decide what is a value of a type, so that a type that is
//! proposed reads every value that was seen.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

use super::dates::{Dates, NoDates};
use crate::catalog::ColumnType;
use crate::catalog::value::{boolean, float, int};
use crate::ingest::list;

/// Texts that people and programs write where there is no value.
pub(super) const NULL_TEXTS: [&str; 13] =
    ["NA", "N/A", "n/a", "#N/A", "NULL", "null", "None", "NaN", "nan", "NaT", "-", "?", "\\N"];

/// The longest of [`NULL_TEXTS`].
const LONGEST_NULL_TEXT: usize = 4;

/// What one column showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that was seen or not")]
pub(super) struct Evidence {
    /// Values, texts that may mean NULL included.
    values: u64,
    /// Records without a value.
    nulls: u64,
    /// How often each of [`NULL_TEXTS`] stood there.
    null_texts: [u64; NULL_TEXTS.len()],
    /// Whole numbers written without a point.
    whole: u64,
    /// Whole numbers written as `12.0`.
    pointed: u64,
    fractions: bool,
    words_of_truth: bool,
    lists: bool,
    dates: Dates,
    /// A value that is nothing but a text: the longest way is over.
    texts: bool,
    /// Digits that begin with a zero and are not a number: identifiers, postcodes, telephones.
    padded: bool,
    /// Objects, or lists of other things than texts.
    structures: bool,
}

/// What a column should be declared as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) column_type: ColumnType,
    /// Patterns of days and instants that the readers do not know by themselves.
    pub(super) formats: Vec<String>,
    /// Records without a value, texts that mean NULL included.
    pub(super) nulls: u64,
    /// Texts that stand where there is no value, as positions in [`NULL_TEXTS`].
    pub(super) null_texts: Vec<usize>,
    /// What a person should look at.
    pub(super) doubt: Option<Doubt>,
}

/// Why a verdict may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// No record has a value.
    Empty,
    /// All days fit both `%d/%m` and `%m/%d`.
    DayOrMonthFirst,
    /// Some values begin with the day and others with the month.
    DayAndMonthFirst,
    /// The values would be numbers if some did not begin with zeros.
    LeadingZeros,
    /// Some values are objects, or lists of other things than texts.
    Structures,
}

impl Evidence {
    /// Adds the text of a field; `None` where the dataset says that there is no value.
    pub(super) fn add(&mut self, field: Option<&[u8]>) {
        let Some(field) = field else {
            self.nulls += 1;
            return;
        };
        self.values += 1;
        let value = field.trim_ascii();
        if value.len() <= LONGEST_NULL_TEXT
            && let Some(known) = NULL_TEXTS.iter().position(|text| text.as_bytes() == value)
        {
            self.null_texts[known] += 1;
        } else if !self.texts {
            self.look_at(value);
        }
    }

    /// Adds a value that is known to be a text, such as a string of JSON: it may be a day or an instant and is nothing
    /// else, whatever it looks like.
    pub(super) fn add_text(&mut self, text: &[u8]) {
        self.values += 1;
        if !self.texts {
            self.texts = !self.dates.add(text.trim_ascii());
        }
    }

    /// Adds a value with a structure of its own, which is kept as text.
    pub(super) fn add_structure(&mut self) {
        self.values += 1;
        self.texts = true;
        self.structures = true;
    }

    /// Adds the evidence of another part of the column.
    pub(super) fn merge(&mut self, other: &Self) {
        self.values += other.values;
        self.nulls += other.nulls;
        self.null_texts.iter_mut().zip(other.null_texts).for_each(|(mine, theirs)| *mine += theirs);
        self.whole += other.whole;
        self.pointed += other.pointed;
        self.fractions |= other.fractions;
        self.words_of_truth |= other.words_of_truth;
        self.lists |= other.lists;
        self.dates.merge(&other.dates);
        self.texts |= other.texts;
        self.padded |= other.padded;
        self.structures |= other.structures;
    }

    /// Adds `records` in which the column did not stand at all.
    pub(super) fn absent(&mut self, records: u64) {
        self.nulls += records;
    }

    /// Adds records in which the column did not stand, until there are `records`.
    pub(super) fn fill_up(&mut self, records: u64) {
        self.nulls = records - self.values;
    }

    /// How often the texts of `which`, positions in [`NULL_TEXTS`], stand there.
    pub(super) fn null_texts_among(&self, which: &[usize]) -> u64 {
        which.iter().map(|text| self.null_texts[*text]).sum()
    }

    /// Decides. `may_be_null` says whether texts such as `NA` may be taken for NULL.
    pub(super) fn verdict(&self, may_be_null: bool) -> Verdict {
        let found: Vec<usize> = (0..NULL_TEXTS.len()).filter(|index| self.null_texts[*index] > 0).collect();
        let withheld: u64 = self.null_texts.iter().sum();
        let mut verdict = Verdict {
            column_type: ColumnType::String,
            formats: Vec::new(),
            nulls: self.nulls,
            null_texts: Vec::new(),
            doubt: None,
        };
        if self.values == withheld {
            verdict.doubt = (withheld == 0).then_some(Doubt::Empty);
            return verdict;
        }
        let numbers = self.whole + self.pointed > 0 || self.fractions;
        let kinds = [numbers, self.words_of_truth, self.lists, !self.dates.is_empty()];
        if self.padded && !self.texts && kinds == [numbers, false, false, false] {
            verdict.doubt = Some(Doubt::LeadingZeros);
        }
        if self.structures {
            verdict.doubt = Some(Doubt::Structures);
        }
        let mixed = kinds.iter().filter(|kind| **kind).count() > 1;
        // A text such as NA keeps a column from being anything else, unless it may be taken for NULL.
        if self.texts || self.padded || mixed || (withheld > 0 && !may_be_null) {
            return verdict;
        }
        verdict.column_type = if numbers {
            self.number(withheld)
        } else if self.words_of_truth {
            ColumnType::Bool
        } else if self.lists {
            ColumnType::StringList
        } else {
            match self.dates.formats() {
                Ok(dates) => {
                    verdict.doubt = dates.ambiguous.then_some(Doubt::DayOrMonthFirst);
                    verdict.formats = dates.formats;
                    if dates.timestamp { ColumnType::Timestamp } else { ColumnType::Date }
                }
                Err(why) => {
                    verdict.doubt = (why == NoDates::BothOrders).then_some(Doubt::DayAndMonthFirst);
                    return verdict;
                }
            }
        };
        verdict.null_texts = found;
        verdict.nulls += withheld;
        verdict
    }

    /// Integers written as `12.0` are what programs make of integers where values are missing, here or in another part
    /// of the data; written so without any such reason they are measures that happen to be whole.
    fn number(&self, withheld: u64) -> ColumnType {
        let by_accident = self.pointed > 0 && self.whole == 0 && self.nulls + withheld == 0;
        if self.fractions || by_accident { ColumnType::Float } else { ColumnType::Int }
    }

    /// Notes what a value that is there may be.
    fn look_at(&mut self, value: &[u8]) {
        match value.first() {
            Some(b'0'..=b'9' | b'-' | b'.') => match number(value) {
                Some(Number::Whole) => self.whole += 1,
                Some(Number::Pointed) => self.pointed += 1,
                Some(Number::Fraction) => self.fractions = true,
                Some(Number::Padded) => self.padded = true,
                None => self.texts = !self.dates.add(value),
            },
            Some(b'[') => {
                let known = match std::str::from_utf8(value) {
                    Ok(value) => Cow::Borrowed(value),
                    Err(_) => WINDOWS_1252.decode_without_bom_handling(value).0,
                };
                if list::strings(&known, |_| ()) { self.lists = true } else { self.texts = true }
            }
            Some(b't' | b'T' | b'f' | b'F') if boolean(value).is_some() => self.words_of_truth = true,
            _ => self.texts = true,
        }
    }
}

/// How a number is written.
enum Number {
    Whole,
    Pointed,
    Fraction,
    Padded,
}

/// The number that a text is, without the liberties that would turn identifiers into numbers.
fn number(value: &[u8]) -> Option<Number> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let before = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let padded = before > 1 && digits[0] == b'0';
    match &digits[before..] {
        [] if padded => Some(Number::Padded),
        // More digits than 64 bits hold are an identifier; as a float it would lose some.
        [] => int(value).map(|_| Number::Whole),
        b".0" if before > 0 && !padded => int(value).map(|_| Number::Pointed),
        // `1E5` may be the code of an article; programs that mean a number write a point or the exponent's sign.
        [b'e' | b'E', rest @ ..] if !matches!(rest, [b'+' | b'-', ..]) => None,
        [b'.' | b'e' | b'E', ..] if !padded => float(value).map(|_| Number::Fraction),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::Shapes;

    fn evidence(values: &[&str]) -> Evidence {
        let mut evidence = Evidence::default();
        for value in values {
            evidence.add((!value.is_empty()).then_some(value.as_bytes()));
        }
        evidence
    }

    fn column_type(values: &[&str]) -> ColumnType {
        evidence(values).verdict(true).column_type
    }

    #[test]
    fn the_type_is_that_of_all_values() {
        use ColumnType::{Bool, Date, Float, Int, String, StringList, Timestamp};
        for (values, expected) in [
            (&["1", "-2", "", "0"][..], Int),
            (&["1", "2", "3.5"], Float),
            (&["1e-3", "2.5E+10", "7"], Float),
            (&["12.0", "", "7.0"], Int),
            (&["12.0", "7"], Int),
            (&["12.0", "7.0"], Float),
            (&["12.0", "7.5", ""], Float),
            (&["12.00", ""], Float),
            (&["007", "12"], String),
            (&["1E5", "12"], String),
            (&["+51987654321", "12"], String),
            (&["99999999999999999999", "1"], String),
            (&["99999999999999999999.5", "1"], Float),
            (&["1,5", "2"], String),
            (&["true", "False", ""], Bool),
            (&["0", "1"], Int),
            (&["true", "1"], String),
            (&["2024-01-31", ""], Date),
            (&["2024-01-31", "2024-01-31 10:00:00"], Timestamp),
            (&["2024-01-31", "7"], String),
            (&["['a', 'b']", "[]"], StringList),
            (&["['a', 'b']", "[a]"], String),
            (&["536365", "C536379"], String),
            (&["", ""], String),
            (&["inf", "1.5"], String),
        ] {
            assert_eq!(column_type(values), expected, "{values:?}");
        }
    }

    #[test]
    fn texts_for_null_count_as_null_only_beside_values_of_a_type() {
        let numbers = evidence(&["1", "NA", "", "NaN"]);
        let verdict = numbers.verdict(true);
        assert_eq!((verdict.column_type, verdict.nulls), (ColumnType::Int, 3));
        assert_eq!(verdict.null_texts.iter().map(|text| NULL_TEXTS[*text]).collect::<Vec<_>>(), ["NA", "NaN"]);
        assert_eq!(numbers.verdict(false).column_type, ColumnType::String);
        let countries = evidence(&["NA", "PE", ""]).verdict(true);
        assert_eq!((countries.column_type, countries.nulls, countries.null_texts.len()), (ColumnType::String, 1, 0));
        assert_eq!(evidence(&["NA"]).verdict(true).nulls, 0);
    }

    #[test]
    fn what_a_person_should_look_at() {
        for (values, doubt) in [
            (&[""][..], Some(Doubt::Empty)),
            (&["01/02/2024"], Some(Doubt::DayOrMonthFirst)),
            (&["13/02/2024", "02/13/2024"], Some(Doubt::DayAndMonthFirst)),
            (&["007", "12"], Some(Doubt::LeadingZeros)),
            (&["007", "x"], None),
            (&["13/02/2024"], None),
        ] {
            assert_eq!(evidence(values).verdict(true).doubt, doubt, "{values:?}");
        }
    }

    /// Values as they stand in files, often of one kind.
    fn field() -> impl Strategy<Value = String> {
        prop_oneof![
            "-?[0-9]{1,20}",
            "-?[0-9]{0,3}\\.[0-9]{0,3}",
            "[0-9]{1,3}[eE][+-]?[0-9]{1,2}",
            "[0-3]?[0-9]/[01]?[0-9]/20[0-2][0-9]( [0-2]?[0-9]:[0-5][0-9])?",
            "20[0-2][0-9]-[01][0-9]-[0-3][0-9]([ T][0-2][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?)?",
            "(true|false|True|TRUE|0|1)",
            "\\[('[a-z]{0,2}', )*\\]",
            "(NA|null|-|NaN)",
            "[a-zA-Z .+]{0,5}",
        ]
    }

    /// Whether the readers take `text` for a value of the type.
    fn reads(column_type: ColumnType, formats: &[String], text: &str) -> bool {
        let bytes = text.as_bytes();
        match column_type {
            ColumnType::String => true,
            ColumnType::StringList => list::strings(text, |_| ()),
            ColumnType::Date if !formats.is_empty() => Shapes::new(formats).unwrap().date(bytes).is_some(),
            ColumnType::Timestamp if !formats.is_empty() => Shapes::new(formats).unwrap().timestamp(bytes).is_some(),
            other => other.value(text).is_some(),
        }
    }

    proptest! {
        #[test]
        fn parts_agree_with_the_whole(values in prop::collection::vec(field(), 0..12), cut in 0..12_usize) {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let (left, right) = values.split_at(cut.min(values.len()));
            let mut merged = evidence(left);
            merged.merge(&evidence(right));
            prop_assert_eq!(merged.verdict(true), evidence(&values).verdict(true));
        }

        #[test]
        fn the_type_reads_every_value(kind in 0..9_usize, seed in prop::collection::vec(field(), 1..40)) {
            // Values of one kind are what gives a type; mixtures are nearly always text.
            let like = |value: &&String| match kind {
                0 => value.parse::<f64>().is_ok(),
                1 => value.starts_with("20"),
                2 => value.starts_with('['),
                3 => value.contains('/'),
                _ => true,
            };
            let values: Vec<&str> = seed.iter().filter(like).map(String::as_str).collect();
            let verdict = evidence(&values).verdict(true);
            for value in values.iter().filter(|value| !value.is_empty()) {
                let null = verdict.null_texts.iter().any(|text| NULL_TEXTS[*text] == value.trim());
                let read = reads(verdict.column_type, &verdict.formats, value);
                prop_assert!(null || read, "{} as {:?}", value, verdict);
            }
        }
    }
}
