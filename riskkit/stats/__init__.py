"""Statistics of means over replicates: jackknife, simultaneous bands, slopes, first passages, minimizers."""
