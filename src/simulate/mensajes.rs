//! `mensajes_whatsapp`: messages of the bank's WhatsApp line, answered by agents and bots.
//!
//! Only pictures, voice messages and documents have a file, and only voice messages a duration.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::calendar;
use super::clientes::Clientes;
use super::columns::Columns;
use super::dataset::Dataset;
use super::dice::{DiceBox, Seed};
use super::ids::Ids;
use super::quota::{Quota, apportion};
use super::staff::Staff;
use super::summary::Measures;
use super::text::prose;
use crate::error::Result;

const DIRECCIONES: [&str; 2] = ["inbound", "outbound"];
const TIPOS: [&str; 4] = ["texto", "imagen", "audio", "documento"];
const TEXTO: usize = 0;
const AUDIO: usize = 2;
const ESTADOS: [&str; 3] = ["enviado", "entregado", "leido"];
const SENTIMIENTOS: [&str; 3] = ["positivo", "neutro", "negativo"];
const KEY_WORDS: [&str; 5] = ["consulta", "informacion", "ayuda", "problema", "solicitud"];

/// The generator of messages.
#[derive(Debug)]
pub(super) struct Mensajes {
    rows: u64,
    clientes: Arc<Clientes>,
    staff: Arc<Staff>,
    dice: DiceBox,
    ids: Ids,
    direccion: Quota,
    tipo: Quota,
    estado: Quota,
    sentimiento: Quota,
}

/// One message.
#[derive(Debug)]
struct Mensaje {
    mensaje_id: String,
    fecha_hora: i64,
    cliente_id: String,
    asesor_id: String,
    direccion: &'static str,
    tipo: usize,
    contenido: String,
    url_archivo: Option<String>,
    duracion_segundos: Option<i64>,
    estado_mensaje: &'static str,
    sentimiento: &'static str,
    palabras_clave: Vec<&'static str>,
}

impl Mensajes {
    pub(super) fn new(rows: u64, clientes: Arc<Clientes>, staff: Arc<Staff>, seed: Seed) -> Self {
        let quota =
            |weights: &[u64], column: &str| Quota::new(&apportion(rows, weights), seed, &format!("mensajes.{column}"));
        Self {
            rows,
            clientes,
            staff,
            dice: DiceBox::new(seed, "mensajes_whatsapp"),
            ids: Ids::hexadecimal("WA_", 12, seed),
            direccion: quota(&[60, 40], "direccion"),
            tipo: quota(&[85, 8, 5, 2], "tipo_mensaje"),
            estado: quota(&[10, 20, 70], "estado_mensaje"),
            sentimiento: quota(&[30, 50, 20], "sentimiento"),
        }
    }

    fn mensaje(&self, row: u64) -> Mensaje {
        let mut dice = self.dice.row(row);
        let tipo = self.tipo.category(row);
        let key_words = usize::try_from(dice.between(1, 2)).unwrap_or(1);
        Mensaje {
            mensaje_id: self.ids.id(row),
            fecha_hora: calendar::moment(&mut dice),
            cliente_id: self.clientes.id(dice.below(self.clientes.rows())),
            asesor_id: if dice.chance(400) { self.staff.bot(&mut dice) } else { self.staff.agent(&mut dice) },
            direccion: DIRECCIONES[self.direccion.category(row)],
            tipo,
            contenido: prose(&mut dice, 15, 130),
            url_archivo: (tipo != TEXTO).then(|| format!("s3://whatsapp-media/{}", dice.hex32())),
            duracion_segundos: (tipo == AUDIO).then(|| dice.between(5, 60)),
            estado_mensaje: ESTADOS[self.estado.category(row)],
            sentimiento: SENTIMIENTOS[self.sentimiento.category(row)],
            palabras_clave: dice.sample(&KEY_WORDS, key_words),
        }
    }
}

impl Dataset for Mensajes {
    fn name(&self) -> &'static str {
        "mensajes_whatsapp"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batch(&self, rows: Range<u64>) -> Result<RecordBatch> {
        let rows: Vec<Mensaje> = rows.map(|row| self.mensaje(row)).collect();
        Columns::default()
            .text("mensaje_id", rows.iter().map(|row| &row.mensaje_id))
            .moment("fecha_hora", rows.iter().map(|row| row.fecha_hora))
            .text("cliente_id", rows.iter().map(|row| &row.cliente_id))
            .text("asesor_id", rows.iter().map(|row| &row.asesor_id))
            .text("direccion", rows.iter().map(|row| row.direccion))
            .text("canal", rows.iter().map(|_| "whatsapp_corporativo"))
            .text("tipo_mensaje", rows.iter().map(|row| TIPOS[row.tipo]))
            .text("contenido", rows.iter().map(|row| &row.contenido))
            .optional_text("url_archivo", rows.iter().map(|row| row.url_archivo.as_ref()))
            .optional_int("duracion_segundos", rows.iter().map(|row| row.duracion_segundos))
            .text("estado_mensaje", rows.iter().map(|row| row.estado_mensaje))
            .text("sentimiento", rows.iter().map(|row| row.sentimiento))
            .list("palabras_clave", rows.iter().map(|row| &row.palabras_clave))
            .batch()
    }

    fn measures(&self) -> Measures {
        Measures {
            day: "fecha_hora",
            counts: &["direccion", "tipo_mensaje", "estado_mensaje", "sentimiento"],
            means: &["duracion_segundos"],
            means_by: &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_durations_belong_to_the_kind_of_message() {
        let seed = Seed(42);
        let clientes = Arc::new(Clientes::new(10, seed));
        let mensajes = Mensajes::new(2000, clientes, Arc::new(Staff::new(100, seed)), seed);
        let mut audios = 0;
        for row in 0..2000 {
            let mensaje = mensajes.mensaje(row);
            assert_eq!(mensaje.url_archivo.is_some(), mensaje.tipo != TEXTO);
            assert_eq!(mensaje.duracion_segundos.is_some(), mensaje.tipo == AUDIO);
            audios += u32::from(mensaje.tipo == AUDIO);
        }
        assert_eq!(audios, 100);
    }
}
