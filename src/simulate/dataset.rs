//! The seven datasets and how many rows each has.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::clientes::Clientes;
use super::dice::Seed;
use super::encuestas::Encuestas;
use super::llamadas::Llamadas;
use super::mensajes::Mensajes;
use super::reclamos::Reclamos;
use super::resenas::Resenas;
use super::staff::Staff;
use super::summary::Measures;
use super::tickets::{self, Tickets};
use crate::error::{Error, Result};

/// The largest scale: beyond it ten hexadecimal digits would no longer be plenty for identifiers.
const MAX_SCALE: f64 = 100_000.0;

/// One simulated dataset: any range of its rows can be made at any time.
pub(super) trait Dataset: Debug + Send + Sync {
    /// Its name in the catalog, and of its files.
    fn name(&self) -> &'static str;

    /// How many rows it has.
    fn rows(&self) -> u64;

    /// The rows with these numbers. An empty range gives the schema.
    fn batch(&self, rows: Range<u64>) -> Result<RecordBatch>;

    /// What the summary counts.
    fn measures(&self) -> Measures;
}

/// The datasets of a bank of this size, in the order in which they are written: what others refer to comes first.
///
/// `scale` 1 means 15,000 customers and 171,031 rows in all. Every dataset has at least one row, except that there are
/// never more surveys than tickets to ask about.
pub(super) fn datasets(seed: Seed, scale: f64) -> Result<Vec<Arc<dyn Dataset>>> {
    if !(scale.is_finite() && scale > 0.0 && scale <= MAX_SCALE) {
        return Err(Error::usage(format!("the scale must be a number above 0 and at most {MAX_SCALE}, not {scale}"))
            .hint("1 gives 171,031 rows; 0.01 gives a hundredth of them"));
    }
    let clientes = Arc::new(Clientes::new(scaled(15_000, scale), seed));
    let staff = Arc::new(Staff::new(scaled(tickets::ROWS, scale), seed));
    let tickets = Arc::new(Tickets::new(scaled(tickets::ROWS, scale), Arc::clone(&clientes), Arc::clone(&staff), seed));
    let encuestas = Encuestas::new(scaled(21_531, scale), Arc::clone(&tickets), seed);
    let resenas = Resenas::new(scaled(8_000, scale), Arc::clone(&clientes), seed);
    let llamadas = Llamadas::new(scaled(30_000, scale), Arc::clone(&clientes), Arc::clone(&staff), seed);
    let reclamos = Reclamos::new(scaled(1_500, scale), Arc::clone(&clientes), seed);
    let mensajes = Mensajes::new(scaled(20_000, scale), Arc::clone(&clientes), staff, seed);
    Ok(vec![
        clientes,
        tickets,
        Arc::new(encuestas),
        Arc::new(resenas),
        Arc::new(llamadas),
        Arc::new(reclamos),
        Arc::new(mensajes),
    ])
}

/// `rows` times `scale`, rounded, at least 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both factors are positive and below a million"
)]
fn scaled(rows: u64, scale: f64) -> u64 {
    ((rows as f64 * scale).round() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_counts_follow_the_scale() {
        let rows = |scale| datasets(Seed(42), scale).unwrap().iter().map(|dataset| dataset.rows()).collect::<Vec<_>>();
        assert_eq!(rows(1.0), [15_000, 75_000, 21_531, 8_000, 30_000, 1_500, 20_000]);
        assert_eq!(rows(1.0).iter().sum::<u64>(), 171_031);
        assert_eq!(rows(0.01), [150, 750, 215, 80, 300, 15, 200]);
        assert_eq!(rows(1000.0).iter().sum::<u64>(), 171_031_000);
        assert_eq!(rows(1e-9), [1, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn a_senseless_scale_is_refused() {
        for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e6] {
            let error = datasets(Seed(42), scale).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Usage);
        }
    }

    #[test]
    fn a_row_does_not_depend_on_the_batch_it_comes_in() {
        for dataset in datasets(Seed(7), 0.01).unwrap() {
            let all = dataset.batch(0..dataset.rows()).unwrap();
            let tail = dataset.batch(5..dataset.rows()).unwrap();
            assert_eq!(all.slice(5, all.num_rows() - 5), tail, "{}", dataset.name());
        }
    }

    #[test]
    fn identifiers_are_unique_in_every_dataset() {
        for dataset in datasets(Seed(7), 0.02).unwrap() {
            let batch = dataset.batch(0..dataset.rows()).unwrap();
            let ids: &arrow::array::StringArray = batch.column(0).as_any().downcast_ref().unwrap();
            let distinct: std::collections::BTreeSet<_> = ids.iter().flatten().collect();
            assert_eq!(distinct.len() as u64, dataset.rows(), "{}", dataset.name());
        }
    }
}
