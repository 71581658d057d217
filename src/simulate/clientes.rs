//! `clientes`: the bank's customers.

use std::ops::Range;

use arrow::array::RecordBatch;

use super::calendar;
use super::columns::Columns;
use super::dataset::Dataset;
use super::dice::{DiceBox, Seed};
use super::ids::Ids;
use super::quota::{Quota, apportion};
use super::summary::Measures;
use super::tickets::CANALES;
use crate::error::Result;

const SEGMENTOS: [&str; 3] = ["basico", "estandar", "premium"];

/// The generator of customers.
#[derive(Debug)]
pub(super) struct Clientes {
    rows: u64,
    dice: DiceBox,
    ids: Ids,
    canal_preferido: Quota,
}

/// One customer.
#[derive(Debug)]
struct Cliente {
    cliente_id: String,
    edad: i64,
    segmento: &'static str,
    antiguedad_meses: i64,
    productos_activos: i64,
    sucursal: i64,
    ultima_interaccion: i32,
    score_crediticio: i64,
    canal_preferido: &'static str,
}

impl Clientes {
    pub(super) fn new(rows: u64, seed: Seed) -> Self {
        let preferred = apportion(rows, &[5251, 3717, 2234, 1780, 1262, 756]);
        Self {
            rows,
            dice: DiceBox::new(seed, "clientes"),
            ids: Ids::hexadecimal("CLI_", 10, seed),
            canal_preferido: Quota::new(&preferred, seed, "clientes.canal_preferido"),
        }
    }

    /// The identifier of the customer with this row number.
    pub(super) fn id(&self, row: u64) -> String {
        self.ids.id(row)
    }

    /// The branch of the customer with this row number, from 1001 to 1999.
    pub(super) fn sucursal(&self, row: u64) -> i64 {
        self.dice.row(row).between(1001, 1999) // the first throw of a customer's dice
    }

    fn cliente(&self, row: u64) -> Cliente {
        let mut dice = self.dice.row(row);
        let sucursal = dice.between(1001, 1999);
        let edad = dice.between(18, 80);
        let segmento = match edad {
            ..30 => dice.weighted(&[60, 35, 5]),
            30..50 => dice.weighted(&[25, 60, 15]),
            _ => dice.weighted(&[15, 50, 35]),
        };
        Cliente {
            cliente_id: self.id(row),
            edad,
            segmento: SEGMENTOS[segmento],
            antiguedad_meses: dice.between(1, (edad - 17).min(20) * 12),
            productos_activos: dice.between(1, if segmento == 2 { 6 } else { 4 }),
            sucursal,
            ultima_interaccion: calendar::day(&mut dice),
            score_crediticio: dice.between(300, 850),
            canal_preferido: CANALES[self.canal_preferido.category(row)],
        }
    }
}

impl Dataset for Clientes {
    fn name(&self) -> &'static str {
        "clientes"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batch(&self, rows: Range<u64>) -> Result<RecordBatch> {
        let rows: Vec<Cliente> = rows.map(|row| self.cliente(row)).collect();
        Columns::default()
            .text("cliente_id", rows.iter().map(|row| &row.cliente_id))
            .int("edad", rows.iter().map(|row| row.edad))
            .text("segmento", rows.iter().map(|row| row.segmento))
            .int("antiguedad_meses", rows.iter().map(|row| row.antiguedad_meses))
            .int("productos_activos", rows.iter().map(|row| row.productos_activos))
            .text("sucursal_afiliacion", rows.iter().map(|row| sucursal_id(row.sucursal)))
            .date("ultima_interaccion", rows.iter().map(|row| row.ultima_interaccion))
            .int("score_crediticio", rows.iter().map(|row| row.score_crediticio))
            .text("canal_preferido", rows.iter().map(|row| row.canal_preferido))
            .batch()
    }

    fn measures(&self) -> Measures {
        Measures {
            day: "ultima_interaccion",
            counts: &["segmento", "canal_preferido"],
            means: &["edad", "antiguedad_meses", "productos_activos", "score_crediticio"],
            means_by: &[],
        }
    }
}

/// The name of a branch, such as `SUC_1251`.
pub(super) fn sucursal_id(sucursal: i64) -> String {
    format!("SUC_{sucursal}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_are_adults_with_a_plausible_history() {
        let clientes = Clientes::new(2000, Seed(42));
        for row in 0..2000 {
            let cliente = clientes.cliente(row);
            assert!((18..=80).contains(&cliente.edad));
            assert!(cliente.antiguedad_meses <= (cliente.edad - 17) * 12);
            assert!(cliente.productos_activos <= 4 || cliente.segmento == "premium");
            assert_eq!(cliente.sucursal, clientes.sucursal(row));
        }
    }
}
