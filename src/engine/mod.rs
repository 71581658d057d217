//! The SQL engine: sessions, name resolution, functions, statements and their answers.
