//! YAML documents with places: a text as a tree whose every key and value knows its line and column.
