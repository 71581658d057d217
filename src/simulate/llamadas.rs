//! `llamadas_call_center`: calls, a tenth with a transcript, a twentieth with a recording.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::calendar::{self, HOUR, LAST_DAY, SECOND};
use super::clientes::Clientes;
use super::columns::Columns;
use super::dataset::Dataset;
use super::dice::{DiceBox, Seed};
use super::ids::Ids;
use super::quota::{Quota, apportion};
use super::staff::Staff;
use super::summary::Measures;
use super::text::{prose, sentence};
use crate::error::Result;

const MOTIVOS: [&str; 5] = ["tarjetas", "prestamos", "cuentas", "inversiones", "seguros"];
const SENTIMIENTOS: [&str; 3] = ["positivo", "neutro", "negativo"];
const KEY_WORDS: [&str; 6] = ["cuenta", "tarjeta", "consulta", "transferencia", "problema", "solucion"];

/// The generator of calls.
#[derive(Debug)]
pub(super) struct Llamadas {
    rows: u64,
    clientes: Arc<Clientes>,
    staff: Arc<Staff>,
    dice: DiceBox,
    ids: Ids,
    motivo: Quota,
    sentimiento: Quota,
}

/// One call.
#[derive(Debug)]
struct Llamada {
    llamada_id: String,
    inicio: i64,
    cliente_id: String,
    asesor_id: String,
    duracion_segundos: i64,
    motivo: &'static str,
    resumen: String,
    transcripcion: Option<String>,
    sentimiento: &'static str,
    palabras_clave: Vec<&'static str>,
    audio_url: Option<String>,
}

impl Llamadas {
    pub(super) fn new(rows: u64, clientes: Arc<Clientes>, staff: Arc<Staff>, seed: Seed) -> Self {
        Self {
            rows,
            clientes,
            staff,
            dice: DiceBox::new(seed, "llamadas_call_center"),
            ids: Ids::hexadecimal("CALL_", 12, seed),
            motivo: Quota::new(&apportion(rows, &[30, 25, 20, 15, 10]), seed, "llamadas_call_center.motivo"),
            sentimiento: Quota::new(&apportion(rows, &[35, 45, 20]), seed, "llamadas_call_center.sentimiento"),
        }
    }

    fn llamada(&self, row: u64) -> Llamada {
        let mut dice = self.dice.row(row);
        let duracion_segundos = dice.between(30, 1800);
        let mut inicio = calendar::moment(&mut dice);
        // A call that would last into the next year was made an hour earlier.
        if calendar::day_of(inicio + duracion_segundos * SECOND) > LAST_DAY {
            inicio -= HOUR;
        }
        let key_words = usize::try_from(dice.between(1, 3)).unwrap_or(1);
        Llamada {
            llamada_id: self.ids.id(row),
            inicio,
            cliente_id: self.clientes.id(dice.below(self.clientes.rows())),
            asesor_id: self.staff.agent(&mut dice),
            duracion_segundos,
            motivo: MOTIVOS[self.motivo.category(row)],
            resumen: sentence(&mut dice, 3, 8),
            transcripcion: dice.chance(100).then(|| prose(&mut dice, 300, 460)),
            sentimiento: SENTIMIENTOS[self.sentimiento.category(row)],
            palabras_clave: dice.sample(&KEY_WORDS, key_words),
            audio_url: dice.chance(50).then(|| format!("s3://call-recordings/{}.wav", dice.hex32())),
        }
    }
}

impl Dataset for Llamadas {
    fn name(&self) -> &'static str {
        "llamadas_call_center"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batch(&self, rows: Range<u64>) -> Result<RecordBatch> {
        let rows: Vec<Llamada> = rows.map(|row| self.llamada(row)).collect();
        Columns::default()
            .text("llamada_id", rows.iter().map(|row| &row.llamada_id))
            .moment("fecha_hora_inicio", rows.iter().map(|row| row.inicio))
            .moment("fecha_hora_fin", rows.iter().map(|row| row.inicio + row.duracion_segundos * SECOND))
            .text("cliente_id", rows.iter().map(|row| &row.cliente_id))
            .text("asesor_id", rows.iter().map(|row| &row.asesor_id))
            .int("duracion_segundos", rows.iter().map(|row| row.duracion_segundos))
            .text("motivo", rows.iter().map(|row| row.motivo))
            .text("resumen", rows.iter().map(|row| &row.resumen))
            .optional_text("transcripcion", rows.iter().map(|row| row.transcripcion.as_ref()))
            .text("sentimiento", rows.iter().map(|row| row.sentimiento))
            .list("palabras_clave", rows.iter().map(|row| &row.palabras_clave))
            .optional_text("audio_url", rows.iter().map(|row| row.audio_url.as_ref()))
            .batch()
    }

    fn measures(&self) -> Measures {
        Measures {
            day: "fecha_hora_inicio",
            counts: &["motivo", "sentimiento"],
            means: &["duracion_segundos"],
            means_by: &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_end_within_the_window() {
        let seed = Seed(42);
        let clientes = Arc::new(Clientes::new(10, seed));
        let llamadas = Llamadas::new(30_000, clientes, Arc::new(Staff::new(100, seed)), seed);
        for row in 0..3000 {
            let llamada = llamadas.llamada(row);
            let end = llamada.inicio + llamada.duracion_segundos * SECOND;
            assert!(calendar::day_of(end) <= LAST_DAY && calendar::day_of(llamada.inicio) >= calendar::FIRST_DAY);
        }
    }
}
