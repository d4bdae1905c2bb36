//! Fuzz targets, as plain functions over bytes.
