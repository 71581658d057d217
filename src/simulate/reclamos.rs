//! `libro_reclamaciones`: the complaints book that Peruvian law asks for.
//!
//! An answer is due within 15 business days. Most answers keep the term, a realistic share does not, and what went on to
//! the consumer authority (`en_indecopi`) was answered late. Open complaints have no answer: their answer columns are NULL.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::calendar::{self, FIRST_DAY, LAST_DAY};
use super::clientes::Clientes;
use super::columns::Columns;
use super::dataset::Dataset;
use super::dice::{Dice, DiceBox, Seed};
use super::ids::Ids;
use super::quota::{Quota, apportion};
use super::summary::Measures;
use super::text::prose;
use crate::error::Result;

const ESTADOS: [&str; 3] = ["atendido", "abierto", "en_indecopi"];
const ESTADO_WEIGHTS: [u64; 3] = [80, 15, 5];
const ABIERTO: usize = 1;
const EN_INDECOPI: usize = 2;

/// Business days within which the law wants an answer.
const TERM: i64 = 15;
/// The longest that anybody waits for an answer, in business days.
const LATEST: i64 = 30;
/// How many of a thousand answers come late where nobody went to the authority.
const LATE_PER_MILLE: u64 = 140;

/// The last days of the window: here most complaints are still open.
const RECENT_DAYS: u64 = 31;
const WINDOW_DAYS: u64 = 731;

const CANALES: [&str; 2] = ["fisico_agencia", "virtual"];
const MOTIVOS: [&str; 5] =
    ["producto_servicio", "atencion_cliente", "cobros_indebidos", "informacion_enganosa", "discriminacion"];

/// The generator of complaints.
#[derive(Debug)]
pub(super) struct Reclamos {
    rows: u64,
    clientes: Arc<Clientes>,
    dice: DiceBox,
    ids: Ids,
    /// Earlier or recent × state, the state the faster.
    profile: Quota,
    canal: Quota,
    motivo: Quota,
}

/// One complaint.
#[derive(Debug)]
struct Reclamo {
    reclamo_id: String,
    fecha: i32,
    cliente_id: String,
    tipo_documento: &'static str,
    canal: &'static str,
    motivo: &'static str,
    descripcion: String,
    estado: usize,
    respuesta: Option<Respuesta>,
    responsable: &'static str,
}

/// The bank's answer.
#[derive(Debug)]
struct Respuesta {
    fecha: i32,
    resolucion: String,
}

impl Reclamos {
    pub(super) fn new(rows: u64, clientes: Arc<Clientes>, seed: Seed) -> Self {
        Self {
            rows,
            clientes,
            dice: DiceBox::new(seed, "libro_reclamaciones"),
            ids: Ids::decimal("LR_", 6, rows, seed),
            profile: Quota::new(&profile(rows), seed, "libro_reclamaciones.estado"),
            canal: Quota::new(&apportion(rows, &[70, 30]), seed, "libro_reclamaciones.canal"),
            motivo: Quota::new(&apportion(rows, &[40, 25, 20, 10, 5]), seed, "libro_reclamaciones.motivo"),
        }
    }

    fn reclamo(&self, row: u64) -> Reclamo {
        let mut dice = self.dice.row(row);
        let cell = self.profile.category(row);
        let (recent, estado) = (cell >= ESTADOS.len(), cell % ESTADOS.len());
        let first_recent = LAST_DAY + 1 - i32::try_from(RECENT_DAYS).unwrap_or_default();
        let (first, last) = if recent { (first_recent, LAST_DAY) } else { (FIRST_DAY, first_recent - 1) };
        let fecha = i32::try_from(dice.between(first.into(), last.into())).unwrap_or(first);
        let respuesta = (estado != ABIERTO).then(|| respuesta(&mut dice, fecha, estado == EN_INDECOPI));
        Reclamo {
            reclamo_id: self.ids.id(row),
            fecha,
            cliente_id: self.clientes.id(dice.below(self.clientes.rows())),
            tipo_documento: dice.pick(&["dni", "ce", "pasaporte"]),
            canal: CANALES[self.canal.category(row)],
            motivo: MOTIVOS[self.motivo.category(row)],
            descripcion: prose(&mut dice, 86, 270),
            estado,
            respuesta,
            responsable: dice.pick(&["AREA_TARJETAS", "AREA_PRESTAMOS", "AREA_CUENTAS"]),
        }
    }
}

impl Dataset for Reclamos {
    fn name(&self) -> &'static str {
        "libro_reclamaciones"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batch(&self, rows: Range<u64>) -> Result<RecordBatch> {
        let rows: Vec<Reclamo> = rows.map(|row| self.reclamo(row)).collect();
        let answers = || rows.iter().map(|row| row.respuesta.as_ref());
        let waited = |row: &Reclamo| row.respuesta.as_ref().map(|answer| i64::from(answer.fecha - row.fecha));
        Columns::default()
            .text("reclamo_id", rows.iter().map(|row| &row.reclamo_id))
            .date("fecha", rows.iter().map(|row| row.fecha))
            .text("cliente_id", rows.iter().map(|row| &row.cliente_id))
            .text("tipo_documento", rows.iter().map(|row| row.tipo_documento))
            .text("canal", rows.iter().map(|row| row.canal))
            .text("motivo", rows.iter().map(|row| row.motivo))
            .text("descripcion", rows.iter().map(|row| &row.descripcion))
            .text("estado", rows.iter().map(|row| ESTADOS[row.estado]))
            .optional_date("fecha_respuesta", answers().map(|answer| answer.map(|answer| answer.fecha)))
            .optional_text("resolucion", answers().map(|answer| answer.map(|answer| &answer.resolucion)))
            .optional_int("tiempo_resolucion_dias", rows.iter().map(waited))
            .text("responsable", rows.iter().map(|row| row.responsable))
            .batch()
    }

    fn measures(&self) -> Measures {
        Measures {
            day: "fecha",
            counts: &["estado", "canal", "motivo", "tipo_documento", "responsable"],
            means: &["tiempo_resolucion_dias"],
            means_by: &[],
        }
    }
}

/// The counts of the cells: complaints are spread evenly over time, each state has its share, and of the recent ones four
/// in five are open (as far as the share of open ones reaches).
fn profile(rows: u64) -> Vec<u64> {
    let recent = apportion(rows, &[WINDOW_DAYS - RECENT_DAYS, RECENT_DAYS])[1];
    let states = apportion(rows, &ESTADO_WEIGHTS);
    let recent_open = (recent * 4 / 5).min(states[ABIERTO]);
    // The authority is called after a late answer, so not lately.
    let recent_done = (recent - recent_open).min(states[0]);
    vec![states[0] - recent_done, states[ABIERTO] - recent_open, states[EN_INDECOPI], recent_done, recent_open, 0]
}

/// The answer to a complaint of day `fecha`.
fn respuesta(dice: &mut Dice, fecha: i32, to_authority: bool) -> Respuesta {
    let first_recent = LAST_DAY + 1 - i32::try_from(RECENT_DAYS).unwrap_or_default();
    // Recent complaints count as answered only if that was in time: the others are the open ones.
    let late = to_authority || (fecha < first_recent && dice.chance(LATE_PER_MILLE));
    let waited = if late {
        dice.between(TERM + 1, LATEST)
    } else {
        // The larger of two throws: answers come near the term rather than at once.
        dice.between(1, TERM).max(dice.between(1, TERM))
    };
    Respuesta { fecha: calendar::business_days_after(fecha, waited), resolucion: prose(dice, 43, 180) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END_OF_JANUARY_2025: i32 = LAST_DAY + 31;

    #[test]
    fn answers_follow_their_complaints_and_some_are_late() {
        let reclamos = Reclamos::new(1500, Arc::new(Clientes::new(100, Seed(42))), Seed(42));
        let (mut open, mut late, mut answered) = (0, 0, 0);
        for row in 0..1500 {
            let reclamo = reclamos.reclamo(row);
            assert!((FIRST_DAY..=LAST_DAY).contains(&reclamo.fecha));
            let Some(answer) = reclamo.respuesta else {
                assert_eq!(reclamo.estado, ABIERTO);
                open += 1;
                continue;
            };
            assert!(answer.fecha > reclamo.fecha && answer.fecha <= END_OF_JANUARY_2025);
            let in_time = answer.fecha <= calendar::business_days_after(reclamo.fecha, TERM);
            assert!(!in_time || reclamo.estado != EN_INDECOPI);
            answered += 1;
            late += u32::from(!in_time);
        }
        assert_eq!(open, 225);
        assert!((12..28).contains(&(late * 100 / answered)), "{late} of {answered} are late");
    }

    #[test]
    fn the_profile_adds_up_at_any_size() {
        for rows in [1, 2, 3, 10, 99, 1500, 1_500_000] {
            assert_eq!(profile(rows).iter().sum::<u64>(), rows, "{rows}");
        }
    }
}
