//! The simulator: the bank's seven datasets from a seed, each row a function of its number.
