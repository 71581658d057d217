//! What a block of an Arrow file says of itself, before anybody believes it.
//!
//! Before a decoder expands a compressed buffer it makes room for as many bytes as the buffer says it holds. In a damaged file
//! that may be more than there is memory anywhere, and of such a demand a program dies.

use arrow::ipc::{Block, root_as_message};

/// The most that a byte can stand for: a block of zstd that repeats one byte stands for 128 KiB in four bytes.
const MOST_EXPANDED: u64 = 1 << 15;
/// What a buffer without any content may say.
const LEAST_BELIEVED: u64 = 1 << 17;
/// No buffer is larger than this, however much is stored of it.
const LARGEST: u64 = 1 << 32;

/// Whether no buffer of `block`, whose bytes these are, says that it holds more than it can.
pub(super) fn is_plausible(block: &Block, bytes: &[u8]) -> bool {
    says(block, bytes).is_some_and(|sizes| {
        let possible = |stored: u64| stored.saturating_mul(MOST_EXPANDED).clamp(LEAST_BELIEVED, LARGEST);
        sizes.into_iter().all(|(stored, said)| said <= possible(stored))
    })
}

/// The stored size of each compressed buffer, and the one it says to have; none if the block cannot be taken apart.
fn says(block: &Block, bytes: &[u8]) -> Option<Vec<(u64, u64)>> {
    let (metadata, body) = bytes.split_at_checked(usize::try_from(block.metaDataLength()).ok()?)?;
    // A length stands before the message, and in files of today a mark before the length.
    let (_, after_mark) = metadata.split_at_checked(if metadata.starts_with(&[0xff; 4]) { 4 } else { 0 })?;
    let (_, message) = after_mark.split_at_checked(4)?;
    let message = root_as_message(message).ok()?;
    let batch = match message.header_as_dictionary_batch() {
        Some(dictionary) => dictionary.data()?,
        None => message.header_as_record_batch()?,
    };
    if batch.compression().is_none() {
        return Some(Vec::new());
    }
    let mut sizes = Vec::new();
    for buffer in batch.buffers()? {
        let (start, length) = (usize::try_from(buffer.offset()).ok()?, usize::try_from(buffer.length()).ok()?);
        let stored = body.get(start..start.checked_add(length)?)?;
        if let Some((said, content)) = stored.split_first_chunk::<8>() {
            // A buffer that says -1 is not compressed.
            let said = u64::try_from(i64::from_le_bytes(*said)).unwrap_or(0);
            sizes.push((content.len() as u64, said));
        }
    }
    Some(sizes)
}
