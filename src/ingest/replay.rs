//! Corrected texts in the place of rejected records.
//!
//! A piece with a record that somebody corrected is made into rows part by part: what stands before the record, the
//! corrected text, what stands behind. So a corrected record is read by the rules of all others, and its row stands
//! where the record stands.

use std::ops::Range;

use super::decode::Measure;
use super::fault::{Faults, Reject};
use super::piece::Piece;
use super::rows::Made;
use super::text_file::Maker;
use crate::error::Result;

/// The rows and rejects of `piece` of a file measured by `measure`, with the corrections that `faults` knows.
pub(super) fn make(maker: &dyn Maker, piece: &Piece, measure: Measure, faults: &dyn Faults) -> Result<Made> {
    let made = maker.make(piece)?;
    let corrected =
        |(reject, record): (&Reject, &Range<usize>)| Some((record.clone(), faults.correction(reject)?, reject.clone()));
    let corrected: Vec<_> = made.rejects.iter().zip(&made.rejected).filter_map(corrected).collect();
    if corrected.is_empty() {
        return Ok(made);
    }
    let mut whole = Made::default();
    let mut rest = piece.clone();
    let mut at = 0;
    for (record, text, reject) in corrected {
        let before = Piece { text: rest.text[..record.start - at].to_vec(), broken: None, ..rest };
        whole.append(maker.make(&before)?);
        rest.drop_first(record.start - at, measure);
        whole.append(replay(maker, &rest, &text, reject)?);
        rest.drop_first(record.len(), measure);
        rest.broken = None;
        at = record.end;
    }
    whole.append(maker.make(&rest)?);
    Ok(whole)
}

/// What becomes of `reject`, with which the piece `at` begins, if `text` is read in its place.
fn replay(maker: &dyn Maker, at: &Piece, text: &str, mut reject: Reject) -> Result<Made> {
    let piece = Piece { text: text.as_bytes().to_vec(), offset: at.offset, line: at.line, broken: None };
    let mut made = maker.make(&piece)?;
    match why_no_row(&made) {
        None => {
            made.account.replayed = 1;
            Ok(made)
        }
        Some(why) => {
            reject.still_wrong(&why);
            Ok(Made::of_reject(reject, 0..at.text.len()))
        }
    }
}

/// Why a corrected record, which was made into this, is no row; none if it is one.
pub(super) fn why_no_row(made: &Made) -> Option<String> {
    match (made.rejects.first(), made.account.records) {
        _ if (made.account.records, made.account.rows) == (1, 1) => None,
        (Some(still), 1) => Some(still.message()),
        (_, records) => Some(format!("it is {records} records")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::fault::Account;
    use super::super::testing::{Correcting, KeepAll, dataset, decode};

    #[test]
    fn what_is_still_wrong_is_rejected_as_it_was_and_says_so() {
        let texts = [("x,1", "1,1"), ("y,2", "z,2"), ("w,3", "3,3\n4,4"), ("v,5", "")];
        let texts = texts.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
        let faults = Arc::new(Correcting { texts, ..Correcting::default() });
        let text = b"n,m\nx,1\ny,2\nw,3\nv,5\n6,6\nu,7\n";
        let rows = decode(&dataset("n int; m int"), text, 9, (8, 1), Arc::<Correcting>::clone(&faults)).unwrap();
        assert_eq!(rows.num_rows(), 2);
        let told: Vec<String> =
            faults.kept.rejects().iter().map(|reject| format!("{} {}", reject.line, reject.message())).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        3 n: "y" is not an int; its correction is no row either: n: "z" is not an int
        4 n: "w" is not an int; its correction is no row either: it is 2 records
        5 n: "v" is not an int; its correction is no row either: it is 0 records
        7 n: "u" is not an int
        "#);
        assert_eq!(faults.kept.accounts(), [Account { records: 6, rows: 2, rejected: 4, replayed: 1 }]);
    }

    proptest! {
        #[test]
        fn a_corrected_file_reads_as_the_file_that_was_meant(
            records in prop::collection::vec((any::<bool>(), any::<bool>(), "[a\"\nñ]{0,4}"), 0..40),
            size in 1_usize..60, tasks in 1_usize..4, crlf: bool,
        ) {
            let end = if crlf { "\r\n" } else { "\n" };
            let record = |number: &str, text: &str| format!("{number},\"{}\"", text.replace('"', "\"\""));
            let (mut damaged, mut meant) = (format!("n,t{end}"), format!("n,t{end}"));
            let (mut texts, mut corrected) = (HashMap::new(), 0);
            for (index, (wrong, known, text)) in records.iter().enumerate() {
                let good = record(&index.to_string(), text);
                let bad = record(&format!("x{index}"), text);
                let written = if *wrong { &bad } else { &good };
                damaged.push_str(&format!("{written}{end}"));
                meant.push_str(&format!("{}{end}", if *known { &good } else { written }));
                if *wrong && *known {
                    corrected += 1;
                    texts.insert(bad, good);
                }
            }
            let dataset = dataset("n int; t string");
            let (faults, plain) = (Arc::new(Correcting { texts, ..Correcting::default() }), Arc::new(KeepAll::default()));
            let got = decode(&dataset, damaged.as_bytes(), size, (5, tasks), Arc::<Correcting>::clone(&faults)).unwrap();
            let expected = decode(&dataset, meant.as_bytes(), 1 << 20, (5, 1), Arc::<KeepAll>::clone(&plain)).unwrap();
            prop_assert_eq!(got, expected);
            let account = faults.kept.accounts()[0];
            prop_assert_eq!(account, Account { replayed: corrected, ..plain.accounts()[0] });
            prop_assert_eq!(faults.kept.rejects().len() as u64, account.rejected);
            for reject in faults.kept.rejects() {
                let start = usize::try_from(reject.offset.unwrap()).unwrap();
                prop_assert_eq!(&damaged[start..start + reject.raw.len()], reject.raw.as_str());
                prop_assert_eq!(damaged[..start].matches('\n').count() as u64 + 1, reject.line);
            }
        }
    }
}
