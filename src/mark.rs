//! Marks: short hashes that stand for something and are equal where it is.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// 32 hexadecimal digits of SHA-256 over the parts, each with its length, so that no two lists of parts run together.
pub fn mark<T: AsRef<[u8]>>(parts: &[T]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.as_ref().len() as u64).to_le_bytes());
        hasher.update(part.as_ref());
    }
    hex(&hasher.finalize()[..16])
}

/// Bytes as hexadecimal digits in lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing into a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
        assert_eq!(mark(&["ab", "c"]).len(), 32);
        assert_ne!(mark(&["ab", "c"]), mark(&["a", "bc"]));
        assert_eq!(mark(&["ab", "c"]), mark(&["ab", "c"]));
    }
}
