//! Outside lists, read row by row into entries
