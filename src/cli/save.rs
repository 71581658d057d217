//! A query of the shell as a model of the project: tried as one, written, planned.

use std::fs;

use super::plan::show;
use super::planned::planned_of;
use super::project::{Project, shown};
use super::selection::{Selection, Wanted};
use super::settings::{Settings, working_folder};
use crate::error::{Error, Kind, Result, io_reason};
use crate::model::Draft;
use crate::output::Target;

/// Writes `draft` into the project's folder `sql/` and shows what a run would do with it.
///
/// # Errors
/// A file that is there, unless `replace` is set, and a draft that cannot be a model: then nothing is written.
pub(super) async fn save(draft: &Draft, replace: bool, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let Draft { name, .. } = draft;
    let path = project.model_file(name);
    let file = shown(&path, &working_folder()?);
    if path.exists() && !replace {
        return Err(Error::new(Kind::Refused, format!("{file} is there already"))
            .hint(format!("take another name, or replace it: \\save {name} --force")));
    }
    let text = draft.text();
    let unwritten = |error: Error| error.while_doing("nothing was written");
    let models = project.models_with(name, &text).map_err(unwritten)?;
    let only = Selection { wanted: Wanted::only(vec![name.to_string()]), ..Selection::default() };
    let planned = planned_of(&project, models, settings, &only).await.map_err(unwritten)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .map_err(|failure| Error::store(format!("cannot make {}: {}", folder.display(), io_reason(&failure))))?;
    }
    let mut target = Target::file(&path)?;
    target.text(&text)?;
    target.finish()?;
    let printer = &settings.printer;
    printer.done(format_args!("{file} written"));
    show(&planned.plan, settings)?;
    let describe = if draft.description.is_empty() { "say in `description` what a row is, " } else { "" };
    let correct = match (draft.grain.as_slice(), draft.not_null.as_slice()) {
        ([], []) => "add `grain` and `checks`".to_owned(),
        ([], _) => "add `grain`, and look through the checks: they are what the rows show now".to_owned(),
        _ => "look through grain and checks: they are what the rows show now".to_owned(),
    };
    printer.hint(format_args!("{describe}{correct}; \\run {name} builds it"));
    Ok(())
}
