//! How the files of a dataset are written: `format:`, `options:`, and what the ending of a path says.

use encoding_rs::Encoding;

use super::file::{DatasetFile, FormatFile, OptionsFile};
use super::{CsvOptions, Format};
use crate::document::{Notes, Path};
use crate::error::Finding;

/// What a dataset's files are, by `format:` or by the ending of their path.
pub(super) fn format(file: &DatasetFile, here: &Path, notes: &mut Notes<'_>) -> Format {
    let ending = Ending::of(&file.path);
    let format = match (file.format, ending) {
        (Some(format), _) | (None, Ending::Says(format)) => format,
        (None, Ending::Silent) => {
            if !file.path.trim().is_empty() {
                let finding = Finding::new("the path does not say how the files are written");
                notes.value(
                    &here.then("path"),
                    finding.hint("add `format: csv`, `tsv`, `json`, `jsonl`, `parquet` or `arrow`"),
                );
            }
            return Format::Parquet;
        }
    };
    let options = file.options.as_ref();
    match format {
        FormatFile::Csv => Format::Csv(csv_options(b',', options, &here.then("options"), notes)),
        FormatFile::Tsv => Format::Csv(csv_options(b'\t', options, &here.then("options"), notes)),
        FormatFile::Json => without_options(Format::Json, options, here, notes),
        FormatFile::Jsonl => without_options(Format::JsonLines, options, here, notes),
        FormatFile::Parquet => without_options(Format::Parquet, options, here, notes),
        FormatFile::Arrow => without_options(Format::Arrow, options, here, notes),
    }
}

fn without_options(format: Format, options: Option<&OptionsFile>, here: &Path, notes: &mut Notes<'_>) -> Format {
    if options.is_some() {
        let finding = Finding::new("`options` are for csv and tsv files");
        let hint = format!("take them out; {} files describe themselves", format.ending());
        notes.key(&here.then("options"), finding.hint(hint));
    }
    format
}

/// What the ending of a path says about its files.
pub(super) enum Ending {
    Says(FormatFile),
    Silent,
}

impl Ending {
    /// The value of `format:` that the ending makes unnecessary.
    pub(super) fn format(&self) -> Option<&'static str> {
        match self {
            Self::Says(FormatFile::Csv) => Some("csv"),
            Self::Says(FormatFile::Tsv) => Some("tsv"),
            Self::Says(FormatFile::Json) => Some("json"),
            Self::Says(FormatFile::Jsonl) => Some("jsonl"),
            Self::Says(FormatFile::Parquet) => Some("parquet"),
            Self::Says(FormatFile::Arrow) => Some("arrow"),
            Self::Silent => None,
        }
    }

    pub(super) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
        // Compression is seen in the bytes; the ending before says what was compressed.
        let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("csv") => Self::Says(FormatFile::Csv),
            Some("tsv") => Self::Says(FormatFile::Tsv),
            Some("parquet") => Self::Says(FormatFile::Parquet),
            Some("json") => Self::Says(FormatFile::Json),
            Some("jsonl" | "ndjson") => Self::Says(FormatFile::Jsonl),
            Some("arrow" | "feather") => Self::Says(FormatFile::Arrow),
            _ => Self::Silent,
        }
    }
}

fn csv_options(delimiter: u8, options: Option<&OptionsFile>, here: &Path, notes: &mut Notes<'_>) -> CsvOptions {
    let mut csv = CsvOptions { delimiter, ..CsvOptions::default() };
    let Some(options) = options else { return csv };
    if let Some(delimiter) = &options.delimiter {
        match delimiter.as_bytes() {
            [b'"' | b'\n' | b'\r'] => notes.value(
                &here.then("delimiter"),
                Finding::new("quotes and line ends cannot stand between fields")
                    .hint("write \",\", \";\", \"|\" or \"\\t\""),
            ),
            [one] => csv.delimiter = *one,
            _ => notes.value(
                &here.then("delimiter"),
                Finding::new(format!("the delimiter `{delimiter}` is not one byte long"))
                    .hint("write \",\", \";\", \"|\" or \"\\t\""),
            ),
        }
    }
    if let Some(null) = &options.null {
        csv.null.clone_from(null);
    }
    if let Some(label) = &options.encoding {
        match Encoding::for_label_no_replacement(label.as_bytes()) {
            Some(encoding) => csv.encoding = encoding,
            None => notes.value(
                &here.then("encoding"),
                Finding::new(format!("`{label}` is no encoding that cauce reads"))
                    .hint("write utf-8, utf-16le, windows-1252, iso-8859-2 or another name of the WHATWG list"),
            ),
        }
    }
    csv
}
