//! SQL text: cutting it into statements, parsing one, the tables a query reads, and the place of a mistake.
//!
//! One dialect and one parser serve models, checks, the shell and batch files, so that a statement means the same
//! everywhere. Nothing here knows which tables exist: that is for `model` and `engine`.

mod cte;
mod key;
mod past;
mod query;
mod source;
mod statement;
mod syntax;
mod tokens;

use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect};

pub use cte::step_of;
pub use key::key_columns;
pub use past::PAST_SCHEMA;
pub use query::{Query, Reference};
pub use source::Source;
pub use statement::{Parsed, Statement};
pub use tokens::{Kind, Token, is_blank, is_significant, tokens};

/// How deep expressions may nest before the parser refuses them.
const RECURSION_LIMIT: usize = 128;

/// The dialect of all SQL in cauce.
fn dialect() -> &'static dyn Dialect {
    &PostgreSqlDialect {}
}
