//! Why a model is built, back to where it began.

use serde::Serialize;

use super::{Action, Plan, Step};
use crate::name::TableName;

/// One link of the chain: a table, and what happens to it for which reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The table.
    pub table: TableName,
    /// What is done with it; none for a dataset.
    pub action: Option<Action>,
    /// Why.
    pub reason: String,
}

impl Plan {
    /// The chain of reasons from the model `name` back to the change that began it; empty if the plan does not know the
    /// model.
    #[must_use]
    pub fn why(&self, name: &TableName) -> Vec<Link> {
        let find = |name: &TableName| self.steps.iter().find(|step| step.model == *name);
        let mut chain = Vec::new();
        let mut next = find(name);
        while let Some(step) = next {
            let Step { model, action, reason, because, .. } = step;
            chain.push(Link { table: model.clone(), action: Some(*action), reason: reason.clone() });
            // Inputs stand before their readers in a plan, so the chain ends.
            next = because.as_ref().and_then(find);
        }
        chain
    }
}
