//! Taking up what a run has built and not published: it is compared like a release.

use std::collections::BTreeMap;

use super::{Action, Facts, Step, Wish, judged};
use crate::release::{ReleasedFile, Unpublished};

/// Takes up what was built and not published: of the models to build those that would not be, were that the last release.
pub(super) fn resume(
    steps: &mut [Step],
    unpublished: &Unpublished,
    facts: &Facts<'_>,
    wish: &Wish,
    datasets: &BTreeMap<String, Vec<ReleasedFile>>,
) {
    let mut unpublished = unpublished.clone();
    // What was built from them must not stand, either: seen from here it is older than what it reads.
    for model in facts.failed {
        unpublished.forget(model);
    }
    let would_be = unpublished.after(facts.last);
    let steps_then = judged(&Facts { last: Some(&would_be), ..facts.clone() }, wish, datasets);
    for (step, then) in steps.iter_mut().zip(steps_then) {
        let stands = matches!(then.action, Action::Skip | Action::Check);
        // A view is defined anew in no time, and has no files.
        let built =
            unpublished.manifest.models.get(&step.model).filter(|_| unpublished.staged.contains_key(&step.model));
        if let (Action::Build, true, Some(built)) = (step.action, stands, built) {
            step.resumes = Some(built.run.clone());
            (step.by_files, step.input_bytes, step.input_rows, step.last_millis) = (false, 0, Some(0), Some(0));
        }
    }
}
