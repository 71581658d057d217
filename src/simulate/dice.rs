//! Chance without memory: every row throws dice of its own.
//!
//! A dataset has one `ChaCha8` key, derived from the seed and the dataset's name; each row uses the cipher stream of its
//! number. So any row can be made alone, in any order, on any machine, and is always the same. Only integers are drawn:
//! no result hangs on how a platform rounds.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// The number everything follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seed(pub(super) u64);

impl Seed {
    /// 32 bytes that differ for every seed and every purpose.
    pub(super) fn key(self, purpose: &str) -> [u8; 32] {
        // The version in front: should the recipe of the rows change, no old row comes back by accident.
        let hash = Sha256::new().chain_update(b"cauce simulate 1\0").chain_update(self.0.to_le_bytes());
        hash.chain_update(purpose.as_bytes()).finalize().into()
    }
}

/// The dice of all rows of one dataset.
#[derive(Debug, Clone)]
pub(super) struct DiceBox(ChaCha8Rng);

impl DiceBox {
    /// The dice for one purpose, usually a dataset's name.
    pub(super) fn new(seed: Seed, purpose: &str) -> Self {
        Self(ChaCha8Rng::from_seed(seed.key(purpose)))
    }

    /// The dice of one row.
    pub(super) fn row(&self, row: u64) -> Dice {
        let mut stream = self.0.clone();
        stream.set_stream(row);
        Dice(stream)
    }
}

/// The dice of one row: throws follow each other, so their order in the code is part of the result.
#[derive(Debug)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// A number from 0 to `n − 1`; 0 if `n` is 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        // The high half of a 128-bit product: a bias below n / 2^64, and no loop.
        let product = u128::from(self.0.next_u64()) * u128::from(n);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// A whole number from `low` to `high`, both included; `low` if they are in the wrong order.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low).map_or(0, |span| span + 1);
        low + i64::try_from(self.below(span)).unwrap_or_default()
    }

    /// True in `per_mille` of 1,000 throws.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// An index of `weights`, each as often as its weight says.
    pub(super) fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut rest = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if rest < *weight {
                return index;
            }
            rest -= weight;
        }
        0
    }

    /// One of `choices`, which must not be empty.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let index = self.below(choices.len() as u64);
        choices[usize::try_from(index).unwrap_or_default()]
    }

    /// `count` different members of `pool` in random order; all of them if there are fewer.
    pub(super) fn sample(&mut self, pool: &[&'static str], count: usize) -> Vec<&'static str> {
        let mut rest = pool.to_vec();
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count && !rest.is_empty() {
            let index = self.below(rest.len() as u64);
            taken.push(rest.remove(usize::try_from(index).unwrap_or_default()));
        }
        taken
    }

    /// 128 random bits as 32 lower-case hexadecimal digits, the form of the names of uploaded files.
    pub(super) fn hex32(&mut self) -> String {
        format!("{:016x}{:016x}", self.0.next_u64(), self.0.next_u64())
    }

    /// The generator, for the `fake` crate.
    pub(super) fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_same_whenever_it_is_thrown() {
        let dice = DiceBox::new(Seed(42), "clientes");
        let forward: Vec<u64> = (0..50).map(|row| dice.row(row).below(1 << 40)).collect();
        let backward: Vec<u64> = (0..50).rev().map(|row| dice.row(row).below(1 << 40)).collect();
        assert!(forward.iter().eq(backward.iter().rev()));
        assert_ne!(forward[0], forward[1]);
        assert_ne!(forward[0], DiceBox::new(Seed(43), "clientes").row(0).below(1 << 40));
        assert_ne!(forward[0], DiceBox::new(Seed(42), "tickets").row(0).below(1 << 40));
    }

    #[test]
    fn the_first_throws_of_seed_42_never_change() {
        let mut dice = DiceBox::new(Seed(42), "clientes").row(0);
        let throws = [dice.below(1_000_000), dice.below(1_000_000), dice.below(1_000_000)];
        assert_eq!(throws, [421_742, 623_835, 734_753]);
    }

    #[test]
    fn throws_stay_in_their_range_and_reach_both_ends() {
        let mut dice = DiceBox::new(Seed(1), "x").row(7);
        let throws: Vec<i64> = (0..500).map(|_| dice.between(-2, 3)).collect();
        assert_eq!((throws.iter().min(), throws.iter().max()), (Some(&-2), Some(&3)));
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.between(5, 1), 5);
    }

    #[test]
    fn weights_decide_how_often() {
        let mut dice = DiceBox::new(Seed(1), "x").row(0);
        let mut seen = [0; 3];
        for _ in 0..10_000 {
            seen[dice.weighted(&[7, 0, 3])] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!((6_800..7_200).contains(&seen[0]), "{seen:?}");
    }

    #[test]
    fn a_sample_has_no_member_twice() {
        let mut dice = DiceBox::new(Seed(1), "x").row(0);
        for _ in 0..100 {
            let sample = dice.sample(&["a", "b", "c", "d"], 3);
            assert_eq!(sample.len(), 3);
            assert_eq!(sample.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
        }
        assert_eq!(dice.sample(&["a"], 3), ["a"]);
    }
}
