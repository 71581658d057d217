//! Identifiers: unique because they are a shuffle of their number space.

use super::dice::Seed;
use super::quota::Permutation;

/// Identifiers of a prefix and a fixed number of digits, one for each row number.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    prefix: &'static str,
    first: u64,
    digits: usize,
    radix: Radix,
    shuffle: Permutation,
}

#[derive(Debug, Clone, Copy)]
enum Radix {
    Decimal,
    Hexadecimal,
}

impl Ids {
    /// Upper-case hexadecimal identifiers such as `CLI_D43D7E7010`.
    pub(super) fn hexadecimal(prefix: &'static str, digits: usize, seed: Seed) -> Self {
        let space = 1 << (4 * digits);
        Self { prefix, first: 0, digits, radix: Radix::Hexadecimal, shuffle: Permutation::new(space, seed, prefix) }
    }

    /// Decimal identifiers such as `LR_910228`, of `digits` digits or as many more as `count` of them need.
    pub(super) fn decimal(prefix: &'static str, digits: usize, count: u64, seed: Seed) -> Self {
        let (mut digits, mut first) = (digits, 10_u64.pow(u32::try_from(digits).unwrap_or(1) - 1));
        while count > 9 * first {
            digits += 1;
            first *= 10;
        }
        Self { prefix, first, digits, radix: Radix::Decimal, shuffle: Permutation::new(9 * first, seed, prefix) }
    }

    /// The identifier of `row`.
    pub(super) fn id(&self, row: u64) -> String {
        let (prefix, digits, number) = (self.prefix, self.digits, self.first + self.shuffle.forward(row));
        match self.radix {
            Radix::Decimal => format!("{prefix}{number:0digits$}"),
            Radix::Hexadecimal => format!("{prefix}{number:0digits$X}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn identifiers_are_unique_and_look_alike() {
        let ids = Ids::hexadecimal("CLI_", 10, Seed(42));
        let seen: BTreeSet<String> = (0..20_000).map(|row| ids.id(row)).collect();
        assert_eq!(seen.len(), 20_000);
        assert!(seen.iter().all(|id| id.len() == 14 && id.starts_with("CLI_")));
    }

    #[test]
    fn a_full_number_space_gets_another_digit() {
        let all = |count: u64| {
            let ids = Ids::decimal("LR_", 2, count, Seed(42));
            (0..count).map(|row| ids.id(row)).collect::<BTreeSet<String>>()
        };
        assert_eq!((all(90).len(), all(90).first().map(String::as_str)), (90, Some("LR_10")));
        assert_eq!(all(91).len(), 91);
        assert!(all(91).iter().all(|id| id.len() == 6));
    }
}
