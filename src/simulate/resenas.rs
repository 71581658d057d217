//! `resenas_online`: public reviews, some of known customers, some about a branch.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::calendar;
use super::clientes::{Clientes, sucursal_id};
use super::columns::Columns;
use super::dataset::Dataset;
use super::dice::{DiceBox, Seed};
use super::ids::Ids;
use super::quota::{Quota, apportion};
use super::summary::Measures;
use super::text::{push_prose, sentence, user_name};
use super::tickets::value;
use crate::error::Result;

const PLATAFORMAS: [&str; 5] = ["google_maps", "facebook", "app_store", "play_store", "trustpilot"];

/// What reviews with 1 to 5 stars begin with.
const OPENINGS: [[&str; 3]; 5] = [
    ["Pésimo servicio.", "Terrible experiencia.", "Muy insatisfecho."],
    ["Mal servicio.", "Muchos problemas.", "No recomiendo."],
    ["Servicio regular.", "Experiencia promedio.", "Puede mejorar."],
    ["Buen servicio.", "Pocas quejas.", "Generalmente satisfecho."],
    ["Excelente servicio.", "Muy satisfecho.", "Recomiendo totalmente."],
];

/// Key words of any review, of bad ones and of good ones.
const NEUTRAL: [&str; 5] = ["banco", "servicio", "atencion", "sucursal", "app"];
const BAD: [&str; 5] = ["malo", "lento", "problema", "grosero", "ineficiente"];
const GOOD: [&str; 5] = ["bueno", "rapido", "amable", "eficiente", "excelente"];

/// The generator of reviews.
#[derive(Debug)]
pub(super) struct Resenas {
    rows: u64,
    clientes: Arc<Clientes>,
    dice: DiceBox,
    ids: Ids,
    plataforma: Quota,
    puntaje: Quota,
}

/// One review.
#[derive(Debug)]
struct Resena {
    id: String,
    plataforma: &'static str,
    fecha_publicacion: i32,
    cliente_id: Option<String>,
    nombre_usuario: String,
    sucursal_id: Option<String>,
    puntaje: i64,
    comentario: String,
    likes: i64,
    respuesta_banco: Option<String>,
    palabras_clave: Vec<&'static str>,
    origen: &'static str,
}

impl Resenas {
    pub(super) fn new(rows: u64, clientes: Arc<Clientes>, seed: Seed) -> Self {
        Self {
            rows,
            clientes,
            dice: DiceBox::new(seed, "resenas_online"),
            ids: Ids::hexadecimal("REV_", 10, seed),
            plataforma: Quota::new(&apportion(rows, &[35, 25, 20, 15, 5]), seed, "resenas_online.plataforma"),
            puntaje: Quota::new(&apportion(rows, &[8, 12, 25, 35, 20]), seed, "resenas_online.puntaje"),
        }
    }

    fn resena(&self, row: u64) -> Resena {
        let mut dice = self.dice.row(row);
        let stars = self.puntaje.category(row);
        let cliente_id = dice.chance(700).then(|| self.clientes.id(dice.below(self.clientes.rows())));
        let mut comentario = dice.pick(&OPENINGS[stars]).to_owned();
        push_prose(&mut comentario, &mut dice, 60, 220);
        let palabras_clave = match stars {
            0 | 1 => dice.sample(&[NEUTRAL, BAD].concat(), 3),
            2 => dice.sample(&NEUTRAL, 2),
            _ => dice.sample(&[NEUTRAL, GOOD].concat(), 3),
        };
        Resena {
            id: self.ids.id(row),
            plataforma: PLATAFORMAS[self.plataforma.category(row)],
            fecha_publicacion: calendar::day(&mut dice),
            cliente_id,
            nombre_usuario: user_name(&mut dice),
            sucursal_id: dice.chance(600).then(|| sucursal_id(dice.between(1001, 1999))),
            puntaje: value(1, stars),
            comentario,
            likes: dice.between(0, 50),
            respuesta_banco: dice.chance(300).then(|| sentence(&mut dice, 3, 8)),
            palabras_clave,
            origen: dice.pick(&["web", "mobile", "tablet"]),
        }
    }
}

impl Dataset for Resenas {
    fn name(&self) -> &'static str {
        "resenas_online"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batch(&self, rows: Range<u64>) -> Result<RecordBatch> {
        let rows: Vec<Resena> = rows.map(|row| self.resena(row)).collect();
        Columns::default()
            .text("reseña_id", rows.iter().map(|row| &row.id))
            .text("plataforma", rows.iter().map(|row| row.plataforma))
            .date("fecha_publicacion", rows.iter().map(|row| row.fecha_publicacion))
            .optional_text("cliente_id", rows.iter().map(|row| row.cliente_id.as_ref()))
            .text("nombre_usuario", rows.iter().map(|row| &row.nombre_usuario))
            .optional_text("sucursal_id", rows.iter().map(|row| row.sucursal_id.as_ref()))
            .int("puntaje", rows.iter().map(|row| row.puntaje))
            .text("comentario", rows.iter().map(|row| &row.comentario))
            .int("likes", rows.iter().map(|row| row.likes))
            .optional_text("respuesta_banco", rows.iter().map(|row| row.respuesta_banco.as_ref()))
            .list("palabras_clave", rows.iter().map(|row| &row.palabras_clave))
            .text("idioma", rows.iter().map(|_| "es"))
            .text("origen", rows.iter().map(|row| row.origen))
            .batch()
    }

    fn measures(&self) -> Measures {
        Measures {
            day: "fecha_publicacion",
            counts: &["plataforma", "puntaje", "origen"],
            means: &["puntaje", "likes"],
            means_by: &[("plataforma", "puntaje")],
        }
    }
}
