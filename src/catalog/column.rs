//! The columns of a dataset: their names, types and rules.

use super::file::{ColumnFile, PiiFile};
use super::{Column, ColumnType, Pii, rules};
use crate::document::{Notes, Path};
use crate::error::Finding;
use crate::name::closest;

/// Arrow's limit of decimal digits in 128 bits.
const MAX_PRECISION: u8 = 38;

/// What a column of a dataset is.
pub(super) fn column(file: ColumnFile, here: &Path, notes: &mut Notes<'_>) -> Column {
    let column_type = match column_type(&file.column_type.0) {
        Ok(column_type) => column_type,
        Err(finding) => {
            notes.value(&here.then("type"), finding);
            ColumnType::String
        }
    };
    let pii = file.pii.map(|pii| match pii {
        PiiFile::Pseudonym => Pii::Pseudonym,
        PiiFile::Drop => Pii::Drop,
    });
    if pii == Some(Pii::Pseudonym) && column_type != ColumnType::String {
        let finding = Finding::new(format!("only a text can become a pseudonym, `{}` is none", file.name));
        notes.value(&here.then("pii"), finding.hint("declare `type: string`, or `pii: drop`"));
    }
    let rules = rules::rules(&file, column_type, here, notes);
    Column { name: file.name, column_type, required: file.required, description: file.description, pii, rules }
}

/// Notes a name that no column can have.
pub(super) fn column_name(name: &str, path: &Path, notes: &mut Notes<'_>) {
    if let Some(wrong) = wrong_column_name(name) {
        notes.value(path, Finding::new(wrong).hint("correct it here and in the files' headers"));
    }
}

/// Why a column cannot have this name, if it cannot: it may have any that can be written in SQL between double quotes
/// without escapes.
#[must_use]
pub fn wrong_column_name(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("a column has no name".to_owned())
    } else if name.trim() != name {
        Some(format!("the column name `{name}` begins or ends with a blank"))
    } else if name.contains(|c: char| c.is_control() || c == '"') {
        Some(format!("the column name `{}` holds a quote or a control character", name.escape_debug()))
    } else {
        None
    }
}

/// Reads the name of a type.
fn column_type(text: &str) -> Result<ColumnType, Finding> {
    let word = text.trim().to_lowercase();
    Ok(match word.as_str() {
        "string" => ColumnType::String,
        "int" => ColumnType::Int,
        "float" => ColumnType::Float,
        "bool" => ColumnType::Bool,
        "date" => ColumnType::Date,
        "timestamp" => ColumnType::Timestamp,
        "list<string>" => ColumnType::StringList,
        _ => match word.strip_prefix("decimal") {
            Some(arguments) => return decimal(text, arguments.trim()),
            None => return Err(unknown_type(text, &word)),
        },
    })
}

fn decimal(text: &str, arguments: &str) -> Result<ColumnType, Finding> {
    let wrong =
        |message: String| Err(Finding::new(message).hint("write decimal(precision, scale), such as decimal(12,2)"));
    let numbers = arguments
        .strip_prefix('(')
        .and_then(|arguments| arguments.strip_suffix(')'))
        .and_then(|arguments| arguments.split_once(','))
        .and_then(|(precision, scale)| Some((precision.trim().parse::<u8>().ok()?, scale.trim().parse::<u8>().ok()?)));
    match numbers {
        None => wrong(format!("`{text}` is not a decimal type")),
        Some((precision, _)) if !(1..=MAX_PRECISION).contains(&precision) => {
            wrong(format!("a decimal has 1 to {MAX_PRECISION} digits, `{text}` has {precision}"))
        }
        Some((precision, scale)) if scale > precision => {
            wrong(format!("`{text}` has more digits after the point than digits"))
        }
        Some((precision, scale)) => Ok(ColumnType::Decimal { precision, scale }),
    }
}

fn unknown_type(text: &str, word: &str) -> Finding {
    const TYPES: [&str; 8] = ["string", "int", "float", "decimal(p,s)", "bool", "date", "timestamp", "list<string>"];
    let meant = match word {
        "text" | "varchar" | "char" | "str" | "utf8" | "object" => Some("string"),
        "integer" | "bigint" | "smallint" | "int64" | "int32" | "long" => Some("int"),
        "double" | "real" | "float64" | "float32" | "number" => Some("float"),
        "numeric" => Some("decimal(p,s)"),
        "boolean" => Some("bool"),
        "datetime" | "timestamptz" | "time" => Some("timestamp"),
        "list" | "array" | "string[]" | "array<string>" | "list<str>" => Some("list<string>"),
        _ => closest(word, TYPES),
    };
    let finding = Finding::new(format!("unknown type `{text}`"));
    match meant {
        Some(meant) => finding.hint(format!("did you mean `{meant}`?")),
        None => finding.hint(format!("one of {}", TYPES.join(", "))),
    }
}
