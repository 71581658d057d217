//! Checks: compiling a rule to SQL, measuring it on staged data, showing the rows that fail.
