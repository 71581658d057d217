//! What people write: sentences, prose of a wished length, user names.

use fake::Fake;
use fake::faker::lorem::raw::Word;
use fake::faker::name::raw::{FirstName, LastName};

use super::dice::Dice;
use super::locale::EsPe;

/// A sentence of `fewest` to `most` words with a capital and a full stop.
pub(super) fn sentence(dice: &mut Dice, fewest: i64, most: i64) -> String {
    let mut out = String::with_capacity(64);
    push_sentence(&mut out, dice, fewest, most);
    out
}

/// `opening` and a sentence after it.
pub(super) fn opened(opening: &str, dice: &mut Dice) -> String {
    let mut out = String::with_capacity(opening.len() + 72);
    out.push_str(opening);
    out.push_str(". ");
    push_sentence(&mut out, dice, 4, 9);
    out
}

/// Sentences of `shortest` to about `longest` bytes in all, after what `out` already holds; now and then one begins a
/// new line.
pub(super) fn push_prose(out: &mut String, dice: &mut Dice, shortest: i64, longest: i64) {
    let wanted = usize::try_from(dice.between(shortest, longest)).unwrap_or_default();
    while out.len() < wanted {
        if !out.is_empty() {
            out.push(if dice.chance(300) { '\n' } else { ' ' });
        }
        push_sentence(out, dice, 3, 7);
    }
}

/// Sentences of `shortest` to about `longest` bytes in all.
pub(super) fn prose(dice: &mut Dice, shortest: i64, longest: i64) -> String {
    let mut out = String::with_capacity(usize::try_from(longest).unwrap_or_default() + 64);
    push_prose(&mut out, dice, shortest, longest);
    out
}

/// A user name as people choose it from their own: `rquispe`, `milagros84`, `hugo.condori`.
pub(super) fn user_name(dice: &mut Dice) -> String {
    let first: &str = FirstName(EsPe).fake_with_rng(dice.rng());
    let last: &str = LastName(EsPe).fake_with_rng(dice.rng());
    let name = match dice.below(4) {
        0 => format!("{}{last}", first.chars().next().unwrap_or('x')),
        1 => format!("{first}{:02}", dice.below(100)),
        2 => format!("{first}.{last}"),
        _ => format!("{last}{first}"),
    };
    name.chars().map(plain).collect()
}

fn push_sentence(out: &mut String, dice: &mut Dice, fewest: i64, most: i64) {
    for position in 0..dice.between(fewest, most) {
        let word: &str = Word(EsPe).fake_with_rng(dice.rng());
        if position > 0 {
            out.push(' ');
            out.push_str(word);
            continue;
        }
        let mut letters = word.chars();
        out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        out.push_str(letters.as_str());
    }
    out.push('.');
}

/// A letter in lower case and without its accent, as user names have it.
fn plain(letter: char) -> char {
    match letter.to_lowercase().next().unwrap_or(letter) {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        'ñ' => 'n',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::dice::{DiceBox, Seed};
    use super::*;

    #[test]
    fn prose_has_the_wished_length() {
        let dice = DiceBox::new(Seed(42), "x");
        let texts: Vec<String> = (0..300).map(|row| prose(&mut dice.row(row), 86, 299)).collect();
        assert!(texts.iter().all(|text| (86..380).contains(&text.len())));
        assert!(texts.iter().any(|text| text.contains('\n')));
        assert!(texts.iter().all(|text| text.ends_with('.') && text.starts_with(char::is_uppercase)));
    }

    #[test]
    fn user_names_are_plain() {
        let dice = DiceBox::new(Seed(42), "x");
        for row in 0..500 {
            let name = user_name(&mut dice.row(row));
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.'), "{name}");
        }
    }
}
