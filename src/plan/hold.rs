//! What keeps a release back although something could be built.

use std::collections::BTreeSet;

use super::{Action, Plan, Step};
use crate::model::{Models, OnFailure};
use crate::name::TableName;

/// Why nothing may be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The checks of this model fail, and nothing may be published without it.
    Failed(TableName),
    /// A model is not published without one that it reads, which stays as it was.
    Reader {
        /// The model.
        model: TableName,
        /// What it reads.
        input: TableName,
        /// Why that stays as it was.
        reason: String,
    },
}

impl Plan {
    /// What the headers of `models` say that keeps the release back, if they do, where the checks of those `failed`.
    #[must_use]
    pub fn held_back(&self, models: &Models, failed: &BTreeSet<TableName>) -> Option<Hold> {
        let stopping = |step: &Step| {
            let own = models.get(&step.model).map(|model| model.header.on_failure);
            let lost = own != Some(OnFailure::KeepLastGood) || step.action == Action::LeaveOut;
            (failed.contains(&step.model) && lost).then(|| Hold::Failed(step.model.clone()))
        };
        let reader = |input: &Step| {
            let strict = |reader: &&Step| {
                let model = models.get(&reader.model);
                model.is_some_and(|model| model.header.inputs.get(&input.model) == Some(&OnFailure::Block))
            };
            let reader = self.steps.iter().filter(|step| step.asked_for).find(strict)?;
            let (model, input, reason) = (reader.model.clone(), input.model.clone(), input.reason.clone());
            Some(Hold::Reader { model, input, reason })
        };
        // Also one that nobody asked for: its checks read what this run built.
        self.steps.iter().find_map(stopping).or_else(|| self.blocked().find_map(reader))
    }
}
