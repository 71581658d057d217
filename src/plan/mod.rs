//! What a run would do and why, as a value: printable, comparable, never acting.
