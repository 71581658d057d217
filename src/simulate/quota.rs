//! Exact shares without memory.
//!
//! A [`Permutation`] shuffles the numbers below n by arithmetic alone: a keyed Feistel network over the next power of
//! two, walked until the result is below n again. It sends each row to a slot; consecutive ranges of slots are the
//! categories of a [`Quota`]. So every category has exactly its count whatever the order in which rows are made, and the
//! inverse answers "which row is the k-th of this category", which is how a survey finds its ticket.
//!
//! The counts themselves come from [`apportion`], [`with_mean`], [`cross`] and [`coupled`], which keep every margin exact.

use super::dice::Seed;

const ROUNDS: usize = 8;

/// A shuffle of the numbers from 0 to n − 1 that needs no table.
#[derive(Debug, Clone)]
pub(super) struct Permutation {
    n: u64,
    left_mask: u64,
    right_bits: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// The shuffle of `n` numbers for one seed and purpose.
    pub(super) fn new(n: u64, seed: Seed, purpose: &str) -> Self {
        let bits = u64::BITS - n.saturating_sub(1).leading_zeros();
        let left_bits = bits / 2;
        let mut state = seed.key(purpose).iter().fold(0, |state, byte| mix(state ^ u64::from(*byte)));
        let keys = std::array::from_fn(|_| {
            state = mix(state);
            state
        });
        Self { n, left_mask: (1 << left_bits) - 1, right_bits: bits - left_bits, keys }
    }

    /// Where `number` goes. `number` must be below n.
    pub(super) fn forward(&self, number: u64) -> u64 {
        self.walk(number, |mut left, mut right| {
            for (round, key) in self.keys.iter().enumerate() {
                self.turn(round, *key, &mut left, &mut right);
            }
            (left, right)
        })
    }

    /// What goes to `number`: the inverse of [`Self::forward`].
    pub(super) fn backward(&self, number: u64) -> u64 {
        self.walk(number, |mut left, mut right| {
            for (round, key) in self.keys.iter().enumerate().rev() {
                self.turn(round, *key, &mut left, &mut right);
            }
            (left, right)
        })
    }

    /// Applies `network` until the result is below n. It is a bijection of the power of two, so the walk comes home:
    /// `number` itself is below n and lies on its cycle.
    fn walk(&self, number: u64, network: impl Fn(u64, u64) -> (u64, u64)) -> u64 {
        debug_assert!(number < self.n, "{number} is not below {}", self.n);
        let mut at = number;
        loop {
            let (left, right) = network(at >> self.right_bits, at & self.right_mask());
            at = (left << self.right_bits) | right;
            if at < self.n {
                return at;
            }
        }
    }

    /// One round: one half is masked with a hash of the other, so the same round undoes itself.
    fn turn(&self, round: usize, key: u64, left: &mut u64, right: &mut u64) {
        if round.is_multiple_of(2) {
            *left ^= mix(right.wrapping_add(key)) & self.left_mask;
        } else {
            *right ^= mix(left.wrapping_add(key)) & self.right_mask();
        }
    }

    fn right_mask(&self) -> u64 {
        (1 << self.right_bits) - 1
    }
}

/// Spreads 64 bits over 64 bits (the finaliser of `SplitMix64`, Steele, Lea and Flood 2014).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Rows dealt out to categories, each with an exact count.
#[derive(Debug, Clone)]
pub(super) struct Quota {
    shuffle: Permutation,
    /// For each category the slot after its last.
    ends: Vec<u64>,
}

impl Quota {
    /// Deals as many rows as `counts` has in all.
    pub(super) fn new(counts: &[u64], seed: Seed, purpose: &str) -> Self {
        let mut end = 0;
        let ends = counts.iter().map(|count| {
            end += count;
            end
        });
        let ends: Vec<u64> = ends.collect();
        Self { shuffle: Permutation::new(end, seed, purpose), ends }
    }

    /// The category of `row`.
    pub(super) fn category(&self, row: u64) -> usize {
        self.place(row).0
    }

    /// The category of `row` and its number within the category, from 0.
    pub(super) fn place(&self, row: u64) -> (usize, u64) {
        let slot = self.shuffle.forward(row);
        let category = self.ends.partition_point(|end| *end <= slot);
        (category, slot - self.start(category))
    }

    /// The row with the given number within a category: the inverse of [`Self::place`].
    pub(super) fn row(&self, category: usize, number: u64) -> u64 {
        self.shuffle.backward(self.start(category) + number)
    }

    /// How many rows a category has.
    pub(super) fn count(&self, category: usize) -> u64 {
        self.ends[category] - self.start(category)
    }

    fn start(&self, category: usize) -> u64 {
        if category == 0 { 0 } else { self.ends[category - 1] }
    }
}

/// Divides `n` in proportion to `weights` by largest remainder: whole numbers that add up to `n` and differ from the
/// true shares by less than 1. All zero if the weights are.
pub(super) fn apportion(n: u64, weights: &[u64]) -> Vec<u64> {
    let total: u128 = weights.iter().copied().map(u128::from).sum();
    if total == 0 {
        return vec![0; weights.len()];
    }
    let shares: Vec<(u64, u128)> = weights
        .iter()
        .map(|weight| {
            let product = u128::from(n) * u128::from(*weight);
            (u64::try_from(product / total).unwrap_or(n), product % total)
        })
        .collect();
    let mut counts: Vec<u64> = shares.iter().map(|(whole, _)| *whole).collect();
    let missing = n - counts.iter().sum::<u64>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(shares[*index].1)); // stable: ties go to the earlier category
    for (index, _) in order.into_iter().zip(0..missing) {
        counts[index] += 1;
    }
    counts
}

/// Divides `n` over the values `first`, `first + 1`, … in about the shape of `weights`, such that the values add up to
/// exactly `sum`, or as near to it as the range of values allows.
///
/// The shape is tilted by a straight line, which moves the mean and leaves the rest as it is; what rounding leaves open is
/// closed by moving single members of the largest categories to a neighbour.
pub(super) fn with_mean(n: u64, first: u64, weights: &[u64], sum: u64) -> Vec<u64> {
    // Additions, products and quotients only: IEEE 754 gives the same bits everywhere.
    let tilted: Vec<u64> = {
        let total = weights.iter().sum::<u64>() as f64;
        let value = |index: usize| (first + index as u64) as f64;
        let mean = weights.iter().enumerate().map(|(index, w)| *w as f64 * value(index)).sum::<f64>() / total;
        let spread = |index: usize| value(index) - mean;
        let variance = weights.iter().enumerate().map(|(i, w)| *w as f64 * spread(i) * spread(i)).sum::<f64>() / total;
        let slope = if n == 0 || variance == 0.0 { 0.0 } else { (sum as f64 / n as f64 - mean) / variance };
        weights.iter().enumerate().map(|(i, w)| scaled(*w as f64 * (1.0 + slope * spread(i)))).collect()
    };
    let mut counts = apportion(n, &tilted);
    let mut have: u64 = counts.iter().zip(first..).map(|(count, value)| count * value).sum();
    while have != sum {
        let movable = if have < sum { 0..counts.len() - 1 } else { 1..counts.len() };
        let Some(from) = movable.filter(|index| counts[*index] > 0).max_by_key(|index| counts[*index]) else {
            return counts; // every member stands at the end of the range
        };
        counts[from] -= 1;
        if have < sum {
            counts[from + 1] += 1;
            have += 1;
        } else {
            counts[from - 1] += 1;
            have -= 1;
        }
    }
    counts
}

/// A weight as a whole number with six more digits; nothing below zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "weights are small and clamped at zero")]
fn scaled(weight: f64) -> u64 {
    (weight.max(0.0) * 1e6) as u64
}

/// A table of counts with the given row and column totals in which rows and columns have nothing to do with each other.
/// Both lists must have the same total.
pub(super) fn cross(rows: &[u64], columns: &[u64]) -> Vec<Vec<u64>> {
    let mut table = vec![vec![0; columns.len()]; rows.len()];
    let mut rest = rows.to_vec();
    for (column, total) in columns.iter().enumerate() {
        // This column's members are strewn evenly over what the columns before have left. The share of a row is at
        // most what it has left, because the column's total is at most the sum of what is left.
        let left: u128 = rest.iter().copied().map(u128::from).sum();
        let mut before = 0;
        let mut dealt = 0;
        for (row, free) in rest.iter_mut().enumerate() {
            before += u128::from(*free);
            let until = u64::try_from((before * u128::from(*total)).checked_div(left).unwrap_or(0)).unwrap_or(*total);
            table[row][column] = until - dealt;
            *free -= until - dealt;
            dealt = until;
        }
    }
    table
}

/// A table of counts with the given row and column totals in which `percent` of the members go along: low rows with low
/// columns, high with high. The others are mixed as by [`cross`].
pub(super) fn coupled(rows: &[u64], columns: &[u64], percent: u64) -> Vec<Vec<u64>> {
    let bound_rows: Vec<u64> = rows.iter().map(|count| count * percent / 100).collect();
    let bound_columns = apportion(bound_rows.iter().sum(), columns);
    let free = |all: &[u64], bound: &[u64]| all.iter().zip(bound).map(|(a, b)| a - b).collect::<Vec<u64>>();
    let mut table = cross(&free(rows, &bound_rows), &free(columns, &bound_columns));
    let mut left = bound_columns;
    for (row, count) in bound_rows.into_iter().enumerate() {
        let mut count = count;
        for (column, open) in left.iter_mut().enumerate() {
            let taken = count.min(*open);
            table[row][column] += taken;
            *open -= taken;
            count -= taken;
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn column_totals(table: &[Vec<u64>]) -> Vec<u64> {
        (0..table[0].len()).map(|column| table.iter().map(|row| row[column]).sum()).collect()
    }

    fn row_totals(table: &[Vec<u64>]) -> Vec<u64> {
        table.iter().map(|row| row.iter().sum()).collect()
    }

    /// Two lists of counts with one total.
    fn margins() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
        let list = || prop::collection::vec(0_u64..500, 1..8);
        (list(), list()).prop_map(|(rows, weights)| {
            let total = rows.iter().sum();
            let weights: Vec<u64> = weights.iter().map(|weight| weight + 1).collect();
            (rows, apportion(total, &weights))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_permutation_is_a_bijection_with_an_inverse(n in 1_u64..3000, seed: u64) {
            let shuffle = Permutation::new(n, Seed(seed), "x");
            let mut seen = vec![false; usize::try_from(n).unwrap()];
            for number in 0..n {
                let to = shuffle.forward(number);
                prop_assert!(!seen[usize::try_from(to).unwrap()]);
                seen[usize::try_from(to).unwrap()] = true;
                prop_assert_eq!(shuffle.backward(to), number);
            }
        }

        #[test]
        fn a_large_permutation_has_an_inverse(n in 1_u64..(1 << 62), at: u64, seed: u64) {
            let shuffle = Permutation::new(n, Seed(seed), "x");
            prop_assert_eq!(shuffle.backward(shuffle.forward(at % n)), at % n);
        }

        #[test]
        fn a_quota_is_met_exactly(counts in prop::collection::vec(0_u64..300, 1..7), seed: u64) {
            let n: u64 = counts.iter().sum();
            let quota = Quota::new(&counts, Seed(seed), "x");
            let mut seen = vec![0; counts.len()];
            for row in 0..n {
                let (category, number) = quota.place(row);
                seen[category] += 1;
                prop_assert_eq!(quota.row(category, number), row);
            }
            prop_assert_eq!(seen, counts);
        }

        #[test]
        fn shares_add_up_and_are_near(n in 0_u64..100_000, weights in prop::collection::vec(0_u64..1000, 1..9)) {
            let total: u64 = weights.iter().sum();
            let shares = apportion(n, &weights);
            prop_assert_eq!(shares.iter().sum::<u64>(), if total == 0 { 0 } else { n });
            for (share, weight) in shares.iter().zip(&weights) {
                prop_assert!(total == 0 || (share * total).abs_diff(n * weight) < total);
            }
        }

        #[test]
        fn a_mean_is_met_where_it_can_be(n in 1_u64..5000, first in 0_u64..3, tenths in 15_u64..45) {
            let (low, high) = (first * n, (first + 4) * n);
            let sum = (n * (first * 10 + tenths - 5) / 10).clamp(low, high);
            let counts = with_mean(n, first, &[10, 17, 29, 28, 16], sum);
            prop_assert_eq!(counts.iter().sum::<u64>(), n);
            prop_assert_eq!(counts.iter().zip(first..).map(|(c, v)| c * v).sum::<u64>(), sum);
        }

        #[test]
        fn tables_keep_their_totals((rows, columns) in margins(), percent in 0_u64..=100) {
            for table in [cross(&rows, &columns), coupled(&rows, &columns, percent)] {
                prop_assert_eq!(row_totals(&table), rows.clone());
                prop_assert_eq!(column_totals(&table), columns.clone());
            }
        }
    }

    #[test]
    fn a_permutation_mixes() {
        let shuffle = Permutation::new(1000, Seed(42), "x");
        let stays = (0..1000).filter(|number| shuffle.forward(*number) == *number).count();
        let low_half = (0..500).filter(|number| shuffle.forward(*number) < 500).count();
        assert!(stays < 10, "{stays} of 1000 stay in place");
        assert!((200..300).contains(&low_half), "{low_half} of 500 stay in their half");
    }

    #[test]
    fn an_impossible_mean_ends_at_the_range() {
        assert_eq!(with_mean(10, 1, &[1, 1, 1], 1000), [0, 0, 10]);
        assert_eq!(with_mean(10, 1, &[1, 1, 1], 0), [10, 0, 0]);
        assert_eq!(with_mean(0, 1, &[1, 1, 1], 0), [0, 0, 0]);
    }

    #[test]
    fn coupling_moves_members_to_the_diagonal() {
        let diagonal = |table: &[Vec<u64>]| (0..3).map(|i| table[i][i]).sum::<u64>();
        let (rows, columns) = ([100, 100, 100], [100, 100, 100]);
        assert_eq!(diagonal(&coupled(&rows, &columns, 100)), 300);
        assert!(diagonal(&coupled(&rows, &columns, 60)) > 200);
        assert!(diagonal(&cross(&rows, &columns)) < 110);
    }
}
