//! Who answers: a modest pool of agents, and the bots of the WhatsApp line.
//!
//! At scale 1 there are 400 agents, so that an agent has some 190 tickets and averages mean something; the busier half has
//! three times the work of the other. The pool grows with the scale.

use super::dice::{Dice, Seed};
use super::ids::Ids;
use super::tickets;

const FEWEST_AGENTS: u64 = 12;
const AGENTS_AT_SCALE_1: u64 = 400;
const BOTS: u64 = 24;

/// The pool of agents and bots.
#[derive(Debug)]
pub(super) struct Staff {
    agents: u64,
    agent_ids: Ids,
    bot_ids: Ids,
}

impl Staff {
    /// The pool that a number of tickets needs.
    pub(super) fn new(tickets: u64, seed: Seed) -> Self {
        let agents = (tickets * AGENTS_AT_SCALE_1 / tickets::ROWS).max(FEWEST_AGENTS);
        Self { agents, agent_ids: Ids::decimal("ASR_", 5, agents, seed), bot_ids: Ids::decimal("BOT_", 4, BOTS, seed) }
    }

    /// An agent, such as `ASR_67456`.
    pub(super) fn agent(&self, dice: &mut Dice) -> String {
        let busy = dice.chance(500);
        self.agent_ids.id(dice.below(if busy { self.agents / 2 } else { self.agents }))
    }

    /// A bot, such as `BOT_2957`.
    pub(super) fn bot(&self, dice: &mut Dice) -> String {
        self.bot_ids.id(dice.below(BOTS))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::dice::DiceBox;
    use super::*;

    #[test]
    fn agents_have_realistic_workloads() {
        let staff = Staff::new(75_000, Seed(42));
        let dice = DiceBox::new(Seed(42), "x");
        let mut tickets: BTreeMap<String, u32> = BTreeMap::new();
        for row in 0..75_000 {
            *tickets.entry(staff.agent(&mut dice.row(row))).or_default() += 1;
        }
        assert_eq!(tickets.len(), 400);
        assert!(tickets.values().all(|count| (50..400).contains(count)));
    }
}
