//! `cauce spec`: the formats of files as JSON Schema, for editors.

use clap::{Args, ValueEnum};

use super::listing::write_json;
use super::settings::Settings;
use crate::error::Result;
use crate::{catalog, model};

/// Print the JSON Schema of a file that people write
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file
    #[arg(value_enum)]
    what: What,
}

/// A file with a schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// catalog.yaml
    Catalog,
    /// The header of a model
    Header,
}

pub(super) fn spec(arguments: &Arguments, settings: &Settings) -> Result<()> {
    let schema = match arguments.what {
        What::Catalog => catalog::json_schema(),
        What::Header => model::header_schema(),
    };
    write_json(&settings.printer, &schema)
}
