//! One model in two releases, joined by its grain: the SQL that finds what differs.

use arrow::datatypes::DataType;

use crate::engine::quoted;
use crate::model::GRAIN_CHECK;
use crate::name::TableName;
use crate::release::{Manifest, ReleasedColumn, ReleasedModel};

/// The column of each side by which a joined row tells whether it has that side.
pub(super) const THERE: &str = "cauce_there";

/// The number of a row among those of the same grain.
const NTH: &str = "cauce_nth";

/// One model in two releases.
pub(super) struct Pair<'a> {
    /// The FROM clause of each side.
    sides: (String, String),
    pub(super) grain: &'a [String],
    /// Whether several rows may have the same grain: a check that fails may let them through.
    repeats: bool,
    /// The columns of both releases outside the grain.
    pub(super) columns: Vec<Column>,
}

pub(super) struct Column {
    pub(super) name: String,
    /// Whether its values are compared as text, because lists, and values of two types, cannot be compared as they are.
    as_text: bool,
    /// Whether its values have parts, and no text.
    is_nested: bool,
    kind: NumberKind,
}

/// What kind of numbers a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumberKind {
    None,
    Whole,
    Decimal,
    Float,
}

impl NumberKind {
    fn of(data_type: Option<&DataType>) -> Self {
        match data_type {
            Some(whole) if whole.is_integer() => Self::Whole,
            Some(decimal) if decimal.is_decimal() => Self::Decimal,
            Some(float) if float.is_floating() => Self::Float,
            _ => Self::None,
        }
    }
}

impl Column {
    fn of(before: &ReleasedColumn, after: &ReleasedColumn) -> Self {
        let types = (before.read_type(), after.read_type());
        let (was, is) = (NumberKind::of(types.0.as_ref()), NumberKind::of(types.1.as_ref()));
        let retyped = before.data_type != after.data_type;
        Self {
            name: after.name.clone(),
            as_text: types.1.as_ref().is_some_and(is_list)
                || (retyped && (was == NumberKind::None || is == NumberKind::None)),
            is_nested: [&types.0, &types.1]
                .into_iter()
                .any(|data_type| matches!(data_type, None | Some(DataType::Struct(_) | DataType::Map(..)))),
            // Of two kinds, the one that holds the other.
            kind: if was == NumberKind::None || is == NumberKind::None {
                NumberKind::None
            } else if was == is {
                is
            } else {
                NumberKind::Float
            },
        }
    }

    /// The condition that its value in `a` is another than in `b`.
    pub(super) fn differs(&self) -> String {
        let name = quoted(&self.name);
        let side = |side: &str| {
            if self.as_text { format!("CAST({side}.{name} AS VARCHAR)") } else { format!("{side}.{name}") }
        };
        // Without parentheses the parser takes an OR that follows for a part of the second operand.
        format!("({} IS DISTINCT FROM {})", side("a"), side("b"))
    }

    /// Its value in one of the sides as text.
    pub(super) fn shown(&self, side: &str) -> String {
        let name = if self.is_nested { "NULL".to_owned() } else { format!("{side}.{}", quoted(&self.name)) };
        format!("CAST({name} AS VARCHAR)")
    }

    /// What its value in `b` is more than in `a`; the subtraction loses no digit, only its result becomes a float.
    pub(super) fn difference(&self) -> String {
        let name = quoted(&self.name);
        match self.kind {
            NumberKind::None => "CAST(NULL AS DOUBLE)".to_owned(),
            NumberKind::Decimal => format!("CAST(b.{name} - a.{name} AS DOUBLE)"),
            NumberKind::Whole => {
                format!("CAST(CAST(b.{name} AS DECIMAL(20, 0)) - CAST(a.{name} AS DECIMAL(20, 0)) AS DOUBLE)")
            }
            NumberKind::Float => format!("CAST(b.{name} AS DOUBLE) - CAST(a.{name} AS DOUBLE)"),
        }
    }
}

fn is_list(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::ListView(_)
    )
}

impl<'a> Pair<'a> {
    pub(super) fn of(from: &'a Manifest, to: &'a Manifest, model: &TableName) -> Option<Self> {
        let (before, after) = (from.models.get(model)?, to.models.get(model)?);
        let grain = after.grain.as_slice();
        // Of another grain, no row is the row that it was.
        if grain.is_empty() || before.grain != grain {
            return None;
        }
        let column = |column: &ReleasedColumn| {
            let known = before.columns.iter().find(|known| known.name == column.name)?;
            (!grain.contains(&column.name)).then(|| Column::of(known, column))
        };
        let is_unique = |model: &ReleasedModel| {
            model.checks.iter().filter(|check| check.name == GRAIN_CHECK).all(|check| check.passed)
        };
        let columns: Vec<Column> = after.columns.iter().filter_map(column).collect();
        let repeats = !is_unique(before) || !is_unique(after);
        let of_grain: Vec<String> = grain.iter().map(|column| quoted(column)).collect();
        let nth = if repeats {
            let others = columns.iter().map(|column| quoted(&column.name));
            let order = of_grain.iter().cloned().chain(others).collect::<Vec<_>>().join(", ");
            format!(", row_number() OVER (PARTITION BY {} ORDER BY {order}) AS {NTH}", of_grain.join(", "))
        } else {
            String::new()
        };
        let table = model.to_string().replace('\'', "''");
        let side = |release: u64| format!("(SELECT *, true AS {THERE}{nth} FROM table_at('{table}', {release}))");
        Some(Self { sides: (side(from.release), side(to.release)), grain, repeats, columns })
    }

    /// Both sides joined by the grain, `a` the earlier and `b` the later one. A grain may have NULL in it.
    pub(super) fn joined(&self) -> String {
        let columns = self.grain.iter().map(|column| quoted(column)).chain(self.repeats.then(|| NTH.to_owned()));
        let equal: Vec<String> =
            columns.map(|column| format!("(a.{column} IS NOT DISTINCT FROM b.{column})")).collect();
        format!("{} AS a FULL JOIN {} AS b ON {}", self.sides.0, self.sides.1, equal.join(" AND "))
    }

    /// The condition that a column outside the grain differs.
    pub(super) fn any_differs(&self) -> String {
        let conditions: Vec<String> = self.columns.iter().map(Column::differs).collect();
        if conditions.is_empty() { "false".to_owned() } else { conditions.join(" OR ") }
    }
}
