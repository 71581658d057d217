//! Commands of the command line: what they take, do and show is said there and nowhere else.

use futures::FutureExt;

use super::{Command, Takes, words};
use crate::error::{Error, Result};
use crate::name::{Layer, TableName};
use crate::shell::answer::last;
use crate::shell::draft::draft;
use crate::shell::{Flow, Shell};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        names: &["plan"],
        arguments: "[models]",
        help: "what a run would do and why",
        takes: Takes::Table,
        run: |shell, argument| told(shell, "plan", argument).boxed(),
    },
    Command {
        names: &["run"],
        arguments: "[models]",
        help: "build what changed, check it and publish it; then read the new release",
        takes: Takes::Table,
        run: |shell, argument| run(shell, argument).boxed(),
    },
    Command {
        names: &["check"],
        arguments: "[models]",
        help: "measure the checks again, on the release that is read",
        takes: Takes::Table,
        run: |shell, argument| told(shell, "check", argument).boxed(),
    },
    Command {
        names: &["why"],
        arguments: "<model>",
        help: "why a run would build a model, or would not",
        takes: Takes::Table,
        run: |shell, argument| told(shell, "why", argument).boxed(),
    },
    Command {
        names: &["lineage"],
        arguments: "<column or table>",
        help: "what it is made from, and what is made from it",
        takes: Takes::Column,
        run: |shell, argument| told(shell, "lineage", argument).boxed(),
    },
    Command {
        names: &["diff"],
        arguments: "[from] [to]",
        help: "what differs between two releases",
        takes: Takes::Words(&["newest"]),
        run: |shell, argument| told(shell, "diff", argument).boxed(),
    },
    Command {
        names: &["save"],
        arguments: "<model> [description]",
        help: "the last query as a model file, with the grain and checks that its rows show",
        takes: Takes::Words(&["curated.", "processed.", "--force"]),
        run: |shell, argument| save(shell, argument).boxed(),
    },
];

/// Has the command `name` of the command line carried out.
async fn told(shell: &mut Shell, name: &str, argument: &str) -> Result<Flow> {
    let line: Vec<String> = [name.to_owned()].into_iter().chain(words(argument)).collect();
    shell.session.command(&line).await?;
    Ok(Flow::Continue)
}

/// Has a run carried out and reads what it published.
async fn run(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let ran = told(shell, "run", argument).await;
    // A run that ends with a failure may have published all the same: a release that is not whole.
    shell.session = shell.session.renewed().await?;
    ran
}

/// Has the last query written as a model.
async fn save(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let (options, words): (Vec<String>, Vec<String>) = words(argument).into_iter().partition(|it| it.starts_with("--"));
    if let Some(unknown) = options.iter().find(|option| *option != "--force") {
        return Err(Error::usage(format!("\\save knows no option {unknown}")).hint("--force replaces a file"));
    }
    let Some((name, description)) = words.split_first() else {
        return Err(Error::usage("the name of the model is missing").hint("for example \\save curated.kpi_demora"));
    };
    let wrong = |what: &str, meant: &str| Err(Error::usage(what.to_owned()).hint(format!("\\save {meant}")));
    let name: TableName = match name.parse::<TableName>() {
        Ok(name) if Layer::OF_MODELS.contains(&name.layer) => name,
        Ok(name) => {
            return wrong("models stand in the layers processed and curated", &format!("curated.{}", name.name));
        }
        Err(()) => return wrong(&format!("`{name}` says no layer"), &format!("curated.{name}")),
    };
    let Some(statement) = shell.last_statement.clone() else {
        return Err(Error::usage("there is no query to save yet").hint("run a query first"));
    };
    let draft = draft(name, description.join(" "), &statement, last(&mut shell.last)?)?;
    shell.session.save(&draft, !options.is_empty()).await?;
    Ok(Flow::Continue)
}
