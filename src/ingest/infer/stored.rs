//! The columns of files that know their types: the union over all files, by name.

use arrow::datatypes::{DataType, Field};

use crate::catalog::ColumnType;

/// What one file, or many, say of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ingest) struct StoredColumn {
    pub(super) name: String,
    /// None if the catalog has no type for it.
    pub(super) column_type: Option<ColumnType>,
    /// Whether every row is known to have a value.
    pub(super) complete: bool,
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
            known.complete &= file.iter().any(|column| column.name == known.name);
        }
        for mut column in file {
            match self.columns.iter_mut().find(|known| known.name == column.name) {
                Some(known) => known.join(&column),
                None => {
                    column.complete &= self.records == 0;
                    self.columns.push(column);
                }
            }
        }
        self.records += records;
    }
}

impl StoredColumn {
    /// The column that is stored as `field`; `complete` says whether every row is known to have a value.
    pub(in crate::ingest) fn new(field: &Field, complete: bool) -> Self {
        let column_type = column_type(field.data_type());
        Self { name: field.name().clone(), column_type, complete, disputed: false }
    }

    fn join(&mut self, other: &Self) {
        self.complete &= other.complete;
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

    fn file(columns: &[(&str, DataType, bool)]) -> Vec<StoredColumn> {
        let column = |(name, stored, complete): &(&str, DataType, bool)| {
            StoredColumn::new(&Field::new(*name, stored.clone(), true), *complete)
        };
        columns.iter().map(column).collect()
    }

    #[test]
    fn files_are_joined_by_name() {
        let mut all = StoredColumns::default();
        all.add(file(&[("a", DataType::Int32, true), ("b", DataType::Date32, true), ("c", DataType::Utf8, true)]), 10);
        all.add(
            file(&[
                ("b", DataType::Timestamp(arrow::datatypes::TimeUnit::Second, None), true),
                ("a", DataType::Float32, true),
                ("d", DataType::LargeUtf8, true),
            ]),
            5,
        );
        all.add(file(&[("a", DataType::Int8, false), ("b", DataType::Utf8, true)]), 1);
        let told: Vec<_> = all
            .columns
            .iter()
            .map(|column| {
                let word = column.column_type.map_or_else(|| "none".to_owned(), |found| found.to_string());
                format!("{} {word} {} {}", column.name, column.complete, column.disputed)
            })
            .collect();
        let expected = ["a float false false", "b string true true", "c string false false", "d string false false"];
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
