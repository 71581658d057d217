//! Carrying out a plan until it goes through: where files are found damaged, or the checks of models fail that may stay as
//! they were, it is planned again without them, and what was built is taken up.

use std::collections::BTreeSet;

use super::checks::tell_failure;
use super::planned::Planned;
use super::project::Project;
use super::settings::Settings;
use super::teller::{Detail, Teller};
use super::{drift, new_run_id};
use crate::catalog::Verdict;
use crate::check::Outcome;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::name::TableName;
use crate::plan::{Action, Hold};
use crate::run::{Ending, Run, Tuning, carry_out};

/// What came of a plan.
pub(super) struct Came {
    /// The plan that was carried out last.
    pub(super) planned: Planned,
    /// How that ended; none if nothing changed, so that there was nothing to do.
    pub(super) ending: Option<Ending>,
    /// What the checks measured of models that stay as they were because some of them fail.
    pub(super) set_aside: Vec<Outcome>,
}

/// Carries out `planned`, as often as it takes.
///
/// # Errors
/// A plan of which nothing can be carried out, and those of [`carry_out`].
pub(super) async fn attempt(
    project: &Project,
    settings: &Settings,
    clock: &dyn Clock,
    mut planned: Planned,
    detail: Detail,
) -> Result<Came> {
    let printer = &settings.printer;
    let engine_settings = settings.engine(&project.catalog.project);
    let begun_at = clock.now();
    let (mut told, mut set_aside) = (BTreeSet::new(), Vec::new());
    loop {
        let (id, plan) = (new_run_id(), &planned.plan);
        if let Some(error) = hopeless(&planned) {
            return Err(error);
        }
        if plan.changes_nothing() {
            return Ok(Came { planned, ending: None, set_aside });
        }
        let run = Run {
            id: &id,
            catalog: &planned.catalog,
            models: &planned.models,
            meanings: &planned.meanings,
            corrections: &planned.corrections,
            key: &planned.key,
            last: planned.last.as_ref(),
            unpublished: planned.unpublished.as_ref(),
            lake: &project.lake,
            settings: &engine_settings,
            clock,
            begun_at,
            tuning: Tuning::default(),
        };
        let teller = Teller::new(printer, plan, detail, told);
        let ending = Box::pin(carry_out(run, plan, planned.inputs.clone(), &|event| teller.tell(event))).await?;
        told = teller.end();
        match ending {
            Ending::Damaged { files } => {
                let found = planned.do_without(project, files).await?;
                drift::tell(printer, &found, Verdict::Read)?;
                if hopeless(&planned).is_none() {
                    printer.hint(
                        "damage is seen only by reading: what was made of these files is left behind, and the run \
                         begins again",
                    );
                }
            }
            Ending::Blocked { outcomes, accounts } => {
                let failed = outcomes.iter().filter(|outcome| outcome.blocks());
                let failed: BTreeSet<TableName> = failed.map(|outcome| outcome.model.clone()).collect();
                if !planned.go_without(project, &failed).await? {
                    return Ok(Came { planned, ending: Some(Ending::Blocked { outcomes, accounts }), set_aside });
                }
                for outcome in outcomes.into_iter().filter(|outcome| failed.contains(&outcome.model)) {
                    if !outcome.passed {
                        tell_failure(printer, &outcome)?;
                    }
                    set_aside.push(outcome);
                }
                let names: Vec<String> = failed.iter().map(ToString::to_string).collect();
                printer.hint(format_args!("the run goes on without {}", names.join(", ")));
            }
            ending => return Ok(Came { planned, ending: Some(ending), set_aside }),
        }
    }
}

/// Why nothing of a plan can be carried out, if nothing can.
fn hopeless(planned: &Planned) -> Option<Error> {
    let plan = &planned.plan;
    let held = || {
        let told = reader_without(planned)?;
        Some(
            Error::new(Kind::Check, format!("{told}; nothing was published"))
                .hint("correct the files or catalog.yaml; `cauce plan` says for each model why"),
        )
    };
    let nothing = || {
        let nothing = plan.steps.iter().all(|step| step.action == Action::LeaveOut);
        nothing.then(|| {
            Error::query("no model can be built; nothing was published")
                .hint("correct the files or catalog.yaml; `cauce plan` says for each model why")
        })
    };
    drift::stopped(plan).or_else(held).or_else(nothing)
}

/// The model that lets nothing be published without one that it reads, if there is one.
pub(super) fn reader_without(planned: &Planned) -> Option<String> {
    match planned.held_back()? {
        Hold::Reader { model, input, reason } => {
            Some(format!("{model} says `on_failure: block` of {input}, which stays as it was: {reason}"))
        }
        Hold::Failed(_) => None,
    }
}
