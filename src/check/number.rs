//! Numbers that SQL computed: sums of whole numbers and decimals keep all their digits.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, UInt64Type};

use crate::error::{Error, Result};

/// A number that SQL computed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Number {
    /// As a floating-point number.
    pub(super) value: f64,
    /// The same as a whole number and the power of ten that it is divided by, of types that are exact.
    exact: Option<(i128, i8)>,
}

impl Number {
    /// The difference, and whether it is exact.
    pub(super) fn minus(self, other: Self) -> (f64, bool) {
        // Nothing that could be summed is nothing.
        let digits = |number: Self| number.exact.or_else(|| (number.value == 0.0).then_some((0, 0)));
        let difference = digits(self).zip(digits(other)).and_then(|((own, own_scale), (other, other_scale))| {
            let scale = own_scale.max(other_scale);
            let scaled = |value: i128, by: i8| value.checked_mul(10_i128.checked_pow(u32::try_from(scale - by).ok()?)?);
            let difference = scaled(own, own_scale)?.checked_sub(scaled(other, other_scale)?)?;
            Some(difference as f64 / 10_f64.powi(i32::from(scale)))
        });
        difference.map_or((self.value - other.value, false), |difference| (difference, true))
    }
}

/// The numbers of a result of one row.
pub(super) fn numbers(batches: &[RecordBatch]) -> Result<Vec<Option<Number>>> {
    let row = batches.iter().find(|batch| batch.num_rows() > 0).ok_or_else(|| Error::bug("a count without a row"))?;
    let read = |column: &ArrayRef| {
        let number = cast(column, &DataType::Float64)
            .map_err(|_| Error::query(format!("a {} cannot be summed", column.data_type())))?;
        let number = number.as_primitive::<Float64Type>();
        Ok(number.is_valid(0).then(|| Number { value: number.value(0), exact: exact(column) }))
    };
    row.columns().iter().map(read).collect()
}

/// The first value of a column of whole numbers or decimals, and its digits behind the point.
fn exact(column: &ArrayRef) -> Option<(i128, i8)> {
    match column.data_type() {
        DataType::Decimal128(_, scale) => Some((column.as_primitive::<Decimal128Type>().value(0), *scale)),
        DataType::UInt64 => Some((i128::from(column.as_primitive::<UInt64Type>().value(0)), 0)),
        data_type if data_type.is_integer() => {
            let whole = cast(column, &DataType::Int64).ok()?;
            Some((i128::from(whole.as_primitive::<Int64Type>().value(0)), 0))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_exact_numbers_are_exact() {
        let whole = |value: i64| Number { value: value as f64, exact: Some((i128::from(value), 0)) };
        assert_eq!(whole(9_007_199_254_740_993).minus(whole(9_007_199_254_740_992)), (1.0, true));
        let cents = Number { value: 10.01, exact: Some((1001, 2)) };
        assert_eq!(cents.minus(whole(10)), (0.01, true));
        assert_eq!(cents.minus(Number::default()), (10.01, true), "nothing that could be summed is nothing");
        let float = Number { value: 1.5, exact: None };
        assert_eq!(float.minus(whole(1)), (0.5, false));
        let most = Number { value: 1e38, exact: Some((i128::MAX, 0)) };
        assert!(!most.minus(cents).1, "it does not fit");
    }
}
