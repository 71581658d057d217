//! The columns of files that know their types: the union over all files, by name.

use arrow::datatypes::{DataType, Field};

use crate::catalog::ColumnType;

/// What one file, or many, say of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct StoredColumn {
    pub(super) name: String,
    /// None if the catalog has no type for it.
    pub(super) column_type: Option<ColumnType>,
    /// Rows without a value; none if that is not known.
    pub(super) nulls: Option<u64>,
    /// Whether files disagree in a way that no type bridges.
    pub(super) disputed: bool,
}

/// The columns of many files.
#[derive(Debug, Default)]
pub(super) struct StoredColumns {
    pub(super) columns: Vec<StoredColumn>,
    pub(super) records: u64,
}

impl StoredColumns {
    /// Adds a file of `records` rows.
    pub(super) fn add(&mut self, file: Vec<StoredColumn>, records: u64) {
        for known in &mut self.columns {
            if !file.iter().any(|column| column.name == known.name) {
                known.nulls = known.nulls.map(|nulls| nulls + records);
            }
        }
        for mut column in file {
            match self.columns.iter_mut().find(|known| known.name == column.name) {
                Some(known) => known.join(&column),
                None => {
                    column.nulls = column.nulls.map(|nulls| nulls + self.records);
                    self.columns.push(column);
                }
            }
        }
        self.records += records;
    }
}

impl StoredColumn {
    /// The column that is stored as `field`; `nulls` says how many rows have no value, if that is known.
    pub(in crate::ingest) fn new(field: &Field, nulls: Option<u64>) -> Self {
        let column_type = column_type(field.data_type());
        Self { name: field.name().clone(), column_type, nulls, disputed: false }
    }

    fn join(&mut self, other: &Self) {
        self.nulls = self.nulls.zip(other.nulls).map(|(mine, theirs)| mine + theirs);
        let (Some(mine), Some(theirs)) = (self.column_type, other.column_type) else {
            self.column_type = None;
            return;
        };
        match wider(mine, theirs) {
            Some(wider) => self.column_type = Some(wider),
            None => {
                self.column_type = Some(ColumnType::String);
                self.disputed = true;
            }
        }
    }
}

/// The type that holds the values of both, if there is one.
fn wider(one: ColumnType, other: ColumnType) -> Option<ColumnType> {
    use ColumnType::{Date, Decimal, Float, Int, Timestamp};
    match (one, other) {
        (one, other) if one == other => Some(one),
        (Int | Decimal { .. }, Float) | (Float, Int | Decimal { .. }) => Some(Float),
        (Decimal { precision, scale }, Decimal { precision: digits, scale: places }) => {
            let (whole, scale) = ((precision - scale).max(digits - places), scale.max(places));
            Some(Decimal { precision: (whole + scale).min(38), scale })
        }
        (Date, Timestamp) | (Timestamp, Date) => Some(Timestamp),
        _ => None,
    }
}

/// The type of the catalog that holds values of an Arrow type, if there is one.
fn column_type(stored: &DataType) -> Option<ColumnType> {
    Some(match stored {
        DataType::Dictionary(_, values) => return column_type(values),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => ColumnType::String,
        stored if stored.is_integer() => ColumnType::Int,
        stored if stored.is_floating() => ColumnType::Float,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => {
            ColumnType::Decimal { precision: *precision, scale: u8::try_from(*scale).ok()? }
        }
        DataType::Boolean => ColumnType::Bool,
        DataType::Date32 | DataType::Date64 => ColumnType::Date,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        DataType::List(item) | DataType::LargeList(item) => match column_type(item.data_type())? {
            ColumnType::String => ColumnType::StringList,
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(columns: &[(&str, DataType, Option<u64>)]) -> Vec<StoredColumn> {
        let column = |(name, stored, nulls): &(&str, DataType, Option<u64>)| {
            StoredColumn::new(&Field::new(*name, stored.clone(), true), *nulls)
        };
        columns.iter().map(column).collect()
    }

    #[test]
    fn files_are_joined_by_name() {
        let mut all = StoredColumns::default();
        all.add(
            file(&[("a", DataType::Int32, Some(0)), ("b", DataType::Date32, Some(0)), ("c", DataType::Utf8, Some(0))]),
            10,
        );
        all.add(
            file(&[
                ("b", DataType::Timestamp(arrow::datatypes::TimeUnit::Second, None), Some(0)),
                ("a", DataType::Float32, Some(0)),
                ("d", DataType::LargeUtf8, Some(0)),
            ]),
            5,
        );
        all.add(file(&[("a", DataType::Int8, None), ("b", DataType::Utf8, Some(0))]), 1);
        let told: Vec<_> = all
            .columns
            .iter()
            .map(|column| {
                let word = column.column_type.map_or_else(|| "none".to_owned(), |found| found.to_string());
                format!("{} {word} {:?} {}", column.name, column.nulls, column.disputed)
            })
            .collect();
        let expected =
            ["a float None false", "b string Some(0) true", "c string Some(6) false", "d string Some(11) false"];
        assert_eq!(told, expected);
        assert_eq!(all.records, 16);
    }

    #[test]
    fn decimals_keep_all_their_digits() {
        let joined =
            wider(ColumnType::Decimal { precision: 10, scale: 2 }, ColumnType::Decimal { precision: 6, scale: 4 });
        assert_eq!(joined, Some(ColumnType::Decimal { precision: 12, scale: 4 }));
    }
}
