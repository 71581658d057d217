//! Readers of raw input: bytes to typed batches, every fault with its file, line and column.
