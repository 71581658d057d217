//! `cauce catalog check`: whether the files are as the catalog says.

use clap::Args;

use crate::catalog::Verdict;
use crate::cli::drift;
use crate::cli::project::Project;
use crate::cli::settings::Settings;
use crate::error::{Error, Kind, Result};
use crate::output::{Format, ResultFile, counted};
use crate::plan::sift;
use crate::run::{compare_inputs, complete, list_datasets};

/// Compare the files of all datasets with catalog.yaml, without reading them whole
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The datasets [default: all]
    #[arg(value_name = "DATASET")]
    datasets: Vec<String>,
}

pub(super) async fn check(arguments: &Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let chosen = project.chosen(&arguments.datasets)?;
    let inputs = list_datasets(&project.lake, &project.catalog, chosen).await?;
    let (catalog, _) = complete(&project.catalog, &inputs).await?;
    let listed = compare_inputs(&catalog, &inputs).await?;
    let (datasets, files) = (listed.len(), listed.values().map(Vec::len).sum());
    let drift = sift(&catalog, listed).drift;
    if !drift.is_empty() {
        let rows = drift::table(&drift.iter().collect::<Vec<_>>())?;
        let layout = settings.printer.layout(None);
        // Every word of it matters.
        let format = if settings.printer.is_terminal() { Format::Box } else { settings.printer.default_format() };
        let mut file = ResultFile::begin(format, &rows.schema(), settings.printer.stdout(), &layout)?;
        file.batch(&rows)?;
        file.finish()?;
    }
    let unfit = drift::files(drift.iter().filter(|difference| difference.verdict >= Verdict::LeaveOut));
    if unfit > 0 {
        let message = format!("{unfit} of {} not fit the catalog", counted(files, "file") + drift::does(unfit));
        return Err(Error::new(Kind::Check, message).hint("the last column says what to write in catalog.yaml"));
    }
    settings.printer.done(format_args!(
        "{} of {} fit the catalog",
        counted(files, "file"),
        counted(datasets, "dataset")
    ));
    Ok(())
}
