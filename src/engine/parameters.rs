//! Values for `$name` in a statement: texts that become the type that the statement asks for.

use std::collections::{BTreeMap, HashMap};

use arrow::datatypes::DataType;
use datafusion::common::metadata::ScalarAndMetadata;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;

use crate::error::{Error, Result, engine_error};
use crate::name::closest;
use crate::sql::Statement;

/// Texts by the name of the parameter, without its `$`.
pub type Parameters = BTreeMap<String, String>;

/// `plan` with a value in the place of each parameter.
pub(super) fn bind(plan: LogicalPlan, parameters: &Parameters, statement: &Statement) -> Result<LogicalPlan> {
    let wanted = plan.get_parameter_types().map_err(engine_error)?;
    if wanted.is_empty() {
        return Ok(plan);
    }
    let mut values = HashMap::new();
    for (id, data_type) in wanted {
        let name = id.trim_start_matches('$');
        let text = parameters.get(name).ok_or_else(|| missing(name, parameters, statement))?;
        let value = match &data_type {
            Some(data_type) => typed(text, data_type).ok_or_else(|| {
                let wanted = plain(data_type);
                Error::usage(format!("`${name}` is `{text}`, but the statement needs {wanted} there"))
            })?,
            None => guessed(text),
        };
        values.insert(name.to_owned(), ScalarAndMetadata::new(value, None));
    }
    plan.with_param_values(ParamValues::Map(values)).map_err(engine_error)
}

fn missing(name: &str, parameters: &Parameters, statement: &Statement) -> Error {
    let error = Error::query(format!("`${name}` has no value"));
    let error = match statement.text().find(&format!("${name}")) {
        Some(at) => {
            let begin = statement.range().start + at;
            error.at(statement.source().place(begin..begin + name.len() + 1))
        }
        None => error,
    };
    match closest(name, parameters.keys().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `${near}`?")),
        None => error.hint(format!("give it with --param {name}=VALUE, in the shell with \\set {name} VALUE")),
    }
}

fn typed(text: &str, data_type: &DataType) -> Option<ScalarValue> {
    if text.eq_ignore_ascii_case("null") {
        return ScalarValue::try_from(data_type).ok();
    }
    ScalarValue::try_from_string(text.to_owned(), data_type).ok()
}

/// A value where the statement does not say what it needs: what the text looks like. A number with a leading zero is
/// an identifier, and dates are compared as texts are written.
fn guessed(text: &str) -> ScalarValue {
    let digits = text.trim_start_matches('-');
    let is_identifier = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    match text {
        "true" => ScalarValue::Boolean(Some(true)),
        "false" => ScalarValue::Boolean(Some(false)),
        "null" | "NULL" => ScalarValue::Null,
        _ if is_identifier || !digits.starts_with(|c: char| c.is_ascii_digit()) => ScalarValue::from(text),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(whole), _) => ScalarValue::from(whole),
            (_, Ok(number)) => ScalarValue::from(number),
            _ => ScalarValue::from(text),
        },
    }
}

fn plain(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "true or false",
        DataType::Date32 | DataType::Date64 => "a date such as 2024-05-31",
        DataType::Timestamp(..) => "a time such as 2024-05-31 08:00:00",
        numeric if numeric.is_integer() => "a whole number",
        numeric if numeric.is_numeric() => "a number",
        _ => "another type",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_what_it_looks_like() {
        assert_eq!(guessed("5"), ScalarValue::from(5i64));
        assert_eq!(guessed("-2.5"), ScalarValue::from(-2.5));
        assert_eq!(guessed("0.5"), ScalarValue::from(0.5));
        for text in ["2024-05", "007", "C-12", "nan", "inf", "", "5 soles"] {
            assert_eq!(guessed(text), ScalarValue::from(text), "{text}");
        }
        assert_eq!(guessed("true"), ScalarValue::Boolean(Some(true)));
    }
}
