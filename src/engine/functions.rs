//! SQL functions of cauce.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result as EngineResult, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Hexadecimal digits of a pseudonym: 128 bits, so that two of a billion values meet with a chance below 10⁻²⁰.
const DIGITS: usize = 32;

/// `pseudonym(text) -> text`: the first 128 bits of HMAC-SHA256 (RFC 2104) of the text under the project's key, as
/// lower-case hexadecimal. Equal texts give equal pseudonyms, so joins still hold; NULL stays NULL. Without the key a
/// pseudonym cannot be computed from a list of customers.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Pseudonym {
    key: Vec<u8>,
    signature: Signature,
}

impl Pseudonym {
    /// The name of the function in SQL.
    pub(super) const NAME: &'static str = "pseudonym";

    pub(super) fn new(key: &[u8]) -> Self {
        Self { key: key.to_vec(), signature: Signature::string(1, Volatility::Immutable) }
    }

    fn keyed(&self) -> EngineResult<Hmac<Sha256>> {
        Hmac::new_from_slice(&self.key).map_err(|failure| DataFusionError::Internal(failure.to_string()))
    }
}

impl ScalarUDFImpl for Pseudonym {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> EngineResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> EngineResult<ColumnarValue> {
        let keyed = self.keyed()?;
        match &args.args[0] {
            ColumnarValue::Scalar(scalar) => {
                let text = scalar.try_as_str().flatten();
                let pseudonym = text.map(|text| digest(&keyed, text).iter().map(|&digit| char::from(digit)).collect());
                Ok(ColumnarValue::Scalar(ScalarValue::Utf8(pseudonym)))
            }
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(pseudonyms(&keyed, array)?)),
        }
    }
}

fn pseudonyms(keyed: &Hmac<Sha256>, texts: &ArrayRef) -> EngineResult<ArrayRef> {
    let mut builder = StringBuilder::with_capacity(texts.len(), texts.len() * DIGITS);
    let mut append = |text: Option<&str>| -> EngineResult<()> {
        match text {
            None => builder.append_null(),
            Some(text) => {
                let digits = digest(keyed, text);
                let digits = std::str::from_utf8(&digits).map_err(|e| DataFusionError::Internal(e.to_string()))?;
                builder.append_value(digits);
            }
        }
        Ok(())
    };
    match texts.data_type() {
        DataType::Utf8 => texts.as_string::<i32>().iter().try_for_each(&mut append)?,
        DataType::LargeUtf8 => texts.as_string::<i64>().iter().try_for_each(&mut append)?,
        DataType::Utf8View => texts.as_string_view().iter().try_for_each(&mut append)?,
        other => return Err(DataFusionError::Internal(format!("pseudonym of {other}"))),
    }
    Ok(Arc::new(builder.finish()))
}

fn digest(keyed: &Hmac<Sha256>, text: &str) -> [u8; DIGITS] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut mac = keyed.clone();
    mac.update(text.as_bytes());
    let tag = mac.finalize().into_bytes();
    let mut digits = [0; DIGITS];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(tag) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_the_keyed_digest_of_rfc_4231() {
        // Test case 2 of RFC 4231, cut to 128 bits.
        let keyed = Pseudonym::new(b"Jefe").keyed().unwrap();
        let digits = digest(&keyed, "what do ya want for nothing?");
        assert_eq!(std::str::from_utf8(&digits).unwrap(), "5bdcc146bf60754e6a042426089575c7");
    }

    #[test]
    fn null_stays_null_and_equal_stays_equal() {
        let texts: ArrayRef = Arc::new(arrow::array::StringViewArray::from(vec![Some("CLI_1"), None, Some("CLI_1")]));
        let keyed = Pseudonym::new(b"k").keyed().unwrap();
        let made = pseudonyms(&keyed, &texts).unwrap();
        let made = made.as_string::<i32>();
        assert!(made.is_null(1));
        assert_eq!(made.value(0), made.value(2));
        assert_ne!(made.value(0), "CLI_1");
    }
}
