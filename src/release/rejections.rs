//! Where the rejects of a release stand: it may hold what several runs read.

use std::collections::BTreeMap;

use crate::name::TableName;

/// Rejects of a release, as `system.rejects` has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejections<'a> {
    /// The run that found them.
    pub run: String,
    /// The dataset or model they are of.
    pub table: TableName,
    /// The files they stand in, where the run also read others that are not of the release any more.
    pub files: Option<Vec<&'a str>>,
}

/// The rejects of a table that `run` made, of whose files (path and run) earlier runs may have read some.
pub(super) fn by_run<'a>(
    table: TableName,
    run: String,
    files: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<Rejections<'a>> {
    let mut read = BTreeMap::<&str, Vec<&str>>::new();
    for (path, by) in files {
        read.entry(by).or_default().push(path);
    }
    if read.keys().all(|by| *by == run) {
        return vec![Rejections { run, table, files: None }];
    }
    let of_run =
        |(by, files): (&str, Vec<&'a str>)| Rejections { run: by.to_owned(), table: table.clone(), files: Some(files) };
    read.into_iter().map(of_run).collect()
}
