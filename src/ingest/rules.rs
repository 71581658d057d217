//! The rules of a column over the values of a batch, the same for every format of files.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use regex::Regex;

use super::cells::CellFault;
use super::fault::Reason;
use crate::catalog::{Column, Value, whole_pattern};
use crate::error::{Error, Result};

/// As many values are shown where another one is rejected.
const VALUES_SHOWN: usize = 10;

/// The rules of one column, ready to be checked.
#[derive(Debug)]
pub(super) struct ColumnRules {
    least: Option<(Value, Arc<str>)>,
    greatest: Option<(Value, Arc<str>)>,
    values: Vec<Value>,
    texts: HashSet<String>,
    /// The values as they are shown.
    shown: Arc<str>,
    pattern: Option<(Regex, Arc<str>)>,
}

impl ColumnRules {
    /// The rules of `column`, if it has any.
    ///
    /// # Errors
    /// A rule that means nothing, which a catalog does not let pass.
    pub(super) fn new(column: &Column) -> Result<Option<Self>> {
        let rules = &column.rules;
        if rules.accept_all() {
            return Ok(None);
        }
        let bug = |text: &str| Error::bug(format!("column {}: the rule `{text}` means nothing", column.name));
        let value = |text: &String| column.column_type.value(text).ok_or_else(|| bug(text));
        let bound = |text: &Option<String>| match text {
            Some(text) => Ok(Some((value(text)?, Arc::from(text.as_str())))),
            None => Ok(None),
        };
        let pattern = match &rules.pattern {
            Some(text) => Some((whole_pattern(text).map_err(|_| bug(text))?, Arc::from(text.as_str()))),
            None => None,
        };
        let mut shown: Vec<&str> = rules.values.iter().take(VALUES_SHOWN).map(String::as_str).collect();
        if rules.values.len() > VALUES_SHOWN {
            shown.push("…");
        }
        Ok(Some(Self {
            least: bound(&rules.min)?,
            greatest: bound(&rules.max)?,
            values: rules.values.iter().map(value).collect::<Result<_>>()?,
            texts: rules.values.iter().cloned().collect(),
            shown: shown.join(", ").into(),
            pattern,
        }))
    }

    /// Adds to `faults` the rows of `array`, an array of the column's type, whose value breaks a rule. A row without a
    /// value breaks none.
    pub(super) fn check(&self, array: &ArrayRef, faults: &mut Vec<CellFault>) {
        if let Some(texts) = array.as_string_opt::<i32>() {
            let text = |row: usize| self.broken_by_text(texts.value(row));
            add(array, text, faults);
        } else if let Some(truths) = array.as_boolean_opt() {
            self.check_truths(truths, array, faults);
        } else if let Some(values) = array.as_primitive_opt::<Int64Type>() {
            self.check_values(values, |value| if let Value::Int(value) = value { Some(*value) } else { None }, faults);
        } else if let Some(values) = array.as_primitive_opt::<Float64Type>() {
            self.check_values(
                values,
                |value| if let Value::Float(value) = value { Some(*value) } else { None },
                faults,
            );
        } else if let Some(values) = array.as_primitive_opt::<Decimal128Type>() {
            self.check_values(
                values,
                |value| if let Value::Decimal(value) = value { Some(*value) } else { None },
                faults,
            );
        } else if let Some(values) = array.as_primitive_opt::<Date32Type>() {
            self.check_values(values, |value| if let Value::Date(value) = value { Some(*value) } else { None }, faults);
        } else if let Some(values) = array.as_primitive_opt::<TimestampMicrosecondType>() {
            let instant = |value: &Value| if let Value::Timestamp(value) = value { Some(*value) } else { None };
            self.check_values(values, instant, faults);
        }
    }

    fn broken_by_text(&self, text: &str) -> Option<Reason> {
        if !self.texts.is_empty() && !self.texts.contains(text) {
            return Some(Reason::NotAmong(Arc::clone(&self.shown)));
        }
        let (regex, pattern) = self.pattern.as_ref()?;
        (!regex.is_match(text)).then(|| Reason::NoMatch(Arc::clone(pattern)))
    }

    fn check_truths(&self, truths: &BooleanArray, array: &ArrayRef, faults: &mut Vec<CellFault>) {
        let wrong = |row: usize| {
            let known = self.values.is_empty() || self.values.contains(&Value::Bool(truths.value(row)));
            (!known).then(|| Reason::NotAmong(Arc::clone(&self.shown)))
        };
        add(array, wrong, faults);
    }

    fn check_values<T: ArrowPrimitiveType>(
        &self,
        array: &PrimitiveArray<T>,
        native: impl Fn(&Value) -> Option<T::Native>,
        faults: &mut Vec<CellFault>,
    ) where
        T::Native: PartialOrd,
    {
        let bound = |bound: &Option<(Value, Arc<str>)>| {
            bound.as_ref().and_then(|(value, text)| Some((native(value)?, Arc::clone(text))))
        };
        let (least, greatest) = (bound(&self.least), bound(&self.greatest));
        let values: Vec<T::Native> = self.values.iter().filter_map(&native).collect();
        let wrong = |row: usize| {
            let value = array.value(row);
            if let Some((least, text)) = &least
                && !matches!(value.partial_cmp(least), Some(Ordering::Greater | Ordering::Equal))
            {
                return Some(Reason::Below(Arc::clone(text)));
            }
            if let Some((greatest, text)) = &greatest
                && !matches!(value.partial_cmp(greatest), Some(Ordering::Less | Ordering::Equal))
            {
                return Some(Reason::Above(Arc::clone(text)));
            }
            (!values.is_empty() && !values.contains(&value)).then(|| Reason::NotAmong(Arc::clone(&self.shown)))
        };
        add(array, wrong, faults);
    }
}

/// Adds the rows of `array` that have a value which is wrong.
fn add(array: &dyn Array, wrong: impl Fn(usize) -> Option<Reason>, faults: &mut Vec<CellFault>) {
    for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
        if let Some(reason) = wrong(row) {
            faults.push(CellFault { row, reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray};

    use super::super::testing::column;
    use super::*;
    use crate::catalog::{ColumnType, Rules};

    fn wrong(column_type: ColumnType, rules: Rules, array: &dyn Array) -> Vec<(usize, &'static str)> {
        let array = arrow::array::make_array(array.to_data());
        let column = Column { rules, ..column(column_type, false) };
        let mut faults = Vec::new();
        ColumnRules::new(&column).unwrap().unwrap().check(&array, &mut faults);
        faults.into_iter().map(|fault| (fault.row, fault.reason.rule())).collect()
    }

    #[test]
    fn bounds_belong_to_what_is_accepted_and_a_missing_value_breaks_no_rule() {
        let between = Rules { min: Some("1".into()), max: Some("5".into()), ..Rules::default() };
        let numbers = Int64Array::from(vec![Some(0), Some(1), None, Some(5), Some(6)]);
        assert_eq!(wrong(ColumnType::Int, between.clone(), &numbers), [(0, "min"), (4, "max")]);
        let floats = Float64Array::from(vec![0.99, 1.0, f64::NAN]);
        assert_eq!(wrong(ColumnType::Float, between, &floats), [(0, "min"), (2, "min")]);
    }

    #[test]
    fn values_and_patterns_are_those_of_the_whole_text() {
        let texts = StringArray::from(vec![Some("app"), Some("App"), None, Some("apps")]);
        let values = Rules { values: vec!["app".into(), "web".into()], ..Rules::default() };
        assert_eq!(wrong(ColumnType::String, values, &texts), [(1, "values"), (3, "values")]);
        let pattern = Rules { pattern: Some("app|App".into()), ..Rules::default() };
        assert_eq!(wrong(ColumnType::String, pattern, &texts), [(3, "pattern")]);
        let numbers = Rules { values: vec!["1".into(), "3".into()], ..Rules::default() };
        assert_eq!(wrong(ColumnType::Int, numbers, &Int64Array::from(vec![1, 2, 3])), [(1, "values")]);
    }
}
