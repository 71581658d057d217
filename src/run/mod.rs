//! A run: carries out a plan, ends in a release or in nothing.
