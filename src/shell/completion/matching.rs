//! Which candidates fit what was typed: those that begin so; failing that, those that hold it, or its letters in order.

use super::Offer;

/// The most that is offered at once.
const MOST: usize = 500;

/// The offers that fit `word`, the likeliest first, each once. Case makes no difference.
pub(super) fn matching(offers: impl IntoIterator<Item = Offer>, word: &str) -> Vec<Offer> {
    let word = word.to_lowercase();
    let mut best = usize::MAX;
    let mut found: Vec<(usize, Offer)> = Vec::new();
    for offer in offers {
        let Some(rank) = rank(&offer.text.to_lowercase(), &word) else { continue };
        let tier = rank.min(2);
        if tier < best {
            best = tier;
            found.retain(|(rank, _)| (*rank).min(2) <= best);
        }
        if tier == best {
            found.push((rank, offer));
        }
    }
    found.sort_by(|(a, left), (b, right)| {
        (a, left.kind, &left.text, &left.note).cmp(&(b, right.kind, &right.text, &right.note))
    });
    let mut offers: Vec<Offer> = found.into_iter().map(|(_, offer)| offer).collect();
    let mut seen = std::collections::HashSet::new();
    offers.retain(|offer| seen.insert(offer.text.clone()));
    offers.truncate(MOST);
    offers
}

/// How well `text` fits `word`: 0 if it begins so, 1 if it holds it, more the further apart its letters stand.
fn rank(text: &str, word: &str) -> Option<usize> {
    if text.starts_with(word) {
        return Some(0);
    }
    // One letter is in nearly everything.
    word.chars().nth(1)?;
    if text.contains(word) {
        return Some(1);
    }
    let own = text.rsplit('.').next().unwrap_or(text);
    let mut letters = own.char_indices();
    let mut first = None;
    let mut last = 0;
    for wanted in word.chars() {
        let (at, _) = letters.find(|(_, letter)| *letter == wanted)?;
        first.get_or_insert(at);
        last = at;
    }
    // Letters from all over a long name are chance.
    let spread = last - first.unwrap_or(0);
    (first == Some(0) && spread <= 3 * word.len() + 6).then_some(2 + spread)
}
