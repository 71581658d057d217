//! `tickets_soporte`: what customers asked, where, and how it went.
//!
//! Channel, satisfaction and state of a ticket are one quota of nested cells, so that the counts of each channel and state
//! and the average satisfaction of each channel are exact; surveys find the tickets of a cell through its inverse. As in
//! the data this replaces, open tickets carry an expected resolution time and a satisfaction score, too.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::calendar::{self, HOUR};
use super::clientes::{Clientes, sucursal_id};
use super::columns::Columns;
use super::dataset::Dataset;
use super::dice::{Dice, DiceBox, Seed};
use super::ids::Ids;
use super::quota::{Quota, apportion, cross, with_mean};
use super::staff::Staff;
use super::summary::Measures;
use super::text::{opened, prose};
use crate::error::Result;

/// The number of tickets at scale 1.
pub(super) const ROWS: u64 = 75_000;

/// The channels, the busiest first.
pub(super) const CANALES: [&str; 6] = ["telefono", "chat_web", "email", "sucursal", "app_movil", "whatsapp"];
const CANAL_WEIGHTS: [u64; 6] = [26_167, 18_639, 11_257, 9_065, 6_144, 3_728];
/// The channel that is a branch.
const SUCURSAL: usize = 3;

/// The average satisfaction of each channel in hundredths; 3.22 over all.
const SATISFACCION_MEANS: [u64; 6] = [318, 325, 321, 328, 319, 324];
/// The shape of the answers 1 to 5, per mille.
const SATISFACCION_WEIGHTS: [u64; 5] = [100, 175, 291, 276, 158];
const SCORES: usize = SATISFACCION_WEIGHTS.len();

const ESTADOS: [&str; 5] = ["resuelto", "cerrado", "en_proceso", "abierto", "escalado"];
/// 82 % resolved; the rest in the proportions of the data this replaces (9,151 : 7,409 : 3,825 : 2,250).
const ESTADO_WEIGHTS: [u64; 5] = [61_500, 5_458, 4_419, 2_281, 1_342];
/// The first so many states are of tickets that came to an end: only these are followed by a survey.
const ENDED: usize = 2;

const SUBTIPOS: [&str; 5] = ["tarjetas", "prestamos", "cuentas", "inversiones", "seguros"];
const SUBTIPO_WEIGHTS: [u64; 5] = [22_397, 18_649, 15_271, 11_221, 7_462];

const TIPOS: [&str; 5] = ["reclamo", "consulta", "solicitud", "emergencia", "fraude"];
const TIPO_WEIGHTS: [u64; 5] = [35, 30, 20, 10, 5];

/// What the texts of each `subtipo` begin with.
const ISSUES: [[&str; 4]; 5] = [
    [
        "Mi tarjeta fue bloqueada incorrectamente",
        "Cargo no reconocido en mi tarjeta de crédito",
        "No puedo realizar pagos con mi tarjeta",
        "Error en el límite de crédito",
    ],
    [
        "Consulta sobre estado de mi solicitud de préstamo",
        "Error en el cálculo de intereses",
        "Solicitud de reestructuración",
        "Problemas con el débito automático",
    ],
    [
        "Descuentos no autorizados en mi cuenta",
        "No puedo ver el saldo de mi cuenta",
        "Transferencia que no llegó a su destino",
        "Me cobraron una comisión que no corresponde",
    ],
    [
        "El rescate de mi fondo sigue pendiente",
        "La rentabilidad no es la que me ofrecieron",
        "Quiero cambiar mi perfil de riesgo",
        "Mi depósito a plazo se renovó sin aviso",
    ],
    [
        "No reconocen la cobertura de mi seguro",
        "Mi siniestro sigue sin respuesta",
        "Me cobran la prima de un seguro que no pedí",
        "Quiero actualizar al beneficiario de mi póliza",
    ],
];

/// The tags of each `subtipo`.
const TAGS: [[&str; 4]; 5] = [
    ["bloqueo", "fraude", "limite", "pago"],
    ["solicitud", "interes", "cuota", "refinanciamiento"],
    ["saldo", "transferencia", "debito", "comision"],
    ["rentabilidad", "riesgo", "deposito", "retiro"],
    ["cobertura", "siniestro", "prima", "beneficiario"],
];

/// The generator of tickets.
#[derive(Debug)]
pub(super) struct Tickets {
    rows: u64,
    clientes: Arc<Clientes>,
    staff: Arc<Staff>,
    facts: DiceBox,
    texts: DiceBox,
    ids: Ids,
    /// Channel × satisfaction × state, the last the fastest.
    profile: Quota,
    tipo: Quota,
    subtipo: Quota,
    tiempo_respuesta: Quota,
}

/// What a ticket is, without its texts: cheap enough to be asked by those that refer to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    row: u64,
    /// The row number of the customer.
    cliente: u64,
    /// Microseconds since 1970-01-01.
    pub(super) fecha_hora: i64,
    canal: usize,
    estado: usize,
    pub(super) tiempo_resolucion_horas: i64,
    /// 1 to 5.
    pub(super) satisfaccion: i64,
}

/// The rest of a ticket.
#[derive(Debug)]
struct Texts {
    sucursal: Option<i64>,
    asesor_id: String,
    comentario: String,
    etiquetas: Vec<&'static str>,
    adjunto: Option<&'static str>,
}

impl Tickets {
    pub(super) fn new(rows: u64, clientes: Arc<Clientes>, staff: Arc<Staff>, seed: Seed) -> Self {
        let by_canal = apportion(rows, &CANAL_WEIGHTS);
        let by_canal_and_score: Vec<u64> = by_canal
            .iter()
            .zip(SATISFACCION_MEANS)
            .flat_map(|(count, mean)| with_mean(*count, 1, &SATISFACCION_WEIGHTS, rounded(count * mean, 100)))
            .collect();
        let cells = cross(&by_canal_and_score, &apportion(rows, &ESTADO_WEIGHTS)).concat();
        // Answers within 1 to 30 minutes, all about equally frequent, 15.2 on average.
        let minutes = with_mean(rows, 1, &[1_000; 30], rounded(rows * 152, 10));
        Self {
            rows,
            clientes,
            staff,
            facts: DiceBox::new(seed, "tickets_soporte"),
            texts: DiceBox::new(seed, "tickets_soporte texts"),
            ids: Ids::hexadecimal("TKT_", 12, seed),
            profile: Quota::new(&cells, seed, "tickets_soporte.canal"),
            tipo: Quota::new(&apportion(rows, &TIPO_WEIGHTS), seed, "tickets_soporte.tipo_consulta"),
            subtipo: Quota::new(&apportion(rows, &SUBTIPO_WEIGHTS), seed, "tickets_soporte.subtipo"),
            tiempo_respuesta: Quota::new(&minutes, seed, "tickets_soporte.tiempo_respuesta_min"),
        }
    }

    /// How many tickets with each satisfaction, from 1 to 5, came to an end.
    pub(super) fn ended(&self) -> [u64; SCORES] {
        std::array::from_fn(|score| ended_cells(score).map(|cell| self.profile.count(cell)).sum())
    }

    /// The `number`-th ticket (from 0) that came to an end with satisfaction `score + 1`; `None` beyond the last.
    pub(super) fn ended_ticket(&self, score: usize, number: u64) -> Option<Ticket> {
        let mut left = number;
        for cell in ended_cells(score) {
            let count = self.profile.count(cell);
            if left < count {
                return Some(self.ticket(self.profile.row(cell, left)));
            }
            left -= count;
        }
        None
    }

    /// The identifier of a ticket.
    pub(super) fn id(&self, ticket: &Ticket) -> String {
        self.ids.id(ticket.row)
    }

    /// The identifier of a ticket's customer.
    pub(super) fn cliente_id(&self, ticket: &Ticket) -> String {
        self.clientes.id(ticket.cliente)
    }

    fn ticket(&self, row: u64) -> Ticket {
        let cell = self.profile.category(row);
        let score = cell / ESTADOS.len() % SCORES;
        let mut dice = self.facts.row(row);
        Ticket {
            row,
            cliente: dice.below(self.clientes.rows()),
            fecha_hora: calendar::moment(&mut dice),
            canal: cell / ESTADOS.len() / SCORES,
            estado: cell % ESTADOS.len(),
            tiempo_resolucion_horas: resolution_hours(&mut dice, score),
            satisfaccion: value(1, score),
        }
    }

    fn texts(&self, ticket: &Ticket, subtipo: usize) -> Texts {
        let mut dice = self.texts.row(ticket.row);
        // Who comes to a branch is asked there; of the others every fifth names one, so that 30 % have one.
        let sucursal = (ticket.canal == SUCURSAL || dice.chance(204))
            .then(|| if dice.chance(700) { self.clientes.sucursal(ticket.cliente) } else { dice.between(1001, 1999) });
        let asesor_id = self.staff.agent(&mut dice);
        let issue = dice.pick(&ISSUES[subtipo]);
        let comentario = if dice.chance(850) { opened(issue, &mut dice) } else { prose(&mut dice, 20, 140) };
        let mut tags = TAGS[subtipo].to_vec();
        match ticket.satisfaccion {
            ..=2 => tags.extend(["insatisfecho", "problema"]),
            4.. => tags.extend(["satisfecho", "resuelto"]),
            _ => {}
        }
        Texts {
            sucursal,
            asesor_id,
            comentario,
            etiquetas: dice.sample(&tags, 3),
            adjunto: dice.chance(100).then(|| dice.pick(&["comprobante.pdf", "pantalla.jpg"])),
        }
    }
}

impl Dataset for Tickets {
    fn name(&self) -> &'static str {
        "tickets_soporte"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batch(&self, rows: Range<u64>) -> Result<RecordBatch> {
        let tickets: Vec<Ticket> = rows.map(|row| self.ticket(row)).collect();
        let subtipos: Vec<usize> = tickets.iter().map(|ticket| self.subtipo.category(ticket.row)).collect();
        let texts: Vec<Texts> = tickets.iter().zip(&subtipos).map(|(ticket, s)| self.texts(ticket, *s)).collect();
        let minutes = |ticket: &Ticket| value(1, self.tiempo_respuesta.category(ticket.row));
        Columns::default()
            .text("ticket_id", tickets.iter().map(|ticket| self.id(ticket)))
            .moment("fecha_hora", tickets.iter().map(|ticket| ticket.fecha_hora))
            .text("cliente_id", tickets.iter().map(|ticket| self.cliente_id(ticket)))
            .text("canal", tickets.iter().map(|ticket| CANALES[ticket.canal]))
            .optional_text("sucursal_id", texts.iter().map(|text| text.sucursal.map(sucursal_id)))
            .text("asesor_id", texts.iter().map(|text| &text.asesor_id))
            .text("tipo_consulta", tickets.iter().map(|ticket| TIPOS[self.tipo.category(ticket.row)]))
            .text("subtipo", subtipos.iter().map(|subtipo| SUBTIPOS[*subtipo]))
            .text("estado", tickets.iter().map(|ticket| ESTADOS[ticket.estado]))
            .int("tiempo_respuesta_min", tickets.iter().map(minutes))
            .int("tiempo_resolucion_horas", tickets.iter().map(|ticket| ticket.tiempo_resolucion_horas))
            .int("satisfaccion_cliente", tickets.iter().map(|ticket| ticket.satisfaccion))
            .text("comentario", texts.iter().map(|text| &text.comentario))
            .list("etiquetas", texts.iter().map(|text| &text.etiquetas))
            .optional_text("adjunto", texts.iter().map(|text| text.adjunto))
            .batch()
    }

    fn measures(&self) -> Measures {
        Measures {
            day: "fecha_hora",
            counts: &["canal", "subtipo", "tipo_consulta", "estado", "satisfaccion_cliente"],
            means: &["satisfaccion_cliente", "tiempo_respuesta_min", "tiempo_resolucion_horas"],
            means_by: &[("canal", "satisfaccion_cliente")],
        }
    }
}

impl Ticket {
    /// When its resolution was reached, in microseconds since 1970-01-01.
    pub(super) fn resolved_at(&self) -> i64 {
        self.fecha_hora + self.tiempo_resolucion_horas * HOUR
    }
}

/// The value a category stands for, where the first stands for `first`.
pub(super) fn value(first: i64, category: usize) -> i64 {
    first + i64::try_from(category).unwrap_or_default()
}

/// The cells of tickets that came to an end with satisfaction `score + 1`.
fn ended_cells(score: usize) -> impl Iterator<Item = usize> {
    let canales = 0..CANALES.len();
    canales.flat_map(move |canal| (0..ENDED).map(move |estado| (canal * SCORES + score) * ESTADOS.len() + estado))
}

/// From 2 to 48 hours: who waited longer is less satisfied.
fn resolution_hours(dice: &mut Dice, score: usize) -> i64 {
    // Weights of up to 4, up to 24 and up to 48 hours for each score: how likely a score is after such a time, times how
    // many hours the band has.
    const BANDS: [[u64; 3]; SCORES] = [[6, 100, 360], [15, 200, 600], [45, 500, 840], [114, 700, 480], [120, 500, 120]];
    match dice.weighted(&BANDS[score]) {
        0 => dice.between(2, 4),
        1 => dice.between(5, 24),
        _ => dice.between(25, 48),
    }
}

/// `numerator / denominator`, rounded half up.
fn rounded(numerator: u64, denominator: u64) -> u64 {
    (numerator + denominator / 2) / denominator
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets(rows: u64) -> Tickets {
        let seed = Seed(42);
        Tickets::new(rows, Arc::new(Clientes::new(rows / 5, seed)), Arc::new(Staff::new(rows, seed)), seed)
    }

    #[test]
    fn the_calibration_holds_at_scale_1() {
        let tickets = tickets(ROWS);
        let (mut canal, mut estado, mut subtipo, mut minutes) = ([0; 6], [0; 5], [0; 5], 0);
        let (mut scores, mut score) = ([0; 6], 0);
        for row in 0..ROWS {
            let ticket = tickets.ticket(row);
            canal[ticket.canal] += 1;
            estado[ticket.estado] += 1;
            subtipo[tickets.subtipo.category(row)] += 1;
            minutes += 1 + tickets.tiempo_respuesta.category(row);
            scores[ticket.canal] += ticket.satisfaccion;
            score += ticket.satisfaccion;
        }
        assert_eq!(canal, [26_167, 18_639, 11_257, 9_065, 6_144, 3_728]);
        assert_eq!(subtipo, [22_397, 18_649, 15_271, 11_221, 7_462]);
        assert_eq!(estado[0], 61_500);
        assert_eq!(minutes, 1_140_000); // 15.2 times 75,000
        let hundredths = |sum: i64, count: i64| (sum * 1000 / count + 5) / 10;
        assert_eq!(std::array::from_fn(|c| hundredths(scores[c], canal[c])), [318, 325, 321, 328, 319, 324]);
        assert_eq!(hundredths(score, 75_000), 322);
    }

    #[test]
    fn the_ended_tickets_are_all_found_once() {
        let tickets = tickets(3000);
        let ended = tickets.ended();
        let mut seen = std::collections::BTreeSet::new();
        for (score, count) in ended.into_iter().enumerate() {
            for number in 0..count {
                let ticket = tickets.ended_ticket(score, number).unwrap();
                assert!(ESTADOS[ticket.estado] == "resuelto" || ESTADOS[ticket.estado] == "cerrado");
                assert_eq!(ticket.satisfaccion, value(1, score));
                assert!(seen.insert(ticket.row));
            }
            assert!(tickets.ended_ticket(score, count).is_none());
        }
        let all = (0..3000).filter(|row| tickets.ticket(*row).estado < ENDED).count();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn a_branch_visit_names_its_branch_and_three_in_ten_tickets_have_one() {
        let tickets = tickets(5000);
        let mut with_branch = 0;
        for row in 0..5000 {
            let ticket = tickets.ticket(row);
            let texts = tickets.texts(&ticket, 0);
            assert!(texts.sucursal.is_some() || ticket.canal != SUCURSAL);
            with_branch += u32::from(texts.sucursal.is_some());
        }
        assert!((1400..1600).contains(&with_branch), "{with_branch}");
    }
}
