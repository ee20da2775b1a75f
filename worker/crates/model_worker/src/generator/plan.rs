//! Whether a model fits into the memory of a tab, and how long its texts may become, before any of it is loaded.

use models::llm::Needs;
use protocol::{Fault, FaultCode};

/// A module counts its memory in 32 bits, and something of it is the module's own.
pub const MAX_MEMORY_BYTES: u64 = (4 << 30) - (192 << 20);
/// Longest text where nobody asks for more: what a processor reads anew in bearable time.
const USUAL_TOKENS: u64 = 4096;
/// Shorter texts are of no use for anything.
const LEAST_TOKENS: u64 = 512;
/// Vocabulary, room for what is between the layers, and the module itself.
const OTHER_BYTES: u64 = 96 << 20;
/// Texts under way: a completion and a conversation.
const TEXTS: u64 = 2;

/// Bytes that a model may take, given what the browser says of the device, which is little and rough.
pub fn room_bytes(device_memory_bytes: Option<u64>) -> u64 {
    device_memory_bytes.map_or(MAX_MEMORY_BYTES, |device| MAX_MEMORY_BYTES.min(device / 4 * 3))
}

/// Longest text in tokens, of at most as many as are `asked` for.
///
/// # Errors
/// A model that does not fit, with what it takes and what there is.
pub fn max_tokens(needs: &Needs, asked: Option<u32>, room_bytes: u64) -> Result<usize, Fault> {
    let wanted = asked.map_or(USUAL_TOKENS, u64::from).min(needs.max_tokens).max(1);
    let least = wanted.min(LEAST_TOKENS);
    let token_bytes = needs.token_bytes.max(1).saturating_mul(TEXTS);
    let others = needs.weight_bytes.saturating_add(OTHER_BYTES);
    let fitting = room_bytes.saturating_sub(others) / token_bytes;
    if fitting < least {
        let takes = others.saturating_add(least.saturating_mul(token_bytes));
        return Err(Fault::new(
            FaultCode::TooLarge,
            format!(
                "This model takes about {} of memory, and there are {} for it here. Choose a smaller model, or a file \
                 with fewer bits for each weight.",
                shown(takes),
                shown(room_bytes)
            ),
        ));
    }
    Ok(wanted.min(fitting) as usize)
}

fn shown(bytes: u64) -> String {
    let mib = bytes.div_ceil(1 << 20);
    if mib < 1000 { format!("{mib} MiB") } else { format!("{:.1} GiB", mib as f64 / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn needs(weights_mib: u64, token_bytes: u64, max_tokens: u64) -> Needs {
        Needs { weight_bytes: weights_mib * MIB, token_bytes, max_tokens }
    }

    #[test]
    fn a_text_is_as_long_as_was_asked_for_where_model_and_memory_hold_it() {
        let small = needs(100, 46_080, 8192);
        for (asked, room, expected) in [
            (None, MAX_MEMORY_BYTES, 4096),
            (Some(8192), MAX_MEMORY_BYTES, 8192),
            (Some(100_000), MAX_MEMORY_BYTES, 8192),
            (Some(64), MAX_MEMORY_BYTES, 64),
            (Some(0), MAX_MEMORY_BYTES, 1),
            (None, (100 + 96) * MIB + 2 * 46_080 * 1000, 1000),
        ] {
            assert_eq!(max_tokens(&small, asked, room), Ok(expected), "{asked:?} in {room}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_both_numbers() {
        for (needs, room) in [
            (needs(7000, 100_000, 4096), MAX_MEMORY_BYTES),
            (needs(300, 100_000, 4096), 400 * MIB),
            (Needs { weight_bytes: u64::MAX, token_bytes: u64::MAX, max_tokens: u64::MAX }, MAX_MEMORY_BYTES),
        ] {
            let refused = max_tokens(&needs, None, room).map_err(|fault| fault.code);
            assert_eq!(refused, Err(FaultCode::TooLarge), "{needs:?}");
        }
        let fault = max_tokens(&needs(7000, 1024, 4096), None, 2048 * MIB).err().map(|fault| fault.sentence);
        let sentence = fault.unwrap_or_default();
        assert!(sentence.contains("6.9 GiB") && sentence.contains("2.0 GiB"), "{sentence}");
    }

    #[test]
    fn a_small_device_has_less_room() {
        assert_eq!(room_bytes(None), MAX_MEMORY_BYTES);
        assert_eq!(room_bytes(Some(8 << 30)), MAX_MEMORY_BYTES);
        assert_eq!(room_bytes(Some(2 << 30)), 1536 * MIB);
    }
}
