//! `encuestas_post_atencion`: surveys after tickets that came to an end, at most one a ticket.
//!
//! Scores of tickets and answers of surveys form one table of counts with exact totals, in which most low scores meet low
//! answers. So the NPS is calibrated and still says something about the ticket.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::calendar;
use super::columns::Columns;
use super::dataset::Dataset;
use super::dice::{DiceBox, Seed};
use super::ids::Ids;
use super::quota::{Permutation, Quota, apportion, coupled};
use super::summary::Measures;
use super::text::sentence;
use super::tickets::{Tickets, value};
use crate::error::{Error, Result};

const ANSWERS: usize = 11;
/// The shapes of detractors (0 to 6), passives (7, 8) and promoters (9, 10).
const DETRACTORS: [u64; 7] = [2, 2, 3, 4, 5, 8, 9];
const PASSIVES: [u64; 2] = [13, 16];
const PROMOTERS: [u64; 2] = [20, 18];
/// Promoters in a hundred surveys, and how many more they are than detractors: the NPS.
const PROMOTERS_PERCENT: u64 = 38;
const NPS: u64 = 5;
/// How many surveys in a hundred answer as the ticket's satisfaction lets expect.
const ALIKE_PERCENT: u64 = 65;

const CANALES: [&str; 4] = ["email", "sms", "app", "whatsapp"];
const FACES: [Option<&str>; 4] = [Some("😊"), Some("😐"), Some("😞"), None];
/// The weights of the faces for satisfaction 1 to 5; about 40, 30, 20 and 10 % over all.
const FACE_WEIGHTS: [[u64; 4]; 5] =
    [[5, 20, 65, 10], [15, 30, 45, 10], [35, 40, 15, 10], [58, 26, 6, 10], [70, 17, 3, 10]];

/// The generator of surveys.
#[derive(Debug)]
pub(super) struct Encuestas {
    rows: u64,
    tickets: Arc<Tickets>,
    dice: DiceBox,
    ids: Ids,
    /// Satisfaction of the ticket × answer, the answer the faster.
    profile: Quota,
    /// For each satisfaction and answer how many surveys of that satisfaction come before.
    starts: Vec<Vec<u64>>,
    /// For each satisfaction a shuffle of its tickets, of which the first are asked.
    asked: Vec<Permutation>,
    canal: Quota,
}

/// One survey.
#[derive(Debug)]
struct Encuesta {
    encuesta_id: String,
    fecha_envio: i32,
    fecha_respuesta: i32,
    cliente_id: String,
    ticket_id: String,
    nps: i64,
    puntuacion_general: i64,
    facilidad_proceso: i64,
    rapidez_atencion: i64,
    amabilidad_asesor: i64,
    resolucion_problema: i64,
    comentario_libre: Option<String>,
    canal_encuesta: &'static str,
    emoji_sentimiento: Option<&'static str>,
}

impl Encuestas {
    /// `wanted` surveys, or as many as there are tickets to ask about.
    pub(super) fn new(wanted: u64, tickets: Arc<Tickets>, seed: Seed) -> Self {
        let ended = tickets.ended();
        let rows = wanted.min(ended.iter().sum());
        let table = coupled(&apportion(rows, &ended), &answers(rows), ALIKE_PERCENT);
        let starts = table.iter().map(|row| {
            let mut start = 0;
            let starts = row.iter().map(|count| {
                start += count;
                start - count
            });
            starts.collect()
        });
        let shuffles = ended.iter().enumerate();
        Self {
            rows,
            dice: DiceBox::new(seed, "encuestas_post_atencion"),
            ids: Ids::hexadecimal("ENC_", 10, seed),
            profile: Quota::new(&table.concat(), seed, "encuestas_post_atencion.nps"),
            starts: starts.collect(),
            asked: shuffles.map(|(s, count)| Permutation::new(*count, seed, &format!("asked {s}"))).collect(),
            canal: Quota::new(&apportion(rows, &[50, 25, 15, 10]), seed, "encuestas_post_atencion.canal_encuesta"),
            tickets,
        }
    }

    fn encuesta(&self, row: u64) -> Result<Encuesta> {
        let (cell, number) = self.profile.place(row);
        let (score, answer) = (cell / ANSWERS, cell % ANSWERS);
        let among_score = self.asked[score].forward(self.starts[score][answer] + number);
        let ticket = self.tickets.ended_ticket(score, among_score);
        let ticket = ticket.ok_or_else(|| Error::bug(format!("survey {row} has no ticket")))?;
        let mut dice = self.dice.row(row);
        let nps = value(0, answer);
        let satisfaccion = ticket.satisfaccion;
        let (low, high) = if satisfaccion >= 4 { (3, 5) } else { (1, 3) };
        let sent = calendar::day_of(ticket.resolved_at()) + days(dice.between(1, 5));
        Ok(Encuesta {
            encuesta_id: self.ids.id(row),
            fecha_envio: sent,
            fecha_respuesta: sent + days(dice.between(0, 5)),
            cliente_id: self.tickets.cliente_id(&ticket),
            ticket_id: self.tickets.id(&ticket),
            nps,
            puntuacion_general: (nps + dice.between(-2, 2)).clamp(1, 10),
            facilidad_proceso: dice.between(low, high),
            rapidez_atencion: dice.between(low, high),
            amabilidad_asesor: (satisfaccion + dice.between(-1, 2)).clamp(1, 5),
            resolucion_problema: (satisfaccion + dice.between(-2, 1)).clamp(1, 5),
            comentario_libre: dice.chance(400).then(|| sentence(&mut dice, 3, 7)),
            canal_encuesta: CANALES[self.canal.category(row)],
            emoji_sentimiento: FACES[dice.weighted(&FACE_WEIGHTS[score])],
        })
    }
}

impl Dataset for Encuestas {
    fn name(&self) -> &'static str {
        "encuestas_post_atencion"
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batch(&self, rows: Range<u64>) -> Result<RecordBatch> {
        let rows: Vec<Encuesta> = rows.map(|row| self.encuesta(row)).collect::<Result<_>>()?;
        Columns::default()
            .text("encuesta_id", rows.iter().map(|row| &row.encuesta_id))
            .date("fecha_envio", rows.iter().map(|row| row.fecha_envio))
            .date("fecha_respuesta", rows.iter().map(|row| row.fecha_respuesta))
            .text("cliente_id", rows.iter().map(|row| &row.cliente_id))
            .text("ticket_id", rows.iter().map(|row| &row.ticket_id))
            .int("nps", rows.iter().map(|row| row.nps))
            .int("puntuacion_general", rows.iter().map(|row| row.puntuacion_general))
            .int("facilidad_proceso", rows.iter().map(|row| row.facilidad_proceso))
            .int("rapidez_atencion", rows.iter().map(|row| row.rapidez_atencion))
            .int("amabilidad_asesor", rows.iter().map(|row| row.amabilidad_asesor))
            .int("resolucion_problema", rows.iter().map(|row| row.resolucion_problema))
            .optional_text("comentario_libre", rows.iter().map(|row| row.comentario_libre.as_ref()))
            .text("canal_encuesta", rows.iter().map(|row| row.canal_encuesta))
            .optional_text("emoji_sentimiento", rows.iter().map(|row| row.emoji_sentimiento))
            .batch()
    }

    fn measures(&self) -> Measures {
        Measures {
            day: "fecha_envio",
            counts: &["nps", "canal_encuesta", "emoji_sentimiento"],
            means: &["nps", "puntuacion_general", "facilidad_proceso", "rapidez_atencion"],
            means_by: &[],
        }
    }
}

/// How many surveys give each answer from 0 to 10, so that (promoters − detractors) / all is the wished NPS.
fn answers(rows: u64) -> Vec<u64> {
    let percent = |share: u64| (rows * share + 50) / 100;
    let promoters = percent(PROMOTERS_PERCENT);
    let detractors = promoters - percent(NPS).min(promoters);
    let passives = rows - promoters - detractors;
    [apportion(detractors, &DETRACTORS), apportion(passives, &PASSIVES), apportion(promoters, &PROMOTERS)].concat()
}

fn days(count: i64) -> i32 {
    i32::try_from(count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::clientes::Clientes;
    use super::super::staff::Staff;
    use super::*;

    fn encuestas(tickets: u64, wanted: u64) -> Encuestas {
        let seed = Seed(42);
        let (clientes, staff) = (Arc::new(Clientes::new(300, seed)), Arc::new(Staff::new(tickets, seed)));
        Encuestas::new(wanted, Arc::new(Tickets::new(tickets, clientes, staff, seed)), seed)
    }

    #[test]
    fn the_nps_of_scale_1_is_5() {
        let answers = answers(21_531);
        let (detractors, promoters): (u64, u64) = (answers[..7].iter().sum(), answers[9..].iter().sum());
        assert_eq!(answers.iter().sum::<u64>(), 21_531);
        assert_eq!(((promoters - detractors) * 10_000 / 21_531 + 5) / 10, 50); // tenths
    }

    #[test]
    fn every_survey_asks_about_another_ticket_after_its_end() {
        let encuestas = encuestas(3000, 861);
        let mut asked = BTreeSet::new();
        let mut nps = vec![0; ANSWERS];
        let (mut low, mut high) = ((0, 0), (0, 0));
        for row in 0..861 {
            let encuesta = encuestas.encuesta(row).unwrap();
            assert!(encuesta.fecha_envio <= encuesta.fecha_respuesta);
            assert!(asked.insert(encuesta.ticket_id), "a ticket has two surveys");
            nps[usize::try_from(encuesta.nps).unwrap()] += 1;
            let of_score = if encuestas.profile.category(row) / ANSWERS < 2 { &mut low } else { &mut high };
            *of_score = (of_score.0 + encuesta.nps, of_score.1 + 1);
        }
        assert_eq!(nps, answers(861));
        assert!(low.0 * high.1 * 3 < high.0 * low.1 * 2, "answers do not follow satisfaction: {low:?} {high:?}");
    }

    #[test]
    fn there_are_never_more_surveys_than_ended_tickets() {
        let encuestas = encuestas(20, 1000);
        assert_eq!(encuestas.rows(), encuestas.tickets.ended().iter().sum::<u64>());
        let ids: BTreeSet<String> = (0..encuestas.rows()).map(|r| encuestas.encuesta(r).unwrap().ticket_id).collect();
        assert_eq!(ids.len() as u64, encuestas.rows());
    }
}
