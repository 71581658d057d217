//! `cauce init`: a small new project that runs as it is.

use std::path::{Path, PathBuf};

use clap::Args;

use super::settings::{Settings, working_folder};
use super::template::{State, Template, exists, refuse_project, tell_next};
use crate::error::Result;

/// Make a small new project that runs as it is
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder; made where it is missing. A file that exists is never overwritten
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn init(arguments: &Arguments, settings: &Settings) -> Result<()> {
    refuse_project(settings.project.as_ref(), "name the folder alone: init DIR")?;
    let folder = &arguments.folder;
    let name = project_name(&working_folder()?.join(folder));
    let template = Template::small(&name);
    if let Some((file, _)) = template.states(folder)?.into_iter().find(|(_, state)| *state != State::Missing) {
        return Err(exists(&folder.join(file)));
    }
    template.write(folder)?;
    settings.printer.done(format_args!("made the project {name} in {}: {}", folder.display(), template.summary()));
    let commands = [
        ("run", "build, check, publish"),
        ("query \"SELECT * FROM kpi_canal\"", "KPIs by channel"),
        ("shell", "ask in SQL"),
    ];
    tell_next(&settings.printer, folder, commands);
    Ok(())
}

/// The name of a project in that folder: the folder's, with the characters of names only.
fn project_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect();
    if name.is_empty() { "mi_proyecto".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_named_after_its_folder() {
        for (folder, name) in [("/a/Tienda 2", "Tienda_2"), ("/a/b/.", "b"), ("/a/\"x\"", "_x_"), ("/", "mi_proyecto")]
        {
            assert_eq!(project_name(Path::new(folder)), name);
        }
    }
}
